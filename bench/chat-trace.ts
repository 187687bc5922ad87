import { z } from 'zod'
import { ballots } from '../src/domain/ballot.ts'
import { digestOf } from '../src/domain/chain.ts'
import { hours, type Instant, minutes, type Person, type RunId, seconds, type Target } from '../src/domain/ids.ts'
import { type Action, stepsOf } from '../src/domain/plan.ts'
import type { Policy } from '../src/domain/policy.ts'
import { failures } from '../src/domain/program.ts'
import { type Run, stateOf } from '../src/domain/run.ts'
import { advance } from '../src/engine/advance.ts'
import type { Engine } from '../src/engine/engine.ts'
import { type Capability, capability } from '../src/kit/device.ts'
import { Refused } from '../src/kit/errors.ts'
import type { Store } from '../src/ports/store.ts'
import migrate from '../src/runbooks/migrate.ts'
import type { MemoryStore } from '../test/fakes/memory-store.ts'
import type { Simulated } from './simulated.ts'

/** What happened to a run: something that is written in its log, or one more look at how far it has come. */
export interface Happened {
  readonly run: Run
  readonly what: 'written' | 'looked'
}

export interface Trace {
  begin(): Promise<void>
  advance(run: RunId): void
}

export interface TraceParts {
  readonly time: Simulated
  readonly store: MemoryStore
  readonly random: () => number
  readonly channels: readonly string[]
  readonly longest: number // hours that a copy takes
  happened(happened: Happened): void
  report(run: RunId): void
  complain(what: string, error: unknown): void
}

const PEOPLE = ['olga', 'otto', 'lee', 'dee', 'ann'] as Person[]
const POLICY: Policy = {
  people: new Map(
    PEOPLE.map(name => [name, { name, roles: new Set(['operator', 'lead', 'viewer']), handles: [] as readonly never[] }]),
  ),
  rules: [{ name: 'all', capability: '*', target: '*', upTo: 'destructive', may: 'operator' }],
}

/** A host that copies a disk: how long it takes, how far it was when the run began, and when it stands still for a while. */
interface Host {
  readonly takes: number
  readonly had: number
  readonly stalls: Instant | undefined
  since?: Instant
  state: 'sourceSelected' | 'targetSelected' | 'committed'
  refuses: number
}

/**
 * Runs of the migrate runbook through the real engine, on hosts that are made up, with people who take their time: gates open and are
 * approved, setups are refused now and then and tried again, copies stand still. When a run ends, another begins.
 */
