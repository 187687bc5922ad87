import type { Instant, Millis } from '../domain/ids.ts'

/** A place on a time axis and what is written there. All times are UTC. */
export interface Tick {
  readonly at: Instant
  readonly label: string
}

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000]
/** Distances that people count in. */
const STEPS: readonly Millis[] = [
  ...[1, 2, 5, 10, 15, 30].map(n => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map(n => n * MINUTE),
  ...[1, 2, 3, 6, 12].map(n => n * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000].map(n => n * DAY),
]

/** Round times from the first instant to the last, at most so many. */
export function ticks(from: Instant, to: Instant, most: number): readonly Tick[] {
  const step = STEPS.find(step => (to - from) / step <= most - 1) ?? Math.max(1, to - from)
  const first = Math.ceil(from / step) * step
  const found: Tick[] = []
  for (let at = first; at <= to && found.length < most; at += step) found.push({ at, label: labelOf(at, step) })
  return found
}

/** At midnight the date says more than the time does. */
function labelOf(at: Instant, step: Millis): string {
  if (at % DAY === 0) return day(at)
  return step < MINUTE ? iso(at).slice(11, 19) : iso(at).slice(11, 16)
}

/** "20 Nov 2025, 12:00 to 18:45 UTC", with both dates where they differ, and seconds where minutes would be the same. */
export function between(from: Instant, to: Instant): string {
  const clock = to - from < 10 * MINUTE ? 19 : 16
  const [start, end] = [iso(from), iso(to)]
  const later = `${start.slice(0, 10) === end.slice(0, 10) ? '' : `${date(to)}, `}${end.slice(11, clock)} UTC`
  return from === to ? `${date(to)}, ${end.slice(11, clock)} UTC` : `${date(from)}, ${start.slice(11, clock)} to ${later}`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const iso = (at: Instant): string => new Date(at).toISOString()
const day = (at: Instant): string => `${new Date(at).getUTCDate()} ${MONTHS[new Date(at).getUTCMonth()]}`
const date = (at: Instant): string => `${day(at)} ${new Date(at).getUTCFullYear()}`
