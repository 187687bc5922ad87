import type { Digest, Handle, Instant, Person, RunId } from './ids.ts'
import type { Rulebook } from './rulebook.ts'
import type { Schedule } from './schedule.ts'

/** What the house itself has to remember beside its runs: who is who, what is frozen, which policy holds. Only ever appended. */
export type LedgerEvent =
  | { readonly type: 'link.asked'; readonly code: Digest; readonly handle: Handle; readonly until: Instant }
  | {
      readonly type: 'link.answered' // the other side has shown the code, and was given one to bring back
      readonly code: Digest // the one that was asked with
      readonly back: Digest
      readonly person: Person
      readonly by: string // the handle that answered, or 'command line'
      readonly until: Instant
    }
  | {
      readonly type: 'link.made'
      readonly handle: Handle
      readonly person: Person
      readonly until: Instant // then it has to be proved again
      readonly roles: readonly string[] // those of the site file at that time: a new one wants a new proof
    }
  | { readonly type: 'link.ended'; readonly handle: Handle; readonly by: string; readonly because?: string }
  | {
      readonly type: 'freeze.begun'
      readonly scope: string
      readonly until: Instant
      readonly by: Person
      readonly because: string
      readonly key: string // the intent that made it: the same one twice is one freeze
    }
  | { readonly type: 'freeze.ended'; readonly scope: string; readonly by: Person; readonly because: string; readonly key: string }
  | {
      readonly type: 'policy.accepted'
      readonly digest: Digest
      readonly rulebook: Rulebook
      readonly by: string
      readonly key: string
    }
  | (Omit<Schedule, 'since' | 'paused'> & { readonly type: 'schedule.made'; readonly key: string })
  | {
      readonly type: 'schedule.paused'
      readonly id: string
      readonly by: Person
      readonly because?: string
      readonly key: string
    }
  | {
      readonly type: 'schedule.resumed'
      readonly id: string
      readonly by: Person
      readonly because?: string
      readonly key: string
    }
  | { readonly type: 'schedule.ended'; readonly id: string; readonly by: Person; readonly because?: string; readonly key: string }
  | { readonly type: 'factor.enrolled'; readonly person: Person; readonly sealed: string; readonly by: string }
  | { readonly type: 'factor.removed'; readonly person: Person; readonly by: string; readonly because: string }
  | { readonly type: 'factor.used'; readonly person: Person; readonly counter: number } // the time step of the code: never again, nor an earlier one
  | { readonly type: 'factor.failed'; readonly person: Person }
  | {
      readonly type: 'anchored'
      readonly day: string // "2026-11-26", UTC
      readonly runs: number // in all, without the ledger itself
      readonly entries: number // in all, with those of the ledger
      readonly heads: readonly { readonly run: RunId; readonly seq: number; readonly hash: string }[] // that moved since the anchor before
      readonly before?: Digest // of the anchor before; absent from the first
      readonly digest: Digest // of all this, and so of every anchor before it: see anchor.ts
    }

export interface Link {
  readonly person: Person
  readonly since: Instant
  readonly until: Instant
  readonly roles: readonly string[]
}

export interface LinkOffer {
  readonly handle: Handle
  readonly until: Instant
  readonly answered?: { readonly back: Digest; readonly person: Person; readonly by: string; readonly until: Instant }
}

export interface Freeze {
  readonly scope: string // a target, a pattern of targets, the value of a label, or `everything`
  readonly until: Instant
  readonly by: Person
  readonly because: string
  readonly since: Instant
}

/** Something that only this person has, beside the chat: its secret is sealed with a key that is not in the database. */
export interface Factor {
  readonly sealed: string
  readonly since: Instant
  readonly counter: number // of the last code that was used; 0 before the first
  readonly failures: readonly Instant[] // since the last one that was right
}

export interface Anchor {
  readonly day: string
  readonly at: Instant
  readonly runs: number
  readonly entries: number
  readonly digest: Digest
}

/** The fold of the ledger's events. What has run out by time is still in it: whoever asks compares with the time. */
export interface Ledger {
  readonly seq: number
  readonly links: ReadonlyMap<Handle, Link>
  readonly offers: ReadonlyMap<Digest, LinkOffer> // by the code that was asked with
  readonly freezes: ReadonlyMap<string, Freeze> // by scope, in lower case
  readonly policy?: { readonly digest: Digest; readonly rulebook: Rulebook; readonly by: string; readonly at: Instant }
  readonly factors: ReadonlyMap<Person, Factor>
  readonly anchors: readonly Anchor[]
  readonly schedules: ReadonlyMap<string, Schedule> // by id; those that were ended are gone
  readonly schedulesMade: number // in all: an id is never given twice
  readonly keys: ReadonlySet<string> // of the intents that were carried out
}

