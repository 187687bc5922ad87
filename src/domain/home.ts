import { ballots } from './ballot.ts'
import type { Card } from './chat.ts'
import { stateLine } from './draw.ts'
import type { Instant, Person } from './ids.ts'
import { type Policy, voters } from './policy.ts'
import { failures } from './program.ts'
import { type Run, reviewOpen, stateOf } from './run.ts'
import { dateTime } from './words.ts'

/** How many runs of each sort a person looks at; the rest is a number. */
const MOST = 20
const LATELY = 10

/**
 * What one person wants to know first: what waits for them, what runs, and what ended lately. It has no buttons, because a run is
 * decided on its own card, in sight of those who work with it.
 */
export function homeCard(runs: readonly Run[], by: Person, policy: Policy, now: Instant): Card {
  const live = runs.filter(run => !run.outcome)
  const waiting = live
    .map(run => ({ run, wants: wantedOf(run, by, policy, now) }))
    .filter(({ wants }) => wants.length > 0)
    .sort((a, b) => a.run.startedAt - b.run.startedAt)
  const going = live.filter(run => !waiting.some(one => one.run === run)).sort((a, b) => b.startedAt - a.startedAt)
  const ended = runs
    .filter(run => run.outcome)
    .sort((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0))
    .slice(0, LATELY)
  const lines = [
    ...section(
      'Waits for you:',
      waiting.map(({ run, wants }) => line(run, wants.join(' and '))),
    ),
    ...section(
      'Reviews of a broken glass, open until somebody who had no part in it closes them:',
      runs.filter(reviewOpen).map(run => line(run, `glass broken by ${run.glass?.by}, ${run.glass?.because}`)),
    ),
    ...section(
      'Runs:',
      going.map(run => line(run, stateLine(run))),
    ),
    ...section(
      'Ended lately:',
      ended.map(run => line(run, `${stateLine(run)}, at ${dateTime(run.endedAt ?? run.startedAt)}`)),
    ),
  ]
  return {
    title: titleOf(waiting.length),
    tone: waiting.length > 0 ? 'waiting' : 'calm',
    lines: lines.length > 0 ? lines : ['Nothing runs, and nothing has run yet. Say `help` to see what can be said.'],
    buttons: [],
  }
}

/** A vote that this person could cast and has not; and, of a run of their own, what stands still until somebody says something. */
function wantedOf(run: Run, by: Person, policy: Policy, now: Instant): readonly string[] {
  const votes = ballots(run).flatMap(({ step, ballot, asker }) => {
    const askers = asker ? [run.by, asker] : [run.by]
    const { could } = voters(
      policy,
      ballot.rule,
      askers,
      ballot.votes.map(vote => vote.by),
    )
    if (now >= ballot.until || !could.includes(by)) return []
    return [asker ? `your vote on whether to skip ${step.id}` : `your vote on ${step.id}`]
  })
  if (run.by !== by) return votes
  const doubts = [...run.steps].flatMap(([id, state]) => (state.is === 'doubtful' ? [`in doubt about ${id}`] : []))
  const held = failures(run).flatMap(step => {
    const state = stateOf(run, step)
    // While others vote on a skip there is nothing for its asker to do.
    return state.is === 'failed' && !state.skip ? [`held at ${step.id}`] : []
  })
  return [...votes, ...doubts, ...held]
}

function titleOf(waiting: number): string {
  if (waiting === 0) return 'Nothing waits for you'
  return waiting === 1 ? 'One run waits for you' : `${waiting} runs wait for you`
}

function section(title: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return []
  const rest = lines.length > MOST ? [`  and ${lines.length - MOST} more: say \`show runs\``] : []
  return [title, ...lines.slice(0, MOST), ...rest]
}

const line = (run: Run, stands: string): string => `  ${run.id} ${run.plan.title}: ${stands}; asked for by ${run.by}`
