import type { ApprovalRule, Ballot } from './approval.ts'
import { digestOf } from './chain.ts'
import type { Command } from './command.ts'
import type { Instant, Person, StepId } from './ids.ts'
import { changesOf, type Step } from './plan.ts'
import { hasRole, type Policy, permit, skipRule } from './policy.ts'
import { currentStage, failures, gatesBefore, passed, passing, touched, undoable } from './program.ts'
import type { Refusal } from './refusal.ts'
import { type Event, inFlight, type Run, stateOf } from './run.ts'

/** What a sentence about a run comes to: events, and a word for the speaker; or a no. */
export type Verdict = { readonly events: readonly Event[]; readonly heard: string } | { readonly refusal: Refusal }

export type AboutRun = Extract<
  Command,
  { kind: 'vote' | 'tell' | 'retry' | 'skip' | 'roll back' | 'give up' | 'cancel' | 'pause' | 'resume' }
>

/** Pure, and called under the run's row lock: two last votes make one opening, the same press twice is one vote. */
export function decide(run: Run, said: AboutRun, by: Person, policy: Policy, now: Instant): Verdict {
  const no = (why: string, instead: readonly string[] = []): Verdict => ({
    refusal: { no: 'not now', run: run.id, why, instead },
  })
  if (run.outcome) return no(`it is over (${run.outcome})`)
  if (said.kind === 'vote') return vote(run, said, by, policy, now, no)
  const forbidden = permit(policy, by, changesOf(run.plan))
  if (forbidden) return { refusal: forbidden }
  const because = 'because' in said && said.because !== undefined ? { because: said.because } : {}
  switch (said.kind) {
    case 'tell': {
      const state = run.steps.get(said.step)
      if (state?.is !== 'doubtful') return no(`${said.step} is not in doubt`, sentences(run))
      return said.happened
        ? {
            events: [{ type: 'step.done', step: said.step, how: 'told', by, because: said.because }],
            heard: `${said.step} counts as done, on your word`,
          }
        : {
            events: [{ type: 'step.failed', step: said.step, why: `it did not happen, says ${by}: ${said.because}`, again: now }],
            heard: `${said.step} counts as not done, on your word`,
          }
    }
    case 'retry': {
      const failed = failures(run)
      const wanted = said.step ? failed.filter(step => step.id === said.step) : failed
      if (wanted.length === 0) return no(said.step ? `${said.step} has not failed` : 'nothing has failed', sentences(run))
      // An approval is for one go: what is tried again is asked again.
      const gates = wanted.flatMap(step => (step.kind === 'act' && run.course === 'forward' ? gatesBefore(run, step) : []))
      return {
        events: [...gates, ...wanted].map(step => ({ type: 'step.retried', step: step.id, by })),
        heard: `${run.id} tries ${ids(wanted)} again`,
      }
    }
    case 'skip': {
      const step = failures(run).find(step => step.id === said.step)
      if (!step) return no(`${said.step} has not failed, and only a failed step can be skipped`, sentences(run))
      if (step.kind === 'gate') return no('a gate cannot be skipped', [`retry ${run.id} ${step.id}`, `roll back ${run.id}`])
      const rule = skipRule(run.plan, step.id)
      if (!rule)
        return {
          events: [{ type: 'step.skipped', step: step.id, by, because: said.because }],
          heard: `${run.id} goes on without ${step.id}`,
        }
      return {
        events: [{ type: 'step.skip-asked', step: step.id, by, because: said.because, rule, until: now + rule.within }],
        heard: `skipping ${step.id} needs ${people(rule)}`,
      }
    }
    case 'roll back': {
      if (run.course === 'rolling back') return no('it is being rolled back already')
      const point = passing(run)
      if (point) return no(`${point.says} is the point of no return, and what became of it must be known first`, sentences(run))
      if (!undoable(run)) {
        const point = passed(run)
        return point
          ? no(`${point.says} was the point of no return, and nothing after it can be undone`, [`give up ${run.id}`])
          : no('nothing has been done that could be undone', [touched(run) ? `give up ${run.id}` : `cancel ${run.id}`])
      }
      return { events: [{ type: 'run.turned', to: 'rolling back', by, ...because }], heard: `${run.id} is rolled back` }
    }
    case 'give up':
      if (anyInFlight(run)) return no('a step is in flight, and what became of it must be known first', sentences(run))
      return {
        events: [{ type: 'run.turned', to: 'stopping', by, ...because }],
        heard: `${run.id} ends here; what was done stays as it is`,
      }
    case 'cancel':
      if (touched(run)) return no('it has changed things already', [`roll back ${run.id}`, `give up ${run.id}`])
      return { events: [{ type: 'run.turned', to: 'stopping', by, ...because }], heard: `${run.id} is cancelled` }
    case 'pause':
      if (run.paused) return no(`it is paused already, by ${run.paused}`, [`resume ${run.id}`])
      return {
        events: [{ type: 'run.paused', by }],
        heard: `${run.id} sends nothing new until somebody says \`resume ${run.id}\``,
      }
    case 'resume':
      return run.paused ? { events: [{ type: 'run.resumed', by }], heard: `${run.id} goes on` } : no('it is not paused')
  }
}

type No = (why: string, instead?: readonly string[]) => Verdict

