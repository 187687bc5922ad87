import type { Said } from './domain/chat.ts'
import { systemClock } from './engine/system-clock.ts'

/** Begun now and then, and never beside itself. */
export function seldom(every: number, work: () => Promise<void>): () => void {
  let next = 0
  let going = false
  return () => {
    const now = systemClock.now()
    if (going || now < next) return
    next = now + every
    going = true
    work()
      .finally(() => {
        going = false
      })
      .catch(() => {})
  }
}

/** So many at once, the others in the order in which they came. */
export function atMost(most: number, work: (said: Said) => Promise<void>): (said: Said) => Promise<void> {
  const waiting: (() => void)[] = []
  let going = 0
  return async said => {
    if (going >= most) await new Promise<void>(resolve => waiting.push(resolve))
    else going++
    try {
      await work(said)
    } finally {
      const next = waiting.shift()
      if (next) next()
      else going--
    }
  }
}

/** A sentence that is being answered is not answered a second time beside it, however long its device takes. */
export function once(work: (said: Said) => Promise<void>): (said: Said) => Promise<void> {
  const going = new Map<string, Promise<void>>()
  return said => {
    const key = JSON.stringify([said.at.chat, said.id])
    const known = going.get(key)
    if (known !== undefined) return known
    const done = work(said).finally(() => going.delete(key))
    going.set(key, done)
    return done
  }
}

/** Counts what is in hand, so that a stop can wait for it. */
export function counted() {
  const inHand = new Set<Promise<unknown>>()
  const settled = () => Promise.allSettled([...inHand])
  return {
    during<T>(work: () => Promise<T>): Promise<T> {
      const done = work()
      const kept = done.catch(() => {})
      inHand.add(kept)
      kept.finally(() => inHand.delete(kept)).catch(() => {})
      return done
    },
    idle: () => inHand.size === 0,
    next: (ms: number) =>
      Promise.race([...(inHand.size === 0 ? [] : [settled()]), new Promise(resolve => setTimeout(resolve, ms))]),
    done: settled,
  }
}
