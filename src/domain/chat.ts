import type { Handle } from './ids.ts'

/** A sentence, typed or pressed: a button's `says` goes through the grammar like any other. */
export interface Said {
  readonly id: string // the chat's own; makes its redelivery the same request
  readonly text: string
  readonly by: Handle
  readonly at: Place
}

export interface Place {
  readonly chat: string // "slack"
  readonly channel: string
  readonly thread?: string
}

export interface Post extends Place {
  readonly message: string
}

/** A picture of a run, or an answer, that any chat can draw. Everything in it is plain text. */
export interface Card {
  readonly title: string
  readonly tone: 'calm' | 'waiting' | 'good' | 'bad'
  readonly state?: string // one line: how it stands
  readonly steps?: readonly StepLine[]
  readonly meter?: Meter
  readonly lines: readonly string[]
  readonly buttons: readonly Button[]
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
  readonly says: string // for the grammar; 100 characters at most, Discord's limit
  readonly style?: 'primary' | 'danger'
}
