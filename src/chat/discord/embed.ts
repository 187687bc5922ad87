import { createHash } from 'node:crypto'
import type { Button, Card, Meter, StepLine } from '../../domain/chat.ts'
import { customIdOf } from './custom-id.ts'
import { fold } from './fold.ts'
import { cut, harmless, plain, trimmed } from './harmless.ts'

/** A message as Discord's API takes it. Nobody is mentioned by one but those whom `users` names. */
export interface Body {
  readonly content?: string
  readonly embeds: readonly Embed[]
  readonly components: readonly Row[]
  readonly allowed_mentions: { readonly parse: readonly []; readonly users?: readonly string[] }
  readonly attachments?: readonly { readonly id: string; readonly filename: string; readonly description?: string }[]
}

export interface Embed {
  readonly title: string
  readonly description?: string
  readonly color: number
  readonly footer?: { readonly text: string }
  readonly image?: { readonly url: string }
}

export interface Row {
  readonly type: 1
  readonly components: readonly {
    readonly type: 2
    readonly style: number
    readonly label: string
    readonly custom_id: string
  }[]
}

export const NOBODY = { parse: [] } as const
export const CHART = 'chart.png'
/** Discord's limits: 4,096 characters of description, 6,000 in a message; five rows of five buttons with labels of 80. */
const ROOM = 4_000
const TITLE = 250
const ROW = 5
const ROWS = 5
const LABEL = 80
/** Steps that a person looks over at a glance. */
const AT_A_GLANCE = 20
/** Characters of a folded card that are kept for its steps, whatever else it says. */
const FOR_STEPS = 2_000

const COLOURS: Readonly<Record<Card['tone'], number>> = { calm: 0x5865f2, waiting: 0xf0b232, good: 0x23a55a, bad: 0xf23f43 }
const STYLES = { primary: 1, danger: 4, plain: 2 } as const
const SIGNS: Readonly<Record<StepLine['mark'], string>> = {
  done: '\u2705',
  now: '\u25b6',
  waiting: '\u23f8',
  next: '\u25ab',
  failed: '\u274c',
  doubtful: '\u2753',
  skipped: '\u23ed',
  undone: '\u21a9',
}

/** The card in a channel, edited in place: one embed within Discord's limits however long the plan is, and its buttons. */
export function bodyOf(card: Card, footer: string | undefined, link?: string): Body {
  const run = runIn(card)
  const meter = meterLines(card)
  const head = [...stateLines(card), ...(link === undefined ? [] : [link])]
  const steps = card.steps ?? []
  const used = lengthOf([...head, ...meter])
  const told = within(card.lines, ROOM - used - (steps.length > 0 ? FOR_STEPS : 0) - 300)
  const room = { lines: AT_A_GLANCE, characters: ROOM - used - lengthOf(told.lines) - 300 }
  const folded = fold(steps, stepLines(200), room)
  const buttons = buttonsOf(card, folded.hidden + told.hidden > 0 ? run : undefined)
  const more = told.hidden > 0 ? [`\u2026 ${told.hidden} more lines${run ? `: say \`show ${run}\`` : ''}`] : []
  const text = [...head, ...folded.lines, ...meter, ...told.lines, ...more, ...buttons.typed]
  return {
    embeds: [embed(card, text.join('\n').slice(0, ROOM + 90), footer)],
    components: buttons.rows,
    allowed_mentions: NOBODY,
    attachments: card.chart ? [{ id: '0', filename: CHART, description: plain(cut(card.chart.title, 200)) }] : [],
  }
}

/** A card that one person sees: nothing is folded, it goes on in the next message, and there is nothing to press. */
export function pagesOf(card: Card, link?: string): readonly Body[] {
  const steps = (card.steps ?? []).flatMap(stepLines(600))
  const head = [...stateLines(card), ...(link === undefined ? [] : [link])]
  const lines = [...head, ...steps, ...meterLines(card), ...card.lines.map(line => written(line, 1_500))]
  const pages: string[][] = [[]]
  for (const line of lines) {
    const page = pages.at(-1) ?? []
    if (page.length > 0 && lengthOf(page) + line.length > ROOM) pages.push([line])
    else page.push(line)
  }
  const shown = pages.slice(0, MOST_PAGES)
  const missing = pages.slice(MOST_PAGES).flat().length
  if (missing > 0) shown.at(-1)?.push(`\u2026 ${missing} more lines`)
  return shown.map((page, n) => ({
    embeds: [embed({ ...card, ...(n === 0 ? {} : { title: `${card.title} (${n + 1})` }) }, page.join('\n'), undefined, n === 0)],
    components: [],
    allowed_mentions: NOBODY,
    ...(n === 0 && card.chart ? { attachments: [{ id: '0', filename: CHART }] } : {}),
  }))
}

/** Messages of one answer: more would not be read, and Discord slows them down. */
const MOST_PAGES = 5

/** By what a message of ours is recognised later: whose it is for people, and a hash of its key for `find`. */
export const footerOf = (key: string): string =>
  `${/^R\d+(?=\/)/.exec(key)?.[0] ?? 'board'} \u00b7 ${createHash('sha256').update(key).digest('hex').slice(0, 6)}`

/** The run that a message of ours shows, by its footer or its title. */
export const runOf = (footer: string | undefined, title: string | undefined): string | undefined =>
  /^R\d+(?= \u00b7 )/.exec(footer ?? '')?.[0] ?? /^R\d+\b/.exec(title ?? '')?.[0]

const runIn = (card: Card): string | undefined => runOf(undefined, card.title)

const embed = (card: Card, description: string, footer: string | undefined, picture = true): Embed => ({
  title: trimmed(card.title, TITLE) || 'Signalbox',
  ...(description === '' ? {} : { description }),
  color: COLOURS[card.tone],
  ...(footer === undefined ? {} : { footer: { text: plain(footer) } }),
  ...(card.chart && picture ? { image: { url: `attachment://${CHART}` } } : {}),
})

