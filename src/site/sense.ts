import { closure } from '../domain/accounts.ts'
import { type ApprovalRule, needsOf, unmet } from '../domain/approval.ts'
import { atLeast } from '../domain/plan.ts'
import { matches } from '../domain/policy.ts'
import type { Rule, Rulebook } from '../domain/rulebook.ts'
import type { Adapter, Capability } from '../kit/device.ts'
import { OWN } from '../own/adapter.ts'
import type { Complaint } from './complaints.ts'

/** What is well written and cannot be meant: a rule that never decides or that nobody could satisfy, a name that is nothing's. */
export const senseless = (rulebook: Rulebook, adapters: ReadonlyMap<string, Adapter>): readonly Complaint[] => [
  ...rulebook.rules.flatMap((rule, n) => [
    ...doubled(rule, n, rulebook),
    ...about(rule, n, rulebook, adapters),
    ...unreachable(rule, n, rulebook),
  ]),
  ...glassComplaints(rulebook),
  ...people(rulebook),
]

/** Rules are told apart by their names, and the first that fits decides. */
function doubled(rule: Rule, n: number, { rules }: Rulebook): readonly Complaint[] {
  const before = rules.slice(0, n)
  const hiding = before.find(other => covers(other, rule))
  return [
    ...(before.some(other => other.name === rule.name)
      ? [{ path: ['rules', n, 'name'], message: `there is a rule called "${rule.name}" already` }]
      : []),
    ...(hiding
      ? [{ path: ['rules', n], message: `it never decides: "${hiding.name}" stands before it and fits everything that it fits` }]
      : []),
  ]
}

const covers = (a: Rule, b: Rule): boolean =>
  within(a.capability, b.capability) &&
  within(a.target, b.target) &&
  atLeast(a.upTo, b.upTo) &&
  Object.entries(a.where ?? {}).every(([key, value]) => b.where?.[key]?.toLowerCase() === value.toLowerCase()) &&
  Object.entries(a.params ?? {}).every(([key, value]) => b.params?.[key] !== undefined && within(value, b.params[key]))

/** Does a pattern fit whatever another one fits? What the other's stars stand for is fitted by a star only. */
const within = (wide: string, narrow: string): boolean => matches(wide, narrow.replaceAll('*', '\u0000'))

/** What no device has would be a rule that quietly never fits, and the next one would decide. */
function about(rule: Rule, n: number, { labels }: Rulebook, adapters: ReadonlyMap<string, Adapter>): readonly Complaint[] {
  const house = rule.capability.toLowerCase().startsWith(`${OWN}.`)
  const found = [...adapters.values()].flatMap(({ name, capabilities }: Adapter) =>
    Object.entries<Capability>(capabilities).flatMap(([verb, { params }]) =>
      matches(rule.capability, `${name}.${verb}`) ? [params] : [],
    ),
  )
  if (house) return targetComplaints(rule.target, ['rules', n, 'target'], labels)
  if (found.length === 0)
    return [{ path: ['rules', n, 'capability'], message: `no device here has a capability ${rule.capability}` }]
  return [
    ...Object.keys(rule.params ?? {})
      .filter(name => !found.some(params => 'shape' in params && Object.hasOwn(params.shape as object, name)))
      .map(name => ({ path: ['rules', n, 'params', name], message: `nothing that ${rule.capability} fits has a "${name}"` })),
    ...targetComplaints(rule.target, ['rules', n, 'target'], labels),
  ]
}

export const targetComplaints = (pattern: string, path: Complaint['path'], labels: Rulebook['labels']): readonly Complaint[] =>
  pattern.includes('*') || [OWN, ...Object.keys(labels)].some(target => matches(pattern, target))
    ? []
    : [{ path, message: `there is no target ${pattern}; there are ${Object.keys(labels).join(', ') || 'none'}` }]

/** A gate that nobody could ever open is a mistake to find now, and not at three in the morning. */
function unreachable(rule: Rule, n: number, rulebook: Rulebook): readonly Complaint[] {
  const everybody = abilities(rulebook)
  if (!everybody.some(({ roles }) => roles.has(rule.may)))
    return [{ path: ['rules', n, 'may'], message: `nobody has the role ${rule.may}, and so nobody could ask` }]
  return (['start', 'before'] as const).flatMap(when => {
    const gate = when === 'start' ? rule.start : rule.before?.rule
    return gate ? unsatisfied(gate, rule.may, ['rules', n, when], rulebook) : []
  })
}

function glassComplaints(rulebook: Rulebook): readonly Complaint[] {
  const { glass } = rulebook
  return glass ? unsatisfied(glass.rule, glass.may, ['break glass', 'approval'], rulebook) : []
}

function unsatisfied(gate: ApprovalRule, may: string, path: Complaint['path'], rulebook: Rulebook): readonly Complaint[] {
  const everybody = abilities(rulebook)
  const could = (asker: Able): boolean => {
    const others = everybody.filter(one => !one.machine && (gate.ownRequest || one !== asker))
    return (
      unmet(
        gate,
        others.map(({ roles }) => [...roles]),
      ).length === 0
    )
  }
  if (everybody.some(asker => asker.roles.has(may) && could(asker))) return []
  const needs = needsOf(gate)
  const wanted = needs.map(({ role, quorum }) => `${quorum} with the role ${role}`).join(' and ')
  const there = needs.map(({ role }) => everybody.filter(one => !one.machine && one.roles.has(role)).length)
  const apart = needs.length > 1 ? ', and nobody counts for two' : ''
  return [
    {
      path,
      message: `nobody could satisfy this: ${wanted} are needed, besides whoever asks, and there are ${there.join(' and ')}${apart}`,
    },
  ]
}

interface Able {
  readonly roles: ReadonlySet<string>
  readonly machine: boolean
}

/** Everybody with the roles they have or could come to have: who is in which group of a chat is not known yet. */
function abilities({ people, roles }: Rulebook): readonly Able[] {
  const byGroup = Object.entries(roles).flatMap(([role, { groups }]) => (groups.length > 0 ? [role] : []))
  return Object.values(people).map(person => ({
    roles: closure([...person.roles, ...byGroup], roles),
    machine: person.machine ?? false,
  }))
}

function people({ people, roles, rules, glass }: Rulebook): readonly Complaint[] {
  const grouped = Object.values(roles).some(({ groups }) => groups.length > 0)
  const gates = [...rules.flatMap(({ start, before }) => [start, before?.rule]), glass?.rule].filter(gate => gate !== undefined)
  return Object.entries(people).flatMap(([id, person]): readonly Complaint[] => {
    const path = ['people', id, 'roles']
    if (person.roles.length === 0 && !grouped)
      return [
        { path, message: `${id} has no role, and there is no role whose \`groups\` could give one; say \`roles: [viewer]\`` },
      ]
    if (!person.machine) return []
    // Were it one line away from a vote, that line would be all that is needed.
    const has = closure(person.roles, roles)
    const wanted = gates.find(gate => needsOf(gate).some(({ role }) => has.has(role)))
    const role = wanted && needsOf(wanted).find(need => has.has(need.role))?.role
    return wanted
      ? [{ path, message: `${id} is a machine, and ${role} approves in "${wanted.from}"; give it a role that approves nothing` }]
      : []
  })
}
