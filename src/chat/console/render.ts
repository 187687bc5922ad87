import { styleText } from 'node:util'
import type { Chart } from '../../domain/chart.ts'
import { type Button, type Card, calledBy, filesOf, type Meter, type StepLine, saysWith } from '../../domain/chat.ts'
import { sparklines } from './sparkline.ts'
import { sentenceOf } from './typed.ts'

/** How a card looks on a terminal: lines of text, with or without colours. */
export interface Style {
  readonly colours: boolean
  readonly width: number
}

type Paint = Parameters<typeof styleText>[0]
type Colour = Extract<Paint, string>

const MARKS: Readonly<Record<StepLine['mark'], readonly [sign: string, paint: Colour]>> = {
  done: ['[x]', 'green'],
  now: ['[>]', 'cyan'],
  waiting: ['[?]', 'yellow'],
  next: ['[ ]', 'gray'],
  failed: ['[!]', 'red'],
  doubtful: ['[~]', 'red'],
  skipped: ['[-]', 'gray'],
  undone: ['[<]', 'yellow'],
}

const TONES: Readonly<Record<Card['tone'], Colour>> = { calm: 'cyan', waiting: 'yellow', good: 'green', bad: 'red' }

/** The lines of a card. `first` is the number of its first button; without it, buttons are shown as the sentences they stand for. */
export function render(card: Card, { colours, width }: Style, first?: number): readonly string[] {
  const paint = painter(colours)
  const title =
    paint(['bold', TONES[card.tone]], harmless(card.title)) +
    (card.state ? `  ${paint(TONES[card.tone], harmless(card.state))}` : '')
  return [
    title,
    ...(card.steps ?? []).flatMap(step => stepLines(step, width, paint)),
    ...(card.meter ? [`  ${bar(card.meter, paint)}${harmless(card.meter.text)}`] : []),
    ...card.lines.map(line => `  ${harmless(line)}`),
    ...(card.chart ? chartLines(card.chart, { colours, width }) : []),
    ...choices(card.buttons, first, paint),
    ...callLines(card),
  ]
}

/** Whose phones ring elsewhere: here somebody looks on. */
export function callLines(card: Card): readonly string[] {
  const { ids, more } = calledBy(card, 'console', /^[\w.-]+$/)
  return ids.length === 0 ? [] : [`  (rings ${ids.join(', ')}${more > 0 ? ` and ${more} more` : ''})`]
}

/** The file of an answer, line by line: there is nothing to attach it to. */
export function fileLines(card: Card): readonly string[] {
  const { files, missing } = filesOf(card)
  const [first, ...others] = files
  const lines = first?.text.replace(/\r?\n$/, '').split(/\r?\n/) ?? []
  const left = others.map(({ name }) => `  ${name} is not shown at a terminal.`)
  return [...lines.map(line => harmless(line)), ...left, ...missing.map(line => `  ${harmless(line)}`)]
}

function stepLines(step: StepLine, width: number, paint: Painter): readonly string[] {
  const [sign, colour] = MARKS[step.mark]
  const note = step.note ? paint('gray', `  ${harmless(step.note)}`) : ''
  const line = `  ${paint(colour, sign)} ${harmless(step.text)}${note}`
  if (!step.final) return [line]
  const label = ' point of no return '
  const rule = '='.repeat(Math.max(4, Math.floor((Math.min(width, 78) - label.length - 2) / 2)))
  return [`  ${paint(['bold', 'red'], `${rule}${label}${rule}`)}`, line]
}

const CELLS = 24
function bar({ done }: Meter, paint: Painter): string {
  if (done === undefined) return ''
  const full = Math.max(0, Math.min(CELLS, Math.floor(done * CELLS)))
  return `${paint('cyan', '#'.repeat(full))}${paint('gray', '.'.repeat(CELLS - full))} `
}

/** A chart as text: a row of blocks for each line, and beneath them from when to when. */
export function chartLines(chart: Chart, { colours, width }: Style): readonly string[] {
  const paint = painter(colours)
  const cells = Math.max(8, Math.min(48, width - 60))
  const { rows, when } = sparklines(chart, cells)
  const labels = rows.map(row => harmless(row.label))
  const widest = Math.max(0, ...labels.map(label => label.length))
  const drawn = rows.map(
    (row, n) => `  ${(labels[n] ?? '').padEnd(widest)}  ${paint('cyan', row.blocks.padEnd(cells))}  ${harmless(row.says)}`,
  )
  return when === undefined ? [] : [...drawn, `  ${' '.repeat(widest)}  ${paint('gray', when)}`]
}

function choices(buttons: readonly Button[], first: number | undefined, paint: Painter): readonly string[] {
  if (buttons.length === 0) return []
  if (first === undefined) return [`  Say: ${buttons.flatMap(spoken).map(harmless).join(' | ')}`]
  const more = ({ words }: Button): string => (words && !words.optional ? ` ${words.must ?? '...'}` : '')
  return [
    `  ${buttons.map((button, n) => `${paint('bold', `${first + n}`)} ${harmless(button.label + more(button))}`).join('   ')}`,
  ]
}

/** What somebody types in place of pressing. A button that only adds words of one's own to another one is left out. */
function spoken({ says, words }: Button): readonly string[] {
  if (words === undefined || words.must !== undefined || words.code) return [sentenceOf(says)]
  const plain = saysWith({ says, words }, '')
  return plain === undefined ? [] : [sentenceOf(plain)]
}

type Painter = (paint: Paint, text: string) => string
const painter =
  (colours: boolean): Painter =>
  (paint, text) =>
    colours ? styleText(paint, text, { validateStream: false }) : text

/** Untrusted text on a terminal: no control character, no change of direction, nothing that moves the cursor. */
export const harmless = (text: string): string =>
  text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, char =>
    char === '\n' || char === '\t' ? ' ' : '\ufffd',
  )
