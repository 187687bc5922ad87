import { Callback, MessageBody } from './bodies.ts'
import { ANSWER_WITHIN, changesFrom, type Interaction, TOKEN_LIVES } from './interactions.ts'
import { type Call, EMPTY, type House, No, ok, plain, type Route, route } from './routes.ts'
import { notEmpty } from './routes-messages.ts'
import { messageOf } from './wire.ts'
import type { Message } from './world.ts'

const HOOK = '/webhooks/{webhook_id}/{webhook_token}'
const EPHEMERAL = 64

const routes: readonly Route[] = [
  route('POST', '/interactions/{interaction_id}/{interaction_token}/callback', Callback, (house, call, body) => {
    const { world } = house
    const one = house.interactions.find(call.path['interaction_token'] ?? '', call.path['interaction_id'])
    if (!one || one.late || world.time.now() >= one.made + ANSWER_WITHIN) throw new No(404, 10062, 'Unknown interaction')
    if (one.callback) throw new No(400, 40060, 'Interaction has already been acknowledged.')
    if (!suits(one, body)) throw new No(400, 50035, 'Invalid Form Body')
    const message = perform(house, call, one, body)
    house.interactions.answered(one, body)
    if (call.query.get('with_response') !== 'true') return EMPTY
    return ok({
      interaction: {
        id: one.id,
        type: { command: 2, menu: 2, press: 3, suggest: 4, submit: 5 }[one.kind],
        ...(message
          ? {
              response_message_id: message.id,
              response_message_loading: message.loading,
              response_message_ephemeral: message.to !== undefined,
            }
          : {}),
        channel_id: one.channel.id,
        ...(one.channel.kind === 'direct' ? {} : { guild_id: world.guild }),
      },
      ...(message ? { resource: { type: body.type, message: messageOf(world, message, house.origin(), 'all') } } : {}),
    })
  }),
  route('POST', HOOK, MessageBody, (house, call, body) => {
    const one = living(house, call)
    const { world } = house
    const what = changesFrom(body, call.files)
    notEmpty(what)
    const waited = one.original?.loading ? one.original : undefined
    if (waited) {
      // The first message after "is thinking" takes its place, and is as private as that was.
      world.change(waited, what)
      house.ping(waited, body.allowed_mentions)
    }
    const message = waited ?? posted(house, one, what, body.flags ?? 0, body.allowed_mentions)
    return call.query.get('wait') === 'true' ? ok(messageOf(world, message, house.origin(), 'all')) : EMPTY
  }),
  ...['@original', '{message_id}'].flatMap(which => {
    const template = `${HOOK}/messages/${which}`
    return [
      plain('GET', template, (house, call) => ok(messageOf(house.world, messageOfHook(house, call), house.origin(), 'all'))),
      route('PATCH', template, MessageBody, (house, call, body) => {
        const message = messageOfHook(house, call)
        const waited = message.loading
        const what = changesFrom(body, call.files, message)
        notEmpty(what)
        house.world.change(message, what)
        if (waited) house.ping(message, body.allowed_mentions)
        return ok(messageOf(house.world, message, house.origin(), 'all'))
      }),
      plain('DELETE', template, (house, call) => {
        house.world.remove(messageOfHook(house, call))
        return EMPTY
      }),
    ]
  }),
]

/** These have a token of their own in the path, and take no other. */
export const interactionRoutes: readonly Route[] = routes.map(one => ({ ...one, open: true }))

/** Choices answer what is being typed and nothing else does; a modal opens no modal; only a message with buttons is updated. */
function suits(one: Interaction, callback: Callback): boolean {
  switch (callback.type) {
    case 8:
      return one.kind === 'suggest'
    case 9:
      return one.kind !== 'submit' && one.kind !== 'suggest'
    case 6:
    case 7:
      return one.source !== undefined && one.kind !== 'suggest'
    case 4:
    case 5:
      return one.kind !== 'suggest'
  }
}

function perform(house: House, call: Call, one: Interaction, callback: Callback): Message | undefined {
  switch (callback.type) {
    case 4: {
      const what = changesFrom(callback.data, call.files)
      notEmpty(what)
      one.original = posted(house, one, what, callback.data.flags ?? 0, callback.data.allowed_mentions)
      return one.original
    }
    case 5: {
      const empty = { content: '', embeds: [], rows: [], files: [], loading: true }
      one.original = posted(house, one, empty, callback.data?.flags ?? 0, {})
      return one.original
    }
    case 6:
      if (one.source) one.original = one.source
      return undefined
    case 7:
      if (one.source) {
        house.world.change(one.source, changesFrom(callback.data, call.files, one.source))
        one.original = one.source
      }
      return one.source
    case 8:
    case 9:
      return undefined
  }
}

function posted(
  house: House,
  one: Interaction,
  what: ReturnType<typeof changesFrom> & { loading?: boolean },
  flags: number,
  allowed: { users?: string[] | undefined; roles?: string[] | undefined },
): Message {
  const message = house.world.post({
    channel: one.channel.id,
    author: house.world.bot,
    application: true,
    type: one.original ? 0 : { command: 20, menu: 23, press: 0, suggest: 0, submit: 0 }[one.kind],
    ...what,
    ...((flags & EPHEMERAL) === 0 ? {} : { to: one.user.id }),
  })
  if (!message.loading) house.ping(message, allowed)
  return message
}

function living(house: House, call: Call): Interaction {
  const one = house.interactions.find(call.path['webhook_token'] ?? '')
  if (!one || call.path['webhook_id'] !== house.world.application) throw new No(404, 10015, 'Unknown Webhook')
  if (house.world.time.now() >= one.made + TOKEN_LIVES) throw new No(401, 50027, 'Invalid Webhook Token')
  if (!one.callback) throw new No(404, 10015, 'Unknown Webhook')
  return one
}

function messageOfHook(house: House, call: Call): Message {
  const one = living(house, call)
  const id = call.path['message_id']
  const message = id === undefined || id === '@original' ? one.original : house.world.messages.get(id)
  if (!message || message.deleted || message.channel !== one.channel.id) throw new No(404, 10008, 'Unknown Message')
  return message
}
