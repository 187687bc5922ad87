import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { liveConsole } from '../src/chat/console/live.ts'
import { plainConsole } from '../src/chat/console/plain.ts'
import { harmless, render } from '../src/chat/console/render.ts'
import { ballots, questionToken } from '../src/domain/ballot.ts'
import type { Chart } from '../src/domain/chart.ts'
import type { Card, Said } from '../src/domain/chat.ts'
import { draw } from '../src/domain/draw.ts'
import { rings } from '../src/domain/rings.ts'
import type { Run } from '../src/domain/run.ts'
import type { Chat } from '../src/ports/chat.ts'
import { act, begun, failed, gate, having, NOW, plan, say, sent, step } from './fakes/given.ts'

const AT = { chat: 'console', channel: 'terminal' }
/** Clears the screen, moves up, rings, changes colour, hides text, turns the writing round, and marks its end. */
const HOSTILE = 'disk\u001b[2J\u001b[1A\u0007\r\b\u009b31m\u0000\u202e5ksid\u2066\u200f\u061c\u200b\ufeff\u2028end'
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/
const everywhere: Card = {
  title: HOSTILE,
  tone: 'bad',
  state: HOSTILE,
  steps: [{ mark: 'failed', text: HOSTILE, note: HOSTILE, final: true }],
  meter: { done: 0.5, text: HOSTILE },
  lines: [HOSTILE],
  buttons: [{ label: HOSTILE, says: HOSTILE }],
}

/** What a button of the open question carries. */
const tokenOf = (run: Run): string => {
  const open = ballots(run)[0]!
  return questionToken(run, open.step, open.ballot)
}

describe('hostile text from a device', () => {
  test('is harmless on the console, wherever on a card it stands', () => {
    for (const line of [
      ...render(everywhere, { colours: false, width: 80 }),
      ...render(everywhere, { colours: false, width: 80 }, 1),
    ]) {
      expect(line).not.toMatch(CONTROL)
      expect(line).not.toContain('\n')
    }
    expect(harmless('two\nlines\tand a tab')).toBe('two lines and a tab')
    expect(harmless('caf\u00e9 \u{1f4be} \u4e2d')).toBe('caf\u00e9 \u{1f4be} \u4e2d')
  })

  test("is harmless with colours too: the only escapes are the console's own", () => {
    const painted = render(everywhere, { colours: true, width: 80 }).join('')
    expect(painted).toContain('\u001b[')
    expect(stripVTControlCharacters(painted)).not.toMatch(CONTROL)
    expect(painted).not.toContain('\u001b[2J')
  })

  test('is harmless when it rings, is whispered, or comes with a failure', async () => {
    const printed: string[] = []
    const chat = plainConsole(line => printed.push(line))
    const run = failed(begun(plan(act('sync', 'routine'))), 'sync', HOSTILE)
    for (const ring of rings(run, NOW)) await chat.post(AT, ring.card, `R1/${ring.key}`, 'answer')
    await chat.post(AT, draw(run, NOW), 'R1/card', 'answer')
    await chat.whisper({ id: '1', text: 'x', by: 'console:ann' as never, at: AT }, everywhere)
    expect(printed.some(line => line.startsWith('* R1 is held at sync: disk'))).toBe(true)
    expect(printed.join('')).not.toMatch(CONTROL)
  })
})

