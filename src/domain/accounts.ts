import type { Handle, Instant, Person } from './ids.ts'
import type { Ledger, Link } from './ledger.ts'
import type { Listed, Rulebook } from './rulebook.ts'

/** The rules that hold: those of the site file that people have accepted, else those of the site file as it is. */
export const inForce = (ledger: Ledger, site: Rulebook): Rulebook => ledger.policy?.rulebook ?? site

/** Roles with everything they include. A role that the rulebook does not have includes nothing. */
export function closure(roles: Iterable<string>, all: Rulebook['roles']): ReadonlySet<string> {
  const found = new Set<string>()
  const add = (role: string): void => {
    if (found.has(role)) return
    found.add(role)
    for (const included of Object.hasOwn(all, role) ? (all[role]?.includes ?? []) : []) add(included)
  }
  for (const role of roles) add(role)
  return found
}

export const listed = (rulebook: Rulebook, person: Person): Listed | undefined =>
  Object.hasOwn(rulebook.people, person) ? rulebook.people[person] : undefined

/** Whose a handle is by the site file. `nobody`: it is listed for two people, and then it is neither's. */
export function listedOwners({ people }: Rulebook): ReadonlyMap<Handle, Person | 'nobody'> {
  const owners = new Map<Handle, Person | 'nobody'>()
  for (const [id, { handles }] of Object.entries(people))
    for (const handle of handles) owners.set(handle, [id, undefined].includes(owners.get(handle)) ? (id as Person) : 'nobody')
  return owners
}

/** raised: the site file has given the person a role that they did not have when they proved that the account is theirs. */
export type LinkState = 'good' | 'run out' | 'raised' | 'nobody'

export function linkState({ person, until, roles }: Link, rulebook: Rulebook, now: Instant): LinkState {
  const member = listed(rulebook, person)
  if (!member) return 'nobody'
  if (now >= until) return 'run out'
  return [...closure(member.roles, rulebook.roles)].every(role => roles.includes(role)) ? 'good' : 'raised'
}

export interface Account {
  readonly person: Person
  readonly link?: Link // absent: it stands in the site file
}

/** Whose which handle is now. Each is one person's at most; what the site file says of a handle beats what was linked. */
export function accounts(ledger: Ledger, rulebook: Rulebook, now: Instant): ReadonlyMap<Handle, Account> {
  const owners = listedOwners(rulebook)
  const found = new Map<Handle, Account>()
  for (const [handle, person] of owners) if (person !== 'nobody') found.set(handle, { person })
  for (const [handle, link] of ledger.links)
    if (!owners.has(handle) && linkState(link, rulebook, now) === 'good') found.set(handle, { person: link.person, link })
  return found
}

/** The chat of a handle, or of a group: "slack" of "slack:U042". */
export const chatOf = (name: string): string => name.slice(0, Math.max(0, name.indexOf(':')))
