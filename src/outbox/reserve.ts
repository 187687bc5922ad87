import type { Lane } from '../domain/chat.ts'
import type { Instant, Millis } from '../domain/ids.ts'
import { type Bucket, holds, limit, newBucket, next, rebudget, refill, take } from './bucket.ts'
import type { Budget } from './lanes.ts'

/**
 * One budget as two buckets: every call takes from `all`, and what people merely watch takes from `watching` as well, which holds
 * 60 % of it. So the last 40 % of the rate and of the burst are there for answers and ends, whatever else there is to show.
 */
export interface Purse {
  readonly all: Bucket
  readonly watching: Bucket
}

const KEPT = 0.4

export const newPurse = (budget: Budget, now: Instant): Purse => ({
  all: newBucket(budget, now),
  watching: newBucket(part(budget), now),
})

/** With one call less; undefined when there is none for this lane now. */
export function spend({ all, watching }: Purse, lane: Lane, now: Instant): Purse | undefined {
  if (!watched(lane)) {
    const rest = take(all, now)
    return rest && { all: rest, watching }
  }
  const rest = take(all, now, kept(all, now))
  const part = rest && take(watching, now)
  return part && { all: rest, watching: part }
}

/** The soonest time at which this lane may find a call in it. */
export function due({ all, watching }: Purse, lane: Lane, now: Instant): Instant {
  return watched(lane) ? Math.max(next(all, now, kept(all, now)), next(watching, now)) : next(all, now)
}

export const restrain = ({ all, watching }: Purse, now: Instant, after: Millis): Purse => ({
  all: limit(all, now, after),
  watching: limit(watching, now, after),
})

export const rewrite = ({ all, watching }: Purse, budget: Budget): Purse => ({
  all: rebudget(all, budget),
  watching: rebudget(watching, part(budget)),
})

/** Nothing is lost by forgetting it: a new one would be the same. */
export function untouched({ all, watching }: Purse, now: Instant): boolean {
  return [all, watching].every(bucket => {
    const filled = refill(bucket, now)
    return filled.share === 1 && filled.tokens === filled.full.burst && filled.shut <= now
  })
}

const watched = (lane: Lane): boolean => lane === 'transition' || lane === 'percent'

const part = ({ perMinute, burst }: Budget): Budget => ({
  perMinute: perMinute * (1 - KEPT),
  burst: Math.max(1, burst * (1 - KEPT)),
})

/** What has to stay. A budget of one call at a time keeps none back, or nothing could ever be shown. */
function kept(all: Bucket, now: Instant): number {
  const most = holds(refill(all, now))
  return Math.min(most * KEPT, most - 1)
}
