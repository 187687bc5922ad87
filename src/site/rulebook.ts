import type { ApprovalRule } from '../domain/approval.ts'
import type { Handle } from '../domain/ids.ts'
import type { Risk } from '../domain/plan.ts'
import type { Listed, Role, Rule, Rulebook, Window } from '../domain/rulebook.ts'
import { READY_ROLES, type SiteFile } from './file.ts'
import { GOOD_FOR, STANDS, type WrittenApproval } from './rules.ts'

/** What the site file says about who may do what, as plain data: what it leaves out is there, with what it means. */
export const rulebookOf = (written: SiteFile): Rulebook => ({
  zone: written.zone,
  roles: mapped({ ...READY_ROLES, ...written.roles }, ({ includes, groups }): Role => ({ includes, groups })),
  people: mapped(
    written.people,
    (person, id): Listed => ({
      name: person.name ?? id,
      roles: person.roles,
      handles: person.handles as readonly string[] as readonly Handle[],
      ...(person.machine ? { machine: true } : {}),
    }),
  ),
  rules: written.rules.map(ruleOf),
  labels: mapped(written.targets, ({ labels }) => labels),
  windows: Object.entries(written.windows).map(
    ([name, { on, target, from, zone, open }]): Window => ({
      name,
      ...(on ? { where: on } : {}),
      ...(target === undefined ? {} : { target }),
      from,
      zone: zone ?? written.zone,
      open,
    }),
  ),
  ...(written['break glass'] ? { glass: glassOf(written['break glass']) } : {}),
  links: { expire: written.links.expire, coolDown: written.links['cool down'] },
})

const ruleOf = (rule: SiteFile['rules'][number]): Rule => {
  const gate = (written: WrittenApproval): ApprovalRule => approvalOf(written, rule['up to'], rule.name)
  return {
    name: rule.name,
    capability: rule.capability,
    target: rule.target ?? '*',
    ...(rule.on ? { where: rule.on } : {}),
    ...(rule.params ? { params: rule.params } : {}),
    upTo: rule['up to'],
    may: rule.may,
    ...(rule.reason ? { reason: rule.reason } : {}),
    ...(rule.takes === undefined ? {} : { takes: rule.takes }),
    ...(rule.start ? { start: gate(rule.start) } : {}),
    ...(rule.before ? { before: { from: rule.before.from, rule: gate(rule.before) } } : {}),
  }
}

/** A broken glass opens whatever the gates of a run open, and nobody knows in advance what that is. */
const glassOf = ({ may, within, approval }: NonNullable<SiteFile['break glass']>) => ({
  may,
  within,
  rule: approvalOf(approval, 'destructive', 'break glass'),
})

const approvalOf = (written: WrittenApproval, risk: Risk, from: string): ApprovalRule => ({
  role: written.role,
  quorum: written.people,
  ...(written.and ? { and: written.and.map(({ role, people }) => ({ role, quorum: people })) } : {}),
  ownRequest: written['own request'],
  within: written.within ?? STANDS[risk],
  goodFor: written['good for'] ?? GOOD_FOR[risk],
  ...(written.denies === 1 ? {} : { denies: written.denies }),
  ...(written.reason ? { reason: written.reason } : {}),
  ...(written['step-up'] ? { stepUp: true } : {}),
  risk,
  from,
})

const mapped = <A, B>(record: Readonly<Record<string, A>>, how: (value: A, key: string) => B): Readonly<Record<string, B>> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, how(value, key)]))
