import { canonical, type Entry } from '../domain/chain.ts'
import type { Place } from '../domain/chat.ts'
import type { Instant, RunId, StepId } from '../domain/ids.ts'
import { wake } from '../domain/program.ts'
import type { Track } from '../domain/progress.ts'
import { type Obstacle, type Run, reviewOpen, unborn } from '../domain/run.ts'
import type { Change } from '../ports/store.ts'
import type { Query } from './database.ts'
import { type Appended, append, notBefore, replay } from './log.ts'
import type { Sign } from './seals.ts'

/** The head of a run, as the columns of HEAD give it. */
export interface Head {
  readonly id: RunId
  readonly seq: number
  readonly place: Place
  readonly head_hash: string
  readonly wake_at: Instant | null
  readonly tracks: Readonly<Record<string, Track>>
  readonly waits_for: Obstacle | null
  readonly lease_epoch: number
}

export const HEAD = 'id, seq, place, head_hash, wake_at, tracks, waits_for, lease_epoch'

type Line = Pick<Entry, 'run' | 'at' | 'type' | 'data'>

/** The row, locked until the transaction ends; undefined when there is no such run. */
export async function lockHead(client: Query, id: RunId): Promise<Head | undefined> {
  const { rows } = await client.query<Head>(`select ${HEAD} from runs where id = $1 for update`, [id])
  return rows[0]
}

/** Calls `change` under the row lock and writes what comes of it. */
export async function applyChange(client: Query, head: Head, change: Change, sign: Sign | undefined): Promise<Run> {
  // The time is asked for after the lock was had: waiting for it may have taken a while.
  const { rows } = await client.query<Line & { readonly now: Instant }>(
    'select run, at, type, data, signalbox_millis() as now from events where run = $1 order by seq',
    [head.id],
  )
  const last = rows.at(-1)
  if (!last) throw new Error(`${head.id} has no events`)
  const before = replay(beside(head), rows)
  const now = notBefore(last.now, last.at)
  const appended = append(before, head.head_hash, change(before, now), now, sign)
  await saveEvents(client, head.wake_at, appended)
  return appended.run
}

export async function saveEvents(client: Query, wakeAt: Instant | null, { run, entries, hash }: Appended): Promise<void> {
  const next = wakeOf(run)
  if (entries.length === 0 && next === wakeAt) return
  await client.query(
    `insert into events (run, seq, at, type, data, hash, mac)
     select $1, line.* from unnest($2::integer[], $3::bigint[], $4::text[], $5::json[], $6::text[], $7::text[]) as line`,
    [run.id, ...columns(entries)],
  )
  await client.query('update runs set seq = $2, head_hash = $3, outcome = $4, wake_at = $5, review = $6 where id = $1', [
    run.id,
    run.seq,
    hash,
    run.outcome ?? null,
    next,
    reviewOpen(run),
  ])
  if (run.outcome) await client.query('delete from claims where run = $1', [run.id])
}

/** As `unnest` takes them: seq, at, type, data, hash, mac. */
export const columns = (entries: readonly Entry[]): readonly (readonly unknown[])[] => [
  entries.map(entry => entry.seq),
  entries.map(entry => entry.at),
  entries.map(entry => entry.type),
  entries.map(entry => canonical(entry.data)),
  entries.map(entry => entry.hash),
  entries.map(entry => entry.mac ?? null),
]

/** What lies beside the events. `card`: the card shows it, so the card that was shown last is old. */
export async function saveBeside(client: Query, run: Run, card: 'is old' | 'holds'): Promise<void> {
  await client.query(
    `update runs set tracks = $2, waits_for = $3, wake_at = $4, reported = case when $5 then least(reported, seq - 1) else reported end where id = $1`,
    [
      run.id,
      canonical(Object.fromEntries(run.tracks)),
      run.waitsFor ? canonical(run.waitsFor) : null,
      wakeOf(run),
      card === 'is old',
    ],
  )
}

/** Runs from their heads, in the order given. */
export async function readRuns(client: Query, heads: readonly Head[]): Promise<readonly Run[]> {
  const { rows } = await client.query<Line>('select run, at, type, data from events where run = any($1) order by run, seq', [
    heads.map(head => head.id),
  ])
  const lines = new Map<RunId, Line[]>(heads.map(head => [head.id, []]))
  for (const row of rows) lines.get(row.run)?.push(row)
  return heads.map(head => replay(beside(head), lines.get(head.id) ?? []))
}

const beside = ({ id, place, tracks, waits_for }: Head): Run => ({
  ...unborn(id, place),
  tracks: new Map(Object.entries(tracks) as [StepId, Track][]),
  ...(waits_for ? { waitsFor: waits_for } : {}),
})

const wakeOf = (run: Run): Instant | null => {
  const at = wake(run)
  return at === undefined ? null : Math.ceil(at)
}
