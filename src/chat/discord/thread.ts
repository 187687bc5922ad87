import { Routes } from 'discord.js'
import { z } from 'zod'
import type { Lane } from '../../domain/chat.ts'
import { NotShown } from '../../ports/chat.ts'
import { type Calls, inChannel } from './calls.ts'
import { cut, plain } from './harmless.ts'
import { Message, Named } from './wire.ts'

const UNKNOWN_CHANNEL = 10_003
const UNKNOWN_MESSAGE = 10_008
const HAS_ONE = 160_004
/** A week: the longest that Discord leaves a quiet thread in the list. */
const ARCHIVED_AFTER = 10_080

/**
 * Makes the thread of a card, whose id is that of the card's message. False where there can be none: somebody removed the card, or
 * the bot may not make threads; then what belongs in it is said in the channel, because it has to ring.
 */
export async function makeThread(calls: Calls, channel: string, message: string, lane: Lane): Promise<boolean> {
  const read = { verb: 'GET', route: Routes.channelMessage(channel, message), lane, budgets: inChannel('read', channel) } as const
  const wanted = { verb: 'POST', route: Routes.threads(channel, message), lane, budgets: inChannel('thread', channel) } as const
  try {
    const card = await calls.ask(read, Message, [UNKNOWN_MESSAGE, UNKNOWN_CHANNEL])
    if (card.is === 'no') return false
    const title = plain(card.value.embeds?.[0]?.title ?? 'Run').replace(/\\(?=[!-/:-@[-`{-~])/g, '')
    const body = { name: cut(title, 100), auto_archive_duration: ARCHIVED_AFTER }
    const made = await calls.ask({ ...wanted, body }, Named, [HAS_ONE, UNKNOWN_MESSAGE])
    return made.is === 'ok' || made.code === HAS_ONE
  } catch (error) {
    if (error instanceof NotShown && (error.how === 'closed' || error.how === 'refused')) return false
    throw error
  }
}

/** A thread that Discord put away takes no edits before it is brought back. */
export async function bringBack(calls: Calls, thread: string, lane: Lane): Promise<void> {
  await calls.ask(
    { verb: 'PATCH', route: Routes.channel(thread), lane, budgets: inChannel('thread', thread), body: { archived: false } },
    z.unknown(),
  )
}
