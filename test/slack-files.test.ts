import { afterEach, describe, expect, test } from 'vitest'
import type { Card, Said } from '../src/domain/chat.ts'
import { type SlackRig, slackRig } from './fakes/given-slack.ts'

let rig: SlackRig
afterEach(async () => {
  await rig.stop()
  expect(rig.slack.invalid).toEqual([])
})
const said = (channel: string): Said => ({
  id: '1',
  text: 'report R7',
  by: 'slack:U0LEE' as never,
  at: { chat: 'slack', channel },
})
const REPORT = '# R7\n\nApproved by <@U0ANN> & \u{1f512}\n'
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
const texts = (): readonly (string | undefined)[] =>
  [...rig.slack.world.files.values()].map(({ bytes }) => bytes?.toString('utf8'))

describe('files of an answer', () => {
  test('asked for in a channel go to whoever asked, alone, and they are told where; nobody else sees anything', async () => {
    rig = await slackRig()
    await rig.chat.whisper(said('C0MIGRATIONS'), ANSWER)
    expect(rig.slack.messages('migrations')).toMatchObject([
      {
        ephemeralTo: 'U0LEE',
        files: [],
        lines: [
          '\u{1f535} The report of R7.',
          'It can also be had with signalbox report R7.',
          'Its files are in your direct messages with me.',
        ],
      },
    ])
    expect(rig.slack.messages('D0LEE').map(({ lines, files }) => [lines[0], files])).toEqual([
      ['\u{1f535} The report of R7.', []],
      ['[file: R7-report.md]', ['R7-report.md']],
      ['[file: R7-report.json]', ['R7-report.json']],
    ])
    expect(texts()).toEqual([REPORT, '{"run":"R7"}'])
    expect(rig.slack.pings).toEqual([])
  })

  test('asked for in a direct message are in it', async () => {
    rig = await slackRig()
    rig.slack.world.direct('lee')
    await rig.chat.whisper(said('D0LEE'), ANSWER)
    expect(rig.slack.messages('D0LEE').flatMap(({ files }) => files)).toEqual(['R7-report.md', 'R7-report.json'])
  })

  test('that Slack does not take are no reason to leave out the words, and their absence is told', async () => {
    rig = await slackRig()
    rig.slack.misbehave({ how: 'refuse', error: 'missing_scope', to: 'files.getUploadURLExternal' })
    await rig.chat.whisper(said('C0MIGRATIONS'), ANSWER)
    expect(rig.slack.messages('migrations')[0]?.lines.slice(1)).toEqual([
      'It can also be had with signalbox report R7.',
      'R7-report.md could not be attached: Slack does not do files.getUploadURLExternal: missing_scope.',
      'R7-report.json could not be attached: Slack does not do files.getUploadURLExternal: missing_scope.',
    ])
  })

  test('that are empty, too many or too large are left out, and that is told', async () => {
    rig = await slackRig()
    const attached = [
      { name: 'empty.txt', text: '' },
      { name: 'large.txt', text: 'x'.repeat(1_000_001) },
      { name: 'third.txt', text: 'x' },
    ]
    await rig.chat.whisper(said('C0MIGRATIONS'), { ...ANSWER, attached })
    expect(texts()).toEqual([])
    for (const { name } of attached) expect(rig.slack.shown.join('\n')).toContain(`${name} is not attached`)
  })

  test('have names that are names of files', async () => {
    rig = await slackRig()
    rig.slack.world.direct('lee')
    await rig.chat.whisper(said('D0LEE'), { ...ANSWER, attached: [{ name: '../<!here>\u202e/a b.md', text: 'x' }] })
    expect([...rig.slack.world.files.values()].map(({ name }) => name)).toEqual(['..---here---a-b.md'])
  })
})
