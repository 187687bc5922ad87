import { styleText } from 'node:util'
import type { Button, Card, Meter, StepLine } from '../../domain/chat.ts'
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
    ...choices(card.buttons, first, paint),
  ]
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

function choices(buttons: readonly Button[], first: number | undefined, paint: Painter): readonly string[] {
  if (buttons.length === 0) return []
  if (first === undefined) return [`  Say: ${buttons.map(button => harmless(sentenceOf(button.says))).join(' | ')}`]
  return [`  ${buttons.map((button, n) => `${paint('bold', `${first + n}`)} ${harmless(button.label)}`).join('   ')}`]
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
