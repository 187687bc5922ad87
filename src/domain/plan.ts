import type { ApprovalRule } from './approval.ts'
import type { Millis, StepId, Target } from './ids.ts'

/** A request for one capability of one target. Plain data: stored, printed, compared. */
export interface Action {
  readonly capability: string // "powerpath.select-target"
  readonly target: Target
  readonly params: Params // parsed by the capability's schema once its references are resolved
  readonly risk: Risk // the capability's own; the policy and the card speak of it
}

export type Params = Readonly<Record<string, unknown>>

/** none: it only reads. routine: easily undone. disruptive: people may notice. destructive: cannot be taken back. */
export const RISKS = ['none', 'routine', 'disruptive', 'destructive'] as const
export type Risk = (typeof RISKS)[number]
export const atLeast = (risk: Risk, floor: Risk): boolean => RISKS.indexOf(risk) >= RISKS.indexOf(floor)

/** What a step hands to a later one: a session handle, a task id. Resolved when the intent is made. */
export interface Reference {
  readonly from: StepId
  readonly field: string
}
export const isReference = (value: unknown): value is Reference =>
  typeof value === 'object' && value !== null && 'from' in value && 'field' in value && Object.keys(value).length === 2

/** What a runbook comes to once its parameters are known. A run's plan never changes. */
export interface Plan {
  readonly title: string
  readonly notes?: readonly string[] // what whoever approves it has to know beside the steps
  readonly runbook?: string // whose plan it is, so that whoever follows a runbook finds its runs; absent from a single action's
  readonly stages: readonly (readonly Step[])[] // stages in order, the steps of a stage side by side
  readonly onFailure: 'hold' | 'roll back' | 'stop'
  readonly measures?: readonly Measure[] // what the card tells of the run as soon as it is known
}

/** How long it took from the start, or from the end of a step, to the end of another; or how old a moment is that a step has found. */
export type Measure = { readonly label: string } & (
  | { readonly kind: 'took'; readonly from?: StepId; readonly to: StepId }
  | { readonly kind: 'age'; readonly of: Reference; readonly at?: StepId } // a field in milliseconds since 1970; at the start, or at the end of a step
)

export type Step = Act | Watch | Gate | Wait

interface Base {
  readonly id: StepId
  readonly says: string // what the card shows: the canonical sentence, or what is asked
  readonly always?: true // runs even after a failure or a cancel
}

export interface Act extends Base {
  readonly kind: 'act'
  readonly action: Action
  readonly timeout: Millis // how long one request may live, on the wire and in the device
  readonly tries: number
  readonly every: Millis // between tries
  readonly expect?: readonly Expectation[] // reads only: anything else counts as a failed try
  readonly undo?: readonly Undo[] // in the order in which they are sent
  readonly final?: true // the point of no return
}

export interface Undo {
  readonly action: Action
  readonly says: string
}

/** Looks until something is so. Leaves two events however long it takes, and holds no worker between looks. */
export interface Watch extends Base {
  readonly kind: 'watch'
  readonly read: Action
  readonly until: Expectation
  readonly unless?: Expectation // met: the step has failed
  readonly mend?: StepId // an act before it that is done again first when people retry: what stopped may have to be set going
  readonly every: Millis
  readonly within: Millis
  readonly stall?: Millis // no progress for so long rings
  readonly timeout: Millis // of one look
  readonly size?: Reference // what is moved, in bytes, if an earlier step has found that out: turns a share into bytes
}

export interface Gate extends Base {
  readonly kind: 'gate'
  readonly asks: string
  readonly for: 'approval' | 'confirmation'
  readonly rule: ApprovalRule
  readonly facts: readonly Fact[]
  readonly window?: true // opens only while the changes behind it are allowed by the calendar
}

/** A read whose answer a gate shows, and that must still hold right before the next change. */
export interface Fact {
  readonly label: string
  readonly read: Action
  readonly expect: Expectation
}

export interface Wait extends Base {
  readonly kind: 'wait'
  readonly for: Millis
}

/** What must be true of one field of a result. */
export interface Expectation {
  readonly field: string
  readonly is?: string | number | boolean
  readonly oneOf?: readonly string[]
  readonly atLeast?: number
  readonly atMost?: number
}

/** An absent field meets nothing: what a device did not say is not a yes. */
export function meets({ field, is, oneOf, atLeast, atMost }: Expectation, result: unknown): boolean {
  const value = fieldOf(result, field)
  if (value === undefined || value === null) return false
  return (
    (is === undefined || value === is) &&
    (oneOf === undefined || oneOf.includes(String(value))) &&
    (atLeast === undefined || (typeof value === 'number' && value >= atLeast)) &&
    (atMost === undefined || (typeof value === 'number' && value <= atMost))
  )
}

export function wanted({ field, is, oneOf, atLeast, atMost }: Expectation): string {
  const parts = [
    is === undefined ? '' : `${is}`,
    oneOf === undefined ? '' : oneOf.join(' or '),
    atLeast === undefined ? '' : `at least ${atLeast}`,
    atMost === undefined ? '' : `at most ${atMost}`,
  ]
  return `${field} ${parts.filter(part => part !== '').join(' and ')}`
}

export const fieldOf = (result: unknown, field: string): unknown =>
  typeof result === 'object' && result !== null && Object.hasOwn(result, field)
    ? (result as Record<string, unknown>)[field]
    : undefined

export const stepsOf = (plan: Plan): readonly Step[] => plan.stages.flat()

/** Every change a plan may make, undos included: what the policy is asked about. */
export const changesOf = (plan: Plan): readonly Action[] =>
  stepsOf(plan)
    .flatMap(step => (step.kind === 'act' ? [step.action, ...undoActions(step)] : []))
    .filter(action => action.risk !== 'none')

export const undoActions = (act: Act): readonly Action[] => (act.undo ?? []).map(undo => undo.action)

/** Everything a plan reads or changes. */
export const actionsOf = (plan: Plan): readonly Action[] =>
  stepsOf(plan).flatMap((step): readonly Action[] => {
    switch (step.kind) {
      case 'act':
        return [step.action, ...undoActions(step)]
      case 'watch':
        return [step.read]
      case 'gate':
        return step.facts.map(fact => fact.read)
      case 'wait':
        return []
    }
  })