const stateLines = ({ state }: Card): readonly string[] => (state ? [`**${trimmed(state, 500)}**`] : [])

const POINT = `**${'\u2501'.repeat(6)} POINT OF NO RETURN ${'\u2501'.repeat(6)}**`

const stepLines =
  (most: number) =>
  (step: StepLine): readonly string[] => {
    const note = step.note ? ` \u2014 ${trimmed(step.note, most)}` : ''
    const line = `${SIGNS[step.mark]} ${trimmed(step.text, most)}${note}`
    return step.final ? [POINT, line] : [line]
  }

const CELLS = 20
function meterLines({ meter }: Card): readonly string[] {
  return meter ? [`${bar(meter)}${trimmed(meter.text, 500)}`] : []
}

/** Nobody measured it: no bar. */
function bar({ done }: Meter): string {
  if (done === undefined) return ''
  const full = Math.max(0, Math.min(CELLS, Math.floor(done * CELLS)))
  return `\`${'\u2588'.repeat(full)}${'\u2591'.repeat(CELLS - full)}\` `
}

/** Discord drops spaces at the beginning of a line; what is indented is indented by wide ones. */
const written = (line: string, most: number): string => {
  const indent = /^ */.exec(line)?.[0].length ?? 0
  return `${'\u2003'.repeat(Math.min(4, Math.ceil(indent / 2)))}${trimmed(line.slice(indent), most)}`
}

/** As many lines as there is room for. */
function within(all: readonly string[], room: number): { readonly lines: readonly string[]; readonly hidden: number } {
  const lines: string[] = []
  let left = room
  for (const line of all) {
    const made = written(line, 600)
    left -= made.length + 1
    if (left < 0) break
    lines.push(made)
  }
  return { lines, hidden: all.length - lines.length }
}

/** Buttons five by five; one that cannot be one is offered as a sentence to type. `all` shows what was folded. */
function buttonsOf(card: Card, all: string | undefined): { readonly rows: readonly Row[]; readonly typed: readonly string[] } {
  const offered: readonly Button[] = [
    ...card.buttons.slice(0, ROW * ROWS - (all ? 1 : 0)),
    ...(all ? [{ label: 'Show all', says: `show ${all}` }] : []),
  ]
  const made = new Map<string, Row['components'][number]>()
  const typed: string[] = []
  for (const button of offered) {
    const id = customIdOf(button)
    if (id === undefined) typed.push(`You can say: ${trimmed(button.says, 200)}`)
    // Discord takes no message in which two buttons have one id.
    else if (!made.has(id))
      made.set(id, { type: 2, style: STYLES[button.style ?? 'plain'], label: labelOf(button), custom_id: id })
  }
  const all25 = [...made.values()]
  const rows = Array.from(
    { length: Math.ceil(all25.length / ROW) },
    (_, n): Row => ({ type: 1, components: all25.slice(n * ROW, n * ROW + ROW) }),
  )
  return { rows, typed: typed.slice(0, 3) }
}

const labelOf = ({ label, says }: Button): string => cut(plain(label.trim() === '' ? says : label), LABEL)

const lengthOf = (lines: readonly string[]): number => lines.reduce((sum, line) => sum + line.length + 1, 0)

/** A sentence of ours, written where it is shown to one person. `harmless` keeps what is quoted in it from doing anything. */
export const sentence = (text: string): string => harmless(text).slice(0, 1_900)
