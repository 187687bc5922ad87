import { permissionsOf } from './permissions.ts'
import type { Channel, Message, User, World } from './world.ts'

/** How Discord writes down what is in the world. `sight` says whose: without the message-content intent a bot sees few texts. */
export type Sight = 'all' | 'bot'

export const userOf = (user: User): object => ({
  id: user.id,
  username: user.name,
  discriminator: '0',
  global_name: user.kind === 'bot' || user.kind === 'webhook' ? null : user.name,
  avatar: null,
  public_flags: 0,
  flags: 0,
  primary_guild: null,
  ...(user.kind === 'bot' || user.kind === 'webhook' ? { bot: true } : {}),
})

const GUEST = 1 << 4
const memberFields = (user: User): object => ({
  avatar: null,
  banner: null,
  communication_disabled_until: null,
  flags: user.kind === 'guest' ? GUEST : 0,
  joined_at: '2024-05-01T09:00:00.000000+00:00',
  nick: null,
  pending: false,
  premium_since: null,
  roles: user.roles,
  mute: false,
  deaf: false,
})
export const memberOf = (user: User): object => ({ ...memberFields(user), user: userOf(user) })

export const KINDS = { text: 0, announcement: 5, thread: 11, direct: 1 } as const

export function channelOf(world: World, channel: Channel): object {
  const { id, name, kind } = channel
  if (kind === 'direct') {
    const person = world.users.get(channel.person ?? '')
    return { id, type: KINDS.direct, flags: 0, last_message_id: null, recipients: person ? [userOf(person)] : [] }
  }
  const common = { id, type: KINDS[kind], flags: 0, guild_id: world.guild, name, last_message_id: null }
  if (kind === 'thread') {
    const count = inThread(world, id)
    const meta = {
      archived: channel.locked,
      locked: channel.locked,
      archive_timestamp: isoOf(world.time.now()),
      auto_archive_duration: 1440,
      create_timestamp: isoOf(world.time.now()),
    }
    return {
      ...common,
      parent_id: channel.parent,
      owner_id: world.bot.id,
      thread_metadata: meta,
      message_count: count,
      member_count: 1,
      total_message_sent: count,
      rate_limit_per_user: 0,
    }
  }
  return {
    ...common,
    position: [...world.channels.keys()].indexOf(id),
    parent_id: null,
    topic: null,
    nsfw: false,
    rate_limit_per_user: 0,
    permission_overwrites: channel.overwrites.map(one => ({ ...one, allow: `${one.allow}`, deny: `${one.deny}` })),
  }
}

const inThread = (world: World, id: string): number =>
  [...world.messages.values()].filter(one => one.channel === id && one.type !== 21).length

export const rolesOf = (world: World): readonly object[] =>
  world.roles.map((role, position) => ({
    id: role.id,
    name: role.name,
    permissions: `${role.permissions}`,
    position,
    color: 0,
    colors: { primary_color: 0, secondary_color: null, tertiary_color: null },
    hoist: false,
    managed: role.managed,
    mentionable: false,
    icon: null,
    unicode_emoji: null,
    flags: 0,
    ...(role.managed ? { tags: { bot_id: world.bot.id } } : {}),
  }))

const NO_GUILD_PICTURES = { icon: null, description: null, home_header: null, splash: null, discovery_splash: null, banner: null }
export const guildOf = (world: World): object => ({
  ...NO_GUILD_PICTURES,
  id: world.guild,
  name: 'Data centre operations',
  features: [],
  owner_id: [...world.users.values()].find(user => user.kind === 'person')?.id ?? world.bot.id,
  application_id: null,
  region: 'deprecated',
  afk_channel_id: null,
  afk_timeout: 300,
  system_channel_id: null,
  system_channel_flags: 0,
  widget_enabled: false,
  widget_channel_id: null,
  verification_level: 1,
  roles: rolesOf(world),
  default_message_notifications: 1,
  mfa_level: 1,
  explicit_content_filter: 0,
  max_presences: null,
  max_members: 250000,
  max_stage_video_channel_users: 50,
  max_video_channel_users: 25,
  vanity_url_code: null,
  premium_tier: 0,
  premium_subscription_count: 0,
  preferred_locale: 'en-US',
  rules_channel_id: null,
  safety_alerts_channel_id: null,
  public_updates_channel_id: null,
  premium_progress_bar_enabled: false,
  nsfw: false,
  nsfw_level: 0,
  emojis: [],
  stickers: [],
  incidents_data: null,
})

