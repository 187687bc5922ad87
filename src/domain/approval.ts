import type { Digest, Instant, Millis, Person } from './ids.ts'

export interface ApprovalRule {
  readonly role: string
  readonly quorum: number
  readonly ownRequest: boolean // may the requester vote?
  readonly within: Millis
}

export interface Vote {
  readonly by: Person
  readonly verdict: 'approve' | 'deny'
  readonly shown: Digest // the digest of the plan the voter was shown
  readonly at: Instant
  readonly because?: string
}

/** A question to people: until when, and what they have said. */
export interface Ballot {
  readonly rule: ApprovalRule
  readonly until: Instant
  readonly votes: readonly Vote[]
}

/** One deny closes it; `quorum` different people open it. */
export function tally({ rule, votes }: Ballot): 'open' | 'approved' | 'denied' {
  if (votes.some(vote => vote.verdict === 'deny')) return 'denied'
  return new Set(votes.map(vote => vote.by)).size >= rule.quorum ? 'approved' : 'open'
}

/** Two rules about one moment: whoever satisfies the result satisfies both, as long as they name one role. */
export const stricter = (a: ApprovalRule, b: ApprovalRule): ApprovalRule => ({
  role: a.role,
  quorum: Math.max(a.quorum, b.quorum),
  ownRequest: a.ownRequest && b.ownRequest,
  within: Math.min(a.within, b.within),
})
