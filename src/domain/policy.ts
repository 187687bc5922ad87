import { type ApprovalRule, needsOf, unmet } from './approval.ts'
import type { Handle, Instant, Person, StepId } from './ids.ts'
import type { Freeze } from './ledger.ts'
import { type Action, actionsOf, atLeast, type Gate, isReference, type Plan, type Risk, type Step, stepsOf } from './plan.ts'
import type { Refusal } from './refusal.ts'
import { type Glass, HOUSE_TARGET, type Labels, type Rule, type Window } from './rulebook.ts'

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

/**
 * Has this person the role now? Where the chat that knows cannot be asked, what it said last is enough for everything that can be
 * taken back, and for nothing that cannot.
 */
export const hasRole = (policy: Policy, person: Person, role: string, risk: Risk = 'destructive'): boolean => {
  const member = policy.people.get(person)
  if (!member) return false
  return member.roles.has(role) || (risk !== 'destructive' && (member.unsure?.has(role) ?? false))
}

/** Would they have it, if only the chat could be asked? */
export const isUnsure = (policy: Policy, person: Person, role: string): boolean => {
  const member = policy.people.get(person)
  return member !== undefined && !member.roles.has(role) && (member.unsure?.has(role) ?? false)
}

/** The roles of a rule that this person stands for. */
export const rolesFor = (policy: Policy, rule: ApprovalRule, person: Person): readonly string[] =>
  policy.people.get(person)?.machine
    ? []
    : needsOf(rule)
        .map(({ role }) => role)
        .filter(role => hasRole(policy, person, role, rule.risk))

/** What a value must say before it is known is not decided: then no rule that asks for it, nor any behind it, allows anything. */
export function ruleFor(policy: Policy, action: Action): Rule | undefined {
  if (!isKnown(policy, action.target)) return undefined
  const fitting = policy.rules.find(rule => speaksOf(rule, action, policy) && paramsOf(rule, action) !== 'no')
  return fitting && paramsOf(fitting, action) === 'yes' ? fitting : undefined
}

/** A target that stands in the site file and not in the rules that hold has no labels yet: a laxer rule would fit it. */
const isKnown = ({ labels }: Policy, target: string): boolean =>
  labels === undefined || labels.has(target) || target === HOUSE_TARGET

const speaksOf = (rule: Rule, action: Action, { labels }: Policy): boolean =>
  matches(rule.capability, action.capability) &&
  matches(rule.target, action.target) &&
  atLeast(rule.upTo, action.risk) &&
  labelled(rule.where, labels?.get(action.target))

/** Are all of these on it? */
export const labelled = (wanted: Labels | undefined, labels: Labels | undefined): boolean =>
  Object.entries(wanted ?? {}).every(([key, value]) => labels?.[key]?.toLowerCase() === value.toLowerCase())

function paramsOf({ params }: Rule, action: Action): 'yes' | 'no' | 'not known yet' {
  const wanted = Object.entries(params ?? {})
  if (wanted.some(([name]) => isReference(action.params[name]))) return 'not known yet'
  return wanted.every(([name, pattern]) => action.params[name] !== undefined && matches(pattern, String(action.params[name])))
    ? 'yes'
    : 'no'
}

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
        because: isKnown(policy, action.target)
          ? `no rule allows ${action.capability} (${riskWord(action.risk)}) on ${action.target} to anyone`
          : `the policy that holds does not know ${action.target} yet; say \`accept policy\``,
      }
    if (!hasRole(policy, by, rule.may, action.risk))
      return {
        no: 'not permitted',
        person: by,
        what,
        because: isUnsure(policy, by, rule.may)
          ? `the rule "${rule.name}" wants the role ${rule.may}, and the chat that knows who has it cannot be asked now`
          : `the rule "${rule.name}" wants the role ${rule.may}`,
      }
  }
  return undefined
}

/** A request that its rule wants a reason for, such as the number of a change. */
export function unreasoned(policy: Policy, actions: readonly Action[], because: string | undefined): Refusal | undefined {
  for (const action of actions) {
    const rule = ruleFor(policy, action)
    if (rule?.reason === undefined || speaks(rule.reason, because)) continue
    const why = because === undefined ? 'and none was given' : `and "${because}" has none`
    return {
      no: 'not planned',
      why: `The rule "${rule.name}" wants a reason with ${patternWords(rule.reason)}, ${why}`,
      instead: 'Say it again with `because "..."` behind it.',
    }
  }
  return undefined
}

/** Do these words contain what a pattern of the site file wants? */
export const speaks = (pattern: string, words: string | undefined): boolean =>
  words !== undefined && new RegExp(pattern, 'i').test(words)

export const patternWords = (pattern: string): string => (pattern === '\\S' ? 'some words' : `/${pattern}/`)

const riskWord = (risk: Risk): string => (risk === 'none' ? 'a read' : `a ${risk} change`)

/** A run may be looked at by whoever may do anything, were it only looking, on every target it touches. */
export const maySee = (policy: Policy, by: Person, run: { readonly plan: Plan }): boolean =>
  [...new Set(actionsOf(run.plan).map(action => action.target))].every(target =>
    policy.rules.some(
      rule =>
        matches(rule.target, target) && labelled(rule.where, policy.labels?.get(target)) && hasRole(policy, by, rule.may, 'none'),
    ),
  )

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
  const people = [...policy.people.keys()].filter(person => rolesFor(policy, rule, person).length > 0)
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
    const short = unmet(
      step.rule,
      could.map(person => rolesFor(policy, step.rule, person)),
    )
    if (short.length === 0) continue
    const wanted = needsOf(step.rule).map(({ role, quorum }) => `${quorum} with the role ${role}`)
    const why = `the gate ${step.id} needs ${wanted.join(' and ')}${step.rule.ownRequest ? '' : ` besides ${by}, who asks`}, and there ${could.length === 1 ? 'is 1' : `are ${could.length}`}`
    return { no: 'not planned', why, instead: 'Give more people that role in the site file, or let somebody else ask.' }
  }
  return undefined
}
