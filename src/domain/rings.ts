import { ballots, type Question } from './ballot.ts'
import type { Card } from './chat.ts'
import type { Instant } from './ids.ts'
import { currentStage, failures } from './program.ts'
import { stalledSince } from './progress.ts'
import { type BrokenGlass, type Run, reviewOpen, stateOf } from './run.ts'

/** Something that must make a phone ring. The key makes it ring once. */
export interface Ring {
  readonly key: string
  readonly card: Card
  readonly wakes?: Question | 'asker' | 'those for emergencies' // whom a chat mentions, so that their phones ring
}

/** What calls for somebody now: a gate, a doubt, a stall, a failure, the end. Level-triggered, so that a bell for what is over never rings late. */
export function rings(run: Run, now: Instant): readonly Ring[] {
  if (run.outcome) {
    const end = ring(`end`, run.outcome === 'succeeded' ? 'good' : 'bad', `${run.id} ${run.outcome}: ${run.plan.title}`)
    return reviewOpen(run) ? [end, reviewWanted(run)] : [end]
  }
  const open = ballots(run).map(question => {
    const { step, ballot, asker } = question
    const asks = asker ? `skip ${step.id}?` : step.kind === 'gate' ? step.asks : step.says
    return ring(`open-${step.id}-${ballot.until}`, 'waiting', `${run.id} asks: ${asks}`, question)
  })
  const glass = run.glass ? [glassBroken(run, run.glass)] : []
  const doubts = [...run.steps].flatMap(([id, state]) =>
    state.is === 'doubtful'
      ? [ring(`doubt-${state.intent.id}`, 'bad', `${run.id} is in doubt about ${id}: ${state.why}`, 'asker')]
      : [],
  )
  const held = failures(run).flatMap(step => {
    const state = stateOf(run, step)
    return state.is === 'failed' && !state.skip
      ? [ring(`held-${step.id}-${state.at}`, 'bad', `${run.id} is held at ${step.id}: ${state.why}`, 'asker')]
      : []
  })
  const stalls = currentStage(run).flatMap(step => {
    const track = run.tracks.get(step.id)
    const since =
      step.kind === 'watch' && stateOf(run, step).is === 'watching' && track ? stalledSince(track, step.stall, now) : undefined
    return since === undefined
      ? []
      : [ring(`stall-${step.id}-${since}`, 'bad', `${run.id} makes no progress at ${step.id}`, 'asker')]
  })
  return [...glass, ...open, ...doubts, ...held, ...stalls]
}

const glassBroken = (run: Run, { by, because, at }: BrokenGlass): Ring =>
  ring(`glass-${at}`, 'bad', `GLASS BROKEN for ${run.id} by ${by}: ${because}`, 'those for emergencies')

const reviewWanted = (run: Run): Ring =>
  ring(
    `review-${run.endedAt}`,
    'bad',
    `${run.id} is over, and the glass that ${run.glass?.by} broke for it wants a review: close review of ${run.id} because "..."`,
    'those for emergencies',
  )

const ring = (key: string, tone: Card['tone'], title: string, wakes?: Ring['wakes']): Ring => ({
  key: `ring-${key}`,
  card: { title, tone, lines: [], buttons: [] },
  ...(wakes ? { wakes } : {}),
})
