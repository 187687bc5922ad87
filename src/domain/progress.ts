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
  readonly trail?: Trail
}

/** The measured shares so far, oldest first, thinned: enough to draw, and small enough to be kept beside the run. */
export type Trail = readonly (readonly [at: Instant, done: number])[]

const SMOOTHING = 0.25
/** Points of a trail, however long it becomes. */
export const MOST_POINTS = 120

/** Takes one more look into account. A look that goes backwards keeps the old mark: progress never goes back. */
export function observe(before: Track | undefined, look: Progress, now: Instant): Track {
  if (!before)
    return { ...look, since: now, at: now, moved: now, ...(look.done === undefined ? {} : { trail: [point(now, look.done)] }) }
  const done = further(before.done, look.done)
  const copied = further(before.copied, look.copied)
  const first = before.done === undefined && look.done !== undefined
  const step = done === undefined || before.done === undefined ? 0 : done - before.done
  // A look that measured nothing is no point to measure from: the next step has taken longer than that.
  const at = before.done !== undefined && look.done === undefined ? before.at : now
  const mark = { ...(done === undefined ? {} : { done }), ...(copied === undefined ? {} : { copied }) }
  const trail = look.done === undefined || done === undefined ? {} : { trail: lengthened(before.trail ?? [], now, done) }
  const kept = { ...before, ...look, ...mark, ...trail, at, moved: step > 0 || first ? now : before.moved }
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

/** A share to four decimals, never rounded up: what is not complete is not drawn as complete. */
function point(at: Instant, done: number): Trail[number] {
  const nearest = Math.round(done * 10_000)
  return [at, (nearest / 10_000 > done ? nearest - 1 : nearest) / 10_000]
}

/** A look that came a moment early is no closer than the others. Much less than 1, and each halving would leave the newest denser. */
const NEARLY = 0.95

/** One more point. A point that followed the one before it closely gives way to its successor, so that old and new lie equally dense. */
function lengthened(trail: Trail, now: Instant, done: number): Trail {
  const [first, last, second] = [trail[0], trail.at(-1), trail.at(-2)]
  if (!first || !last) return [point(now, done)]
  // A clock that was set back makes no line that runs backwards.
  const at = Math.max(now, last[0])
  const even = Math.min(usualGap(trail), (at - first[0]) / (MOST_POINTS / 2))
  const close = second !== undefined && last[0] - second[0] < NEARLY * even
  const longer = [...(close ? trail.slice(0, -1) : trail), point(at, done)]
  // The newest is on an even place here: the first and the newest stay.
  return longer.length > MOST_POINTS ? longer.filter((_, n) => n % 2 === 0) : longer
}

/** The middle one of the times between neighbours: what is rare, a silence or two looks at once, does not change it. */
function usualGap(trail: Trail): Millis {
  const gaps = trail.slice(1).map(([at], n) => at - (trail[n]?.[0] ?? at))
  return gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0
}

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
