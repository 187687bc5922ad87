import { beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { digestOf } from '../src/domain/chain.ts'
import { type Instant, type Person, type RunId, type StepId, seconds, type Target } from '../src/domain/ids.ts'
import type { Act, Gate, Plan, Step, Watch } from '../src/domain/plan.ts'
import { POISON } from '../src/domain/program.ts'
import { type Run, SKEW } from '../src/domain/run.ts'
import { decide } from '../src/domain/say.ts'
import { sentences } from '../src/domain/sentences.ts'
import type { AboutRun } from '../src/domain/verdict.ts'
import { advance } from '../src/engine/advance.ts'
import type { Engine } from '../src/engine/engine.ts'
import type { Call, Capability, Change } from '../src/kit/device.ts'
import { Uncertain } from '../src/kit/errors.ts'
import { LEASE, POLICY } from './crash-world.ts'
import { type MemoryStore, memoryStore } from './fakes/memory-store.ts'
import { trusting } from './fakes/trust.ts'

const TIMEOUT = seconds(30) // longer than a lease: a request may outlive its worker
const NEVER = new Promise<never>(() => {})

let store: MemoryStore
let pressed: string[]
/** What happens in a device before it does what it is asked; a test says what. */
let meanwhile: (what: 'look' | 'press' | 'read', name: string) => void | Promise<void>

const pulse = (ask: 'nobody' | 'device' | 'person'): Capability => ({
  summary: 'press',
  examples: [],
  params: z.object({ name: z.string() }),
  says: (_, { name }) => `press ${name}`,
  sends: () => [],
  effect: { risk: 'routine', claims: ({ name }) => [{ path: name, mode: 'exclusive' }], inDoubt: doubt(ask) },
  async perform(_, { params: { name }, go }: Call<{ name: string }>) {
    await meanwhile('press', name)
    go()
    pressed.push(name)
  },
})

const doubt = (ask: 'nobody' | 'device' | 'person'): Change<unknown, { name: string }, unknown, number>['inDoubt'] =>
  ask === 'device'
    ? {
        ask,
        async look(_, { params: { name } }) {
          await meanwhile('look', name)
          return pressed.filter(one => one === name).length
        },
        judge: (before, now) => ({ done: now > before }),
      }
    : { ask }

const level: Capability = {
  ...pulse('nobody'),
  effect: 'read',
  progress: ({ level }: { level: number }) => ({ done: level / 100 }),
  async perform() {
    await meanwhile('read', 'level')
    return { level: reading }
  },
}
let reading = 0
const CAPABILITIES: Readonly<Record<string, Capability>> = {
  nobody: pulse('nobody'),
  device: pulse('device'),
  person: pulse('person'),
  level,
}

const action = (capability: string, name: string) => ({
  capability,
  target: 'relay' as Target,
  params: { name },
  risk: capability === 'level' ? ('none' as const) : ('routine' as const),
})
const act = (id: string, ask: 'nobody' | 'device' | 'person' = 'device'): Act => ({
  id: id as StepId,
  says: id,
  kind: 'act',
  action: action(ask, id),
  timeout: TIMEOUT,
  tries: 3,
  every: seconds(1),
})
const watch: Watch = {
  id: 'copy' as StepId,
  says: 'copy',
  kind: 'watch',
  read: action('level', 'copy'),
  until: { field: 'level', atLeast: 100 },
  every: seconds(10),
  within: seconds(1_000_000),
  timeout: seconds(30),
}
const gate: Gate = {
  id: 'ready' as StepId,
  says: 'ready',
  kind: 'gate',
  asks: 'Ready?',
  for: 'approval',
  rule: { role: 'lead', quorum: 1, ownRequest: false, within: seconds(1_000_000) },
  facts: [{ label: 'level', read: action('level', 'ready'), expect: { field: 'level', atMost: 100 } }],
}

/** A worker of its own: the clock that it gives up by is the store's, and no timer of it ever fires. */
const worker = (): Engine => ({
  store,
  clock: { now: () => store.time, timeout: () => new AbortController().signal },
  lease: LEASE,
  stopping: new AbortController().signal,
  ...trusting(POLICY),
  find: ({ capability }) => ({ device: {}, capability: CAPABILITIES[capability]! }),
  root: target => target,
  nudge: async () => {},
  redact: value => value,
})

/** One that is going to be frozen: nothing tells it that its lease has run out, for sockets wake before timers do. */
const sleeper = (): Engine => ({
  ...worker(),
  store: {
    ...store,
    now: () => store.now(),
    hold: (id, lease, body) => store.hold(id, lease, hold => body({ ...hold, signal: new AbortController().signal })),
  },
})

async function begin(...stages: readonly (readonly Step[])[]): Promise<RunId> {
  const plan: Plan = { title: 'test', stages, onFailure: 'hold' }
  const by = 'operator' as Person
  const digest = digestOf(plan)
  const run = await store.create(
    `${Math.random()}`,
    { chat: 'console', channel: 'x' },
    { type: 'run.started', by, plan, digest, said: '' },
  )
  return run.id
}

const load = async (id: RunId): Promise<Run> => (await store.load(id))!
const types = async (id: RunId): Promise<readonly string[]> => {
  const found: string[] = []
  for await (const { type } of store.entries(id)) found.push(type)
  return found
}

async function say(id: RunId, said: AboutRun, by = 'operator'): Promise<void> {
  await store.record(id, (run, now) => {
    const verdict = decide(run, said, by as Person, POLICY, now)
    if ('refusal' in verdict) throw new Error(JSON.stringify(verdict.refusal))
    return verdict.events
  })
}

/** Advances until nothing is due, going to the next moment at which something is, until `to`. */
async function until(id: RunId, done: (run: Run) => boolean): Promise<Run> {
  for (let n = 0; n < 50; n++) {
    await advance(id, worker())
    const run = await load(id)
    if (done(run)) return run
    store.time += seconds(2)
  }
  throw new Error(`it never came so far: ${JSON.stringify([...(await load(id)).steps])}`)
}
const ended = ({ outcome }: Run): boolean => outcome !== undefined
const soon = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** A worker that is frozen when the device is asked the nth time; `thaw` lets it go on. */
function frozenAt(what: 'look' | 'press', nth = 1): { readonly thaw: () => void } {
  let thaw = (): void => {}
  const thawed = new Promise<void>(resolve => {
    thaw = resolve
  })
  let asked = 0
  meanwhile = asks => (asks === what && ++asked === nth ? thawed : undefined)
  return { thaw }
}

/** Workers that die whenever the device is asked. */
async function dying(id: RunId, what: 'look' | 'press' | 'read', times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    meanwhile = asks => (asks === what ? NEVER : undefined)
    advance(id, worker()).catch(() => {})
    await soon()
    store.time += LEASE + TIMEOUT + SKEW + 1
  }
  meanwhile = () => {}
}

