import { Routes } from 'discord.js'
import type { Place, Said } from '../../domain/chat.ts'
import { type Millis, minutes, seconds } from '../../domain/ids.ts'
import type { Lanes } from '../../outbox/lanes.ts'
import type { Chat, Health } from '../../ports/chat.ts'
import { newBreaker } from './breaker.ts'
import { inGuild, openCalls } from './calls.ts'
import { catchUp } from './catch-up.ts'
import { few } from './few.ts'
import { openGateway } from './gateway.ts'
import { type Hearing, hearing, textOf } from './hearing.ts'
import { DISCORD, type DiscordSettings } from './settings.ts'
import { showing } from './showing.ts'
import { later, snowflakeAt } from './snowflake.ts'
import { standings } from './standing.ts'
import { whispering } from './whispers.ts'
import { Guild, Message, Named, Ready } from './wire.ts'

export type { DiscordSettings } from './settings.ts'

export interface DiscordParts {
  readonly lanes: Lanes
  count(outcome: string): void
  readonly clock: { now(): number }
  log(line: string): void
  complete(text: string): readonly string[]
}

/** Edits of progress in a minute: 60 % of what one channel takes, as all runs may be in one. */
const PER_MINUTE = 36
/** How often what was missed is asked for, while Discord does not answer. */
const TRIES = 6
const BETWEEN: Millis = seconds(5)
/** What was said longer ago is too late to be acted upon. */
const WORTH_HEARING: Millis = minutes(10)

/** Discord: one embed per run, edited with the bot's token; sentences by slash command, mention and button. */
export function discordChat(settings: DiscordSettings, parts: DiscordParts): Chat {
  const { lanes, count } = parts
  const now = (): number => parts.clock.now()
  const log = (line: string): void => parts.log(line.replaceAll(settings.token, '[token]'))
  const breaker = newBreaker(now)
  const calls = openCalls(settings, lanes, breaker)
  const whispers = whispering(settings, calls, now)
  const { post, find, edit } = showing(settings, calls, us, now)
  const { standing, membership } = standings(settings, calls, now)
  /** The last message of each listed channel and of its threads that was sent to us. */
  const seen = few<string>(5_000)
  const met = few<true>(5_000)
  let baseline: string | undefined
  let self: { readonly id: string; readonly name: string } | undefined
  let inside = true
  let ears: Hearing | undefined
  let stopped = false
  let hurry: (() => void) | undefined

  const gateway = openGateway({
    settings,
    rest: calls.options,
    now,
    listener: {
      interaction: payload => void ears?.interaction(payload).catch(broken),
      message(how, payload) {
        if (how === 'new') fresh(payload)
        else void ears?.message(how, payload).catch(broken)
      },
      session,
      guild(how, payload) {
        const guild = Guild.safeParse(payload).data
        if (guild?.id === settings.guild && !guild.unavailable) inside = how === 'in'
      },
      trouble: log,
    },
  })
  const broken = (error: unknown): void => log(`something that Discord sent could not be heard: ${textOf(error)}`)

  async function us(): Promise<string> {
    if (self) return self.id
    const answer = await calls.ask({ verb: 'GET', route: Routes.user(), lane: 'answer', budgets: inGuild }, Named)
    return answer.is === 'ok' ? answer.value.id : settings.application
  }

  function placeOf(channel: string): Place | undefined {
    if (settings.channels.includes(channel)) return { chat: DISCORD, channel }
    const parent = gateway.parentOf(channel)
    return parent !== undefined && settings.channels.includes(parent)
      ? { chat: DISCORD, channel: parent, thread: channel }
      : undefined
  }

  function note(payload: unknown): void {
    const message = Message.safeParse(payload).data
    if (!message || !placeOf(message.channel_id)) return
    const before = seen.get(message.channel_id)
    seen.put(message.channel_id, before === undefined ? message.id : later(before, message.id))
  }

  /** A message may be read while it is being sent to us: it is heard once, whichever comes first. */
  function fresh(payload: unknown): void {
    const id = Message.safeParse(payload).data?.id
    if (id === undefined || met.get(id)) return
    met.put(id, true)
    note(payload)
    void ears?.message('new', payload).catch(broken)
  }

  function session(payload: unknown): void {
    const ready = Ready.safeParse(payload).data
    if (ready) self = { id: ready.user.id, name: ready.user.username }
    if (ready) inside = ready.guilds.some(({ id }) => id === settings.guild)
    // At the first start too: what was said while no process listened is still waited for, and what was heard is known by its id.
    baseline ??= snowflakeAt(now() - WORTH_HEARING)
    // Taken now: what is sent to us from here on must not hide what was said before.
    const known = new Map(seen.all())
    const from = baseline
    void missed(channel => known.get(channel) ?? from)
  }

  async function missed(since: (channel: string) => string): Promise<void> {
    for (let n = 1; n <= TRIES && !stopped; n += 1) {
      try {
        return await catchUp(settings, calls, since, fresh)
      } catch (error) {
        log(`what was said meanwhile could not be read (${n} of ${TRIES}): ${textOf(error)}`)
        await pause(BETWEEN * n)
      }
    }
  }

  const pause = (ms: Millis): Promise<void> =>
    new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      hurry = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  function health(): Health {
    const state = gateway.state()
    const bad = (says: string): Health => ({ ok: false, says })
    if (breaker.open)
      return bad('Discord refused too many calls, so none is made for some minutes. Look at the log for what it refuses')
    if (calls.revoked)
      return bad('Discord does not take the token. Reset it in the developer portal and start the bot with the new one')
    if (typeof state !== 'string') return bad(`not connected to Discord: ${state.wrong}`)
    if (state === 'waiting') return bad('the connection to Discord was lost too often in an hour, so the next one waits')
    if (state === 'connecting') return bad('connecting to Discord')
    if (!inside) return bad(`the bot is not in the server ${settings.guild}. Invite it again; docs/discord.md says how`)
    return { ok: true, says: `connected to Discord as ${self?.name ?? 'the bot'} in ${settings.guild}` }
  }

  return {
    name: DISCORD,
    perMinute: PER_MINUTE,
    async start(hear: (said: Said) => Promise<void>) {
      ears = hearing({
        settings,
        calls,
        whispers,
        hear,
        now,
        self: () => self?.id,
        placeOf,
        complete: parts.complete,
        count,
        log,
      })
      await gateway.start()
    },
    standing,
    membership,
    post,
    find,
    edit,
    whisper: whispers.whisper,
    health,
    async stop() {
      stopped = true
      hurry?.()
      await gateway.stop()
      lanes.stop()
      calls.stop()
      whispers.forget()
    },
  }
}
