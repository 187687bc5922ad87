import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import type { Bytes, BytesPerSecond, Millis } from '../domain/ids.ts'
import { readIfThere, writeDurably } from './durable-file.ts'
import { SyncStopped } from './stopped.ts'

/** What people want of a mover that runs. It lies in a file beside its work, so that it outlives both sides. */
const Wish = z.strictObject({ paused: z.boolean(), cancelled: z.boolean(), limit: z.int().min(1).optional() })
export type Wish = Readonly<z.infer<typeof Wish>>
const NONE: Wish = { paused: false, cancelled: false }
const LOOK: Millis = 200

const file = (work: string): string => `${work}/wish.json`

/** A file that cannot be read stops the mover: it may have said "pause". */
export async function readWish(work: string): Promise<Wish> {
  const text = await readIfThere(file(work))
  if (text === undefined) return NONE
  try {
    const { limit, ...rest } = Wish.parse(JSON.parse(text))
    return { ...rest, ...(limit === undefined ? {} : { limit }) }
  } catch (error) {
    throw new SyncStopped('bad use', `The file ${file(work)} cannot be read. Delete it, or say what you want again.`, error)
  }
}

export const writeWish = (work: string, wish: Wish): Promise<void> => writeDurably(file(work), `${JSON.stringify(wish)}\n`)

export interface Steering {
  /** Returns when so many bytes may move: at once, or later when there is a limit, or when nobody pauses any more. */
  may(bytes: Bytes): Promise<void>
  cancel(): void
  readonly paused: boolean
  readonly limit: BytesPerSecond | undefined
}

/** A bucket that leaks at the limit, and looks at the wish now and then. */
export function steering(work: string, now: () => Millis = () => performance.now()): Steering {
  let wish: Wish = NONE
  let looked = Number.NEGATIVE_INFINITY
  let free = 0 // the moment from which the next bytes may move
  let cancelled = false
  let looking: Promise<void> | undefined
  const look = async (): Promise<void> => {
    if (now() - looked >= LOOK) {
      looking ??= readWish(work).then(found => {
        wish = found
        looked = now()
      })
      await looking.finally(() => {
        looking = undefined
      })
    }
    if (cancelled || wish.cancelled)
      throw new SyncStopped('cancelled', 'It was cancelled. What was done is kept: start it again to go on.')
  }
  return {
    may: async bytes => {
      await look()
      while (wish.paused) {
        await wait(LOOK)
        await look()
      }
      const { limit } = wish
      if (limit === undefined) return
      const start = Math.max(now(), free)
      free = start + (bytes / limit) * 1_000
      while (now() < start && wish.limit === limit) {
        await wait(Math.min(LOOK, start - now()))
        await look()
      }
      if (wish.limit !== limit) free = now()
    },
    cancel: () => {
      cancelled = true
    },
    get paused() {
      return wish.paused
    },
    get limit() {
      return wish.limit
    },
  }
}
