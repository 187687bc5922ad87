import { Worker } from 'node:worker_threads'

export interface Hashed {
  readonly bytes: Uint8Array<ArrayBuffer> // the same bytes, given back: they were away
  readonly sha256: string
  readonly zero: boolean
}

/** Hashes in threads of their own, so that reading and sending go on. Bytes travel by transfer: nothing is copied. */
export interface Hashers {
  hash(bytes: Uint8Array<ArrayBuffer>): Promise<Hashed>
  close(): Promise<void>
}

// A thread's program as text: the same under tsx, in the tests and in the built package, where a file would have three names.
const PROGRAM = `
const { parentPort } = require('node:worker_threads')
const { createHash } = require('node:crypto')
const none = Buffer.alloc(1 << 16)
const zero = bytes => {
  for (let at = 0; at < bytes.length; at += none.length) {
    const length = Math.min(none.length, bytes.length - at)
    if (bytes.compare(none, 0, length, at, at + length) !== 0) return false
  }
  return true
}
parentPort.on('message', bytes => {
  const seen = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const isZero = zero(seen)
  const sha256 = createHash('sha256').update(seen).digest('hex')
  parentPort.postMessage({ bytes, sha256, zero: isZero }, [bytes.buffer])
})
`

interface Thread {
  readonly worker: Worker
  readonly waiting: { readonly done: (hashed: Hashed) => void; readonly failed: (error: Error) => void }[]
}

export function openHashers(count: number): Hashers {
  const threads = Array.from({ length: count }, (): Thread => {
    const worker = new Worker(PROGRAM, { eval: true, execArgv: [] })
    const thread: Thread = { worker, waiting: [] }
    worker.on('message', (hashed: Hashed) => thread.waiting.shift()?.done(hashed)) // a thread answers in the order it was asked
    const end = (error: Error): void => thread.waiting.splice(0).forEach(({ failed }) => failed(error))
    worker.on('error', end)
    worker.on('exit', () => end(new Error('A hashing thread has ended.')))
    worker.unref()
    return thread
  })
  return {
    hash: bytes =>
      new Promise((done, failed) => {
        const idlest = threads.reduce((a, b) => (b.waiting.length < a.waiting.length ? b : a))
        idlest.waiting.push({ done, failed })
        idlest.worker.postMessage(bytes, [bytes.buffer])
      }),
    close: async () => {
      await Promise.all(threads.map(({ worker }) => worker.terminate()))
    },
  }
}