export function trace({ time, store, random, channels, longest, happened, report, complain }: TraceParts): Trace {
  const hosts = new Map<string, Host>()
  const asked = new Set<string>()
  let runs = 0
  const between = (least: number, most: number): number => least + random() * (most - least)

  /** What is written is seen by people and by whoever counts. */
  const written = (run: Run): Run => {
    happened({ run, what: 'written' })
    wake(run)
    return run
  }
  const seen: Store = {
    ...store,
    create: async (origin, at, first) => written(await store.create(origin, at, first)),
    record: async (id, change) => noted(await store.load(id), await store.record(id, change)),
    hold: (id, lease, body) =>
      store.hold(id, lease, hold =>
        body({
          ...hold,
          record: async change => noted(await store.load(id), await hold.record(change)),
          async track(step, track) {
            const run = await hold.track(step, track)
            if (stepsOf(run.plan).some(one => one.id === step && one.kind === 'watch')) happened({ run, what: 'looked' })
            return run
          },
        }),
      ),
  }
  const noted = (before: Run | undefined, after: Run): Run => (before?.seq === after.seq ? after : written(after))

  const engine: Engine = {
    store: seen,
    clock: { now: time.now, timeout: () => new AbortController().signal },
    lease: seconds(15),
    stopping: new AbortController().signal,
    policy: async () => POLICY,
    active: async () => true,
    find: action => ({ device: hosts.get(action.target), capability: like(action, time.now) }),
    root: target => target,
    nudge: async (call, run) => (call === 'report' ? report(run) : forward(run)),
    redact: value => value,
  }
  function forward(run: RunId): void {
    advance(run, engine).catch(error => complain(`advancing ${run}`, error))
  }

  /** People see that they are asked, and answer in their own time: each question once. */
  function wake(run: Run): void {
    for (const { step, ballot } of ballots(run)) {
      for (let voter = 1; voter <= ballot.rule.quorum; voter++) {
        const question = `${run.id}/${step.id}/${ballot.until}/${voter}`
        if (asked.has(question)) continue
        asked.add(question)
        time.after(seconds(between(20, 180)), () => {
          const vote = { by: PEOPLE[voter]!, verdict: 'approve', shown: run.digest } as const
          answer(run.id, (now, current) =>
            stateOf(current, step).is === 'open' ? [{ type: 'step.voted', step: step.id, vote: { ...vote, at: now } }] : [],
          )
        })
      }
    }
    for (const step of failures(run)) {
      const question = `${run.id}/${step.id}/${run.seq}`
      if (asked.has(question) || stateOf(run, step).is !== 'failed') continue
      asked.add(question)
      time.after(seconds(between(60, 240)), () =>
        answer(run.id, (_, current) =>
          stateOf(current, step).is === 'failed' ? [{ type: 'step.retried', step: step.id, by: PEOPLE[0]! }] : [],
        ),
      )
    }
    if (run.outcome && !asked.has(run.id)) {
      asked.add(run.id)
      begin().catch(error => complain('beginning', error))
    }
  }

  function answer(id: RunId, what: (now: Instant, run: Run) => ReturnType<Parameters<Store['record']>[1]>): void {
    seen
      .record(id, (run, now) => what(now, run))
      .then(
        () => forward(id),
        error => complain(`answering ${id}`, error),
      )
  }

  async function begin(): Promise<void> {
    const n = ++runs
    const host = `host${n}` as Target
    hosts.set(host, {
      takes: hours(between(0.5, longest)),
      had: between(0, 0.9),
      stalls: random() < 0.05 ? time.now() + minutes(between(10, 40)) : undefined,
      state: 'sourceSelected',
      refuses: random() < 0.08 ? 1 : 0,
    })
    const soak = minutes(between(5, 15))
    const params = migrate.params.parse({ host, from: `harddisk${n}`, to: `harddisk${n + 1_000}`, soak })
    const plan = { ...migrate.plan(params), runbook: migrate.name }
    const place = { chat: 'slack', channel: channels[n % channels.length]! }
    const said = `migrate harddisk${n} to harddisk${n + 1_000} on ${host}`
    const run = await seen.create(`bench:${n}`, place, {
      type: 'run.started',
      by: PEOPLE[0]!,
      plan,
      digest: digestOf(plan),
      said,
    })
    report(run.id)
    forward(run.id)
  }

  return { begin, advance: forward }
}

/** A capability that is made up: what PowerPath's would hand out, after no time at all. */
function like({ capability: name, risk }: Action, now: () => Instant): Capability {
  const verb = name.slice(name.indexOf('.') + 1)
  return capability<Host>()({
    summary: verb,
    examples: [],
    params: z.looseObject({}),
    says: () => verb,
    sends: () => [],
    effect: risk === 'none' ? 'read' : { risk, claims: () => [], inDoubt: { ask: 'nobody' } },
    progress: result => ({ done: (result as { readonly done: number }).done }),
    async perform(host, call) {
      call.go()
      if (verb === 'setup' && host.refuses > 0) {
        host.refuses--
        throw new Refused('a session for these disks is being cleaned up')
      }
      if (verb === 'sync') host.since = now()
      if (verb === 'selectTarget') host.state = 'targetSelected'
      if (verb === 'commit') host.state = 'committed'
      const done = share(host, now())
      return {
        ...{ session: 1, done, state: done < 1 ? 'syncing' : host.state, sourceSelected: true, sourceBytes: 2e12 },
        ...{ differentDisks: true, targetBigEnough: true, targetEmpty: true, sessionsOnDisks: 0 },
        ...{ sourcePathsDead: 0, targetPathsDead: 0, sourcePathsAlive: 4, targetPathsAlive: 4 },
        ...{ sourceIdentity: 'SYMM-000190100275', targetIdentity: 'SYMM-000197600512' },
      }
    },
  })
}

const STILL = minutes(15)

function share({ since, had, takes, stalls }: Host, now: Instant): number {
  if (since === undefined) return 0
  const stood = stalls === undefined ? 0 : Math.min(STILL, Math.max(0, now - Math.max(stalls, since)))
  return Math.min(1, had + (now - since - stood) / takes)
}
