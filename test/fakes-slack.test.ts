import type { ConversationsRepliesResponse } from '@slack/web-api'
import { describe, expect, test } from 'vitest'
import { clientOf, ROOM, section, slack } from './fakes/slack/clients.ts'
import { DEFAULTS } from './fakes/slack/options.ts'
import { pushedTime } from './fakes/workspace.ts'

/** The fake is believed by the tests of the Slack chat: here Slack's own client runs against its Web API. */
describe('the Web API', () => {
  test('what is posted is seen, edited, found again by its metadata and deleted', async () => {
    const fake = await slack()
    const client = clientOf(fake)
    const metadata = { event_type: 'signalbox', event_payload: { key: 'R7/card' } }
    const posted = await client.chat.postMessage({
      channel: ROOM,
      text: 'R7',
      blocks: [section('*R7* waits for <@U0LEE>')],
      metadata,
    })
    expect(fake.messages(ROOM)[0]).toMatchObject({ lines: ['R7 waits for @lee'], key: 'R7/card', edits: 0 })
    await client.chat.update({ channel: ROOM, ts: posted.ts ?? '', text: 'R7', blocks: [section('R7 &lt;done&gt;')] })
    expect(fake.messages(ROOM)[0]).toMatchObject({ lines: ['R7 <done>'], edits: 1 })
    const found = await client.conversations.history({ channel: ROOM, include_all_metadata: true })
    expect(found.messages?.[0]?.metadata?.event_payload).toEqual({ key: 'R7/card' })
    const poorly = await client.conversations.history({ channel: ROOM })
    expect(poorly.messages?.[0]?.metadata?.event_payload).toBeUndefined()
    await client.chat.delete({ channel: ROOM, ts: posted.ts ?? '' })
    expect((await client.conversations.history({ channel: ROOM })).messages).toEqual([])
    expect(fake.shown).toEqual(['R7 waits for @lee', 'R7 <done>'])
    expect(fake.invalid).toEqual([])
    expect(fake.ledger.map(({ method, key }) => `${method} ${key ?? ''}`).slice(0, 2)).toEqual([
      'chat.postMessage R7/card',
      'chat.update R7/card',
    ])
  })

  test('a thread is read page by page, oldest first, with the message that began it', async () => {
    const fake = await slack()
    const client = clientOf(fake)
    const { ts = '' } = await client.chat.postMessage({ channel: ROOM, text: 'card' })
    for (const text of ['one', 'two', 'three']) await client.chat.postMessage({ channel: ROOM, text, thread_ts: ts })
    const read: string[] = []
    for await (const page of client.paginate('conversations.replies', { channel: ROOM, ts, limit: 2 }))
      read.push(...((page as ConversationsRepliesResponse).messages ?? []).map(({ text }) => text ?? ''))
    expect(read).toEqual(['card', 'one', 'two', 'three'])
    expect(fake.messages(ROOM).map(({ lines }) => lines[0])).toEqual(['card', 'one', 'two', 'three'])
    expect((await client.conversations.history({ channel: ROOM })).messages?.length).toBe(1)
  })

  test('a whisper is seen by one person and stands in no history', async () => {
    const fake = await slack()
    const client = clientOf(fake)
    await client.chat.postEphemeral({ channel: ROOM, user: 'U0OLGA', text: 'only for you' })
    expect(fake.messages(ROOM)[0]).toMatchObject({ ephemeralTo: 'U0OLGA', lines: ['only for you'] })
    expect((await client.conversations.history({ channel: ROOM })).messages).toEqual([])
    await expect(client.chat.postEphemeral({ channel: ROOM, user: 'U0SAM', text: 'no' })).rejects.toThrow('user_not_in_channel')
  })

  test('a picture is uploaded in three steps and stands in the thread', async () => {
    const fake = await slack()
    const client = clientOf(fake)
    const { ts = '' } = await client.chat.postMessage({ channel: ROOM, text: 'card' })
    const file = Buffer.from('\x89PNG and more', 'latin1')
    await client.filesUploadV2({ channel_id: ROOM, thread_ts: ts, file, filename: 'r7.png', title: 'R7', alt_text: 'rate of R7' })
    expect(fake.messages(ROOM)[1]).toMatchObject({ thread: ts, files: ['r7.png'], lines: ['[file: R7]'] })
    const picture = await fetch(`${fake.page}files/${[...fake.world.files.keys()][0]}`)
    expect(Buffer.from(await picture.arrayBuffer())).toEqual(file)
    expect(fake.invalid).toEqual([])
  })

  test('who and where are answered as Slack answers: guests, strangers, deactivated, shared, archived', async () => {
    const client = clientOf(await slack())
    const user = async (id: string) => (await client.users.info({ user: id })).user
    expect(await user('U0GUS')).toMatchObject({ is_restricted: true, deleted: false, team_id: 'T0HOME' })
    expect(await user('U0SAM')).toMatchObject({ is_stranger: true, team_id: 'T0VENDOR' })
    expect(await user('U0GONE')).toMatchObject({ deleted: true })
    expect(await user('U0OTHERBOT')).toMatchObject({ is_bot: true })
    const channel = async (id: string) => (await client.conversations.info({ channel: id })).channel
    expect(await channel('C0SHARED')).toMatchObject({ is_ext_shared: true, is_private: true })
    expect(await channel('C0OPEN')).toMatchObject({ is_private: false, is_member: true })
    expect(await channel('C0OLD')).toMatchObject({ is_archived: true })
    await expect(channel('C0ELSEWHERE')).rejects.toThrow('channel_not_found')
    expect((await client.usergroups.users.list({ usergroup: 'S0LEADS' })).users).toEqual(['U0LEE', 'U0ANN'])
    expect(await client.auth.test()).toMatchObject({ team_id: 'T0HOME', user_id: 'U0SIGNALBOX', bot_id: 'B0SIGNALBOX' })
    expect((await client.bots.info({ bot: 'B0SIGNALBOX' })).bot).toMatchObject({ app_id: 'A0SIGNALBOX' })
  })

  test('a user group is asked for its people, and is none when it is disabled or not there; who is deactivated is in none', async () => {
    const fake = await slack()
    const client = clientOf(fake)
    const people = async (usergroup: string, disabled = false) =>
      (await client.usergroups.users.list({ usergroup, include_disabled: disabled })).users
    await expect(people('S0NONE')).rejects.toThrow('no_such_subteam')
    await expect(people('S0OLD')).rejects.toThrow('no_such_subteam')
    expect(await people('S0OLD', true)).toEqual(['U0LEE'])
    fake.deactivated('lee')
    expect(await people('S0LEADS')).toEqual(['U0ANN'])
    const all = await client.usergroups.list({ include_disabled: true, include_count: true })
    expect(all.usergroups?.map(({ id, date_delete, user_count }) => [id, date_delete, user_count])).toEqual([
      ['S0LEADS', 0, 2],
      ['S0OLD', 2, 1],
      ['S0EMPTY', 0, 0],
    ])
    expect((await client.usergroups.list()).usergroups?.map(({ id }) => id)).toEqual(['S0LEADS', 'S0EMPTY'])
  })

  test('a token without the scope is told which one it lacks, and every answer names those it has', async () => {
    const client = clientOf(await slack({ scopes: ['chat:write'] }))
    const refused = await client.users.info({ user: 'U0LEE' }).catch((error: { data: object }) => error.data)
    expect(refused).toMatchObject({ error: 'missing_scope', needed: 'users:read', provided: 'chat:write' })
    expect((await client.auth.test()).response_metadata?.scopes).toEqual(['chat:write'])
  })

  test.each([
    ['another token', 'xoxb-another', 'invalid_auth'],
    ['the token of the app where the bot is wanted', DEFAULTS.appToken, 'not_allowed_token_type'],
  ])('%s gets nowhere', async (_, token, error) => {
    await expect(clientOf(await slack(), token).auth.test()).rejects.toThrow(error)
  })

  test('a method that is not there is said to be unknown', async () => {
    await expect(clientOf(await slack()).apiCall('chat.shout')).rejects.toThrow('unknown_method')
  })

  test('JSON bodies are read as forms are', async () => {
    const fake = await slack()
    const answer = await fetch(`${fake.api}chat.postMessage`, {
      method: 'POST',
      headers: { authorization: `Bearer ${DEFAULTS.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ channel: ROOM, text: 'x', blocks: [section('by JSON')] }),
    })
    expect(await answer.json()).toMatchObject({ ok: true })
    expect(fake.messages(ROOM)[0]?.lines).toEqual(['by JSON'])
  })

  test('an answer looks as Slack describes it', async () => {
    const fake = await slack()
    const client = clientOf(fake)
    const { ts = '' } = await client.chat.postMessage({ channel: ROOM, text: 'card' })
    await client.chat.update({ channel: ROOM, ts, text: 'card 2' })
    await client.chat.getPermalink({ channel: ROOM, message_ts: ts })
    await client.conversations.history({ channel: ROOM })
    await client.conversations.replies({ channel: ROOM, ts })
    await client.conversations.info({ channel: ROOM })
    await client.conversations.open({ users: 'U0LEE' })
    await client.users.info({ user: 'U0LEE' })
    await client.usergroups.list({ include_disabled: true, include_count: true })
    await client.usergroups.users.list({ usergroup: 'S0LEADS' })
    await client.team.info()
    await client.bots.info({ bot: 'B0SIGNALBOX' })
    await client.auth.test()
    await client.chat.delete({ channel: ROOM, ts })
    expect(fake.unlike).toEqual([])
  })
})

describe('how often Slack may be called', () => {
  test('a call over the tier gets a 429 with Retry-After, and is taken once that time has gone by', async () => {
    const time = pushedTime()
    const fake = await slack({ time })
    const client = clientOf(fake)
    for (let n = 0; n < 5; n++) await client.chat.postMessage({ channel: ROOM, text: `${n}` })
    const update = () => client.chat.update({ channel: ROOM, ts: fake.messages()[0]?.message ?? '', text: 'again' })
    for (let n = 0; n < 50; n++) await update()
    const refused = await update().catch((error: { retryAfter: number }) => error.retryAfter)
    expect(refused).toBe(60)
    expect(fake.ledger.at(-1)).toMatchObject({ method: 'chat.update', status: 429 })
    time.push(60_000)
    await update()
  })

  test('a channel takes five messages at once and then one each second, and another channel its own', async () => {
    const time = pushedTime()
    const fake = await slack({ time })
    const client = clientOf(fake)
    const post = (channel: string) => client.chat.postMessage({ channel, text: 'x' })
    for (let n = 0; n < 5; n++) await post(ROOM)
    await expect(post(ROOM)).rejects.toMatchObject({ retryAfter: 1 })
    await post('C0SECOND')
    time.push(1_000)
    await post(ROOM)
    await expect(post(ROOM)).rejects.toMatchObject({ retryAfter: 1 })
  })
})
