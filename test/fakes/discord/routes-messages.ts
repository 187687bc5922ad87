import { MessageBody, NewDirect, NewMessage, NewThread } from './bodies.ts'
import { changesFrom } from './interactions.ts'
import { lacks, sees } from './permissions.ts'
import { type Call, channelIn, EMPTY, type House, No, ok, plain, type Route, route } from './routes.ts'
import { channelOf, messageOf } from './wire.ts'
import type { Channel, Message } from './world.ts'

const CHANNEL = '/channels/{channel_id}'
const MESSAGES = `${CHANNEL}/messages`
const MESSAGE = `${MESSAGES}/{message_id}`
/** How long Discord knows a nonce: "the past few minutes". */
const NONCE_LIVES = 5 * 60_000

export const messageRoutes: readonly Route[] = [
  plain('GET', CHANNEL, (house, call) => ok(channelOf(house.world, seen(house, call)))),
  plain('GET', MESSAGES, list),
  route('POST', MESSAGES, NewMessage, (house, call, body) => {
    const { world } = house
    const channel = writable(house, call)
    if (call.files.size > 0) needs(house, channel, 'AttachFiles')
    const nonce = body.nonce == null ? undefined : `${body.nonce}`
    const before = nonce === undefined || body.enforce_nonce !== true ? undefined : withNonce(house, nonce)
    if (before) return ok(messageOf(world, before, house.origin(), 'bot'))
    const what = changesFrom(body, call.files)
    // Who may not embed is not told so: the embeds are simply not there.
    if (lacks(world, world.bot, channel, 'EmbedLinks')) what.embeds = []
    notEmpty(what)
    const reference = body.message_reference?.message_id
    if (reference !== undefined && world.messages.get(reference)?.channel !== channel.id)
      throw new No(400, 50035, 'Invalid Form Body')
    const message = world.post({
      channel: channel.id,
      author: world.bot,
      ...what,
      ...(nonce === undefined ? {} : { nonce }),
      ...(reference === undefined ? {} : { reference, type: 19 }),
    })
    house.ping(message, body.allowed_mentions)
    return ok(messageOf(world, message, house.origin(), 'bot'))
  }),
  plain('GET', MESSAGE, (house, call) => {
    needs(house, seen(house, call), 'ReadMessageHistory')
    return ok(messageOf(house.world, messageIn(house, call), house.origin(), 'bot'))
  }),
  route('PATCH', MESSAGE, MessageBody, (house, call, body) => {
    const channel = seen(house, call)
    const message = messageIn(house, call)
    if (message.author !== house.world.bot) throw new No(403, 50005, 'Cannot edit a message authored by another user')
    if (channel.locked) throw new No(400, 50083, 'Thread is archived')
    const what = changesFrom(body, call.files, message)
    notEmpty(what)
    house.world.change(message, what)
    return ok(messageOf(house.world, message, house.origin(), 'bot'))
  }),
  plain('DELETE', MESSAGE, (house, call) => {
    const channel = seen(house, call)
    const message = messageIn(house, call)
    if (message.author !== house.world.bot) needs(house, channel, 'ManageMessages')
    house.world.remove(message)
    return EMPTY
  }),
  route('POST', `${MESSAGE}/threads`, NewThread, (house, call, body) => {
    const { world } = house
    const channel = seen(house, call)
    needs(house, channel, 'CreatePublicThreads')
    const message = messageIn(house, call)
    if (channel.kind === 'thread' || channel.kind === 'direct')
      throw new No(400, 50024, 'Cannot execute action on this channel type')
    if (world.channels.has(message.id)) throw new No(400, 160004, 'A thread has already been created for this message')
    const thread = world.thread(body.name, channel, message.id)
    world.post({ channel: thread.id, author: world.bot, type: 21, reference: message.id })
    return { status: 201, body: channelOf(world, thread) }
  }),
  route('POST', '/users/@me/channels', NewDirect, (house, _, body) => {
    const user = house.world.users.get(body.recipient_id)
    if (!user) throw new No(404, 10013, 'Unknown User')
    return ok(channelOf(house.world, house.world.direct(user)))
  }),
]

export function seen(house: House, call: Call): Channel {
  const channel = channelIn(house, call)
  if (!sees(house.world, house.world.bot, channel)) throw new No(403, 50001, 'Missing Access')
  return channel
}

function writable(house: House, call: Call): Channel {
  const channel = seen(house, call)
  needs(house, channel, channel.kind === 'thread' ? 'SendMessagesInThreads' : 'SendMessages')
  if (channel.locked) throw new No(400, 50083, 'Thread is archived')
  const person = house.world.users.get(channel.person ?? '')
  if (person && !person.member) throw new No(403, 50007, 'Cannot send messages to this user')
  return channel
}

function needs(
  { world }: House,
  channel: Channel,
  permission:
    | 'SendMessages'
    | 'SendMessagesInThreads'
    | 'AttachFiles'
    | 'ReadMessageHistory'
    | 'ManageMessages'
    | 'CreatePublicThreads',
): void {
  if (lacks(world, world.bot, channel, permission)) throw new No(403, 50013, 'Missing Permissions')
}

function messageIn(house: House, call: Call): Message {
  const message = house.world.messages.get(call.path['message_id'] ?? '')
  const here = message && message.channel === call.path['channel_id'] && !message.deleted && message.to === undefined
  if (!here) throw new No(404, 10008, 'Unknown Message')
  return message
}

const withNonce = ({ world }: House, nonce: string): Message | undefined =>
  [...world.messages.values()].find(
    one => one.author === world.bot && one.nonce === nonce && one.at > world.time.now() - NONCE_LIVES,
  )

export function notEmpty(what: Pick<Message, 'content' | 'embeds' | 'rows' | 'files'>): void {
  if (what.content.trim() === '' && what.embeds.length === 0 && what.rows.length === 0 && what.files.length === 0) {
    throw new No(400, 50006, 'Cannot send an empty message')
  }
}

/** Newest first; after `after` come the ones that follow it closest. */
function list(house: House, call: Call) {
  const { world } = house
  const channel = seen(house, call)
  if (lacks(world, world.bot, channel, 'ReadMessageHistory')) return ok([])
  const limit = Number(call.query.get('limit') ?? 50)
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) throw new No(400, 50035, 'Invalid Form Body')
  const after = call.query.get('after')
  const before = call.query.get('before')
  const all = [...world.messages.values()]
    .filter(one => one.channel === channel.id && !one.deleted && one.to === undefined)
    .filter(one => (after === null || BigInt(one.id) > BigInt(after)) && (before === null || BigInt(one.id) < BigInt(before)))
    .sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1))
  const page = after !== null && before === null ? all.slice(0, limit) : all.slice(-limit)
  return ok(page.reverse().map(one => messageOf(world, one, house.origin(), 'bot')))
}