function vote(run: Run, said: Extract<AboutRun, { kind: 'vote' }>, by: Person, policy: Policy, now: Instant, no: No): Verdict {
  const open = ballots(run)
  const wanted = said.step ? open.filter(one => one.step.id === said.step) : open
  const [one, ...others] = wanted
  if (!one) return no(said.step ? `${said.step} is not open for a vote` : 'nothing waits for a vote', sentences(run))
  if (others.length > 0)
    return no(
      'more than one thing waits; say which',
      wanted.map(({ step }) => `${said.verdict} ${run.id} ${step.id}`),
    )
  const { step, ballot, asker } = one
  const what = `vote on ${step.id} of ${run.id}`
  if (!hasRole(policy, by, ballot.rule.role))
    return { refusal: { no: 'not permitted', person: by, what, because: `it wants the role ${ballot.rule.role}` } }
  if (!ballot.rule.ownRequest && (by === run.by || by === asker))
    return { refusal: { no: 'not permitted', person: by, what, because: 'nobody decides on their own request' } }
  if (now >= ballot.until) return no('the time for this vote has run out')
  if (said.shown !== undefined && !run.digest.startsWith(said.shown) && said.shown !== questionToken(run, step, ballot))
    return no('that question is over; look at the card again', [`show ${run.id}`])
  if (ballot.votes.some(vote => vote.by === by)) return { events: [], heard: `your vote on ${step.id} is in already` }
  if (said.verdict === 'approve' && step.kind === 'gate' && !asker && step.facts.length > 0) {
    const state = stateOf(run, step)
    const facts = state.is === 'open' ? state.facts : undefined
    if (!facts) return no('its facts are being read; say it again in a moment')
    const bad = facts.find(fact => !fact.holds)
    if (bad) return no(`a fact does not hold: ${bad.label}, ${bad.shows}; it is read again every half minute`)
  }
  const cast = {
    by,
    verdict: said.verdict,
    shown: run.digest,
    at: now,
    ...(said.because === undefined ? {} : { because: said.because }),
  }
  return {
    events: [{ type: 'step.voted', step: step.id, vote: cast }],
    heard: `${said.verdict === 'deny' ? 'your no to' : step.kind === 'gate' && step.for === 'confirmation' ? 'your confirmation of' : 'your approval of'} ${step.id} is in`,
  }
}

/** Something that people can vote on: a gate, or whether to go on without a step, as its asker would. */
export interface Question {
  readonly step: Step
  readonly ballot: Ballot
  readonly asker?: Person
}

/**
 * What a card's button says of the question that it showed, behind `as`. It belongs to the plan and to this one asking: an
 * answer to a question that was asked again must not count for the new one, whose facts its voter has not seen.
 */
export const questionToken = (run: Run, step: Step, ballot: Ballot): string =>
  digestOf([run.digest, step.id, ballot.until]).slice(0, 10)

/** Everything of a run that people can vote on now. */
export function ballots(run: Run): readonly Question[] {
  return currentStage(run).flatMap(step => {
    const state = stateOf(run, step)
    if (state.is === 'open') return [{ step, ballot: state.ballot }]
    return state.is === 'failed' && state.skip ? [{ step, ballot: state.skip.ballot, asker: state.skip.by }] : []
  })
}

export const people = (rule: ApprovalRule): string =>
  `${rule.quorum === 1 ? 'one' : rule.quorum} with the role ${rule.role}${rule.ownRequest ? '' : ', not the one who asked'}`

const anyInFlight = (run: Run): boolean => [...run.steps.values()].some(inFlight)
const ids = (steps: readonly { readonly id: StepId }[]): string => steps.map(step => step.id).join(' and ')

const factsHold = (run: Run, gate: Step): boolean => {
  const state = stateOf(run, gate)
  return state.is !== 'open' || (state.facts ?? []).every(fact => fact.holds)
}

/** The sentences that move a run from where it stands, most wanted first. */
export function sentences(run: Run): readonly string[] {
  if (run.outcome) return []
  const open = ballots(run).flatMap(({ step, asker }) =>
    step.kind === 'gate' && step.for === 'confirmation' && !asker
      ? // What is not as it should be cannot be confirmed: then only a no moves the run.
        [`confirm ${run.id} ${step.id}`, ...(factsHold(run, step) ? [] : [`deny ${run.id} ${step.id}`])]
      : [`approve ${run.id} ${step.id}`, `deny ${run.id} ${step.id}`],
  )
  const doubts = [...run.steps].flatMap(([id, state]) =>
    state.is === 'doubtful'
      ? [`tell ${run.id} ${id} happened because "..."`, `tell ${run.id} ${id} did not happen because "..."`]
      : [],
  )
  const failed = failures(run)
  const retry = failed.length > 0 ? [`retry ${run.id}`] : []
  const skip = failed.filter(step => step.kind !== 'gate').map(step => `skip ${run.id} ${step.id} because "..."`)
  const back = run.course === 'forward' && undoable(run) && !passing(run) ? [`roll back ${run.id}`] : []
  const out = touched(run)
    ? failed.length > 0
      ? [`give up ${run.id}`]
      : []
    : run.course === 'forward'
      ? [`cancel ${run.id}`]
      : []
  const go = run.paused ? [`resume ${run.id}`] : []
  return [...open, ...doubts, ...retry, ...skip, ...go, ...back, ...out]
}
