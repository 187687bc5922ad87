import type { z } from 'zod'
import type { ApprovalRule } from '../domain/approval.ts'
import { hours, type Millis, type StepId, seconds } from '../domain/ids.ts'
import {
  type Act,
  type Action,
  type Expectation,
  type Fact,
  type Gate,
  isReference,
  type Params,
  type Plan,
  type Reference,
  type Step,
  type Undo,
  type Wait,
  type Watch,
} from '../domain/plan.ts'
import { duration } from '../domain/words.ts'
import type { Capabilities, Capability } from '../kit/device.ts'

/** A named function from parameters to a plan. Pure: the same parameters make the same plan, and so the same digest. */
export interface Runbook<P> {
  readonly name: string
  readonly params: z.ZodType<P>
  plan(params: P): Plan
}
export const runbook = <P>(spec: Runbook<P>): Runbook<P> => spec

/** What a step hands out, for a later one: resolved when that one's intent is made. */
export const from = (step: string, field: string): Reference => ({ from: step as StepId, field })

export const expect = (field: string, wanted: Omit<Expectation, 'field'> = {}): Expectation => ({ field, ...wanted })

/** Step makers for one kind of device; they take the sentence each step shows from its capability. */
export function stepsFor<C extends Capabilities<never>>({ capabilities }: { readonly capabilities: C }) {
  const says = (action: Action): string => sentenceOf(capabilities as Capabilities<unknown>, action)
  const takes = (action: Action): Millis => timeOf(capabilities as Capabilities<unknown>, action)
  return {
    act: (
      id: string,
      action: Action,
      { undo, ...more }: Patience & { readonly undo?: readonly Action[]; readonly final?: true } = {},
    ): Act => ({
      id: id as StepId,
      says: says(action),
      kind: 'act',
      action,
      ...patience({ timeout: takes(action), ...more }),
      ...(more.final ? { final: true } : {}),
      ...(undo ? { undo: undo.map((action): Undo => ({ action, says: says(action) })) } : {}),
    }),
    check: (id: string, what: string, action: Action, wanted: readonly Expectation[], more: Patience = {}): Act => ({
      id: id as StepId,
      says: what,
      kind: 'act',
      action,
      expect: wanted,
      ...patience(more),
    }),
    watch: (
      id: string,
      what: string,
      read: Action,
      until: Expectation,
      {
        mend,
        ...more
      }: Partial<Pick<Watch, 'unless' | 'every' | 'within' | 'stall' | 'timeout' | 'size'>> & {
        readonly mend?: string
      } = {},
    ): Watch => ({
      id: id as StepId,
      says: what,
      kind: 'watch',
      read,
      until,
      every: seconds(10),
      within: hours(24 * 30),
      timeout: seconds(30),
      ...more,
      ...(mend === undefined ? {} : { mend: mend as StepId }),
    }),
    fact: (label: string, read: Action, wanted: Expectation): Fact => ({ label, read, expect: wanted }),
  }
}

interface Patience {
  readonly timeout?: Millis
  readonly tries?: number
  readonly every?: Millis
}
const patience = ({ timeout, tries, every }: Patience) => ({
  timeout: timeout ?? seconds(30),
  tries: tries ?? 3,
  every: every ?? seconds(2),
})

/** How long one request of this capability may live. */
function timeOf(capabilities: Capabilities<unknown>, action: Action): Millis {
  const effect = capabilities[action.capability.slice(action.capability.indexOf('.') + 1)]?.effect
  return (effect === undefined || effect === 'read' ? undefined : effect.takes) ?? seconds(30)
}

/** The canonical sentence of an action whose references are not resolved yet. */
export function sentenceOf(capabilities: Capabilities<unknown>, action: Action): string {
  const verb = action.capability.slice(action.capability.indexOf('.') + 1)
  const capability: Capability | undefined = capabilities[verb]
  if (!capability) throw new Error(`there is no capability ${action.capability}`)
  return capability.says(action.target, shown(action.params))
}

/** References as text, for a sentence or a preview. */
export const shown = (params: Params): Params =>
  Object.fromEntries(
    Object.entries(params).map(([name, value]) => [name, isReference(value) ? `<${value.field} of ${value.from}>` : value]),
  )

export const approval = (
  id: string,
  says: string,
  asks: string,
  rule: Partial<ApprovalRule>,
  facts: readonly Fact[] = [],
): Gate => ({
  id: id as StepId,
  says,
  kind: 'gate',
  asks,
  for: 'approval',
  rule: { role: 'lead', quorum: 1, ownRequest: false, within: hours(1), ...rule },
  facts,
})

/** Something a person does or sees with their own eyes; whoever asked for the run may confirm it. */
export const confirmation = (
  id: string,
  says: string,
  asks: string,
  rule: Partial<ApprovalRule> = {},
  facts: readonly Fact[] = [],
): Gate => ({
  ...approval(id, says, asks, { role: 'operator', ownRequest: true, within: hours(12), ...rule }, facts),
  for: 'confirmation',
})

export const wait = (id: string, what: string, ms: Millis): Wait => ({
  id: id as StepId,
  says: `${what} for ${duration(ms)}`,
  kind: 'wait',
  for: ms,
})

export const plan = (
  title: string,
  stages: readonly (Step | readonly Step[] | undefined)[],
  onFailure: Plan['onFailure'] = 'hold',
): Plan => ({
  title,
  stages: stages
    .filter(stage => stage !== undefined)
    .map(stage => (Array.isArray(stage) ? (stage as readonly Step[]) : [stage as Step])),
  onFailure,
})

/** A single change, asked for by its own sentence: a plan of one step. Nothing stands behind it, so a failure ends it. */
export const single = (capabilities: Capabilities<unknown>, action: Action): Plan => {
  const says = sentenceOf(capabilities, action)
  const verb = action.capability.slice(action.capability.indexOf('.') + 1).toLowerCase()
  return plan(
    says,
    [{ id: verb as StepId, says, kind: 'act', action, timeout: timeOf(capabilities, action), tries: 3, every: seconds(2) }],
    'stop',
  )
}