beforeEach(() => {
  store = memoryStore()
  pressed = []
  reading = 0
  meanwhile = () => {}
})

describe('a worker that was frozen', () => {
  test('right before it asks go() sends nothing once the request has become too old', async () => {
    const id = await begin([act('cutover')])
    const { thaw } = frozenAt('press')
    const zombie = advance(id, sleeper())
    await soon()
    expect((await load(id)).steps.get('cutover' as StepId)?.is).toBe('sent')
    store.time += TIMEOUT
    thaw()
    await zombie
    expect(pressed).toEqual([])
    await until(id, ended)
    expect(pressed).toEqual(['cutover'])
  })

  test('finds that another one has its run, sends nothing, and writes nothing', async () => {
    const id = await begin([act('cutover')])
    const { thaw } = frozenAt('press')
    const zombie = advance(id, sleeper())
    await soon()
    store.time += LEASE + TIMEOUT + SKEW + 1
    await until(id, ended)
    const before = await types(id)
    thaw()
    await zombie
    expect(pressed).toEqual(['cutover'])
    expect(await types(id)).toEqual(before)
  })

  test('before its intent was written sends nothing, however early it wakes', async () => {
    const id = await begin([act('cutover')])
    const { thaw } = frozenAt('look')
    const zombie = advance(id, sleeper())
    await soon()
    store.time += LEASE + 1
    await until(id, ended)
    thaw()
    await zombie
    expect(pressed).toEqual(['cutover'])
    expect((await types(id)).filter(type => type === 'step.intended').length).toBe(1)
  })

  test('and wakes while its request is still young is waited for: nobody asks the device before it can be silent', async () => {
    const id = await begin([act('cutover')])
    const { thaw } = frozenAt('press')
    const zombie = advance(id, sleeper())
    await soon()
    store.time += LEASE + 1
    await advance(id, worker())
    expect((await load(id)).steps.get('cutover' as StepId)?.is).toBe('sent')
    thaw()
    await zombie
    const run = await until(id, ended)
    expect(pressed).toEqual(['cutover'])
    expect(run.steps.get('cutover' as StepId)).toMatchObject({ is: 'done', how: 'inferred' })
  })

  test('while it sent a setting again does not bring it back over a later one', async () => {
    const id = await begin([act('slow', 'nobody')], [act('fast', 'nobody')])
    let thaw = (): void => {}
    const thawed = new Promise<void>(resolve => {
      thaw = resolve
    })
    let asked = 0
    meanwhile = what => {
      if (what !== 'press' || ++asked > 2) return
      if (asked === 1) throw new Uncertain('the answer was lost')
      return thawed
    }
    await advance(id, worker())
    store.time += TIMEOUT + SKEW
    const zombie = advance(id, sleeper()) // frozen on its way to send it again
    await soon()
    store.time += LEASE + 1
    await advance(id, worker())
    thaw()
    await zombie
    await until(id, ended)
    expect(pressed.at(-1)).toBe('fast')
  })
})

