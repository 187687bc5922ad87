import { type ApprovalRule, stricter } from './approval.ts'
import type { Handle, Instant, Person, StepId } from './ids.ts'
import type { Freeze } from './ledger.ts'
import { type Act, type Action, atLeast, changesOf, type Gate, type Plan, type Risk, type Step, stepsOf } from './plan.ts'
import type { Refusal } from './refusal.ts'
import type { Glass, Labels, Rule, Window } from './rulebook.ts'

export type { Rule } from './rulebook.ts'

/** Who may do what at this moment: the rulebook, with what the ledger and the chats add to it. No rule, no run. */
export interface Policy {
  readonly people: ReadonlyMap<Person, Member>
  readonly rules: readonly Rule[]
  readonly labels?: ReadonlyMap<string, Labels> // of the targets
  readonly windows?: readonly Window[]
  readonly freezes?: readonly Freeze[]
  readonly glass?: Glass
  readonly zone?: string // IANA; UTC where nothing is said
}

export interface Member {
  readonly name: string
  readonly roles: ReadonlySet<string> // with everything they include
  readonly handles: readonly Handle[] // known from the site file, or linked and not run out
  readonly unsure?: ReadonlySet<string> // roles by a group of a chat that cannot be asked now: had when it last could
  readonly gone?: ReadonlySet<Handle> // accounts that their chat has deactivated
  readonly cooling?: ReadonlyMap<Handle, Instant> // linked so lately that until then they open nothing destructive
  readonly machine?: true // a service account: its vote never counts
}

export const personOf = (policy: Policy, handle: Handle): Person | undefined =>
  [...policy.people].find(([, member]) => member.handles.includes(handle))?.[0]

export const hasRole = (policy: Policy, person: Person, role: string): boolean =>
  policy.people.get(person)?.roles.has(role) ?? false

export const ruleFor = (policy: Policy, action: Action): Rule | undefined =>
  policy.rules.find(
    rule => matches(rule.capability, action.capability) && matches(rule.target, action.target) && atLeast(rule.upTo, action.risk),
  )

/** `*` stands for any characters; everything else is literal. */
export const matches = (pattern: string, name: string): boolean =>
  new RegExp(
    `^${pattern
      .split('*')
      .map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
    'i',
  ).test(name)

/** May this person ask for all of these? */
export function permit(policy: Policy, by: Person, actions: readonly Action[]): Refusal | undefined {
  for (const action of actions) {
    const rule = ruleFor(policy, action)
    const what = `${action.capability} on ${action.target}`
    if (!rule)
      return {
        no: 'not permitted',
        person: by,
        what,
        because: `no rule allows ${action.capability} (${riskWord(action.risk)}) on ${action.target} to anyone`,
      }
    if (!hasRole(policy, by, rule.may))
      return { no: 'not permitted', person: by, what, because: `the rule "${rule.name}" wants the role ${rule.may}` }
  }
  return undefined
}

const riskWord = (risk: Risk): string => (risk === 'none' ? 'a read' : `a ${risk} change`)

/** Puts the gates in, so that no runbook can forget one; or refuses. */
export function guard(
  plan: Plan,
  policy: Policy,
  by: Person,
  reads: readonly Action[] = [],
): { readonly plan: Plan } | { readonly refusal: Refusal } {
  const changes = changesOf(plan)
  const refusal = permit(policy, by, [...reads, ...changes])
  if (refusal) return { refusal }
  const heads = byRole(changes.flatMap(action => ruleFor(policy, action)?.start ?? []))
  const gateFor = gatesOf(plan)
  const head = heads.map(rule => gateFor('start', `Start: ${plan.title}?`, rule))
  const stages = plan.stages.flatMap((stage, n) => {
    const wanted = stage.filter((step): step is Act => step.kind === 'act').flatMap(step => stepRules(policy, step))
    const before = n === 0 ? undefined : plan.stages[n - 1]
    const standing = before?.some(step => step.kind === 'gate' && step.for === 'approval') ?? false
    return standing || wanted.length === 0 ? [stage] : [newGates(stage, byRole(wanted), gateFor), stage]
  })
  const raised = stages.map((stage, n) => raise(stage, stages[n + 1] ?? [], policy, gateFor))
  return { plan: { ...plan, stages: [...(head.length > 0 ? [head] : []), ...raised] } }
}

const stepRules = (policy: Policy, step: Act): readonly ApprovalRule[] => {
  const before = ruleFor(policy, step.action)?.before
  return step.action.risk !== 'none' && before && atLeast(step.action.risk, before.from) ? [before.rule] : []
}

/** A gate that a runbook put there itself is made at least as strict as the policy wants it. */
function raise(stage: readonly Step[], next: readonly Step[], policy: Policy, gateFor: MakeGate): readonly Step[] {
  const wanted = byRole(next.filter((step): step is Act => step.kind === 'act').flatMap(step => stepRules(policy, step)))
  const approvals = stage.filter((step): step is Gate => step.kind === 'gate' && step.for === 'approval')
  const first = approvals[0]
  if (!first || wanted.length === 0) return stage
  const raised = stage.map(step => {
    const rule = wanted.find(rule => step.kind === 'gate' && step.for === 'approval' && step.rule.role === rule.role)
    return rule && step.kind === 'gate' ? { ...step, rule: stricter(step.rule, rule) } : step
  })
  const missing = wanted.filter(rule => !approvals.some(gate => gate.rule.role === rule.role))
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

/** One rule for each role: the strictest. */
function byRole(rules: readonly ApprovalRule[]): readonly ApprovalRule[] {
  const found = new Map<string, ApprovalRule>()
  for (const rule of rules) {
    const other = found.get(rule.role)
    found.set(rule.role, other ? stricter(other, rule) : rule)
  }
  return [...found.values()]
}

/** The rule for skipping a step: that of the gate nearest before it, else of the first approval in the plan. */
export function skipRule(plan: Plan, id: StepId): ApprovalRule | undefined {
  const steps = stepsOf(plan)
  const at = steps.findIndex(step => step.id === id)
  const isApproval = (step: Step): step is Gate => step.kind === 'gate' && step.for === 'approval'
  return (steps.slice(0, at).findLast(isApproval) ?? steps.find(isApproval))?.rule
}

/** Who could still vote, and who may not and why. */
export function voters(
  policy: Policy,
  rule: ApprovalRule,
  askers: readonly Person[],
  voted: readonly Person[],
): { readonly could: readonly Person[]; readonly not: readonly string[] } {
  const people = [...policy.people.keys()].filter(person => hasRole(policy, person, rule.role))
  const could = people.filter(person => !voted.includes(person) && (rule.ownRequest || !askers.includes(person)))
  const not = people
    .filter(person => !could.includes(person))
    .map(person => (voted.includes(person) ? `${person} has voted` : `${person} asked for it`))
  return { could, not }
}

/** A gate that nobody here could ever open, found before a copy has run for three days towards it. */
export function closedFor(plan: Plan, policy: Policy, by: Person): Refusal | undefined {
  for (const step of stepsOf(plan)) {
    if (step.kind !== 'gate') continue
    const { could } = voters(policy, step.rule, [by], [])
    if (could.length >= step.rule.quorum) continue
    const why = `the gate ${step.id} needs ${step.rule.quorum} with the role ${step.rule.role}${step.rule.ownRequest ? '' : ` besides ${by}, who asks`}, and there ${could.length === 1 ? 'is 1' : `are ${could.length}`}`
    return { no: 'not planned', why, instead: 'Give more people that role in the site file, or let somebody else ask.' }
  }
  return undefined
}
