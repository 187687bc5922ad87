import type { Entry } from '../domain/chain.ts'
import type { Place, Post, Said } from '../domain/chat.ts'
import type { Claim } from '../domain/claim.ts'
import type { Instant, Millis, RunId, StepId } from '../domain/ids.ts'
import type { Track } from '../domain/progress.ts'
import type { Event, Obstacle, Run } from '../domain/run.ts'

/** Under the run's row lock: what has happened, and the database's time. Pure; no I/O, and it may be called again. */
export type Change = (run: Run, now: Instant) => readonly Event[]

/** The only truth. Every change to a run is a pure function of that run, called under its row lock. */
export interface Store {
  /** The same origin twice is the same run. `first` and what follows from it are written in one transaction. */
  create(origin: string, at: Place, first: Event): Promise<Run>
  load(id: RunId): Promise<Run | undefined>
  /** Newest first; `live` leaves out the runs that are over. */
  list(which: 'live' | 'all', most: number): Promise<readonly Run[]>
  /** The only write to a run. Inserts what `change` returns and everything that follows from it; throws for an unknown run. */
  record(id: RunId, change: Change): Promise<Run>
  /** A lease, fenced by an epoch. Returns undefined at once when another worker has it. */
  hold<T>(id: RunId, lease: Millis, body: (hold: Hold) => Promise<T>): Promise<T | undefined>
  /** Timers, lost nudges, dead workers, stale cards. */
  overdue(): Promise<{ readonly advance: readonly RunId[]; readonly report: readonly RunId[] }>

  /** The inbox: false when this delivery is already there. */
  receive(said: Said): Promise<boolean>
  /** Everything received and not yet answered, oldest first. */
  unanswered(olderThan: Millis): Promise<readonly Said[]>
  answered(said: Said): Promise<void>

  /** Which message shows what. `begin` reserves the key: `mine` is true for exactly one caller. */
  posts(run: RunId): Promise<ReadonlyMap<string, Post | undefined>>
  beginPost(run: RunId, key: string): Promise<boolean>
  endPost(run: RunId, key: string, post: Post): Promise<void>
  /** The card shows this seq now. */
  reported(run: RunId, seq: number): Promise<void>

  /** The log as it was written, in order, for the auditor. */
  entries(run?: RunId): AsyncIterable<Entry>
  heads(): Promise<readonly { readonly run: RunId; readonly seq: number; readonly hash: string }[]>
  now(): Promise<Instant>
  stop(): Promise<void>
}

/** A worker's lease on a run. Once it is lost, `record` throws LeaseLost and `signal` aborts. */
export interface Hold {
  readonly epoch: number
  readonly signal: AbortSignal
  /** The worker before this one died (or froze) holding the lease. */
  readonly orphaned: boolean
  record(change: Change): Promise<Run>
  /** All or none. The answer names what stands in the way. Claims go when the run ends. */
  claim(claims: readonly Claim[]): Promise<{ readonly path: string; readonly run: RunId } | undefined>
  /** The latest look, and in `next` when to look again; not an event, but the card shows it: it counts as unreported. */
  track(step: StepId, track: Track): Promise<Run>
  /** Say what the run is waiting for, and when to try again; not an event. */
  waitFor(obstacle: Obstacle | undefined): Promise<Run>
}

export class LeaseLost extends Error {
  override name = 'LeaseLost'
}
