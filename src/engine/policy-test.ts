import { type ApprovalRule, needsOf } from '../domain/approval.ts'
import { people } from '../domain/ballot.ts'
import { guard } from '../domain/guard.ts'
import type { Instant, Person } from '../domain/ids.ts'
import { type Act, type Action, changesOf, type Gate, type Plan, stepsOf } from '../domain/plan.ts'
import {
  closedFor,
  hasRole,
  isUnsure,
  type Policy,
  patternWords,
  permit,
  rolesFor,
  ruleFor,
  unreasoned,
} from '../domain/policy.ts'
import { explain } from '../domain/refusal.ts'
import type { Rule } from '../domain/rulebook.ts'
import { saysShut, shut } from '../domain/windows.ts'
import type { Planned } from './ears.ts'

/**
 * What a sentence would come to if this person said it now: which rules decide, which gates it would stand at and who could open
 * them, and what the calendar says. Nothing is begun.
 */
export function policyTest(planned: Planned, by: Person, policy: Policy, now: Instant, because?: string): readonly string[] {
  if ('refusal' in planned) return explain(planned.refusal)
  if ('read' in planned) return readTest(planned.read, by, policy)
  const changes = changesOf(planned.plan)
  const forbidden = permit(policy, by, [...planned.reads, ...changes])
  if (forbidden) return [...explain(forbidden), ...wanting([...planned.reads, ...changes], by, policy)]
  const wordless = unreasoned(policy, changes, because)
  const guarded = guarding(planned, policy, by)
  if ('refusal' in guarded) return explain(guarded.refusal)
  const closed = closedFor(guarded.plan, policy, by)
  return [
    `${by} may ask for this: ${planned.plan.title}.`,
    ...deciding(changes, policy),
    ...(wordless ? explain(wordless) : []),
    ...gateLines(guarded.plan, policy, [by]),
    ...(closed ? explain(closed) : []),
    ...calendar(guarded.plan, policy, now),
  ]
}

/** Who could open which gate of what a sentence would become, whoever says it. */
export function whoCouldApprove(planned: Planned, policy: Policy, now: Instant): readonly string[] {
  if ('refusal' in planned) return explain(planned.refusal)
  if ('read' in planned) return ['It only reads: nothing has to be approved.']
  const asked = [...planned.reads, ...changesOf(planned.plan)]
  const askers = [...policy.people.keys()].filter(person => !permit(policy, person, asked))
  const [first] = askers
  if (first === undefined) return ['Nobody may ask for this.', ...wanting(asked, undefined, policy)]
  const guarded = guarding(planned, policy, first)
  if ('refusal' in guarded) return explain(guarded.refusal)
  return [
    `${planned.plan.title}: ${named(askers)} may ask for it.`,
    ...deciding(changesOf(planned.plan), policy),
    ...gateLines(guarded.plan, policy, []),
    ...calendar(guarded.plan, policy, now),
  ]
}

function readTest(read: Action, by: Person, policy: Policy): readonly string[] {
  const forbidden = permit(policy, by, [read])
  if (forbidden) return [...explain(forbidden), ...wanting([read], by, policy)]
  return [`${by} may ask for this: it only reads, and is answered at once.`, ...deciding([read], policy)]
}

/** The gates are the same whatever was said for a reason: a request that lacks one is told so beside them. */
const guarding = ({ plan, reads }: Extract<Planned, { plan: Plan }>, policy: Policy, by: Person) =>
  guard(plan, { ...policy, rules: policy.rules.map(({ reason: _, ...rule }): Rule => rule) }, by, reads)

function deciding(actions: readonly Action[], policy: Policy): readonly string[] {
  const about = new Map<Rule, Set<string>>()
  for (const action of actions) {
    const rule = ruleFor(policy, action)
    if (rule) about.set(rule, (about.get(rule) ?? new Set()).add(nameOf(action)))
  }
  return [...about].map(([rule, names]) => {
    const wants = rule.reason === undefined ? '' : ` It wants a reason with ${patternWords(rule.reason)}.`
    return `The rule "${rule.name}" decides about ${named([...names])}.${wants}`
  })
}

/** What is missing for an answer of yes: a rule, or a role. */
function wanting(actions: readonly Action[], by: Person | undefined, policy: Policy): readonly string[] {
  const lines = actions.flatMap((action): readonly string[] => {
    const rule = ruleFor(policy, action)
    if (!rule) return [`No rule decides about ${nameOf(action)}: one would have to fit it, and go up to ${action.risk}.`]
    if (by !== undefined && hasRole(policy, by, rule.may, action.risk)) return []
    const able = [...policy.people.keys()].filter(person => hasRole(policy, person, rule.may, action.risk))
    return [`The rule "${rule.name}" decides about ${nameOf(action)}. Who has the role ${rule.may}: ${named(able)}.`]
  })
  return [...new Set(lines)]
}

const nameOf = ({ capability, target, risk }: Action): string =>
  `${capability} on ${target} (${risk === 'none' ? 'a read' : risk})`

function gateLines(plan: Plan, policy: Policy, askers: readonly Person[]): readonly string[] {
  const gates = stepsOf(plan).filter((step): step is Gate => step.kind === 'gate')
  if (gates.length === 0) return ['Nothing has to be approved.']
  return gates.map(({ id, for: what, rule }) => `The gate ${id} (${what}) wants ${people(rule)}. ${able(rule, policy, askers)}`)
}

function able(rule: ApprovalRule, policy: Policy, askers: readonly Person[]): string {
  const counted = [...policy.people.keys()].filter(person => rule.ownRequest || !askers.includes(person))
  const groups = needsOf(rule).map(({ role }) => {
    const could = counted.filter(person => rolesFor(policy, rule, person).includes(role))
    return `${role}: ${named(could)}`
  })
  const unsure = counted.filter(person => needsOf(rule).some(({ role }) => isUnsure(policy, person, role)))
  const doubt = unsure.length > 0 ? ` The chat that knows the groups of ${named(unsure)} cannot be asked now.` : ''
  return `Who could, as ${groups.join('; as ')}.${doubt}`
}

/** Each thing once: what one window keeps from starting, it mostly keeps many steps from. */
function calendar(plan: Plan, policy: Policy, now: Instant): readonly string[] {
  const acts = stepsOf(plan).filter((step): step is Act => step.kind === 'act')
  const lines = acts.flatMap(({ action, timeout }) => {
    const why = shut(policy, action, ruleFor(policy, action)?.takes ?? timeout, now)
    return why ? [`Not now, ${action.target}: ${saysShut(why, action.target, policy.zone ?? 'UTC', now)}.`] : []
  })
  return [...new Set(lines)]
}

const named = (names: readonly string[]): string => (names.length > 0 ? names.join(', ') : 'nobody')
