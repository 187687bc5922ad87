import { afterEach, describe, expect, test } from 'vitest'
import type { Card, Place, Said } from '../src/domain/chat.ts'
import type { Handle } from '../src/domain/ids.ts'
import { NotShown } from '../src/ports/chat.ts'
import { CARD, type RigOptions, type SlackRig, slackRig, until, WORK } from './fakes/given-slack.ts'
import { channelEvent, userChangeEvent } from './fakes/slack/payloads.ts'

let rig: SlackRig
afterEach(async () => {
  await rig.stop()
  expect(rig.slack.invalid).toEqual([])
  expect(rig.slack.pings).toEqual([])
  expect(rig.log.join('\n')).not.toMatch(/xoxb|xapp|ticket/)
})
const start = async (options?: RigOptions): Promise<SlackRig> => {
  rig = await slackRig(options)
  return rig
}

const said = (user: string, channel: string, thread?: string): Said => ({
  id: 'x',
  text: 'help',
  by: `slack:${user}` as Handle,
  at: { chat: 'slack', channel, ...(thread === undefined ? {} : { thread }) },
})
const SHORT: Card = { title: 'R1 is paused', tone: 'calm', lines: [], buttons: [] }
const posts = () => rig.slack.messages().filter(({ key }) => key !== undefined)
const post = (at: Place = WORK, key = 'R1/card') => rig.chat.post(at, CARD, key, 'answer')
/** How it was not shown, and what the error says. */
async function notShown(doing: Promise<unknown>): Promise<NotShown> {
  const error = await doing.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(error instanceof NotShown)) throw new Error('it was shown, or broke otherwise', { cause: error })
  expect(error.message).not.toMatch(/xoxb|http:|<html/i)
  return error
}

describe('a card', () => {
  test('is posted with its name, edited in place, and rings in its thread without ringing in the channel', async () => {
    const { slack, chat } = await start()
    const card = await post()
    const ring = await chat.post({ ...WORK, thread: card.message }, SHORT, 'R1/ring-held', 'answer')
    await chat.edit(card, { ...CARD, tone: 'good', state: 'succeeded after 3 s' }, 'end')
    expect(
      slack.messages().map(({ message, thread, key, edits, lines }) => ({ message, thread, key, edits, line: lines.at(-1) })),
    ).toEqual([
      { message: card.message, thread: undefined, key: 'R1/card', edits: 1, line: '[>] copy \u2014 since 14:00:00 UTC' },
      { message: ring.message, thread: card.message, key: 'R1/ring-held', edits: 0, line: '\u{1f535} R1 is paused' },
    ])
    expect(slack.messages()[0]?.lines[1]).toBe('\u{1f7e2} succeeded after 3 s')
    for (const { method, body } of slack.ledger.filter(({ method }) => method === 'chat.postMessage'))
      expect([method, body]).toEqual([
        method,
        expect.objectContaining({ unfurl_links: 'false', unfurl_media: 'false', parse: 'none', link_names: 'false' }),
      ])
  })

  test('that was posted before a crash is found by its name, in the channel and in a thread, and only if it is ours', async () => {
    const { slack, chat } = await start()
    const since = Date.now()
    const card = await post()
    const ring = await chat.post({ ...WORK, thread: card.message }, SHORT, 'R1/ring-held', 'answer')
    for (let n = 0; n < 250; n++) slack.writes('olga', `lunch ${n}`)
    expect(await chat.find(WORK, 'R1/card', since)).toEqual(card)
    expect(await chat.find({ ...WORK, thread: card.message }, 'R1/ring-held', since)).toEqual(ring)
    expect(await chat.find(WORK, 'R2/card', since)).toBeUndefined()
    expect(await chat.find(WORK, 'R1/card', since + 120_000)).toBeUndefined()
    // Anybody can write that name into a message of theirs.
    const forged = slack.writes('lee', 'R9')
    forged.metadata = { event_type: 'signalbox', event_payload: { key: 'R9/card' } }
    expect(await chat.find(WORK, 'R9/card', since)).toBeUndefined()
  })

  test('cannot be looked for without the scope: it is not found, and that is said once', async () => {
    const { chat, log } = await start({ fake: { scopes: ['chat:write', 'groups:read', 'users:read'] } })
    expect(await chat.find(WORK, 'R1/card', 0)).toBeUndefined()
    expect(await chat.find(WORK, 'R1/card', 0)).toBeUndefined()
    expect(log.filter(line => line.includes('missing_scope (groups:history)'))).toHaveLength(1)
    expect(chat.health().ok).toBe(true)
  })

  test('whose thread lost its beginning still rings, in the channel, and is found there', async () => {
    const { slack, chat } = await start()
    const card = await post()
    slack.misbehave({ how: 'deleted', message: card.message })
    const ring = await chat.post({ ...WORK, thread: card.message }, SHORT, 'R1/ring-held', 'answer')
    expect(slack.messages().find(({ key }) => key === 'R1/ring-held')?.thread).toBeUndefined()
    expect((await chat.find({ ...WORK, thread: card.message }, 'R1/ring-held', 0))?.message).toBe(ring.message)
  })

  test('in a channel that people of another organisation read says that there is a run, and nothing of what it touches', async () => {
    const { slack, chat } = await start()
    await chat.post(
      { chat: 'slack', channel: 'C0SHARED' },
      { ...CARD, buttons: [{ label: 'Retry', says: 'retry R1' }] },
      'R1/card',
      'answer',
    )
    const [card] = slack.messages('with-the-vendor')
    expect(card?.lines.join('\n')).not.toMatch(/harddisk5|sql01|copy/)
    expect(card?.lines[0]).toBe('\u{1f535} R1')
    expect(card?.buttons).toEqual([])
  })

  test('that speaks of a message leads to it', async () => {
    const { slack, chat } = await start()
    const card = await post()
    await chat.whisper(said('U0OLGA', 'C0SECOND'), { ...SHORT, where: card })
    expect(slack.messages('second')[0]?.lines).toEqual(['\u{1f535} R1 is paused', 'Its card in #migrations'])
    expect(JSON.stringify(slack.ledger.at(-1)?.body)).toContain(
      `/archives/C0MIGRATIONS/p${card.message.replace('.', '')}|Its card>`,
    )
  })
})

