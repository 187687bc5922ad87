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
  readonly at: Instant // the latest look that measured something, if one did
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
  const done = further(before.done, look.done)
  const copied = further(before.copied, look.copied)
  const first = before.done === undefined && look.done !== undefined
  const step = done === undefined || before.done === undefined ? 0 : done - before.done
  // A look that measured nothing is no point to measure from: the next step has taken longer than that.
  const at = before.done !== undefined && look.done === undefined ? before.at : now
  const mark = { ...(done === undefined ? {} : { done }), ...(copied === undefined ? {} : { copied }) }
  const kept = { ...before, ...look, ...mark, at, moved: step > 0 || first ? now : before.moved }
  const elapsed = (now - before.at) / 1000
  if (elapsed <= 0 || look.done === undefined || done === undefined || before.done === undefined) return kept
  const latest = step / elapsed
  const rate = before.rate === undefined ? latest : before.rate + SMOOTHING * (latest - before.rate)
  return {
    ...kept,
    rate,
    slow: Math.min(rate, latest, drift(before.slow, rate)),
    fast: Math.max(rate, latest, drift(before.fast, rate)),
  }
}

const further = (before: number | undefined, now: number | undefined): number | undefined =>
  before === undefined || now === undefined ? (now ?? before) : Math.max(before, now)

/** An extreme forgets itself slowly, so that one bad minute does not widen the estimate for a day. */
const drift = (extreme: number | undefined, rate: number): number =>
  extreme === undefined ? rate : extreme + 0.1 * (rate - extreme)

/** Nothing that takes longer than this is worth a number: it stands still. */
const FOR_EVER: Millis = 3_653 * 86_400_000

/** From now until the end, as a range; undefined while nothing has been measured, or nothing moves any more. */
export function eta(track: Track): { readonly soonest: Millis; readonly latest?: Millis } | undefined {
  if (track.done === undefined || !track.rate || !track.fast) return undefined
  const left = 1 - track.done
  const [soonest, latest] = [(left / track.fast) * 1000, (left / (track.slow ?? 0)) * 1000]
  return soonest < FOR_EVER ? { soonest, ...(latest < FOR_EVER ? { latest } : {}) } : undefined
}

export const throughput = (track: Track): BytesPerSecond | undefined =>
  track.rate === undefined || track.total === undefined ? undefined : track.rate * track.total

export const stalledSince = (track: Track, stall: Millis | undefined, now: Instant): Instant | undefined =>
  stall !== undefined && now - track.moved >= stall ? track.moved : undefined
