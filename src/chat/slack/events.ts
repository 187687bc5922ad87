import { z } from 'zod'
import type { Said } from '../../domain/chat.ts'
import type { Handle, Instant } from '../../domain/ids.ts'
import { type Arrival, dropped, type Us } from './arrival.ts'
import { SLACK } from './settings.ts'
import { sentence } from './undo.ts'

/** Who wrote a message, and how Slack marks those that no person typed. Fields of docs.slack.dev/reference/events/message. */
const Written = z.object({
  user: z.string().optional(),
  text: z.string().optional(),
  ts: z.string().optional(),
  thread_ts: z.string().optional(),
  bot_id: z.string().optional(),
  app_id: z.string().optional(),
  bot_profile: z.unknown().optional(),
  edited: z.unknown().optional(),
  subtype: z.string().optional(),
  team: z.string().optional(),
  user_team: z.string().optional(),
  source_team: z.string().optional(),
})
type Written = z.infer<typeof Written>

const Event = Written.extend({
  type: z.string(),
  channel: z.union([z.string(), z.object({ id: z.string() })]).optional(),
  channel_type: z.string().optional(),
  message: Written.optional(),
  previous_message: Written.optional(),
  deleted_ts: z.string().optional(),
  tab: z.string().optional(),
})

const Callback = z.object({
  team_id: z.string(),
  event_id: z.string(),
  event_time: z.number().optional(),
  is_ext_shared_channel: z.boolean().optional(),
  authorizations: z.array(z.object({ user_id: z.string().optional(), is_bot: z.boolean().optional() })).optional(),
  event: z.object({ type: z.string() }).loose(),
})
type Callback = z.infer<typeof Callback>
type Event = z.infer<typeof Event>

/** A callback of the Events API. */
export function eventOf(body: unknown, us: Us): Arrival {
  const callback = Callback.safeParse(body).data
  if (!callback) return dropped('malformed')
  if (callback.team_id !== us.team) return dropped('foreign')
  const { type } = callback.event
  if (type === 'app_uninstalled') return { is: 'shut', why: 'the app was removed from the workspace' }
  if (type === 'tokens_revoked') return { is: 'shut', why: 'the token was revoked' }
  if (type === 'user_change') return changedUser(callback.event)
  const event = Event.safeParse(callback.event).data
  if (!event) return dropped('malformed')
  const channel = typeof event.channel === 'string' ? event.channel : event.channel?.id
  if (type !== 'app_mention' && type !== 'message' && type !== 'app_home_opened')
    return CHANNEL_NEWS.has(type) && channel !== undefined ? { is: 'changed', channel } : dropped('not-for-us')
  if (callback.is_ext_shared_channel === true) return dropped('shared')
  if (channel === undefined) return dropped('malformed')
  if (type === 'app_home_opened') return opened(event, callback)
  const said = event.subtype === 'message_changed' || event.subtype === 'message_deleted'
  return said ? edited(event, channel, callback, us) : written(event, channel, callback, us)
}

/** After these, what a channel is must be asked again. */
const CHANNEL_NEWS: ReadonlySet<string> = new Set([
  'channel_shared',
  'channel_unshared',
  'channel_archive',
  'channel_unarchive',
  'channel_convert_to_private',
  'channel_left',
  'group_archive',
  'group_unarchive',
  'group_left',
])

function changedUser(event: unknown): Arrival {
  const user = z.object({ user: z.object({ id: z.string() }) }).safeParse(event).data?.user.id
  return user === undefined ? dropped('malformed') : { is: 'changed', user }
}

/** Whoever opens the bot's home asks what waits. The tab of messages is opened by the same event, and asks nothing. */
function opened({ tab, user }: Event, { event_id, event_time }: Callback): Arrival {
  if (tab !== undefined && tab !== 'home') return dropped('not-for-us')
  if (user === undefined) return dropped('malformed')
  return {
    is: 'said',
    said: {
      id: `event:${event_id}`,
      text: 'what waits for me',
      by: handle(user),
      at: { chat: SLACK, channel: `home:${user}` },
      ...(event_time === undefined ? {} : { when: event_time * 1000 }),
    },
  }
}

