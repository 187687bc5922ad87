import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { customIdOf, pressedOf } from '../src/chat/discord/custom-id.ts'
import { bodyOf, footerOf, pagesOf } from '../src/chat/discord/embed.ts'
import { cut, harmless, plain, trimmed } from '../src/chat/discord/harmless.ts'
import { filledIn, modalOf } from '../src/chat/discord/modal.ts'
import type { Button, Card, StepLine } from '../src/domain/chat.ts'
import { card, closeRooms, room, until } from './discord-room.ts'

afterEach(closeRooms)

const plan = (steps: number, at: number, final: number): readonly StepLine[] =>
  Array.from({ length: steps }, (_, n) => ({
    mark: n < at ? 'done' : n === at ? 'now' : 'next',
    text: `copy_${n} the *blocks* of ora_data_${n} to vmax-275`,
    ...(n < at ? { note: 'done at 14:00:00 UTC' } : {}),
    ...(n === final ? { final: true as const } : {}),
  }))

describe('a card', () => {
  test('shows how a run stands: state, steps, point of no return, bar, facts and buttons', async () => {
    const { fake, chat, at } = await room()
    const steps: readonly StepLine[] = [
      { mark: 'done', text: 'set up the session', note: 'done at 14:00:00 UTC' },
      { mark: 'waiting', text: 'ask for the cutover' },
      { mark: 'next', text: 'select the target', final: true },
    ]
    await chat.post(at, card({ steps, meter: { done: 0.5, text: '50.0 % at 200 MB/s; about 2 h left' } }), 'R7/card', 'answer')
    const [shown] = fake.messages(at.channel)
    expect(shown?.lines).toEqual([
      'R7 Migrate ora_data_01 to vmax-275',
      'waits for open-cutover',
      '✅ set up the session — done at 14:00:00 UTC',
      '⏸ ask for the cutover',
      '━━━━━━ POINT OF NO RETURN ━━━━━━',
      '▫ select the target',
      '██████████░░░░░░░░░░ 50.0 % at 200 MB/s; about 2 h left',
      'Open the cutover of ora_data_01?',
      expect.stringMatching(/^\s+holds: paths of sql01: 4 alive$/),
      footerOf('R7/card'),
      '[Approve open-cutover]',
    ])
    expect(shown?.buttons).toEqual(['Approve open-cutover'])
  })

  test.each([
    ['begun', 0],
    ['half way', 500],
    ['at its end', 999],
  ])('of a plan of a thousand steps that is %s fits, says where it stands, and shows the point of no return', async (_, now) => {
    const { fake, chat, at } = await room()
    await chat.post(at, card({ steps: plan(1_000, now, 700) }), 'R7/card', 'answer')
    const lines = fake.messages(at.channel)[0]?.lines ?? []
    expect(fake.invalid).toEqual([])
    expect(lines.length).toBeLessThan(40)
    expect(lines.some(line => line.includes(`▶ copy_${now} `))).toBe(true)
    const point = lines.findIndex(line => line.includes('POINT OF NO RETURN'))
    expect(lines[point + 1]).toContain('copy_700 ')
    const hidden = lines.flatMap(line => Number(/^… (\d+) steps?: /.exec(line)?.[1] ?? 0)).reduce((a, b) => a + b, 0)
    const visible = lines.filter(line => line.includes('the *blocks* of')).length
    expect(hidden + visible).toBe(1_000)
    expect(fake.messages(at.channel)[0]?.buttons).toContain('Show all')
  })

  test('that was folded is shown whole to whoever asks', async () => {
    const { fake, chat, heard, at } = await room()
    const steps = plan(100, 50, 70)
    const { message } = await chat.post(at, card({ steps }), 'R7/card', 'answer')
    await fake.presses('lee', message, 'Show all')
    expect(heard.map(({ text }) => text)).toEqual(['show R7'])
    await chat.whisper(heard[0]!, card({ steps }))
    const whispered = fake.messages(at.channel).filter(({ ephemeralTo }) => ephemeralTo !== undefined)
    const lines = whispered.flatMap(({ lines }) => lines)
    expect(steps.every((_, n) => lines.some(line => line.includes(`copy_${n} `)))).toBe(true)
    expect(whispered.flatMap(({ buttons }) => buttons)).toEqual([])
    expect(fake.invalid).toEqual([])
  })

  test('of any kind is one that Discord takes', async () => {
    const { fake, chat, at } = await room({ hasty: true })
    const text = fc.oneof(
      fc.string({ maxLength: 400, unit: 'grapheme' }),
      fc.string({ maxLength: 9_000, unit: 'binary' }),
      fc.constantFrom('', '`', '*'.repeat(5_000), '\u202e', '👩‍👩‍👧'.repeat(900)),
    )
    const step = fc.record({
      mark: fc.constantFrom<StepLine['mark']>('done', 'now', 'waiting', 'next', 'failed', 'doubtful', 'skipped', 'undone'),
      text,
      note: text,
    })
    const button = fc.record({
      label: text,
      says: fc.string({ minLength: 1, maxLength: 120 }),
      words: fc.record({ asks: fc.string({ maxLength: 45 }), must: fc.string({ minLength: 1, maxLength: 200 }) }),
    })
    const cards = fc.record({
      title: text,
      tone: fc.constantFrom<Card['tone']>('calm', 'waiting', 'good', 'bad'),
      state: text,
      steps: fc.array(step, { maxLength: 60 }),
      lines: fc.array(text, { maxLength: 60 }),
      buttons: fc.array(button, { maxLength: 40 }),
    })
    let n = 0
    await fc.assert(
      fc.asyncProperty(cards, async given => {
        await chat.post(at, given, `R7/card-${n++}`, 'answer')
        for (const page of pagesOf(given)) expect(page.embeds[0]?.description?.length ?? 0).toBeLessThanOrEqual(4_096)
        expect(fake.invalid).toEqual([])
      }),
      { numRuns: 60 },
    )
  })

  test('with more buttons than fit keeps five rows of five, and none twice', () => {
    const buttons = Array.from({ length: 40 }, (_, n) => ({ label: `Go ${n % 30}`, says: `approve R7 step-${n % 30}` }))
    const { components } = bodyOf(card({ buttons }), undefined)
    expect(components.map(row => row.components.length)).toEqual([5, 5, 5, 5, 5])
    expect(new Set(components.flatMap(row => row.components.map(one => one.custom_id))).size).toBe(25)
  })

  test('speaks of another message with an address that Discord opens in place', async () => {
    const { fake, chat, heard, at } = await room()
    const where = await chat.post(at, card(), 'R7/card', 'answer')
    await fake.says('lee', 'show R7', { via: 'command' })
    await chat.whisper(heard[0]!, card({ where }))
    expect(fake.messages(at.channel).at(-1)?.lines.join()).toContain(
      `https://discord.com/channels/${fake.guild}/${at.channel}/${where.message}`,
    )
  })
})

