import { tally } from './approval.ts'
import { evolve, inGlass } from './evolve.ts'
import type { Instant } from './ids.ts'
import { type Act, type Gate, type Step, stepsOf, type Watch } from './plan.ts'
import {
  type Event,
  type Intent,
  inFlight,
  isOver,
  type Outcome,
  type Run,
  type StepState,
  stateOf,
  stepNamed,
  undosOf,
} from './run.ts'

/** How many workers one step may kill before the run is taken out of their hands. */
export const POISON = 3

/** A change and all that follows from it, so that nothing is ever left due. */
export function follow(run: Run, events: readonly Event[], now: Instant): readonly Event[] {
  const after = events.reduce((fold, event) => evolve(fold, event, now), run)
  const next = due(after, now)
  return next.length === 0 ? events : [...events, ...follow(after, next, now)]
}

/** The stages still to be gone through, in order, on the course the run is on. */
export function program(run: Run): readonly (readonly Step[])[] {
  if (run.course === 'forward') return run.plan.stages
  // Whatever is in flight is settled first: what has to be undone depends on it.
  const unsettled = stepsOf(run.plan).filter(step => inFlight(stateOf(run, step)))
  const undos = run.course === 'rolling back' && unsettled.length === 0 ? undoSteps(run).map(step => [step]) : []
  const always = run.plan.stages.map(stage => stage.filter(step => step.always))
  return [unsettled, ...undos, ...always].filter(stage => stage.length > 0)
}

/** The undos of what was done, newest first, as far back as the last point of no return. */
export function undoSteps(run: Run): readonly Act[] {
  const steps = stepsOf(run.plan)
  const final = steps.findLastIndex(step => step.kind === 'act' && step.final && stateOf(run, step).is === 'done')
  return steps
    .slice(final + 1)
    .filter(step => stateOf(run, step).is === 'done')
    .reverse()
    .flatMap(undosOf)
}

/** The last point of no return that was passed. */
export const passed = (run: Run): Step | undefined =>
  stepsOf(run.plan).findLast(step => step.kind === 'act' && step.final && stateOf(run, step).is === 'done')

/** Is there anything to undo, or may there be once it is known what became of a step in flight? */
export const undoable = (run: Run): boolean =>
  undoSteps(run).length > 0 || stepsOf(run.plan).some(step => step.kind === 'act' && step.undo && inFlight(stateOf(run, step)))

/** A point of no return that is under way: what became of it says whether there is a way back. */
export const passing = (run: Run): Step | undefined =>
  stepsOf(run.plan).find(step => step.kind === 'act' && step.final && inFlight(stateOf(run, step)))

/** The first stage with a step that is not over. When stopping, a failure is over too. */
export function currentStage(run: Run): readonly Step[] {
  const settled = (step: Step) => {
    const state = stateOf(run, step)
    return isOver(state) || (run.course === 'stopping' && state.is === 'failed')
  }
  return program(run).find(stage => stage.some(step => !settled(step))) ?? []
}

/** The steps that failed and hold the run. */
export const failures = (run: Run): readonly Step[] =>
  run.outcome || run.course === 'stopping' ? [] : currentStage(run).filter(step => stateOf(run, step).is === 'failed')

/** What has become true without anyone doing anything. */
export function due(run: Run, now: Instant): readonly Event[] {
  if (run.outcome) return []
  const poisoned = poison(run)
  if (poisoned.length > 0) return poisoned
  const turn = turning(run)
  if (turn) return [turn]
  const dropped =
    run.course === 'forward' ? [] : stepsOf(run.plan).filter(step => !step.always && DROPPED.has(stateOf(run, step).is))
  if (dropped.length > 0) return dropped.map(step => ({ type: 'step.skipped', step: step.id }))
  const stage = currentStage(run)
  if (stage.length === 0) return [{ type: 'run.finished', outcome: outcomeOf(run) }]
  const held = failures(run).length > 0
  return stage.flatMap(step => dueStep(run, step, held, now))
}

/** What a run that turned round leaves undone. */
const DROPPED: ReadonlySet<StepState['is']> = new Set(['pending', 'open', 'watching', 'waiting'])

function poison(run: Run): readonly Event[] {
  return [...run.lost].flatMap(([id, times]): Event[] => {
    const step = stepNamed(run, id)
    if (times < POISON || !step) return []
    const why = `it took ${times} workers down, one after the other; nothing will try it again by itself`
    const state = stateOf(run, step)
    if (state.is === 'sent') return [{ type: 'step.doubted', step: id, why }]
    return state.is === 'pending' || state.is === 'watching' || state.is === 'open'
      ? [{ type: 'step.failed', step: id, why }]
      : []
  })
}

