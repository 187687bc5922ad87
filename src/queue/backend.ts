import type { Call } from '../ports/queue.ts'

/** What BullMQ offers on any backend, as far as it is used here. */
export interface Backend {
  /** False while a nudge could only wait. */
  readonly reachable: () => boolean
  line(call: Call): Line
  worker(call: Call, turn: (job: { readonly data: unknown }) => Promise<void>, sideBySide: number): Hand
  stop(): Promise<void>
}

export interface Line {
  add(name: string, nudge: Nudge, options: Once): Promise<unknown>
  on(event: 'error', listener: (problem: Error) => void): unknown
  close(): Promise<void>
}

export interface Hand {
  on(event: 'error', listener: (problem: Error) => void): unknown
  /** Takes up nothing new. */
  pause(andLetGoOn: true): Promise<void>
  close(byForce: boolean): Promise<void>
}

export interface Nudge {
  readonly run: string
}

export interface Once {
  readonly jobId: string
  readonly attempts: 1
  readonly removeOnComplete: true
  readonly removeOnFail: true
}

/** For the workers of every backend. */
export const PATIENCE = {
  lockDuration: 5_000, // of a worker that died; one that lives renews it
  stalledInterval: 5_000,
  maxStalledCount: 1_000_000, // a nudge that is given up for good would only have to be found by the sweep
  runRetryDelay: 500, // the default of 15 s would outlast every outage
}