test('a channel that the site names is called by its name, but where it stands to be copied and where it is no channel', async () => {
  const { slack, chat } = await start()
  const lines = [
    'Say it in #C0SECOND or #C0NOBODYS.',
    'Say `subscribe #C0SECOND to migrations`.',
    'https://x.example/#C0SECOND and a#C0SECOND',
  ]
  await chat.whisper(said('U0OLGA', 'C0MIGRATIONS'), { ...SHORT, lines })
  expect(slack.messages()[0]?.lines.slice(1)).toEqual([
    'Say it in #second or #C0NOBODYS.',
    'Say subscribe #C0SECOND to migrations.',
    'https://x.example/#C0SECOND and a#C0SECOND',
  ])
})

describe('a picture', () => {
  const chart = {
    title: 'R1 throughput',
    lines: [
      {
        label: 'copy',
        unit: 'bytes/s' as const,
        points: [
          [0, 1e6],
          [60_000, 2e6],
        ] as const,
      },
    ],
  }

  test('comes with the words it belongs to, in their thread, and a second crash does not draw it twice', async () => {
    const { slack, chat } = await start()
    const since = Date.now()
    const card = await post()
    const thread = { ...WORK, thread: card.message }
    const end = { ...SHORT, title: 'R1 succeeded', chart }
    await chat.post(thread, end, 'R1/ring-end', 'end')
    const pictures = () => slack.messages().filter(({ files }) => files.length > 0)
    expect(pictures()).toMatchObject([{ thread: card.message, lines: ['[file: R1 throughput [R1/ring-end]]'] }])
    const found = await chat.find(thread, 'R1/ring-end', since)
    if (!found) throw new Error('the ring was not found')
    await chat.edit(found, end, 'end')
    expect(pictures()).toHaveLength(1)
  })

  test('that was lost in a crash is drawn when its words are found', async () => {
    const { slack, chat, log } = await start()
    const card = await post()
    const thread = { ...WORK, thread: card.message }
    slack.misbehave({ how: 'fail', to: 'files.completeUploadExternal', times: 1 })
    const ring = await chat.post(thread, { ...SHORT, chart }, 'R1/ring-end', 'end')
    expect(log.at(-1)).toContain('the picture of R1/ring-end is missing')
    expect(await chat.find(thread, 'R1/ring-end', 0)).toEqual(ring)
    await chat.edit(ring, { ...SHORT, chart }, 'end')
    expect(slack.messages().filter(({ files }) => files.length > 0)).toHaveLength(1)
  })

  test('that somebody asks for is shown where they work, and elsewhere its figures are whispered', async () => {
    const { slack, chat } = await start()
    const asked: Card = { title: 'R1 throughput', tone: 'calm', lines: [], buttons: [], chart }
    await chat.whisper(said('U0OLGA', 'C0MIGRATIONS'), asked)
    expect(slack.messages('migrations').map(({ files, ephemeralTo }) => [files, ephemeralTo])).toEqual([
      [['chart.png'], undefined],
    ])
    await chat.whisper(said('U0OLGA', 'C0OPEN'), asked)
    expect(slack.messages('storage-lounge')).toMatchObject([
      {
        ephemeralTo: 'U0OLGA',
        lines: ['\u{1f535} R1 throughput', 'copy: 2 MB/s at the end', 'Ask in a channel for work to see the picture.'],
      },
    ])
  })
})

