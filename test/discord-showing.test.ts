import { afterEach, describe, expect, test } from 'vitest'
import type { NotShown } from '../src/ports/chat.ts'
import { card, closeRooms, room, until } from './discord-room.ts'

afterEach(closeRooms)

const why = (doing: Promise<unknown>): Promise<string> =>
  doing.then(
    () => 'shown',
    (error: NotShown) => error.how,
  )

describe('a card in the channel', () => {
  test('is one message, edited in place with the token of the bot however long the run takes', async () => {
    const { fake, chat, at, time } = await room()
    const post = await chat.post(at, card(), 'R7/card', 'answer')
    time.push(3 * 86_400_000)
    await chat.edit(post, card({ tone: 'good', state: 'succeeded after 3.0 days', lines: [], buttons: [] }), 'end')
    const [shown, ...others] = fake.messages(at.channel)
    expect(others).toEqual([])
    expect(shown).toMatchObject({ message: post.message, edits: 1, buttons: [] })
    expect(shown?.lines).toEqual([
      'R7 Migrate ora_data_01 to vmax-275',
      'succeeded after 3.0 days',
      expect.stringMatching(/^R7 · [0-9a-f]{6}$/),
    ])
    expect(fake.ledger.filter(({ method }) => method.startsWith('PATCH')).map(({ method }) => method)).toEqual([
      'PATCH /channels/{channel_id}/messages/{message_id}',
    ])
    expect(fake.invalid).toEqual([])
  })

  test('lies there silently, and what calls for somebody rings', async () => {
    const { fake, chat, at } = await room()
    const { message } = await chat.post(at, card(), 'R7/card', 'answer')
    await chat.post({ ...at, thread: message }, card({ buttons: [] }), 'R7/ring-open-1', 'answer')
    const flags = fake.ledger
      .filter(({ method }) => method === 'POST /channels/{channel_id}/messages')
      .filter(({ status }) => status === 200)
      .map(({ body }) => (body as { flags?: number }).flags)
    expect(flags).toEqual([4096, undefined])
  })

  test('is recognised after a crash, in its channel and in its thread, and only by its own key', async () => {
    const { fake, chat, at, time } = await room()
    const since = time.now()
    const post = await chat.post(at, card(), 'R7/card', 'answer')
    const ring = await chat.post({ ...at, thread: post.message }, card({ buttons: [] }), 'R7/ring-open-1', 'answer')
    for (let n = 0; n < 130; n += 1) await fake.says('ann', `talk ${n}`)
    expect(await chat.find(at, 'R7/card', since)).toEqual(post)
    expect(await chat.find({ ...at, thread: post.message }, 'R7/ring-open-1', since)).toEqual(ring)
    expect(await chat.find(at, 'R8/card', since)).toBeUndefined()
    expect(await chat.find({ ...at, thread: post.message }, 'R7/ring-open-2', since)).toBeUndefined()
    const late = await chat.post(at, card(), 'R9/card', 'answer')
    expect(await chat.find(at, 'R9/card', since)).toEqual(late)
  })

  test('keeps what it is recognised by through an edit of a process that did not post it', async () => {
    const first = await room()
    const since = first.time.now()
    const post = await first.chat.post(first.at, card(), 'R7/card', 'answer')
    await first.chat.edit(post, card({ state: 'done' }), 'end')
    expect(await first.chat.find(first.at, 'R7/card', since)).toEqual(post)
    const footers = first.fake.messages().flatMap(({ lines }) => lines.filter(line => line.startsWith('R7 ·')))
    expect(footers).toHaveLength(1)
  })

  test('was posted once when the answer to posting it got lost, and posting it again is the same message', async () => {
    const { fake, chat, at, time } = await room()
    fake.misbehave({ how: 'lose answer', to: /POST .*messages$/, times: 1 })
    expect(await why(chat.post(at, card(), 'R7/card', 'answer'))).toBe('unclear')
    const found = await chat.find(at, 'R7/card', time.now())
    expect(found?.message).toBe(fake.messages(at.channel)[0]?.message)
    expect(await chat.post(at, card(), 'R7/card', 'answer')).toEqual(found)
    expect(fake.messages(at.channel)).toHaveLength(1)
  })

  test('is posted anew when somebody removed it, though Discord still knows its nonce', async () => {
    const { fake, chat, at, time } = await room()
    const post = await chat.post(at, card(), 'R7/card', 'answer')
    time.push(60_000)
    fake.deletes(post.message)
    expect(await why(chat.edit(post, card({ state: 'later' }), 'end'))).toBe('gone')
    const again = await chat.post(at, card({ state: 'later' }), 'R7/card', 'answer')
    expect(again.message).not.toBe(post.message)
    expect(
      fake
        .messages(at.channel)
        .filter(({ deleted }) => !deleted)
        .map(({ message }) => message),
    ).toEqual([again.message])
  })

  test('has its picture in it', async () => {
    const { fake, chat, at } = await room()
    const points = [0, 1, 2, 3].map(n => [n * 60_000, n / 3] as const)
    const chart = { title: 'R7', lines: [{ label: 'progress', unit: 'share', points } as const] }
    const post = await chat.post(at, card({ chart }), 'R7/ring-end', 'end')
    expect(fake.messages(at.channel)[0]?.files).toEqual(['chart.png'])
    expect(fake.file(post.message, 'chart.png').subarray(1, 4).toString()).toBe('PNG')
    await chat.edit(post, card(), 'end')
    expect(fake.messages(at.channel)[0]?.files).toEqual([])
    expect(fake.invalid).toEqual([])
  })
})

