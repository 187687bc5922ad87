import { WebClient } from '@slack/web-api'
import { describe, expect, test } from 'vitest'
import { clientOf, ROOM, silent, slack } from './fakes/slack/clients.ts'
import { DEFAULTS } from './fakes/slack/options.ts'

describe('trouble', () => {
  test('a reset after processing has posted the message, and one before has not', async () => {
    const fake = await slack()
    const client = clientOf(fake)
    fake.misbehave({ how: 'lose answer', to: 'chat.postMessage', times: 1 })
    await expect(client.chat.postMessage({ channel: ROOM, text: 'it arrived' })).rejects.toThrow()
    expect(fake.messages().map(({ lines }) => lines[0])).toEqual(['it arrived'])
    fake.misbehave({ how: 'lose request', times: 1 })
    await expect(client.chat.postMessage({ channel: ROOM, text: 'it did not' })).rejects.toThrow()
    expect(fake.messages().length).toBe(1)
    expect(fake.ledger.map(({ status }) => status)).toEqual([0, 0])
  })

  test.each([
    ['a 429 of one method', { how: 'limit', after: 30_000, to: 'auth.test' }, { retryAfter: 30 }],
    ['a 500', { how: 'fail' }, { statusCode: 500 }],
    ['a refusal', { how: 'refuse', error: 'fatal_error' }, { data: { error: 'fatal_error' } }],
  ] as const)('%s, and healed it works', async (_, knob, error) => {
    const fake = await slack()
    const client = clientOf(fake)
    fake.misbehave(knob)
    await expect(client.auth.test()).rejects.toMatchObject(error)
    fake.heal()
    expect((await client.auth.test()).ok).toBe(true)
  })

  test('a page of HTML comes although the message was posted', async () => {
    const fake = await slack()
    fake.misbehave({ how: 'garble', times: 1 })
    await expect(clientOf(fake).chat.postMessage({ channel: ROOM, text: 'it arrived' })).rejects.toThrow()
    expect(fake.messages().length).toBe(1)
  })

  test('nothing is said to a call that hangs', async () => {
    const fake = await slack()
    fake.misbehave({ how: 'hang' })
    const client = new WebClient(DEFAULTS.token, {
      slackApiUrl: fake.api,
      logger: silent,
      retryConfig: { retries: 0 },
      timeout: 100,
    })
    await expect(client.auth.test()).rejects.toThrow(/timeout|abort/i)
  })

  test('nobody is there once it has vanished', async () => {
    const fake = await slack()
    fake.misbehave({ how: 'vanish' })
    await expect(clientOf(fake).auth.test()).rejects.toThrow()
    fake.heal()
    expect((await clientOf(fake).auth.test()).ok).toBe(true)
  })

  test('an archived channel, a channel without us, a deleted message and a revoked token are said as Slack says them', async () => {
    const fake = await slack()
    const client = clientOf(fake)
    const { ts = '' } = await client.chat.postMessage({ channel: ROOM, text: 'card' })
    const post = (channel = ROOM) => client.chat.postMessage({ channel, text: 'x' })
    const update = () => client.chat.update({ channel: ROOM, ts, text: 'y' })
    fake.misbehave({ how: 'archived', channel: ROOM })
    await expect(post()).rejects.toThrow('is_archived')
    fake.misbehave({ how: 'removed', channel: 'C0SECOND' })
    await expect(post('C0SECOND')).rejects.toThrow('not_in_channel')
    fake.heal()
    await update()
    fake.misbehave({ how: 'deleted', message: ts })
    await expect(update()).rejects.toThrow('message_not_found')
    fake.misbehave({ how: 'revoked' })
    await expect(post()).rejects.toThrow('token_revoked')
  })
})
