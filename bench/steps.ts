import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { z } from 'zod'
import { digestOf } from '../src/domain/chain.ts'
import type { Person, RunId, StepId, Target } from '../src/domain/ids.ts'
import type { Act, Plan } from '../src/domain/plan.ts'
import { advance } from '../src/engine/advance.ts'
import type { Engine } from '../src/engine/engine.ts'
import { systemClock } from '../src/engine/system-clock.ts'
import { capability } from '../src/kit/device.ts'
import { parse } from '../src/language/parse.ts'
import { startPostgres } from '../src/store/embedded.ts'
import { openStore } from '../src/store/postgres.ts'

/**
 * What durability costs, both sides in one run on one Postgres: a step of a run (look, intent, send, done: two transactions with
 * their events and the head row) against a bare transaction with as many rows; and a sentence parsed against one commit.
 * `npx tsx bench/steps.ts`. Medians of alternating rounds, as ratios: absolute figures say nothing about another machine.
 */
const ROUNDS = 7
const STEPS = 10
const folder = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
const server = await startPostgres(folder)
const store = await openStore(server.url)
const pool = new pg.Pool({ connectionString: server.url, max: 16 })
await pool.query(
  'create table bare (run text, seq int, data json, primary key (run, seq)); create table heads (run text primary key, seq int)',
)

const nothing = capability<object>()({
  summary: 'Do nothing.',
  examples: ['do nothing'],
  params: z.object({}),
  says: () => 'do nothing',
  sends: () => [],
  effect: { risk: 'routine', claims: () => [], inDoubt: { ask: 'device', look: async () => 1, judge: () => ({ done: true }) } },
  perform: async () => ({ ok: true }),
})
const by = 'ann' as Person
const people = new Map([[by, { name: 'Ann', roles: new Set(['anyone']), handles: [] }]])
const bench: Engine = {
  store,
  clock: systemClock,
  lease: 15_000,
  stopping: new AbortController().signal,
  policy: async () => ({
    people,
    rules: [{ name: 'all', capability: '*', target: '*', upTo: 'destructive', may: 'anyone' }],
  }),
  active: async () => true,
  find: () => ({ device: {}, capability: nothing }),
  root: target => target,
  nudge: async () => {},
  redact: value => value,
}
const act = (n: number): Act => ({
  kind: 'act',
  id: `s${n}` as StepId,
  says: 'do nothing',
  action: { capability: 'x.y', target: 'd' as Target, params: {}, risk: 'routine' },
  timeout: 10_000,
  tries: 1,
  every: 1_000,
})
const plan: Plan = { title: 'bench', onFailure: 'stop', stages: Array.from({ length: STEPS }, (_, n) => [act(n)]) }
let count = 0

async function ours(runs: number): Promise<number> {
  const ids = await Promise.all(
    Array.from({ length: runs }, async () => {
      const origin = `bench:${count++}`
      return (
        await store.create(
          origin,
          { chat: 'none', channel: '' },
          { type: 'run.started', by, plan, digest: digestOf(plan), said: '' },
        )
      ).id
    }),
  )
  const began = performance.now()
  await Promise.all(ids.map(id => advance(id as RunId, bench)))
  return (runs * STEPS) / ((performance.now() - began) / 1000)
}

async function bare(runs: number): Promise<number> {
  const began = performance.now()
  await Promise.all(
    Array.from({ length: runs }, async () => {
      const run = `b${count++}`
      await pool.query('insert into heads values ($1, 0)', [run])
      for (let seq = 0; seq < STEPS * 2; seq++) {
        const client = await pool.connect()
        await client.query('begin')
        await client.query('select seq from heads where run = $1 for update', [run])
        await client.query('insert into bare values ($1, $2, $3)', [run, seq, '{"type":"step.done","step":"s1"}'])
        await client.query('update heads set seq = $2 where run = $1', [run, seq])
        await client.query('commit')
        client.release()
      }
    }),
  )
  return (runs * STEPS) / ((performance.now() - began) / 1000)
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const spread = (values: readonly number[]): string => `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)}`

for (const runs of [1, 8]) {
  await ours(runs)
  await bare(runs)
  const pairs: (readonly [number, number])[] = []
  for (let round = 0; round < ROUNDS; round++) pairs.push([await ours(runs), await bare(runs)])
  const ratios = pairs.map(([a, b]) => a / b)
  console.log(
    `${runs} runs side by side: ${median(pairs.map(([a]) => a)).toFixed(0)} steps/s, bare transactions ${median(pairs.map(([, b]) => b)).toFixed(0)}/s, ratio ${median(ratios).toFixed(2)} (${spread(ratios)})`,
  )
}

const inventory = { targets: new Map([['sql01', { kind: 'powerpath' }]]) }
const sentence = 'migrate harddisk5 to harddisk14 on sql01 with throttle 2 soak 2 h'
const ratios: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  let began = performance.now()
  for (let n = 0; n < 500; n++) parse(sentence, inventory)
  const parsing = (performance.now() - began) / 500
  began = performance.now()
  for (let n = 0; n < 100; n++) await pool.query('insert into heads values ($1, 0)', [`c${count++}`])
  ratios.push(parsing / ((performance.now() - began) / 100))
}
console.log(`a sentence costs ${median(ratios).toFixed(2)} of one commit (${spread(ratios)})`)

await pool.end()
await store.stop()
await server.stop()
rmSync(folder, { recursive: true, force: true })
