import type { Delivery } from './delivery.ts'
import { messageJson } from './method.ts'
import { botIdOf, OTHER_APP, userJson } from './methods-rest.ts'
import { viewJson } from './methods-views.ts'
import { BOT } from './options.ts'
import type { Json, Message, View, World } from './world.ts'

/** What Slack sends to an app, field by field as docs.slack.dev/reference/events and /reference/interaction-payloads show it. */
export function eventOf(world: World, event: Json, more: Json = {}): Delivery {
  const channel = world.channels.get(String(event['channel']))
  const payload = {
    token: 'the-old-verification-token',
    team_id: world.team,
    context_team_id: world.team,
    context_enterprise_id: null,
    api_app_id: world.app,
    event: { event_ts: world.ts(), ...event },
    type: 'event_callback',
    event_id: world.id('Ev'),
    event_time: Math.floor(world.now() / 1000),
    authorizations: [{ enterprise_id: null, team_id: world.team, user_id: BOT.user, is_bot: true, is_enterprise_install: false }],
    is_ext_shared_channel: channel?.shared ?? false,
    event_context: world.id('4-fake-'),
    ...more,
  }
  return { kind: 'events_api', payload }
}

/** What a person wrote, as a message of the channel or as a mention. */
export function saidEvent(world: World, message: Message, type: 'message' | 'app_mention'): Delivery {
  const channel = world.channels.get(message.channel)
  return eventOf(world, {
    ...typedFields(world, message),
    type,
    channel: message.channel,
    event_ts: message.ts,
    ...(type === 'message' ? { channel_type: channel?.im === undefined ? (channel?.private ? 'group' : 'channel') : 'im' } : {}),
  })
}

/** The fields by which Slack tells who wrote a message: a person, another bot, somebody of another organisation. */
function typedFields(world: World, message: Message): Json {
  const { user, text, ts, thread, edited } = message
  const person = world.people.get(user)
  const foreign = person?.team !== undefined && person.team !== world.team
  return {
    user,
    text,
    ts,
    team: world.team,
    client_msg_id: `00000000-0000-4000-8000-${ts.replace('.', '').slice(-12)}`,
    blocks: [
      { type: 'rich_text', block_id: 'typed', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text }] }] },
    ],
    ...(thread === undefined ? {} : { thread_ts: thread, parent_user_id: world.find(message.channel, thread)?.user }),
    ...(foreign
      ? { user_team: person.team, source_team: person.team, user_profile: { team: person.team, name: person.name } }
      : {}),
    ...(person?.kind === 'bot'
      ? { bot_id: botIdOf(user), app_id: OTHER_APP, bot_profile: { id: botIdOf(user), app_id: OTHER_APP } }
      : {}),
    ...(edited === undefined ? {} : { edited: { user, ts: edited } }),
  }
}

export function editedEvent(world: World, message: Message, before: string): Delivery {
  const now = { type: 'message', ...typedFields(world, message) }
  return eventOf(world, {
    type: 'message',
    subtype: 'message_changed',
    channel: message.channel,
    ...changedFields(world, message),
    message: now,
    previous_message: { ...now, text: before },
  })
}

export function deletedEvent(world: World, message: Message): Delivery {
  return eventOf(world, {
    type: 'message',
    subtype: 'message_deleted',
    channel: message.channel,
    deleted_ts: message.ts,
    ...changedFields(world, message),
    previous_message: { type: 'message', ...typedFields(world, message) },
  })
}

function changedFields(world: World, message: Message): Json {
  const channel = world.channels.get(message.channel)
  const ts = world.ts()
  return {
    ts,
    event_ts: ts,
    hidden: true,
    channel_type: channel?.im === undefined ? (channel?.private ? 'group' : 'channel') : 'im',
  }
}

/** A message of an old integration, which has no user at all. */
export function botMessageEvent(world: World, channel: string, text: string): Delivery {
  const ts = world.ts()
  const event = {
    type: 'message',
    subtype: 'bot_message',
    bot_id: 'B0OTHERBOT',
    username: 'otherbot',
    text,
    ts,
    channel,
    event_ts: ts,
    channel_type: 'im',
  }
  return eventOf(world, event)
}

/** A message that an app posted with a person's token: it has a user, and what gives it away is bot_id and app_id. */
export function appMessageEvent(world: World, channel: string, user: string, text: string): Delivery {
  const ts = world.ts()
  return eventOf(world, {
    type: 'app_mention',
    user,
    bot_id: 'B0OTHERBOT',
    app_id: OTHER_APP,
    text,
    ts,
    channel,
    event_ts: ts,
    team: world.team,
  })
}

