import type { Entry } from '../../src/domain/chain.ts'
import type { Instant } from '../../src/domain/ids.ts'
import type { Store } from '../../src/ports/store.ts'
import { kept, read, UNREAD } from '../../src/store/ledger.ts'
import type { Sign } from '../../src/store/seals.ts'
import { copy } from './memory-messages.ts'

export interface MemoryLedger extends Pick<Store, 'ledger' | 'keep'> {
  readonly lines: Entry[]
}

/** The ledger without a database: folded anew each time it is asked for, and checked as it is in Postgres. */
export function memoryLedger(now: () => Instant, sign: Sign | undefined): MemoryLedger {
  const lines: Entry[] = []
  const all = () => read(UNREAD, lines, sign)
  return {
    lines,
    ledger: async () => all().ledger,
    async keep(change) {
      const { read: after, entries } = kept(all(), change, now(), sign)
      lines.push(...entries.map(copy))
      return after.ledger
    },
  }
}
