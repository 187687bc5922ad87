import { z } from 'zod'
import type { Place, Post } from '../../domain/chat.ts'
import type { Instant, Millis } from '../../domain/ids.ts'
import { NotShown } from '../../ports/chat.ts'
import type { Us } from './arrival.ts'
import type { Wire } from './wire.ts'

/** A message as history tells of it: whose it is, and what names it for ever. */
const Message = z.object({
  ts: z.string(),
  user: z.string().optional(),
  bot_id: z.string().optional(),
  app_id: z.string().optional(),
  metadata: z
    .object({ event_payload: z.object({ key: z.string().optional() }).loose().optional() })
    .loose()
    .optional(),
  files: z.array(z.object({ title: z.string().nullish() }).loose()).optional(),
})
type Message = z.infer<typeof Message>

const History = z.object({
  messages: z.array(z.unknown()),
  has_more: z.boolean().optional(),
  response_metadata: z.object({ next_cursor: z.string().optional() }).optional(),
})

/** Our clock and Slack's differ by less. */
const SLACK_AHEAD: Millis = 60_000
/** More than anybody writes between a crash and the next start of the bot. */
const PAGES = 25

export interface Finder {
  /** The message of ours with that key. Throws NotShown. */
  message(at: Place, key: string, since: Instant): Promise<Post | undefined>
  /** Is the picture of that message there? */
  picture(at: Place, key: string, since: Instant): Promise<boolean>
}

/** How a picture is recognised: files have no metadata, and a title that everybody sees. */
export const titled = (title: string, key: string): string => `${title} [${key}]`

export function finder(us: () => Us, wire: Wire, log: (line: string) => void): Finder {
  let told = false

  /** Newest first or oldest first, as Slack likes it: a key is there once. */
  async function search(at: Place, since: Instant, wanted: (message: Message) => boolean): Promise<Message | undefined> {
    const oldest = (Math.max(0, since - SLACK_AHEAD) / 1000).toFixed(6)
    const method = at.thread === undefined ? 'conversations.history' : 'conversations.replies'
    const args = {
      channel: at.channel,
      ...(at.thread === undefined ? {} : { ts: at.thread }),
      oldest,
      inclusive: true,
      include_all_metadata: true,
      limit: 200,
    }
    let cursor: string | undefined
    for (let page = 0; page < PAGES; page++) {
      const answer = await wire.call(method, cursor === undefined ? args : { ...args, cursor }, {
        lane: 'answer',
        purpose: 'question',
      })
      const history = History.safeParse(answer).data
      if (!history) throw new NotShown('later', `Slack answered ${method} with something that is no answer`)
      const found = history.messages
        .flatMap(message => Message.safeParse(message).data ?? [])
        .find(message => isOurs(message, us()) && wanted(message))
      if (found) return found
      cursor = history.response_metadata?.next_cursor
      if (!cursor) return undefined
    }
    return undefined
  }

  async function looking<T>(look: () => Promise<T>, blind: T): Promise<T> {
    try {
      return await look()
    } catch (error) {
      if (!(error instanceof NotShown)) throw error
      // Nobody ever answered in a thread that is not there.
      if (error.how === 'gone') return blind
      if (!error.message.includes('missing_scope')) throw error
      if (!told) log(`what was posted before a crash cannot be looked for, and may be posted twice: ${error.message}`)
      told = true
      return blind
    }
  }

  return {
    message: (at, key, since) =>
      looking(async () => {
        const found = await search(at, since, ({ metadata }) => metadata?.event_payload?.key === key)
        return found && { ...at, message: found.ts }
      }, undefined),
    picture: (at, key, since) =>
      looking(async () => {
        const found = await search(at, since, ({ files }) => files?.some(({ title }) => title?.endsWith(`[${key}]`)) === true)
        return found !== undefined
      }, true),
  }
}

/** Anybody can write a key of ours into a message of theirs. */
const isOurs = ({ user, bot_id, app_id }: Message, us: Us): boolean =>
  app_id === us.app || (user !== undefined && user === us.user) || (bot_id !== undefined && bot_id === us.bot)
