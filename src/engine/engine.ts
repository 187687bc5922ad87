import type { Handle, Millis, RunId, Target } from '../domain/ids.ts'
import type { Action } from '../domain/plan.ts'
import type { Policy } from '../domain/policy.ts'
import type { Capability } from '../kit/device.ts'
import type { Clock } from '../ports/clock.ts'
import type { Call } from '../ports/queue.ts'
import type { Store } from '../ports/store.ts'

/** What advancing a run needs. Everything in it is a port or a pure value. */
export interface Engine {
  readonly store: Store
  readonly clock: Clock
  readonly lease: Millis
  readonly stopping: AbortSignal // a graceful stop: nothing new is begun
  /** Who may do what at this moment. */
  policy(): Promise<Policy>
  /** Is this account of a chat still in use? Undefined when its chat cannot be asked. */
  active(handle: Handle): Promise<boolean | undefined>
  /** The device and the capability an action is about. Throws an Error for a target or capability the site does not know. */
  find(action: Action): Found
  /** Where a capability's claims start: the target's own place in the resource tree. */
  root(target: Target): string
  nudge(call: Call, run: RunId, seq: number): Promise<void>
  /** Takes secrets out of whatever is going to be kept or shown. */
  redact<T>(value: T): T
}

export interface Found {
  readonly device: unknown
  readonly capability: Capability
}
