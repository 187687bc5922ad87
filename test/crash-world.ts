import { ballots } from '../src/domain/ballot.ts'
import type { Entry } from '../src/domain/chain.ts'
import type { Said } from '../src/domain/chat.ts'
import type { Command } from '../src/domain/command.ts'
import { guard } from '../src/domain/guard.ts'
import { type Handle, type Instant, minutes, type Person, type RunId } from '../src/domain/ids.ts'
import type { Action, Plan } from '../src/domain/plan.ts'
import { type Policy, voters } from '../src/domain/policy.ts'
import { failures, wake } from '../src/domain/program.ts'
import { type Intent, type Run, stateOf } from '../src/domain/run.ts'
import { sentences } from '../src/domain/sentences.ts'
import { advance } from '../src/engine/advance.ts'
import type { Ears, Planned } from '../src/engine/ears.ts'
import { answer } from '../src/engine/hear.ts'
import { sweep } from '../src/engine/sweep.ts'
import type { Capability } from '../src/kit/device.ts'
import type { Store } from '../src/ports/store.ts'
import { type Fate, type Mortal, mortal, mortalDevice, mortalStore, type Timers, type Trespass, timers } from './crash-mortal.ts'
import { type MemoryStore, memoryStore } from './fakes/memory-store.ts'
import { trusting } from './fakes/trust.ts'

/** A kind of device, and what is asked of it. */
export interface Bench {
  readonly asks: Extract<Command, { kind: 'run' | 'act' }>
  readonly policy: Policy
  plan(command: Extract<Command, { kind: 'run' | 'act' }>): Planned
  capability(action: Action): Capability
  /** A device of its own for one story. */
  begin(seed: number): Promise<Trial>
}

export interface Trial {
  readonly device: object
  readonly changes: readonly string[] // those of its methods that can have an effect
  /** What has really happened, in order, as the device itself wrote it down. */
  effects(): readonly string[]
  /** Is this effect what that action asks for? */
  isOf(effect: string, action: Action): boolean
  /** Something that goes on meanwhile, whatever the workers do: an application that writes. */
  meanwhile(): void
  /** What is wrong with the device now that the run stands as it does. */
  wrong(run: Run): readonly string[]
  /** Makes it let its callers down, once, in a way that the number chooses. */
  fallIll(choice: number): void
  heal(): void
  /** Makes a fact untrue that people were shown, and says from then on that it did. */
  spoil(): void
  spoilt(): boolean
  end(): Promise<void>
}

/** Parts of the house that a test may replace by broken ones. */
export interface Plant {
  readonly store?: (store: MemoryStore) => Store
  readonly capability?: (capability: Capability, action: Action) => Capability
  readonly policy?: (truth: () => Policy) => () => Policy
}

export interface Spoken {
  readonly by: string
  readonly command: Command
}

export interface Script {
  readonly bench: Bench
  readonly seed?: number
  /** The first worker meets the first fate, the one after it the second, and so on. */
  readonly fates?: readonly Fate[]
  readonly thaws?: 'after the takeover' | 'at the end'
  readonly nudges?: 'heard' | 'lost'
  readonly sweeps?: boolean
  readonly aheads?: readonly number[] // how far the workers' own clocks are off
  readonly retries?: number // how often people say `retry` before they give in; without it they let a failure stand
  /** Beyond what people do anyway: vote, tell the truth about a doubt, resume. Asked whenever nothing else is to be done. */
  readonly says?: (run: Run, world: World) => readonly Spoken[]
  /** At every boundary. */
  readonly passing?: (world: World, name: string) => Promise<void>
  readonly plant?: Plant
}

export interface World {
  readonly store: MemoryStore
  readonly trial: Trial
  policy: Policy
  run(): Promise<Run | undefined>
  /** Another process of the house hears it at once, and comes through. */
  hears(spoken: Spoken): Promise<void>
}

/** An effect, and how the run stood when it happened. */
export interface Witness {
  readonly effect: string
  readonly run: Run | undefined
  readonly policy: Policy
  readonly spoilt: boolean
}

/** Everything a checker needs to know about what happened. */
export interface Story {
  readonly run: Run | undefined
  readonly entries: readonly Entry[]
  readonly heads: Awaited<ReturnType<Store['heads']>>
  readonly witnesses: readonly Witness[]
  readonly trespasses: readonly Trespass[]
  readonly wrong: readonly string[] // as the device sees it
  readonly stuck: string | undefined
  readonly broken: readonly unknown[] // what a worker threw
  readonly met: readonly (readonly string[])[] // boundaries, worker by worker
  readonly stopped: number // workers that died or froze
  readonly isOf: Trial['isOf']
  readonly capability: (action: Action) => Capability // as the bench has it, without plants
}