describe('the thread of a card', () => {
  test('is made when there is something to ring in it, and has the name of the run', async () => {
    const { fake, chat, at } = await room()
    const { message } = await chat.post(at, card({ title: `R7 ${'Migrate_it '.repeat(30)}` }), 'R7/card', 'answer')
    const ring = await chat.post({ ...at, thread: message }, card({ title: 'R7 asks', buttons: [] }), 'R7/ring-open-1', 'answer')
    const second = await chat.post(
      { ...at, thread: message },
      card({ title: 'R7 is held', buttons: [] }),
      'R7/ring-held-1',
      'answer',
    )
    expect([ring.thread, second.thread]).toEqual([message, message])
    expect(fake.messages(at.channel).map(({ thread, lines }) => [thread, lines[0]?.slice(0, 10)])).toEqual([
      [undefined, 'R7 Migrate'],
      [message, 'R7 asks'],
      [message, 'R7 is held'],
    ])
    const names = fake.ledger
      .filter(({ method }) => method.endsWith('/threads'))
      .map(({ body }) => (body as { name: string }).name)
    expect(names).toHaveLength(1)
    expect(names[0]).toMatch(/^R7 Migrate_it .*…$/)
    expect(names[0]?.length).toBe(100)
    expect(fake.invalid).toEqual([])
  })

  test('may have been made by somebody else in the same moment', async () => {
    const { fake, chat, at } = await room()
    const { message } = await chat.post(at, card(), 'R7/card', 'answer')
    const both = await Promise.all(
      ['R7/ring-a', 'R7/ring-b'].map(key => chat.post({ ...at, thread: message }, card({ buttons: [] }), key, 'answer')),
    )
    expect(both.map(({ thread }) => thread)).toEqual([message, message])
    expect(fake.messages(at.channel)).toHaveLength(3)
  })

  test('cannot be made when the card was removed: it rings in the channel', async () => {
    const { fake, chat, at, time } = await room()
    const since = time.now()
    const { message } = await chat.post(at, card(), 'R7/card', 'answer')
    fake.deletes(message)
    const ring = await chat.post({ ...at, thread: message }, card({ title: 'R7 asks', buttons: [] }), 'R7/ring-open-1', 'answer')
    expect(ring).toEqual({ ...at, message: fake.messages(at.channel).at(-1)?.message })
    expect(await chat.find({ ...at, thread: message }, 'R7/ring-open-1', since)).toEqual(ring)
  })

  test('is of no use where the bot may not make one: it rings in the channel', async () => {
    const { fake, chat, at } = await room()
    const { message } = await chat.post(at, card(), 'R7/card', 'answer')
    fake.misbehave({ how: 'refuse', to: /threads$/, error: '50013' })
    const ring = await chat.post({ ...at, thread: message }, card({ title: 'R7 asks', buttons: [] }), 'R7/ring-open-1', 'answer')
    expect(ring.thread).toBeUndefined()
    expect(fake.messages(at.channel).at(-1)?.lines[0]).toBe('R7 asks')
  })
})

