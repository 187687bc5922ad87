import type { Clock } from '../ports/clock.ts'

const origin = Date.now() - performance.now()

/** The process's own clock, which never jumps: it only ever gives up on requests. */
export const systemClock: Clock = {
  now: () => origin + performance.now(),
  timeout: ms => AbortSignal.timeout(Math.ceil(ms)), // Node wants whole milliseconds
}
