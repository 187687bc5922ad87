import type { Bytes, BytesPerSecond, Instant, Millis } from './ids.ts'

/** What one look at a long operation said. What the device did not say is absent. */
export interface Progress {
  readonly done?: number // 0 to 1
  readonly copied?: Bytes
  readonly total?: Bytes
  readonly note?: string
}

/** The latest look and what has been measured from those before it. Lossy on purpose: it lives beside the run, not in it. */
export interface Track extends Progress {
  readonly since: Instant // the first look
  readonly at: Instant // the latest look
  readonly next?: Instant // when to look again
  readonly moved: Instant // when it last went forward
  readonly rate?: number // smoothed share per second
  readonly slow?: number // the slowest and the fastest recent rate: the range of the estimate
  readonly fast?: number
}

const SMOOTHING = 0.25

/** Takes one more look into account. A look that goes backwards keeps the old mark: progress never goes back. */
export function observe(before: Track | undefined, look: Progress, now: Instant): Track {
  if (!before) return { ...look, since: now, at: now, moved: now }
  const done = look.done === undefined || before.done === undefined ? look.done : Math.max(look.done, before.done)
  const step = done === undefined || before.done === undefined ? 0 : done - before.done
  const kept = { ...before, ...look, ...(done === undefined ? {} : { done }), at: now, moved: step > 0 ? now : before.moved }
  const elapsed = (now - before.at) / 1000
  if (elapsed <= 0 || done === undefined || before.done === undefined) return kept
  const latest = step / elapsed
  const rate = before.rate === undefined ? latest : before.rate + SMOOTHING * (latest - before.rate)
  return {
    ...kept,
    rate,
    slow: Math.min(rate, latest, drift(before.slow, rate)),
    fast: Math.max(rate, latest, drift(before.fast, rate)),
  }
}

/** An extreme forgets itself slowly, so that one bad minute does not widen the estimate for a day. */
const drift = (extreme: number | undefined, rate: number): number => (extreme === undefined ? rate : extreme + 0.1 * (rate - extreme))

/** From now until the end, as a range; undefined while nothing has been measured. */
export function eta(track: Track): { readonly soonest: Millis; readonly latest?: Millis } | undefined {
  if (track.done === undefined || !track.rate || !track.fast) return undefined
  const left = 1 - track.done
  return { soonest: (left / track.fast) * 1000, ...(track.slow ? { latest: (left / track.slow) * 1000 } : {}) }
}

export const throughput = (track: Track): BytesPerSecond | undefined =>
  track.rate === undefined || track.total === undefined ? undefined : track.rate * track.total

export const stalledSince = (track: Track, stall: Millis | undefined, now: Instant): Instant | undefined =>
  stall !== undefined && now - track.moved >= stall ? track.moved : undefined
