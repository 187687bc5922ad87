import type { Entry } from '../domain/chain.ts'
import type { Place, Post, Said } from '../domain/chat.ts'
import type { Claim } from '../domain/claim.ts'
import type { Follow, Quiet, What } from '../domain/follow.ts'
import type { BoardId, Instant, Millis, RunId, ScheduleId, StepId } from '../domain/ids.ts'
import type { Ledger, LedgerEvent } from '../domain/ledger.ts'
import type { Track } from '../domain/progress.ts'
import type { Event, Obstacle, Run } from '../domain/run.ts'
import type { Turns } from '../domain/schedule.ts'

/** Under the run's row lock: what has happened, and the database's time. Pure; no I/O, and it may be called again. */
export type Change = (run: Run, now: Instant) => readonly Event[]

/** The only truth. Every change to a run is a pure function of that run, called under its row lock. */
export interface Store {
  /** The same origin twice is the same run. `first` and what follows from it are written in one transaction. */
  create(origin: string, at: Place, first: Event): Promise<Run>
  load(id: RunId): Promise<Run | undefined>
  /** The run that came of this origin. */
  byOrigin(origin: string): Promise<Run | undefined>
  /** Newest first; `live` leaves out the runs that are over, `reviews` all those of which no review is open. */
  list(which: 'live' | 'all' | 'reviews', most: number): Promise<readonly Run[]>
  /** The only write to a run. Inserts what `change` returns and everything that follows from it; throws for an unknown run. */
  record(id: RunId, change: Change): Promise<Run>
  /** A lease, fenced by an epoch. Returns undefined at once when another worker has it. */
  hold<T>(id: RunId, lease: Millis, body: (hold: Hold) => Promise<T>): Promise<T | undefined>
  /** Timers, lost nudges, dead workers, stale cards. */
  overdue(): Promise<{ readonly advance: readonly RunId[]; readonly report: readonly RunId[] }>

  /** The inbox: false when this delivery is already there. Keeps the fields of a sentence, and nothing else that came with it. */
  receive(said: Said): Promise<boolean>
  /** Received and not yet answered, oldest first, as many as a sweep can take. */
  unanswered(olderThan: Millis): Promise<readonly Said[]>
  /** What came of it: 'accepted', 'refused', or why it was dropped. The first answer stands. */
  answered(said: Said, outcome: string): Promise<void>
  /** Removes what was answered so long ago, and who watched runs that are long over; some of it, the rest with the next call. */
  purge(olderThan: Millis): Promise<number>

  /** Which message shows what. `begin` reserves the key: `mine` is true for exactly one caller. */
  posts(about: About): Promise<ReadonlyMap<string, Posted>>
  beginPost(about: About, key: string): Promise<boolean>
  /** Where it is and what it shows; again after each edit. Without `shown` it is not known what it shows. */
  endPost(about: About, key: string, post: Post, shown?: Omit<Shown, 'at'>): Promise<void>
  /** That message is gone: the key may be begun anew. Whoever comes late does not forget what somebody posted in its place. */
  losePost(about: About, key: string, was: Post): Promise<void>
  /** The boards that have a message. */
  boards(): Promise<readonly BoardId[]>
  /** The card shows this seq now. */
  reported(run: RunId, seq: number): Promise<void>
  /**
   * One process at a time makes the chats show a run or a board; undefined at once when another does. `still` is false once that
   * is, or may be, lost. Whoever ends after it was lost may have shown something old: what is shown then counts as old.
   */
  telling<T>(about: About, lease: Millis, body: (still: () => boolean) => Promise<T>): Promise<T | undefined>

  /** Who wants to see what, and where. The same place, and the same run or runbook, is one: the newer pattern and person win. */
  follow(follow: Omit<Follow, 'id' | 'since'>): Promise<Follow>
  /** How many ended: of this run or runbook, or everything that is followed there. */
  unfollow(place: Place, what?: What): Promise<number>
  follows(): Promise<readonly Follow[]>
  setQuiet(quiet: Quiet): Promise<void>
  clearQuiet(place: Place): Promise<boolean>
  quiets(): Promise<readonly Quiet[]>

  /** How far each schedule has come, by its id. */
  turns(): Promise<ReadonlyMap<string, Turns>>
  /** Only while the next turn is still `was`, so that two who look at once do not both go on from there. */
  turn(schedule: string, was: Instant | undefined, next: Turns): Promise<boolean>

  /** What lies there, for whoever asks how we are. */
  waiting(): Promise<Waiting>

  /** What the house remembers beside its runs. Throws Forged for what Signalbox did not write. */
  ledger(): Promise<Ledger>
  /** The only write to it, under its own lock: pure, and may be called again. The time is the database's. */
  keep(change: (ledger: Ledger, now: Instant) => readonly LedgerEvent[]): Promise<Ledger>

  /** The log as it was written, in order, for the auditor; the ledger's entries last, as those of HOUSE. */
  entries(run?: RunId): AsyncIterable<Entry>
  heads(): Promise<readonly { readonly run: RunId; readonly seq: number; readonly hash: string }[]>
  now(): Promise<Instant>
  stop(): Promise<void>
}

/** What messages belong to. */
export type About = RunId | BoardId | ScheduleId

export interface Posted {
  readonly post?: Post // absent: it was begun, and we may have posted it
  readonly begun: Instant
  readonly shown?: Shown
}

/** What a message shows, and since when by the database's clock. */
export interface Shown {
  readonly still: string // the digest of the card without its meter
  readonly whole: string
  readonly at: Instant
  readonly share?: number // of its meter
}

export interface Waiting {
  readonly inbox: { readonly waiting: number; readonly oldest: Millis }
  readonly unreported: number
}

/** A worker's lease on a run. Once it is lost, `record` throws LeaseLost and `signal` aborts. */
export interface Hold {
  readonly epoch: number
  readonly signal: AbortSignal
  /** The worker before this one died (or froze) holding the lease. */
  readonly orphaned: boolean
  record(change: Change): Promise<Run>
  /** Reads the log of the run as it lies there now: why it is not what Signalbox wrote, if it is not. */
  forged(): Promise<string | undefined>
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

/** What lies in the database is not what Signalbox wrote: a sentence for people, and nothing may be decided by it. */
export class Forged extends Error {
  override name = 'Forged'
}