export const LEASE = 15_000
const UNANSWERED = 10_000
const MOST = 500 // turns; a story needs less than a hundred
const RUN = 'R1' as RunId

/** Plays a story on a device of its own, until nothing can happen any more. */
export async function play(script: Script): Promise<Story> {
  const trial = await script.bench.begin(script.seed ?? 1)
  try {
    return await playOn(trial, script)
  } finally {
    await trial.end()
  }
}

async function playOn(trial: Trial, script: Script): Promise<Story> {
  const { bench, fates = [], plant = {}, sweeps = true, aheads = [] } = script
  const store = memoryStore()
  const clocks: Timers = timers()
  const epochs = new Map<RunId, number>()
  const witnesses: Witness[] = []
  const trespasses: Trespass[] = []
  const broken: unknown[] = []
  const workers: Mortal[] = []
  const frozen: { readonly worker: Mortal; readonly done: Promise<void>; readonly epoch: number }[] = []
  const leases: Instant[] = [] // when the lease of one that stopped has run out
  const mail: { readonly at: Instant; readonly said: Said }[] = []
  let bells: ((ears: Ears) => Promise<void>)[] = []
  let sentences = 0

  const world: World = {
    store,
    trial,
    policy: bench.policy,
    run: () => store.load(RUN),
    async hears(spoken) {
      await answer(await put(spoken), earsOf(mortal(undefined), store, 0))
    },
  }

  const put = async ({ by, command }: Spoken): Promise<Said> => {
    const said: Said = {
      id: `${++sentences}`,
      text: JSON.stringify(command),
      by: `console:${by}` as Handle,
      at: { chat: 'console', channel: 'crash' },
    }
    await store.receive(said)
    mail.push({ at: store.time, said })
    return said
  }

  let noticed = 0
  /** Notes what has happened, and how the run stands at that moment: nobody has had a chance yet to write an outcome down. */
  const witnessed = async (ask: () => Promise<unknown>): Promise<unknown> => {
    try {
      return await ask()
    } finally {
      const effects = trial.effects().slice(noticed)
      noticed += effects.length
      const stands = store.load(RUN)
      const seen = { policy: world.policy, spoilt: trial.spoilt() }
      const run = await stands
      for (const effect of effects) witnesses.push({ effect, run, ...seen })
    }
  }

  const earsOf = (worker: Mortal, of: Store, ahead: number): Ears => {
    const device = mortalDevice(trial.device, worker, (name, ask) => (trial.changes.includes(name) ? witnessed(ask) : ask()))
    return {
      store: of,
      clock: clocks.clock(worker, () => store.time, ahead),
      lease: LEASE,
      stopping: new AbortController().signal,
      ...trusting(plant.policy ? plant.policy(() => world.policy) : () => world.policy),
      find: action => {
        const capability = bench.capability(action)
        return { device, capability: plant.capability?.(capability, action) ?? capability }
      },
      root: target => target,
      redact: value => value,
      async nudge(call, run) {
        await worker.boundary(`before nudge`)
        if (call === 'advance' && script.nudges !== 'lost') bells.push(ears => advance(run, ears))
        await worker.boundary(`after nudge`)
      },
      chats: new Map(),
      parse: text => ({ command: JSON.parse(text) as Command }),
      plan: bench.plan,
      help: () => [],
      canDo: () => [],
      targets: () => [],
      listed: () => [],
      limit: () => 'ok',
      count: () => {},
      complain: () => {},
    }
  }

  let ears: Ears
  let worker: Mortal
  const hire = (): void => {
    worker = mortal(fates[workers.length], async name => {
      trial.meanwhile()
      await script.passing?.(world, name)
    })
    const seen = plant.store?.(store) ?? store
    const mine = mortalStore(seen, worker, epochs, by => trespasses.push(by))
    ears = earsOf(worker, mine, aheads[workers.length] ?? 0)
    workers.push(worker)
    bells = [] // what a process was about to do goes with it
  }
  hire()

  const push = (to: Instant): void => {
    store.time = Math.max(store.time, to)
    clocks.fire(store.time)
  }

  /** Until it is done, or its worker is no more. When nothing moves, only a timer can help. */
  const through = async (done: Promise<void>, by: Mortal): Promise<boolean> => {
    let over = false
    const finished = done.then(
      () => {
        over = true
      },
      error => {
        over = true
        broken.push(error)
      },
    )
    for (let idle = 0; ; idle++) {
      await Promise.race([finished, by.stopped, tick()])
      if (over || by.is !== 'alive') return over
      if (idle < 2) continue
      const next = clocks.next()
      if (next === undefined) throw new Error(`a worker waits for something that never comes, after ${by.met.at(-1)}`)
      push(next)
      idle = 0
    }
  }

  const work = async (job: (ears: Ears) => Promise<void>): Promise<void> => {
    const by = worker
    const done = job(ears)
    if (await through(done, by)) return
    leases.push(store.time + LEASE + 1)
    if (by.is === 'frozen') frozen.push({ worker: by, done, epoch: epochs.get(RUN) ?? 0 })
    hire()
  }

  const thaw = async (which: (one: (typeof frozen)[number]) => boolean): Promise<boolean> => {
    const woken = frozen.filter(one => one.worker.is === 'frozen' && which(one))
    for (const { worker: by, done } of woken) {
      by.thaw()
      await through(done, { ...by, is: 'alive', stopped: new Promise<void>(() => {}) })
    }
    return woken.length > 0
  }

  const said = new Map<string, Instant>()
  /** What people would say now and have not said a minute ago. */
  const voices = async (run: Run): Promise<readonly Spoken[]> => {
    const wanted: (readonly [string, Spoken])[] = [
      ...usual(run, world, trial, script.retries === undefined ? undefined : script.retries - retried(said)),
      ...(script.says?.(run, world) ?? []).map(once),
    ]
    return wanted.flatMap(([key, spoken]) => {
      const before = said.get(key)
      if (before !== undefined && (key.startsWith('once') || store.time < before + 60_000)) return []
      said.set(key, store.time)
      return [spoken]
    })
  }

  /** The next moment at which anything can be due; undefined when only people can help. */
  const next = (run: Run | undefined, unanswered: readonly Said[]): Instant | undefined => {
    const times = [
      ...leases,
      ...mail.filter(({ said }) => unanswered.some(other => other.id === said.id)).map(({ at }) => at + UNANSWERED),
    ]
    const wakes = run && wake(run)
    const later = [...times, ...(wakes === undefined ? [] : [wakes])].filter(at => at > store.time)
    return later.length === 0 ? undefined : Math.min(...later)
  }

  let stuck: string | undefined
  await put({ by: 'operator', command: bench.asks })
  bells.push(ears => answer(mail[0]!.said, ears))
  for (let turn = 0; ; turn++) {
    if (turn >= MOST) {
      stuck = `it goes round and round`
      break
    }
    const bell = bells.shift()
    if (bell) {
      await work(bell)
      continue
    }
    if (script.thaws === 'after the takeover' && (await thaw(one => (epochs.get(RUN) ?? 0) > one.epoch))) continue
    const run = await world.run()
    const spoken = run ? await voices(run) : []
    for (const one of spoken) {
      const heard = await put(one)
      bells.push(ears => answer(heard, ears))
    }
    if (spoken.length > 0) continue
    const due = (await store.overdue()).advance.length > 0 || (await store.unanswered(UNANSWERED)).length > 0
    if (due && sweeps) {
      await work(ears =>
        sweep({
          store: ears.store,
          advance: run => advance(run, ears),
          report: async () => {},
          answer: said => answer(said, ears),
        }),
      )
      continue
    }
    const unanswered = (await store.unanswered(Number.NEGATIVE_INFINITY)) as readonly Said[]
    const later = next(run, unanswered)
    if (later !== undefined && !run?.outcome) {
      push(later)
      if (sweeps || script.nudges !== 'lost') {
        if (sweeps || !due) continue
      }
    }
    if (due && !sweeps) stuck = 'something is due, and nobody comes'
    if (await thaw(() => true)) continue
    break
  }

  const run = await world.run()
  const entries: Entry[] = []
  for await (const entry of store.entries()) entries.push(entry)
  const story: Story = {
    run,
    entries,
    heads: await store.heads(),
    witnesses,
    trespasses,
    wrong: run ? trial.wrong(run) : [],
    stuck,
    broken,
    met: workers.map(({ met }) => met),
    stopped: workers.length - 1,
    isOf: trial.isOf,
    capability: bench.capability,
  }
  return story
}

