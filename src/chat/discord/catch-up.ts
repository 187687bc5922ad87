import { Routes } from 'discord.js'
import { z } from 'zod'
import { NotShown } from '../../ports/chat.ts'
import { type Calls, inChannel, inGuild } from './calls.ts'
import type { DiscordSettings } from './settings.ts'
import { later } from './snowflake.ts'
import { Channel, type Message, Messages } from './wire.ts'

const Active = z.object({ threads: z.array(Channel) })

const PAGE = 100
/** Pages of a hundred messages of one channel: more than anybody says while a connection is lost. */
const PAGES = 10
const UNKNOWN_CHANNEL = 10_003
const MISSING_ACCESS = 50_001

/**
 * Reads what was said in the listed channels and their threads while nothing was sent to us, oldest first. `since` is the last message
 * known of each channel. Hearing one again does no harm: its id makes it the same sentence. Throws NotShown when Discord does not answer.
 */
export async function catchUp(
  settings: DiscordSettings,
  calls: Calls,
  since: (channel: string) => string,
  hear: (message: Message) => void,
): Promise<void> {
  const threads = await calls.ask(
    { verb: 'GET', route: Routes.guildActiveThreads(settings.guild), lane: 'transition', budgets: inGuild },
    Active,
  )
  const ours =
    threads.is === 'ok' ? threads.value.threads.filter(({ parent_id }) => settings.channels.includes(parent_id ?? '')) : []
  for (const channel of [...settings.channels, ...ours.map(({ id }) => id)]) {
    // A channel that we were put out of has nothing for us, and is no reason to leave out the others.
    await read(channel).catch((error: unknown) => {
      if (!(error instanceof NotShown) || error.how !== 'closed') throw error
    })
  }

  async function read(channel: string): Promise<void> {
    let after = since(channel)
    for (let page = 0; page < PAGES; page += 1) {
      const query = { after, limit: String(PAGE) }
      const wanted = {
        verb: 'GET',
        route: Routes.channelMessages(channel),
        lane: 'transition',
        budgets: inChannel('read', channel),
        query,
      } as const
      const answer = await calls.ask(wanted, Messages, [UNKNOWN_CHANNEL, MISSING_ACCESS])
      if (answer.is === 'no') return
      const found = [...answer.value].sort((a, b) => (later(a.id, b.id) === a.id ? 1 : -1))
      for (const message of found) hear(message)
      if (found.length < PAGE) return
      after = found.at(-1)?.id ?? after
    }
  }
}
