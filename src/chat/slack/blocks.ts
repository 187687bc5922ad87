import type { Button, Card, Meter, StepLine } from '../../domain/chat.ts'
import { carriedBy } from './button-value.ts'
import { type Folded, fold } from './fold.ts'
import { spokenOf } from './form.ts'
import { harmless, plain } from './harmless.ts'

/** One block of Slack's Block Kit, as its API takes it. */
export type Block = Readonly<Record<string, unknown>>

/** What a message of Slack's is made of: its blocks, and the text that notifications and search use instead. */
export interface Drawn {
  readonly blocks: readonly Block[]
  readonly text: string
}

/** A text of ours, whose markup is meant. */
const mrkdwn = (text: string): Block => ({ type: 'mrkdwn', text, verbatim: true })
const words = (text: string, most: number): Block => ({ type: 'plain_text', text: cut(plain(text), most), emoji: false })

/** Slack takes 3,000 characters in a section, 150 in a header, and some 13,000 that people read in all the blocks of a message. */
const SECTION = 2_800
const HEADER = 150
const MESSAGE = 12_000
const PAGES = 6

/** How much of a card is shown: characters of a step and of its note, characters of a line, and lines. */
interface Room {
  readonly step: number
  readonly line: number
  readonly lines: number
}

/** What is ordinary fits into the first; the last one fits whatever a device may have said. */
const ROOMS: readonly Room[] = [
  { step: 300, line: 600, lines: 40 },
  { step: 90, line: 160, lines: 20 },
  { step: 12, line: 40, lines: 4 },
]
const ROOMY: Room = { step: 300, line: 2_000, lines: Number.POSITIVE_INFINITY }

/** A card as one message, however long its plan is. `link` leads to the message it speaks of. Pure. */
export function drawn(card: Card, link?: string): Drawn {
  const steps = fold(card.steps ?? [])
  const run = /^R[1-9]\d*(?= )/.exec(card.title)?.[0]
  // The whole plan is whispered to whoever asks, in as many pages as it takes, by the sentence that anybody may type as well.
  const all: readonly Button[] =
    run !== undefined && steps.some(step => 'left' in step)
      ? [{ label: `Show all ${card.steps?.length} steps`, says: `show ${run}` }]
      : []
  const buttons = actions([...card.buttons, ...all])
  const tries = ROOMS.map(room => [...heads(card), ...body(card, steps, room), ...linked(link), ...buttons])
  return { blocks: tries.find(blocks => lettersIn(blocks) <= MESSAGE) ?? tries.at(-1) ?? [], text: fallback(card) }
}

/** A card as an answer to one person: nothing is folded, no button is on it, and it takes as many messages as it takes. */
export function pages(card: Card, link?: string): readonly Drawn[] {
  const all: Block[][] = [[...heads(card)]]
  for (const block of [...body(card, card.steps ?? [], ROOMY), ...linked(link)]) {
    const last = all.at(-1) ?? []
    if (lettersIn([...last, block]) <= MESSAGE) last.push(block)
    else all.push([block])
  }
  const shown = all.slice(0, PAGES)
  if (all.length > PAGES) shown.at(-1)?.push(section('_There is more, and it is too long to be shown here._'))
  return shown.map(blocks => ({ blocks, text: fallback(card) }))
}

function body(card: Card, steps: readonly Folded[], room: Room): readonly Block[] {
  const lines = card.lines.slice(0, room.lines)
  const hidden = card.lines.length - lines.length
  return [
    ...sections(steps.flatMap(step => stepLines(step, room))),
    ...(card.meter ? [section(meterLine(card.meter))] : []),
    ...sections([...markedUp(lines, room), ...(hidden > 0 ? [`_${hidden} more lines are not shown here._`] : [])]),
  ]
}

/** As Slack counts them: what people read, wherever in the blocks it stands. */
function lettersIn(part: unknown): number {
  if (Array.isArray(part)) return part.reduce((sum: number, one) => sum + lettersIn(one), 0)
  if (typeof part !== 'object' || part === null) return 0
  return Object.entries(part).reduce(
    (sum, [name, one]) => sum + (name === 'text' && typeof one === 'string' ? one.length : lettersIn(one)),
    0,
  )
}

/** Only a run has a headline; what else is said is said in an ordinary voice. */
function heads(card: Card): readonly Block[] {
  const { title, state, tone } = card
  if (state === undefined) return sections([`${TONES[tone]} *${bold(cut(title, 1_000))}*`])
  const long = title.length > HEADER ? [section(harmless(cut(title, 300)))] : []
  return [{ type: 'header', text: words(title, HEADER) }, ...long, section(`${TONES[tone]} *${bold(cut(state, 300))}*`)]
}

const TONES: Readonly<Record<Card['tone'], string>> = {
  calm: ':large_blue_circle:',
  waiting: ':large_yellow_circle:',
  good: ':large_green_circle:',
  bad: ':red_circle:',
}

