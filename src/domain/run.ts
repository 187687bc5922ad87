import type { ApprovalRule, Ballot, Via, Vote } from './approval.ts'
import type { Place } from './chat.ts'
import type { Digest, Instant, IntentId, Millis, Person, RunId, StepId } from './ids.ts'
import type { Act, Action, Plan, Step } from './plan.ts'
import type { Track } from './progress.ts'

/** What happened, in the past tense. Only ever appended. */
export type Event =
  | {
      readonly type: 'run.started'
      readonly by: Person
      readonly plan: Plan
      readonly digest: Digest
      readonly said: string
      readonly because?: string
      readonly via?: Via
      readonly schedule?: string // whose turn it was; whoever made that asked for it
    }
  | {
      readonly type: 'run.broke-glass' // until then its gates open by this rule
      readonly by: Person
      readonly because: string
      readonly until: Instant
      readonly rule: ApprovalRule
      readonly via?: Via
    }
  | { readonly type: 'run.reviewed'; readonly by: Person; readonly because: string; readonly via?: Via }
  | { readonly type: 'run.paused'; readonly by: Person }
  | { readonly type: 'run.resumed'; readonly by: Person }
  | { readonly type: 'run.turned'; readonly to: 'rolling back' | 'stopping'; readonly by?: Person; readonly because?: string }
  | { readonly type: 'run.finished'; readonly outcome: Outcome }
  | { readonly type: 'worker.lost'; readonly steps: readonly StepId[] }
  | { readonly type: 'run.heard'; readonly said: string; readonly via?: Via } // a sentence, so that it is never acted upon twice
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
  | { readonly type: 'step.retried'; readonly step: StepId; readonly by?: Person; readonly because?: string } // by nobody: the calendar closed
  | { readonly type: 'step.refreshed'; readonly step: StepId; readonly by: Person } // its facts are to be read again
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
  readonly at?: Instant // when it was read
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
      readonly facts?: readonly SeenFact[] // that were on the card when it opened
      readonly intent?: Intent
    }
  | { readonly is: 'failed'; readonly at: Instant; readonly why: string; readonly skip?: Skip }
  | { readonly is: 'skipped'; readonly at: Instant; readonly by?: Person; readonly because?: string }

export interface Skip {
  readonly by: Person
  readonly because: string
  readonly ballot: Ballot
}

/** The fold of a run's events (evolve.ts), and what lies beside them. */
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
  readonly because?: string
  readonly via?: Via
  readonly schedule?: string
  readonly glass?: BrokenGlass
  readonly reviewed?: { readonly by: Person; readonly because: string; readonly at: Instant }
  readonly startedAt: Instant
  readonly outcome?: Outcome
  readonly endedAt?: Instant
  // beside the events, from the head row
  readonly place: Place
  readonly tracks: ReadonlyMap<StepId, Track>
  readonly waitsFor?: Obstacle
}

/** What stands in the way, and when to try again: another run's claim, or the calendar. */
export type Obstacle =
  | { readonly path: string; readonly run: RunId; readonly next: Instant }
  | { readonly shut: string; readonly next: Instant }

export const saysObstacle = (obstacle: Obstacle): string =>
  'shut' in obstacle ? `Waits: ${obstacle.shut}.` : `Waits for ${obstacle.run}, which holds ${obstacle.path}.`

/** An emergency that somebody declared: what it is worth, and until when. */
export interface BrokenGlass {
  readonly by: Person
  readonly because: string
  readonly at: Instant
  readonly until: Instant
  readonly rule: ApprovalRule
}

/** A broken glass asks for a review until somebody has closed it. */
export const reviewOpen = (run: Run): boolean => run.glass !== undefined && run.reviewed === undefined

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

export const PENDING: StepState = { is: 'pending', attempts: 0, after: 0 }

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
