import { type ApprovalRule, akin, stricter } from './approval.ts'
import type { Person, StepId } from './ids.ts'
import { type Act, type Action, atLeast, changesOf, type Gate, type Plan, type Step, stepsOf } from './plan.ts'
import { labelled, matches, type Policy, permit, ruleFor, unreasoned } from './policy.ts'
import type { Refusal } from './refusal.ts'
import type { Window } from './rulebook.ts'

/** Puts the gates in, so that no runbook can forget one; or refuses. */
export function guard(
  plan: Plan,
  policy: Policy,
  by: Person,
  reads: readonly Action[] = [],
  because?: string,
): { readonly plan: Plan } | { readonly refusal: Refusal } {
  const changes = changesOf(plan)
  const refusal = permit(policy, by, [...reads, ...changes]) ?? unreasoned(policy, changes, because)
  if (refusal) return { refusal }
  const heads = asked(changes.flatMap(action => ruleFor(policy, action)?.start ?? []))
  const gateFor = gatesOf(plan)
  const head = heads.map(rule => gateFor('start', `Start: ${plan.title}?`, rule))
  const gated = plan.stages.flatMap((stage, n) => {
    const wanted = stage.filter((step): step is Act => step.kind === 'act').flatMap(step => stepRules(policy, step))
    const before = n === 0 ? undefined : plan.stages[n - 1]
    const standing = before?.some(step => step.kind === 'gate' && step.for === 'approval') ?? false
    return standing || wanted.length === 0 ? [stage] : [newGates(stage, asked(wanted), gateFor), stage]
  })
  const raised = gated.map((stage, n) => raise(stage, gated[n + 1] ?? [], policy, gateFor))
  const stages = [...(head.length > 0 ? [head] : []), ...raised]
  return { plan: { ...plan, stages: stages.map((stage, n) => windowed(stage, stages[n + 1] ?? [], policy)) } }
}

/** What is asked before something that a change window is for goes by the calendar: nobody is asked while the answer could not be used. */
const windowed = (stage: readonly Step[], next: readonly Step[], policy: Policy): readonly Step[] =>
  next.some(step => step.kind === 'act' && windowsFor(policy, step.action).length > 0)
    ? stage.map(step => (step.kind === 'gate' ? { ...step, window: true } : step))
    : stage

/** The change windows that a change has to keep to. */
export const windowsFor = ({ windows, labels }: Policy, { target, risk }: Action): readonly Window[] =>
  (windows ?? []).filter(
    window =>
      risk !== 'none' &&
      atLeast(risk, window.from) &&
      labelled(window.where, labels?.get(target)) &&
      matches(window.target ?? '*', target),
  )

const stepRules = (policy: Policy, step: Act): readonly ApprovalRule[] => {
  const before = ruleFor(policy, step.action)?.before
  return step.action.risk !== 'none' && before && atLeast(step.action.risk, before.from) ? [before.rule] : []
}

/** A gate that a runbook put there itself is made at least as strict as the policy wants it. */
function raise(stage: readonly Step[], next: readonly Step[], policy: Policy, gateFor: MakeGate): readonly Step[] {
  const wanted = asked(next.filter((step): step is Act => step.kind === 'act').flatMap(step => stepRules(policy, step)))
  const approvals = stage.filter((step): step is Gate => step.kind === 'gate' && step.for === 'approval')
  const first = approvals[0]
  if (!first || wanted.length === 0) return stage
  const raised = stage.map(step => {
    const rule = wanted.find(rule => step.kind === 'gate' && step.for === 'approval' && akin(step.rule, rule))
    return rule && step.kind === 'gate' ? { ...step, rule: stricter(step.rule, rule) } : step
  })
  const missing = wanted.filter(rule => !approvals.some(gate => akin(gate.rule, rule)))
  return [...raised, ...missing.map(rule => gateFor(`${first.id}-${rule.role}`, first.asks, rule))]
}

/** What is to run always has a gate that always opens: dropped with the rest, it could never be approved. */
const newGates = (stage: readonly Step[], rules: readonly ApprovalRule[], gateFor: MakeGate): readonly Step[] =>
  rules.map((rule, n) => ({
    ...gateFor(
      `approve-${stage.map(step => step.id).join('-')}${n === 0 ? '' : `-${rule.role}`}`,
      `${stage.map(step => step.says).join(' and ')}?`,
      rule,
    ),
    ...(stage.some(step => step.always) ? { always: true } : {}),
  }))

type MakeGate = (id: string, asks: string, rule: ApprovalRule) => Gate

/** As much of a name as a button has room for: "approve R123456789 <name> as 0123456789". */
const LONGEST = 56

/** Gates of our own. Each has a name that a sentence can hold and that no step has: a shared name would be a shared state. */
function gatesOf(plan: Plan): MakeGate {
  const taken = new Set<string>(stepsOf(plan).map(step => step.id))
  const free = (wish: string): StepId => {
    const name = wish
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, LONGEST)
    let id = name
    for (let n = 2; taken.has(id); n++) id = `${name}-${n}`
    taken.add(id)
    return id as StepId
  }
  return (id, asks, rule) => ({ id: free(id), says: asks, kind: 'gate', asks, for: 'approval', rule, facts: [] })
}

/** One rule for each question: the strictest. */
function asked(rules: readonly ApprovalRule[]): readonly ApprovalRule[] {
  const found: ApprovalRule[] = []
  for (const rule of rules) {
    const at = found.findIndex(other => akin(other, rule))
    if (at < 0) found.push(rule)
    else found[at] = stricter(found[at] ?? rule, rule)
  }
  return found
}