describe('an answer', () => {
  test('is seen by the speaker alone, without buttons', async () => {
    const { slack, chat } = await start()
    await chat.whisper(said('U0OLGA', 'C0MIGRATIONS'), { ...CARD, buttons: [{ label: 'Retry', says: 'retry R1' }] })
    expect(slack.messages()).toMatchObject([{ ephemeralTo: 'U0OLGA', buttons: [] }])
  })

  test('in a direct message is an ordinary one, and at home it is the home', async () => {
    const { slack, chat } = await start()
    await slack.says('lee', 'help', { via: 'direct' })
    await slack.opensHome('lee')
    for (const one of rig.heard) await chat.whisper(one, SHORT)
    expect(slack.messages('D0LEE').at(-1)).toMatchObject({ lines: ['\u{1f535} R1 is paused'] })
    expect(slack.messages('D0LEE').at(-1)?.ephemeralTo).toBeUndefined()
    expect(slack.home('lee')).toEqual(['\u{1f535} R1 is paused'])
  })

  test('to a slash command where the bot is not is told directly', async () => {
    const { slack, chat } = await start()
    expect(await slack.says('olga', 'help', { via: 'command', channel: 'without-us' })).toBe(true)
    const [one] = rig.heard
    if (!one) throw new Error('nothing was heard')
    await chat.whisper(one, SHORT)
    expect(slack.messages('D0OLGA')).toMatchObject([{ lines: ['\u{1f535} R1 is paused'] }])
  })

  test('of any length arrives whole, in as many messages as it takes', async () => {
    const { slack, chat } = await start()
    const lines = Array.from(
      { length: 400 },
      (_, n) => `line ${n} of a long answer, as a device gives it when it is asked for everything`,
    )
    await chat.whisper(said('U0OLGA', 'C0MIGRATIONS'), { ...SHORT, lines })
    const seen = slack.messages().flatMap(({ lines }) => lines)
    for (const line of lines) expect(seen).toContain(line)
    expect(slack.messages().length).toBeLessThan(6)
  })
})

