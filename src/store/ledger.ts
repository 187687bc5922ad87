import { type Entry, HOUSE } from '../domain/chain.ts'
import type { Instant } from '../domain/ids.ts'
import { EMPTY, type Ledger, type LedgerEvent, note } from '../domain/ledger.ts'
import { Forged, type Store } from '../ports/store.ts'
import type { Database, Query } from './database.ts'
import { ledgerAfter } from './entries.ts'
import { lines, notBefore, plain } from './log.ts'
import { columns } from './rows.ts'
import { BEGINNING, type End, forgery, type Sign } from './seals.ts'

/** The ledger as far as it was read, and where that was. */
export interface Read {
  readonly ledger: Ledger
  readonly end: End
  readonly at: Instant // of the last entry
}

export const UNREAD: Read = { ledger: EMPTY, end: BEGINNING, at: 0 }

/**
 * What the house remembers. What was read once is kept, so that asking again costs one small query; and what is new is checked
 * before it is believed, for a link that somebody made up would let them vote in another's name.
 */
export function ledger(database: Database, sign: Sign | undefined): Pick<Store, 'ledger' | 'keep'> {
  let known = UNREAD
  const learn = (read: Read): Ledger => {
    if (read.end.seq >= known.end.seq) known = read
    return read.ledger
  }
  return {
    ledger: async () => learn(await readOn(database, known, sign)),
    keep: async change =>
      learn(
        await database.transaction(async client => {
          await client.query(`select pg_advisory_xact_lock(hashtextextended(current_schema() || '/ledger', 0))`)
          const before = await readOn(client, known, sign)
          // The time is asked for after the lock was had: waiting for it may have taken a while.
          const { rows } = await client.query<{ readonly now: Instant }>('select signalbox_millis() as now')
          const { read, entries } = kept(before, change, rows[0]!.now, sign)
          if (entries.length > 0)
            await client.query(
              `insert into ledger (seq, at, type, data, hash, mac)
               select * from unnest($1::integer[], $2::bigint[], $3::text[], $4::json[], $5::text[], $6::text[])`,
              [...columns(entries)],
            )
          return read
        }),
      ),
  }
}

async function readOn(client: Query, known: Read, sign: Sign | undefined): Promise<Read> {
  if (known.end.seq === 0) return read(known, await ledgerAfter(client, 0), sign)
  // The last one that is known is read again: it tells whether this is still the same ledger.
  const [last, ...more] = await ledgerAfter(client, known.end.seq - 1)
  if (last?.seq === known.end.seq && last.hash === known.end.hash) return read(known, more, sign)
  throw new Forged(
    `The ledger is not the one that was read before: entry ${known.end.seq} is gone or is another. If the database was restored, start Signalbox again.`,
  )
}

/** The ledger with these entries. Throws Forged for what Signalbox did not write. */
export function read(known: Read, entries: readonly Entry[], sign: Sign | undefined): Read {
  const why = forgery(HOUSE, entries, sign, known.end)
  if (why !== undefined)
    throw new Forged(`${capital(why)}. Nothing is decided before somebody has looked into it: signalbox audit verify.`)
  return entries.reduce(
    ({ ledger }, { seq, at, type, data, hash }) => ({
      ledger: note(ledger, eventOf({ type, data }), at),
      end: { seq, hash },
      at,
    }),
    known,
  )
}

/** What a change comes to: the lines that it adds, and the ledger after them. */
export function kept(
  before: Read,
  change: (ledger: Ledger, now: Instant) => readonly LedgerEvent[],
  time: Instant,
  sign: Sign | undefined,
): { readonly read: Read; readonly entries: readonly Entry[] } {
  const now = notBefore(time, before.at)
  const entries = lines(HOUSE, before.end, change(before.ledger, now).map(plain), now, sign)
  return { read: read(before, entries, sign), entries }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** Only `kept` writes the ledger, so it is read without asking again. */
const eventOf = ({ type, data }: Pick<Entry, 'type' | 'data'>): LedgerEvent => ({ type, ...(data as object) }) as LedgerEvent