export function homeOpenedEvent(world: World, user: string, tab: 'home' | 'messages' = 'home'): Delivery {
  const home = [...world.views.values()].find(one => one.type === 'home' && one.user === user)
  const { id } = world.direct(user)
  const event = { type: 'app_home_opened', user, channel: id, tab, event_ts: world.ts() }
  return eventOf(world, home ? { ...event, view: viewJson(home, world) } : event)
}

export const channelEvent = (world: World, type: string, channel: string): Delivery =>
  eventOf(world, {
    type,
    channel,
    event_ts: world.ts(),
    ...(type === 'channel_shared' ? { connected_team_id: 'T0VENDOR' } : {}),
    ...(type === 'channel_left' || type === 'group_left' ? { actor_id: 'U0OLGA' } : {}),
  })

export function userChangeEvent(world: World, user: string): Delivery {
  const ts = world.ts()
  return eventOf(world, {
    type: 'user_change',
    user: userJson(world.person(user), world),
    cache_ts: Math.floor(Number(ts)),
    event_ts: ts,
  })
}

export const revokedEvent = (world: World): Delivery =>
  eventOf(world, { type: 'tokens_revoked', tokens: { oauth: [], bot: [BOT.user] } })
export const uninstalledEvent = (world: World): Delivery => eventOf(world, { type: 'app_uninstalled' })

const userFields = (world: World, user: string): Json => {
  const { id, name, team } = world.person(user)
  return { id, username: name, name, team_id: team ?? world.team }
}

export interface Origin {
  readonly user: string
  readonly trigger: string
  readonly respond: string // where an answer to this one interaction can be posted to
}

export function commandOf(world: World, channel: string, text: string, { user, trigger, respond }: Origin): Delivery {
  const { id, name, team } = world.person(user)
  const place = world.channel(channel)
  const payload = {
    token: 'the-old-verification-token',
    team_id: team ?? world.team,
    team_domain: 'home',
    channel_id: place.id,
    channel_name: place.im === undefined ? (place.private === true ? 'privategroup' : place.name) : 'directmessage',
    user_id: id,
    user_name: name,
    command: '/signalbox',
    text,
    api_app_id: world.app,
    is_enterprise_install: 'false',
    response_url: respond,
    trigger_id: trigger,
  }
  return { kind: 'slash_commands', payload }
}

function interaction(world: World, type: string, { user, trigger }: Pick<Origin, 'user' | 'trigger'>, more: Json): Delivery {
  const payload = {
    type,
    user: userFields(world, user),
    api_app_id: world.app,
    token: 'the-old-verification-token',
    trigger_id: trigger,
    team: { id: world.team, domain: 'home' },
    enterprise: null,
    is_enterprise_install: false,
    ...more,
  }
  return { kind: 'interactive', payload }
}

const placeFields = (world: World, message: Message): Json => ({
  channel: { id: message.channel, name: world.channels.get(message.channel)?.name },
  message: messageJson(message, world),
})

/** A press of a button on a message, or, with a view, in a home or a dialog. */
export function pressOf(
  world: World,
  on: { readonly message: Message } | { readonly view: View },
  block: string,
  button: Json,
  origin: Origin,
): Delivery {
  const { action_id = 'fake', value, text } = button
  const action = {
    type: 'button',
    action_id,
    block_id: block,
    text,
    action_ts: world.ts(),
    ...(value === undefined ? {} : { value }),
  }
  if ('view' in on) {
    const { view } = on
    const container = { type: 'view', view_id: view.id }
    return interaction(world, 'block_actions', origin, { container, view: viewJson(view, world), actions: [action] })
  }
  const { ts, channel, to, thread } = on.message
  const container = {
    type: 'message',
    message_ts: ts,
    channel_id: channel,
    is_ephemeral: to !== undefined,
    ...(thread === undefined ? {} : { thread_ts: thread }),
  }
  const place = placeFields(world, on.message)
  // The message of a whisper is not sent along: Slack does not keep it.
  const shown = to === undefined ? place : { channel: place['channel'] }
  return interaction(world, 'block_actions', origin, {
    container,
    ...shown,
    state: { values: {} },
    response_url: origin.respond,
    actions: [action],
  })
}

export function submissionOf(world: World, view: View, values: Json, user: string): Delivery {
  const more = { view: viewJson(view, world, values), response_urls: [] }
  return interaction(world, 'view_submission', { user, trigger: world.trigger(user) }, more)
}

export function shortcutOf(world: World, callback: string, message: Message, origin: Origin): Delivery {
  const more = {
    callback_id: callback,
    message_ts: message.ts,
    action_ts: world.ts(),
    response_url: origin.respond,
    ...placeFields(world, message),
  }
  return interaction(world, 'message_action', origin, more)
}
