import { canonical, type Entry, link } from '../domain/chain.ts'
import { evolve } from '../domain/evolve.ts'
import type { Instant, RunId } from '../domain/ids.ts'
import { follow } from '../domain/program.ts'
import type { Event, Run } from '../domain/run.ts'
import type { End, Sign } from './seals.ts'

export interface Appended {
  readonly run: Run
  readonly entries: readonly Entry[]
  readonly hash: string // of the last entry, or the one given when there is none
}

/** What a change comes to: the lines it adds to the log with all that follows from it, and the run after them. */
export function append(before: Run, hash: string, events: readonly Event[], now: Instant, sign?: Sign): Appended {
  const all = follow(before, events.map(plain), now).map(plain)
  const entries = lines(before.id, { seq: before.seq, hash }, all, now, sign)
  return {
    run: all.reduce((run, event) => evolve(run, event, now), before),
    entries,
    hash: entries.at(-1)?.hash ?? hash,
  }
}

/** Events as lines of a log, each hung from the one before and sealed where there is a key. */
export function lines(
  run: RunId,
  after: End,
  events: readonly { readonly type: string }[],
  at: Instant,
  sign: Sign | undefined,
): readonly Entry[] {
  let last = after
  return events.map(({ type, ...data }): Entry => {
    const entry = { run, seq: last.seq + 1, at, type, data }
    const hash = link(last.hash, entry)
    last = { seq: entry.seq, hash }
    return { ...entry, hash, ...(sign ? { mac: sign(hash) } : {}) }
  })
}

/** The event as it will be read again: what a change returns and what a later load shows must not differ. */
export const plain = <T>(event: T): T => JSON.parse(canonical(event))

export const replay = (before: Run, entries: readonly Pick<Entry, 'at' | 'type' | 'data'>[]): Run =>
  entries.reduce((run, entry) => evolve(run, eventOf(entry), entry.at), before)

/** Only `append` writes the log, so it is read without asking again. */
const eventOf = ({ type, data }: Pick<Entry, 'type' | 'data'>): Event => ({ type, ...(data as object) }) as Event

/** The database's clock may step back, as after a failover; the log's does not. */
export const notBefore = (now: Instant, last: Instant | undefined): Instant => Math.max(now, last ?? now)
