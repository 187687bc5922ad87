import type { Instant, Millis } from '../src/domain/ids.ts'

/**
 * A time that goes on only when nothing moves any more: as fast as the machine can, and the same on a slow one. What goes over a
 * socket counts as moving until it is answered, unless the far side waits for this very time.
 */
export interface Simulated {
  now(): Instant
  /** What it returns calls it off. */
  after(ms: Millis, then: () => void): () => void
  /** The same, for the far side of a call. */
  readonly away: { now(): Instant; after(ms: Millis, then: () => void): () => void }
  every(ms: Millis, then: () => void): void
  /** A call that is on its way. */
  moving<T>(call: () => Promise<T>): Promise<T>
  run(ms: Millis): Promise<void>
}

interface Alarm {
  readonly due: Instant
  readonly then: () => void
}

export function simulated(start: Instant): Simulated {
  let now = start
  let alarms: Alarm[] = [] // a heap, the soonest first
  const off = new Set<Alarm>()
  let moving = 0
  let waiting = 0 // of those that move: for this time

  const set = (ms: Millis, then: () => void): Alarm => {
    const alarm = { due: now + Math.max(0, ms), then }
    alarms = push(alarms, alarm)
    return alarm
  }
  const time: Simulated = {
    now: () => now,
    after(ms, then) {
      const alarm = set(ms, then)
      return () => void off.add(alarm)
    },
    away: {
      now: () => now,
      after(ms, then) {
        waiting++
        const alarm = set(ms, () => {
          waiting--
          then()
        })
        return () => {
          if (!off.has(alarm)) waiting--
          off.add(alarm)
        }
      },
    },
    every(ms, then) {
      set(ms, () => {
        then()
        time.every(ms, then)
      })
    },
    async moving(call) {
      moving++
      try {
        return await call()
      } finally {
        moving--
      }
    },
    async run(ms) {
      const end = now + ms
      for (;;) {
        await stillness()
        const first = alarms[0]
        if (!first || first.due > end) break
        now = Math.max(now, first.due)
        while (alarms[0] && alarms[0].due <= now) {
          const [alarm] = alarms
          alarms = pop(alarms)
          if (!off.delete(alarm)) alarm.then()
        }
      }
      now = end
    },
  }
  return time

  async function stillness(): Promise<void> {
    for (let still = 0; still < 2; still = moving === waiting ? still + 1 : 0) await new Promise(resolve => setImmediate(resolve))
  }
}

function push(heap: Alarm[], alarm: Alarm): Alarm[] {
  let at = heap.push(alarm) - 1
  while (at > 0) {
    const above = (at - 1) >> 1
    if (heap[above]!.due <= alarm.due) break
    heap[at] = heap[above]!
    heap[above] = alarm
    at = above
  }
  return heap
}

function pop(heap: Alarm[]): Alarm[] {
  const last = heap.pop()
  if (!last || heap.length === 0) return heap
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    const below = left + 1 < heap.length && heap[left + 1]!.due < heap[left]!.due ? left + 1 : left
    if (below >= heap.length || heap[below]!.due >= last.due) break
    heap[at] = heap[below]!
    at = below
  }
  heap[at] = last
  return heap
}

/** Chance that is the same each time. Mulberry32. */
export function chance(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