const tick = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const once = (spoken: Spoken): readonly [string, Spoken] => [`once ${JSON.stringify(spoken)}`, spoken]

/** People do what is asked of them as soon as it is asked, and tell the truth. */
function usual(run: Run, { policy, store }: World, trial: Trial, retries: number | undefined): (readonly [string, Spoken])[] {
  if (run.outcome) return []
  const votes = ballots(run).flatMap(({ step, ballot, asker }) => {
    const state = stateOf(run, step)
    const facts = state.is === 'open' && step.kind === 'gate' ? step.facts.length : 0
    const bad = facts > 0 && !(state.is === 'open' && state.facts?.every(fact => fact.holds))
    if (bad && store.time < ballot.until - ballot.rule.within + minutes(5)) return []
    const verdict = bad ? 'deny' : 'approve'
    const { could } = voters(
      policy,
      ballot.rule,
      asker ? [run.by, asker] : [run.by],
      ballot.votes.map(vote => vote.by),
    )
    return could
      .slice(0, ballot.rule.quorum - ballot.votes.length)
      .map((by): readonly [string, Spoken] => [
        `${verdict} ${step.id} ${ballot.until} ${by}`,
        { by, command: { kind: 'vote', verdict, run: run.id, step: step.id, shown: run.digest.slice(0, 10) } },
      ])
  })
  const doubts = [...run.steps].flatMap(([step, state]): (readonly [string, Spoken])[] =>
    state.is === 'doubtful'
      ? [
          [
            `tell ${state.intent.id}`,
            {
              by: 'operator',
              command: { kind: 'tell', run: run.id, step, happened: happened(trial, state.intent), because: 'I looked' },
            },
          ],
        ]
      : [],
  )
  const failed = failures(run).length > 0 && retries !== undefined ? [outOfIt(run, retries)] : []
  const go: (readonly [string, Spoken])[] = run.paused
    ? [[`resume ${run.seq}`, { by: 'operator', command: { kind: 'resume', run: run.id } }]]
    : []
  return [...votes, ...doubts, ...failed, ...go]
}

