import { Routes } from 'discord.js'
import type { Said, Standing, Standpoint } from '../../domain/chat.ts'
import { type Handle, type Instant, type Millis, seconds } from '../../domain/ids.ts'
import type { Chat, Membership } from '../../ports/chat.ts'
import { type Calls, inChannel, inGuild } from './calls.ts'
import { isOpen } from './permissions.ts'
import { DISCORD, type DiscordSettings } from './settings.ts'
import { DIRECT, GUEST, GuildMember, Place, Roles } from './wire.ts'

/** What was asked is believed for so long, and no longer: somebody may have left, or opened a channel. */
const BELIEVED: Millis = seconds(60)
/** Answers that are kept; beyond, the oldest are forgotten. */
const KEPT = 2_000
const UNKNOWN_MEMBER = 10_007
const UNKNOWN_USER = 10_013
const UNKNOWN_CHANNEL = 10_003
const MISSING_ACCESS = 50_001

/** What Discord says of an account: who it is in our guild, and which of its roles the site names. */
interface Account {
  readonly speaker: Standing['speaker']
  readonly groups: ReadonlySet<string>
  readonly at: Instant // when it was asked
}

const NONE: ReadonlySet<string> = new Set()

/** Who an account is in our guild, and what kind of place it speaks in. These throw NotShown where Discord cannot be asked. */
export function standings(
  settings: DiscordSettings,
  calls: Calls,
  now: () => Instant,
): Required<Pick<Chat, 'standing' | 'membership'>> {
  const { guild, channels, groups = [], publicChannels } = settings
  const accountOf = remembered(now, askMember)
  const placeOf = remembered(now, askPlace)

  async function askMember(user: string): Promise<Account> {
    const at = now()
    const wanted = { verb: 'GET', route: Routes.guildMember(guild, user), lane: 'answer', budgets: inGuild } as const
    const member = await calls.ask(wanted, GuildMember, [UNKNOWN_MEMBER, UNKNOWN_USER])
    if (member.is === 'no') return { speaker: 'foreign', groups: NONE, at }
    const { user: account, pending, flags = 0, roles } = member.value
    // Pending: whoever has not yet agreed to the rules of the guild.
    const speaker = account?.bot ? 'machine' : pending || (flags & GUEST) !== 0 ? 'guest' : 'member'
    return { speaker, groups: new Set(groups.filter(group => roles.includes(group))), at }
  }

  async function askPlace(channel: string): Promise<Standpoint> {
    const wanted = { verb: 'GET', route: Routes.channel(channel), lane: 'answer', budgets: inChannel('read', channel) } as const
    const found = await calls.ask(wanted, Place, [UNKNOWN_CHANNEL, MISSING_ACCESS])
    if (found.is === 'no') return 'elsewhere'
    if (DIRECT.has(found.value.type)) return 'direct'
    if (!channels.includes(channel) || (found.value.guild_id ?? guild) !== guild) return 'elsewhere'
    if (publicChannels) return 'work'
    const roles = await calls.ask({ verb: 'GET', route: Routes.guildRoles(guild), lane: 'answer', budgets: inGuild }, Roles)
    return roles.is === 'ok' && !isOpen(found.value, guild, roles.value) ? 'work' : 'open'
  }

  return {
    async standing(said: Said) {
      if (said.machine) return { speaker: 'machine', place: 'elsewhere', workspace: guild }
      const [{ speaker }, place] = await Promise.all([accountOf(userOf(said.by)), placeOf(said.at.channel)])
      return { speaker, place, workspace: guild }
    },
    async membership(handle): Promise<Membership> {
      const account = await accountOf(userOf(handle))
      const active = account.speaker === 'member'
      return { active, groups: active ? account.groups : NONE, age: now() - account.at }
    },
  }
}

const userOf = (handle: Handle): string => handle.slice(DISCORD.length + 1)

/** One question at a time for each name, and its answer for a while. A question that failed is asked again. */
function remembered<T>(now: () => Instant, ask: (name: string) => Promise<T>): (name: string) => Promise<T> {
  const known = new Map<string, { readonly at: Instant; readonly answer: Promise<T> }>()
  return name => {
    const before = known.get(name)
    if (before && now() - before.at < BELIEVED) return before.answer
    known.delete(name)
    const answer = ask(name)
    known.set(name, { at: now(), answer })
    answer.catch(() => known.delete(name))
    for (const oldest of known.keys()) {
      if (known.size <= KEPT) break
      known.delete(oldest)
    }
    return answer
  }
}
