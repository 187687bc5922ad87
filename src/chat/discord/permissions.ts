import { PermissionFlagsBits as May } from 'discord.js'
import type { DiscordSettings } from './settings.ts'
import type { Place, Roles } from './wire.ts'

/** What the bot has to be allowed in its channels, and what for. It asks for nothing else. */
export const NEEDED = [
  ['View Channel', May.ViewChannel, 'to see what it is told'],
  ['Send Messages', May.SendMessages, 'to post the card of a run'],
  ['Create Public Threads', May.CreatePublicThreads, 'to ring in the thread of a card'],
  ['Send Messages in Threads', May.SendMessagesInThreads, 'to ring in the thread of a card'],
  ['Embed Links', May.EmbedLinks, 'because a card is an embed: without it a card is an empty message'],
  ['Attach Files', May.AttachFiles, 'for the picture of a run'],
  ['Read Message History', May.ReadMessageHistory, 'to find a card again after a crash instead of posting it twice'],
] as const

/** The bit field of an invitation: the least that works. */
export const LEAST: bigint = NEEDED.reduce((all, [, bit]) => all | bit, 0n)

/** Permissions that no chat bot of ours should have: whoever takes over the bot has them too. */
export const TOO_MUCH = [
  ['Administrator', May.Administrator],
  ['Manage Server', May.ManageGuild],
  ['Manage Roles', May.ManageRoles],
  ['Manage Channels', May.ManageChannels],
  ['Manage Webhooks', May.ManageWebhooks],
  ['Mention Everyone', May.MentionEveryone],
] as const

/** The address with which whoever runs the guild lets the bot in, with the least it needs. */
export function inviteUrl({ application, guild }: Pick<DiscordSettings, 'application' | 'guild'>): string {
  const query = new URLSearchParams({
    client_id: application,
    scope: 'bot applications.commands',
    permissions: String(LEAST),
    guild_id: guild,
    disable_guild_select: 'true',
  })
  return `https://discord.com/oauth2/authorize?${query}`
}

/** What a member may do in a channel, in Discord's own order: roles, then the overwrites of everyone, of the roles, of the member. */
export function permissionsIn(
  channel: Place,
  guild: string,
  roles: Roles,
  member: { readonly id?: string; readonly roles: readonly string[] },
): bigint {
  let may = rolePermissions(guild, roles, member.roles)
  if (may & May.Administrator) return may
  const over = channel.permission_overwrites ?? []
  const apply = (some: typeof over): void => {
    for (const { deny } of some) may &= ~BigInt(deny)
    for (const { allow } of some) may |= BigInt(allow)
  }
  apply(over.filter(({ id, type }) => type === 0 && id === guild))
  apply(over.filter(({ id, type }) => type === 0 && id !== guild && member.roles.includes(id)))
  apply(over.filter(({ id, type }) => type === 1 && id === member.id))
  return may
}

export const rolePermissions = (guild: string, roles: Roles, of: readonly string[]): bigint =>
  roles.filter(({ id }) => id === guild || of.includes(id)).reduce((all, { permissions }) => all | BigInt(permissions), 0n)

/** Does everybody in the guild see the channel? */
export const isOpen = (channel: Place, guild: string, roles: Roles): boolean =>
  (permissionsIn(channel, guild, roles, { roles: [] }) & (May.ViewChannel | May.Administrator)) !== 0n