describe('why something is not shown', () => {
  test.each([
    ['the channel was deleted', { how: 'archived' }, 'closed'],
    ['the bot was put out of the channel', { how: 'removed' }, 'closed'],
  ] as const)('%s', async (_, knob, how) => {
    const { fake, chat, at } = await room()
    const post = await chat.post(at, card(), 'R7/card', 'answer')
    fake.misbehave({ ...knob, channel: at.channel })
    expect(await why(chat.post(at, card(), 'R8/card', 'answer'))).toBe(how)
    expect(await why(chat.edit(post, card({ state: 'x' }), 'answer'))).toBe(how)
  })

  test.each([
    ['a limit', { how: 'limit', after: 2_000 }, 'later', 'later'],
    ['a limit on everything', { how: 'limit', after: 2_000, everywhere: true }, 'later', 'later'],
    ['an error of Discord', { how: 'fail', status: 502 }, 'unclear', 'later'],
    ['a page of something in between', { how: 'garble' }, 'unclear', 'later'],
    ['a connection that ended before', { how: 'lose request' }, 'unclear', 'later'],
    ['a connection that ended after', { how: 'lose answer' }, 'unclear', 'later'],
    ['a body that it does not take', { how: 'refuse', error: '50035' }, 'refused', 'refused'],
    ['nobody there', { how: 'vanish' }, 'unclear', 'later'],
  ] as const)('%s', async (_, knob, posting, finding) => {
    const { fake, chat, at, time } = await room({ idle: true })
    await chat.find(at, 'R7/card', time.now())
    fake.misbehave(knob)
    const posted = await why(chat.post(at, card(), 'R7/card', 'answer'))
    expect(posted).toBe(posting)
    expect(await why(chat.find(at, 'R7/card', time.now()))).toBe(finding)
    fake.heal()
    expect(fake.ledger.filter(({ method }) => method === 'POST /channels/{channel_id}/messages').length).toBeLessThanOrEqual(1)
  })

  test('nobody there at all: nothing was sent', async () => {
    const { fake, chat, at } = await room({ idle: true })
    await fake.stop()
    expect(await why(chat.post(at, card(), 'R7/card', 'answer'))).toBe('later')
  })

  test('a limit says for how long, and nothing is sent before', async () => {
    const { fake, chat, at } = await room({ idle: true })
    fake.misbehave({ how: 'limit', after: 2_000, to: /POST/, times: 1 })
    const error = (await chat.post(at, card(), 'R7/card', 'answer').catch((error: NotShown) => error)) as NotShown
    expect(error.after).toBeGreaterThanOrEqual(2_000)
    const begun = performance.now()
    await chat.post(at, card(), 'R8/card', 'answer')
    expect(performance.now() - begun).toBeGreaterThan(1_900)
    expect(fake.ledger.map(({ status }) => status)).toEqual([429, 200])
  })

  test('a thread that was put away is brought back for an edit', async () => {
    const { fake, chat, at } = await room()
    const { message } = await chat.post(at, card(), 'R7/card', 'answer')
    const ring = await chat.post({ ...at, thread: message }, card({ buttons: [] }), 'R7/ring-a', 'answer')
    fake.misbehave({ how: 'refuse', to: /PATCH .*messages/, error: '50083', times: 1 })
    await chat.edit(ring, card({ title: 'R7 is over', buttons: [] }), 'end').catch(() => {}) // the fake brings no thread back
    expect(fake.ledger.find(({ method }) => /^PATCH \S*channels\/[^/]+$/.test(method))?.body).toEqual({ archived: false })
  })

  test('a token that was taken away is told as such, and the bot is not well', async () => {
    const { fake, chat, at, logged } = await room()
    fake.misbehave({ how: 'revoked' })
    expect(await why(chat.post(at, card(), 'R7/card', 'answer'))).toBe('revoked')
    expect(await why(chat.post(at, card(), 'R7/card', 'answer'))).toBe('revoked')
    await until(() => !chat.health().ok)
    expect(chat.health().says).toContain('token')
    expect(logged.join('\n')).not.toContain(fake.token)
  })

  test('a bot that is refused again and again stops asking, long before Discord bans its address', async () => {
    const { fake, chat, at, time } = await room({ idle: true, hasty: true })
    fake.misbehave({ how: 'storm', status: 403 })
    for (let n = 0; n < 60; n += 1)
      await Promise.all(
        Array.from({ length: 10 }, (_, m) => why(chat.standing({ id: `${n}`, text: '', by: `discord:${n}${m}` as never, at }))),
      )
    expect(fake.invalidRequests).toBeGreaterThan(400)
    expect(fake.invalidRequests).toBeLessThanOrEqual(520)
    expect(chat.health()).toMatchObject({ ok: false })
    expect(await why(chat.post(at, card(), 'R7/card', 'answer'))).toBe('later')
    fake.heal()
    time.push(10 * 60_000)
    expect(await why(chat.post(at, card(), 'R7/card', 'answer'))).toBe('shown')
  })
})