describe('a button', () => {
  const words: readonly (Button['words'] | undefined)[] = [
    undefined,
    { asks: 'Why go on without it?' },
    { asks: 'Why not?', optional: true },
    { asks: 'Type sql01 to approve', must: 'sql01' },
  ]
  test.each(words)('is understood from what it carries alone: %j', asked => {
    const button = { says: 'approve R7 cutover as 0123456789', ...(asked ? { words: asked } : {}) }
    expect(pressedOf(customIdOf(button) ?? '')).toEqual(button)
  })

  test('whose word to type has no room still takes no other word', () => {
    const must = 'a-device-with-a-very-long-name.in-the-second-hall.example.com'
    const says = `approve R7 ${'x'.repeat(60)} as 0123456789`
    const id = customIdOf({ says, words: { asks: 'Type it', must } }) ?? ''
    expect(id.length).toBeLessThanOrEqual(100)
    expect(id).not.toContain(must)
    expect(filledIn(pressedOf(id), must)).toEqual({ says })
    expect(filledIn(pressedOf(id), `${must}x`)).toHaveProperty('wrong')
    expect(filledIn(pressedOf(id), '')).toHaveProperty('wrong')
  })

  test('that could not ask for its word is none: its sentence is offered to be typed', () => {
    const says = `approve R7 ${'x'.repeat(86)}`
    const { components, embeds } = bodyOf(
      card({ buttons: [{ label: 'Go', says, words: { asks: 'Type it', must: 'sql01' } }] }),
      undefined,
    )
    expect(components).toEqual([])
    expect(embeds[0]?.description).toContain(says)
  })

  test('never says its sentence when another word was typed', () => {
    fc.assert(
      fc.property(fc.string(), typed => {
        const filled = filledIn({ says: 'go', words: { asks: 'Type it', must: 'sql01' } }, typed)
        expect('says' in filled).toBe(typed.trim() === 'sql01')
      }),
    )
  })

  test('asks with a form that Discord takes', () => {
    const form = modalOf('id', { says: 'x'.repeat(100), words: { asks: 'y'.repeat(60) } }) as {
      components: { label: string; description: string }[]
    }
    expect(form.components[0]?.label.length).toBeLessThanOrEqual(45)
    expect(form.components[0]?.description.length).toBeLessThanOrEqual(100)
  })
})