describe('who speaks and where', () => {
  test('is what Slack says of them, and nothing that they call themselves', async () => {
    const { chat } = await start()
    const speakers = Object.fromEntries(
      await Promise.all(
        ['U0OLGA', 'U0GUS', 'U0SAM', 'U0GONE', 'U0OTHERBOT', 'USLACKBOT', 'U0NOBODY'].map(
          async user => [user, (await chat.standing(said(user, 'C0MIGRATIONS'))).speaker] as const,
        ),
      ),
    )
    expect(speakers).toEqual({
      U0OLGA: 'member',
      U0GUS: 'guest',
      U0SAM: 'foreign',
      U0GONE: 'gone',
      U0OTHERBOT: 'machine',
      USLACKBOT: 'machine',
      U0NOBODY: 'foreign',
    })
  })

  test('work is done in channels that the site names and nobody may just join', async () => {
    const { chat } = await start({ settings: { channels: ['C0MIGRATIONS', 'C0OPEN', 'C0SHARED'] } })
    const place = async (channel: string) => (await chat.standing(said('U0OLGA', channel))).place
    expect(await place('C0MIGRATIONS')).toBe('work')
    expect(await place('C0OPEN')).toBe('open')
    expect(await place('C0SHARED')).toBe('shared')
    expect(await place('C0SECOND')).toBe('elsewhere')
    expect(await place('C0ELSEWHERE')).toBe('elsewhere')
    expect(await place('D0OLGA')).toBe('direct')
    expect(await place('home:U0OLGA')).toBe('direct')
  })

  test('and in public ones where the site says so', async () => {
    const { chat } = await start({ settings: { publicChannels: true } })
    expect((await chat.standing(said('U0OLGA', 'C0OPEN'))).place).toBe('work')
  })

  test('is asked once a minute, and again as soon as Slack tells of a change', async () => {
    const { slack, chat, clock } = await start()
    const ask = () => chat.standing(said('U0OLGA', 'C0MIGRATIONS'))
    const asked = () => slack.ledger.filter(({ method }) => method === 'users.info' || method === 'conversations.info').length
    await Promise.all([ask(), ask(), ask()])
    expect(asked()).toBe(2)
    slack.world.people.set('U0OLGA', { id: 'U0OLGA', name: 'olga', kind: 'guest' })
    expect((await ask()).speaker).toBe('member')
    await slack.deliver(userChangeEvent(slack.world, 'U0OLGA'))
    expect((await ask()).speaker).toBe('guest')
    slack.world.channels.set('C0MIGRATIONS', { ...slack.world.channel('C0MIGRATIONS'), shared: true })
    expect((await ask()).place).toBe('work')
    await slack.deliver(channelEvent(slack.world, 'channel_shared', 'C0MIGRATIONS'))
    expect((await ask()).place).toBe('shared')
    slack.world.people.set('U0OLGA', { id: 'U0OLGA', name: 'olga', kind: 'gone' })
    clock.ahead += 60_001
    expect((await ask()).speaker).toBe('gone')
  })

  test('is not guessed when Slack does not say', async () => {
    const { slack, chat } = await start()
    slack.misbehave({ how: 'fail', to: 'users.info', times: 1 })
    expect((await notShown(chat.standing(said('U0OLGA', 'C0MIGRATIONS')))).how).toBe('later')
    expect((await chat.standing(said('U0OLGA', 'C0MIGRATIONS'))).speaker).toBe('member')
  })
})

