import type { Instant, StepId } from './ids.ts'
import { fieldOf, type Measure } from './plan.ts'
import type { Run } from './run.ts'
import { dateTime, duration } from './words.ts'

/** What a run has measured of itself, as far as it has come: a recovery point, a recovery time. Nothing is estimated here. */
export const measured = (run: Run): readonly string[] => (run.plan.measures ?? []).flatMap(measure => line(run, measure))

function line(run: Run, measure: Measure): readonly string[] {
  if (measure.kind === 'took') {
    const [from, to] = [measure.from === undefined ? run.startedAt : doneAt(run, measure.from), doneAt(run, measure.to)]
    return from === undefined || to === undefined ? [] : [`${measure.label}: ${duration(Math.max(0, to - from))}`]
  }
  const state = run.steps.get(measure.of.from)
  const moment = state?.is === 'done' ? fieldOf(state.result, measure.of.field) : undefined
  const against = measure.at === undefined ? run.startedAt : doneAt(run, measure.at)
  return isMoment(moment) && against !== undefined
    ? [`${measure.label}: ${dateTime(moment)}, ${duration(Math.max(0, against - moment))} before ${measure.at ?? 'the start'}`]
    : []
}

/** What a device calls a time may be any number. */
const isMoment = (value: unknown): value is Instant => Number.isSafeInteger(value) && Math.abs(value as number) < 8.64e15

function doneAt(run: Run, step: StepId): Instant | undefined {
  const state = run.steps.get(step)
  return state?.is === 'done' ? state.at : undefined
}