describe('a step that takes its workers down', () => {
  test('holds its run at the third time, and the other runs go on', async () => {
    const id = await begin([act('poison')])
    const other = await begin([act('harmless')])
    await dying(id, 'look', POISON - 1)
    await advance(id, worker())
    expect(pressed).toEqual(['poison'])
    const again = await begin([act('poison-2')])
    await dying(again, 'look', POISON)
    const run = await until(again, run => run.steps.get('poison-2' as StepId)?.is === 'failed')
    expect(run.steps.get('poison-2' as StepId)).toMatchObject({ why: expect.stringContaining('took 3 workers down') as string })
    expect(sentences(run)).toContain(`retry ${again}`)
    store.time += seconds(60)
    await advance(again, worker())
    expect(pressed).toEqual(['poison'])
    expect((await until(other, ended)).outcome).toBe('succeeded')
    await say(again, { kind: 'retry', run: again })
    expect((await until(again, ended)).outcome).toBe('succeeded')
    expect(pressed).toEqual(['poison', 'harmless', 'poison-2'])
  })

  test('after its request was sent leaves a question, and no fourth worker is tried on it', async () => {
    const id = await begin([act('poison')])
    await dying(id, 'press', 1)
    await dying(id, 'look', POISON - 1)
    const run = await until(id, run => run.steps.get('poison' as StepId)?.is === 'doubtful')
    expect(sentences(run)).toContain(`tell ${id} poison did not happen because "..."`)
    expect(pressed).toEqual([])
  })

  test('and comes through in between is not counted any further: a watch', async () => {
    const id = await begin([watch])
    await advance(id, worker())
    for (let n = 0; n < 3; n++) {
      store.time += seconds(10)
      await dying(id, 'read', POISON - 1)
      await advance(id, worker())
      expect((await load(id)).lost.size).toBe(0)
    }
    expect((await load(id)).steps.get('copy' as StepId)?.is).toBe('watching')
  })

  test('and comes through in between is not counted any further: the facts of a gate', async () => {
    const id = await begin([act('first')], [gate])
    await advance(id, worker())
    expect((await load(id)).steps.get('ready' as StepId)?.is).toBe('open')
    for (let n = 0; n < 3; n++) {
      store.time += seconds(30)
      await dying(id, 'read', POISON - 1)
      await advance(id, worker())
      expect((await load(id)).lost.size).toBe(0)
    }
    expect((await load(id)).steps.get('ready' as StepId)?.is).toBe('open')
  })
})

