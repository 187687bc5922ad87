import { isDeepStrictEqual } from 'node:util'
import { Routes } from 'discord.js'
import { NotShown } from '../../ports/chat.ts'
import type { Calls } from './calls.ts'
import { COMMANDS } from './commands.ts'
import { textOf } from './hearing.ts'
import { callsOnce } from './once.ts'
import { inviteUrl, isOpen, NEEDED, permissionsIn, rolePermissions, TOO_MUCH } from './permissions.ts'
import type { DiscordSettings } from './settings.ts'
import { Application, Commands, GuildMember, Named, Place, Roles } from './wire.ts'

export interface Finding {
  readonly ok: boolean
  readonly what: string
  readonly fix?: string
}

/** What an app says of itself, as bits: the privileged intents, each for big and for small bots. */
const PRIVILEGED = [
  ['Presence Intent', 1 << 12, 1 << 13],
  ['Server Members Intent', 1 << 14, 1 << 15],
  ['Message Content Intent', 1 << 18, 1 << 19],
] as const

const TEXT = 0
const ANNOUNCEMENT = 5
const UNKNOWN_CHANNEL = 10_003
const UNKNOWN_GUILD = 10_004
const MISSING_ACCESS = 50_001

/** What is right and what is wrong between the site file and Discord, and how each wrong is put right. Changes nothing. */
export async function checkDiscord(settings: DiscordSettings): Promise<readonly Finding[]> {
  try {
    return await callsOnce(settings, calls => look(settings, calls))
  } catch (error) {
    return [
      no(`Discord could not be asked: ${textOf(error)}`, 'Is its address reachable from this machine? Try again in a minute.'),
    ]
  }
}

async function look(settings: DiscordSettings, calls: Calls): Promise<readonly Finding[]> {
  const get = (route: `/${string}`) => ({ verb: 'GET', route, lane: 'answer', budgets: {} }) as const
  const app = await calls.ask(get(Routes.currentApplication()), Application).catch(unlessRevoked)
  if (app === 'revoked')
    return [
      no(
        'Discord does not take the token',
        'Developer portal, your application, Bot, Reset Token: put the new one where the site file takes it from.',
      ),
    ]
  if (app.is === 'no') return [no('Discord does not say which application this is', 'Try again in a minute.')]
  const found: Finding[] = [yes('the token is good'), ...ofApplication(app.value, settings)]
  const me = await calls.ask(get(Routes.user()), Named)
  const self = me.is === 'ok' ? me.value.id : settings.application
  const member = await calls.ask(get(Routes.guildMember(settings.guild, self)), GuildMember, [
    UNKNOWN_GUILD,
    MISSING_ACCESS,
    10_007,
  ])
  if (member.is === 'no')
    return [
      ...found,
      no(`the bot is not in the server ${settings.guild}`, `Have somebody who may manage the server open ${inviteUrl(settings)}`),
    ]
  found.push(yes(`the bot is in the server ${settings.guild}`))
  const answer = await calls.ask(get(Routes.guildRoles(settings.guild)), Roles)
  const roles = answer.is === 'ok' ? answer.value : []
  found.push(...ofRoles(rolePermissions(settings.guild, roles, member.value.roles)), ...ofGroups(settings, roles))
  if (settings.channels.length === 0)
    found.push(no('the site file names no channel', 'Write the id of a private channel under `channels.discord.channels`.'))
  for (const channel of settings.channels) {
    const place = await calls.ask(get(Routes.channel(channel)), Place, [UNKNOWN_CHANNEL, MISSING_ACCESS])
    if (place.is === 'ok') found.push(...ofChannel(place.value, settings, roles, { id: self, roles: member.value.roles }))
    else if (place.code === UNKNOWN_CHANNEL)
      found.push(
        no(
          `there is no channel ${channel}`,
          'Copy the id again (User Settings, Advanced, Developer Mode), or take it out of the site file.',
        ),
      )
    else
      found.push(
        no(`the bot does not see the channel ${channel}`, 'Edit Channel, Permissions: add the bot, or its role, to the channel.'),
      )
  }
  const registered = await calls.ask(get(Routes.applicationGuildCommands(settings.application, settings.guild)), Commands, [
    MISSING_ACCESS,
    10_002,
  ])
  found.push(...ofCommands(registered.is === 'ok' ? registered.value : []))
  return found
}

function unlessRevoked(error: unknown): 'revoked' {
  if (error instanceof NotShown && error.how === 'revoked') return 'revoked'
  throw error
}

