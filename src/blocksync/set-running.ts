import { setTimeout as wait } from 'node:timers/promises'
import type { Bytes, Millis } from '../domain/ids.ts'
import { makeFolder } from './durable-file.ts'
import { type Counts, none, type State } from './progress.ts'
import { type Manner, running } from './running.ts'
import { type Wish, writeWish } from './steering.ts'

/** What the mover of one disk within a set is given: how it is watched and steered. */
export interface Within {
  readonly work: string
  readonly signal: AbortSignal
  tell(state: State): void
}

export interface SetTools {
  readonly signal: AbortSignal
  /** Moves one disk with a work folder of its own: what people wish of the set reaches it, and what it counts is counted. */
  each<T>(work: string, go: (within: Within) => Promise<T>): Promise<T>
  /** A disk that was dealt with earlier. */
  count(bytes: Bytes): void
  about(generation: number): void
}

const LOOK: Millis = 200

/** Several disks as one: one state, one wish, one lock. `total` is known before anything moves, so that progress never goes back. */
export const runningSet = <T>(
  what: State['what'],
  name: string,
  manner: Manner,
  go: (tools: SetTools, totalIs: (bytes: Bytes) => void) => Promise<T>,
): Promise<T> =>
  running(what, name, { ...manner, parallel: 1 }, async ({ steering, counts, about }) => {
    const cancel = new AbortController()
    const over = new AbortController()
    const settled = none() // of the disks that are behind us
    const steered = new Map<string, string>()
    let now: string | undefined // the work folder of the disk that is under way
    const wish = (): Wish => ({
      paused: steering.paused,
      cancelled: false, // it gets that by a signal: an old wish would be forgotten when it starts
      ...(steering.limit === undefined ? {} : { limit: steering.limit }),
    })
    const steer = async (work: string): Promise<void> => {
      const text = JSON.stringify(wish())
      if (steered.get(work) === text) return
      await writeWish(work, wish())
      steered.set(work, text)
    }
    let trouble: unknown
    const stopped = (error: unknown): void => {
      if (over.signal.aborted) return // that was our own way of waking it
      trouble ??= error
      cancel.abort()
    }
    /** Looks at the wish of the set all the time; while somebody pauses, it waits here. */
    const looking = (async () => {
      while (!over.signal.aborted) {
        await steering.may(0)
        await wait(LOOK, undefined, { signal: over.signal }).catch(() => {})
      }
    })().catch(stopped)
    const handing = (async () => {
      while (!over.signal.aborted) {
        if (now !== undefined) await steer(now)
        await wait(LOOK, undefined, { signal: over.signal }).catch(() => {})
      }
    })().catch(stopped)

    const tools: SetTools = {
      signal: cancel.signal,
      each: async (work, move) => {
        await steering.may(0)
        await makeFolder(work)
        await steer(work)
        now = work
        let told: Counts = none()
        const tell = ({ counts: said }: State): void => {
          told = said
          for (const key of KEYS) counts[key] = settled[key] + said[key]
        }
        try {
          return await move({ work, tell, signal: cancel.signal })
        } finally {
          now = undefined
          for (const key of KEYS) settled[key] += told[key]
        }
      },
      count: bytes => {
        settled.done += bytes
        counts.done = settled.done
      },
      about,
    }
    try {
      return await go(tools, bytes => (counts.total = bytes))
    } catch (error) {
      throw trouble ?? error // a cancel is what people said, whatever it made of the disk that was under way
    } finally {
      over.abort()
      steering.cancel()
      await Promise.all([looking, handing])
    }
  })

/** What is dealt with, and not the total: that is known from the beginning. */
const KEYS = ['done', 'read', 'zero', 'changed', 'sent'] as const
