import type { Instant, Millis } from '../domain/ids.ts'

/** Only for giving up on a request in time. What is recorded or decided uses the store's clock. */
export interface Clock {
  now(): Instant
  timeout(ms: Millis): AbortSignal
}
