import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test, vi } from 'vitest'
import { liveConsole } from '../src/chat/console/live.ts'
import { plainConsole } from '../src/chat/console/plain.ts'
import { harmless, render } from '../src/chat/console/render.ts'
import type { Card, Said } from '../src/domain/chat.ts'
import { draw } from '../src/domain/draw.ts'
import { rings } from '../src/domain/rings.ts'
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
    for (const ring of rings(run, NOW)) await chat.post(AT, ring.card, `R1/${ring.key}`)
    await chat.post(AT, draw(run, NOW), 'R1/card')
    await chat.whisper({ id: '1', text: 'x', by: 'console:ann' as never, at: AT }, everywhere)
    expect(printed.some(line => line.startsWith('* R1 is held at sync: disk'))).toBe(true)
    expect(printed.join('')).not.toMatch(CONTROL)
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
    const post = await chat.post(AT, draw(run, NOW), 'R1/card')
    expect(fresh().join('\n')).toContain('[?] approve start')
    await chat.edit(post, draw(run, NOW))
    expect(fresh()).toEqual([])
    await chat.edit(post, draw(say(run, 'lee', 'approve R1').run, NOW))
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
    const post = await chat.post(AT, card(0), 'R1/card')
    fresh()
    for (let n = 1; n <= 100; n++) await chat.edit(post, card(n / 100))
    const bars = fresh().filter(line => line.includes('%'))
    expect(bars.length).toBeGreaterThanOrEqual(10)
    expect(bars.length).toBeLessThanOrEqual(11)
  })

  test('finds what it has printed, and nothing else', async () => {
    const { chat } = open()
    await chat.post(AT, everywhere, 'R1/card')
    expect(await chat.find(AT, 'R1/card')).toEqual({ ...AT, message: 'R1/card' })
    expect(await chat.find(AT, 'R2/card')).toBeUndefined()
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
    const { chat, heard, type, seen } = await open()
    const run = begun(plan(gate('start'), act('sync', 'routine')))
    await chat.post(AT, draw(run, NOW), 'R1/card')
    expect(seen()).toContain('1 Approve start   2 Deny start   3 Cancel')
    await type('lee: 1')
    expect(heard).toMatchObject([{ text: `approve R1 start as ${run.digest.slice(0, 10)}`, by: 'console:lee' }])
    await type('9')
    expect(seen()).toContain('There is no choice 9 now.')
    expect(heard).toHaveLength(1)
    await chat.stop()
  })

  test('shows hostile text harmlessly: only its own escapes reach the terminal', async () => {
    const { chat, seen, raw } = await open()
    const doubtful = having(sent(begun(plan(act('pulse', 'routine'))), 'pulse'), [
      step('pulse', { type: 'step.doubted', why: HOSTILE }),
    ])
    await chat.post(AT, draw(doubtful, NOW), 'R1/card')
    for (const ring of rings(doubtful, NOW)) await chat.post(AT, ring.card, `R1/${ring.key}`)
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
