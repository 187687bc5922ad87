import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Drawn, drawn, pages } from '../src/chat/slack/blocks.ts'
import { AT_A_GLANCE, fold } from '../src/chat/slack/fold.ts'
import { formOf } from '../src/chat/slack/form.ts'
import { harmless } from '../src/chat/slack/harmless.ts'
import { quietLogger } from '../src/chat/slack/logger.ts'
import type { Button, Card, StepLine } from '../src/domain/chat.ts'
import { messageComplaints, viewComplaints } from './fakes/slack/limits.ts'
import { buttonsIn, linesOf, pingsOf } from './fakes/slack/looks.ts'
import { createWorld, type Message } from './fakes/slack/world.ts'

const WORLD = createWorld({}, () => 0)
const CHANNEL = WORLD.channel('migrations').id

const message = ({ blocks, text }: Drawn): Message => ({
  ts: '1.1',
  channel: CHANNEL,
  user: 'U0SIGNALBOX',
  bot: true,
  files: [],
  past: [],
  text,
  blocks,
  edits: 0,
  deleted: false,
})
const seen = (card: Card): readonly string[] => linesOf(message(drawn(card)), WORLD)
const card = (over: Partial<Card> = {}): Card => ({
  title: 'R7 migrate',
  tone: 'calm',
  state: 'copy',
  lines: [],
  buttons: [],
  ...over,
})
const steps = (count: number, now: number, final: number): readonly StepLine[] =>
  Array.from({ length: count }, (_, n) => ({
    mark: n < now ? 'done' : n === now ? 'now' : 'next',
    text: `step ${n}`,
    ...(n === final ? { final: true } : {}),
  }))

describe('a card in Slack', () => {
  test('shows title and state, the plan with its point of no return, the bar, the gate with its facts, and who did what', () => {
    const whole = card({
      title: 'R7 migrate harddisk5 to harddisk8 on sql01',
      tone: 'waiting',
      state: 'waits for cutover',
      steps: [
        { mark: 'done', text: 'set up session 1', note: 'done at 14:00:05 UTC' },
        { mark: 'done', text: 'approve', note: 'approved by lee (CHG-1) at 14:00:01 UTC' },
        { mark: 'waiting', text: 'cutover' },
        { mark: 'next', text: 'select target of session 1', final: true },
      ],
      meter: { done: 0.5, text: '50.0 %, 1 TB of 2 TB at 100 MB/s; about 3 h left' },
      lines: ['Cut over now?', '  holds: paths of sql01: 4 of 4 alive', '  needs 2 with the role lead, by 15:00:00 UTC (1 h)'],
      buttons: [{ label: 'Approve cutover', says: 'approve R7 cutover as 0123456789', style: 'primary' }],
    })
    expect(seen(whole)).toEqual([
      'R7 migrate harddisk5 to harddisk8 on sql01',
      '\u{1f7e1} waits for cutover',
      '[x] set up session 1 \u2014 done at 14:00:05 UTC',
      '[x] approve \u2014 approved by lee (CHG-1) at 14:00:01 UTC',
      '[?] cutover',
      `\u26d4 ${'\u2501'.repeat(10)} POINT OF NO RETURN ${'\u2501'.repeat(10)}`,
      '[ ] select target of session 1',
      `${'\u2588'.repeat(10)}${'\u2591'.repeat(10)}  50.0 %, 1 TB of 2 TB at 100 MB/s; about 3 h left`,
      'Cut over now?',
      '\u2022 holds: paths of sql01: 4 of 4 alive',
      '\u2022 needs 2 with the role lead, by 15:00:00 UTC (1 h)',
      '[Approve cutover]',
    ])
    expect(drawn(whole).blocks.filter(({ type }) => type === 'section')).toHaveLength(4)
  })

  test('never draws a bar that nobody measured', () => {
    const lines = seen(card({ meter: { text: 'share unknown, 1 TB at 100 MB/s; time left unknown' } }))
    expect(lines.join('\n')).not.toMatch(/[\u2588\u2591]/)
    expect(lines).toContain('share unknown, 1 TB at 100 MB/s; time left unknown')
  })

  test('asks once more before what cannot be taken back, and shows the sentence without its digest', () => {
    const [plain, danger, worded] = buttonsIn(
      drawn(
        card({
          buttons: [
            { label: 'Retry', says: 'retry R7' },
            { label: 'Deny', says: 'deny R7 cutover as 0123456789', style: 'danger' },
            { label: 'Give up', says: 'give up R7 because "..."', style: 'danger', words: { asks: 'Why?' } },
          ],
        }),
      ).blocks,
      WORLD,
    )
    expect(plain?.button).not.toHaveProperty('confirm')
    expect(JSON.stringify(danger?.button['confirm'])).toContain('This says: deny R7 cutover"')
    expect(worded?.button).not.toHaveProperty('confirm')
  })

  test('keeps a caret under the word it points at', () => {
    const lines = ['I stopped understanding at `lunhc`:', '  show lunhc', '       ^^^^^']
    const shown = seen(card({ title: 'I do not understand.', lines }))
    expect(shown.slice(-2)).toEqual(['  show lunhc', '       ^^^^^'])
  })
})

