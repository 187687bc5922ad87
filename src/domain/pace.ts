import type { Instant, Millis } from './ids.ts'
import { seconds } from './ids.ts'

/** Nobody reads a card more often than this. */
const SOONEST: Millis = seconds(5)
/** A percentage older than this is no longer progress that people watch. */
const LATEST: Millis = seconds(15)
/** What moved less than this looks the same on a bar. */
const LEAST = 0.02
/** A card that stood still for so long is edited for the smallest move: people see that it is alive. */
const ALIVE: Millis = seconds(30)

/** How often each of `live` cards may be edited so that all of them together stay within `perMinute` edits. */
export function interval(live: number, perMinute: number): Millis {
  return Math.max(SOONEST, (60_000 * live) / perMinute)
}

/** Too many cards for a card each: the runs of a channel are shown on one board. */
export function crowded(live: number, perMinute: number): boolean {
  return interval(live, perMinute) > LATEST
}

/**
 * Whether a percentage is worth a call: not before `every` has gone by since the last edit, and then only when people would see a
 * difference, or would begin to doubt that anything moves. `before` is what the message shows; undefined where it shows nothing yet.
 */
export function worthShowing(
  before: { readonly share?: number; readonly at: Instant } | undefined,
  share: number | undefined,
  now: Instant,
  every: Millis,
): boolean {
  if (before === undefined) return true
  const age = now - before.at
  if (age < every) return false
  return age >= ALIVE || moved(before.share, share)
}

/** A share that came to be known, or no longer is, has moved. The margin is for 0.57 - 0.55, which is less than 0.02 to a computer. */
function moved(from: number | undefined, to: number | undefined): boolean {
  if (from === undefined || to === undefined) return from !== to
  return Math.abs(to - from) >= LEAST - 1e-9
}
