import { type Card, calledBy } from '../../domain/chat.ts'
import type { Block } from './blocks.ts'
import { SLACK } from './settings.ts'

/** The only markup that rings anybody: an id that is an id, and nothing that a person or a device has written. */
const USER = /^[UW][A-Z0-9]{2,20}$/

/** Whom a new message calls, as a block of its own. An edit rings nobody, and has none. */
export function ringing(card: Pick<Card, 'calls'>): readonly Block[] {
  const { ids, more } = calledBy(card, SLACK, USER)
  if (ids.length === 0) return []
  const text = [ids.map(id => `<@${id}>`).join(' '), ...(more > 0 ? [`and ${more} more`] : [])].join(' ')
  return [{ type: 'context', elements: [{ type: 'mrkdwn', text, verbatim: true }] }]
}
