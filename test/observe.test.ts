import { afterEach, describe, expect, test } from 'vitest'
import { newCounters } from '../src/observe/counters.ts'
import { serve } from '../src/observe/serve.ts'

let stop: (() => Promise<void>) | undefined
afterEach(() => stop?.())

const PORT = 39_464
const get = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${PORT}${path}`)
  return { status: response.status, text: await response.text() }
}
const observe = async (ready: () => Promise<{ ok: boolean; lines: readonly string[] }>) => {
  const counters = newCounters()
  counters.add('signalbox_inbox_events_total', { platform: 'slack', outcome: 'foreign' })
  counters.add('signalbox_inbox_events_total', { platform: 'slack', outcome: 'foreign' })
  const server = await serve({ port: PORT, host: '127.0.0.1' }, { ready, metrics: async () => counters.lines() })
  stop = server.stop
}

describe('whoever watches over the bot', () => {
  test('learns that it is ready, and what it has counted', async () => {
    await observe(async () => ({ ok: true, lines: ['slack: ok, connected'] }))
    expect(await get('/live')).toEqual({ status: 200, text: 'live\n' })
    expect(await get('/ready')).toEqual({ status: 200, text: 'slack: ok, connected\n' })
    expect((await get('/metrics')).text).toBe(
      '# TYPE signalbox_inbox_events_total counter\nsignalbox_inbox_events_total{platform="slack",outcome="foreign"} 2\n',
    )
    expect((await get('/anything')).status).toBe(404)
  })

  test('learns that it is not ready, and why', async () => {
    await observe(async () => ({ ok: false, lines: ['slack: NOT OK, the token was revoked'] }))
    expect(await get('/ready')).toEqual({ status: 503, text: 'slack: NOT OK, the token was revoked\n' })
    expect((await get('/live')).status).toBe(200)
  })

  test('learns that the database does not answer, while the process lives', async () => {
    await observe(() => Promise.reject(new Error('the password is hunter2')))
    expect(await get('/ready')).toEqual({ status: 503, text: 'not ready: the database does not answer\n' })
    expect((await get('/live')).status).toBe(200)
  })
})

describe('counters', () => {
  test('write what a label holds so that no line can be forged', () => {
    const counters = newCounters()
    counters.add('a_total', { name: 'x"} 99\nb_total{y="' })
    expect(counters.lines()).toHaveLength(2)
    expect(counters.read('a_total', { name: 'x"} 99\nb_total{y="' })).toBe(1)
  })

  test('do not grow without bounds, whatever is counted', () => {
    const counters = newCounters()
    for (let n = 0; n < 5_000; n++) counters.add('a_total', { name: `${n}` })
    expect(counters.lines().length).toBeLessThan(1_100)
  })
})
