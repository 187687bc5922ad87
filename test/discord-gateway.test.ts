import { afterEach, describe, expect, test } from 'vitest'
import { MOST_IDENTIFIES, newIdentifyBudget } from '../src/chat/discord/identify.ts'
import { closeRooms, room, until } from './discord-room.ts'

afterEach(closeRooms)

describe('the connection to Discord', () => {
  test('asks for no privileged intent, and says where it is connected', async () => {
    const { fake, chat, logged } = await room()
    expect(chat.health()).toEqual({ ok: true, says: `connected to Discord as signalbox in ${fake.guild}` })
    expect(fake.identifies).toBe(1)
    expect(logged).toEqual([])
    expect(fake.invalid).toEqual([])
  })

  test('is resumed when Discord asks for it, and nothing is missed', async () => {
    const { fake, chat, heard } = await room()
    fake.misbehave({ how: 'disconnect', warn: true })
    await fake.says('lee', 'show runs')
    await until(() => heard[0])
    await until(() => fake.resumes === 1 && chat.health().ok)
    expect([fake.identifies, heard.map(({ text }) => text)]).toEqual([1, ['show runs']])
  })

  test('is resumed when the socket breaks, and what is sent twice has one name', async () => {
    const { fake, chat, heard } = await room()
    fake.misbehave({ how: 'replay twice' })
    fake.misbehave({ how: 'disconnect' })
    await fake.says('lee', 'show runs')
    await until(() => fake.resumes === 1 && chat.health().ok && heard.length > 0)
    expect(new Set(heard.map(({ id }) => id)).size).toBe(1)
    expect(fake.identifies).toBe(1)
  })

  test('is made anew when Discord says nothing any more', async () => {
    const { fake, heard } = await room({ heartbeat: 150 })
    fake.misbehave({ how: 'zombie' })
    await fake.says('lee', 'show runs')
    await until(() => heard[0], 'what was said to a dead connection')
    expect(heard.map(({ text }) => text)).toEqual(['show runs'])
  })

  test('that cannot be resumed catches up on mentions, in order; a bot that starts, on what was said of late and on nothing older', async () => {
    const one = await room({ idle: true })
    await one.fake.says('ann', 'said long before')
    one.time.push(11 * 60_000)
    await one.fake.says('ann', 'said while nobody listened')
    one.time.push(1_000)
    await one.chat.start(said => Promise.resolve(void one.heard.push(said)))
    await until(() => one.heard.length === 1)
    await one.fake.says('lee', 'show runs')
    await until(() => one.heard.length === 2)
    one.time.push(6_000)
    one.fake.misbehave({ how: 'disconnect', resumable: false })
    await until(() => !one.chat.health().ok)
    const texts = Array.from({ length: 120 }, (_, n) => `show R${n}`)
    for (const text of texts) await one.fake.says('lee', text)
    await until(() => one.heard.length >= 122)
    await until(() => one.chat.health().ok)
    const ids = new Set(one.heard.map(({ id }) => id))
    expect(ids.size).toBe(122)
    expect(one.heard.map(({ text }) => text)).toEqual(['said while nobody listened', 'show runs', ...texts])
    expect(one.fake.identifies).toBe(2)
  })

  test('that is lost for ever says so, and does not take the rest of the house with it', async () => {
    const { fake, chat, logged } = await room()
    fake.misbehave({ how: 'revoked' })
    await until(() => !chat.health().ok && chat.health().says.includes('token'))
    expect(logged.join('\n')).not.toContain(fake.token)
    expect(logged.join('\n')).toContain('token')
  })

  test('says that the bot was put out of the server', async () => {
    const { fake, chat } = await room()
    fake.misbehave({ how: 'kicked' })
    await until(() => !chat.health().ok)
    expect(chat.health().says).toContain('Invite it again')
  })

  test('is tried again when Discord was not there as the bot started', async () => {
    const one = await room({ idle: true })
    one.fake.misbehave({ how: 'vanish' })
    await one.chat.start(said => Promise.resolve(void one.heard.push(said)))
    expect(one.chat.health().ok).toBe(false)
    one.fake.heal()
    await until(() => one.chat.health().ok, 'the connection')
    await one.fake.says('lee', 'show runs')
    await until(() => one.heard[0])
  })

  test('that is stopped while it is made again stays down', async () => {
    const { fake, chat, heard, time } = await room()
    time.push(6_000)
    fake.misbehave({ how: 'disconnect', resumable: false })
    await until(() => !chat.health().ok)
    await chat.stop()
    await new Promise(resolve => setTimeout(resolve, 1_600)) // the library pauses for 500 ms, tries to resume, and pauses again
    expect([fake.identifies, fake.listeners]).toEqual([1, 0])
    expect(heard).toEqual([])
  })
})

describe('the budget of IDENTIFYs', () => {
  test('is ten in an hour, five seconds apart, and then a wait', () => {
    const budget = newIdentifyBudget()
    let now = 0
    expect(budget.take(now)).toBe(0)
    expect(budget.take(now)).toBe(5_000)
    for (let n = 1; n < MOST_IDENTIFIES; n += 1) {
      now += 5_000
      expect(budget.take(now)).toBe(0)
    }
    now += 5_000
    expect(budget.spent(now)).toBe(true)
    expect(budget.take(now)).toBe(60 * 60_000 - now)
    expect(budget.take(60 * 60_000)).toBe(0)
  })

  test('holds whatever Discord does to our sessions', async () => {
    const { fake, chat, time } = await room()
    for (let n = 2; n <= MOST_IDENTIFIES + 1; n += 1) {
      time.push(6_000)
      fake.misbehave({ how: 'disconnect', resumable: false })
      await until(() => (fake.identifies === n && chat.health().ok) || chat.health().says.includes('too often'))
    }
    expect(chat.health().says).toContain('too often')
    await new Promise(resolve => setTimeout(resolve, 1_500))
    expect(fake.identifies).toBe(MOST_IDENTIFIES)
  })
})
