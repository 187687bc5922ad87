import { PermissionFlagsBits as P } from 'discord.js'
import type { Channel, User, World } from './world.ts'

export interface Overwrite {
  readonly id: string
  readonly type: 0 | 1 // a role's, a member's
  readonly allow: bigint
  readonly deny: bigint
}

export const VIEW = P.ViewChannel
export const EVERYONE_MAY =
  P.ViewChannel | P.ReadMessageHistory | P.SendMessages | P.SendMessagesInThreads | P.UseApplicationCommands
export const CREW_MAY = EVERYONE_MAY | P.AttachFiles | P.EmbedLinks
/** What the guide's invitation asks for, and nothing else. */
export const GUIDE_MAY =
  P.ViewChannel |
  P.SendMessages |
  P.SendMessagesInThreads |
  P.CreatePublicThreads |
  P.EmbedLinks |
  P.AttachFiles |
  P.ReadMessageHistory

/** Discord's own order: roles together, then the overwrites of everyone, of the roles, of the member. */
export function permissionsIn(world: World, user: User, channel: Channel): bigint {
  if (channel.kind === 'direct') return channel.person === user.id || user === world.bot ? EVERYONE_MAY | CREW_MAY : 0n
  if (!user.member) return 0n
  const place = channel.parent === undefined ? channel : world.channels.get(channel.parent)
  let may = permissionsOf(world, user)
  if (may & P.Administrator) return may
  const over = place?.overwrites ?? []
  const apply = (some: readonly Overwrite[]) => {
    for (const { deny } of some) may &= ~deny
    for (const { allow } of some) may |= allow
  }
  apply(over.filter(one => one.id === world.guild))
  apply(over.filter(one => one.type === 0 && user.roles.includes(one.id)))
  apply(over.filter(one => one.type === 1 && one.id === user.id))
  return may & P.ViewChannel ? may : 0n
}

export const permissionsOf = (world: World, user: User): bigint =>
  world.roles
    .filter(role => role.id === world.guild || user.roles.includes(role.id))
    .reduce((all, role) => all | role.permissions, 0n)

export const sees = (world: World, user: User, channel: Channel): boolean =>
  !channel.gone && (permissionsIn(world, user, channel) & P.ViewChannel) !== 0n

/** The first of these that the user lacks in the channel, by name. */
export function lacks(world: World, user: User, channel: Channel, ...needed: (keyof typeof P)[]): string | undefined {
  const may = permissionsIn(world, user, channel)
  return needed.find(name => (may & P[name]) === 0n)
}
