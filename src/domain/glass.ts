import { inGlass } from './evolve.ts'
import type { Instant, Person } from './ids.ts'
import { stepsOf } from './plan.ts'
import { hasRole, type Policy } from './policy.ts'
import type { Refusal } from './refusal.ts'
import { type Run, reviewOpen, stateOf } from './run.ts'
import type { Verdict } from './verdict.ts'

type No = (why: string, instead?: readonly string[]) => { readonly refusal: Refusal }

/** An emergency: for a short while the gates of this run open by the rule of the site file for that, and the calendar is not asked. */
export function breakGlass(run: Run, because: string, by: Person, policy: Policy, now: Instant, no: No): Verdict {
  const { glass } = policy
  if (!glass) return { refusal: NONE }
  const refusal = mayNotBreak(policy, by)
  if (refusal) return { refusal }
  if (inGlass(run, now)) return no(`its glass is broken already, by ${run.glass.by}`)
  if (run.glass)
    return no('its glass was broken once, and that has run out; a run has one', [`give up ${run.id}`, `roll back ${run.id}`])
  return {
    events: [{ type: 'run.broke-glass', by, because, until: now + glass.within, rule: glass.rule }],
    heard: `the glass of ${run.id} is broken, and everybody is told; a review stays open until somebody else closes it`,
  }
}

const NONE: Refusal = {
  no: 'not planned',
  why: 'The site file has no `break glass`, so there is none to break',
  instead: 'What the rules want has to be waited for.',
}

/** Why this person declares no emergency. */
export function mayNotBreak(policy: Policy, by: Person): Refusal | undefined {
  if (!policy.glass) return NONE
  const { may } = policy.glass
  if (hasRole(policy, by, may) && !policy.people.get(by)?.machine) return undefined
  return { no: 'not permitted', person: by, what: 'break the glass', because: `it wants the role ${may}` }
}

/** Whoever declared the emergency, or decided in it, does not judge it. */
export function review(run: Run, because: string, by: Person, policy: Policy, no: No): Verdict {
  const { glass } = run
  if (!glass) return no('its glass was never broken, so there is nothing to review')
  if (!reviewOpen(run)) return no(`its review is closed, by ${run.reviewed?.by}`)
  if (!run.outcome) return no('it is not over; what happened is reviewed when it is known')
  const forbidden = (why: string): Verdict => ({
    refusal: { no: 'not permitted', person: by, what: `close the review of ${run.id}`, because: why },
  })
  if (by === run.by || partIn(run).has(by)) return forbidden('whoever had a part in it does not review it')
  if (!hasRole(policy, by, policy.glass?.may ?? glass.rule.role) || policy.people.get(by)?.machine)
    return forbidden(`it wants the role ${policy.glass?.may ?? glass.rule.role}`)
  return { events: [{ type: 'run.reviewed', by, because }], heard: `the review of ${run.id} is closed` }
}

/** Who broke the glass, and who voted while it was broken. */
function partIn(run: Run): ReadonlySet<Person> {
  const votes = stepsOf(run.plan).flatMap(step => {
    const state = stateOf(run, step)
    return 'ballot' in state && state.ballot?.glass ? state.ballot.votes.map(vote => vote.by) : []
  })
  return new Set([...(run.glass ? [run.glass.by] : []), ...votes])
}
