import type { Lane } from '../domain/chat.ts'
import type { Millis } from '../domain/ids.ts'

/** How often something may be called: `burst` at once, and `perMinute` in the long run. */
export interface Budget {
  readonly perMinute: number
  readonly burst: number
}

/** One call to a chat, waiting for its turn. */
export interface Outgoing<T> {
  readonly lane: Lane
  readonly budgets: Readonly<Record<string, Budget>> // by name; a call takes one from each: the method's, the channel's
  send(signal: AbortSignal): Promise<T>
}

export interface Lanes {
  /** Resolves or rejects as `send` does. Rejects with NotShown('later') when it is overtaken by `stop`, or the lane is too long. */
  call<T>(outgoing: Outgoing<T>): Promise<T>
  /** The chat said: not before that much time has gone by. Halves that budget, which recovers by itself. */
  limited(budget: string, after: Millis): void
  /** Waiting calls and the age of the oldest, by lane. */
  depth(): Readonly<Record<Lane, { readonly waiting: number; readonly oldest: Millis }>>
  stop(): void
}
