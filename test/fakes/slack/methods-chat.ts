import { inChannel, type Method, messageJson, method, No, need, paged, visible, within } from './method.ts'
import { BOT } from './options.ts'
import { isJson, isTrue, listOf, textOf } from './wire.ts'
import type { Channel, Json, Message, Metadata, World } from './world.ts'

/** Methods that write messages, and those that read them again. */
export const CHAT: Readonly<Record<string, Method>> = {
  'chat.postMessage': method('chat:write', (args, world) => {
    const channel = writable(args, world)
    const thread = textOf(args['thread_ts'])
    if (thread !== undefined && !world.find(channel.id, thread)) throw new No('thread_not_found')
    const message = written(args, world, { channel: channel.id, thread })
    world.messages.push(message)
    world.tell({ is: 'message', message })
    return { channel: channel.id, ts: message.ts, message: messageJson(message, world) }
  }),
  'chat.postEphemeral': method('chat:write', (args, world) => {
    const channel = writable(args, world)
    const to = need(args, 'user')
    if (!channel.members.has(to)) throw new No('user_not_in_channel')
    const message = written(args, world, { channel: channel.id, thread: textOf(args['thread_ts']), to })
    world.messages.push(message)
    world.tell({ is: 'message', message })
    return { message_ts: message.ts }
  }),
  'chat.update': method('chat:write', (args, world) => {
    const message = own(args, world, 'cant_update_message')
    const { text, blocks, attachments, metadata } = args
    // What is not sent is kept, says the method's page; an empty list takes it away.
    if (text !== undefined) message.text = textOf(text) ?? ''
    message.past.push(message.blocks ?? [])
    if (blocks !== undefined) message.blocks = listOf(blocks)
    if (attachments !== undefined) message.attachments = listOf(attachments)
    const noted = metadataOf(metadata)
    if (noted) message.metadata = noted
    message.edits++
    message.edited = world.ts()
    world.tell({ is: 'edit', message })
    return { channel: message.channel, ts: message.ts, text: message.text, message: messageJson(message, world) }
  }),
  'chat.delete': method('chat:write', (args, world) => {
    const message = own(args, world, 'cant_delete_message')
    message.deleted = true
    world.tell({ is: 'deletion', message })
    return { channel: message.channel, ts: message.ts }
  }),
  'chat.getPermalink': method(undefined, (args, world, origin) => {
    const channel = visible(args, world)
    const ts = need(args, 'message_ts')
    if (!world.find(channel.id, ts)) throw new No('message_not_found')
    return { channel: channel.id, permalink: `${origin}/archives/${channel.id}/p${ts.replace('.', '')}` }
  }),
  'conversations.history': inChannel('history', (args, world) => {
    const channel = readable(args, world)
    const all = inIt(world, channel).filter(one => one.thread === undefined && within(one, args))
    const { page, next } = paged(all.reverse(), args, 100, one => one.ts)
    return {
      messages: page.map(one => messageJson(one, world, isTrue(args['include_all_metadata']) ? 'all' : 'type')),
      has_more: next !== '',
      pin_count: 0,
      channel_actions_ts: null,
      channel_actions_count: 0,
      response_metadata: { next_cursor: next },
    }
  }),
  'conversations.replies': inChannel('history', (args, world) => {
    const channel = readable(args, world)
    const ts = need(args, 'ts')
    const asked = world.find(channel.id, ts)
    if (!asked) throw new No('thread_not_found')
    const root = asked.thread ?? asked.ts
    // The message that began the thread comes along whatever the time range.
    const all = inIt(world, channel).filter(one => one.ts === root || (one.thread === root && within(one, args)))
    const { page, next } = paged(all, args, 1000, one => one.ts)
    return {
      messages: page.map(one => messageJson(one, world, isTrue(args['include_all_metadata']) ? 'all' : 'type')),
      has_more: next !== '',
      response_metadata: { next_cursor: next },
    }
  }),
}

/** A message of the bot's, as a method's arguments describe it. */
export function written(
  args: Json,
  world: World,
  where: {
    readonly channel: string
    readonly thread?: string | undefined
    readonly to?: string
    readonly files?: readonly string[]
  },
): Message {
  const { text, blocks, attachments, metadata } = args
  const noted = metadataOf(metadata)
  return {
    ts: world.ts(),
    channel: where.channel,
    user: BOT.user,
    bot: true,
    ...(where.thread === undefined ? {} : { thread: where.thread }),
    ...(where.to === undefined ? {} : { to: where.to }),
    files: [...(where.files ?? []), ...picturesIn(blocks)],
    text: linked(textOf(text) ?? '', args, world),
    ...(blocks === undefined ? {} : { blocks: listOf(blocks) }),
    ...(attachments === undefined ? {} : { attachments: listOf(attachments) }),
    ...(noted ? { metadata: noted } : {}),
    past: [],
    edits: 0,
    deleted: false,
  }
}

/** Asked to, Slack makes mentions of names that stand in the text without any markup. */
function linked(text: string, { link_names: names, parse }: Json, world: World): string {
  if (!isTrue(names) && parse !== 'full') return text
  return text.replace(/(?<!<)@([a-z0-9._-]+)/g, (whole, name: string) => {
    if (/^(channel|here|everyone)$/.test(name)) return `<!${name}>`
    const person = [...world.people.values()].find(one => one.name === name)
    return person ? `<@${person.id}>` : whole
  })
}

const picturesIn = (blocks: unknown): readonly string[] =>
  listOf(blocks).flatMap(({ slack_file: file }) => (isJson(file) && typeof file['id'] === 'string' ? [file['id']] : []))

function metadataOf(value: unknown): Metadata | undefined {
  if (!isJson(value) || typeof value['event_type'] !== 'string' || !isJson(value['event_payload'])) return undefined
  return { event_type: value['event_type'], event_payload: value['event_payload'] }
}

/** The channel that is posted to; a person's id stands for the conversation with them. */
function writable(args: Json, world: World): Channel {
  const id = need(args, 'channel')
  const channel = world.people.has(id) ? world.direct(id) : world.channels.get(id)
  if (!channel) throw new No('channel_not_found')
  if (!channel.members.has(BOT.user))
    throw new No(channel.withoutBot === true && channel.private === true ? 'channel_not_found' : 'not_in_channel')
  if (channel.archived) throw new No('is_archived')
  return channel
}

function readable(args: Json, world: World): Channel {
  const channel = visible(args, world)
  if (!channel.members.has(BOT.user)) throw new No('not_in_channel')
  return channel
}

function own(args: Json, world: World, not: string): Message {
  const channel = visible(args, world)
  const message = world.find(channel.id, need(args, 'ts'))
  if (!message) throw new No('message_not_found')
  if (!message.bot) throw new No(not)
  if (channel.archived) throw new No('is_inactive')
  return message
}

const inIt = (world: World, channel: Channel): Message[] =>
  world.messages.filter(one => one.channel === channel.id && !one.deleted && one.to === undefined)
