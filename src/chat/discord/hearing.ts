import { MessageFlags, Routes } from 'discord.js'
import type { Place, Said } from '../../domain/chat.ts'
import type { Instant } from '../../domain/ids.ts'
import { NotShown } from '../../ports/chat.ts'
import type { Calls } from './calls.ts'
import { choicesFor } from './completion.ts'
import type { Drop } from './drops.ts'
import { NOBODY, sentence } from './embed.ts'
import { few } from './few.ts'
import { arrivalOf, type Reply } from './interactions.ts'
import { editOf, mentionOf, removalOf } from './mentions.ts'
import type { DiscordSettings } from './settings.ts'
import type { Whispers } from './whispers.ts'
import { Deleted, Message } from './wire.ts'

export interface Hearing {
  interaction(payload: unknown): Promise<void>
  message(how: 'new' | 'edited' | 'removed', payload: unknown): Promise<void>
}

interface HearingParts {
  readonly settings: DiscordSettings
  readonly calls: Calls
  readonly whispers: Whispers
  hear(said: Said): Promise<void>
  now(): Instant
  self(): string | undefined
  placeOf(channel: string): Place | undefined
  complete(text: string): readonly string[]
  count(why: Drop): void
  log(line: string): void
}

/** Discord's kinds of a first answer. */
const MESSAGE = 4
const NOTHING_YET = 6
const CHOICES = 8
const FORM = 9
const OVER = 10_062
const ANSWERED = 40_060

const NOT_HEARD = 'That was not heard. Say it again.'

/** What arrives, made durable and only then acknowledged; what is not meant for us is dropped before anything else, and counted. */
export function hearing(parts: HearingParts): Hearing {
  const { settings, calls, whispers, hear, now, count, log } = parts
  /** Sentences of messages: what they were when somebody changes or removes them. */
  const heard = few<Said>(2_000)

  /** The first answer to an interaction. Said twice it is refused and not done twice, so one that got lost is said again. */
  async function answer({ id, token }: Reply, body: Readonly<Record<string, unknown>>): Promise<boolean> {
    const wanted = {
      verb: 'POST',
      route: Routes.interactionCallback(id, token),
      lane: 'answer',
      budgets: {},
      body,
      withoutToken: true,
    } as const
    const once = () => calls.tell(wanted, [OVER, ANSWERED])
    try {
      const code = await once().catch((error: unknown) => {
        if (error instanceof NotShown && error.how === 'unclear') return once()
        throw error
      })
      if (code === OVER) log('an interaction was over before it could be acknowledged')
      return code !== OVER
    } catch (error) {
      log(`an interaction could not be acknowledged: ${textOf(error)}`)
      return false
    }
  }

  const whispered = (text: string) => ({
    type: MESSAGE,
    data: { content: sentence(text), flags: MessageFlags.Ephemeral, allowed_mentions: NOBODY },
  })

  async function said(what: Said, reply: Reply, press: boolean): Promise<void> {
    // What the engine answers may be there before Discord has taken our first answer: it waits for that.
    let acknowledged: (taken: boolean) => void = () => {}
    whispers.open(reply, press ? 'press' : 'message', new Promise<boolean>(resolve => (acknowledged = resolve)))
    try {
      await hear(what)
    } catch (error) {
      count('not-durable')
      log(`not heard: ${textOf(error)}`)
      acknowledged(false)
      await answer(reply, whispered(NOT_HEARD))
      return
    }
    acknowledged(await answer(reply, press ? { type: NOTHING_YET } : whispered('Heard.')))
  }

  async function mention(what: Said): Promise<void> {
    try {
      await hear(what)
    } catch (error) {
      count('not-durable')
      log(`not heard: ${textOf(error)}`)
      if (what.machine || what.edits !== undefined) return
      await whispers
        .whisper(what, { title: NOT_HEARD, tone: 'calm', lines: [], buttons: [] })
        .catch((problem: unknown) => log(`and its speaker could not be told: ${textOf(problem)}`))
    }
  }

  return {
    async interaction(payload) {
      const arrival = arrivalOf(payload, settings, now())
      switch (arrival.is) {
        case 'dropped':
          return count(arrival.why)
        case 'said':
          return said(arrival.said, arrival.reply, arrival.press)
        case 'asks':
          return void (await answer(arrival.reply, { type: FORM, data: arrival.modal }))
        case 'no':
          return void (await answer(arrival.reply, whispered(arrival.why)))
        case 'typing': {
          // The words that follow name our devices: they are offered where work is done.
          const here = settings.channels.includes(arrival.at.channel)
          const choices = here ? choicesFor(arrival.text, parts.complete(arrival.text)) : []
          return void (await answer(arrival.reply, { type: CHOICES, data: { choices } }))
        }
      }
    },

    async message(how, payload) {
      if (how === 'removed') {
        const original = heard.get(Deleted.safeParse(payload).data?.id ?? '')
        return original && mention(removalOf(original, now()))
      }
      const message = Message.safeParse(payload).data
      const self = parts.self()
      if (!message || self === undefined) return
      const ear = { settings, self, placeOf: parts.placeOf }
      const found = (how === 'new' ? mentionOf : editOf)(message, ear, now())
      // Its mention may be what was taken out of it.
      const before = how === 'edited' && !found && message.edited_timestamp != null ? heard.get(message.id) : undefined
      if (before) return mention({ ...before, id: `edit:${message.id}:${message.edited_timestamp}`, text: '', edits: before.id })
      if (!found) return
      if ('dropped' in found) return count(found.dropped)
      if (how === 'new') heard.put(found.said.id, found.said)
      await mention(found.said)
    },
  }
}

export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
