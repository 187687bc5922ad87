import { availableParallelism } from 'node:os'
import type { Bytes } from '../domain/ids.ts'
import { makeFolder } from './durable-file.ts'
import { type Hashers, openHashers } from './hashers.ts'
import { takeLock } from './lock.ts'
import { type Counts, none, reporting, type State } from './progress.ts'
import { readWish, type Steering, steering, writeWish } from './steering.ts'
import { SyncStopped, saidBy } from './stopped.ts'

export interface Manner {
  readonly work: string // the folder where it keeps what it needs to go on
  readonly parallel?: number | undefined // pieces under way at once: with the block size, that bounds the memory
  readonly tell?: ((state: State) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface Tools {
  readonly steering: Steering
  readonly hashers: Hashers
  readonly counts: Counts
  readonly parallel: number
  about(generation: number): void
}

const PARALLEL = 6
const THREADS = Math.max(2, Math.min(availableParallelism(), 6))

/** What a push and a pull share: one mover at a time in a work folder, which says how far it is and how it ended. */
export async function running<T>(
  what: State['what'],
  disk: string,
  manner: Manner,
  go: (tools: Tools) => Promise<T>,
): Promise<T> {
  const { work, parallel = PARALLEL, tell = () => {}, signal } = manner
  await makeFolder(work)
  const release = await takeLock(`${work}/lock`, work)
  const steers = steering(work)
  const cancel = (): void => steers.cancel()
  const counts = none()
  const hashers = openHashers(Math.min(THREADS, parallel))
  let generation = 0
  try {
    // To start is to want it: an old "cancel" is gone; a limit stays, and so does a pause.
    const wish = await readWish(work)
    if (wish.cancelled) await writeWish(work, { ...wish, cancelled: false })
    signal?.addEventListener('abort', cancel)
    if (signal?.aborted) cancel()
    const now = (): State => ({ what, state: steers.paused ? 'paused' : 'running', disk, generation, counts: { ...counts } })
    const reporter = await reporting(work, now, tell)
    try {
      const about = (number: number): void => {
        generation = number
      }
      const result = await go({ steering: steers, hashers, counts, parallel, about })
      await reporter.end('done')
      return result
    } catch (error) {
      const cancelled = error instanceof SyncStopped && error.because === 'cancelled'
      // Where there is no room for the last word, the reason is what people must hear.
      await reporter.end(cancelled ? 'cancelled' : 'failed', saidBy(error)).catch(() => {})
      throw error
    }
  } finally {
    signal?.removeEventListener('abort', cancel)
    await hashers.close()
    await release()
  }
}

/** So many at once, in order of begin. The first error stops them all, and is thrown when none is under way any more. */
export async function sideBySide<T>(
  items: Iterable<T>,
  count: number,
  each: (item: T, lane: Lane) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let failure: { readonly error: unknown } | undefined
  const run = async (): Promise<void> => {
    const lane = newLane()
    while (!failure) {
      const next = iterator.next()
      if (next.done === true) return
      try {
        await each(next.value, lane)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: count }, run))
  if (failure) throw failure.error
}

/** The memory of one of them: lent to a thread and given back, never more than the largest piece. */
export interface Lane {
  lend(length: Bytes): Uint8Array<ArrayBuffer>
  back(bytes: Uint8Array<ArrayBuffer>): void
}

function newLane(): Lane {
  let buffer = new ArrayBuffer(0)
  return {
    lend: length => {
      if (buffer.byteLength < length) buffer = new ArrayBuffer(length)
      return new Uint8Array(buffer, 0, length)
    },
    back: bytes => {
      buffer = bytes.buffer
    },
  }
}
