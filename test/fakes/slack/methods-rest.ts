import { fileJson, ICONS, inChannel, type Method, method, No, need, paged, visible } from './method.ts'
import { written } from './methods-chat.ts'
import { BOT, type PersonGiven } from './options.ts'
import { isTrue, listOf, textOf } from './wire.ts'
import type { Channel, Group, Json, World } from './world.ts'

/** Methods that ask who and where, and those for files. */
export const REST: Readonly<Record<string, Method>> = {
  'auth.test': method(undefined, (_, world, origin) => ({
    url: `${origin}/`,
    team: 'home',
    user: BOT.name,
    team_id: world.team,
    user_id: BOT.user,
    bot_id: BOT.bot,
    is_enterprise_install: false,
  })),
  'team.info': method('team:read', (_, world, origin) => ({
    team: { id: world.team, name: 'home', domain: 'home', email_domain: '', icon: {}, url: `${origin}/` },
  })),
  'bots.info': method('users:read', (args, world) => {
    const bot = textOf(args['bot']) ?? BOT.bot
    const other = [...world.people.values()].find(({ id, kind }) => kind === 'bot' && id !== BOT.user && botIdOf(id) === bot)
    if (bot === BOT.bot) return { bot: botJson(BOT.bot, BOT.user, BOT.name, world.app) }
    if (!other) throw new No('bot_not_found')
    return { bot: botJson(bot, other.id, other.name, OTHER_APP) }
  }),
  'users.info': method('users:read', (args, world) => {
    const person = world.people.get(need(args, 'user'))
    if (!person) throw new No('user_not_found')
    return { user: userJson(person, world) }
  }),
  'usergroups.users.list': method('usergroups:read', (args, world) => {
    const group = world.groups.get(need(args, 'usergroup'))
    if (!group || (group.disabled && !isTrue(args['include_disabled']))) throw new No('no_such_subteam')
    // Who was deactivated is in no group any more.
    return { users: [...group.users].filter(id => world.people.get(id)?.kind !== 'gone') }
  }),
  'usergroups.list': method('usergroups:read', (args, world) => ({
    usergroups: [...world.groups.values()]
      .filter(({ disabled }) => !disabled || isTrue(args['include_disabled']))
      .map(group => groupJson(group, world, isTrue(args['include_count']))),
  })),
  'conversations.info': inChannel('read', (args, world) => {
    const channel = visible(args, world)
    const members = isTrue(args['include_num_members']) ? { num_members: channel.members.size } : {}
    return { channel: { ...channelJson(channel, world), ...members } }
  }),
  'conversations.members': inChannel('read', (args, world) => {
    const { page, next } = paged([...visible(args, world).members], args, 100, one => one)
    return { members: page, response_metadata: { next_cursor: next } }
  }),
  'conversations.open': method('im:write', (args, world) => {
    const [user, ...others] = need(args, 'users').split(',')
    const person = world.people.get(user ?? '')
    if (!person || others.length > 0) throw new No('user_not_found')
    if (person.kind === 'gone') throw new No('user_disabled')
    const { id } = world.direct(person.id)
    return { channel: isTrue(args['return_im']) ? channelJson(world.channel(id), world) : { id } }
  }),
  'files.getUploadURLExternal': method('files:write', (args, world, origin) => {
    const length = Number(need(args, 'length'))
    if (!(length > 0)) throw new No('invalid_arguments')
    const alt = textOf(args['alt_text'] ?? args['alt_txt'])
    const name = need(args, 'filename')
    const id = world.id('F')
    const type = 'application/octet-stream'
    world.files.set(id, { id, name, length, type, title: name, shared: false, ...(alt === undefined ? {} : { alt }) })
    return { upload_url: `${origin}/upload/v1/${id}`, file_id: id }
  }),
  'files.completeUploadExternal': method('files:write', completeUpload),
}

