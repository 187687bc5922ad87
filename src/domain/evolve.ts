import type { ApprovalRule, Ballot, Vote } from './approval.ts'
import type { Instant, StepId } from './ids.ts'
import type { Gate, Plan, Step } from './plan.ts'
import { type Event, PENDING, type Run, SKEW, type StepEvent, type StepState, stepNamed } from './run.ts'

/** What one more event makes of a run. Pure and total: a log is read by folding it. */
export function evolve(run: Run, event: Event, at: Instant): Run {
  const next = { ...run, seq: run.seq + 1 }
  switch (event.type) {
    case 'run.started':
      return {
        ...next,
        by: event.by,
        plan: event.plan,
        digest: event.digest,
        said: event.said,
        ...(event.because === undefined ? {} : { because: event.because }),
        ...(event.via === undefined ? {} : { via: event.via }),
        ...(event.schedule === undefined ? {} : { schedule: event.schedule }),
        startedAt: at,
        steps: pendingSteps(event.plan),
      }
    case 'run.paused':
      return { ...next, paused: event.by }
    case 'run.resumed': {
      const { paused: _, ...going } = next
      return going
    }
    case 'run.turned': {
      const { paused: _, ...going } = next
      return {
        ...going,
        course: event.to,
        turned: { ...(event.by ? { by: event.by } : {}), ...(event.because ? { because: event.because } : {}) },
      }
    }
    case 'run.finished':
      return { ...next, outcome: event.outcome, endedAt: at }
    case 'run.heard':
      return { ...next, heard: new Set([...run.heard, event.said]) }
    case 'run.broke-glass': {
      const { by, because, until, rule } = event
      return {
        ...next,
        glass: { by, because, at, until, rule },
        steps: new Map([...run.steps].map(([id, state]) => [id, underGlass(run, id, state, rule, until)])),
      }
    }
    case 'run.reviewed':
      return { ...next, reviewed: { by: event.by, because: event.because, at } }
    case 'worker.lost':
      return { ...next, lost: new Map([...run.lost, ...event.steps.map(step => [step, (run.lost.get(step) ?? 0) + 1] as const)]) }
    default: {
      const before = run.steps.get(event.step) ?? PENDING
      const steps = new Map(run.steps).set(event.step, evolveStep(run, stepNamed(run, event.step), before, event, at))
      return CLEARS.has(event.type) && run.lost.has(event.step)
        ? { ...next, steps, lost: without(run.lost, event.step) }
        : { ...next, steps }
    }
  }
}

/** What shows that a step can be worked on without killing its worker. */
const CLEARS: ReadonlySet<Event['type']> = new Set(['step.done', 'step.looked', 'step.retried', 'step.shown', 'step.skipped'])

function evolveStep(run: Run, step: Step | undefined, now: StepState, event: StepEvent, at: Instant): StepState {
  const attempts = 'attempts' in now ? now.attempts : 0
  switch (event.type) {
    case 'step.opened':
      if (step?.kind === 'gate') return { is: 'open', ballot: { ...asked(run, step, at), until: event.until, votes: [] } }
      return { is: step?.kind === 'watch' ? 'watching' : 'waiting', until: event.until }
    case 'step.shown':
      return now.is === 'open' ? { ...now, facts: event.facts } : now
    case 'step.voted':
      if (now.is === 'open') return { ...now, ballot: add(now.ballot, event.vote) }
      return now.is === 'failed' && now.skip ? { ...now, skip: { ...now.skip, ballot: add(now.skip.ballot, event.vote) } } : now
    case 'step.intended':
      return {
        is: 'sent',
        attempts: attempts + 1,
        intent: event.intent,
        after: event.intent.at + (step?.kind === 'act' ? step.timeout : 0) + SKEW,
      }
    case 'step.doubted':
      if (now.is !== 'sent') return now
      return event.again === undefined
        ? { is: 'doubtful', attempts, intent: now.intent, why: event.why }
        : { ...now, after: event.again }
    case 'step.done':
      return {
        is: 'done',
        at,
        how: event.how,
        ...(event.by ? { by: event.by } : {}),
        ...(event.result === undefined ? {} : { result: event.result }),
        ...(now.is === 'open' ? { ballot: now.ballot, ...(now.facts ? { facts: now.facts } : {}) } : {}),
        ...('intent' in now && now.intent ? { intent: now.intent } : {}),
      }
    case 'step.failed':
      // A try that never reached its intent counts too, or a device that is down would be tried for ever.
      if (event.again !== undefined)
        return { is: 'pending', attempts: now.is === 'pending' ? attempts + 1 : attempts, after: event.again, why: event.why }
      return { is: 'failed', at, why: event.why }
    case 'step.looked':
      return now
    case 'step.retried':
      return PENDING
    case 'step.refreshed': {
      if (now.is !== 'open') return now
      const { facts: _, ...unread } = now
      return unread
    }
    case 'step.skip-asked':
      return now.is === 'failed'
        ? { ...now, skip: { by: event.by, because: event.because, ballot: { rule: event.rule, until: event.until, votes: [] } } }
        : now
    case 'step.skipped':
      return { is: 'skipped', at, ...(event.by ? { by: event.by } : {}), ...(event.because ? { because: event.because } : {}) }
  }
}

/** While the glass is broken a gate asks by that rule. */
const asked = (run: Run, gate: Gate, at: Instant): Pick<Ballot, 'rule' | 'glass'> =>
  gate.for === 'approval' && inGlass(run, at) ? { rule: run.glass.rule, glass: true } : { rule: gate.rule }

/** A question that stands open when the glass is broken is asked anew by the other rule. */
function underGlass(run: Run, id: StepId, state: StepState, rule: ApprovalRule, until: Instant): StepState {
  const step = stepNamed(run, id)
  const asks = state.is === 'open' && step?.kind === 'gate' && step.for === 'approval'
  return asks ? { ...state, ballot: { rule, glass: true, until, votes: [] } } : state
}

/** Is an emergency declared, and has it not run out? */
export const inGlass = (run: Run, at: Instant): run is Run & { readonly glass: NonNullable<Run['glass']> } =>
  run.glass !== undefined && at < run.glass.until

const add = (ballot: Ballot, vote: Vote): Ballot => ({ ...ballot, votes: [...ballot.votes, vote] })
const pendingSteps = (plan: Plan) => new Map(plan.stages.flat().map(step => [step.id, PENDING] as const))
const without = <K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> => new Map([...map].filter(([k]) => k !== key))
