import type { Logger } from '@slack/web-api'
import type { Drop } from './drops.ts'

/** One delivery, as Bolt's receivers hand it on: acknowledging it is ours to do. */
export interface Delivery {
  readonly body: unknown
  ack(answer?: unknown): Promise<void>
}

/** Where deliveries come in. */
export interface Receiving {
  /** Resolves when it is ready, or with why it is not: it goes on trying until it is stopped. */
  start(): Promise<void>
  stop(): Promise<void>
}

export interface ReceivingParts {
  readonly logger: Logger
  process(delivery: Delivery): Promise<void>
  count(outcome: Drop): void
  up(how: string): void
  down(why: string): void
}

/** Thrown where a delivery is none of ours: over HTTP its sender is turned away. */
export class Unwelcome extends Error {
  override name = 'Unwelcome'
}
