import { afterAll, beforeAll, expect, test } from 'vitest'
import { openQueue } from '../../src/queue/bullmq.ts'
import { type TestPostgres, testPostgres } from '../postgres.ts'
import { hasRedis, testRedis } from '../redis.ts'
import { queueContract } from './queue.ts'

let postgres: TestPostgres
beforeAll(async () => {
  postgres = await testPostgres()
})
afterAll(() => postgres.stop())

queueContract('on Postgres', async () => {
  const schema = postgres.schema()
  return {
    open: name => openQueue({ postgresUrl: postgres.url, name: `${schema}_${name}` }),
    async unreachable() {
      const gone = await testPostgres()
      const queue = await openQueue({ postgresUrl: gone.url, name: schema })
      await gone.stop()
      return queue
    },
    stop: async () => {},
  }
})

const { CI } = process.env
const NO_REDIS = 'there is no redis-server on this machine, so the queue on Redis was NOT tested'

if (hasRedis())
  queueContract('on Redis', async () => {
    const redis = await testRedis()
    return {
      open: name => openQueue({ redisUrl: redis.url, postgresUrl: '', name }),
      async unreachable() {
        const gone = await testRedis()
        const queue = await openQueue({ redisUrl: gone.url, postgresUrl: '' })
        await gone.stop()
        return queue
      },
      stop: redis.stop,
    }
  })
else
  test.skipIf(!CI)(`on Redis: ${NO_REDIS}`, () => {
    expect.fail(NO_REDIS)
  })

if (!hasRedis()) console.warn(`\n  ${NO_REDIS}. With CI=true this is a failure.\n`)

test('a Redis that is down at the start is no reason not to start', async () => {
  const queue = await openQueue({ redisUrl: 'redis://127.0.0.1:1', postgresUrl: '' })
  const began = performance.now()
  await queue.nudge('advance', 'R1' as never, 1)
  expect(performance.now() - began).toBeLessThan(500)
  await queue.stop()
})
