import { BOT } from './options.ts'
import { isTrue, textOf } from './wire.ts'
import type { Channel, Json, Message, World } from './world.ts'

/** One method of the Web API. What it returns is answered with `ok`; to refuse, it throws a No. */
export interface Method {
  readonly token: 'bot' | 'app'
  /** The scope that the token must have; none where any token will do. */
  needs(args: Json, world: World): string | undefined
  run(args: Json, world: World, origin: string): Json
}

/** A refusal in the API's own word. */
export class No extends Error {
  override name = 'No'
  readonly more: Json
  constructor(error: string, more: Json = {}) {
    super(error)
    this.more = more
  }
}

export const method = (scope: string | undefined, run: Method['run']): Method => ({ token: 'bot', needs: () => scope, run })

/** A method whose scope depends on what kind of channel it is about: channels:read, groups:read, im:read. */
export const inChannel = (what: 'read' | 'history', run: Method['run']): Method => ({
  token: 'bot',
  needs(args, world) {
    const channel = world.channels.get(textOf(args['channel']) ?? '')
    return channel && `${channel.im === undefined ? (channel.private === true ? 'groups' : 'channels') : 'im'}:${what}`
  },
  run,
})

/** A request that Slack does not take at all, as it lacks something: the bot's own mistake. */
export class Malformed extends No {}

export function need(args: Json, name: string): string {
  const value = textOf(args[name])
  if (value === undefined || value === '')
    throw new Malformed('invalid_arguments', { response_metadata: { messages: [`[ERROR] missing ${name}`] } })
  return value
}

/** A channel that the bot can see. A private one that it never was in is not there at all. */
export function visible(args: Json, world: World): Channel {
  const channel = world.channels.get(need(args, 'channel'))
  if (!channel || (channel.private === true && !channel.members.has(BOT.user))) throw new No('channel_not_found')
  return channel
}

/** A message as the API shows it. */
export function messageJson(message: Message, world: World, metadata: 'all' | 'type' = 'all'): Json {
  const { ts, user, bot, text, thread, blocks, attachments, edited, files } = message
  const replies = world.messages.filter(one => one.channel === message.channel && one.thread === ts && !one.deleted && !one.to)
  return {
    type: 'message',
    user,
    ts,
    text,
    team: world.team,
    ...(bot ? { bot_id: BOT.bot, app_id: world.app, bot_profile: botProfile(world) } : {}),
    ...(blocks ? { blocks } : {}),
    ...(attachments ? { attachments } : {}),
    ...(thread === undefined ? {} : { thread_ts: thread }),
    ...(replies.length > 0 ? { thread_ts: ts, reply_count: replies.length, latest_reply: replies.at(-1)?.ts } : {}),
    ...(edited === undefined ? {} : { edited: { user, ts: edited } }),
    ...(files.length > 0 ? { files: files.map(id => fileJson(id, world)) } : {}),
    ...(message.metadata
      ? { metadata: metadata === 'all' ? message.metadata : { event_type: message.metadata.event_type } }
      : {}),
  }
}

/** Addresses that nobody asks for. */
export const ICONS: Json = {
  image_36: 'https://a.slack-edge.com/36.png',
  image_48: 'https://a.slack-edge.com/48.png',
  image_72: 'https://a.slack-edge.com/72.png',
}

export function botProfile(world: World): Json {
  return { id: BOT.bot, app_id: world.app, name: BOT.name, deleted: false, updated: 1, team_id: world.team, icons: ICONS }
}

export function fileJson(id: string, world: World): Json {
  const file = world.files.get(id)
  return { id, name: file?.name, title: file?.title, mimetype: file?.type, size: file?.length, alt_txt: file?.alt }
}

/** A page of a list: `limit` many, and where the next one begins. */
export function paged<T>(
  all: readonly T[],
  args: Json,
  usual: number,
  name: (one: T) => string,
): { readonly page: readonly T[]; readonly next: string } {
  const limit = Math.max(1, Math.min(1000, Number(textOf(args['limit']) ?? usual)))
  const cursor = textOf(args['cursor']) ?? ''
  const from = cursor === '' ? 0 : all.findIndex(one => name(one) === Buffer.from(cursor, 'base64').toString('utf8'))
  if (from < 0) throw new No('invalid_cursor')
  const after = all[from + limit]
  return { page: all.slice(from, from + limit), next: after === undefined ? '' : Buffer.from(name(after)).toString('base64') }
}

/** The bounds of a time range; those that are not given do not bound. */
export function within({ ts }: Message, args: Json): boolean {
  const oldest = Number(textOf(args['oldest']) ?? 0)
  const latest = Number(textOf(args['latest']) ?? Number.POSITIVE_INFINITY)
  const at = Number(ts)
  return isTrue(args['inclusive']) ? at >= oldest && at <= latest : at > oldest && at < latest
}
