import type { Place, Said } from '../../domain/chat.ts'
import type { Handle, Instant } from '../../domain/ids.ts'
import type { Drop } from './drops.ts'
import { WINDOW } from './interactions.ts'
import { DISCORD, type DiscordSettings } from './settings.ts'
import { timeOf } from './snowflake.ts'
import type { Message } from './wire.ts'

/** Undefined is talk of other people among themselves, of which nothing is kept. */
export type Mentioned = { readonly said: Said } | { readonly dropped: Drop } | undefined

export interface Ear {
  readonly settings: DiscordSettings
  readonly self: string // the bot's user
  /** The listed channel that a message is in, and the thread in it; undefined where the site names none. */
  placeOf(channel: string): Place | undefined
}

/** A message that mentions the bot, as what it says. Pure. A message from long ago is heard: whoever asks for its age finds it. */
export function mentionOf(message: Message, { settings, self, placeOf }: Ear, now: Instant): Mentioned {
  const name = new RegExp(`<@!?${self}>`, 'g')
  const { author, content = '' } = message
  if (author?.id === self) return undefined
  if (!name.test(content) || author === undefined) return undefined
  if (message.guild_id !== undefined && message.guild_id !== settings.guild) return { dropped: 'foreign' }
  const made = timeOf(message.id)
  if (made === undefined || made - now > WINDOW) return { dropped: 'stale' }
  const at = placeOf(message.channel_id)
  if (!at) return { dropped: 'unlisted' }
  const machine = author.bot || author.system || message.webhook_id != null || message.application_id != null
  return {
    said: {
      id: message.id,
      text: content.replace(name, ' ').trim(),
      by: handleOf(author.id),
      at,
      when: made,
      ...(machine ? { machine: true } : {}),
    },
  }
}

/** An edit of a sentence: never acted upon. What Discord changes by itself, such as a preview, is none. */
export function editOf(message: Message, ear: Ear, now: Instant): Mentioned {
  if (message.edited_timestamp == null) return undefined
  const found = mentionOf(message, ear, now)
  if (!found || 'dropped' in found) return found
  return { said: { ...found.said, id: `edit:${message.id}:${message.edited_timestamp}`, edits: message.id } }
}

export const removalOf = (original: Said, now: Instant): Said => ({
  id: `delete:${original.id}`,
  text: '',
  by: original.by,
  at: original.at,
  when: now,
  edits: original.id,
})

export const handleOf = (user: string): Handle => `${DISCORD}:${user}` as Handle
