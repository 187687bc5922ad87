import { createHash } from 'node:crypto'
import type { Digest, Handle, Instant, Millis, Person } from '../../src/domain/ids.ts'
import { hours } from '../../src/domain/ids.ts'
import { EMPTY, type Ledger, type LedgerEvent, note } from '../../src/domain/ledger.ts'
import type { Listed, Role, Rule, Rulebook } from '../../src/domain/rulebook.ts'
import type { Seal } from '../../src/ports/seal.ts'
import type { Store } from '../../src/ports/store.ts'
import { NOW } from './given.ts'

/** People, roles and accounts for the tests of who is who. */
export const handle = (text: string): Handle => text as Handle
export const person = (text: string): Person => text as Person

export const listedAs = (roles: readonly string[], handles: readonly string[] = [], more: Partial<Listed> = {}): Listed => ({
  name: roles.join(' and '),
  roles,
  handles: handles.map(handle),
  ...more,
})

export const role = (includes: readonly string[] = [], ...groups: readonly string[]): Role => ({ includes, groups })

const anybody = (more: Partial<Rule>): Rule => ({
  name: 'operators may',
  capability: '*',
  target: '*',
  upTo: 'destructive',
  may: 'operator',
  ...more,
})

export const rulebook = (people: Rulebook['people'], more: Partial<Rulebook> = {}): Rulebook => ({
  zone: 'UTC',
  roles: {
    viewer: role(),
    operator: role(['viewer'], 'slack:S0OPS'),
    lead: role(['operator'], 'slack:S0LEADS', 'discord:1100'),
  },
  people,
  rules: [anybody({ name: 'only leads unlink', capability: 'signalbox.unlink', may: 'lead' }), anybody({})],
  labels: { sql01: {} },
  windows: [],
  links: { expire: 90 * hours(24), coolDown: hours(24) },
  ...more,
})

/** The ledger's part of a store, on a clock that only its test moves. */
export interface LedgerStore extends Pick<Store, 'ledger' | 'keep' | 'now'> {
  readonly events: LedgerEvent[]
  push(by: Millis): void
}

export function ledgerStore(start: Instant = NOW): LedgerStore {
  let [ledger, time]: [Ledger, Instant] = [EMPTY, start]
  const events: LedgerEvent[] = []
  return {
    events,
    ledger: () => Promise.resolve(ledger),
    async keep(change) {
      // A database may call it again after a conflict: only the last answer counts.
      change(EMPTY, time)
      for (const event of change(ledger, time)) {
        // What is kept goes through JSON, as in a database.
        ledger = note(ledger, JSON.parse(JSON.stringify(event)), time)
        events.push(event)
      }
      return ledger
    },
    now: () => Promise.resolve(time),
    push(by) {
      time += by
    },
  }
}

/** Codes in order: AAAA-0001, AAAA-0002 ... */
export function countingSeal(): Pick<Seal, 'code' | 'hash'> {
  let n = 0
  return {
    code: () => `AAAA-${String(++n).padStart(4, '0')}`,
    hash: code => createHash('sha256').update(`key ${code.toUpperCase()}`).digest('hex') as Digest,
  }
}

/** What the ledger holds after these events, each at its time. */
export const ledgerOf = (...events: readonly (readonly [LedgerEvent, Instant])[]): Ledger =>
  events.reduce((ledger, [event, at]) => note(ledger, event, at), EMPTY)

export const linked = (
  account: string,
  to: string,
  { roles = [], days = 90 }: { readonly roles?: readonly string[]; readonly days?: number } = {},
  at: Instant = NOW,
): readonly [LedgerEvent, Instant] => [
  { type: 'link.made', handle: handle(account), person: person(to), until: at + days * hours(24), roles },
  at,
]
