import type { Ballot } from './approval.ts'
import { ballots, people, stillWanted } from './ballot.ts'
import { buttonsOf } from './buttons.ts'
import type { Card, Meter, StepLine } from './chat.ts'
import { hours, type Instant, type StepId } from './ids.ts'
import { measured } from './measure.ts'
import { fieldOf, type Step, stepsOf } from './plan.ts'
import { currentStage, failures, passed, program, stepsBehind, touched } from './program.ts'
import { eta, stalledSince, type Track, throughput } from './progress.ts'
import { type Run, reviewOpen, type SeenFact, type StepState, saysObstacle, stateOf, stepNamed, undosOf } from './run.ts'
import { sentences } from './sentences.ts'
import { clockTime, duration, percent, rate, size } from './words.ts'

/**
 * The card of a run: preview, approval request, progress bar and report in one. Pure: ten nudges or one make the same card. Only
 * the meter depends on `now`: a card without news is the same text, and is not sent again.
 */
export function draw(run: Run, now: Instant): Card {
  const watched = meterOf(run, now)
  return {
    title: `${run.id} ${run.plan.title}`,
    tone: toneOf(run),
    state: stateLine(run),
    steps: stepLines(run),
    ...(watched ? { meter: watched } : {}),
    lines: [
      ...askedLines(run),
      ...glassLines(run),
      ...gateLines(run),
      ...troubleLines(run),
      ...waitLines(run),
      ...measured(run),
      ...endLines(run),
    ],
    buttons: buttonsOf(run),
  }
}

function toneOf(run: Run): Card['tone'] {
  if (run.outcome) return run.outcome === 'succeeded' && !reviewOpen(run) ? 'good' : 'bad'
  if (failures(run).length > 0 || someIs(run, 'doubtful')) return 'bad'
  return ballots(run).length > 0 || run.paused ? 'waiting' : 'calm'
}

const someIs = (run: Run, is: StepState['is']): boolean => [...run.steps.values()].some(state => state.is === is)

/** How a run stands, in one line. */
export function stateLine(run: Run): string {
  if (run.outcome) return `${run.outcome} after ${duration((run.endedAt ?? run.startedAt) - run.startedAt)}`
  const course = run.course === 'forward' ? '' : `${run.course}${run.turned?.by ? `, as ${run.turned.by} said` : ''}: `
  const doubtful = [...run.steps].find(([, state]) => state.is === 'doubtful')
  if (doubtful) return `${course}in doubt about ${doubtful[0]}: a person must say what happened`
  const failed = failures(run)
  if (failed.length > 0) return `${course}held at ${failed.map(step => step.id).join(' and ')}`
  if (run.paused) return `${course}paused by ${run.paused}`
  const open = ballots(run)
  if (open.length > 0) return `${course}waits for ${open.map(({ step }) => step.id).join(' and ')}`
  return `${course}${currentStage(run)
    .map(step => step.id)
    .join(' and ')}`
}

function stepLines(run: Run): readonly StepLine[] {
  const planned = stepsOf(run.plan).map(step => lineOf(run, step))
  const undone =
    run.course === 'rolling back'
      ? program(run)
          .flat()
          .filter(step => step.id.startsWith('undo-'))
      : []
  const ran = [...run.steps.keys()]
    .filter(id => id.startsWith('undo-') && !undone.some(step => step.id === id))
    .flatMap(id => stepNamed(run, id) ?? [])
  return [...planned, ...[...ran, ...undone].map(step => lineOf(run, step))]
}

function lineOf(run: Run, step: Step): StepLine {
  const state = stateOf(run, step)
  const final = step.kind === 'act' && step.final ? ({ final: true } as const) : {}
  const undos = undosOf(step)
  const undone = undos.length > 0 && undos.every(undo => stateOf(run, undo).is === 'done')
  const note = undone ? 'undone' : noteOf(step, state)
  return { mark: undone ? 'undone' : markOf(run, step, state), text: spoken(run, step.says), ...(note ? { note } : {}), ...final }
}

function markOf(run: Run, step: Step, state: StepState): StepLine['mark'] {
  switch (state.is) {
    case 'done':
    case 'failed':
    case 'doubtful':
    case 'skipped':
      return state.is
    case 'open':
    case 'waiting':
      return 'waiting'
    case 'sent':
    case 'watching':
      return 'now'
    case 'pending':
      return !run.outcome && currentStage(run).some(one => one.id === step.id) && failures(run).length === 0 ? 'now' : 'next'
  }
}

