import { randomUUID } from 'node:crypto'
import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import { createLogUpdate } from 'log-update'
import type { Button, Card, Place, Post, Said } from '../../domain/chat.ts'
import type { Handle } from '../../domain/ids.ts'
import type { Chat } from '../../ports/chat.ts'
import { callLines, chartLines, fileLines, harmless, render } from './render.ts'
import { answerOf, notThat, prefixOf, sentenceOf, typed, upToWords, type Worded, writtenBehind } from './typed.ts'
import { veiled } from './veil.ts'

export interface LiveOptions {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  readonly colours: boolean
  readonly speakers: readonly string[] // who may speak here; more than one in the lab only
  readonly complete: (line: string) => readonly string[]
  readonly leave: () => void // Ctrl-C or Ctrl-D
}

/** A button that waits for its words, and the line that it began; an empty one where they are all that is typed. */
interface Asking {
  readonly who: string
  readonly button: Worded
  readonly begun: string
}

interface Answer {
  readonly says: string
  readonly code?: string
}

/** The console on a terminal: live cards edited in place above a prompt, everything else scrolls away above them. */
export function liveConsole({ input, output, colours, speakers, complete, leave }: LiveOptions): Chat {
  const screen = createLogUpdate(output, { showCursor: true })
  const live = new Map<string, Card>() // cards of runs that are not over, oldest first
  const ended = new Map<string, string>() // as it was drawn last: once in the scrollback, not again
  let speaker = speakers[0] ?? 'operator'
  let hints: readonly string[] = []
  let asking: Asking | undefined // the next line answers it
  let line: Interface | undefined

  const style = () => ({ colours, width: output.columns || 80 })
  const above = (lines: readonly string[]): void => {
    screen.clear()
    output.write(`${lines.join('\n')}\n`)
    redraw()
  }
  const buttons = (): readonly Button[] => [...live.values()].flatMap(card => card.buttons)

  /** A code is for nobody who looks over a shoulder, or into the scrollback. */
  const unseen = (text: string): string => veiled(text, asking?.button.words.code === true, speakers, buttons())

  function frame(): readonly string[] {
    let number = 1
    const cards = [...live.values()].flatMap(card => {
      const lines = render(card, style(), number)
      number += card.buttons.length
      return [...lines, '']
    })
    const text = unseen(line?.line ?? '')
    const at = line?.cursor ?? 0
    const edited = line ? `${text.slice(0, at)}${cursor(text[at] ?? ' ', colours)}${text.slice(at + 1)}` : ''
    const rows = Math.max(6, (output.rows || 24) - 4 - hints.length)
    // The end of a card, its meter, gate and buttons, is what matters when the screen is too small for all of it.
    const fitting =
      cards.length > rows ? [`... ${cards.length - rows} lines more above: show runs`, ...cards.slice(-rows)] : cards
    return [
      ...fitting,
      ...hints.map(hint => `  ${hint}`),
      `${asking?.begun === '' ? harmless(asking.button.words.asks) : speaker}> ${edited}`,
    ]
  }
  const redraw = (): void => screen(frame().join('\n'))

  function take(text: string, hear: (said: Said) => Promise<void>): void {
    hints = []
    const answers = asking
    asking = undefined
    const words = answers && writtenBehind(answers.begun, text)
    if (answers && words !== undefined) {
      const answer = answerOf(answers.button, words)
      if (answer) say(answers.who, answer, hear)
      else above([harmless(notThat(answers.button))])
      return
    }
    const found = typed(text, speaker, speakers, buttons())
    if (found.is === 'no') above([harmless(found.why)])
    if (found.is === 'words') ask(found.who, found.button)
    if (found.is === 'sentence') say(found.who, found, hear)
    if (found.is === 'speaker') speaker = found.who
    redraw()
  }

  function say(who: string, { says, code }: Answer, hear: (said: Said) => Promise<void>): void {
    above([harmless(`${who}> ${sentenceOf(says)}${code === undefined ? '' : `  (code ${'.'.repeat(code.length)})`}`)])
    const said = { id: randomUUID(), text: says, by: `console:${who}` as Handle, at: { chat: 'console', channel: 'terminal' } }
    hear(code === undefined ? said : { ...said, code }).catch((error: Error) => {
      above([`That was not heard: ${error.message}. Say it again.`])
    })
  }

  /** What has to be typed to the letter, and a code, is asked for; a reason is written where it belongs, at the end of its sentence. */
  function ask(who: string, button: Worded): void {
    const letter = button.words.must !== undefined || button.words.code === true
    const begun = letter ? '' : harmless(`${who === speaker ? '' : `${who}: `}${upToWords(button)}`)
    asking = { who, button, begun }
    const sentence = sentenceOf(button.says)
    above([harmless(letter ? `It will say: ${sentence}` : `${button.words.asks}  Say: ${sentence}`)])
    line?.write(begun)
    redraw()
  }

  const show = (message: string, card: Card): void => {
    if (card.tone === 'good' || (card.tone === 'bad' && card.buttons.length === 0 && card.state !== undefined)) {
      // The run is over: its card stays in the scrollback as it ended.
      const drawn = JSON.stringify(card)
      if (live.delete(message) || ended.get(message) !== drawn) above([...render(card, style()), ''])
      ended.set(message, drawn)
      return
    }
    live.set(message, card)
    redraw()
  }

  return {
    name: 'console',
    standing: () => Promise.resolve({ speaker: 'member', place: 'work' }),
    health: () => ({ ok: true, says: 'this terminal' }),
    start(hear) {
      // Editing, history and keys are readline's; what it would draw goes nowhere, because the frame draws it.
      const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
      line = createInterface({
        input,
        output: nowhere,
        terminal: true,
        historySize: 200,
        completer: (text: string): [string[], string] => {
          const found = complete(text.slice(prefixOf(text, speakers).length))
          const partial = /\S*$/.exec(text)?.[0] ?? ''
          hints = found.length > 1 ? found.slice(0, 12) : []
          return [found.map(word => (found.length === 1 ? `${word} ` : word)), partial]
        },
      })
      // Node calls this for every line that it remembers, so that what must not be called back by a key can be taken out.
      line.on('history', history => {
        if (history[0] !== undefined && unseen(history[0]) !== history[0]) history.shift()
      })
      line.on('line', text => take(text, hear))
      line.on('SIGINT', leave)
      line.on('close', leave)
      input.on('keypress', () => setImmediate(redraw))
      output.on('resize', redraw)
      redraw()
      return Promise.resolve()
    },
    post(at: Place, card: Card, key: string): Promise<Post> {
      const picture = card.chart ? chartLines(card.chart, style()) : []
      if (key.includes('/ring-'))
        above([`${colours ? '\u0007' : ''}* ${render(card, style())[0] ?? ''}`, ...callLines(card), ...picture])
      else show(key, card)
      return Promise.resolve({ ...at, message: key })
    },
    // A terminal that was closed shows nothing any more: what it showed is drawn anew.
    find: () => Promise.resolve(undefined),
    edit(post: Post, { calls: _, ...card }: Card): Promise<void> {
      show(post.message, card)
      return Promise.resolve()
    },
    whisper(_: Said, card: Card): Promise<void> {
      above([...render(card, style()), ...fileLines(card), ''])
      return Promise.resolve()
    },
    stop(): Promise<void> {
      line?.removeListener('close', leave)
      line?.close()
      line = undefined
      hints = []
      screen([...live.values()].flatMap(card => [...render(card, style()), '']).join('\n'))
      screen.done()
      return Promise.resolve()
    },
  }
}

const cursor = (char: string, colours: boolean): string => (colours ? `\u001b[7m${char}\u001b[27m` : `${char}`)