describe('a watch', () => {
  test('leaves two events, however many looks it takes', async () => {
    const id = await begin([watch])
    for (let n = 0; n < 500; n++) {
      await advance(id, worker())
      store.time += seconds(10)
      reading = Math.min(99, n / 5)
    }
    reading = 100
    await until(id, ended)
    expect(await types(id)).toEqual(['run.started', 'step.opened', 'step.done', 'run.finished'])
  })

  test('holds no lease between two looks, and nobody has to wait for one', async () => {
    const id = await begin([watch])
    await advance(id, worker())
    expect((await store.overdue()).advance).toEqual([])
    const orphaned = await store.hold(id, LEASE, async hold => hold.orphaned)
    expect(orphaned).toBe(false)
    store.time += seconds(10)
    expect((await store.overdue()).advance).toEqual([id])
  })
})

describe('an open gate', () => {
  test('leaves an event when what it shows has changed, and none for all the looks in between', async () => {
    const id = await begin([act('first')], [gate])
    for (let n = 0; n < 100; n++) {
      await advance(id, worker())
      store.time += seconds(30)
    }
    const shown = async () => (await types(id)).filter(type => type === 'step.shown').length
    expect(await shown()).toBe(1)
    reading = 1
    await advance(id, worker())
    expect(await shown()).toBe(2)
  })
})

describe('what is said in the last moment before a send', () => {
  const inTheMiddle = async (kind: 'pause' | 'cancel', at: Instant = 0): Promise<Run> => {
    const id = await begin([act('cutover')])
    meanwhile = async what => {
      if (what === 'look') await say(id, { kind, run: id })
    }
    await advance(id, worker())
    meanwhile = () => {}
    store.time += at
    await advance(id, worker())
    return load(id)
  }

  test('a pause beats a send', async () => {
    const run = await inTheMiddle('pause', seconds(60))
    expect(pressed).toEqual([])
    expect(run.steps.get('cutover' as StepId)?.is).toBe('pending')
    await say(run.id, { kind: 'resume', run: run.id })
    expect((await until(run.id, ended)).outcome).toBe('succeeded')
    expect(pressed).toEqual(['cutover'])
  })

  test('a cancel beats a send', async () => {
    const run = await inTheMiddle('cancel', seconds(60))
    expect(run.outcome).toBe('cancelled')
    expect(pressed).toEqual([])
    expect((await types(run.id)).at(-1)).toBe('run.finished')
  })

  test('a cancel during a check ends the run, and the answer of the check is not written behind the end', async () => {
    const check: Act = { ...act('check'), action: action('level', 'check'), expect: [{ field: 'level', atLeast: 100 }] }
    const id = await begin([check], [act('cutover')])
    meanwhile = async what => {
      if (what === 'read') await say(id, { kind: 'cancel', run: id })
    }
    await advance(id, worker())
    expect((await load(id)).steps.get('check' as StepId)?.is).toBe('skipped')
    expect((await types(id)).at(-1)).toBe('run.finished')
  })

  test('roll back does not turn a run round whose point of no return is under way', async () => {
    const id = await begin(
      [{ ...act('setup'), undo: [{ action: action('device', 'back'), says: 'back' }] }],
      [{ ...act('commit'), final: true }],
    )
    let refused = ''
    meanwhile = async (what, name) => {
      if (what === 'press' && name === 'commit')
        await say(id, { kind: 'roll back', run: id }).catch(error => {
          refused = String(error)
        })
    }
    const run = await until(id, ended)
    expect(refused).toMatch(/commit is the point of no return/)
    expect(run.outcome).toBe('succeeded')
    expect(pressed).toEqual(['setup', 'commit'])
  })
})
