import type { Instant } from '../../src/domain/ids.ts'
import type { LedgerEvent } from '../../src/domain/ledger.ts'
import type { Store } from '../../src/ports/store.ts'
import { memoryLedger } from './memory-ledger.ts'

/** What the house remembers, and nothing else, on a clock that only its test moves. */
export interface Kept extends Pick<Store, 'ledger' | 'keep'> {
  time: Instant
  events(): readonly LedgerEvent[]
}

export function kept(time: Instant): Kept {
  const { lines, ledger, keep } = memoryLedger(() => store.time, undefined)
  const store: Kept = {
    time,
    events: () => lines.map(({ type, data }) => ({ type, ...(data as object) }) as LedgerEvent),
    ledger,
    // A change may be called again, as when a transaction has to be repeated: what it said the first time is thrown away.
    keep: change =>
      keep((before, now) => {
        change(before, now)
        return change(before, now)
      }),
  }
  return store
}
