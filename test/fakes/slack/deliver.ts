import type { FakeTime } from '../workspace.ts'
import type { Attempt, Delivered, DeliverHow, Delivery, Way } from './delivery.ts'

export type Deliver = (delivery: Delivery, how?: DeliverHow) => Promise<Delivered>

/**
 * Delivers, and delivers an event again as long as it is not acknowledged: at once, after a minute and after five, as docs.slack.dev/
 * apis/events-api says. An interaction or a command is not repeated: the person sees that it failed.
 */
export function createDeliver(
  ways: { readonly socket: Way; readonly http: Way },
  usual: () => 'socket' | 'http',
  time: FakeTime,
  retries: readonly number[],
): Deliver {
  return async (delivery, how = {}) => {
    const way = ways[how.via ?? usual()]
    let sending = way.send(delivery, how.retry, how.reason, how)
    let attempt: Attempt = await sending.once()
    let attempts = 1
    how.told?.(attempt)
    if (how.retries ?? delivery.kind === 'events_api') {
      for (const wait of retries) {
        if (attempt.acked || attempt.noRetry === true) break
        if (wait > 0) await new Promise<void>(resolve => void time.after(wait, resolve))
        // A new envelope, a new signature, the same event.
        sending = way.send(delivery, (how.retry ?? 0) + attempts, attempt.why, {})
        attempt = await sending.once()
        attempts++
      }
    }
    const { envelope } = sending
    return { ...attempt, attempts, again: () => sending.once(), ...(envelope === undefined ? {} : { envelope }) }
  }
}
