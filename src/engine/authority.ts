import { chatOf } from '../domain/accounts.ts'
import { isFresh, policyOf, type Told, toAsk } from '../domain/authority.ts'
import { type Handle, type Instant, type Millis, seconds } from '../domain/ids.ts'
import type { Policy } from '../domain/policy.ts'
import type { Rulebook } from '../domain/rulebook.ts'
import type { Chat } from '../ports/chat.ts'
import type { Clock } from '../ports/clock.ts'
import type { Store } from '../ports/store.ts'

export interface AuthorityParts {
  readonly store: Pick<Store, 'ledger' | 'now'>
  readonly rulebook: Rulebook // the site file's: the ledger says whether another one is in force
  readonly chats: ReadonlyMap<string, Chat>
  readonly clock: Clock
}

export interface Authority {
  /** Who may do what now. Waits for a chat a few seconds at most; what it does not say in time is not known. */
  policy(): Promise<Policy>
  /** Is this account still one of its chat's? Undefined: that cannot be told now. */
  active(handle: Handle): Promise<boolean | undefined>
}

/** Asked anew in the background before it is too old to be believed, so that people rarely wait. */
const ASKED_AGAIN: Millis = seconds(40)
/** For so long after it could not be asked, nobody waits for it again: an outage must not make every sentence slow. */
const SPARED: Millis = seconds(5)
/** How long a sentence waits for the chats. */
const PATIENCE: Millis = seconds(3)
/** How long one question may take. */
const ANSWERED_WITHIN: Millis = seconds(10)
/** Questions at once, over all chats. */
const AT_ONCE = 8

export function authority({ store, rulebook, chats, clock }: AuthorityParts): Authority {
  const told = new Map<Handle, Told>()
  const spared = new Map<string, Instant>() // handles that could not be asked, and chats that were too slow: until when
  const flights = new Map<Handle, Promise<void>>()
  const inTurn = atMost(AT_ONCE)

  const fly = async (chat: Pick<Chat, 'membership'>, handle: Handle, now: Instant): Promise<void> => {
    try {
      // Dated by when it was asked for, or by what the chat remembers: what has changed since is not in it.
      const answer = await inTurn(() => within(clock.timeout(ANSWERED_WITHIN), chat.membership?.(handle)))
      if (answer) told.set(handle, { active: answer.active, groups: answer.groups, at: now - (answer.age ?? 0) })
    } catch {
      // However it failed, it told nothing, and whoever looks sees that what is known grows old.
      spared.set(handle, clock.now() + SPARED)
    } finally {
      flights.delete(handle)
    }
  }
  const isSpared = (what: string): boolean => {
    const until = spared.get(what)
    if (until !== undefined && until <= clock.now()) spared.delete(what)
    return spared.has(what)
  }
  /** The one question that is on its way about this account; undefined where there is nobody to ask, or no use in asking. */
  const question = (handle: Handle, now: Instant): Promise<void> | undefined => {
    const flying = flights.get(handle)
    const chat = chats.get(chatOf(handle))
    if (flying || !chat?.membership || isSpared(handle)) return flying
    const flight = fly(chat, handle, now)
    flights.set(handle, flight)
    return flight
  }
  const lookUp = async (handles: readonly Handle[], now: Instant): Promise<void> => {
    const old = handles.filter(handle => Math.abs(now - (told.get(handle)?.at ?? Number.NEGATIVE_INFINITY)) > ASKED_AGAIN)
    const asked = old.map(handle => ({ handle, flight: question(handle, now) }))
    const needed = asked.filter(({ handle }) => !isSpared(chatOf(handle)) && !knows(handle, now))
    const flying = new Set(needed.map(({ handle }) => handle).filter(handle => flights.has(handle)))
    if (flying.size === 0) return
    const answered = Promise.all(needed.map(({ flight }) => flight))
    await within(clock.timeout(PATIENCE), answered).catch(() => {
      for (const handle of flying) if (flights.has(handle)) spared.set(chatOf(handle), clock.now() + SPARED)
    })
  }
  const knows = (handle: Handle, now: Instant): boolean => {
    const answer = told.get(handle)
    return answer !== undefined && isFresh(answer, now)
  }

  return {
    async policy() {
      const [ledger, now] = [await store.ledger(), await store.now()]
      await lookUp(toAsk(rulebook, ledger, now), now)
      return policyOf(rulebook, ledger, told, now)
    },
    async active(handle) {
      const chat = chats.get(chatOf(handle))
      if (!chat) return undefined
      // A terminal has no accounts that anybody could take away.
      if (!chat.membership) return true
      const now = await store.now()
      await lookUp([handle], now)
      // Who was away when the chat last spoke is away until it says otherwise.
      return knows(handle, now) || told.get(handle)?.active === false ? told.get(handle)?.active : undefined
    },
  }
}

/** The same promise, but for waiting longer than this. */
function within<T>(late: AbortSignal, work: Promise<T> | T): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const giveUp = (): void => reject(late.reason)
    if (late.aborted) giveUp()
    late.addEventListener('abort', giveUp, { once: true })
    Promise.resolve(work)
      .then(resolve, reject)
      .finally(() => late.removeEventListener('abort', giveUp))
  })
}

/** At most so many of them at once; the others wait their turn. */
function atMost(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let going = 0
  return async work => {
    if (going >= most) await new Promise<void>(resolve => waiting.push(resolve))
    else going++
    try {
      return await work()
    } finally {
      // The place is handed on, so that nobody who comes now takes it meanwhile.
      const next = waiting.shift()
      if (next) next()
      else going--
    }
  }
}
