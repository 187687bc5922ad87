import type { Chart } from './chart.ts'
import type { Handle, Instant } from './ids.ts'

/** A sentence, typed or pressed: a button's `says` goes through the grammar like any other. */
export interface Said {
  readonly id: string // the chat's own; makes its redelivery the same request
  readonly text: string
  readonly by: Handle
  readonly at: Place
  readonly when?: Instant // by the chat's clock: what arrives too late is asked for again
  readonly on?: string // the message whose button was pressed
  readonly edits?: string // the id of an earlier sentence that this one is an edit of, or its deletion: never acted upon
  readonly machine?: true // another bot, an app or a webhook wrote it
  readonly code?: string // of a second factor; never written down: whoever answers later asks for another
}

export interface Place {
  readonly chat: string // "slack"
  readonly channel: string
  readonly thread?: string
}

export interface Post extends Place {
  readonly message: string
}

/** What a chat itself says of a speaker and of where they speak, now. */
export interface Standing {
  readonly speaker: 'member' | 'guest' | 'foreign' | 'machine' | 'gone' // gone: the account was deactivated
  readonly place: Standpoint
  readonly workspace?: string // the chat's own: a team of Slack, a guild of Discord
}

/**
 * work: named in the site file; changes are asked for and approved here. elsewhere: a channel of ours that is not. open: named, but
 * anybody may join it. direct: nobody else reads along. shared: people of another organisation do.
 */
export type Standpoint = 'work' | 'elsewhere' | 'open' | 'direct' | 'shared'

/** How urgent a message is: answers and gates, ends, what became of a step, a percentage. The first two are never dropped. */
export const LANES = ['answer', 'end', 'transition', 'percent'] as const
export type Lane = (typeof LANES)[number]

/** A picture of a run, or an answer, that any chat can draw. Everything in it is plain text. */
export interface Card {
  readonly title: string
  readonly tone: 'calm' | 'waiting' | 'good' | 'bad'
  readonly state?: string // one line: how it stands
  readonly steps?: readonly StepLine[]
  readonly meter?: Meter
  readonly lines: readonly string[]
  readonly buttons: readonly Button[]
  readonly chart?: Chart // where people would rather look than read
  readonly where?: Post // the message it speaks of: a chat makes a link of it
  readonly calls?: readonly Handle[] // whose phones are to ring: a chat mentions those that are its own
  readonly attached?: readonly Attached[] // files for whoever asked; a chat that cannot take them says where they can be had
}

/** A file of an answer: plain text, Markdown or JSON. */
export interface Attached {
  readonly name: string // "R7-report.md"
  readonly text: string
}

export interface StepLine {
  readonly mark: 'done' | 'now' | 'waiting' | 'next' | 'failed' | 'doubtful' | 'skipped' | 'undone'
  readonly text: string
  readonly note?: string
  readonly final?: true // the point of no return: drawn as a line that nobody can miss
}

/** A measured share. Absent `done` means that nobody knows, and no bar is drawn. */
export interface Meter {
  readonly done?: number
  readonly text: string
}

export interface Button {
  readonly label: string // for people
  readonly says: string // for the grammar; 100 characters at most, Discord's limit; `"..."` in it is where the words go
  readonly style?: 'primary' | 'danger'
  readonly words?: Words // asked for before it is said
}

/** What a button asks of the person who presses it. */
export interface Words {
  readonly asks: string // 45 characters at most, Discord's limit
  readonly optional?: true // left empty, the button says its sentence without a reason
  readonly must?: string // what has to be typed, to the letter, for the button to say anything
  readonly code?: true // a code of the second factor: it goes beside the sentence and not into it, and is kept nowhere
}

const BLANK = '"..."'
/** Characters of a reason: what a sentence has room for beside everything else. */
export const MOST_WORDS = 300

/** What a button says once its words are there; undefined when they are not what was asked for. */
export function saysWith(button: Pick<Button, 'says' | 'words'>, typed: string): string | undefined {
  const { says, words } = button
  const text = typed
    .normalize('NFC')
    .replace(/[\s\u0000-\u001f\u007f]+/g, ' ')
    .replace(/["\u201c-\u201f\u2033]/g, "'")
    .trim()
    .slice(0, MOST_WORDS)
  if (words?.must !== undefined) return text === words.must ? says : undefined
  if (text !== '') return says.replace(BLANK, () => `"${text}"`)
  return words?.optional ? says.replace(/ because "\.\.\."/, '') : undefined
}

/** The same with a code of the second factor before the words, `123456 CHG0041`: it goes beside the sentence and not into it. */
export function saysWithCode(
  button: Pick<Button, 'says' | 'words'>,
  typed: string,
): { readonly says: string; readonly code: string } | undefined {
  const [, code, words = ''] = /^\s*(\d{3}\s?\d{3,5})(?:[\s,;:]+(.*))?$/s.exec(typed) ?? []
  if (code === undefined) return undefined
  const says = button.says.includes(BLANK) ? saysWith({ ...button, words: { asks: '' } }, words) : button.says
  return says === undefined ? undefined : { says, code: code.replace(/\s/g, '') }
}

/** Phones that one message makes ring: beyond, nobody would know that they are meant. */
const MOST_CALLED = 20

/** Whom a chat mentions in a new message: its own accounts, as far as their ids are ids, and how many more there would have been. */
export function calledBy(
  { calls = [] }: Pick<Card, 'calls'>,
  chat: string,
  id: RegExp,
): { readonly ids: readonly string[]; readonly more: number } {
  const own = calls.filter(handle => handle.startsWith(`${chat}:`)).map(handle => handle.slice(chat.length + 1))
  const ids = [...new Set(own)].filter(one => id.test(one))
  return { ids: ids.slice(0, MOST_CALLED), more: Math.max(0, ids.length - MOST_CALLED) }
}

const MOST_FILES = 2
const MOST_LETTERS = 1_000_000

/** The files of an answer that a chat takes, and a line about each of the others. */
export function filesOf({ attached = [] }: Pick<Card, 'attached'>): {
  readonly files: readonly Attached[]
  readonly missing: readonly string[]
} {
  const fits = attached.filter(({ text }, n) => n < MOST_FILES && text !== '' && text.length <= MOST_LETTERS)
  const files = fits.map(({ name, text }) => ({ name: name.replace(/[^\w.-]/g, '-').slice(-80), text }))
  const left = attached.filter(one => !fits.includes(one))
  return {
    files,
    missing: left.map(({ name }) => `${name} is not attached: it is empty, the third, or longer than a million letters.`),
  }
}

/** What may be read where others read along: that there is a run and how it stands, and nothing of what it touches. */
export const discreet = (card: Card): Card => ({
  title: card.title.split(' ')[0] ?? '',
  tone: card.tone,
  lines: ['The details are not shown in a channel that people of another organisation read.'],
  buttons: [],
})
