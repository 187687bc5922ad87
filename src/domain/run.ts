import type { ApprovalRule, Ballot, Vote } from './approval.ts'
import type { Place } from './chat.ts'
import type { Digest, Instant, IntentId, Millis, Person, RunId, StepId } from './ids.ts'
import type { Act, Action, Plan, Step } from './plan.ts'
import type { Track } from './progress.ts'

/** What happened, in the past tense. Only ever appended. */
export type Event =
  | { readonly type: 'run.started'; readonly by: Person; readonly plan: Plan; readonly digest: Digest; readonly said: string }
  | { readonly type: 'run.paused'; readonly by: Person }
  | { readonly type: 'run.resumed'; readonly by: Person }
  | { readonly type: 'run.turned'; readonly to: 'rolling back' | 'stopping'; readonly by?: Person; readonly because?: string }
  | { readonly type: 'run.finished'; readonly outcome: Outcome }
  | { readonly type: 'worker.lost'; readonly steps: readonly StepId[] }
  | { readonly type: 'run.heard'; readonly said: string } // a sentence, so that it is never acted upon twice
  | StepEvent

export type StepEvent =
  | { readonly type: 'step.opened'; readonly step: StepId; readonly until: Instant } // a gate, a watch or a wait
  | { readonly type: 'step.shown'; readonly step: StepId; readonly facts: readonly SeenFact[] }
  | { readonly type: 'step.voted'; readonly step: StepId; readonly vote: Vote }
  | { readonly type: 'step.intended'; readonly step: StepId; readonly intent: Intent }
  | { readonly type: 'step.doubted'; readonly step: StepId; readonly why: string; readonly again?: Instant }
  | {
      readonly type: 'step.done'
      readonly step: StepId
      readonly how: How
      readonly by?: Person
      readonly because?: string
      readonly result?: unknown
    }
  | { readonly type: 'step.failed'; readonly step: StepId; readonly why: string; readonly again?: Instant }
  | { readonly type: 'step.looked'; readonly step: StepId } // a watch came through again after its worker was lost
  | { readonly type: 'step.retried'; readonly step: StepId; readonly by: Person }
  | {
      readonly type: 'step.skip-asked'
      readonly step: StepId
      readonly by: Person
      readonly because: string
      readonly rule: ApprovalRule
      readonly until: Instant
    }
  | { readonly type: 'step.skipped'; readonly step: StepId; readonly by?: Person; readonly because?: string }

export type Outcome = 'succeeded' | 'failed' | 'cancelled' | 'rolled back'
export type How = 'seen' | 'inferred' | 'told' // done, found done, said to be done

/** Written down before a device is touched, so that a crash leaves a question and not a riddle. */
export interface Intent {
  readonly id: IntentId
  readonly at: Instant
  readonly action: Action // with its references resolved
  readonly before?: unknown // what the device showed just before
}

export interface SeenFact {
  readonly label: string
  readonly holds: boolean
  readonly shows: string
}

export type StepState =
  | { readonly is: 'pending'; readonly attempts: number; readonly after: Instant; readonly why?: string }
  | { readonly is: 'open'; readonly ballot: Ballot; readonly facts?: readonly SeenFact[] }
  | { readonly is: 'watching'; readonly until: Instant }
  | { readonly is: 'waiting'; readonly until: Instant }
  | { readonly is: 'sent'; readonly attempts: number; readonly intent: Intent; readonly after: Instant } // in doubt once quiet
  | { readonly is: 'doubtful'; readonly attempts: number; readonly intent: Intent; readonly why: string } // a person must say
  | {
      readonly is: 'done'
      readonly at: Instant
      readonly how: How
      readonly by?: Person
      readonly result?: unknown
      readonly ballot?: Ballot
      readonly intent?: Intent
    }
  | { readonly is: 'failed'; readonly at: Instant; readonly why: string; readonly skip?: Skip }
  | { readonly is: 'skipped'; readonly at: Instant; readonly by?: Person; readonly because?: string }

export interface Skip {
  readonly by: Person
  readonly because: string
  readonly ballot: Ballot
}

/** The fold of a run's events, and what lies beside them. */
export interface Run {
  readonly id: RunId
  readonly seq: number
  readonly by: Person
  readonly said: string
  readonly plan: Plan
  readonly digest: Digest
  readonly course: 'forward' | 'rolling back' | 'stopping'
  readonly turned?: { readonly by?: Person; readonly because?: string }
  readonly steps: ReadonlyMap<StepId, StepState> // those of undo steps appear when they begin
  readonly lost: ReadonlyMap<StepId, number> // workers lost in a row at this step
  readonly heard: ReadonlySet<string> // the chats' ids of the sentences that moved it
  readonly paused?: Person
  readonly startedAt: Instant
  readonly outcome?: Outcome
  readonly endedAt?: Instant
  // beside the events, from the head row
  readonly place: Place
  readonly tracks: ReadonlyMap<StepId, Track>
  readonly waitsFor?: Obstacle
}

/** Another run's claim that stands in the way, and when to try again. */
export interface Obstacle {
  readonly path: string
  readonly run: RunId
  readonly next: Instant
}

/** By how much the clocks of two workers may disagree: added before a silence counts as one. */
export const SKEW: Millis = 2_000

const NOBODY = '' as Person

/** What a run is before its first event. */
export const unborn = (id: RunId, place: Place): Run => ({
  id,
  seq: 0,
  by: NOBODY,
  said: '',
  plan: { title: '', stages: [], onFailure: 'hold' },
  digest: '' as Digest,
  course: 'forward',
  steps: new Map(),
  lost: new Map(),
  heard: new Set(),
  startedAt: 0,
  place,
  tracks: new Map(),
})

