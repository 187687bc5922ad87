import type { Instant, IntentId, Millis } from '../domain/ids.ts'
import type { Action } from '../domain/plan.ts'
import type { Call } from '../kit/device.ts'
import { Unreachable } from '../kit/errors.ts'
import type { Hold } from '../ports/store.ts'
import type { Engine } from './engine.ts'

/**
 * What a device is called with. `from` is the worker's own clock, read before the intent was committed: a request that leaves in
 * time has left before the moment from which on the run counts it as silent.
 */
export function callFor(
  intent: IntentId,
  action: Action,
  timeout: Millis,
  from: Instant,
  hold: Pick<Hold, 'signal'>,
  { clock, find }: Pick<Engine, 'clock' | 'find'>,
): Call<unknown> {
  const signal = AbortSignal.any([hold.signal, clock.timeout(Math.max(0, from + timeout - clock.now()))])
  return {
    intent,
    params: find(action).capability.params.parse(action.params),
    signal,
    // Asks the clock itself: after a freeze, sockets wake before timers do.
    go() {
      if (signal.aborted || clock.now() >= from + timeout) throw new Unreachable('it was too late to send, so nothing was sent')
    },
  }
}

/** A read needs no intent: nothing depends on whether it happened. */
export const readFor = (run: string, step: string): IntentId => `${run}/${step}/read` as IntentId

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