/** A plan may say what a failure means; a gate that closes before anything was changed ends the run. */
function turning(run: Run): Event | undefined {
  if (run.course !== 'forward') return undefined
  const failed = failures(run)[0]
  if (!failed) return undefined
  const state = stateOf(run, failed)
  const because = state.is === 'failed' ? `${failed.id}: ${state.why}` : failed.id
  if (!touched(run) && failed.kind === 'gate') return { type: 'run.turned', to: 'stopping', because }
  switch (run.plan.onFailure) {
    case 'hold':
      return undefined
    case 'roll back':
      if (passing(run)) return undefined
      return { type: 'run.turned', to: passed(run) && !undoable(run) ? 'stopping' : 'rolling back', because }
    case 'stop':
      return { type: 'run.turned', to: 'stopping', because }
  }
}

/** Has any change been sent? */
export const touched = (run: Run): boolean =>
  stepsOf(run.plan).some(step => {
    const state = stateOf(run, step)
    return step.kind === 'act' && step.action.risk !== 'none' && (inFlight(state) || state.is === 'done')
  })

function dueStep(run: Run, step: Step, held: boolean, now: Instant): readonly Event[] {
  const state = stateOf(run, step)
  switch (state.is) {
    case 'pending':
      // The calendar is not the run's to know: a worker opens the gates that go by it.
      if (step.kind === 'act' || held || byCalendar(run, step, now)) return []
      return [opening(run, step, now)]
    case 'waiting':
      return now < state.until ? [] : [{ type: 'step.done', step: step.id, how: 'seen' }]
    case 'watching':
      return now < state.until
        ? []
        : [{ type: 'step.failed', step: step.id, why: 'it did not come about in the time it was given' }]
    case 'open':
      switch (tally(state.ballot)) {
        case 'approved':
          return [{ type: 'step.done', step: step.id, how: 'told' }]
        case 'denied':
          return [{ type: 'step.failed', step: step.id, why: deniedWhy(state.ballot.votes) }]
        case 'open':
          return now < state.ballot.until ? [] : [{ type: 'step.failed', step: step.id, why: 'nobody answered in time' }]
      }
      break
    case 'failed':
      return state.skip ? dueSkip(step, state.skip, now) : []
  }
  return []
}

const byCalendar = (run: Run, step: Step, now: Instant): boolean =>
  step.kind === 'gate' && step.window === true && !inGlass(run, now)

/** A question stands no longer than what makes it a lesser one. */
export function opening(run: Run, step: Exclude<Step, Act>, now: Instant): Event {
  const until = now + patience(step)
  const glass = step.kind === 'gate' && step.for === 'approval' && inGlass(run, now) ? run.glass.until : until
  return { type: 'step.opened', step: step.id, until: Math.min(until, glass) }
}

function dueSkip(step: Step, skip: NonNullable<Extract<StepState, { is: 'failed' }>['skip']>, now: Instant): readonly Event[] {
  switch (tally(skip.ballot)) {
    case 'approved':
      return [{ type: 'step.skipped', step: step.id, by: skip.by, because: skip.because }]
    case 'denied':
      return [{ type: 'step.failed', step: step.id, why: `skipping it was denied${becauseOf(skip.ballot.votes)}` }]
    case 'open':
      return now < skip.ballot.until
        ? []
        : [{ type: 'step.failed', step: step.id, why: 'nobody answered in time whether to skip it' }]
  }
}

const becauseOf = (votes: readonly { verdict: string; by: string; because?: string }[]): string => {
  const no = votes.find(vote => vote.verdict === 'deny')
  return no ? ` by ${no.by}${no.because ? `: ${no.because}` : ''}` : ''
}
const deniedWhy = (votes: readonly { verdict: string; by: string; because?: string }[]): string => `denied${becauseOf(votes)}`

const patience = (step: Gate | Watch | Extract<Step, { kind: 'wait' }>) =>
  step.kind === 'gate' ? step.rule.within : step.kind === 'watch' ? step.within : step.for

function outcomeOf(run: Run): Outcome {
  const failed = [...run.steps.values()].some(state => state.is === 'failed')
  switch (run.course) {
    case 'forward':
      return 'succeeded'
    case 'rolling back':
      return 'rolled back'
    case 'stopping':
      return failed ? 'failed' : 'cancelled'
  }
}

