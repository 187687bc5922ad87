import { type Entry, HOUSE } from '../domain/chain.ts'
import type { RunId } from '../domain/ids.ts'
import type { Store } from '../ports/store.ts'
import type { Database, Query } from './database.ts'
import { forgeryUpTo, type Sign } from './seals.ts'

const PAGE = 500

/** The log as it was written, for the auditor. */
export function entries(database: Database): Pick<Store, 'entries' | 'heads'> {
  return {
    async *entries(run) {
      if (run !== HOUSE) yield* events(database, run)
      if (run === undefined || run === HOUSE) yield* ledgerEntries(database)
    },
    async heads() {
      const { rows } = await database.query<Head>(
        `select id as run, seq, head_hash as hash, number from runs
         union all (select '${HOUSE}', seq, hash, null from ledger order by seq desc limit 1) order by number nulls last`,
      )
      return rows.map(({ run, seq, hash }) => ({ run, seq, hash }))
    },
  }
}

type Head = Awaited<ReturnType<Store['heads']>>[number]

/** An entry as its row has it. */
export type EntryRow = Omit<Entry, 'mac'> & { readonly mac: string | null }

export const entryOf = ({ run, seq, at, type, data, hash, mac }: EntryRow): Entry => ({
  run,
  seq,
  at,
  type,
  data,
  hash,
  ...(mac === null ? {} : { mac }),
})

/** Page by page: no transaction stays open while the reader takes its time, and what is appended meanwhile may be seen. */
async function* events(database: Database, run: RunId | undefined): AsyncGenerator<Entry> {
  let [number, seq] = [0, 0]
  for (;;) {
    const { rows } = await database.query<EntryRow & { readonly number: number }>(
      `select number, run, events.seq, at, type, data, hash, mac from runs join events on run = id
       where number >= $1 and (number > $1 or events.seq > $2) and ($3::text is null or id = $3)
       order by number, events.seq limit ${PAGE}`,
      [number, seq, run ?? null],
    )
    for (const row of rows) {
      ;[number, seq] = [row.number, row.seq]
      yield entryOf(row)
    }
    if (rows.length < PAGE) return
  }
}

async function* ledgerEntries(database: Database): AsyncGenerator<Entry> {
  let seq = 0
  for (;;) {
    const rows = await ledgerAfter(database, seq, PAGE)
    for (const entry of rows) {
      seq = entry.seq
      yield entry
    }
    if (rows.length < PAGE) return
  }
}

/** The ledger's entries from the one after `seq` on; all of them where no `most` is given. */
export async function ledgerAfter(client: Query, seq: number, most?: number): Promise<readonly Entry[]> {
  const { rows } = await client.query<EntryRow>(
    `select '${HOUSE}' as run, seq, at, type, data, hash, mac from ledger where seq > $1 order by seq limit $2`,
    [seq, most ?? null],
  )
  return rows.map(entryOf)
}

/** What is wrong with the log of a run as it lies there. One statement reads head and entries, so that they are of one moment. */
export async function forged(client: Query, run: RunId, sign: Sign | undefined): Promise<string | undefined> {
  const { rows } = await client.query<HeadRow & (EntryRow | { readonly run: null })>(
    `select runs.seq as head, head_hash, run, events.seq, at, type, data, hash, mac
     from runs left join events on run = id where id = $1 order by events.seq`,
    [run],
  )
  const end = rows[0]
  if (!end) return `${run} is gone`
  const lines = rows.flatMap(row => (row.run === null ? [] : [entryOf(row)]))
  return forgeryUpTo({ seq: end.head, hash: end.head_hash }, run, lines, sign)
}

interface HeadRow {
  readonly head: number
  readonly head_hash: string
}
