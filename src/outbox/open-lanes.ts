import { LANES, type Lane } from '../domain/chat.ts'
import { type Instant, type Millis, seconds } from '../domain/ids.ts'
import { NotShown } from '../ports/chat.ts'
import type { Lanes, Outgoing } from './lanes.ts'
import { due, newPurse, type Purse, restrain, rewrite, spend, untouched } from './reserve.ts'
import { type Waiting, waitingRoom } from './waiting-room.ts'

export interface LanesOptions {
  now(): Instant // a time that never goes back
  timer(ms: Millis, fire: () => void): { cancel(): void }
  readonly concurrency?: number // calls on their way at once, 10 by default
  readonly most?: number // calls that wait in one lane, 2,000 by default
  readonly grace?: Millis // what is on its way when it stops has so long to end, 5 s by default
}

/** Budgets that are remembered though nothing was taken from them of late: a channel that is written to again soon. */
const REMEMBERED = 1_000
/** A timer that is set for longer than this is set again: none can wait for ever. */
const FARTHEST: Millis = seconds(60)

/**
 * The calls to one chat, in the order of their urgency and within what the chat takes. A call that is ready in a higher lane goes
 * first; one that waits for a budget stands in nobody's way who does not need that budget. No call is ever sent twice.
 */
export function openLanes(options: LanesOptions): Lanes {
  const { now, timer, concurrency = 10, most = 2_000, grace = seconds(5) } = options
  // Slow calls would block answers as a spent budget would: what people merely watch never takes all the ways out.
  const watching = Math.max(1, Math.floor(concurrency * 0.6))
  const room = waitingRoom()
  const purses = new Map<string, Purse>()
  const flying = new Map<AbortController, Lane>()
  let stopped = false
  let pumping = false // sending may make another call at once
  let alarm: { cancel(): void } | undefined
  let last: { cancel(): void } | undefined

  /** What is left of each budget once the call is made; or when it may be made, at the soonest. */
  function afford({ lane, budgets }: Waiting, at: Instant): ReadonlyMap<string, Purse> | Instant {
    const rest = new Map<string, Purse>()
    let soonest = at
    for (const [name, budget] of Object.entries(budgets)) {
      const purse = purses.get(name) ?? newPurse(budget, at)
      const spent = spend(purse, lane, at)
      if (spent) rest.set(name, spent)
      else soonest = Math.max(soonest, due(purse, lane, at), at + 1)
    }
    return soonest > at ? soonest : rest
  }

  /** The first call that may go now, with what it leaves of its budgets; or when there may be one. */
  function ready(at: Instant): { readonly waiting: Waiting; readonly rest: ReadonlyMap<string, Purse> } | Instant {
    let soonest = Number.POSITIVE_INFINITY
    const watchedFlying = [...flying.values()].filter(watched).length
    for (const waiting of room.heads()) {
      if (watched(waiting.lane) && watchedFlying >= watching) continue
      const rest = afford(waiting, at)
      if (typeof rest !== 'number') return { waiting, rest }
      soonest = Math.min(soonest, rest)
    }
    return soonest
  }

  /** Sends what may go, and comes back when more may. */
  function pump(): void {
    if (pumping) return
    pumping = true
    alarm?.cancel()
    alarm = undefined
    while (!stopped && flying.size < concurrency) {
      const at = now()
      const found = ready(at)
      if (typeof found === 'number') {
        if (found < Number.POSITIVE_INFINITY) alarm = timer(Math.min(found - at, FARTHEST), pump)
        break
      }
      for (const [name, purse] of found.rest) purses.set(name, purse)
      room.leave(found.waiting)
      fly(found.waiting)
    }
    pumping = false
  }

  function fly(waiting: Waiting): void {
    // A signal for each: one for all would gather the listeners of every call that ever was.
    const cutOff = new AbortController()
    flying.set(cutOff, waiting.lane)
    void waiting.send(cutOff.signal).finally(() => {
      flying.delete(cutOff)
      if (stopped && flying.size === 0) last?.cancel()
      pump()
    })
  }

  /** The lane is full: who is less urgent gives way, the last that came first. False when nobody is. */
  function makeRoom(lane: Lane): boolean {
    const lower = LANES.slice(LANES.indexOf(lane) + 1).reverse()
    for (const other of lower) {
      const overtaken = room.newest(other)
      if (!overtaken) continue
      room.leave(overtaken)
      overtaken.refuse(new NotShown('later', 'more urgent calls to the chat took its place', { after: seconds(5) }))
      return true
    }
    return false
  }

  function forget(at: Instant): void {
    if (purses.size <= REMEMBERED) return
    for (const [name, purse] of purses) if (untouched(purse, at)) purses.delete(name)
  }

  return {
    call<T>({ lane, budgets, send }: Outgoing<T>): Promise<T> {
      if (stopped) return Promise.reject(new NotShown('later', 'the bot is stopping'))
      if (room.size(lane) >= most && !makeRoom(lane))
        return Promise.reject(new NotShown('later', `${most} calls to the chat wait already`, { after: seconds(5) }))
      const at = now()
      forget(at)
      // The newest call knows best what the chat takes now; those that wait already go by that, too.
      for (const [name, budget] of Object.entries(budgets)) {
        const known = purses.get(name)
        if (known) purses.set(name, rewrite(known, budget))
      }
      return new Promise<T>((resolve, reject) => {
        room.enter({
          lane,
          budgets,
          since: at,
          send: async signal => {
            try {
              resolve(await send(signal))
            } catch (error) {
              reject(error)
            }
          },
          refuse: reject,
        })
        pump()
      })
    },

    limited(name, after) {
      const at = now()
      const known = purses.get(name)
      if (known) purses.set(name, restrain(known, at, after))
      pump()
    },

    depth() {
      const at = now()
      const of = (lane: Lane) => ({ waiting: room.size(lane), oldest: at - (room.oldest(lane) ?? at) })
      return { answer: of('answer'), end: of('end'), transition: of('transition'), percent: of('percent') }
    },

    stop() {
      if (stopped) return
      stopped = true
      alarm?.cancel()
      alarm = undefined
      for (const waiting of room.clear()) waiting.refuse(new NotShown('later', 'the bot is stopping'))
      if (flying.size === 0) return
      last = timer(grace, () => {
        for (const cutOff of flying.keys()) cutOff.abort(new Error('the bot is stopping'))
      })
    },
  }
}

const watched = (lane: Lane): boolean => lane === 'transition' || lane === 'percent'