describe('a chart on the console', () => {
  const STYLE = { colours: false, width: 100 }
  const points = (...values: readonly number[]) => values.map((value, n) => [NOW + n * 60_000, value] as const)
  const chart: Chart = {
    title: 'R1 move a disk on sql01',
    lines: [
      { label: 'copy: share done', unit: 'share', points: points(...[...Array(81).keys()].map(n => n / 100)) },
      { label: 'copy: throughput', unit: 'bytes/s', points: points(...[...Array(81).keys()].map(n => (n < 40 ? 200e6 : 100e6))) },
    ],
  }
  const card: Card = { title: 'R1', tone: 'calm', lines: [], buttons: [], chart }

  test('is a row of blocks for each line, with its lowest and highest value and from when to when', () => {
    const [, share = '', speed = '', when = ''] = render(card, STYLE)
    expect(share).toMatch(/^ {2}copy: share done {2}\u2581+\u2582+\u2583+\u2584+\u2585+\u2586+\u2587+ {2}0\.0 % to 80\.0 %$/)
    expect(speed).toMatch(/^ {2}copy: throughput {2}\u2588{20}\u2585{20} {2}100 MB\/s to 200 MB\/s, now 100 MB\/s$/)
    expect(when.trim()).toBe('20 Nov 2025, 12:00 to 13:20 UTC')
  })

  test('comes with the end of a run that rings', async () => {
    const printed: string[] = []
    await plainConsole(line => printed.push(line)).post(AT, { ...card, title: 'R1 succeeded' }, 'R1/ring-end@slack/C2', 'end')
    expect(printed[0]).toBe('* R1 succeeded')
    expect(printed).toHaveLength(4)
    expect(printed[1]).toContain('\u2581\u2582')
  })

  test('is drawn of one point, of equal values, of a standstill, and of what is no number; of nothing it is nothing', () => {
    const rows = (...lines: Chart['lines']) => render({ ...card, chart: { title: '', lines } }, STYLE).slice(1)
    const line = (unit: 'share' | 'bytes/s', ...values: readonly number[]) => ({ label: 'it', unit, points: points(...values) })
    expect(rows(line('share', 0.5))[0]?.trim()).toMatch(/^it {2}\u2585 +50\.0 %$/)
    expect(rows(line('share', 0.5, 0.5))[0]?.trim()).toMatch(/^it {2}\u2585+ {2}50\.0 %$/)
    expect(rows(line('bytes/s', 0, 0))[0]?.trim()).toMatch(/^it {2}\u2581+ {2}0 B\/s$/)
    expect(rows(line('share', Number.NaN, 1))[0]?.trim()).toMatch(/^it {2}\u2588 +100\.0 %$/)
    expect(rows(line('share'), line('bytes/s', Number.NaN))).toEqual([])
    expect(rows()).toEqual([])
  })

  test('is harmless, and fits the terminal', () => {
    const hostile = { ...chart, title: HOSTILE, lines: chart.lines.map(line => ({ ...line, label: HOSTILE })) }
    for (const line of render({ ...card, chart: hostile }, STYLE)) expect(line).not.toMatch(CONTROL)
    for (const width of [80, 100, 200])
      for (const line of render(card, { colours: false, width })) expect(line.length).toBeLessThanOrEqual(width)
  })
})

describe('the console that nobody watches', () => {
  const open = () => {
    const printed: string[] = []
    return { printed, chat: plainConsole(line => printed.push(line)), fresh: () => printed.splice(0) }
  }

  test('prints a card once, and then only what is new on it', async () => {
    const { chat, fresh } = open()
    const run = begun(plan(gate('start'), act('sync', 'routine')))
    const post = await chat.post(AT, draw(run, NOW), 'R1/card', 'answer')
    expect(fresh().join('\n')).toContain('[?] approve start')
    await chat.edit(post, draw(run, NOW), 'transition')
    expect(fresh()).toEqual([])
    await chat.edit(post, draw(say(run, 'lee', 'approve R1').run, NOW), 'transition')
    expect(fresh()).toEqual([
      'R1 move a disk on sql01  sync',
      '  [x] approve start  approved by lee at 12:00:00 UTC',
      '  [>] sync on sql01',
      '  Say: cancel R1',
    ])
  })

  test('prints one line of progress for each tenth and not for each look', async () => {
    const { chat, fresh } = open()
    const card = (done: number): Card => ({
      title: 'copy',
      tone: 'calm',
      lines: [],
      buttons: [],
      meter: { done, text: `${(done * 100).toFixed(0)} %` },
    })
    const post = await chat.post(AT, card(0), 'R1/card', 'answer')
    fresh()
    for (let n = 1; n <= 100; n++) await chat.edit(post, card(n / 100), 'transition')
    const bars = fresh().filter(line => line.includes('%'))
    expect(bars.length).toBeGreaterThanOrEqual(10)
    expect(bars.length).toBeLessThanOrEqual(11)
  })

  test('finds what it has printed, and nothing else', async () => {
    const { chat } = open()
    await chat.post(AT, everywhere, 'R1/card', 'answer')
    expect(await chat.find(AT, 'R1/card', 0)).toEqual({ ...AT, message: 'R1/card' })
    expect(await chat.find(AT, 'R2/card', 0)).toBeUndefined()
  })
})