/** Untrusted text between our own asterisks: nothing in it ends them, and no code begins in it. */
const bold = (text: string): string => harmless(text.replaceAll('`', "'"))

const MARKS: Readonly<Record<StepLine['mark'], string>> = {
  done: '[x]',
  now: '[>]',
  waiting: '[?]',
  next: '[ ]',
  failed: '[!]',
  doubtful: '[~]',
  skipped: '[-]',
  undone: '[<]',
}

const RULE = '\u2501'.repeat(10)

function stepLines(step: Folded, room: Room): readonly string[] {
  if ('left' in step) return [`\`...\` _${step.left} ${step.left === 1 ? 'step' : 'steps'}: ${step.marks}_`]
  const strong = step.mark === 'now' || step.mark === 'waiting' || step.mark === 'failed' || step.mark === 'doubtful'
  const text = strong ? `*${bold(cut(step.text, room.step))}*` : harmless(cut(step.text, room.step))
  const note = step.note === undefined ? '' : ` \u2014 ${harmless(cut(step.note, room.step))}`
  const line = `\`${MARKS[step.mark]}\` ${text}${note}`
  return step.final ? [`:no_entry: *${RULE} POINT OF NO RETURN ${RULE}*`, line] : [line]
}

const CELLS = 20

function meterLine({ done, text }: Meter): string {
  if (done === undefined) return harmless(cut(text, 300))
  const full = Math.max(0, Math.min(CELLS, Math.floor(done * CELLS)))
  return `${'\u2588'.repeat(full)}${'\u2591'.repeat(CELLS - full)}  ${harmless(cut(text, 300))}`
}

/** Lines of a card. An indent becomes a point of a list, and a line with a caret below it stays where the caret points to. */
function markedUp(lines: readonly string[], room: Room): readonly string[] {
  return lines.flatMap((line, n): readonly string[] => {
    const below = lines[n + 1]
    if (below !== undefined && POINTER.test(below)) return [`\`\`\`${asCode(line)}\n${asCode(below)}\`\`\``]
    if (n > 0 && POINTER.test(line)) return []
    const [, indent = '', text = ''] = /^( *)(.*)$/s.exec(line) ?? []
    const shown = harmless(cut(text, room.line))
    return [indent.length < 2 ? shown : `${' '.repeat(4 * (Math.floor(indent.length / 2) - 1))}\u2022 ${shown}`]
  })
}

const POINTER = /^\s+\^+$/
const asCode = (line: string): string => harmless(cut(line, 300).replaceAll('`', "'")).replaceAll('\u2060', '')

/** Lines in as few sections as hold them. */
function sections(lines: readonly string[]): readonly Block[] {
  const all: string[] = []
  for (const line of lines) {
    const last = all.at(-1)
    if (last !== undefined && last.length + line.length + 1 <= SECTION) all[all.length - 1] = `${last}\n${line}`
    else all.push(line)
  }
  return all.filter(text => text.trim() !== '').map(text => section(text))
}

const section = (text: string): Block => ({ type: 'section', text: mrkdwn(cut(text, SECTION + 50)) })

const linked = (link: string | undefined): readonly Block[] =>
  link === undefined ? [] : [{ type: 'context', elements: [mrkdwn(link)] }]

/** At most 25 buttons in a block and two such blocks: more than any run ever offers. */
function actions(buttons: readonly Button[]): readonly Block[] {
  const elements = buttons.slice(0, 50).map(element)
  return [elements.slice(0, 25), elements.slice(25)]
    .filter(some => some.length > 0)
    .map(some => ({ type: 'actions', elements: some }))
}

/** What cannot be taken back is asked once more, unless its form asks already. */
function element(button: Button, n: number): Block {
  const { label, says, style } = button
  const sure = style === 'danger' && button.words === undefined
  return {
    type: 'button',
    action_id: `say:${n}`,
    text: words(label, 75),
    value: carriedBy(button),
    ...(style === undefined ? {} : { style }),
    ...(sure
      ? {
          confirm: {
            title: words(`${cut(label, 60)}?`, 100),
            text: words(`This says: ${spokenOf(says)}`, 160),
            confirm: words(label, 30),
            deny: words('No', 30),
            style: 'danger',
          },
        }
      : {}),
  }
}

/** In an edit it may have 4,000 bytes, which is less than four thousand letters. */
const fallback = ({ title, state, lines }: Card): string =>
  cut(harmless([title, ...(state === undefined ? [] : [state]), ...lines.slice(0, 3)].join(' \u00b7 ')), 1_000)

/** Never in the middle of a character, nor of what stands for one. */
function cut(text: string, most: number): string {
  if (text.length <= most) return text
  return `${text
    .slice(0, most - 1)
    .replace(/[\ud800-\udbff]$/, '')
    .replace(/&[a-z]{0,3}$/, '')}\u2026`
}
