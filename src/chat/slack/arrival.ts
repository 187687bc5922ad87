import { z } from 'zod'
import type { Said } from '../../domain/chat.ts'
import type { Asking } from './button-value.ts'
import type { Drop } from './drops.ts'
import { eventOf } from './events.ts'
import { interactionOf } from './interactions.ts'

/** Who we are, as far as it decides what is meant for us. */
export interface Us {
  readonly app: string
  readonly team: string
  readonly user?: string // the bot's own, once Slack has told it
  readonly bot?: string
}

/** What a delivery comes to. */
export type Arrival =
  | { readonly is: 'said'; readonly said: Said }
  | { readonly is: 'asks'; readonly trigger: string; readonly asking: Asking; readonly said: Said } // a press that needs words first
  | { readonly is: 'wrong words'; readonly errors: Readonly<Record<string, string>> }
  | { readonly is: 'changed'; readonly channel?: string; readonly user?: string } // what was known of them may be old
  | { readonly is: 'shut'; readonly why: string } // the workspace has removed us
  | { readonly is: 'dropped'; readonly why: Drop }

export const dropped = (why: Drop): Arrival => ({ is: 'dropped', why })

const Meant = z.object({ api_app_id: z.string(), type: z.string().optional(), command: z.string().optional() })

/**
 * The body of a delivery, whose signature is right, as what it says. Pure. What another app or another workspace sends is dropped
 * before anything else of it is read; identity comes from the fields that Slack fills, and from nothing that a person can write.
 */
export function arrivalOf(body: unknown, us: Us): Arrival {
  const { success, data } = Meant.safeParse(body)
  if (!success) return dropped('malformed')
  if (data.api_app_id !== us.app) return dropped('wrong-app')
  const arrival = data.type === 'event_callback' ? eventOf(body, us) : interactionOf(body, us)
  if (arrival.is !== 'said' || arrival.said.text.length <= MOST) return arrival
  return { ...arrival, said: { ...arrival.said, text: arrival.said.text.slice(0, MOST) } }
}

/** Characters of a sentence: twice what the language takes, so that it is known to be too long and is not kept whole. */
const MOST = 4_000
