import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import type { Bytes } from '../domain/ids.ts'

export interface Hashed {
  readonly bytes: Uint8Array<ArrayBuffer> // the same bytes, given back: they were away
  readonly sha256: string
  readonly zero: boolean
}

/** Where in some bytes a part lies. */
export interface Part {
  readonly at: Bytes
  readonly length: Bytes
}

export interface HashedParts {
  readonly bytes: Uint8Array<ArrayBuffer> // given back, as above
  readonly hashes: readonly (string | null)[] // SHA-256 of each part; null: it is all zeros
}

/** Hashes in threads of their own, so that reading and sending go on. Bytes travel by transfer: nothing is copied. */
export interface Hashers {
  hash(bytes: Uint8Array<ArrayBuffer>): Promise<Hashed>
  /** Of many parts at once: one journey. Zeros are not hashed, for nobody asks what their hash is. */
  hashParts(bytes: Uint8Array<ArrayBuffer>, parts: readonly Part[]): Promise<HashedParts>
  close(): Promise<void>
}

/** So much is hashed where we are: a small change is over before a thread has begun. */
const AT_HOME: Bytes = 8 << 20
const NONE = Buffer.alloc(1 << 16)

export function allZero(bytes: Uint8Array): boolean {
  const seen = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; at < seen.length; at += NONE.length) {
    const length = Math.min(NONE.length, seen.length - at)
    if (seen.compare(NONE, 0, length, at, at + length) !== 0) return false
  }
  return true
}

const hashesOf = (bytes: Uint8Array, parts: readonly Part[]): readonly (string | null)[] =>
  parts.map(({ at, length }) => {
    const part = bytes.subarray(at, at + length)
    return allZero(part) ? null : createHash('sha256').update(part).digest('hex')
  })

// A thread's program as text: the same under tsx, in the tests and in the built package, where a file would have three names.
const PROGRAM = `
const { parentPort } = require('node:worker_threads')
const { createHash } = require('node:crypto')
const NONE = Buffer.alloc(1 << 16)
const allZero = seen => {
  for (let at = 0; at < seen.length; at += NONE.length) {
    const length = Math.min(NONE.length, seen.length - at)
    if (seen.compare(NONE, 0, length, at, at + length) !== 0) return false
  }
  return true
}
parentPort.on('message', ({ bytes, parts }) => {
  const seen = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const hashes = parts.map(({ at, length }) => {
    const part = seen.subarray(at, at + length)
    return allZero(part) ? null : createHash('sha256').update(part).digest('hex')
  })
  parentPort.postMessage({ bytes, hashes }, [bytes.buffer])
})
`

interface Thread {
  readonly worker: Worker
  readonly waiting: { readonly done: (hashed: HashedParts) => void; readonly failed: (error: Error) => void }[]
}

function newThread(): Thread {
  const worker = new Worker(PROGRAM, { eval: true, execArgv: [] })
  const thread: Thread = { worker, waiting: [] }
  worker.on('message', (hashed: HashedParts) => thread.waiting.shift()?.done(hashed)) // in the order it was asked
  const end = (error: Error): void => thread.waiting.splice(0).forEach(({ failed }) => failed(error))
  worker.on('error', end)
  worker.on('exit', () => end(new Error('A hashing thread has ended.')))
  worker.unref()
  return thread
}

export function openHashers(count: number): Hashers {
  let threads: readonly Thread[] = []
  let home: Bytes = 0
  const hashParts = async (bytes: Uint8Array<ArrayBuffer>, parts: readonly Part[]): Promise<HashedParts> => {
    if (home < AT_HOME) {
      home += bytes.length
      return { bytes, hashes: hashesOf(bytes, parts) }
    }
    if (threads.length === 0) threads = Array.from({ length: count }, newThread)
    return new Promise((done, failed) => {
      const idlest = threads.reduce((a, b) => (b.waiting.length < a.waiting.length ? b : a))
      idlest.waiting.push({ done, failed })
      idlest.worker.postMessage({ bytes, parts }, [bytes.buffer])
    })
  }
  return {
    hashParts,
    hash: async bytes => {
      const hashed = await hashParts(bytes, [{ at: 0, length: bytes.length }])
      const [sha256 = null] = hashed.hashes
      return {
        bytes: hashed.bytes,
        sha256: sha256 ?? createHash('sha256').update(hashed.bytes).digest('hex'),
        zero: sha256 === null,
      }
    },
    close: async () => {
      await Promise.all(threads.map(({ worker }) => worker.terminate()))
    },
  }
}
