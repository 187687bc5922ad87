import { Routes } from 'discord.js'
import type { Said, Standing, Standpoint } from '../../domain/chat.ts'
import { type Instant, type Millis, seconds } from '../../domain/ids.ts'
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

/** Who a speaker is in our guild, and what kind of place they speak in. Throws NotShown where Discord cannot be asked. */
export function standings(settings: DiscordSettings, calls: Calls, now: () => Instant): (said: Said) => Promise<Standing> {
  const { guild, channels, publicChannels } = settings
  const speakerOf = remembered(now, askMember)
  const placeOf = remembered(now, askPlace)

  async function askMember(user: string): Promise<Standing['speaker']> {
    const wanted = { verb: 'GET', route: Routes.guildMember(guild, user), lane: 'answer', budgets: inGuild } as const
    const member = await calls.ask(wanted, GuildMember, [UNKNOWN_MEMBER, UNKNOWN_USER])
    if (member.is === 'no') return 'foreign'
    if (member.value.user?.bot) return 'machine'
    // Pending: whoever has not yet agreed to the rules of the guild.
    return member.value.pending || ((member.value.flags ?? 0) & GUEST) !== 0 ? 'guest' : 'member'
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

  return async said => {
    if (said.machine) return { speaker: 'machine', place: 'elsewhere' }
    const [speaker, place] = await Promise.all([speakerOf(said.by.slice(DISCORD.length + 1)), placeOf(said.at.channel)])
    return { speaker, place }
  }
}

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
