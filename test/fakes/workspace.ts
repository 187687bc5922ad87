import type { Millis } from '../../src/domain/ids.ts'

/** What every fake chat offers to tests and to the lab's page, whoever's wire it speaks. */
export interface FakeWorkspace {
  readonly api: string // the base URL for the chat's `api` setting
  readonly page: string // a page that shows the conversation; `?channel=<id>&still` shows one channel without the input
  /** A person writes. Resolves when the bot has acknowledged it, with false when it has not within the chat's 3 seconds. */
  says(user: string, text: string, how?: SaysHow): Promise<boolean>
  /** A person presses the button with that label; `words` go into the modal that opens. */
  presses(user: string, message: string, label: string, how?: PressesHow): Promise<boolean>
  /** Every message as a person sees it now, oldest first, threads after their parent. */
  messages(channel?: string): readonly Shown[]
  /** Everything ever shown, in the order it appeared: posts, the lines that an edit adds, whispers. */
  readonly shown: readonly string[]
  readonly ledger: readonly LedgerEntry[]
  /** Requests that broke the vendor's description or documented limits: tests expect none. */
  readonly invalid: readonly string[]
  /** Who would have been pinged by a message, in the order of the messages. */
  readonly pings: readonly Ping[]
  misbehave(knob: Knob): void
  heal(): void
  stop(): Promise<void>
}

export interface SaysHow {
  readonly channel?: string // the first one of the workspace by default; with `direct`, the person's own with the bot
  readonly via?: 'mention' | 'command' | 'direct' // a mention by default
  readonly thread?: string
}

export interface PressesHow {
  readonly channel?: string
  readonly words?: string
  readonly times?: number // how many presses at once, 1 by default
}

/** A message as a person sees it. */
export interface Shown {
  readonly channel: string
  readonly message: string
  readonly thread?: string
  readonly lines: readonly string[]
  readonly buttons: readonly string[]
  readonly edits: number
  readonly deleted: boolean
  readonly ephemeralTo?: string
  readonly files: readonly string[]
  readonly key?: string
}

/** One call that arrived at the chat, whatever it was answered. */
export interface LedgerEntry {
  readonly at: number
  readonly method: string // Slack: the method; Discord: verb and route
  readonly channel?: string
  readonly key?: string // what names the message for ever: its metadata, nonce or footer
  readonly status: number // 0 when the connection was broken off or nothing was answered
  readonly body: unknown
  readonly error?: string // Slack answers 200 with an error inside
}

export interface Ping {
  readonly whom: string // a user, "@channel", "@here", "@everyone", a group or a role
  readonly channel: string
  readonly message: string
}

/** Which calls a knob meets: all by default, and until `heal` unless `times` says how many. */
interface Meets {
  readonly to?: string | RegExp // the method or the route
  readonly times?: number
}

/**
 * The ways in which a chat lets one down. limit: 429. fail: an error status. garble: a page of HTML where JSON was promised.
 * refuse: a no of the API's own. lose request: the connection ends before anything happened; lose answer: after. hang: nothing
 * happens and nothing is said. slow: it takes that long. vanish: nobody is there. Then what people and administrators do: deleted,
 * archived, removed, revoked. drop acks: the bot's acknowledgements do not arrive. disconnect: the event sockets are closed.
 */
export type Knob =
  | (Meets & { readonly how: 'limit'; readonly after: Millis; readonly everywhere?: true }) // everywhere: Discord's global limit
  | (Meets & { readonly how: 'fail'; readonly status?: number })
  | (Meets & { readonly how: 'garble' | 'lose request' | 'lose answer' | 'hang' })
  | (Meets & { readonly how: 'refuse'; readonly error: string; readonly status?: number }) // Slack's word, or Discord's number
  | (Meets & { readonly how: 'slow'; readonly by: Millis })
  | { readonly how: 'vanish' }
  | { readonly how: 'deleted'; readonly message: string; readonly channel?: string }
  | { readonly how: 'archived' | 'removed'; readonly channel: string }
  | { readonly how: 'revoked' }
  | { readonly how: 'drop acks'; readonly times?: number }
  | { readonly how: 'disconnect'; readonly warn?: true; readonly resumable?: boolean }

/** The time a fake goes by. Tests push it; the lab's page runs on the real one. */
export interface FakeTime {
  now(): number
  /** Calls back once that much time has gone by; what it returns calls it off. */
  after(ms: number, then: () => void): () => void
}

export const realTime: FakeTime = {
  now: () => Date.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms)
    return () => clearTimeout(timer)
  },
}

/** A time that stands still until it is pushed; what comes due in between happens in its order. */
export interface PushedTime extends FakeTime {
  push(ms: number): void
}

export function pushedTime(start = Date.UTC(2025, 10, 20, 14, 0, 0)): PushedTime {
  let now = start
  let waiting: { readonly due: number; readonly then: () => void }[] = []
  return {
    now: () => now,
    after(ms, then) {
      const one = { due: now + ms, then }
      waiting.push(one)
      return () => {
        waiting = waiting.filter(other => other !== one)
      }
    },
    push(ms) {
      const end = now + ms
      for (;;) {
        const next = waiting.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0]
        if (!next) break
        waiting = waiting.filter(one => one !== next)
        now = Math.max(now, next.due)
        next.then()
      }
      now = end
    },
  }
}