function completeUpload(args: Json, world: World): Json {
  const files = listOf(args['files']).map(({ id, title }) => ({ id: textOf(id) ?? '', title: textOf(title) }))
  if (files.length === 0) throw new No('invalid_arguments')
  for (const { id, title } of files) {
    const file = world.files.get(id)
    if (file?.bytes === undefined) throw new No('file_not_found')
    if (title !== undefined) file.title = title
  }
  const channel = textOf(args['channel_id'] ?? args['channels'])
  if (channel !== undefined)
    share(
      args,
      world,
      channel,
      files.map(({ id }) => id),
    )
  return { files: files.map(({ id }) => fileJson(id, world)) }
}

/** A file that is shared with a channel appears there as a message with the file on it. */
function share(args: Json, world: World, channel: string, files: readonly string[]): void {
  const place = world.channels.get(channel)
  if (!place?.members.has(BOT.user)) throw new No('channel_not_found')
  if (place.archived) throw new No('is_archived')
  const thread = textOf(args['thread_ts'])
  if (thread !== undefined && !world.find(channel, thread)) throw new No('thread_not_found')
  for (const id of files) {
    const file = world.files.get(id)
    if (file) file.shared = true
  }
  const message = written({ text: args['initial_comment'], blocks: args['blocks'] }, world, { channel, thread, files })
  world.messages.push(message)
  world.tell({ is: 'message', message })
}

/** What other bots of the workspace belong to. */
export const OTHER_APP = 'A0OTHER'
export const botIdOf = (user: string): string => `B${user.slice(1)}`

const botJson = (id: string, user_id: string, name: string, app_id: string): Json => ({
  id,
  app_id,
  user_id,
  name,
  deleted: false,
  updated: 1,
  icons: ICONS,
})

export function userJson({ id, name, kind = 'member', team }: PersonGiven, world: World): Json {
  return {
    id,
    team_id: team ?? world.team,
    name,
    real_name: name,
    deleted: kind === 'gone',
    profile: { real_name: name, display_name: name, team: team ?? world.team },
    is_admin: false,
    is_owner: false,
    is_bot: kind === 'bot',
    is_app_user: false,
    is_restricted: kind === 'guest' || kind === 'single guest',
    is_ultra_restricted: kind === 'single guest',
    ...(kind === 'stranger' ? { is_stranger: true } : {}),
    updated: 1,
    tz: 'Europe/Berlin',
  }
}

function groupJson({ id, handle, users, disabled }: Group, world: World, counted: boolean): Json {
  return {
    id,
    team_id: world.team,
    is_usergroup: true,
    is_subteam: true,
    name: handle,
    description: '',
    handle,
    is_external: false,
    date_create: 1,
    date_update: 1,
    date_delete: disabled ? 2 : 0,
    auto_type: null,
    auto_provision: false,
    enterprise_subteam_id: '',
    created_by: 'U0OLGA',
    updated_by: 'U0OLGA',
    deleted_by: null,
    prefs: { channels: [], groups: [] },
    ...(counted ? { user_count: users.size } : {}),
  }
}

export function channelJson(channel: Channel, world: World): Json {
  const { id, name, im, archived, members, shared = false } = channel
  if (im !== undefined) return { id, created: 1, is_im: true, is_org_shared: false, is_archived: archived, user: im, priority: 0 }
  return {
    id,
    name,
    name_normalized: name,
    created: 1,
    creator: 'U0OLGA',
    is_channel: channel.private !== true,
    is_group: channel.private === true,
    is_im: false,
    is_mpim: false,
    is_private: channel.private === true,
    is_archived: archived,
    is_general: false,
    is_member: members.has(BOT.user),
    is_shared: shared,
    is_ext_shared: shared,
    is_org_shared: false,
    is_pending_ext_shared: false,
    ...(shared ? { connected_team_ids: [world.team, 'T0VENDOR'], shared_team_ids: [world.team, 'T0VENDOR'] } : {}),
    unlinked: 0,
    topic: { value: '', creator: '', last_set: 0 },
    purpose: { value: '', creator: '', last_set: 0 },
    previous_names: [],
  }
}
