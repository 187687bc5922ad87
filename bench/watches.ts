import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { z } from 'zod'
import { digestOf } from '../src/domain/chain.ts'
import { hours, type Person, type RunId, type StepId, seconds, type Target } from '../src/domain/ids.ts'
import type { Plan } from '../src/domain/plan.ts'
import { advance } from '../src/engine/advance.ts'
import type { Engine } from '../src/engine/engine.ts'
import { systemClock } from '../src/engine/system-clock.ts'
import { capability } from '../src/kit/device.ts'
import { startPostgres } from '../src/store/embedded.ts'
import { openStore } from '../src/store/postgres.ts'

/**
 * What a thousand disks that are being copied cost: looks a second, statements, rows and bytes for each look, against as many bare
 * updates of a row. The device answers at once. `npx tsx bench/watches.ts [1000]`. The absolute figures are this machine's.
 */
const RUNS = Number(process.argv[2] ?? 1000)
const ROUNDS = 5
const SIDE_BY_SIDE = 16 // as the queue has it
const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
const server = await startPostgres(folder)
const store = await openStore(server.url)
const pool = new pg.Pool({ connectionString: server.url, max: SIDE_BY_SIDE })
await pool.query('create table bare (run integer primary key, data json)')
await pool.query(`insert into bare select n, '{}' from generate_series(1, $1) n`, [RUNS])

let looks = 0
const reading = capability<object>()({
  summary: 'How far it is.',
  examples: ['look'],
  params: z.object({}),
  says: () => 'look',
  sends: () => [],
  effect: 'read',
  perform: async () => ({ state: 'copying', share: Math.min(0.99, looks++ / 1e6) }),
  progress: ({ share }) => ({ done: share }),
})
const by = 'ann' as Person
const engine: Engine = {
  store,
  clock: systemClock,
  lease: 15_000,
  stopping: new AbortController().signal,
  policy: async () => ({ people: new Map(), rules: [] }),
  active: async () => true,
  find: () => ({ device: {}, capability: reading }),
  root: target => target,
  nudge: async () => {},
  redact: value => value,
}
/** As many steps as a migration has, and it stands at the copy. */
const wait = (n: number) => [{ kind: 'wait' as const, id: `w${n}` as StepId, says: 'later', for: hours(1) }]
const plan: Plan = {
  title: 'a migration',
  onFailure: 'stop',
  stages: [
    [
      {
        kind: 'watch',
        id: 'copy' as StepId,
        says: 'copy',
        read: { capability: 'x.y', target: 'd' as Target, params: {}, risk: 'none' },
        until: { field: 'state', is: 'done' },
        every: seconds(1),
        within: hours(24),
        timeout: seconds(30),
      },
    ],
    ...Array.from({ length: 15 }, (_, n) => wait(n)),
  ],
}
const place = { chat: 'none', channel: '' }
const started = { type: 'run.started', by, plan, digest: digestOf(plan), said: '' } as const
const ids: RunId[] = []
for (let n = 0; n < RUNS; n++) ids.push((await store.create(`bench:${n}`, place, started)).id)

async function sideBySide<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<number> {
  const began = performance.now()
  const left = [...all]
  const hand = async (): Promise<void> => {
    for (let one = left.pop(); one !== undefined; one = left.pop()) await work(one)
  }
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, hand))
  return performance.now() - began
}
const due = () => pool.query(`update signalbox.runs set wake_at = 0, tracks = jsonb_set(tracks::jsonb, '{copy,next}', '0')::json`)
const statements = async (): Promise<number> => {
  const { rows } = await pool.query<{ readonly n: string }>(
    `select xact_commit as n from pg_stat_database where datname = current_database()`,
  )
  return Number(rows[0]?.n)
}

await sideBySide(ids, id => advance(id, engine)) // opens the watches, and the first look
const ratios: number[] = []
const perSecond: number[] = []
let transactions = 0
let cpu = 0
for (let round = 0; round < ROUNDS; round++) {
  await due()
  const [before, seen, used] = [await statements(), looks, process.cpuUsage()]
  const ours = await sideBySide(ids, id => advance(id, engine))
  const spent = process.cpuUsage(used)
  cpu += (spent.user + spent.system) / 1000
  if (looks - seen !== RUNS) throw new Error(`${looks - seen} looks, and not ${RUNS}`)
  await new Promise(resolve => setTimeout(resolve, 1_100)) // Postgres tells its counts once a second
  transactions += (await statements()) - before
  const bare = await sideBySide(ids, id =>
    pool.query('update bare set data = $2 where run = $1', [Number(id.slice(1)), '{"done":0.5}']),
  )
  ratios.push(bare / ours)
  perSecond.push((RUNS * 1000) / ours)
}
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const size = async (table: string): Promise<number> => {
  const { rows } = await pool.query<{ readonly n: string }>(`select pg_total_relation_size($1) as n`, [`signalbox.${table}`])
  return Number(rows[0]?.n)
}
const events = (await pool.query<{ readonly n: string }>('select count(*) as n from signalbox.events')).rows[0]?.n
console.log(
  `${RUNS} watches: ${median(perSecond).toFixed(0)} looks/s, ${(cpu / ROUNDS / RUNS).toFixed(2)} ms of CPU here for each`,
)
console.log(
  `against as many bare updates: ${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`,
)
console.log(`transactions for each look: ${(transactions / ROUNDS / RUNS).toFixed(1)}`)
console.log(
  `events: ${events} in all, ${Math.round((await size('events')) / RUNS)} bytes a run; heads: ${Math.round((await size('runs')) / RUNS)} bytes a run`,
)
await pool.end()
await store.stop()
await server.stop()
rmSync(folder, { recursive: true, force: true })
