import type { Millis } from '../domain/ids.ts'
import { LeaseLost } from '../ports/store.ts'

export interface Kept {
  readonly signal: AbortSignal
  /** Throws LeaseLost when the lease is, or may be, no longer ours. */
  check(): void
  lose(why: string): LeaseLost
  end(): void
}

/**
 * Keeps a lease alive. `renew` says whether it is still ours. When half of it has gone by without a yes, it counts as lost: the
 * time is this machine's monotonic clock, so that a worker that was frozen finds out before it does anything.
 */
export function keep(lease: Millis, taken: number, renew: () => Promise<boolean>): Kept {
  const lost = new AbortController()
  let sure = taken // when we last asked, and the answer was yes
  let asking = false

  const lose = (why: string): LeaseLost => {
    const error = new LeaseLost(why)
    lost.abort(error)
    return error
  }

  const turn = async () => {
    if (performance.now() - sure >= lease / 2) lose('the lease could not be renewed in time')
    if (asking || lost.signal.aborted) return
    asking = true
    const asked = performance.now()
    try {
      if (await renew()) sure = asked
      else lose('another worker has the run')
    } catch {
      // No answer is not a no: the next turn asks again, as long as half of the lease lasts.
    }
    asking = false
  }

  const turns = setInterval(() => void turn(), lease / 3)
  // Looks more often than it asks, or a failed renewal at a third would be noticed at two thirds only.
  const watch = setInterval(() => {
    if (performance.now() - sure >= lease / 2) lose('the lease could not be renewed in time')
  }, lease / 12)

  return {
    signal: lost.signal,
    check() {
      if (performance.now() - sure >= lease / 2) lose('the lease could not be renewed in time')
      if (lost.signal.aborted) throw lost.signal.reason
    },
    lose,
    end() {
      clearInterval(turns)
      clearInterval(watch)
      lose('the turn is over')
    },
  }
}
