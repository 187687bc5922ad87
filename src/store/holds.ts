import { type Claim, collide } from '../domain/claim.ts'
import type { Millis, RunId } from '../domain/ids.ts'
import { type Run, saysObstacle } from '../domain/run.ts'
import type { Hold, Store } from '../ports/store.ts'
import type { Database, Query } from './database.ts'
import { forged } from './entries.ts'
import { type Kept, keep } from './lease.ts'
import { applyChange, type Head, lockHead, readRuns, saveBeside } from './rows.ts'
import type { Sign } from './seals.ts'

/** Leases on runs. All that a holder writes is fenced by the epoch that it got with its lease. */
export function holds(database: Database, sign: Sign | undefined): Store['hold'] {
  return async (id, lease, body) => {
    const asked = performance.now()
    const taken = await take(database, id, lease)
    if (!taken) return undefined
    const kept = keep(lease, asked, () => renew(database, id, taken.epoch, lease))
    try {
      return await body(holdOf(database, id, taken, kept, sign))
    } finally {
      kept.end()
      // Not given back, it runs out by itself, and the next worker takes us for dead.
      await release(database, id, taken.epoch).catch(() => {})
    }
  }
}

interface Taken {
  readonly epoch: number
  readonly orphaned: boolean
}

async function take(database: Database, id: RunId, lease: Millis): Promise<Taken | undefined> {
  const { rows } = await database.query<Taken>(
    `with before as (select id, lease_until from runs where id = $1 for update)
     update runs set lease_epoch = lease_epoch + 1, lease_until = signalbox_millis() + $2::bigint
     from before where runs.id = before.id and (before.lease_until is null or before.lease_until < signalbox_millis())
     returning lease_epoch as epoch, before.lease_until is not null as orphaned`,
    [id, Math.ceil(lease)],
  )
  return rows[0]
}

/** Never brings back a lease that was given back while this was on its way. */
async function renew(database: Database, id: RunId, epoch: number, lease: Millis): Promise<boolean> {
  const { rowCount } = await database.query(
    'update runs set lease_until = signalbox_millis() + $3::bigint where id = $1 and lease_epoch = $2 and lease_until is not null',
    [id, epoch, Math.ceil(lease)],
  )
  return rowCount === 1
}

async function release(database: Database, id: RunId, epoch: number): Promise<void> {
  await database.query('update runs set lease_until = null where id = $1 and lease_epoch = $2', [id, epoch])
}

function holdOf(database: Database, id: RunId, { epoch, orphaned }: Taken, kept: Kept, sign: Sign | undefined): Hold {
  /** A transaction that has the run's row, and has made sure that the lease is still ours. */
  const fenced = async <T>(body: (client: Query, head: Head) => Promise<T>): Promise<T> => {
    kept.check()
    return database.transaction(async client => {
      const head = await lockHead(client, id)
      if (head?.lease_epoch !== epoch) throw kept.lose('another worker has the run')
      return body(client, head)
    })
  }
  const alter = (change: (run: Run) => Run, card: (before: Run, after: Run) => boolean) =>
    fenced(async (client, head) => {
      const before = await readRun(client, head)
      const after = change(before)
      await saveBeside(client, after, card(before, after) ? 'is old' : 'holds')
      return after
    })

  return {
    epoch,
    orphaned,
    signal: kept.signal,
    record: change => fenced((client, head) => applyChange(client, head, change, sign)),
    forged: () => fenced(client => forged(client, id, sign)),
    claim: claims => fenced(client => claim(client, id, claims)),
    track: (step, track) =>
      alter(
        run => ({ ...run, tracks: new Map(run.tracks).set(step, track) }),
        () => true,
      ),
    waitFor: obstacle =>
      alter(
        ({ waitsFor: _, ...run }) => (obstacle ? { ...run, waitsFor: obstacle } : run),
        (before, after) => said(before) !== said(after),
      ),
  }
}

const said = ({ waitsFor }: Run): string | undefined => waitsFor && saysObstacle(waitsFor)

async function readRun(client: Query, head: Head): Promise<Run> {
  const [run] = await readRuns(client, [head])
  if (!run) throw new Error(`there is no run ${head.id}`)
  return run
}

/** One at a time for the whole house: paths collide with paths above and below them, which no key of a table can say. */
async function claim(client: Query, id: RunId, claims: readonly Claim[]): ReturnType<Hold['claim']> {
  await client.query(`select pg_advisory_xact_lock(hashtextextended(current_schema() || '/claims', 0))`)
  const { rows } = await client.query<Claim & { readonly run: RunId }>(
    'select path, mode, run from claims where run <> $1 order by path, run',
    [id],
  )
  const obstacle = rows.find(other => claims.some(mine => collide(mine, other)))
  if (obstacle) return { path: obstacle.path, run: obstacle.run }
  // A run that was ended meanwhile, by a cancel, gets nothing: nobody would ever give it back.
  await client.query(
    `insert into claims (path, run, mode)
     select wanted.path, runs.id, wanted.mode from runs, unnest($2::text[], $3::text[]) as wanted (path, mode) where runs.id = $1 and outcome is null
     on conflict (path, run) do update set mode = case when excluded.mode = 'exclusive' then 'exclusive' else claims.mode end`,
    [id, ...pathsAndModes(claims)],
  )
  return undefined
}

/** Each path once, with the stronger mode: one statement may not touch a row twice. */
function pathsAndModes(claims: readonly Claim[]): readonly [readonly string[], readonly string[]] {
  const modes = new Map<string, Claim['mode']>()
  for (const { path, mode } of claims) modes.set(path, modes.get(path) === 'exclusive' ? 'exclusive' : mode)
  return [[...modes.keys()], [...modes.values()]]
}