/** A terminal: what is written to it, and keys that can be pressed. */
function terminal() {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => input }) as unknown as NodeJS.ReadStream &
    PassThrough
  const output = Object.assign(new PassThrough(), { isTTY: true, columns: 100, rows: 40 }) as unknown as NodeJS.WriteStream &
    PassThrough
  let seen = ''
  output.on('data', (chunk: Buffer) => (seen += chunk.toString()))
  return { input, output, seen: () => stripVTControlCharacters(seen), raw: () => seen, clear: () => (seen = '') }
}

describe('whom a message calls, and the files of an answer', () => {
  const calls = ['console:ann', 'slack:U0LEE', 'console:bob', 'console:x)\u001b[2J'] as unknown as NonNullable<Card['calls']>
  const ring: Card = { title: 'R1 asks: cut over?', tone: 'waiting', lines: [], buttons: [], calls }
  const answer: Card = {
    title: 'The report of R1.',
    tone: 'calm',
    lines: ['It can also be had elsewhere.'],
    buttons: [],
    attached: [
      { name: 'R1-report.md', text: '# R1\n\napproved by \u001b[2Jann\n' },
      { name: 'R1-report.json', text: '{}' },
    ],
  }
  const said: Said = { id: '1', text: 'x', by: 'console:ann' as never, at: AT }
  const REPORT = ['# R1', '', 'approved by \ufffd[2Jann', '  R1-report.json is not shown at a terminal.']

  test('are printed by the console that nobody watches: names once, and the first file as it is', async () => {
    const printed: string[] = []
    const chat = plainConsole(line => printed.push(line))
    await chat.post(AT, ring, 'R1/ring-open', 'answer')
    expect(printed.splice(0)).toEqual(['* R1 asks: cut over?', '  (rings ann, bob)'])
    const post = await chat.post(AT, { ...ring, calls: [] }, 'R1/card', 'answer')
    await chat.edit(post, ring, 'answer')
    expect(printed.splice(0)).toEqual(['R1 asks: cut over?'])
    await chat.whisper(said, answer)
    expect(printed).toEqual(['The report of R1.', '  It can also be had elsewhere.', ...REPORT])
  })

  test('are shown on a terminal', async () => {
    const { input, output, seen } = terminal()
    const chat = liveConsole({ input, output, colours: false, speakers: ['olga'], complete: () => [], leave: () => {} })
    await chat.start(() => Promise.resolve())
    await chat.post(AT, ring, 'R1/ring-open', 'answer')
    await chat.whisper(said, answer)
    await chat.stop()
    expect(seen()).toContain('* R1 asks: cut over?\n  (rings ann, bob)\n')
    expect(seen()).toContain(REPORT.join('\n'))
  })
})