/** A guild as the gateway sends it: everything that is in it, though of the members only the bot. */
export const wholeGuild = (world: World): object => ({
  ...guildOf(world),
  joined_at: '2024-05-01T09:00:00.000000+00:00',
  large: false,
  unavailable: false,
  member_count: [...world.users.values()].filter(user => user.member).length,
  members: [memberOf(world.bot)],
  channels: placesOf(world).map(channel => channelOf(world, channel)),
  threads: [...world.channels.values()]
    .filter(one => one.kind === 'thread' && !one.gone && !one.locked)
    .map(channel => channelOf(world, channel)),
  presences: [],
  voice_states: [],
  stage_instances: [],
  guild_scheduled_events: [],
  soundboard_sounds: [],
})

export const placesOf = (world: World): readonly Channel[] =>
  [...world.channels.values()].filter(one => (one.kind === 'text' || one.kind === 'announcement') && !one.gone)

const EPHEMERAL = 64
const LOADING = 128
const HAS_THREAD = 32

export function messageOf(world: World, message: Message, origin: string, sight: Sight): object {
  const { id, channel, author } = message
  const mentioned = mentionsIn(world, message.content)
  const direct = world.channels.get(channel)?.kind === 'direct'
  const hidden = sight === 'bot' && author !== world.bot && !direct && !mentioned.includes(world.bot)
  const thread = world.channels.get(id)
  return {
    id,
    channel_id: channel,
    type: message.type,
    author: userOf(author),
    content: hidden ? '' : message.content,
    timestamp: isoOf(message.at),
    edited_timestamp: message.edited === undefined ? null : isoOf(message.edited),
    tts: false,
    pinned: false,
    mention_everyone: /@(everyone|here)/.test(message.content) && author !== world.bot,
    mentions: mentioned.map(userOf),
    mention_roles: [],
    attachments: hidden ? [] : message.files.map(file => attachmentOf(origin, channel, file)),
    embeds: hidden ? [] : message.embeds.map(embed => embedOf(origin, message, embed)),
    components: hidden ? [] : componentsOf(message),
    flags: (message.to === undefined ? 0 : EPHEMERAL) | (message.loading ? LOADING : 0) | (thread ? HAS_THREAD : 0),
    ...(message.nonce === undefined ? {} : { nonce: message.nonce }),
    ...(thread ? { thread: channelOf(world, thread) } : {}),
    ...(message.application || author.kind === 'webhook'
      ? { webhook_id: message.application ? world.application : author.id }
      : {}),
    ...(message.application ? { application_id: world.application } : {}),
    ...(message.reference === undefined ? {} : { message_reference: referenceOf(world, message) }),
  }
}

const referenceOf = (world: World, message: Message): object => ({
  type: 0,
  channel_id: world.channels.get(message.channel)?.parent ?? message.channel,
  message_id: message.reference,
  guild_id: world.guild,
})

function componentsOf(message: Message): readonly object[] {
  let id = 0
  return message.rows.map(row => ({ ...row, id: ++id, components: row.components.map(one => ({ ...one, id: ++id })) }))
}

const attachmentOf = (origin: string, channel: string, file: Message['files'][number]): object => ({
  id: file.id,
  filename: file.name,
  size: file.bytes.length,
  content_type: file.type,
  url: fileUrl(origin, channel, file),
  proxy_url: fileUrl(origin, channel, file),
})

export const fileUrl = (origin: string, channel: string, file: { readonly id: string; readonly name: string }): string =>
  `${origin}/attachments/${channel}/${file.id}/${encodeURIComponent(file.name)}`

function embedOf(origin: string, message: Message, embed: Message['embeds'][number]): object {
  const named = embed.image?.url.startsWith('attachment://') ? embed.image.url.slice('attachment://'.length) : undefined
  const file = message.files.find(one => one.name === named)
  const fields = embed.fields?.map(field => ({ inline: false, ...field }))
  return {
    type: 'rich',
    ...embed,
    ...(fields ? { fields } : {}),
    ...(file
      ? { image: { url: fileUrl(origin, message.channel, file), proxy_url: fileUrl(origin, message.channel, file) } }
      : {}),
  }
}

export const mentionsIn = (world: World, text: string): readonly User[] => [
  ...new Set([...text.matchAll(/<@!?(\d+)>/g)].flatMap(([, id]) => world.users.get(id ?? '') ?? [])),
]

export const isoOf = (ms: number): string => new Date(ms).toISOString().replace('Z', '000+00:00')

/** A member as an interaction carries it, with what they may do. */
export const speakerOf = (world: World, user: User, may: bigint): object =>
  user.member ? { member: { ...memberOf(user), permissions: `${may || permissionsOf(world, user)}` } } : { user: userOf(user) }
