import { describe, expect, test } from 'vitest'
import { button, clientOf, ROOM, section, slack } from './fakes/slack/clients.ts'
import { slackSpec } from './fakes/slack/spec.ts'

/** What the fake refuses because Slack would, and what people see of what it takes. */
describe('what Slack refuses', () => {
  const many = <T>(count: number, one: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => one(n))
  test.each([
    ['51 blocks', many(51, n => section(`${n}`)), '51 blocks'],
    ['a section of 3,001 characters', [section('x'.repeat(3001))], 'a section of 3001 characters'],
    ['a header of 151', [{ type: 'header', text: { type: 'plain_text', text: 'x'.repeat(151) } }], 'a header of 151'],
    ['a header in mrkdwn', [{ type: 'header', text: { type: 'mrkdwn', text: 'x' } }], 'a header is mrkdwn'],
    ['26 buttons in a row', [{ type: 'actions', elements: many(26, n => button(`b${n}`)) }], '26 elements'],
    ['a button of 76 characters', [{ type: 'actions', elements: [button('x'.repeat(76), 'v')] }], 'a button of 76'],
    ['a value of 2,001', [{ type: 'actions', elements: [button('x', 'v'.repeat(2001))] }], 'the value of a button of 2001'],
    ['an action_id twice', [{ type: 'actions', elements: [button('x'), button('x')] }], 'action_id press x twice'],
    [
      'a block_id twice',
      [
        { ...section('a'), block_id: 'b' },
        { ...section('c'), block_id: 'b' },
      ],
      'block_id b twice',
    ],
    ['11 texts in a context', [{ type: 'context', elements: many(11, () => ({ type: 'mrkdwn', text: 'x' })) }], '11 elements'],
    ['an empty text', [section('')], 'a section is empty'],
    ['too much text in all blocks', many(6, () => section('x'.repeat(2400))), '14400 characters of text'],
  ])('%s: refused, and kept for the test to see', async (_, blocks, says) => {
    const fake = await slack()
    const refused = clientOf(fake).chat.postMessage({ channel: ROOM, text: 'x', blocks: blocks as never })
    await expect(refused).rejects.toThrow(/invalid_blocks|msg_blocks_too_long/)
    expect(fake.invalid.join('\n')).toContain(says)
    expect(fake.messages()).toEqual([])
  })

  test.skipIf(!slackSpec().there)('an argument of another type than Slack describes is refused', async () => {
    const fake = await slack()
    await expect(clientOf(fake).apiCall('conversations.history', { channel: ROOM, limit: 'many' })).rejects.toThrow(
      'invalid_arguments',
    )
    expect(fake.invalid).toEqual(['conversations.history: conversations.history with a limit that is no integer'])
  })

  test('a request that lacks what it must have is refused', async () => {
    const fake = await slack()
    await expect(clientOf(fake).apiCall('chat.postMessage', { text: 'to nowhere' })).rejects.toThrow('invalid_arguments')
    expect(fake.invalid.length).toBe(1)
  })

  test('a dialog with a title of 25 characters does not open', async () => {
    const fake = await slack()
    const trigger_id = fake.world.trigger('U0OLGA')
    const view = {
      type: 'modal' as const,
      title: { type: 'plain_text' as const, text: 'x'.repeat(25) },
      blocks: [section('x') as never],
    }
    await expect(clientOf(fake).views.open({ trigger_id, view })).rejects.toThrow('invalid_arguments')
    expect(fake.forms()).toEqual([])
  })

  test('an edit whose text is longer than 4,000 bytes is refused, although a post may be longer', async () => {
    const fake = await slack()
    const client = clientOf(fake)
    const { ts = '' } = await client.chat.postMessage({ channel: ROOM, text: 'x'.repeat(5000) })
    await expect(client.chat.update({ channel: ROOM, ts, text: 'x'.repeat(4001) })).rejects.toThrow('msg_too_long')
  })
})

describe('what a person sees', () => {
  test('markup is rendered, and only what would really ring is a ping', async () => {
    const fake = await slack()
    const client = clientOf(fake)
    const blocks = [
      { type: 'header', text: { type: 'plain_text', text: 'R7 <!channel>' } },
      section('*bold* `code <!here>` <https://example.com|a link> &lt;!channel&gt; <@U0LEE> snake_case_name'),
      {
        type: 'context',
        elements: [
          { type: 'mrkdwn', text: 'one' },
          { type: 'mrkdwn', text: 'two' },
        ],
      },
      { type: 'actions', elements: [button('Approve'), button('Deny')] },
    ]
    await client.chat.postMessage({ channel: ROOM, text: 'R7', blocks: blocks as never })
    expect(fake.messages()[0]?.lines).toEqual([
      'R7 <!channel>',
      'bold code <!here> a link <!channel> @lee snake_case_name',
      'one two',
      '[Approve] [Deny]',
    ])
    expect(fake.pings.map(({ whom }) => whom)).toEqual(['U0LEE'])
    await client.chat.postMessage({ channel: ROOM, text: '<!channel> look' })
    expect(fake.pings.at(-1)?.whom).toBe('@channel')
  })
})