describe('the console on a terminal', () => {
  const open = async (speakers = ['olga', 'lee']) => {
    const screen = terminal()
    const heard: Said[] = []
    const leave = vi.fn()
    const chat: Chat = liveConsole({
      input: screen.input,
      output: screen.output,
      colours: false,
      speakers,
      complete: line => (line.startsWith('show') ? ['paths', 'targets'] : []),
      leave,
    })
    await chat.start(async said => {
      heard.push(said)
    })
    const type = async (text: string): Promise<void> => {
      screen.input.write(`${text}\r`)
      // The line is read in this turn of the loop, and what it comes to is drawn in the next.
      for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
    }
    return { ...screen, chat, heard, leave, type }
  }

  test('hears what is typed, as the one who speaks', async () => {
    const { chat, heard, type } = await open()
    await type('show paths on sql01')
    expect(heard).toMatchObject([{ text: 'show paths on sql01', by: 'console:olga', at: { chat: 'console' } }])
    await type('lee: approve R1')
    expect(heard[1]).toMatchObject({ text: 'approve R1', by: 'console:lee' })
    await type('as lee')
    await type('show runs')
    expect(heard[2]).toMatchObject({ text: 'show runs', by: 'console:lee' })
    expect(new Set(heard.map(said => said.id)).size).toBe(3)
    await chat.stop()
  })

  test('lets nobody speak as a person who is not at this terminal', async () => {
    const { chat, heard, type, seen } = await open()
    await type('as mallory')
    expect(seen()).toContain('Here are olga, lee, and nobody called mallory.')
    await type('mallory: approve R1')
    expect(heard.map(said => said.by)).toEqual(['console:olga'])
    await chat.stop()
  })

  test('takes a number for the button of that number, with the digest that the button carries', async () => {
    const { chat, heard, type, seen } = await open(['olga', 'lee', 'dee'])
    const run = begun(plan(gate('start'), act('sync', 'routine')))
    await chat.post(AT, draw(run, NOW), 'R1/card', 'answer')
    expect(seen()).toContain('1 Approve start   2 Deny start   3 Cancel   4 Approve with a note ...')
    await type('lee: 1')
    expect(heard).toMatchObject([{ text: `approve R1 start as ${tokenOf(run)}`, by: 'console:lee' }])
    await type('9')
    expect(seen()).toContain('There is no choice 9 now.')
    await type('lee: 4 the "app" is quiet')
    await type('dee: 2')
    expect(heard.slice(1)).toMatchObject([
      { text: `approve R1 start as ${tokenOf(run)} because "the 'app' is quiet"`, by: 'console:lee' },
      { text: `deny R1 start as ${tokenOf(run)}`, by: 'console:dee' },
    ])
    expect(seen()).toContain('lee> approve R1 start because')
    await chat.stop()
  })

  test('puts the sentence of a button that needs a reason into the line, as far as the reason', async () => {
    const { chat, heard, type, seen } = await open(['olga', 'lee', 'dee'])
    const run = begun(plan(gate('start'), act('sync', 'routine')))
    await chat.post(AT, draw(run, NOW), 'R1/card', 'answer')
    await type('4')
    expect(seen()).toContain('Note or ticket  Say: approve R1 start because "..."')
    expect(heard).toEqual([])
    expect(seen()).toContain(`olga> approve R1 start as ${tokenOf(run)} because "`)
    // What is typed now are the words, a mark at their end or not, and Enter says it.
    await type('CHG "42"')
    expect(heard).toMatchObject([{ text: `approve R1 start as ${tokenOf(run)} because "CHG '42"`, by: 'console:olga' }])
    // Pressed by somebody else, it is theirs.
    await type('lee: 4')
    await type('seen and agreed')
    expect(heard[1]).toMatchObject({ text: `approve R1 start as ${tokenOf(run)} because "seen and agreed"`, by: 'console:lee' })
    // Without words it says nothing, and a line that was begun anew is a line like any other.
    await type('4')
    await type('')
    expect(seen()).toContain('nothing was said.')
    await type('4')
    await type('\u0015show runs')
    expect(heard.slice(2).map(said => said.text)).toEqual(['show runs'])
    await chat.stop()
  })

  test('passes a point of no return only when its target was typed, to the letter', async () => {
    const { chat, heard, type, seen } = await open(['olga', 'lee', 'dee'])
    const run = begun(plan(gate('cutover'), act('cut', 'destructive', { final: true })))
    await chat.post(AT, draw(run, NOW), 'R1/card', 'answer')
    expect(draw(run, NOW).buttons[0]?.words?.must).toBe('sql01')
    await type('lee: 1')
    expect(seen()).toContain('It will say: approve R1 cutover')
    expect(seen()).toContain('Type sql01 to approve> ')
    await type('SQL01')
    expect(seen()).toContain('That is not sql01: nothing was said.')
    await type('lee: 1')
    await type('')
    await type('lee: 1 sql02')
    expect(heard).toEqual([])
    await type('lee: 1')
    await type('sql01')
    await type('dee: 1 sql01')
    const says = `approve R1 cutover as ${tokenOf(run)}`
    expect(heard).toMatchObject([
      { text: says, by: 'console:lee' },
      { text: says, by: 'console:dee' },
    ])
    await chat.stop()
  })

  const CODE = '80402060'
  const coded = (says: string): Card => ({
    title: 'R1 move a disk on sql01',
    tone: 'waiting',
    state: 'waits for cutover',
    lines: [],
    buttons: [
      { label: 'Approve', says, words: { asks: 'Code of your second factor', code: true } },
      { label: 'Deny', says: 'deny R1 cutover as 0123456789' },
    ],
  })

  test('takes a code behind the number of a button or when it is asked, beside the sentence, and shows dots for it', async () => {
    const { chat, heard, input, type, seen, raw } = await open()
    await chat.post(AT, coded('approve R1 cutover as 0123456789'), 'R1/card', 'answer')
    for (const key of `lee: 1 ${CODE}`) {
      input.write(key)
      await new Promise(resolve => setImmediate(resolve))
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(seen()).toContain('olga> lee: 1 ........')
    await type('')
    await type('1')
    expect(seen()).toContain('It will say: approve R1 cutover')
    await type(CODE)
    await type('1 804 020')
    const says = 'approve R1 cutover as 0123456789'
    expect(heard.map(({ text, by, code }) => [text, by, code])).toEqual([
      [says, 'console:lee', CODE],
      [says, 'console:olga', CODE],
      [says, 'console:olga', '804020'],
    ])
    expect(seen()).toContain('lee> approve R1 cutover  (code ........)')
    expect(seen()).toContain('Code of your second factor> ')
    // Nor is it there to be called back with the arrow keys.
    for (let n = 0; n < 8; n++) await type('\u001b[A')
    expect(heard.filter(({ code }) => code !== undefined)).toHaveLength(3)
    await chat.stop()
    expect(raw()).not.toContain(CODE)
    expect(raw()).not.toMatch(/804 ?020/)
  })

  test('takes nothing else for a code, says so without repeating it, and nothing is said', async () => {
    const { chat, heard, type, seen, raw } = await open()
    await chat.post(AT, coded('approve R1 cutover as 0123456789'), 'R1/card', 'answer')
    await type('1 98760')
    await type('1')
    await type('987605432')
    expect(seen()).toContain('That is not a code of 6 to 8 digits: nothing was said.')
    expect(raw()).not.toMatch(/98760/)
    expect(heard).toEqual([])
    // Typed, it goes through without a code: the engine says no, and what to do.
    await type('approve R1 cutover')
    expect(heard).toMatchObject([{ text: 'approve R1 cutover' }])
    expect(heard[0]).not.toHaveProperty('code')
    await chat.stop()
  })

  test('takes a code and a reason in one line, where both are wanted', async () => {
    const { chat, heard, type, raw } = await open()
    await chat.post(AT, coded('approve R1 cutover as 0123456789 because "..."'), 'R1/card', 'answer')
    await type(`1 ${CODE}`)
    expect(heard).toEqual([])
    await type(`1 ${CODE} CHG0041`)
    await type('lee: 1')
    await type(`${CODE} CHG0042`)
    expect(heard.map(({ text, code }) => [text, code])).toEqual([
      ['approve R1 cutover as 0123456789 because "CHG0041"', CODE],
      ['approve R1 cutover as 0123456789 because "CHG0042"', CODE],
    ])
    expect(raw()).not.toContain(CODE)
    await chat.stop()
  })

  test('is a place where work is asked for, and says that it is there', async () => {
    const { chat } = await open()
    const said = { id: '1', text: 'show runs', by: 'console:olga' as never, at: AT }
    expect(await chat.standing(said)).toEqual({ speaker: 'member', place: 'work' })
    expect(chat.health().ok).toBe(true)
    await chat.stop()
  })

  test('shows hostile text harmlessly: only its own escapes reach the terminal', async () => {
    const { chat, seen, raw } = await open()
    const doubtful = having(sent(begun(plan(act('pulse', 'routine'))), 'pulse'), [
      step('pulse', { type: 'step.doubted', why: HOSTILE }),
    ])
    await chat.post(AT, draw(doubtful, NOW), 'R1/card', 'answer')
    for (const ring of rings(doubtful, NOW)) await chat.post(AT, ring.card, `R1/${ring.key}`, 'answer')
    await chat.whisper({ id: '1', text: 'x', by: 'console:olga' as never, at: AT }, everywhere)
    expect(seen()).toContain('in doubt about pulse')
    expect(raw()).not.toContain('\u001b[2J')
    expect(seen()).not.toMatch(/[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
    await chat.stop()
  })

  test('says when a sentence was not heard, and hears the next', async () => {
    const screen = terminal()
    const chat = liveConsole({
      input: screen.input,
      output: screen.output,
      colours: false,
      speakers: ['olga'],
      complete: () => [],
      leave: () => {},
    })
    await chat.start(() => Promise.reject(new Error('the database is away')))
    screen.input.write('show runs\r')
    await vi.waitFor(() => expect(screen.seen()).toContain('That was not heard: the database is away. Say it again.'), {
      interval: 5,
    })
    await chat.stop()
  })
})