describe('standing', () => {
  test('says of everybody who they are in our guild', async () => {
    const { fake, chat, at } = await room()
    const speaker = async (name: string) =>
      (await chat.standing({ id: '1', text: '', by: `discord:${fake.person(name)}` as never, at })).speaker
    expect(await speaker('lee')).toBe('member')
    expect(await speaker('gus')).toBe('guest')
    expect(await speaker('sam')).toBe('foreign')
    expect(await speaker('otherbot')).toBe('machine')
    expect(await speaker('hook')).not.toBe('member')
  })

  test('is believed for a minute: whoever has left is a stranger after that', async () => {
    const { fake, chat, at, time } = await room()
    const lee = { id: '1', text: '', by: `discord:${fake.person('lee')}` as never, at }
    expect((await chat.standing(lee)).speaker).toBe('member')
    fake.leaves('lee')
    expect((await chat.standing(lee)).speaker).toBe('member')
    time.push(60_000)
    expect((await chat.standing(lee)).speaker).toBe('foreign')
  })

  test('says of every place what kind it is', async () => {
    const one = await room({ listed: 'both' })
    const place = async (channel: string, of = one) =>
      (
        await of.chat.standing({
          id: '1',
          text: '',
          by: `discord:${of.fake.person('lee')}` as never,
          at: { chat: 'discord', channel },
        })
      ).place
    expect(await place(one.work)).toBe('work')
    expect(await place(one.lounge)).toBe('open')
    expect(await place('1100000000000009999')).toBe('elsewhere')
    const allowed = await room({ listed: 'both', publicChannels: true })
    expect(await place(allowed.lounge, allowed)).toBe('work')
    const strict = await room()
    expect(await place(strict.lounge, strict)).toBe('elsewhere')
    await strict.chat.whisper(
      { id: '5', text: '', by: `discord:${strict.fake.person('lee')}` as never, at: strict.at, on: '4' },
      card(),
    )
    const direct = strict.fake.messages().find(({ channel }) => channel !== strict.work)
    expect(await place(direct?.channel ?? '', strict)).toBe('direct')
  })

  test('is not guessed when Discord does not answer', async () => {
    const { fake, chat, at } = await room()
    fake.misbehave({ how: 'fail', to: /members/ })
    expect(await why(chat.standing({ id: '1', text: '', by: 'discord:1100000000000000102' as never, at }))).toBe('later')
  })
})