describe('a long plan', () => {
  test('is folded to what matters now, says how much is left out, and offers the whole of it', () => {
    const long = card({ steps: steps(200, 100, 150) })
    const lines = seen(long)
    expect(lines).toContain('[>] step 100')
    expect(lines).toContain('[x] step 98')
    expect(lines).toContain('[ ] step 102')
    expect(lines[lines.indexOf('[ ] step 150') - 1]).toContain('POINT OF NO RETURN')
    expect(lines).toContain('... 97 steps: 97 done')
    expect(lines).toContain('... 46 steps: 46 to come')
    const [all] = buttonsIn(drawn(long).blocks, WORLD)
    expect(all).toMatchObject({ label: 'Show all 200 steps', button: { value: '{"says":"show R7"}' } })
  })

  test('is answered whole to whoever asks for all of it', () => {
    const whole = pages(card({ steps: steps(400, 100, 350) })).flatMap(page => linesOf(message(page), WORLD))
    for (let n = 0; n < 400; n++) expect(whole.filter(line => line.endsWith(` step ${n}`))).toHaveLength(1)
  })

  test('of any length and in any state keeps every point of no return and every step that needs somebody, while there is room', () => {
    const MARKS = ['done', 'now', 'waiting', 'next', 'failed', 'doubtful', 'skipped', 'undone'] as const
    const line = fc.record(
      { mark: fc.constantFrom(...MARKS), text: fc.string(), final: fc.constant(true) },
      { requiredKeys: ['mark', 'text'] },
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 300, size: 'max' }), all => {
        const plan: readonly StepLine[] = all
        const folded = fold(plan)
        const shown = folded.flatMap(step => ('left' in step ? [] : [step]))
        const left = folded.reduce((sum, step) => sum + ('left' in step ? step.left : 0), 0)
        expect(shown.length + left).toBe(plan.length)
        expect(plan.filter(step => shown.includes(step))).toEqual(shown)
        const finals = plan.filter(step => step.final)
        if (finals.length <= AT_A_GLANCE - 2) for (const step of finals) expect(shown).toContain(step)
      }),
    )
  })
})

describe('whatever a card says', () => {
  const WORD = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom('&'.repeat(3000), '*_~`'.repeat(900), '\u{1f600}'.repeat(2000), ''),
  )
  const button: fc.Arbitrary<Button> = fc.record({
    label: fc.string({ minLength: 1, maxLength: 90 }),
    says: fc.string({ minLength: 1, maxLength: 100 }),
    style: fc.constant('danger' as const),
  })
  const any: fc.Arbitrary<Card> = fc.record({
    title: WORD.map(text => `R7 ${text}`),
    tone: fc.constantFrom('calm' as const, 'waiting' as const, 'good' as const, 'bad' as const),
    state: WORD.map(text => `x${text}`),
    steps: fc.array(fc.record({ mark: fc.constantFrom('done' as const, 'now' as const), text: WORD, note: WORD }), {
      maxLength: 120,
    }),
    meter: fc.record({ done: fc.double({ min: -1, max: 2, noNaN: true }), text: WORD }),
    lines: fc.array(WORD, { maxLength: 120 }),
    buttons: fc.array(button, { maxLength: 40 }),
  })

  test('it stays inside what Slack takes, as a message, as an edit, as an answer and at home', () => {
    fc.assert(
      fc.property(any, card => {
        const { blocks, text } = drawn(card)
        expect(messageComplaints({ blocks, text }, true)).toEqual([])
        for (const page of pages(card)) expect(messageComplaints({ ...page }, false)).toEqual([])
        const home = pages(card).flatMap(page => page.blocks)
        expect(viewComplaints({ type: 'home', blocks: home.slice(0, 100) })).toEqual([])
      }),
      { numRuns: 150 },
    )
  })

  test('a form stays inside it too', () => {
    fc.assert(
      fc.property(button, fc.string({ maxLength: 45 }), fc.string({ maxLength: 100 }), (pressed, asks, must) => {
        const asking = { says: pressed.says, words: { asks: `?${asks}`, must: `!${must}` }, on: '1.1', channel: 'C1' }
        expect(viewComplaints(formOf(asking))).toEqual([])
      }),
    )
  })
})

