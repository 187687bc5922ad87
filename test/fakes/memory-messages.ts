import { canonical } from '../../src/domain/chain.ts'
import type { Place, Said } from '../../src/domain/chat.ts'
import type { Follow, Quiet, What } from '../../src/domain/follow.ts'
import type { BoardId, Instant, Millis, RunId } from '../../src/domain/ids.ts'
import type { Turns } from '../../src/domain/schedule.ts'
import type { About, Posted, Store, Waiting } from '../../src/ports/store.ts'
import { namesOf, textOf, WATCHED } from '../../src/store/follows.ts'
import { kept, UNANSWERED } from '../../src/store/inbox.ts'

/** What the memory store holds beside its runs: the same rules as in Postgres, on maps. */

type Clock = () => Instant

interface Mail {
  readonly said: Said
  readonly at: Instant
  answered?: { readonly at: Instant; readonly outcome: string }
}

export interface MemoryInbox extends Pick<Store, 'receive' | 'unanswered' | 'answered'> {
  purge(olderThan: Millis, most: number): number
  waiting(): Waiting['inbox']
  /** What came of each delivery, for whoever looks into the database. */
  outcomes(): ReadonlyMap<string, string | undefined>
}

export function memoryInbox(now: Clock): MemoryInbox {
  const mail = new Map<string, Mail>()
  const open = () => [...mail.values()].filter(it => !it.answered)
  return {
    async receive(said) {
      const key = deliveryOf(said)
      if (mail.has(key)) return false
      // Only what `kept` names comes through, and that is a sentence.
      mail.set(key, { said: copy(kept(said)) as Said, at: now() })
      return true
    },
    unanswered: async olderThan =>
      open()
        .filter(it => it.at <= now() - olderThan)
        .slice(0, UNANSWERED)
        .map(it => copy(it.said)),
    async answered(said, outcome) {
      const it = mail.get(deliveryOf(said))
      if (it && !it.answered) it.answered = { at: now(), outcome }
    },
    purge(olderThan, most) {
      const old = [...mail].filter(([, { answered }]) => answered && answered.at <= now() - olderThan).slice(0, most)
      for (const [key] of old) mail.delete(key)
      return old.length
    },
    waiting: () => ({ waiting: open().length, oldest: open().reduce((oldest, { at }) => Math.max(oldest, now() - at), 0) }),
    outcomes: () => new Map([...mail.values()].map(({ said, answered }) => [said.id, answered?.outcome])),
  }
}

const deliveryOf = (said: Said): string => JSON.stringify([said.at.chat, said.id])

export interface MemoryPosts extends Pick<Store, 'posts' | 'beginPost' | 'endPost' | 'losePost' | 'boards'> {
  /** It is not known any more what these messages show. */
  forget(about: About): void
}

export function memoryPosts(now: Clock): MemoryPosts {
  const all = new Map<About, Map<string, Posted>>()
  const of = (about: About): Map<string, Posted> => {
    const known = all.get(about) ?? new Map<string, Posted>()
    all.set(about, known)
    return known
  }
  return {
    posts: async about => new Map([...of(about)].map(([key, posted]) => [key, copy(posted)])),
    async beginPost(about, key) {
      if (of(about).has(key)) return false
      of(about).set(key, { begun: now() })
      return true
    },
    async endPost(about, key, post, shown) {
      const begun = of(about).get(key)?.begun ?? now()
      of(about).set(key, { begun, post: copy(post), ...(shown ? { shown: { ...copy(shown), at: now() } } : {}) })
    },
    async losePost(about, key, was) {
      if (canonical(of(about).get(key)?.post) === canonical(was)) of(about).delete(key)
    },
    boards: async () =>
      [...all]
        .filter(([about, posts]) => about.startsWith('board:') && posts.size > 0)
        .map(([about]) => about as BoardId)
        .sort(),
    forget(about) {
      for (const [key, { shown: _, ...posted }] of of(about)) of(about).set(key, posted)
    },
  }
}

interface Teller {
  epoch: number
  until?: Instant // absent: nobody tells
  trespassed: boolean
}

/** `age` makes what a run's card shows an old state of it. No timers: a lease runs out when time is pushed. */
export function memoryTellers(now: Clock, posts: MemoryPosts, age: (about: About) => void): Store['telling'] {
  const tellers = new Map<About, Teller>()
  return async (about, lease, body) => {
    const teller = tellers.get(about) ?? { epoch: 0, trespassed: false }
    if (teller.until !== undefined && teller.until >= now()) return undefined
    if (teller.until !== undefined) posts.forget(about)
    tellers.set(about, teller)
    const epoch = ++teller.epoch
    teller.until = now() + lease
    teller.trespassed = false
    const still = (): boolean => teller.epoch === epoch && teller.until !== undefined && teller.until >= now()
    try {
      return await body(still)
    } finally {
      const late = teller.epoch !== epoch
      if (!still() || teller.trespassed) {
        posts.forget(about)
        age(about)
      }
      teller.trespassed = late
      if (!late) delete teller.until
    }
  }
}

export interface MemoryFollows extends Pick<Store, 'follow' | 'unfollow' | 'follows' | 'setQuiet' | 'clearQuiet' | 'quiets'> {
  purge(most: number): number
}

/** `ended` says when a run was over. */
export function memoryFollows(now: Clock, ended: (run: RunId) => Instant | undefined): MemoryFollows {
  const following = new Map<string, Follow>()
  const quiet = new Map<string, Quiet>()
  let ids = 0
  const keyOf = (at: Place, what: What): string => JSON.stringify([textOf(at), ...namesOf(what)])
  return {
    async follow({ at, what, by }) {
      const key = keyOf(at, what)
      const id = following.get(key)?.id ?? String(++ids)
      const follow: Follow = { id, at: JSON.parse(textOf(at)), what: copy(what), by, since: now() }
      following.set(key, follow)
      return copy(follow)
    },
    async unfollow(place, what) {
      const gone = [...following].filter(([key, { at }]) => (what ? key === keyOf(place, what) : textOf(at) === textOf(place)))
      for (const [key] of gone) following.delete(key)
      return gone.length
    },
    follows: async () => [...following.values()].map(copy),
    async setQuiet({ at, ...hours }) {
      quiet.set(textOf(at), { ...copy(hours), at: JSON.parse(textOf(at)) })
    },
    clearQuiet: async place => quiet.delete(textOf(place)),
    quiets: async () => [...quiet].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => copy(one)),
    purge(most) {
      const over = (what: What): boolean => 'run' in what && (ended(what.run) ?? Number.POSITIVE_INFINITY) <= now() - WATCHED
      const gone = [...following].filter(([, { what }]) => over(what)).slice(0, most)
      for (const [key] of gone) following.delete(key)
      return gone.length
    },
  }
}

/** Through text, as a database would. */
export const copy = <T>(value: T): T => JSON.parse(canonical(value))

/** How far each schedule has come. */
export function memoryTurns(): Pick<Store, 'turns' | 'turn'> {
  const rows = new Map<string, Turns>()
  return {
    turns: async () => new Map([...rows].map(([id, turns]) => [id, copy(turns)])),
    async turn(schedule, was, next) {
      const before = rows.get(schedule)
      if (before && before.due !== was) return false
      rows.set(schedule, copy(next))
      return true
    },
  }
}
