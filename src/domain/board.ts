import type { Card } from './chat.ts'
import type { Instant } from './ids.ts'
import { stepsOf } from './plan.ts'
import { eta, stalledSince, type Track } from './progress.ts'
import { type Run, stateOf } from './run.ts'
import { duration, percent } from './words.ts'

/** Runs on one board: what a message has room for, and a person looks at. */
export const ON_A_BOARD = 40

/** Many runs in one message: where a channel has more of them than its chat lets us keep up to date one by one. */
export function boardCard(runs: readonly Run[], page: number, pages: number, now: Instant): Card {
  return {
    title: `${runs.length} runs show progress here${pages > 1 ? ` (board ${page} of ${pages})` : ''}`,
    tone: runs.some(run => stalls(run, now)) ? 'bad' : 'calm',
    lines: runs.map(run => boardLine(run, now)),
    buttons: [],
  }
}

/** What a board says when its runs have cards of their own again. */
export const clearedBoard: Card = {
  title: 'This board is done: what still runs shows its progress on its own card.',
  tone: 'calm',
  lines: [],
  buttons: [],
}

function boardLine(run: Run, now: Instant): string {
  const track = trackOf(run)
  const share = track?.done === undefined ? 'unknown' : percent(track.done)
  const left = track && eta(track)
  const when = stalls(run, now)
    ? 'NO PROGRESS'
    : left
      ? `${duration(left.soonest)}${left.latest === undefined ? ' or more' : ''} left`
      : ''
  return `${run.id}  ${share.padStart(7)}  ${run.plan.title}${when === '' ? '' : `  ${when}`}`
}

const watched = (run: Run) => stepsOf(run.plan).find(step => step.kind === 'watch' && stateOf(run, step).is === 'watching')

function trackOf(run: Run): Track | undefined {
  const step = watched(run)
  return step && run.tracks.get(step.id)
}

function stalls(run: Run, now: Instant): boolean {
  const step = watched(run)
  const track = trackOf(run)
  return step?.kind === 'watch' && track !== undefined && stalledSince(track, step.stall, now) !== undefined
}
