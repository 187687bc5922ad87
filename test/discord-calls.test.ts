import { afterEach, describe, expect, test } from 'vitest'
import type { Card } from '../src/domain/chat.ts'
import type { Handle } from '../src/domain/ids.ts'
import { closeRooms, room } from './discord-room.ts'

afterEach(closeRooms)

const RING: Card = { title: 'R7 asks: cut over?', tone: 'waiting', lines: [], buttons: [] }
const discord = (id: string): Handle => `discord:${id}` as Handle

describe('what calls for somebody in Discord', () => {
  test('rings those whom it calls, by their accounts here, once each, and nobody else', async () => {
    const { fake, chat, at } = await room({ hasty: true })
    const [lee, ann] = [fake.person('lee'), fake.person('ann')]
    const calls = [discord(lee), 'slack:U0ANN' as Handle, discord(ann), 'console:ann' as Handle, discord(lee)]
    await chat.post(at, { ...RING, calls }, 'R7/ring-open', 'answer')
    expect(fake.pings.map(({ whom }) => whom)).toEqual([lee, ann])
    expect(fake.messages(at.channel)[0]?.lines[0]).toBe('@lee @ann')
    expect(fake.ledger.find(({ method }) => method.startsWith('POST'))?.body).toMatchObject({
      allowed_mentions: { parse: [], users: [lee, ann] },
    })
    expect(fake.invalid).toEqual([])
  })

  test('rings nobody when it is edited, found again, or whispered', async () => {
    const { fake, chat, at, heard } = await room({ hasty: true })
    const calls = [discord(fake.person('lee'))]
    const post = await chat.post(at, RING, 'R7/ring-open', 'answer')
    await chat.edit(post, { ...RING, calls }, 'answer')
    await chat.find(at, 'R7/ring-open', 0)
    await fake.says('lee', 'show R7', { via: 'command' })
    await chat.whisper(heard[0]!, { ...RING, calls })
    expect(fake.pings).toEqual([])
    expect(JSON.stringify(fake.ledger.map(({ body }) => body))).not.toContain('<@')
  })

  test('keeps whom it has called when it is edited later, and rings them no second time', async () => {
    const { fake, chat, at } = await room({ hasty: true })
    const calls = [discord(fake.person('lee'))]
    const post = await chat.post(at, { ...RING, calls }, 'R7/ring-open', 'answer')
    await chat.edit(post, { ...RING, title: 'R7 was asked' }, 'answer')
    expect(fake.messages(at.channel)[0]?.lines.slice(0, 2)).toEqual(['@lee', 'R7 was asked'])
    expect(fake.pings).toHaveLength(1)
  })

  test('names twenty at most, and says how many more there are', async () => {
    const { fake, chat, at } = await room({ hasty: true })
    const ids = Array.from({ length: 25 }, (_, n) => `11000000000000003${10 + n}`)
    await chat.post(at, { ...RING, calls: ids.map(discord) }, 'R7/ring-open', 'answer')
    expect(fake.pings.map(({ whom }) => whom)).toEqual(ids.slice(0, 20))
    expect(fake.messages(at.channel)[0]?.lines[0]).toMatch(/ and 5 more$/)
  })

  test('rings nobody by an account that is no account, nor by anything that stands on the card', async () => {
    const { fake, chat, at } = await room({ hasty: true })
    const [lee, olga] = [fake.person('lee'), fake.person('olga')]
    const tricks = [`<@${lee}>`, `<@!${lee}>`, '@everyone', '@here', `<@&${fake.role('crew')}>`]
    const wrong = ['@everyone', `&${fake.role('crew')}`, `${lee}> @here <@${lee}`, `!${lee}`, '', 'lee'].map(discord)
    for (const text of tricks) {
      const card: Card = {
        title: text,
        tone: 'bad',
        state: text,
        steps: [{ mark: 'failed', text, note: text }],
        lines: [text],
        buttons: [{ label: text, says: text }],
        calls: [...wrong, discord(olga)],
      }
      await chat.post(at, card, `R7/ring-${text}`, 'answer')
    }
    expect(fake.pings.map(({ whom }) => whom)).toEqual(tricks.map(() => olga))
    expect(fake.invalid).toEqual([])
  })
})
