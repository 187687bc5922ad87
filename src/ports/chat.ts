import type { Card, Lane, Place, Post, Said, Standing } from '../domain/chat.ts'
import type { Handle, Instant, Millis } from '../domain/ids.ts'

export interface Chat {
  readonly name: string // "slack"
  /** Edits of progress that the chat takes in a minute, over all its cards; absent where nobody counts. */
  readonly perMinute?: number
  /** `hear` resolves once the sentence is durable: only then may the chat acknowledge it. */
  start(hear: (said: Said) => Promise<void>): Promise<void>
  /** What the chat says of the speaker and the place. Throws NotShown when it cannot be asked. */
  standing(said: Said): Promise<Standing>
  /**
   * Is this account still one of ours, and in which of the groups that the site names is it? May be a minute old, and may be asked
   * before `start` and without it. Throws NotShown when the chat cannot be asked; absent where there are no groups, as at the terminal.
   */
  membership?(handle: Handle): Promise<Membership>
  /** These four throw NotShown. `key` names the message for ever: `find` looks for it. */
  post(at: Place, card: Card, key: string, lane: Lane): Promise<Post>
  /** Did we post it, before we crashed? `since` is when that was begun. */
  find(at: Place, key: string, since: Instant): Promise<Post | undefined>
  edit(post: Post, card: Card, lane: Lane): Promise<void>
  whisper(to: Said, card: Card): Promise<void> // only the speaker sees it
  health(): Health
  stop(): Promise<void>
}

export interface Membership {
  readonly active: boolean // false: deactivated, or not a member any more
  readonly groups: ReadonlySet<string> // the ids of the user groups or roles, of those that the site names
  readonly age?: Millis // of what the chat remembers of it; absent: it was asked just now
}

export interface Health {
  readonly ok: boolean
  readonly says: string // for people: "connected as signalbox to T0HOME", or what is wrong and what to do
}

/** Why a chat does not show something, sorted by what happens next. */
export type Obstruction =
  | 'gone' // that message is not there any more: post it anew
  | 'closed' // nothing can be posted in that channel: it is archived, or we were removed from it
  | 'revoked' // the chat lets us do nothing at all
  | 'later' // nothing was sent: too many calls, or no way to the chat
  | 'unclear' // it was sent, and nobody knows whether it arrived
  | 'refused' // the chat does not take this message, and would not take it again

interface Obstructed extends ErrorOptions {
  readonly after?: Millis
}

export class NotShown extends Error {
  override name = 'NotShown'
  readonly how: Obstruction
  readonly after: Millis // with `later`: not before that much time has gone by
  constructor(how: Obstruction, why: string, options: Obstructed = {}) {
    super(why, options)
    this.how = how
    this.after = options.after ?? 0
  }
}
