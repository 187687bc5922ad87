import { afterEach, describe, expect, test } from 'vitest'
import { arrivalOf } from '../src/chat/discord/interactions.ts'
import { mentionOf } from '../src/chat/discord/mentions.ts'
import { snowflakeAt } from '../src/chat/discord/snowflake.ts'
import { card, closeRooms, room, until } from './discord-room.ts'

afterEach(closeRooms)

const said = { title: 'Understood', tone: 'calm', lines: ['  one run'], buttons: [] } as const
const refused = { title: 'I do not understand `migrte`.', tone: 'bad', lines: ['Did you mean `migrate`?'], buttons: [] } as const

describe('what people say', () => {
  test('a slash command is durable before it is acknowledged, and its answer is seen by its speaker alone', async () => {
    const { fake, chat, heard, hearing, work } = await room()
    let asked = false
    let durable = (): void => {}
    hearing(() => {
      asked = true
      return new Promise(resolve => {
        durable = resolve
      })
    })
    const acknowledged = fake.says('lee', 'show runs', { via: 'command' })
    await until(() => asked)
    expect(fake.ledger.filter(({ method }) => method.includes('callback'))).toEqual([])
    durable()
    expect(await acknowledged).toBe(true)
    const [one] = heard
    expect(one).toMatchObject({ text: 'show runs', by: `discord:${fake.person('lee')}`, at: { chat: 'discord', channel: work } })
    expect(one?.id).toMatch(/^\d{17,20}$/)
    await chat.whisper(one!, said)
    const [answer] = fake.messages(work)
    expect(answer).toMatchObject({ ephemeralTo: fake.person('lee'), buttons: [] })
    expect(answer?.lines).toEqual(['Understood', expect.stringContaining('one run')])
    expect(fake.invalid).toEqual([])
  })

  test('an answer that is ready before Discord has taken the acknowledgement waits for it', async () => {
    const { fake, chat, hearing, work } = await room()
    let answered = Promise.resolve()
    hearing(one => {
      answered = chat.whisper(one, said)
      return new Promise(resolve => setTimeout(resolve, 50))
    })
    await fake.says('lee', 'show runs', { via: 'command' })
    await answered
    expect(fake.messages()).toMatchObject([
      { channel: work, ephemeralTo: fake.person('lee'), lines: ['Understood', expect.anything()] },
    ])
  })

  test('what could not be made durable is asked for again', async () => {
    const { fake, hearing, heard, counted, work } = await room()
    hearing(() => Promise.reject(new Error('the disk is full')))
    expect(await fake.says('lee', 'show runs', { via: 'command' })).toBe(true)
    expect(fake.messages(work)[0]).toMatchObject({
      ephemeralTo: fake.person('lee'),
      lines: ['That was not heard. Say it again.'],
    })
    await fake.says('lee', 'show runs')
    await until(() =>
      fake.messages(work).find(({ lines, ephemeralTo }) => !ephemeralTo && lines.includes('That was not heard. Say it again.')),
    )
    expect(heard).toEqual([])
    expect(counted).toEqual(['not-durable', 'not-durable'])
  })

  test('no secret stands in the log, whatever an error says', async () => {
    const { fake, hearing, logged } = await room()
    hearing(() => Promise.reject(new Error(`cannot connect with ${fake.token}`)))
    await fake.says('lee', 'show runs', { via: 'command' })
    expect(logged).toEqual(['not heard: cannot connect with [token]'])
  })

  test('a mention is answered in the channel when that is harmless, and else to its writer, without ringing anybody', async () => {
    const { fake, chat, heard, work } = await room()
    await fake.says('lee', 'show runs')
    const one = await until(() => heard[0])
    expect(one).toMatchObject({ text: 'show runs', by: `discord:${fake.person('lee')}`, id: fake.messages(work)[0]?.message })
    await chat.whisper(one, said)
    await chat.whisper({ ...one, id: one.id }, refused)
    const inChannel = fake.messages(work).map(({ lines }) => lines.join('\n'))
    expect(inChannel[1]).toContain('Understood')
    const direct = fake.messages().filter(({ channel }) => channel !== work)
    expect(direct.map(({ lines }) => lines)).toEqual([['I do not understand migrte.', 'Did you mean migrate?']])
    expect(inChannel.join()).not.toContain('Did you mean')
    expect(fake.pings.filter(({ whom }) => whom === fake.person('lee'))).toEqual([])
    expect(fake.invalid).toEqual([])
  })

  test('whom the bot may not write to is told in the channel where the rest can be had', async () => {
    const { fake, chat, heard, work } = await room()
    await fake.says('lee', 'migrte')
    const one = await until(() => heard[0])
    fake.misbehave({ how: 'refuse', to: /users\/@me\/channels/, error: '50007', status: 403 })
    await chat.whisper(one, refused)
    expect(fake.messages(work).at(-1)?.lines).toEqual([
      'I do not understand migrte.',
      'Say it with /signalbox: then you alone see the whole answer.',
    ])
  })

  test('after fifteen minutes an answer finds its speaker in a direct message, and nothing is shown to others', async () => {
    const { fake, chat, heard, time, work } = await room()
    await fake.says('lee', 'show runs', { via: 'command' })
    time.push(15 * 60_000)
    await chat.whisper(heard[0]!, refused)
    expect(fake.messages(work).filter(({ ephemeralTo }) => ephemeralTo === undefined)).toEqual([])
    const [direct] = fake.messages().filter(({ channel }) => channel !== work)
    expect(direct?.lines.join('\n')).toContain('Did you mean migrate?')
    expect(fake.ledger.filter(({ method }) => method.includes('/webhooks/'))).toEqual([])
  })

  test('what other bots and webhooks write is heard as the words of a machine, and what the bot writes not at all', async () => {
    const { fake, chat, heard, at } = await room()
    await fake.says('otherbot', 'approve R7')
    await fake.says('hook', 'approve R7')
    await until(() => heard.length === 2)
    expect(heard.map(({ machine }) => machine)).toEqual([true, true])
    await chat.post(at, card({ lines: [`<@${fake.application}> approve R7`] }), 'R7/card', 'answer')
    await fake.says('lee', 'show runs')
    await until(() => heard.length > 2)
    expect(heard.at(-1)).toMatchObject({ text: 'show runs' })
    expect(heard).toHaveLength(3)
  })

  test('an edit and a deletion of what was said say so, and never say it again', async () => {
    const { fake, heard, work } = await room()
    await fake.says('lee', 'show runs')
    const original = await until(() => heard[0])
    fake.edits(original.id, `<@${fake.application}> give up R7`)
    const edit = await until(() => heard[1])
    expect(edit).toMatchObject({ edits: original.id, by: original.by })
    expect(edit.id).not.toBe(original.id)
    fake.edits(original.id, 'nothing')
    expect(await until(() => heard[2])).toMatchObject({ edits: original.id, text: '' })
    fake.deletes(original.id)
    expect(await until(() => heard[3])).toMatchObject({ edits: original.id })
    expect(fake.messages(work)).toHaveLength(1)
  })

  test('talk among people, and mentions where the site names no channel, are not heard', async () => {
    const { fake, chat, heard, counted, lounge } = await room()
    await fake.says('lee', 'show runs', { channel: lounge })
    const there = { chat: 'discord', channel: lounge }
    const { message } = await chat.post(there, card(), 'R7/card@discord/lounge', 'answer')
    await chat.post({ ...there, thread: message }, card({ buttons: [] }), 'R7/ring-a@discord/lounge', 'answer')
    await fake.says('lee', 'show runs', { thread: message })
    await until(() => counted.length > 1)
    expect(counted).toEqual(['unlisted', 'unlisted'])
    expect(heard).toEqual([])
  })

  test('words are completed from the grammar while they are typed, and only where work is done', async () => {
    const { fake, lounge, heard } = await room()
    expect(await fake.types('lee', 'show r')).toEqual([{ name: 'show runs', value: 'show runs' }])
    expect((await fake.types('lee', 'show '))?.map(({ value }) => value)).toEqual(['show runs', 'show targets'])
    expect(await fake.types('lee', `${'very '.repeat(30)}r`)).toEqual([])
    expect(await fake.types('lee', 'show r', { channel: lounge })).toEqual([])
    expect(heard).toEqual([])
    expect(fake.invalid).toEqual([])
  })
})