export const EMPTY: Ledger = {
  seq: 0,
  links: new Map(),
  offers: new Map(),
  freezes: new Map(),
  factors: new Map(),
  anchors: [],
  schedules: new Map(),
  schedulesMade: 0,
  keys: new Set(),
}

export function note(ledger: Ledger, event: LedgerEvent, at: Instant): Ledger {
  const next = { ...ledger, seq: ledger.seq + 1 }
  switch (event.type) {
    case 'link.asked':
      return { ...next, offers: having(current(ledger, at), event.code, { handle: event.handle, until: event.until }) }
    case 'link.answered': {
      const offer = ledger.offers.get(event.code)
      const { back, person, by, until } = event
      return offer
        ? { ...next, offers: having(ledger.offers, event.code, { ...offer, answered: { back, person, by, until } }) }
        : next
    }
    case 'link.made': {
      const { handle, person, until, roles } = event
      const offers = new Map([...ledger.offers].filter(([, offer]) => offer.handle !== handle))
      return { ...next, offers, links: having(ledger.links, handle, { person, since: sinceOf(ledger, event, at), until, roles }) }
    }
    case 'link.ended':
      return { ...next, links: without(ledger.links, event.handle) }
    case 'freeze.begun': {
      const { scope, until, by, because, key } = event
      return {
        ...next,
        freezes: having(ledger.freezes, scope.toLowerCase(), { scope, until, by, because, since: at }),
        keys: new Set(ledger.keys).add(key),
      }
    }
    case 'freeze.ended':
      return { ...next, freezes: without(ledger.freezes, event.scope.toLowerCase()), keys: new Set(ledger.keys).add(event.key) }
    case 'policy.accepted': {
      const { digest, rulebook, by, key } = event
      return { ...next, policy: { digest, rulebook, by, at }, keys: new Set(ledger.keys).add(key) }
    }
    case 'schedule.made': {
      const { type: _, key, ...schedule } = event
      return {
        ...next,
        schedules: having(ledger.schedules, schedule.id, { ...schedule, since: at }),
        schedulesMade: ledger.schedulesMade + 1,
        keys: new Set(ledger.keys).add(key),
      }
    }
    case 'schedule.paused': {
      const { id, by, because, key } = event
      const paused = { by, at, ...(because === undefined ? {} : { because }) }
      return {
        ...next,
        schedules: changed(ledger.schedules, id, schedule => ({ ...schedule, paused })),
        keys: new Set(ledger.keys).add(key),
      }
    }
    case 'schedule.resumed':
      return {
        ...next,
        schedules: changed(ledger.schedules, event.id, ({ paused: _, ...schedule }) => ({ ...schedule, from: at })),
        keys: new Set(ledger.keys).add(event.key),
      }
    case 'schedule.ended':
      return { ...next, schedules: without(ledger.schedules, event.id), keys: new Set(ledger.keys).add(event.key) }
    case 'factor.enrolled':
      return {
        ...next,
        factors: having(ledger.factors, event.person, { sealed: event.sealed, since: at, counter: 0, failures: [] }),
      }
    case 'factor.removed':
      return { ...next, factors: without(ledger.factors, event.person) }
    case 'factor.used':
      return { ...next, factors: changed(ledger.factors, event.person, it => ({ ...it, counter: event.counter, failures: [] })) }
    case 'factor.failed':
      return {
        ...next,
        factors: changed(ledger.factors, event.person, it => ({ ...it, failures: [...it.failures, at].slice(-20) })),
      }
    case 'anchored': {
      const { day, runs, entries, digest } = event
      return { ...next, anchors: [...ledger.anchors, { day, at, runs, entries, digest }] }
    }
  }
}

/** Proved again before it has run out, it is the same account in the same hands. */
function sinceOf(
  { links }: Ledger,
  { handle, person }: Pick<Link, 'person'> & { readonly handle: Handle },
  at: Instant,
): Instant {
  const known = links.get(handle)
  return known?.person === person && known.until > at ? known.since : at
}

/** Offers that nobody took, or took and did not bring back, are forgotten with the next one. */
const current = ({ offers }: Ledger, at: Instant) =>
  new Map([...offers].filter(([, offer]) => (offer.answered?.until ?? offer.until) > at))

const having = <K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> => new Map(map).set(key, value)
const without = <K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> => new Map([...map].filter(([one]) => one !== key))
const changed = <K, V>(map: ReadonlyMap<K, V>, key: K, how: (value: V) => V): ReadonlyMap<K, V> => {
  const value = map.get(key)
  return value === undefined ? map : having(map, key, how(value))
}
