import { afterEach, describe, expect, test } from 'vitest'
import { customIdOf, pressedOf } from '../src/chat/discord/custom-id.ts'
import { bodyOf } from '../src/chat/discord/embed.ts'
import { filledIn, modalOf } from '../src/chat/discord/modal.ts'
import type { Button } from '../src/domain/chat.ts'
import { card, closeRooms, type Room, room } from './discord-room.ts'
import { memoryInbox } from './fakes/memory-messages.ts'

afterEach(closeRooms)

/** Eight digits that no time and no id will have in it by chance. */
const CODE = '80402060'
const CODED: Button = {
  label: 'Approve',
  says: 'approve R7 cutover as 0123456789',
  words: { asks: 'Code of your second factor', code: true },
}
const NOTED: Button = {
  label: 'Approve it',
  says: 'approve R7 cutover as 0123456789 because "..."',
  words: { asks: 'Code, then a note or a ticket', code: true },
}
const posted = async (): Promise<Room & { readonly message: string }> => {
  const here = await room()
  const { message } = await here.chat.post(here.at, card({ buttons: [CODED, NOTED] }), 'R7/card', 'answer')
  return { ...here, message }
}

/** Everything that our side has sent to Discord or shown, written to a log, or would have kept. */
async function left({ fake, heard, logged, counted }: Room): Promise<string> {
  const inbox = memoryInbox(() => 0)
  for (const said of heard) await inbox.receive(said)
  return JSON.stringify([fake.ledger, fake.shown, fake.messages(), logged, counted, await inbox.unanswered(0)])
}

describe('a button that wants a code of the second factor', () => {
  test('asks for it in a form, and says its sentence with the code beside it', async () => {
    const here = await posted()
    expect(await here.fake.presses('lee', here.message, 'Approve', { words: CODE })).toBe(true)
    expect(here.heard).toMatchObject([
      { text: CODED.says, on: here.message, code: CODE, by: `discord:${here.fake.person('lee')}` },
    ])
    const forms = here.fake.ledger.filter(({ body }) => JSON.stringify(body)?.includes('"type":9'))
    expect(JSON.stringify(forms)).toContain('Code of your second factor')
    expect(here.fake.invalid).toEqual([])
  })

  test('and a reason takes both in one field: the reason goes into the sentence, the code beside it', async () => {
    const here = await posted()
    await here.fake.presses('lee', here.message, 'Approve it', { words: `${CODE} CHG0041` })
    expect(here.heard.map(({ text, code }) => [text, code])).toEqual([
      ['approve R7 cutover as 0123456789 because "CHG0041"', CODE],
    ])
  })

  test.each(['9876054321', 'abcdef', '49a817'])(
    'takes nothing like %j, says so to one person, and does not repeat it',
    async words => {
      const here = await posted()
      await here.fake.presses('lee', here.message, 'Approve', { words })
      expect(here.heard).toEqual([])
      expect(here.fake.messages(here.work).at(-1)).toMatchObject({
        ephemeralTo: here.fake.person('lee'),
        lines: ['Nothing was said. Type the 6 to 8 digits of your code.'],
      })
      expect(await left(here)).not.toContain(words)
    },
  )

  test('leaves no trace of the code: not in what was sent, shown, logged or kept, whatever becomes of the sentence', async () => {
    const here = await posted()
    await here.fake.presses('lee', here.message, 'Approve', { words: CODE })
    await here.chat.whisper(here.heard[0]!, card({ title: 'R7 wants another code.', tone: 'bad' }))
    here.hearing(() => Promise.reject(new Error('the database is away')))
    await here.fake.presses('ann', here.message, 'Approve', { words: CODE })
    await here.fake.presses('ann', here.message, 'Approve it', { words: `${CODE} CHG0041` })
    expect(here.heard.map(({ code }) => code)).toEqual([CODE])
    expect(here.counted).toContain('not-durable')
    expect(await left(here)).not.toContain(CODE)
  })

  test('is understood from what it carries alone', () => {
    for (const { says, words } of [CODED, NOTED]) {
      const id = customIdOf({ says, ...(words ? { words } : {}) }) ?? ''
      expect(pressedOf(id)).toMatchObject({ says, words: { code: true } })
      expect(filledIn(pressedOf(id), 'CHG0041')).toHaveProperty('wrong')
    }
  })

  test('that has no room to ask for it is none: it never says its sentence without', () => {
    for (const length of [97, 98, 99, 100]) {
      const says = 'x'.repeat(length)
      const id = customIdOf({ says, words: { asks: 'Code', code: true } })
      if (id !== undefined) expect(pressedOf(id).words?.code).toBe(true)
      else expect(bodyOf(card({ buttons: [{ ...CODED, says }] }), undefined).components).toEqual([])
    }
  })

  test('asks with a form that Discord takes, on one line where nothing but the code is wanted', () => {
    const form = (button: Button): string => JSON.stringify(modalOf('id', pressedOf(customIdOf(button) ?? '')))
    expect(form(CODED)).toContain('"style":1')
    expect(form(CODED)).toContain('"min_length":6')
  })
})