function noteOf(step: Step, state: StepState): string | undefined {
  switch (state.is) {
    case 'done':
      return doneNote(step, state)
    case 'failed':
    case 'doubtful':
      return state.why
    case 'skipped':
      return state.because === undefined ? 'not needed' : `skipped by ${state.by}: ${state.because}`
    case 'pending':
      return state.why === undefined
        ? undefined
        : `tried ${state.attempts === 1 ? 'once' : `${state.attempts} times`}: ${state.why}`
    case 'waiting':
      return `until ${clockTime(state.until)}`
    default:
      return undefined
  }
}

/** Say what is known and how. */
function doneNote(step: Step, state: Extract<StepState, { is: 'done' }>): string {
  const when = clockTime(state.at)
  if (step.kind === 'gate') {
    const votes = state.ballot?.votes ?? []
    return `${step.for === 'approval' ? 'approved' : 'confirmed'} by ${votes.map(vote => `${vote.by}${vote.because ? ` (${vote.because})` : ''}`).join(' and ')} at ${when}`
  }
  const how = state.how === 'seen' ? 'done' : state.how === 'inferred' ? 'found done' : `said to be done by ${state.by}`
  return `${how} at ${when}`
}

function meterOf(run: Run, now: Instant): Meter | undefined {
  if (run.outcome) return undefined
  const read = factsRead(run)
  if (read) return read
  const step = currentStage(run).find(step => step.kind === 'watch' && stateOf(run, step).is === 'watching')
  if (step?.kind !== 'watch') return undefined
  const track = run.tracks.get(step.id)
  if (!track) return { text: `${step.id}: not looked at yet` }
  return {
    ...(track.done === undefined ? {} : { done: track.done }),
    text: meterText(track, stalledSince(track, step.stall, now), now),
  }
}

/** How old the facts of an open gate are. No news: a card is not sent again for this alone, but now and then. */
function factsRead(run: Run): Meter | undefined {
  const open = currentStage(run).filter(step => step.kind === 'gate' && step.facts.length > 0 && stateOf(run, step).is === 'open')
  const read = open.flatMap(step => run.tracks.get(step.id)?.at ?? [])
  return read.length === 0 ? undefined : { text: `facts read at ${new Date(Math.min(...read)).toISOString().slice(11, 16)} UTC` }
}

/** The rate and the estimate are measured; what nobody measured is said to be unknown. */
export function meterText(track: Track, stalled: Instant | undefined, now: Instant): string {
  const share = track.done === undefined ? 'share unknown' : percent(track.done)
  const bytes = track.copied === undefined || track.total === undefined ? '' : `, ${size(track.copied)} of ${size(track.total)}`
  const speed = throughput(track)
  const note = track.note ? `, ${track.note}` : ''
  if (stalled !== undefined) return `${share}${bytes}${note}; NO PROGRESS for ${duration(now - stalled)}`
  if (track.done !== undefined && track.done >= 1) return `${share}${bytes}${note}`
  const left = eta(track)
  const range = !left
    ? 'time left unknown'
    : left.latest === undefined
      ? `at least ${duration(left.soonest)} left`
      : spread(left.soonest, left.latest)
  return `${share}${bytes}${speed ? ` at ${rate(speed)}` : ''}${note}; ${range}`
}

const spread = (soonest: number, latest: number): string => {
  const [a, b] = [duration(soonest), duration(latest)]
  return a === b ? `about ${a} left` : `${a} to ${b} left`
}

function gateLines(run: Run): readonly string[] {
  return ballots(run).flatMap(({ step, ballot, asker }) => {
    const state = stateOf(run, step)
    const asks =
      asker && state.is === 'failed'
        ? `Skip ${step.id}? ${asker} asks, because ${state.skip?.because}`
        : step.kind === 'gate'
          ? step.asks
          : step.says
    const facts = state.is === 'open' && step.kind === 'gate' && step.facts.length > 0 ? factLines(state.facts) : []
    return [asks, ...facts, ...opened(run, step), `  needs ${people(ballot.rule)}${voted(ballot)}, ${limit(ballot)}`]
  })
}