/** What people, devices and runbooks may have put into a name, a note or an answer. */
const PAYLOADS: readonly string[] = [
  ...[
    '<!channel>',
    '<!here>',
    '<!everyone>',
    '<!channel|channel>',
    '<!subteam^S0LEADS>',
    '<!subteam^S0LEADS|@leads>',
    '<@U0LEE>',
    '<@U0LEE|lee>',
  ],
  ...[
    '<#C0SECOND>',
    '<#C0SECOND|second>',
    '<http://evil.example|http://good.example>',
    '<https://evil.example>',
    '<mailto:a@b.c|write>',
  ],
  ...[
    '@channel',
    '@here',
    '@everyone',
    '@lee',
    '&lt;!channel&gt;',
    '&amp;lt;!channel&amp;gt;',
    '&#60;!channel&#62;',
    '<\u200b!channel>',
    '< !channel>',
    '<!channel',
  ],
  ...[
    '!channel>',
    '<<!channel>>',
    '<!channel><!here>',
    '<!date^1392734382^{date}|never>',
    '<slack://open>',
    '<tel:112|call>',
    '<javascript:alert(1)|x>',
  ],
  ...['*<!channel>*', '_<@U0LEE>_', '~<@U0LEE>~', '`<!channel>`', '```<!channel>```', '``<@U0LEE>``', '> <!channel>'],
  ...[
    '*bold*',
    '_italic_',
    '~struck~',
    '`code`',
    '```block```',
    '> quote',
    '>>> quote',
    '* item',
    '1. item',
    '*unfinished',
    'unfinished*',
    '_a_ *b* ~c~',
    '`odd',
    'a ` b ` c `',
  ],
  ...[
    '\u202e<!channel>',
    '\u2066evil\u2069',
    'line\n<!channel>\n> next',
    'tab\t<@U0LEE>',
    '\u0000<!here>',
    '\u001b[31mred',
    '\ufeff<!channel>',
    '\u{e0041}tag',
  ],
  ...[
    ':white_check_mark: approved',
    ':+1:',
    '[x] done at 14:00',
    '*R7 succeeded*',
    '</section><!channel>',
    '{"type":"mrkdwn","text":"<!channel>"}',
    '\\u003c!channel\\u003e',
  ],
]

describe('untrusted text', () => {
  test('is what the corpus is made of: at least sixty different ones', () => {
    expect(new Set(PAYLOADS).size).toBe(PAYLOADS.length)
    expect(PAYLOADS.length).toBeGreaterThanOrEqual(60)
  })

  test.each(PAYLOADS.map(text => [JSON.stringify(text), text]))(
    '%s rings nobody, links nowhere and formats nothing, wherever it stands',
    (_, text) => {
      const everywhere = card({
        title: text,
        state: text,
        steps: [
          { mark: 'now', text, note: text },
          { mark: 'next', text, final: true },
        ],
        meter: { done: 0.3, text },
        lines: [text, `  ${text}`, '  word', '  ^^^^'],
        buttons: [{ label: text, says: 'cancel R7', style: 'danger' }],
      })
      for (const drawing of [
        drawn(everywhere),
        drawn({ ...everywhere, title: `R7 ${text}` }),
        ...pages(everywhere),
        drawn(card({ title: text })),
      ]) {
        expect(pingsOf(message(drawing), WORLD)).toEqual([])
        const text = JSON.stringify(drawing)
        // The angle bracket of a mention is ours to write, and no payload's.
        for (const block of drawing.blocks) for (const piece of marked(block)) expect(piece).not.toMatch(/<[@#!a-z]/i)
        expect(text).not.toMatch(/[\u202a-\u202e\u2066-\u2069]|\\u0000|\\u001b/)
      }
      // One line stays one line, and what comes before and after it stays as it was.
      const shown = seen(card({ lines: ['before *it*', text, 'after _it_'] }))
      expect(shown.slice(2).map(line => line.replaceAll('*', '').replaceAll('_', ''))[0]).toBe('before it')
      expect(shown.at(-1)).toBe('after _it_')
      expect(shown.length).toBeLessThanOrEqual(5)
    },
  )

  test('of several lines is one line, and what cannot be seen is seen', () => {
    expect(harmless('one\ntwo\tthree\u202efour')).toBe('one two three\ufffdfour')
  })

  test('stays what it is, to the letter, when somebody copies it and says it again', () => {
    for (const name of [
      'ora_data_01',
      'vmax-*',
      '50:06:01:60:3b:a0:12:34',
      'a*b*c',
      '~dir',
      '*',
      '_x_',
      '*a* *b*',
      'C:\\disk',
      'a & b < c',
    ])
      expect(copied(harmless(name))).toBe(name)
  })
})

test('what the libraries log has no token in it, and no address that is as good as one', () => {
  const lines: string[] = []
  const logger = quietLogger(line => void lines.push(line))
  logger.debug('xoxb-1-secret')
  logger.info('xoxb-2-secret')
  logger.warn('failed with xoxb-123-secret-of-the-bot and', new Error('xapp-1-A0-secret'), 'Bearer abc.secret')
  logger.error('closed wss://wss-primary.slack.com/link/?ticket=secret&app_id=1', 'https://hooks.slack.com/commands/secret')
  expect(lines).toEqual(['failed with [redacted] and Error: [redacted] Bearer [redacted]', 'closed [redacted] [redacted]'])
})

/** Every text that Slack reads as markup. */
const marked = (part: unknown): readonly string[] => {
  if (Array.isArray(part)) return part.flatMap(marked)
  if (typeof part !== 'object' || part === null) return []
  const own = 'type' in part && part.type === 'mrkdwn' && 'text' in part && typeof part.text === 'string' ? [part.text] : []
  return [...own, ...Object.values(part).flatMap(marked)]
}
const copied = (text: string): string =>
  text.replaceAll('\u2060', '').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
