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

/** What may be read where others read along: that there is a run and how it stands, and nothing of what it touches. */
export const discreet = (card: Card): Card => ({
  title: card.title.split(' ')[0] ?? '',
  tone: card.tone,
  lines: ['The details are not shown in a channel that people of another organisation read.'],
  buttons: [],
})
