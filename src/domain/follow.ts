import type { Place } from './chat.ts'
import type { Instant, Person, RunId } from './ids.ts'
import { actionsOf } from './plan.ts'
import { matches } from './policy.ts'
import type { Run } from './run.ts'

/** Somebody wants to see runs in a place where they were not asked for. */
export interface Follow {
  readonly id: string
  readonly at: Place
  readonly what: What
  readonly by: Person
  readonly since: Instant
}

/** One run, or all of a runbook: `*` is every run, of a runbook or not. `on` is a pattern that one of its targets matches. */
export type What = { readonly run: RunId } | { readonly runs: string; readonly on?: string }

/** When only trouble rings in a place: minutes of the day there, from 0 to 1439; over midnight when `to` comes before `from`. */
export interface Quiet {
  readonly at: Place
  readonly from: number
  readonly to: number
  readonly zone: string // IANA: "Europe/Berlin"
  readonly by: Person
}

export function follows(what: What, run: Run): boolean {
  if ('run' in what) return what.run === run.id
  const { runs, on } = what
  if (runs !== '*' && runs !== run.plan.runbook) return false
  return on === undefined || actionsOf(run.plan).some(action => matches(on, action.target))
}

/**
 * Quiet from the first minute on and no longer in the last one, by the clock on the wall there: an hour that a change of the
 * clocks leaves out is not waited for, and one that it repeats is quiet twice.
 */
export function isQuiet({ from, to, zone }: Quiet, now: Instant): boolean {
  const minute = minuteOfDay(now, zone)
  return from <= to ? from <= minute && minute < to : minute >= from || minute < to
}

function minuteOfDay(now: Instant, timeZone: string): number {
  const clock = new Intl.DateTimeFormat('en', { timeZone, hourCycle: 'h23', hour: 'numeric', minute: 'numeric' })
  const parts = new Map(clock.formatToParts(now).map(({ type, value }) => [type, Number(value)]))
  return (parts.get('hour') ?? 0) * 60 + (parts.get('minute') ?? 0)
}

/** Runbooks as a sentence speaks of many of their runs: the other half of `runbooks_plural` in grammars/runbooks.ne. */
const PLURALS: ReadonlyMap<string, string> = new Map([
  ['migrate', 'migrations'],
  ['protect', 'protections'],
  ['test-failover', 'drills'],
  ['fail-over', 'failovers'],
  ['shrink', 'shrinks'],
])

/** "migrations on vmax-*", "every run", "R7". */
export function sayWhat(what: What): string {
  if ('run' in what) return what.run
  const which = what.runs === '*' ? 'every run' : (PLURALS.get(what.runs) ?? `runs of ${what.runs}`)
  return what.on === undefined ? which : `${which} on ${what.on}`
}
