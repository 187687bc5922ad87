import { type ApprovalRule, needsOf } from '../../src/domain/approval.ts'
import { guard, windowsFor } from '../../src/domain/guard.ts'
import type { Person, Target } from '../../src/domain/ids.ts'
import { type Action, type Plan, RISKS, stepsOf } from '../../src/domain/plan.ts'
import { type Policy, rolesFor } from '../../src/domain/policy.ts'
import { GOOD_FOR } from '../../src/site/rules.ts'
import type { Site } from '../../src/site/site.ts'
import { act, plan } from './given.ts'

/** Whatever a policy is asked about in the tests of the site file: each is tried for each person, target and risk. */
const CAPABILITIES = [
  'powerpath.paths',
  'powerpath.commit',
  'powerpath.throttle',
  'threepar.groups',
  'signalbox.freeze',
  'signalbox.accept-policy',
]
const PARAMS = [
  { session: 1, level: 2 },
  { session: 1, level: 9 },
]
const REASONS = [undefined, 'because CHG1234567 says so']

/** The gates that an action would stand at, and who could open each; undefined is a no. */
export type Allowed = ReadonlyMap<string, readonly Gated[] | undefined>
interface Gated {
  readonly rule: ApprovalRule
  readonly voters: ReadonlySet<string> // "bob as lead"
}

export function allowed({ policy }: Pick<Site, 'policy'>, people: readonly Person[], targets: readonly Target[]): Allowed {
  const found = new Map<string, readonly Gated[] | undefined>()
  for (const target of targets)
    for (const capability of CAPABILITIES)
      for (const params of capability === 'powerpath.throttle' ? PARAMS : PARAMS.slice(0, 1))
        for (const risk of RISKS) {
          const action: Action = { capability, target, params, risk }
          const asked =
            risk === 'none' ? { plan: plan(), reads: [action] } : { plan: plan({ ...act('it', risk), action }), reads: [] }
          for (const by of people)
            for (const because of risk === 'none' ? REASONS.slice(0, 1) : REASONS)
              found.set(JSON.stringify([by, action, because]), gatesOf(asked, policy, by, because))
        }
  return found
}

function gatesOf(
  asked: { readonly plan: Plan; readonly reads: readonly Action[] },
  policy: Policy,
  by: Person,
  because: string | undefined,
): readonly Gated[] | undefined {
  const result = guard(asked.plan, policy, by, asked.reads, because)
  if ('refusal' in result) return undefined
  return stepsOf(result.plan).flatMap(step =>
    step.kind === 'gate' ? [{ rule: step.rule, voters: votersOf(policy, step.rule) }] : [],
  )
}

const votersOf = (policy: Policy, rule: ApprovalRule): ReadonlySet<string> =>
  new Set([...policy.people.keys()].flatMap(person => rolesFor(policy, rule, person).map(role => `${person} as ${role}`)))

/** What has to keep to a change window. */
export const windowed = ({ policy }: Pick<Site, 'policy'>, targets: readonly Target[]): readonly string[] =>
  targets.flatMap(target =>
    RISKS.filter(risk => windowsFor(policy, { capability: 'powerpath.commit', target, params: {}, risk }).length > 0).map(
      risk => `${target}, ${risk}`,
    ),
  )

/** What one policy allows and another did not, or with a gate less, or with a weaker one. */
export const allowsMore = (before: Allowed, now: Allowed): readonly string[] =>
  [...now].flatMap(([what, gates]) => {
    if (gates === undefined) return []
    const had = before.get(what)
    if (had === undefined) return [`${what} was refused`]
    const weaker = had.filter(gate => !gates.some(one => asStrict(one, gate)))
    return weaker.length > 0 || gates.length < had.length ? [`${what} had ${JSON.stringify(weaker.map(({ rule }) => rule))}`] : []
  })

/** Whoever can open the one could open the other. For how long a yes is good where nothing is said, goes by the risk. */
export const asStrict = (now: Gated, before: Gated): boolean => {
  const wanted = (rule: ApprovalRule, role: string): number =>
    needsOf(rule).reduce((sum, need) => sum + (need.role === role ? need.quorum : 0), 0)
  const [a, b] = [now.rule, before.rule]
  return (
    needsOf(b).every(({ role }) => wanted(a, role) >= wanted(b, role)) &&
    (b.ownRequest || !a.ownRequest) &&
    (a.denies ?? 1) <= (b.denies ?? 1) &&
    (b.reason === undefined || a.reason === b.reason) &&
    (b.stepUp === undefined || a.stepUp === b.stepUp) &&
    a.goodFor !== undefined &&
    a.goodFor <= Math.max(b.goodFor ?? 0, GOOD_FOR[a.risk ?? 'none']) &&
    [...now.voters].every(voter => before.voters.has(voter))
  )
}
