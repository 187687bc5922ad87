import { afterEach, describe, expect, test } from 'vitest'
import type { Card } from '../src/domain/chat.ts'
import { closeRooms, room, until } from './discord-room.ts'

afterEach(closeRooms)

const REPORT = '# R7\n\nApproved by @everyone & \u{1f512}\n'
const ANSWER: Card = {
  title: 'The report of R7.',
  tone: 'calm',
  lines: ['It can also be had with `signalbox report R7`.'],
  buttons: [],
  attached: [
    { name: 'R7-report.md', text: REPORT },
    { name: 'R7-report.json', text: '{"run":"R7"}' },
  ],
}
const NAMES = ['R7-report.md', 'R7-report.json']

describe('files of an answer', () => {
  test('asked for with a command come with the answer that only its speaker sees', async () => {
    const { fake, chat, heard, work } = await room()
    await fake.says('lee', 'report R7', { via: 'command' })
    await chat.whisper(heard[0]!, ANSWER)
    const shown = fake.messages(work).at(-1)
    expect(shown).toMatchObject({ ephemeralTo: fake.person('lee'), files: NAMES })
    expect(shown?.lines).toEqual(['The report of R7.', 'It can also be had with signalbox report R7.'])
    expect(fake.file(shown?.message ?? '', 'R7-report.md').toString('utf8')).toBe(REPORT)
    expect(fake.invalid).toEqual([])
  })

  test('asked for in a message go to its writer alone, however harmless the answer is', async () => {
    const { fake, chat, heard, work } = await room()
    await fake.says('lee', 'report R7')
    await chat.whisper(await until(() => heard[0]), ANSWER)
    expect(fake.messages(work).flatMap(({ files }) => files)).toEqual([])
    expect(fake.messages(work).at(-1)?.lines).toEqual(['The report of R7.', 'The rest is in your direct messages.'])
    expect(fake.messages().find(({ channel }) => channel !== work)?.files).toEqual(NAMES)
    expect(fake.pings.filter(({ whom }) => whom.startsWith('@'))).toEqual([])
  })

  test('that Discord does not take are no reason to leave out the words, and their absence is told', async () => {
    const { fake, chat, heard, work } = await room()
    await fake.says('lee', 'report R7', { via: 'command' })
    fake.misbehave({ how: 'refuse', to: /webhooks/, error: '50013', status: 403, times: 1 })
    await chat.whisper(heard[0]!, ANSWER)
    expect(fake.messages(work).at(-1)?.lines.at(-1)).toBe('Discord did not take R7-report.md and R7-report.json.')
    expect(fake.messages(work).at(-1)?.files).toEqual([])
  })
})