/** A message that a person, or a machine, wrote to us: with a mention, or in a direct message. */
function written(event: Event, channel: string, callback: Callback, us: Us): Arrival {
  const direct = event.type === 'message' && event.channel_type === 'im'
  // The same message comes twice where we follow a channel: as a mention and as a message. The mention is ours.
  if (event.type === 'message' && !direct) return dropped('not-for-us')
  if (event.subtype !== undefined && !SENTENCES.has(event.subtype)) return dropped('not-for-us')
  const { ts } = event
  if (ts === undefined) return dropped('malformed')
  if (isOurs(event, us)) return dropped('own')
  if (isForeign(event, us)) return dropped('foreign')
  const said: Said = {
    id: `${channel}:${ts}`,
    text: sentence(event.text ?? '', direct ? (us.user ?? 'nobody') : botOf(callback, us)),
    ...common(event, channel),
    when: instant(ts),
  }
  // Whoever edits a mention into an old message has not said it: it is told, and nothing is done.
  return { is: 'said', said: event.edited === undefined ? said : { ...said, id: `event:${callback.event_id}`, edits: said.id } }
}

/** Kinds of messages that are sentences all the same. */
const SENTENCES: ReadonlySet<string> = new Set(['file_share', 'thread_broadcast', 'me_message', 'bot_message'])

/** An edit, or a deletion, of what may have been a sentence. */
function edited(event: Event, channel: string, callback: Callback, us: Us): Arrival {
  const { message, previous_message: before } = event
  const ts = event.deleted_ts ?? message?.ts ?? before?.ts
  const author = message ?? before
  if (ts === undefined || author === undefined) return dropped('malformed')
  if (isOurs(author, us)) return dropped('own')
  if (isForeign(author, us)) return dropped('foreign')
  const bot = botOf(callback, us)
  const mentions = [message?.text, before?.text].some(text => bot === undefined || text?.includes(`<@${bot}`))
  // A preview of a link arrives as an edit too, and changes no word.
  if (!(event.channel_type === 'im' || mentions) || message?.text === before?.text) return dropped('not-for-us')
  return {
    is: 'said',
    said: {
      id: `event:${callback.event_id}`,
      text: sentence(message?.text ?? '', bot),
      ...common(author, channel),
      ...(callback.event_time === undefined ? {} : { when: callback.event_time * 1000 }),
      edits: `${channel}:${ts}`,
    },
  }
}

function common(message: Written, channel: string): Pick<Said, 'by' | 'at' | 'machine'> {
  const { user, bot_id, app_id, bot_profile, subtype, thread_ts, ts } = message
  const machine =
    bot_id !== undefined || app_id !== undefined || bot_profile !== undefined || subtype === 'bot_message' || user === undefined
  const thread = thread_ts !== undefined && thread_ts !== ts ? { thread: thread_ts } : {}
  return {
    by: handle(user ?? bot_id ?? 'nobody'),
    at: { chat: SLACK, channel, ...thread },
    ...(machine ? { machine: true } : {}),
  }
}

const isOurs = ({ user, bot_id, app_id }: Written, us: Us): boolean =>
  app_id === us.app || (user !== undefined && user === us.user) || (bot_id !== undefined && bot_id === us.bot)

/** In a channel that is shared, the author's workspace is named beside ours. */
const isForeign = ({ team, user_team, source_team }: Written, us: Us): boolean =>
  [team, user_team, source_team].some(it => it !== undefined && it !== us.team)

const botOf = ({ authorizations }: Callback, us: Us): string | undefined =>
  us.user ?? authorizations?.find(({ is_bot }) => is_bot)?.user_id

export const handle = (user: string): Handle => `${SLACK}:${user}` as Handle

/** "1763640000.000200", Slack's name of a message, is the time it was written in seconds. */
export const instant = (ts: string): Instant => Math.floor(Number(ts) * 1000)
