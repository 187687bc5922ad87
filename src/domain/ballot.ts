import { type ApprovalRule, type Ballot, missing, needsOf } from './approval.ts'
import { digestOf } from './chain.ts'
import type { Person } from './ids.ts'
import type { Step } from './plan.ts'
import { currentStage } from './program.ts'
import { type Run, stateOf } from './run.ts'

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

/** "one with the role lead and 2 with the role app-owner, not the one who asked". */
export const people = (rule: ApprovalRule): string =>
  `${groups(needsOf(rule))}${rule.ownRequest ? '' : ', not the one who asked'}${wants(rule)}`

/** What is still missing of it. */
export const stillWanted = ({ rule, votes }: Ballot): string => groups(missing(rule, votes))

const groups = (needs: ReturnType<typeof needsOf>): string =>
  needs.map(({ role, quorum }) => `${quorum === 1 ? 'one' : quorum} with the role ${role}`).join(' and ')

function wants({ reason, stepUp, denies }: ApprovalRule): string {
  const extras = [
    ...(reason === undefined ? [] : [`each with a note${reason === '\\S' ? '' : ` like /${reason}/`}`]),
    ...(stepUp ? ['each with a code of their second factor'] : []),
    ...(denies === undefined ? [] : [`${denies} noes close it`]),
  ]
  return extras.length === 0 ? '' : `; ${extras.join(', ')}`
}