/** What people and devices may write, to ring others, to lead them elsewhere, or to look like something that it is not. */
const HOSTILE: readonly string[] = [
  '@everyone',
  '@here',
  '@Everyone',
  '\\@everyone',
  '`@everyone`',
  '``@here``',
  '<@1100000000000000102>',
  '<@!1100000000000000102>',
  '<@&1100000000000001002>',
  '\\<@1100000000000000102>',
  '<\u200b@1100000000000000102>',
  '<#1100000000000000010>',
  '<id:customize>',
  '</signalbox:1>',
  '<t:1700000000:R>',
  '<:ok:1100000000000000009>',
  '<a:ok:1100000000000000009>',
  ':white_check_mark: approved',
  '[ok](https://evil.example/x)',
  '[https://vmax-275](https://evil.example)',
  '[a](<https://evil.example>)',
  '<https://evil.example>',
  'https://evil.example/a_b',
  'http://evil.example',
  'discord.gg/abcdef',
  'https://discord.gg/abcdef',
  'discord.com/invite/abcdef',
  'discordapp.com/invite/abcdef',
  'DISCORD.GG/x',
  'discord.gift/x',
  'steam://run/1',
  'mailto:a@evil.example',
  'tel:112',
  '**bold**',
  '__under__',
  '_it_',
  '*it*',
  '~~gone~~',
  '||hidden||',
  '`code`',
  '``',
  '```\nblock\n```',
  '```js\nalert()\n```',
  '# Heading',
  '## Heading',
  '-# small',
  '> quote',
  '>>> quote',
  '- item',
  '* item',
  '1. item',
  '+ item',
  'a\nb @everyone',
  'a\r\n# b',
  '\u202eevorppa',
  '\u2066x\u2069',
  'Ali\u200bce',
  '\u0000nul\u0007',
  '\u001b[31mred',
  'x\u{e0041}y',
  '\u3164',
  '\\',
  '\\\\*a*',
  '*`*`*',
]

const OUT_OF_SIGHT =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\u3164]|[\u{e0000}-\u{e0fff}]/u

describe('untrusted text', () => {
  test('rings nobody and leads nowhere, wherever it stands, in sixty ways of trying', async () => {
    const { fake, chat, at, heard } = await room({ hasty: true })
    await fake.says('lee', 'show R7')
    const said = await until(() => heard[0])
    const asked = [...fake.pings]
    expect(HOSTILE.length).toBeGreaterThanOrEqual(60)
    for (const text of HOSTILE) {
      const before = fake.shown.length
      const steps: readonly StepLine[] = [{ mark: 'failed', text, note: text }]
      const buttons = [{ label: text, says: 'show R7' }]
      const title = `R7 ${text}`
      const hostile: Card = { title, tone: 'calm', state: text, steps, meter: { text }, lines: [text], buttons }
      await chat.post(at, hostile, `R7/card-${text}`, 'answer')
      await chat.whisper(said, hostile)
      await chat.whisper(said, { ...hostile, tone: 'bad' })
      const seen = fake.shown.slice(before).join('\n')
      // No name, place, time or picture of Discord's was made of it, no address can be clicked, and nothing is out of sight.
      expect(seen, text).not.toMatch(/@lee|@crew|#migrations|2023-11-14/)
      expect(seen, text).not.toMatch(/[a-z]:\/\/|discord(app)?\.(gg|com\/invite|gift)/i)
      expect(seen, text).not.toMatch(OUT_OF_SIGHT)
      expect(seen, text).not.toMatch(/@(everyone|here)/i)
    }
    expect(fake.pings).toEqual(asked)
    expect(fake.invalid).toEqual([])
  })

  test.each([
    ['ora_data_01 of wwn 50:00:09:72:c0:11', 'ora_data_01 of wwn 50:00:09:72:c0:11'],
    ['100 % of 3 * 4 TB [vmax-275] #12', '100 % of 3 * 4 TB [vmax-275] #12'],
    ['say `approve R7` now', 'say approve R7 now'],
    ['**not bold** and ||not hidden||', '**not bold** and ||not hidden||'],
    ['# not a heading', '# not a heading'],
    ['- not an item', '- not an item'],
    ['1. not a list', '1. not a list'],
  ])('is read as it was written: %s', async (text, read) => {
    const { fake, chat, at } = await room()
    await chat.post(at, { title: 'R7', tone: 'calm', lines: [text], buttons: [] }, 'R7/card', 'answer')
    expect(fake.messages(at.channel)[0]?.lines[1]).toBe(read)
  })

  test('is cut between characters, and never within an escape', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (text, most) => {
        const made = trimmed(text, most)
        expect(made.length).toBeLessThanOrEqual(most)
        expect(made).not.toMatch(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/)
        expect(/(?<!\\)(?:\\\\)*\\$/.test(made)).toBe(false)
        expect(cut(text, most).length).toBeLessThanOrEqual(most)
      }),
    )
    expect(plain('a\u202eb')).toBe('a\ufffdb')
    expect(harmless('`*`')).toBe('`*`')
  })
})
