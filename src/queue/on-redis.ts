import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { type Backend, type Nudge, PATIENCE } from './backend.ts'

export async function onRedis(url: string, prefix: string, heard: (problem: unknown) => void): Promise<Backend> {
  // Who nudges must not wait for a Redis that is gone: fail at once, and let the sweep find the run.
  const nudging = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 5_000,
    commandTimeout: 2_000,
    retryStrategy,
  })
  // Who works waits for ever for the next job; BullMQ insists on this setting.
  const working = new Redis(url, { maxRetriesPerRequest: null, connectTimeout: 5_000, retryStrategy, lazyConnect: true })
  for (const connection of [nudging, working]) connection.on('error', heard)
  await firstAnswer(nudging)

  return {
    reachable: () => nudging.status === 'ready',
    line: call => new Queue<Nudge>(call, { connection: nudging, prefix }),
    worker: (call, turn, sideBySide) =>
      new Worker<Nudge>(call, turn, { ...PATIENCE, connection: working, prefix, concurrency: sideBySide }),
    // BullMQ closes only what it opened.
    stop: async () => {
      nudging.disconnect()
      working.disconnect()
    },
  }
}

const retryStrategy = (tries: number): number => Math.min(50 * 2 ** tries, 2_000)

/** A Redis that is down at the start is no reason not to start: until it comes, the sweep does its work. */
const firstAnswer = (connection: Redis): Promise<void> =>
  new Promise(resolve => {
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(done, 5_000)
    connection.once('ready', done)
    connection.once('error', done)
  })