function ofApplication(
  { id, flags = 0, bot_public, interactions_endpoint_url: endpoint }: Application,
  { application }: DiscordSettings,
): readonly Finding[] {
  const same =
    id === application
      ? yes(`the token is that of the application ${id}`)
      : no(
          `the token is that of the application ${id}, and the site file names ${application}`,
          `Write \`application: "${id}"\`, or take the token of the other one.`,
        )
  const intents = PRIVILEGED.filter(([, big, small]) => (flags & (big | small)) !== 0).map(([name]) => name)
  return [
    same,
    intents.length === 0
      ? yes('it has no privileged intent, and needs none')
      : no(
          `it has ${intents.join(' and ')}, and needs none`,
          'Developer portal, Bot, Privileged Gateway Intents: switch them off.',
        ),
    bot_public
      ? no(
          'anybody may invite it into a server of theirs',
          'Developer portal, Installation: set the install link to None; then Bot: switch Public Bot off.',
        )
      : yes('nobody else can invite it'),
    ...(endpoint
      ? [
          no(
            `commands and presses are sent to ${endpoint}, and never to us`,
            'Developer portal, General Information: empty Interactions Endpoint URL.',
          ),
        ]
      : []),
  ]
}

function ofRoles(may: bigint): readonly Finding[] {
  const much = TOO_MUCH.filter(([, bit]) => (may & bit) !== 0n).map(([name]) => name)
  return [
    much.length === 0
      ? yes('its roles let it do no more than it should')
      : no(
          `its roles give it ${much.join(', ')}`,
          'Server Settings, Roles: take that from its role. Whoever takes over the bot has it too.',
        ),
  ]
}

/** The roles that the site names as groups. */
const ofGroups = ({ groups = [], guild }: DiscordSettings, roles: Roles): readonly Finding[] =>
  groups.map(id => {
    if (id === guild)
      return no(
        'the site file names the role @everyone as a group',
        'Name a role that is given to people: nobody is in this one.',
      )
    const role = roles.find(one => one.id === id)
    return role
      ? yes(`the role @${role.name} is there`)
      : no(
          `there is no role ${id}, so what it gives is nobody's`,
          'Copy the id again (Server Settings, Roles, the three dots, Copy Role ID), or take it out of the site file.',
        )
  })

function ofChannel(
  channel: Place,
  settings: DiscordSettings,
  roles: Roles,
  self: { readonly id: string; readonly roles: readonly string[] },
): readonly Finding[] {
  const name = `#${channel.name ?? channel.id}`
  if (channel.guild_id != null && channel.guild_id !== settings.guild)
    return [no(`${name} is in another server`, 'Take it out of the site file: it would not be heard there.')]
  if (channel.type !== TEXT && channel.type !== ANNOUNCEMENT)
    return [no(`${name} is no text channel`, 'A thread, a forum or a voice channel cannot hold the cards: name a text channel.')]
  const may = permissionsIn(channel, settings.guild, roles, self)
  const missing = NEEDED.filter(([, bit]) => (may & bit) === 0n)
  const admin = (may & 8n) !== 0n
  const open = isOpen(channel, settings.guild, roles)
  return [
    open && !settings.publicChannels
      ? no(
          `everybody in the server sees ${name}, so nothing is decided there`,
          'Edit Channel, Permissions: Private Channel on; or `public channels: true` in the site file if that is meant.',
        )
      : yes(open ? `everybody in the server sees ${name}, and the site file allows that` : `${name} is private`),
    missing.length === 0 || admin
      ? yes(`the bot may do in ${name} what it needs`)
      : no(
          `in ${name} the bot lacks ${missing.map(([what]) => what).join(', ')}`,
          `Edit Channel, Permissions, the bot's role: allow ${missing.map(([what, , why]) => `${what} (${why})`).join('; ')}.`,
        ),
  ]
}

function ofCommands(registered: Commands): readonly Finding[] {
  const plain = (all: readonly unknown[]): readonly unknown[] =>
    Commands.parse(all)
      .map(({ description = '', contexts, options, ...rest }) => ({
        ...rest,
        description,
        ...(contexts ? { contexts } : {}),
        ...(options?.length ? { options } : {}),
      }))
      .sort((a, b) => a.name.localeCompare(b.name))
  const equal = isDeepStrictEqual(plain(registered), plain(COMMANDS))
  return [
    equal
      ? yes('its commands are registered, and are the ones of this version')
      : no(
          registered.length === 0 ? 'its commands are not registered' : 'its commands are those of another version',
          'Run `signalbox discord register`.',
        ),
  ]
}

const yes = (what: string): Finding => ({ ok: true, what })
const no = (what: string, fix: string): Finding => ({ ok: false, what, fix })
