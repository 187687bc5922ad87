import { canonical, ROOT } from '../domain/chain.ts'
import type { Place } from '../domain/chat.ts'
import type { Instant, RunId } from '../domain/ids.ts'
import { type Event, type Run, unborn } from '../domain/run.ts'
import type { Store } from '../ports/store.ts'
import { type Database, openDatabase } from './database.ts'
import { entries } from './entries.ts'
import { follows, purgeFollows } from './follows.ts'
import { holds } from './holds.ts'
import { inbox, PURGED, purgeInbox, waiting } from './inbox.ts'
import { ledger } from './ledger.ts'
import { append } from './log.ts'
import { isForward, migrate } from './migrate.ts'
import { posts } from './posts.ts'
import { applyChange, HEAD, type Head, lockHead, readRuns, saveEvents } from './rows.ts'
import { sealed } from './sealing.ts'
import type { Sign } from './seals.ts'
import { tellers } from './tellers.ts'
import { turns } from './turns.ts'

export interface StoreOptions {
  readonly schema?: string // 'signalbox'
  readonly connections?: number // at most, 10
  readonly sign?: Sign // without it nothing is sealed, and what is sealed already can only be read
  readonly migrate?: boolean // false where the role may not: then the database must have been brought forward and sealed before
  readonly told?: (line: string) => void // what people should know of the opening
}

/**
 * The store in a Postgres, brought forward to what this code knows. `url` must lead to the primary and not through a pooler
 * that shares sessions: settings are given when connecting. Throws CannotStart.
 */
export async function openStore(url: string, options: StoreOptions = {}): Promise<Store> {
  const { schema = 'signalbox', connections = 10, migrate: mayMigrate = true, told = () => {} } = options
  await (mayMigrate ? migrate(url, schema) : isForward(url, schema))
  const sign = await sealed(url, schema, { sign: options.sign, migrate: mayMigrate, told })
  const database = openDatabase(url, schema, connections)
  return {
    create: (origin, at, first) => create(database, origin, at, first, sign),
    load: async id => (await readRuns(database, await heads(database, 'where id = $1', [id])))[0],
    byOrigin: origin => byOrigin(database, origin),
    list: async (which, most) =>
      readRuns(database, await heads(database, `${LISTED[which]} order by number desc limit $1`, [most])),
    record: (id, change) =>
      database.transaction(async client => {
        const head = await lockHead(client, id)
        if (!head) throw new Error(`there is no run ${id}`)
        return applyChange(client, head, change, sign)
      }),
    hold: holds(database, sign),
    overdue: () => overdue(database),
    ...inbox(database, sign),
    async purge(olderThan) {
      const watchers = await purgeFollows(database, PURGED)
      return watchers + (await purgeInbox(database, olderThan, PURGED - watchers))
    },
    ...posts(database),
    telling: tellers(database),
    ...follows(database),
    ...turns(database),
    waiting: () => waiting(database),
    ...ledger(database, sign),
    ...entries(database),
    now: async () => {
      const { rows } = await database.query<{ readonly now: Instant }>('select signalbox_millis() as now')
      return rows[0]!.now
    },
    stop: () => database.stop(),
  }
}

const LISTED = { live: 'where outcome is null', reviews: 'where review', all: '' } as const

async function heads(database: Database, which: string, values: readonly unknown[]): Promise<readonly Head[]> {
  return (await database.query<Head>(`select ${HEAD} from runs ${which}`, [...values])).rows
}

async function create(database: Database, origin: string, at: Place, first: Event, sign: Sign | undefined): Promise<Run> {
  const known = await byOrigin(database, origin)
  if (known) return known
  const created = await database.transaction(async client => {
    const { rows } = await client.query<{ readonly id: RunId; readonly now: Instant }>(
      `insert into runs (id, number, origin, place) select 'R' || number, number, $1, $2 from nextval('run_numbers') as number
       on conflict (origin) do nothing returning id, created_at as now`,
      [origin, canonical(at)],
    )
    const row = rows[0]
    if (!row) return undefined
    const appended = append(unborn(row.id, at), ROOT, [first], row.now, sign)
    await saveEvents(client, null, appended)
    return appended.run
  })
  // Somebody else was a moment faster: the insert has waited for that transaction to end.
  const run = created ?? (await byOrigin(database, origin))
  if (!run) throw new Error(`the run of ${origin} is there and is not`)
  return run
}

async function byOrigin(database: Database, origin: string): Promise<Run | undefined> {
  return (await readRuns(database, await heads(database, 'where origin = $1', [origin])))[0]
}

const SWEEP = 1_000 // the rest waits a second for the next sweep

// Answered from the partial indexes, so that history costs the sweep nothing. A lease that ran out needs no time to have come.
export const TO_ADVANCE = `
  select id from runs where outcome is null and lease_until is null and wake_at <= (select signalbox_millis())
  union all
  select id from runs where outcome is null and lease_until < (select signalbox_millis())
  limit ${SWEEP}`
export const TO_REPORT = `select id from runs where reported < seq order by number limit ${SWEEP}`

async function overdue({ query }: Database): ReturnType<Store['overdue']> {
  const advance = await query<{ readonly id: RunId }>(TO_ADVANCE)
  const report = await query<{ readonly id: RunId }>(TO_REPORT)
  return { advance: advance.rows.map(row => row.id), report: report.rows.map(row => row.id) }
}
