import { type Card, calledBy } from '../../domain/chat.ts'
import type { Body } from './embed.ts'
import { DISCORD } from './settings.ts'

/** An id that is an id, and nothing that a person or a device has written. */
const USER = /^\d{1,20}$/

/** Whom a new message calls: embeds ring nobody, so it stands in the content, and nobody but these may be rung by it. */
export function ringing(card: Pick<Card, 'calls'>): Pick<Body, 'content' | 'allowed_mentions'> | undefined {
  const { ids, more } = calledBy(card, DISCORD, USER)
  if (ids.length === 0) return undefined
  const content = [ids.map(id => `<@${id}>`).join(' '), ...(more > 0 ? [`and ${more} more`] : [])].join(' ')
  return { content, allowed_mentions: { parse: [], users: ids } }
}
