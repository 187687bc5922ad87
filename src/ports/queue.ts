import type { RunId } from '../domain/ids.ts'

/** What a nudge asks for: to take a run further, or to show how it stands. */
export type Call = 'advance' | 'report'

/** Carries no truth: a lost or doubled nudge costs a second, never a step. */
export interface Queue {
  /** Deduplicated by call, run and seq: never by run alone, or a nudge during the run's turn would be swallowed. */
  nudge(call: Call, run: RunId, seq: number): Promise<void>
  /** Takes the calls that are named; the others are left to other processes. */
  work(on: Readonly<Partial<Record<Call, (run: RunId) => Promise<void>>>>): Promise<void>
  /** Waits for what is in hand. */
  stop(): Promise<void>
}