export function evolve(run: Run, event: Event, at: Instant): Run {
  const next = { ...run, seq: run.seq + 1 }
  switch (event.type) {
    case 'run.started':
      return {
        ...next,
        by: event.by,
        plan: event.plan,
        digest: event.digest,
        said: event.said,
        startedAt: at,
        steps: pendingSteps(event.plan),
      }
    case 'run.paused':
      return { ...next, paused: event.by }
    case 'run.resumed': {
      const { paused: _, ...going } = next
      return going
    }
    case 'run.turned': {
      const { paused: _, ...going } = next
      return {
        ...going,
        course: event.to,
        turned: { ...(event.by ? { by: event.by } : {}), ...(event.because ? { because: event.because } : {}) },
      }
    }
    case 'run.finished':
      return { ...next, outcome: event.outcome, endedAt: at }
    case 'run.heard':
      return { ...next, heard: new Set([...run.heard, event.said]) }
    case 'worker.lost':
      return { ...next, lost: new Map([...run.lost, ...event.steps.map(step => [step, (run.lost.get(step) ?? 0) + 1] as const)]) }
    default: {
      const before = run.steps.get(event.step) ?? PENDING
      const steps = new Map(run.steps).set(event.step, evolveStep(stepNamed(run, event.step), before, event, at))
      return CLEARS.has(event.type) && run.lost.has(event.step)
        ? { ...next, steps, lost: without(run.lost, event.step) }
        : { ...next, steps }
    }
  }
}

/** What shows that a step can be worked on without killing its worker. */
const CLEARS: ReadonlySet<Event['type']> = new Set(['step.done', 'step.looked', 'step.retried', 'step.shown', 'step.skipped'])

const PENDING: StepState = { is: 'pending', attempts: 0, after: 0 }

function evolveStep(step: Step | undefined, now: StepState, event: StepEvent, at: Instant): StepState {
  const attempts = 'attempts' in now ? now.attempts : 0
  switch (event.type) {
    case 'step.opened':
      if (step?.kind === 'gate') return { is: 'open', ballot: { rule: step.rule, until: event.until, votes: [] } }
      return { is: step?.kind === 'watch' ? 'watching' : 'waiting', until: event.until }
    case 'step.shown':
      return now.is === 'open' ? { ...now, facts: event.facts } : now
    case 'step.voted':
      if (now.is === 'open') return { ...now, ballot: add(now.ballot, event.vote) }
      return now.is === 'failed' && now.skip ? { ...now, skip: { ...now.skip, ballot: add(now.skip.ballot, event.vote) } } : now
    case 'step.intended':
      return {
        is: 'sent',
        attempts: attempts + 1,
        intent: event.intent,
        after: event.intent.at + (step?.kind === 'act' ? step.timeout : 0) + SKEW,
      }
    case 'step.doubted':
      if (now.is !== 'sent') return now
      return event.again === undefined
        ? { is: 'doubtful', attempts, intent: now.intent, why: event.why }
        : { ...now, after: event.again }
    case 'step.done':
      return {
        is: 'done',
        at,
        how: event.how,
        ...(event.by ? { by: event.by } : {}),
        ...(event.result === undefined ? {} : { result: event.result }),
        ...(now.is === 'open' ? { ballot: now.ballot } : {}),
        ...('intent' in now && now.intent ? { intent: now.intent } : {}),
      }
    case 'step.failed':
      // A try that never reached its intent counts too, or a device that is down would be tried for ever.
      if (event.again !== undefined)
        return { is: 'pending', attempts: now.is === 'pending' ? attempts + 1 : attempts, after: event.again, why: event.why }
      return { is: 'failed', at, why: event.why }
    case 'step.looked':
      return now
    case 'step.retried':
      return PENDING
    case 'step.skip-asked':
      return now.is === 'failed'
        ? { ...now, skip: { by: event.by, because: event.because, ballot: { rule: event.rule, until: event.until, votes: [] } } }
        : now
    case 'step.skipped':
      return { is: 'skipped', at, ...(event.by ? { by: event.by } : {}), ...(event.because ? { because: event.because } : {}) }
  }
}

const add = (ballot: Ballot, vote: Vote): Ballot => ({ ...ballot, votes: [...ballot.votes, vote] })
const pendingSteps = (plan: Plan) => new Map(plan.stages.flat().map(step => [step.id, PENDING] as const))
const without = <K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> => new Map([...map].filter(([k]) => k !== key))

export const stateOf = (run: Run, step: Step): StepState => run.steps.get(step.id) ?? PENDING
export const isOver = (state: StepState): boolean => state.is === 'done' || state.is === 'skipped'
export const inFlight = (state: StepState): boolean => state.is === 'sent' || state.is === 'doubtful'

const UNDO = 'undo-'

/** The undos of a step as steps of their own; they inherit the patience of the act. */
export const undosOf = (step: Step): readonly Act[] =>
  step.kind !== 'act'
    ? []
    : (step.undo ?? []).map(({ says, action }, n) => ({
        id: `${UNDO}${step.id}${n === 0 ? '' : `-${n + 1}`}` as StepId,
        says,
        kind: 'act',
        action,
        timeout: step.timeout,
        tries: step.tries,
        every: step.every,
      }))

/** A step of the plan or the undo of one. */
export function stepNamed(run: Run, id: StepId): Step | undefined {
  const steps = run.plan.stages.flat()
  const planned = steps.find(step => step.id === id)
  if (planned || !id.startsWith(UNDO)) return planned
  return steps.flatMap(undosOf).find(undo => undo.id === id)
}
