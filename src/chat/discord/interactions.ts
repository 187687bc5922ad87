import type { Place, Said } from '../../domain/chat.ts'
import type { Handle, Instant, Millis } from '../../domain/ids.ts'
import { minutes } from '../../domain/ids.ts'
import { SAY, SHOW_RUN } from './commands.ts'
import { pressedOf } from './custom-id.ts'
import type { Drop } from './drops.ts'
import { runOf } from './embed.ts'
import { filledIn, modalOf } from './modal.ts'
import { DISCORD, type DiscordSettings } from './settings.ts'
import { timeOf } from './snowflake.ts'
import { Interaction, THREADS } from './wire.ts'

/** What an interaction comes to. `reply` is where its first answer goes, within three seconds. */
export type Arrival =
  | { readonly is: 'dropped'; readonly why: Drop }
  | { readonly is: 'said'; readonly said: Said; readonly reply: Reply; readonly press: boolean }
  | { readonly is: 'asks'; readonly reply: Reply; readonly modal: Readonly<Record<string, unknown>> } // a press that needs words first
  | { readonly is: 'no'; readonly reply: Reply; readonly why: string }
  | { readonly is: 'typing'; readonly reply: Reply; readonly text: string; readonly at: Place } // goes on by itself

export interface Reply {
  readonly id: string
  readonly token: string // lives for 15 minutes, and nowhere but in memory
}

/** As far as the clocks may differ, either way. */
export const WINDOW: Millis = minutes(5)
/** Characters of a sentence; ours end at 500, Discord's at 6,000. */
const MOST = 4_000

/**
 * An interaction as what it says. Pure. What is meant for another app, comes from another guild or is not of now is dropped before
 * anything else of it is read; who speaks is taken from the fields that Discord fills, and from nothing that a person can write.
 */
export function arrivalOf(payload: unknown, settings: DiscordSettings, now: Instant): Arrival {
  const { success, data: got } = Interaction.safeParse(payload)
  if (!success) return dropped('malformed')
  if (got.application_id !== settings.application) return dropped('wrong-app')
  if (got.guild_id == null) return dropped('direct')
  if (got.guild_id !== settings.guild) return dropped('foreign')
  const made = timeOf(got.id)
  if (made === undefined || Math.abs(now - made) > WINDOW) return dropped('stale')
  const user = got.member?.user
  const channel = got.channel?.id ?? got.channel_id
  if (user === undefined || channel == null) return dropped('malformed')
  const spoken = {
    id: got.id,
    by: `${DISCORD}:${user.id}` as Handle,
    at: placeOf(got, channel),
    when: made,
    ...(user.bot ? ({ machine: true } as const) : {}),
  }
  return meaning(got, spoken, { id: got.id, token: got.token })
}

function meaning(got: Interaction, spoken: Omit<Said, 'text'>, reply: Reply): Arrival {
  const { data, message } = got
  const say = (text: string, press = false, code?: string): Arrival => {
    if (text.length > MOST) return dropped('too-large')
    const said = { ...spoken, text, ...(press && message ? { on: message.id } : {}), ...(code === undefined ? {} : { code }) }
    return { is: 'said', said, reply, press }
  }
  switch (got.type) {
    case COMMAND:
      if (data?.type === ON_MESSAGE) return shows(got, reply, say)
      return data?.name === SAY ? say(option(data.options)) : dropped('malformed')
    case TYPING:
      return { is: 'typing', reply, text: option(data?.options).slice(0, MOST), at: spoken.at }
    case PRESS: {
      const id = data?.custom_id
      if (!id || !message) return dropped('malformed')
      const pressed = pressedOf(id)
      return pressed.words ? { is: 'asks', reply, modal: modalOf(id, pressed) } : say(pressed.says, true)
    }
    case FORM: {
      if (!data?.custom_id || !message) return dropped('malformed')
      const filled = filledIn(pressedOf(data.custom_id), typedIn(data.components))
      return 'wrong' in filled ? { is: 'no', reply, why: filled.wrong } : say(filled.says, true, filled.code)
    }
    default:
      return dropped('malformed')
  }
}

const COMMAND = 2
const PRESS = 3
const TYPING = 4
const FORM = 5
const ON_MESSAGE = 3

const dropped = (why: Drop): Arrival => ({ is: 'dropped', why })

/** `Show run` in a message's menu: only a message of our own shows one. */
function shows({ data, application_id }: Interaction, reply: Reply, say: (text: string) => Arrival): Arrival {
  const target = data?.name === SHOW_RUN ? data.resolved?.messages?.[data.target_id ?? ''] : undefined
  if (!target) return dropped('malformed')
  const [embed] = target.embeds ?? []
  const ours = target.author?.bot === true && (target.application_id ?? application_id) === application_id
  const run = ours ? runOf(embed?.footer?.text, embed?.title ?? undefined) : undefined
  return run === undefined ? { is: 'no', reply, why: 'That message shows no run of mine.' } : say(`show ${run}`)
}

/** A thread is where its card is: in its channel. */
export function placeOf({ channel }: Pick<Interaction, 'channel'>, id: string): Said['at'] {
  const inThread = channel !== undefined && THREADS.has(channel.type) && channel.parent_id != null
  return inThread ? { chat: DISCORD, channel: channel.parent_id ?? id, thread: id } : { chat: DISCORD, channel: id }
}

const option = (options: readonly { readonly value?: unknown }[] | undefined): string => {
  const value = options?.[0]?.value
  return typeof value === 'string' ? value.trimStart() : ''
}

const typedIn = (parts: NonNullable<Interaction['data']>['components']): string =>
  (parts ?? []).flatMap(part => [part.component, ...(part.components ?? [])]).find(field => field?.type === 4)?.value ?? ''