const happened = (trial: Trial, intent: Intent): boolean => trial.effects().some(effect => trial.isOf(effect, intent.action))

const retried = (said: ReadonlyMap<string, Instant>): number => [...said.keys()].filter(key => key.startsWith('retry')).length

/** What people say to a run that is held: once more, and in the end back, or out. */
function outOfIt(run: Run, retries: number): readonly [string, Spoken] {
  const offered = sentences(run)
  const out = (['roll back', 'give up', 'cancel'] as const).find(kind => offered.includes(`${kind} ${run.id}`))
  const kind = retries > 0 ? 'retry' : out
  const step = failures(run)[0]!.id
  const command: Command = kind ? { kind, run: run.id } : { kind: 'skip', run: run.id, step, because: 'it leads nowhere' }
  return [`${command.kind} at ${run.seq}`, { by: 'operator', command }]
}

export const person = (
  name: string,
  ...roles: readonly string[]
): readonly [Person, Policy['people'] extends ReadonlyMap<Person, infer M> ? M : never] => [
  name as Person,
  { name, roles: new Set(roles), handles: [`console:${name}` as Handle] },
]

/** Four people; leads decide about what may be noticed. */
export const POLICY: Policy = {
  people: new Map([person('operator', 'operator'), person('lead', 'lead'), person('deputy', 'lead'), person('third', 'lead')]),
  rules: [
    { name: 'anyone may look', capability: '*', target: '*', upTo: 'none', may: 'operator' },
    {
      name: 'leads decide',
      capability: '*',
      target: '*',
      upTo: 'destructive',
      may: 'operator',
      before: { from: 'disruptive', rule: { role: 'lead', quorum: 1, ownRequest: false, within: 4 * 3_600_000 } },
    },
  ],
}

/** Without this role they may not have approved anything. */
export const without = (policy: Policy, name: string): Policy => ({
  ...policy,
  people: new Map(
    [...policy.people].map(([id, member]) => (id === name ? [id, { ...member, roles: new Set<string>() }] : [id, member])),
  ),
})

export const guarded = (plan: Plan, policy: Policy): Plan => {
  const made = guard(plan, policy, 'operator' as Person)
  if ('refusal' in made) throw new Error(JSON.stringify(made.refusal))
  return made.plan
}

/** Numbers that look random and are the same for the same seed. */
export function randomly(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}
