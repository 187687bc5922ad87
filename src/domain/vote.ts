import type { ApprovalRule, Vote } from './approval.ts'
import { ballots, type Question, questionToken } from './ballot.ts'
import { digestOf } from './chain.ts'
import { inGlass } from './evolve.ts'
import type { Instant, Person } from './ids.ts'
import { kept } from './kept.ts'
import { isUnsure, type Policy, patternWords, rolesFor, speaks } from './policy.ts'
import { stepsBehind } from './program.ts'
import type { Refusal } from './refusal.ts'
import { type Run, stateOf } from './run.ts'
import { sentences } from './sentences.ts'
import type { AboutRun, Speech, Verdict } from './verdict.ts'

type Ballot = Extract<AboutRun, { kind: 'vote' }>

/** A yes or a no to one question of a run. Pure, under the run's row lock. */
export function vote(run: Run, said: Ballot, by: Person, policy: Policy, now: Instant, speech: Speech): Verdict {
  const open = ballots(run)
  const wanted = said.step ? open.filter(one => one.step.id === said.step) : open
  const [one, ...others] = wanted
  if (!one) return notNow(run, said.step ? `${said.step} is not open for a vote` : 'nothing waits for a vote', sentences(run))
  if (others.length > 0)
    return notNow(
      run,
      'more than one thing waits; say which',
      wanted.map(({ step }) => `${said.verdict} ${run.id} ${step.id}`),
    )
  const { step, ballot } = one
  const as = rolesFor(policy, ballot.rule, by)
  const refusal =
    unentitled(run, one, by, as, policy, now, speech) ??
    late(run, one, said, now) ??
    (ballot.votes.some(vote => vote.by === by) || said.verdict === 'deny'
      ? undefined
      : (unready(run, one, policy, now) ?? unproved(run, one, said, speech)))
  if (refusal) return { refusal }
  if (ballot.votes.some(vote => vote.by === by)) return { events: [], heard: `your vote on ${step.id} is in already` }
  const state = stateOf(run, step)
  const cast: Vote = {
    by,
    verdict: said.verdict,
    shown: run.digest,
    at: now,
    as,
    ...(said.because === undefined ? {} : { because: said.because }),
    ...(speech.via ? { via: speech.via } : {}),
    ...(state.is === 'open' && state.facts ? { facts: digestOf(state.facts) } : {}),
    ...(ballot.rule.stepUp && speech.proof && said.verdict === 'approve' ? { stepUp: speech.proof } : {}),
  }
  return { events: [{ type: 'step.voted', step: step.id, vote: cast }], heard: `${yourVote(said, one)} ${step.id} is in` }
}

const yourVote = ({ verdict }: Ballot, { step }: Question): string =>
  verdict === 'deny'
    ? 'your no to'
    : step.kind === 'gate' && step.for === 'confirmation'
      ? 'your confirmation of'
      : 'your approval of'

const notNow = (run: Run, why: string, instead: readonly string[] = []): { readonly refusal: Refusal } => ({
  refusal: { no: 'not now', run: run.id, why, instead },
})

/** Whoever must not vote on this, whatever they say. */
function unentitled(
  run: Run,
  { step, ballot: { rule, votes }, asker }: Question,
  by: Person,
  as: readonly string[],
  policy: Policy,
  now: Instant,
  { via }: Speech,
): Refusal | undefined {
  const because = (why: string): Refusal => ({
    no: 'not permitted',
    person: by,
    what: `vote on ${step.id} of ${run.id}`,
    because: why,
  })
  if (policy.people.get(by)?.machine) return because('it is a service account, and only people decide')
  if (as.length === 0) {
    const roles = [rule.role, ...(rule.and ?? []).map(({ role }) => role)]
    return because(
      roles.some(role => isUnsure(policy, by, role))
        ? `it wants the role ${roles.join(' or ')}, and the chat that knows who has it cannot be asked now`
        : `it wants the role ${roles.join(' or ')}`,
    )
  }
  if (!rule.ownRequest && (by === run.by || by === asker)) return because('nobody decides on their own request')
  if (via && votes.some(vote => vote.via?.handle === via.handle && vote.by !== by))
    return because(`${via.handle} has voted already, as somebody else`)
  const cooling = via && policy.people.get(by)?.cooling?.get(via.handle)
  if (irrevocable(rule) && cooling !== undefined && now < cooling)
    return because(
      `${via?.handle} was linked too lately to decide on what cannot be taken back; use an account that you have had for longer`,
    )
  return undefined
}

const irrevocable = ({ risk }: ApprovalRule): boolean => risk === undefined || risk === 'destructive'

function late(run: Run, { step, ballot }: Question, said: Ballot, now: Instant): Refusal | undefined {
  if (now >= ballot.until) return notNow(run, 'the time for this vote has run out').refusal
  return said.shown !== undefined && !run.digest.startsWith(said.shown) && said.shown !== questionToken(run, step, ballot)
    ? notNow(run, 'that question is over; look at the card again', [`show ${run.id}`]).refusal
    : undefined
}

/** A yes to what could not be done now, or not as it stands, is no yes. */
function unready(run: Run, { step, asker }: Question, policy: Policy, now: Instant): Refusal | undefined {
  if (step.kind !== 'gate' || asker) return undefined
  const shut = step.for === 'confirmation' || inGlass(run, now) ? undefined : kept(run, stepsBehind(run, step), policy, now)
  if (shut) return notNow(run, `${shut.says}; nothing that this opens could be sent now`).refusal
  if (step.facts.length === 0) return undefined
  const state = stateOf(run, step)
  const facts = state.is === 'open' ? state.facts : undefined
  if (!facts) return notNow(run, 'its facts are being read; say it again in a moment').refusal
  const bad = facts.find(fact => !fact.holds)
  return (
    bad &&
    notNow(run, `a fact does not hold: ${bad.label}, ${bad.shows}; it is read again every half minute`, [`refresh ${run.id}`])
      .refusal
  )
}

/** What a yes has to bring along. */
function unproved(run: Run, { step, ballot: { rule } }: Question, said: Ballot, { proof }: Speech): Refusal | undefined {
  if (rule.reason !== undefined && !speaks(rule.reason, said.because))
    return notNow(run, `a yes to ${step.id} needs a note with ${patternWords(rule.reason)}`, [
      `approve ${run.id} ${step.id} because "..."`,
    ]).refusal
  return rule.stepUp && proof === undefined
    ? {
        no: 'needs a code',
        why: `a yes to ${step.id} needs a code of your second factor, and none came with it`,
        instead:
          'Press the button on the card: it asks for the code where nobody else sees it. Never type a code into a channel.',
      }
    : undefined
}
