import type { Digest, Handle, Instant, Millis, Person } from './ids.ts'
import type { Risk } from './plan.ts'

/** What a gate wants before it opens. */
export interface ApprovalRule extends Need {
  readonly and?: readonly Need[] // more groups, each by people of their own: nobody counts for two
  readonly ownRequest: boolean // may the requester vote?
  readonly within: Millis // how long the question stands
  readonly goodFor?: Millis // how old the last yes may be when what it opens is sent
  readonly denies?: number // how many noes close it: 1 where nothing is said
  readonly reason?: string // a pattern that the words of a yes must contain, such as the number of a change
  readonly stepUp?: true // a yes wants a second factor beside the chat
  readonly risk?: Risk // of the worst that it opens
  readonly from?: string // the rule of the site file that wants it
}

export interface Need {
  readonly role: string
  readonly quorum: number
}

export const needsOf = (rule: ApprovalRule): readonly Need[] => [{ role: rule.role, quorum: rule.quorum }, ...(rule.and ?? [])]

export interface Vote {
  readonly by: Person
  readonly verdict: 'approve' | 'deny'
  readonly shown: Digest // the digest of the plan the voter was shown
  readonly at: Instant
  readonly because?: string
  readonly as?: readonly string[] // the roles of the rule that the voter had then; absent: the rule's only one
  readonly via?: Via
  readonly facts?: Digest // of the facts on the card
  readonly stepUp?: 'totp' // what was shown beside the chat
}

/** How a person spoke. */
export interface Via {
  readonly handle: Handle
  readonly channel: string
  readonly workspace?: string // the chat's own: a team, a guild
}

/** A question to people: until when, and what they have said. */
export interface Ballot {
  readonly rule: ApprovalRule
  readonly until: Instant
  readonly votes: readonly Vote[]
  readonly glass?: true // asked by the rule for emergencies
}

/** Enough noes close it; enough different people, of every group that is wanted, open it. */
export function tally({ rule, votes }: Ballot): 'open' | 'approved' | 'denied' {
  if (new Set(votes.filter(vote => vote.verdict === 'deny').map(vote => vote.by)).size >= (rule.denies ?? 1)) return 'denied'
  return missing(rule, votes).length === 0 ? 'approved' : 'open'
}

/** What a rule still wants. */
export function missing(rule: ApprovalRule, votes: readonly Vote[]): readonly Need[] {
  const roles = new Map<Person, readonly string[]>()
  for (const vote of votes) if (vote.verdict === 'approve') roles.set(vote.by, vote.as ?? [rule.role])
  return unmet(rule, [...roles.values()])
}

/**
 * The needs that these people, each with the roles they have, leave open when each of them stands for one place at most. Finds the
 * best seating: whoever could stand for two groups stands for the one that lacks somebody (augmenting paths).
 */
export function unmet(rule: ApprovalRule, people: readonly (readonly string[])[]): readonly Need[] {
  const needs = needsOf(rule)
  const places = needs.flatMap(({ role, quorum }) => Array.from({ length: quorum }, () => role))
  const seated = new Map<number, number>() // place -> person
  const seat = (person: number, tried: Set<number>): boolean =>
    places.some((role, place) => {
      if (tried.has(place) || !people[person]?.includes(role)) return false
      tried.add(place)
      const other = seated.get(place)
      if (other !== undefined && !seat(other, tried)) return false
      seated.set(place, person)
      return true
    })
  for (const person of people.keys()) seat(person, new Set())
  return needs.flatMap(({ role }, n) => {
    const first = needs.slice(0, n).reduce((sum, need) => sum + need.quorum, 0)
    const quorum = places.filter(
      (_, place) => place >= first && place < first + (needs[n]?.quorum ?? 0) && !seated.has(place),
    ).length
    return quorum > 0 ? [{ role, quorum }] : []
  })
}

/** Two rules about one moment, as one: whoever satisfies the result satisfies both. */
export const stricter = (a: ApprovalRule, b: ApprovalRule): ApprovalRule => {
  const [first, ...and] = together(needsOf(a), needsOf(b))
  const reason = both(a.reason, b.reason)
  const goodFor = least(a.goodFor, b.goodFor)
  const denies = Math.min(a.denies ?? 1, b.denies ?? 1)
  const from = a.from === undefined || a.from === b.from ? b.from : b.from === undefined ? a.from : `${a.from}; ${b.from}`
  const risk = a.risk === undefined || (b.risk !== undefined && worse(b.risk, a.risk)) ? b.risk : a.risk
  return {
    role: first?.role ?? a.role,
    quorum: first?.quorum ?? a.quorum,
    ...(and.length > 0 ? { and } : {}),
    ownRequest: a.ownRequest && b.ownRequest,
    within: Math.min(a.within, b.within),
    ...(goodFor === undefined ? {} : { goodFor }),
    ...(denies === 1 ? {} : { denies }),
    ...(reason === undefined ? {} : { reason }),
    ...(a.stepUp || b.stepUp ? { stepUp: true } : {}),
    ...(risk === undefined ? {} : { risk }),
    ...(from === undefined ? {} : { from }),
  }
}

const SEVERITY: readonly Risk[] = ['none', 'routine', 'disruptive', 'destructive']
const worse = (one: Risk, other: Risk): boolean => SEVERITY.indexOf(one) > SEVERITY.indexOf(other)
const least = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b)
const both = (a: string | undefined, b: string | undefined): string | undefined =>
  a === undefined || a === b ? b : b === undefined ? a : `(?=.*(?:${a}))(?=.*(?:${b}))`

const together = (a: readonly Need[], b: readonly Need[]): readonly Need[] => [
  ...a.map(({ role, quorum }) => ({ role, quorum: Math.max(quorum, b.find(need => need.role === role)?.quorum ?? 0) })),
  ...b.filter(({ role }) => !a.some(need => need.role === role)),
]

/** Does one of two rules want all the groups that the other one wants? Then they are one question, and not two. */
export function akin(a: ApprovalRule, b: ApprovalRule): boolean {
  const [x, y] = [needsOf(a), needsOf(b)].map(needs => needs.map(({ role }) => role))
  return x !== undefined && y !== undefined && (x.every(role => y.includes(role)) || y.every(role => x.includes(role)))
}
