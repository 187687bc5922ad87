import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { digestOf } from '../src/domain/chain.ts'
import { type Instant, type Person, type RunId, type StepId, seconds } from '../src/domain/ids.ts'
import type { Plan } from '../src/domain/plan.ts'
import type { Policy } from '../src/domain/policy.ts'
import type { Run } from '../src/domain/run.ts'
import { decide } from '../src/domain/say.ts'
import type { Speech } from '../src/domain/verdict.ts'
import { advance } from '../src/engine/advance.ts'
import type { Engine, Found } from '../src/engine/engine.ts'
import type { Call, Capability } from '../src/kit/device.ts'
import type { Store } from '../src/ports/store.ts'
import { command, POLICY } from './fakes/given.ts'
import { type MemoryStore, memoryStore } from './fakes/memory-store.ts'

/** A device that counts what is asked of it, and everything around it that a threat may turn against the house. */
export interface Threatened<S extends Store = MemoryStore> {
  readonly store: S
  /** The policy of now; a test puts another one here. */
  policy: Policy
  /** What the device shows when it is asked for its paths. */
  alive: number | 'no answer'
  /** Each change that reached the device, and nothing else: "cutover on sql01 {}". */
  readonly sent: string[]
  readonly read: string[]
  readonly nudged: string[]
  /** Is this account in use? */
  active: Engine['active']
  /** The worker's own clock, ahead of the database's by so much. */
  ahead: number
  /** Capabilities that the site has lost. */
  readonly lost: Set<string>
  engine(): Engine
  begin(plan: Plan, by?: string): Promise<RunId>
  say(id: RunId, by: string, text: string, speech?: Speech): Promise<string>
  advance(id: RunId): Promise<void>
  load(id: RunId): Promise<Run>
  /** How a step stands, and why: "failed: ...". */
  stands(id: RunId, step: string): Promise<string>
}

export const R1 = 'R1' as RunId
export const sign = (hash: string): string => createHmac('sha256', 'the key of these tests').update(hash).digest('base64url')

export const threatened = (): Threatened => worldOn(memoryStore(undefined, sign), store => store.time)

export function worldOn<S extends Store>(store: S, now: (store: S) => Instant): Threatened<S> {
  let origins = 0
  const world: Threatened<S> = {
    store,
    policy: POLICY,
    alive: 4,
    sent: [],
    read: [],
    nudged: [],
    active: async () => true,
    ahead: 0,
    lost: new Set(),
    engine: () => ({
      store,
      clock: { now: () => now(store) + world.ahead, timeout: () => new AbortController().signal },
      lease: seconds(15),
      stopping: new AbortController().signal,
      policy: async () => world.policy,
      active: handle => world.active(handle),
      find: action => found(world, action),
      root: target => target,
      nudge: async (call, run) => void world.nudged.push(`${call} ${run}`),
      redact: value => value,
    }),
    async begin(plan, by = 'olga') {
      const first = { type: 'run.started', by: by as Person, plan, digest: digestOf(plan), said: 'move it' } as const
      return (await store.create(`console:${++origins}`, { chat: 'console', channel: 'here' }, first)).id
    },
    async say(id, by, text, speech = {}) {
      let heard = ''
      await store.record(id, (run, at) => {
        const verdict = decide(run, command(text), by as Person, world.policy, at, speech)
        heard = 'heard' in verdict ? verdict.heard : `no: ${JSON.stringify(verdict.refusal)}`
        return 'events' in verdict ? verdict.events : []
      })
      return heard
    },
    advance: id => advance(id, world.engine()),
    async load(id) {
      const run = await store.load(id)
      if (!run) throw new Error(`There is no run ${id}.`)
      return run
    },
    async stands(id, step) {
      const run = await world.load(id)
      const state = run.steps.get(step as StepId)
      const why = state && 'why' in state && state.why !== undefined ? `: ${state.why}` : ''
      const waits = run.waitsFor && 'shut' in run.waitsFor ? `, waits: ${run.waitsFor.shut}` : ''
      return `${state?.is}${why}${waits}`
    },
  }
  return world
}

function found<S extends Store>(world: Threatened<S>, { capability, target }: Parameters<Engine['find']>[0]): Found {
  if (world.lost.has(capability)) throw new Error(`${target} is a lab target and cannot do ${capability}`)
  return { device: {}, capability: capability === 'lab.paths' ? paths(world, target) : change(world, capability, target) }
}

const spoken = { summary: '', examples: [], params: z.looseObject({}), says: () => '', sends: () => [] }

const paths = <S extends Store>(world: Threatened<S>, target: string): Capability => ({
  ...spoken,
  effect: 'read',
  async perform() {
    world.read.push(`paths on ${target}`)
    if (world.alive === 'no answer') throw new Error('nobody there')
    return { alive: world.alive }
  },
})

/** Twice is as good as once, so that whatever is in flight is sent again: the hardest case for whoever must send nothing. */
const change = <S extends Store>(world: Threatened<S>, capability: string, target: string): Capability => ({
  ...spoken,
  effect: {
    risk: 'destructive',
    claims: () => [{ path: 'disk', mode: 'exclusive' }],
    inDoubt: { ask: 'nobody' },
  },
  async perform(_, { params, go }: Call<Record<string, unknown>>) {
    go()
    world.sent.push(`${capability.replace('lab.', '')} on ${target} ${JSON.stringify(params)}`)
    return {}
  },
})
