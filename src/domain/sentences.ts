import { ballots } from './ballot.ts'
import type { Step } from './plan.ts'
import { failures, passing, touched, undoable } from './program.ts'
import { type Run, stateOf } from './run.ts'

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