describe('presses', () => {
  test('a button says its sentence, on the message that has it, and only then it is acknowledged', async () => {
    const { fake, chat, heard, at } = await room()
    const { message } = await chat.post(at, card(), 'R7/card', 'answer')
    expect(await fake.presses('lee', message, 'Approve open-cutover')).toBe(true)
    expect(heard).toMatchObject([{ text: 'approve R7 open-cutover as 0123456789', on: message, at }])
    await chat.whisper(heard[0]!, refused)
    expect(fake.messages(at.channel).find(({ message: id }) => id === message)).toMatchObject({ edits: 0, deleted: false })
    expect(fake.messages(at.channel).at(-1)).toMatchObject({ ephemeralTo: fake.person('lee') })
  })

  test('twenty presses at once are twenty sentences of different names, each acknowledged', async () => {
    const { fake, chat, heard, at } = await room()
    const { message } = await chat.post(at, card(), 'R7/card', 'answer')
    expect(await fake.presses('lee', message, 'Approve open-cutover', { times: 20 })).toBe(true)
    expect(new Set(heard.map(({ id }) => id)).size).toBe(20)
  })

  test('a point of no return is passed by typing its name, and by nothing else', async () => {
    const { fake, chat, heard, at } = await room()
    const words = { asks: 'Type sql01 to approve', must: 'sql01' }
    const buttons = [{ label: 'Approve', says: 'approve R7 cutover as 0123456789', words }]
    const { message } = await chat.post(at, card({ buttons }), 'R7/card', 'answer')
    await fake.presses('lee', message, 'Approve', { words: 'sql02' })
    expect(heard).toEqual([])
    expect(fake.messages(at.channel).at(-1)).toMatchObject({
      ephemeralTo: fake.person('lee'),
      lines: ['Nothing was said. Type sql01 to the letter.'],
    })
    await fake.presses('lee', message, 'Approve', { words: 'sql01' })
    expect(heard).toMatchObject([{ text: 'approve R7 cutover as 0123456789', on: message, at }])
    expect(fake.invalid).toEqual([])
  })

  test('a reason is asked for, and stands in the sentence; one that is optional may be left out', async () => {
    const { fake, chat, heard, at } = await room()
    const buttons = [
      { label: 'Skip', says: 'skip R7 copy because "..."', words: { asks: 'Why go on without it?' } },
      { label: 'Deny', says: 'deny R7 open as 0123456789 because "..."', words: { asks: 'Why not?', optional: true } as const },
    ]
    const { message } = await chat.post(at, card({ buttons }), 'R7/card', 'answer')
    await fake.presses('lee', message, 'Skip', { words: 'the "old" copy is good' })
    await fake.presses('lee', message, 'Deny', { words: '' })
    expect(heard.map(({ text }) => text)).toEqual([`skip R7 copy because "the 'old' copy is good"`, 'deny R7 open as 0123456789'])
  })

  test('the menu of a card shows its run, and that of any other message nothing', async () => {
    const { fake, chat, heard, at, work } = await room()
    const { message } = await chat.post(at, card({ title: 'A run' }), 'R7/card', 'answer')
    expect(await fake.menu('lee', message, 'Show run')).toBe(true)
    expect(heard.map(({ text }) => text)).toEqual(['show R7'])
    await fake.says('ann', 'R9 is mine')
    const other = await until(() => fake.messages(work).find(({ lines }) => lines.join().includes('R9')))
    expect(await fake.menu('lee', other.message, 'Show run')).toBe(true)
    expect(fake.messages(work).at(-1)?.lines).toEqual(['That message shows no run of mine.'])
  })

  test('in the thread of a card it is spoken in the channel of the card', async () => {
    const { fake, chat, heard, at, work } = await room()
    const { message } = await chat.post(at, card(), 'R7/card', 'answer')
    await chat.post({ ...at, thread: message }, card({ buttons: [] }), 'R7/ring-open-1', 'answer')
    await fake.says('lee', 'show R7', { thread: message })
    await fake.says('lee', 'show R7', { thread: message, via: 'command' })
    await until(() => heard.length === 2)
    expect(heard.map(one => one.at)).toEqual([
      { chat: 'discord', channel: work, thread: message },
      { chat: 'discord', channel: work, thread: message },
    ])
  })
})

