import { afterEach, describe, expect, test } from 'vitest'
import type { Card } from '../src/domain/chat.ts'
import type { Handle } from '../src/domain/ids.ts'
import { CARD, type SlackRig, slackRig, WORK } from './fakes/given-slack.ts'

let rig: SlackRig
afterEach(async () => {
  await rig.stop()
  expect(rig.slack.invalid).toEqual([])
})
const handles = (...ids: readonly string[]): readonly Handle[] => ids.map(id => id as Handle)
const RING: Card = { title: 'R1 asks: cut over?', tone: 'waiting', lines: [], buttons: [] }
const rung = (): readonly string[] => rig.slack.pings.map(({ whom }) => whom)

describe('what calls for somebody in Slack', () => {
  test('rings those whom it calls, by their accounts here, once each, and nobody else', async () => {
    rig = await slackRig()
    const calls = handles('slack:U0LEE', 'discord:1100000000000000102', 'slack:U0ANN', 'console:ann', 'slack:U0LEE')
    await rig.chat.post(WORK, { ...RING, calls }, 'R1/ring-open', 'answer')
    expect(rung()).toEqual(['U0LEE', 'U0ANN'])
    expect(rig.slack.messages()[0]?.lines).toEqual(['\u{1f7e1} R1 asks: cut over?', '@lee @ann'])
  })

  test('rings nobody when it is edited, found again, or whispered', async () => {
    rig = await slackRig()
    const calls = handles('slack:U0LEE')
    const post = await rig.chat.post(WORK, RING, 'R1/ring-open', 'answer')
    await rig.chat.edit(post, { ...RING, calls }, 'answer')
    await rig.chat.find(WORK, 'R1/ring-open', 0)
    await rig.chat.whisper({ id: '1', text: 'x', by: 'slack:U0LEE' as Handle, at: WORK }, { ...RING, calls })
    expect(rung()).toEqual([])
    expect(JSON.stringify(rig.slack.ledger.map(({ body }) => body))).not.toContain('<@')
  })

  test('names twenty at most, and says how many more there are', async () => {
    const people = Array.from({ length: 25 }, (_, n) => ({ id: `U0P${n}`, name: `p${n}` }))
    rig = await slackRig({ fake: { people } })
    await rig.chat.post(WORK, { ...RING, calls: people.map(({ id }) => `slack:${id}` as Handle) }, 'R1/ring-open', 'answer')
    expect(rung()).toEqual(people.slice(0, 20).map(({ id }) => id))
    expect(rig.slack.messages()[0]?.lines.at(-1)).toMatch(/@p19 and 5 more$/)
  })

  test('rings nobody by an account that is no account, nor by anything that stands on the card', async () => {
    rig = await slackRig()
    const tricks = ['<@U0LEE>', '<!channel>', '<!subteam^S0LEADS>', '@here', '<@U0ANN|lee>']
    const calls = handles(
      'slack:U0OLGA',
      ...['!channel', 'U0LEE> <!here', 'U0LEE|x', '!subteam^S0LEADS', '@everyone', '', 'u0lee', 'C0MIGRATIONS'].map(
        id => `slack:${id}`,
      ),
    )
    for (const text of tricks) {
      const card: Card = {
        title: text,
        tone: 'bad',
        state: text,
        steps: [{ mark: 'failed', text, note: text }],
        lines: [text],
        buttons: [{ label: text, says: text }],
        calls,
      }
      await rig.chat.post(WORK, card, `R1/ring-${text}`, 'answer')
    }
    expect(rung()).toEqual(tricks.map(() => 'U0OLGA'))
  })

  test('names nobody in a channel that people of another organisation read', async () => {
    rig = await slackRig()
    await rig.chat.post({ ...WORK, channel: 'C0SHARED' }, { ...CARD, calls: handles('slack:U0LEE') }, 'R1/ring-open', 'answer')
    expect(rung()).toEqual([])
  })
})
