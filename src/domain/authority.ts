import { type Account, accounts, chatOf, closure, inForce } from './accounts.ts'
import { type Handle, type Instant, type Millis, type Person, seconds } from './ids.ts'
import type { Ledger } from './ledger.ts'
import type { Member, Policy } from './policy.ts'
import type { Listed, Rulebook } from './rulebook.ts'

/** What a chat said of an account, and when it was asked. */
export interface Told {
  readonly active: boolean
  readonly groups: ReadonlySet<string>
  readonly at: Instant
}

/** How long what a chat said of its groups is believed. */
export const BELIEVED: Millis = seconds(60)

/** A clock that was set back makes an answer as doubtful as one that is old. */
export const isFresh = ({ at }: Pick<Told, 'at'>, now: Instant): boolean => Math.abs(now - at) <= BELIEVED

/**
 * Who may do what at this moment: the rules that are in force, the accounts that are linked and have not run out, and the roles that
 * the chats' groups give. An account of which its chat has never said anything gives no role by a group.
 */
export function policyOf(site: Rulebook, ledger: Ledger, told: ReadonlyMap<Handle, Told>, now: Instant): Policy {
  const rulebook = inForce(ledger, site)
  const owned = new Map<string, (readonly [Handle, Account])[]>()
  for (const one of accounts(ledger, rulebook, now)) owned.set(one[1].person, [...(owned.get(one[1].person) ?? []), one])
  const people = Object.entries(rulebook.people).map(
    ([id, listed]) => [id as Person, memberOf(listed, owned.get(id) ?? [], rulebook, told, now)] as const,
  )
  return {
    people: new Map(people),
    rules: rulebook.rules,
    labels: new Map(Object.entries(rulebook.labels)),
    windows: rulebook.windows,
    freezes: [...ledger.freezes.values()].filter(({ until }) => until > now),
    ...(rulebook.glass ? { glass: rulebook.glass } : {}),
    zone: rulebook.zone,
  }
}

function memberOf(
  { name, roles: given, machine }: Listed,
  owned: readonly (readonly [Handle, Account])[],
  rulebook: Rulebook,
  told: ReadonlyMap<Handle, Told>,
  now: Instant,
): Member {
  const gone = new Set(owned.map(([handle]) => handle).filter(handle => told.get(handle)?.active === false))
  const here = owned.filter(([handle]) => !gone.has(handle))
  const heard = here.flatMap(([handle]) => {
    const answer = told.get(handle)
    return answer ? [{ handle, answer }] : []
  })
  const byGroups = (answers: typeof heard): readonly string[] =>
    answers.flatMap(({ handle, answer }) => rolesIn(rulebook, handle, answer.groups))
  const roles = closure([...given, ...byGroups(heard.filter(({ answer }) => isFresh(answer, now)))], rulebook.roles)
  const unsure = [...closure(byGroups(heard), rulebook.roles)].filter(role => !roles.has(role))
  const cooling = here.flatMap(([handle, { link }]) => {
    const until = link && link.since + rulebook.links.coolDown
    return until !== undefined && until > now ? [[handle, until] as const] : []
  })
  return {
    name,
    roles,
    handles: here.map(([handle]) => handle),
    ...(unsure.length > 0 ? { unsure: new Set(unsure) } : {}),
    ...(gone.size > 0 ? { gone } : {}),
    ...(cooling.length > 0 ? { cooling: new Map(cooling) } : {}),
    ...(machine ? { machine } : {}),
  }
}

/** The roles that being in these groups of the handle's chat gives. */
const rolesIn = ({ roles }: Rulebook, handle: Handle, groups: ReadonlySet<string>): readonly string[] =>
  Object.entries(roles).flatMap(([role, named]) =>
    named.groups.some(group => group.startsWith(`${chatOf(handle)}:`) && groups.has(group.slice(chatOf(handle).length + 1)))
      ? [role]
      : [],
  )

/** The accounts whose groups matter: those of the chats that some role names a group of. */
export function toAsk(site: Rulebook, ledger: Ledger, now: Instant): readonly Handle[] {
  const rulebook = inForce(ledger, site)
  const chats = new Set(Object.values(rulebook.roles).flatMap(({ groups }) => groups.map(group => chatOf(group))))
  return chats.size === 0 ? [] : [...accounts(ledger, rulebook, now).keys()].filter(handle => chats.has(chatOf(handle)))
}