describe('what is not meant for us', () => {
  const settings = {
    token: 't',
    application: '1100000000000000001',
    guild: '1100000000000000002',
    channels: [],
    publicChannels: false,
    api: '',
  }
  const now = Date.UTC(2025, 10, 20, 14, 0, 0)
  const good = {
    id: snowflakeAt(now),
    application_id: settings.application,
    guild_id: settings.guild,
    type: 2,
    token: 'secret',
    channel: { id: '1100000000000000010', type: 0 },
    member: { user: { id: '1100000000000000102' } },
    data: { name: 'signalbox', type: 1, options: [{ name: 'say', type: 3, value: 'show runs' }] },
  }
  const press = { ...good, type: 3, message: { id: '5', channel_id: '6' }, data: { custom_id: 'approve R7' } }

  test.each([
    ['one of now, in our guild, for our app', good, 'said'],
    ['for another app', { ...good, application_id: '1100000000000000009' }, 'wrong-app'],
    ['in another guild', { ...good, guild_id: '1100000000000000009' }, 'foreign'],
    ['in a direct message', { ...good, guild_id: undefined, user: { id: '7' }, member: undefined }, 'direct'],
    ['of five minutes ago', { ...good, id: snowflakeAt(now - 301_000) }, 'stale'],
    ['of the future', { ...good, id: snowflakeAt(now + 301_000) }, 'stale'],
    ['of hardly too long ago', { ...good, id: snowflakeAt(now - 299_000) }, 'said'],
    ['without a speaker', { ...good, member: {} }, 'malformed'],
    ['another command', { ...good, data: { ...good.data, name: 'other' } }, 'malformed'],
    [
      'a flood of a sentence',
      { ...good, data: { ...good.data, options: [{ name: 'say', value: 'a'.repeat(5_000) }] } },
      'too-large',
    ],
    ['a press', press, 'said'],
    ['a press on nothing', { ...press, message: undefined }, 'malformed'],
    ['a press in another guild', { ...press, guild_id: '1100000000000000009' }, 'foreign'],
    ['half of something', { id: 'x' }, 'malformed'],
    ['nothing at all', null, 'malformed'],
  ])('%s', (_, payload, comesTo) => {
    const arrival = arrivalOf(payload, settings, now)
    expect(arrival.is === 'dropped' ? arrival.why : arrival.is).toBe(comesTo)
    if (arrival.is === 'said') expect(JSON.stringify(arrival.said)).not.toContain('secret')
  })

  test('a message of our own is never a sentence, whatever stands in it', () => {
    const self = '1100000000000000001'
    const message = { id: good.id, channel_id: '6', content: `<@${self}> approve R7`, author: { id: self, bot: true } }
    const ear = { settings, self, placeOf: () => ({ chat: 'discord', channel: '6' }) }
    expect(mentionOf(message, ear, now)).toBeUndefined()
    expect(mentionOf({ ...message, author: { id: '7' } }, ear, now)).toMatchObject({
      said: { text: 'approve R7', by: 'discord:7' },
    })
  })

  test('who speaks is what Discord says, whatever the names in the sentence', () => {
    const data = { ...good.data, options: [{ name: 'say', value: 'show runs as <@1100000000000000101>' }] }
    const arrival = arrivalOf({ ...good, user: { id: '1100000000000000101' }, data }, settings, now)
    expect(arrival).toMatchObject({ said: { by: 'discord:1100000000000000102' } })
  })

  test('what arrives too late is dropped and counted, and its speaker is not told that it was heard', async () => {
    const { fake, heard, counted, time } = await room({ skew: 301_000 })
    const answered = fake.says('lee', 'show runs', { via: 'command' })
    await until(() => counted.length > 0)
    time.push(3_000)
    expect(await answered).toBe(false)
    expect([heard, counted]).toEqual([[], ['stale']])
  })

  test('in direct messages nothing is decided: nothing is said to the bot there', async () => {
    const { fake, heard } = await room()
    await fake.says('lee', 'approve R7', { via: 'direct' })
    await fake.says('lee', 'show runs', { via: 'command' })
    expect(heard.map(({ text }) => text)).toEqual(['show runs'])
  })
})