/** What a worker should do about it now. */
export type Work =
  | { readonly kind: 'send'; readonly step: Act; readonly attempt: number }
  | { readonly kind: 'settle'; readonly step: Act; readonly attempt: number; readonly intent: Intent }
  | { readonly kind: 'look'; readonly step: Watch }
  | { readonly kind: 'show'; readonly step: Gate } // read the facts of an open gate
  | { readonly kind: 'open'; readonly step: Gate } // ask the calendar whether it may

export function work(run: Run, now: Instant): readonly Work[] {
  return run.outcome
    ? []
    : candidates(run)
        .filter(([at]) => at <= now)
        .map(([, job]) => job)
}

/** Until when the run waits. A calendar that was shut stands in nobody's way while the glass is broken. */
function barred({ waitsFor, glass }: Run): Instant {
  if (waitsFor === undefined) return 0
  return 'shut' in waitsFor && glass !== undefined && waitsFor.next <= glass.until ? 0 : waitsFor.next
}

/** Every piece of work of the current stage, and from when on it may be done. */
function candidates(run: Run): readonly (readonly [Instant, Work])[] {
  const halted = run.paused !== undefined || failures(run).length > 0
  return currentStage(run).flatMap((step): (readonly [Instant, Work])[] => {
    const state = stateOf(run, step)
    if (step.kind === 'act' && state.is === 'sent')
      return [[state.after, { kind: 'settle', step, attempt: state.attempts, intent: state.intent }]]
    if (step.kind === 'act' && state.is === 'pending' && !halted)
      return [[Math.max(state.after, barred(run)), { kind: 'send', step, attempt: state.attempts + 1 }]]
    // Whether it may open is asked again when that may have changed; a run that is held or paused asks nobody.
    if (step.kind === 'gate' && state.is === 'pending' && step.window && !halted)
      return [[Math.max(state.after, barred(run)), { kind: 'open', step }]]
    if (step.kind === 'watch' && state.is === 'watching') return [[run.tracks.get(step.id)?.next ?? 0, { kind: 'look', step }]]
    if (step.kind === 'gate' && state.is === 'open' && step.facts.length > 0)
      return [[(state.facts && run.tracks.get(step.id)?.next) ?? 0, { kind: 'show', step }]]
    return []
  })
}

/** When time alone will make something due. The store keeps it beside the run. */
export function wake(run: Run): Instant | undefined {
  if (run.outcome) return undefined
  const limits = currentStage(run).flatMap((step): Instant[] => {
    const state = stateOf(run, step)
    if (state.is === 'open') return [state.ballot.until]
    if (state.is === 'failed' && state.skip) return [state.skip.ballot.until]
    return state.is === 'watching' || state.is === 'waiting' ? [state.until] : []
  })
  const times = [...limits, ...candidates(run).map(([at]) => at)]
  return times.length > 0 ? Math.min(...times) : undefined
}

/** The last word before a send, said under the run's lock: a cancel or a pause that came first has won. */
export function intend(run: Run, step: Act, intent: Intent): readonly Event[] {
  const wanted = candidates(run).some(([, job]) => job.kind === 'send' && job.step.id === step.id)
  return !run.outcome && wanted ? [{ type: 'step.intended', step: step.id, intent }] : []
}

/** Is it this step's turn, and nothing has come of it yet? */
export const awaits = (run: Run, step: Act): boolean =>
  !run.outcome && stateOf(run, step).is === 'pending' && currentStage(run).some(other => other.id === step.id)

/** Nothing will happen until somebody says something. */
export const standsStill = (run: Run): boolean =>
  run.outcome !== undefined ||
  currentStage(run).every(step => {
    const state = stateOf(run, step)
    if (state.is === 'open') return step.kind !== 'gate' || step.facts.length === 0 || state.facts !== undefined
    return (
      isOver(state) ||
      state.is === 'failed' ||
      state.is === 'doubtful' ||
      (state.is === 'pending' && (run.paused !== undefined || failures(run).length > 0)) ||
      (state.is === 'pending' && run.waitsFor !== undefined && 'shut' in run.waitsFor)
    )
  })

/** The gates right before a step: those of the stage before its own. Their approval is for this step. */
export function gatesBefore(run: Run, step: Step): readonly Gate[] {
  const at = run.plan.stages.findIndex(stage => stage.some(other => other.id === step.id))
  return at < 1 ? [] : (run.plan.stages[at - 1] ?? []).filter(other => other.kind === 'gate')
}

/** The steps of the stage that a gate opens. */
export function stepsBehind(run: Run, gate: Step): readonly Step[] {
  const at = run.plan.stages.findIndex(stage => stage.includes(gate))
  return at < 0 ? [] : (run.plan.stages[at + 1] ?? [])
}