const DAY = hours(24)

/** The time that is left would be other text with each look; a time of day alone would not say which of several days is meant. */
function limit({ until, rule: { within } }: Ballot): string {
  const day = within > DAY ? `${new Date(until).toISOString().slice(0, 10)} ` : ''
  return `by ${day}${clockTime(until)} (within ${duration(within)})`
}

const factLines = (facts: readonly SeenFact[] | undefined): readonly string[] =>
  facts
    ? facts.map(fact => `  ${fact.holds ? 'holds' : 'DOES NOT HOLD'}: ${fact.label}: ${fact.shows}`)
    : ['  its facts are being read']

/** What a gate opens, with what its references have come to. */
function opened(run: Run, gate: Step): readonly string[] {
  return stepsBehind(run, gate)
    .filter(step => step.kind === 'act')
    .map(step => `  opens: ${spoken(run, step.says)}`)
}

/** A sentence with what earlier steps have handed out in place of `<session of setup>`, once it is known. */
function spoken(run: Run, says: string): string {
  return says.replace(/<([A-Za-z]+) of ([a-z0-9-]+)>/g, (unknown, field: string, id: string) => {
    const state = run.steps.get(id as StepId)
    const found = state?.is === 'done' ? fieldOf(state.result, field) : undefined
    return found === undefined ? unknown : String(found)
  })
}

const voted = (ballot: Ballot): string =>
  ballot.votes.length === 0 ? '' : `; so far ${ballot.votes.map(said).join(', ')}; still wanted: ${stillWanted(ballot)}`
const said = ({ by, verdict }: Ballot['votes'][number]): string => `${verdict === 'approve' ? 'yes' : 'no'} from ${by}`

function troubleLines(run: Run): readonly string[] {
  const doubts = [...run.steps].flatMap(([id, state]) =>
    state.is === 'doubtful' ? [`In doubt: ${id}: ${state.why}. Look at the device, then say which.`] : [],
  )
  const failed = failures(run).flatMap(step => {
    const state = stateOf(run, step)
    return state.is === 'failed' && !state.skip ? [`Held: ${step.id}: ${state.why}`] : []
  })
  const says = doubts.length + failed.length > 0 || run.paused ? sentences(run) : []
  return [...doubts, ...failed, ...(says.length > 0 ? [`You can say: ${says.join(' | ')}`] : [])]
}

/** Why it was asked for, and what those who approve it have to know, as long as they can still say no to all of it. */
const askedLines = (run: Run): readonly string[] => [
  ...(run.because === undefined ? [] : [`${run.by} asks for it because ${run.because}`]),
  ...(run.outcome || touched(run) ? [] : (run.plan.notes ?? [])),
]

/** An emergency is never quiet: not while it lasts, and not before somebody has looked at it. */
function glassLines(run: Run): readonly string[] {
  const { glass, reviewed } = run
  if (!glass) return []
  const broken = `GLASS BROKEN by ${glass.by} at ${clockTime(glass.at)}, until ${clockTime(glass.until)}: ${glass.because}`
  if (reviewed) return [broken, `Reviewed by ${reviewed.by}: ${reviewed.because}`]
  return [
    broken,
    run.outcome
      ? `REVIEW OPEN: somebody who had no part in it says \`close review of ${run.id} because "..."\``
      : `Its gates open by the rule for emergencies: ${people(glass.rule)}`,
  ]
}

const waitLines = (run: Run): readonly string[] => (run.waitsFor && !run.outcome ? [saysObstacle(run.waitsFor)] : [])

function endLines(run: Run): readonly string[] {
  if (!run.outcome) return []
  const left =
    run.outcome === 'failed' || run.outcome === 'cancelled'
      ? stepsOf(run.plan).filter(step => step.kind === 'act' && step.action.risk !== 'none' && stateOf(run, step).is === 'done')
      : []
  const why = run.turned?.because ? [`Because ${run.turned.because}`] : []
  const point = run.outcome === 'rolled back' ? passed(run) : undefined
  const stays = point ? [`${point.says} was the point of no return: it stays, and so does what was done before it`] : []
  return [...why, ...stays, ...(left.length > 0 ? [`Done and left as it is: ${left.map(step => step.says).join('; ')}`] : [])]
}
