import type { Card } from './chat.ts'
import type { Instant } from './ids.ts'
import { currentStage, failures } from './program.ts'
import { stalledSince } from './progress.ts'
import { type Run, stateOf } from './run.ts'
import { ballots } from './say.ts'

/** Something that must make a phone ring. The key makes it ring once. */
export interface Ring {
  readonly key: string
  readonly card: Card
}

/** What calls for somebody now: a gate, a doubt, a stall, a failure, the end. Level-triggered, so that a bell for what is over never rings late. */
export function rings(run: Run, now: Instant): readonly Ring[] {
  if (run.outcome)
    return [ring(`end`, run.outcome === 'succeeded' ? 'good' : 'bad', `${run.id} ${run.outcome}: ${run.plan.title}`)]
  const open = ballots(run).map(({ step, ballot, asker }) =>
    ring(
      `open-${step.id}-${ballot.until}`,
      'waiting',
      asker ? `${run.id} asks: skip ${step.id}?` : `${run.id} asks: ${step.kind === 'gate' ? step.asks : step.says}`,
    ),
  )
  const doubts = [...run.steps].flatMap(([id, state]) =>
    state.is === 'doubtful' ? [ring(`doubt-${state.intent.id}`, 'bad', `${run.id} is in doubt about ${id}: ${state.why}`)] : [],
  )
  const held = failures(run).flatMap(step => {
    const state = stateOf(run, step)
    return state.is === 'failed' && !state.skip
      ? [ring(`held-${step.id}-${state.at}`, 'bad', `${run.id} is held at ${step.id}: ${state.why}`)]
      : []
  })
  const stalls = currentStage(run).flatMap(step => {
    const track = run.tracks.get(step.id)
    const since =
      step.kind === 'watch' && stateOf(run, step).is === 'watching' && track ? stalledSince(track, step.stall, now) : undefined
    return since === undefined ? [] : [ring(`stall-${step.id}-${since}`, 'bad', `${run.id} makes no progress at ${step.id}`)]
  })
  return [...open, ...doubts, ...held, ...stalls]
}

const ring = (key: string, tone: Card['tone'], title: string): Ring => ({
  key: `ring-${key}`,
  card: { title, tone, lines: [], buttons: [] },
})