describe('when Slack does not show something', () => {
  test.each([
    ['removed by somebody', 'message_not_found', 'gone'],
    ['archived', 'is_archived', 'closed'],
    ['closed to us', 'channel_not_found', 'closed'],
    ['not ours to write in', 'restricted_action', 'closed'],
    ['without a token', 'invalid_auth', 'revoked'],
    ['without a scope', 'missing_scope', 'revoked'],
    ['without an account', 'account_inactive', 'revoked'],
    ['too long', 'msg_too_long', 'refused'],
    ['of a wrong shape', 'invalid_blocks', 'refused'],
    ['something new', 'a_word_that_nobody_knows', 'refused'],
    ['broken within', 'internal_error', 'unclear'],
  ])('%s, it says what happens next', async (_, error, how) => {
    const { slack, chat } = await start()
    const card = await post()
    slack.misbehave({ how: 'refuse', error, to: 'chat.update' })
    expect((await notShown(chat.edit(card, CARD, 'answer'))).how).toBe(how)
  })

  test('an answer that got lost is unclear: the message is there, it is found, and it is not posted twice', async () => {
    const { slack, chat } = await start()
    slack.misbehave({ how: 'lose answer', to: 'chat.postMessage', times: 1 })
    const begun = Date.now()
    expect((await notShown(post())).how).toBe('unclear')
    expect((await chat.find(WORK, 'R1/card', begun))?.message).toBe(posts()[0]?.message)
    expect(posts()).toHaveLength(1)
  })

  test('a request that got lost is unclear too, and nothing is found', async () => {
    const { slack, chat } = await start()
    slack.misbehave({ how: 'lose request', to: 'chat.postMessage', times: 1 })
    expect((await notShown(post())).how).toBe('unclear')
    expect(await chat.find(WORK, 'R1/card', 0)).toBeUndefined()
  })

  test.each([
    ['an error', { how: 'fail' as const, status: 503 }],
    ['a page of HTML', { how: 'garble' as const }],
  ])('%s of a post is unclear, of a whisper it is for later', async (_, knob) => {
    const { slack, chat } = await start()
    slack.misbehave({ ...knob, to: /^chat\./ })
    expect((await notShown(post())).how).toBe('unclear')
    expect((await notShown(chat.whisper(said('U0OLGA', 'C0MIGRATIONS'), SHORT))).how).toBe('later')
  })

  test.each([1_000, 30_000, 300_000])(
    'too many calls are for later, and not before Slack says (%d ms); what is urgent goes on',
    async after => {
      const { slack, chat } = await start()
      const card = await post()
      slack.misbehave({ how: 'limit', after, to: 'chat.update', times: 1 })
      expect(await notShown(chat.edit(card, CARD, 'percent'))).toMatchObject({ how: 'later', after })
      // The budget of that method is shut until then, and no other one.
      const waiting = chat.edit(card, { ...CARD, state: 'copy more' }, 'percent').catch(() => undefined)
      await chat.post({ ...WORK, thread: card.message }, SHORT, 'R1/ring-open', 'answer')
      expect(slack.ledger.filter(({ method }) => method === 'chat.update')).toHaveLength(1)
      void waiting
    },
  )

  test('nobody there is for later, because nothing was sent', async () => {
    const { slack } = await start()
    await post()
    await slack.stop()
    // The first one may still go out on the connection that has just died, and nobody knows what became of it.
    expect(['unclear', 'later']).toContain((await notShown(post(WORK, 'R2/card'))).how)
    expect((await notShown(post(WORK, 'R2/card'))).how).toBe('later')
  })

  test('a request that is never answered ends after ten seconds, and is unclear', async () => {
    const { slack } = await start()
    slack.misbehave({ how: 'hang', to: 'chat.postMessage', times: 1 })
    const begun = performance.now()
    const error = await notShown(post())
    expect(error.how).toBe('unclear')
    expect(error.message).toContain('in time')
    expect(performance.now() - begun).toBeLessThan(13_000)
  })

  test('a message that was deleted, a channel that was archived, a bot that was removed: each is known for what it is', async () => {
    const { slack, chat } = await start()
    const card = await post()
    slack.misbehave({ how: 'deleted', message: card.message })
    expect((await notShown(chat.edit(card, CARD, 'answer'))).how).toBe('gone')
    const second = await post({ chat: 'slack', channel: 'C0SECOND' }, 'R2/card')
    slack.misbehave({ how: 'archived', channel: 'second' })
    expect((await notShown(chat.edit(second, CARD, 'answer'))).how).toBe('closed')
    expect((await notShown(post({ chat: 'slack', channel: 'C0SECOND' }, 'R3/card'))).how).toBe('closed')
    slack.misbehave({ how: 'removed', channel: 'migrations' })
    expect((await notShown(post(WORK, 'R4/card'))).how).toBe('closed')
    slack.heal()
    expect(await post(WORK, 'R5/card')).toMatchObject(WORK)
  })

  test('with the token revoked the chat is not well, says what to do, and is well again with the token', async () => {
    const { slack, chat } = await start()
    await post()
    slack.misbehave({ how: 'revoked' })
    expect((await notShown(post(WORK, 'R2/card'))).how).toBe('revoked')
    await until('it is known', () => !chat.health().ok)
    expect(chat.health().says).toMatch(/revoked.*Install the app again, give its new token to Signalbox and start it anew\.$/)
    slack.heal()
    await post(WORK, 'R3/card')
    expect(chat.health()).toEqual({ ok: true, says: 'connected as signalbox to T0HOME' })
  })
})

test('a burst of percentages meets no 429 of our own making, and a gate does not wait behind it', async () => {
  const { slack, chat } = await start({ fake: { tiers: 1 } })
  const card = await post()
  const edits = Array.from({ length: 60 }, (_, n) =>
    chat.edit(card, { ...CARD, state: `copy ${n}` }, 'percent').catch(() => undefined),
  )
  await chat.post({ ...WORK, thread: card.message }, SHORT, 'R1/ring-open', 'answer')
  const before = slack.ledger.slice(
    0,
    slack.ledger.findIndex(({ key }) => key === 'R1/ring-open'),
  )
  expect(before.filter(({ method }) => method === 'chat.update').length).toBeLessThan(10)
  expect(slack.ledger.filter(({ status }) => status === 429)).toEqual([])
  void edits
})
