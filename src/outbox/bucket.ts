import type { Instant, Millis } from '../domain/ids.ts'
import type { Budget } from './lanes.ts'

/**
 * A token bucket as a value. A call takes one token; tokens come back at the rate of the budget, up to its burst. After the chat has
 * said "too many" both are halved, and grow back.
 */
export interface Bucket {
  readonly full: Budget
  readonly tokens: number
  readonly share: number // of the full rate and burst, up to 1
  readonly at: Instant // when it was so
  readonly shut: Instant // nothing is given before
}

/** Of the full rate, in a millisecond: 5 % in a minute. */
const RECOVERY = 0.05 / 60_000
/** However often it is halved, it gives enough to notice that the chat takes calls again. */
const LEAST = 1 / 16
/** Sums of fractions miss a whole number by less than this. */
const NEARLY = 1e-9

export const newBucket = (full: Budget, now: Instant): Bucket => ({ full, tokens: full.burst, share: 1, at: now, shut: now })

/** How many tokens it can hold now. Never less than one: it would give nothing for ever. */
export const holds = ({ full, share }: Bucket): number => Math.max(1, full.burst * share)

/** The same bucket at a later time. While it is shut, its time stands still at the end of that. */
export function refill(bucket: Bucket, now: Instant): Bucket {
  const time = Math.max(0, now - bucket.at)
  const grown = { ...bucket, share: Math.min(1, bucket.share + RECOVERY * time), at: bucket.at + time }
  return { ...grown, tokens: Math.min(holds(grown), bucket.tokens + gain(bucket, time)) }
}

/** With one token less; undefined when it has none to give, or none beside the ones that have to stay. */
export function take(bucket: Bucket, now: Instant, stay = 0): Bucket | undefined {
  const filled = refill(bucket, now)
  return now >= filled.shut && filled.tokens >= 1 + stay - NEARLY ? { ...filled, tokens: filled.tokens - 1 } : undefined
}

/** When there will be one to take, if nobody takes one before: `now` when there is, and always a whole millisecond. */
export function next(bucket: Bucket, now: Instant, stay = 0): Instant {
  const filled = refill(bucket, now)
  const missing = 1 + stay - filled.tokens
  const due = missing <= NEARLY ? now : Math.ceil(filled.at + timeFor(filled, missing))
  return Math.max(due, Math.ceil(filled.shut))
}

/**
 * The chat said "too many": nothing for `after`, then one call at most to try it, and half as many as before in the long run. Calls that were
 * on their way when it said so are told the same; that is one event, and halves once.
 */
export function limit(bucket: Bucket, now: Instant, after: Millis): Bucket {
  const filled = refill(bucket, now)
  const share = now < filled.shut ? filled.share : Math.max(LEAST, filled.share / 2)
  const shut = Math.max(filled.shut, now + after)
  // Its time goes on where it opens: a chat that wants to be left alone has not saved anything up for us meanwhile.
  return { ...filled, share, tokens: Math.min(1, filled.tokens), at: shut, shut }
}

/** The same bucket under a budget that has changed: a chat may say at any time what it takes. */
export function rebudget(bucket: Bucket, full: Budget): Bucket {
  const { perMinute, burst } = bucket.full
  if (perMinute === full.perMinute && burst === full.burst) return bucket
  const changed = { ...bucket, full }
  return { ...changed, tokens: Math.min(bucket.tokens, holds(changed)) }
}

/** Tokens that come in some time, while the share grows in a straight line as far as 1. */
function gain({ full, share }: Bucket, time: Millis): number {
  const growing = Math.min(time, (1 - share) / RECOVERY)
  return (full.perMinute / 60_000) * (share * growing + (RECOVERY * growing * growing) / 2 + (time - growing))
}

/** The time in which that many tokens come: `gain` the other way round. */
function timeFor({ full, share }: Bucket, tokens: number): Millis {
  const wanted = tokens / (full.perMinute / 60_000)
  const growing = (1 - share) / RECOVERY
  const grown = share * growing + (RECOVERY * growing * growing) / 2
  if (wanted > grown) return growing + (wanted - grown)
  return (Math.sqrt(share * share + 2 * RECOVERY * wanted) - share) / RECOVERY
}
