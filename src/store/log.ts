import { canonical, type Entry, link } from '../domain/chain.ts'
import type { Instant } from '../domain/ids.ts'
import { follow } from '../domain/program.ts'
import { type Event, evolve, type Run } from '../domain/run.ts'

export interface Appended {
  readonly run: Run
  readonly entries: readonly Entry[]
  readonly hash: string // of the last entry, or the one given when there is none
}

/** What a change comes to: the lines it adds to the log with all that follows from it, and the run after them. */
export function append(before: Run, hash: string, events: readonly Event[], now: Instant): Appended {
  const all = follow(before, events.map(plain), now).map(plain)
  let last = hash
  const entries = all.map(({ type, ...data }, index): Entry => {
    const entry = { run: before.id, seq: before.seq + 1 + index, at: now, type, data }
    last = link(last, entry)
    return { ...entry, hash: last }
  })
  return { run: all.reduce((run, event) => evolve(run, event, now), before), entries, hash: last }
}

/** The event as it will be read again: what a change returns and what a later load shows must not differ. */
const plain = (event: Event): Event => JSON.parse(canonical(event))

export const replay = (before: Run, entries: readonly Pick<Entry, 'at' | 'type' | 'data'>[]): Run =>
  entries.reduce((run, entry) => evolve(run, eventOf(entry), entry.at), before)

/** Only `append` writes the log, so it is read without asking again. */
const eventOf = ({ type, data }: Pick<Entry, 'type' | 'data'>): Event => ({ type, ...(data as object) }) as Event

/** The database's clock may step back, as after a failover; the log's does not. */
export const notBefore = (now: Instant, last: Instant | undefined): Instant => Math.max(now, last ?? now)
