import { discordChat } from './chat/discord/discord.ts'
import { slackChat } from './chat/slack/slack.ts'
import type { Instant } from './domain/ids.ts'
import type { Counters } from './observe/counters.ts'
import { openLanes } from './outbox/open-lanes.ts'
import type { Chat } from './ports/chat.ts'
import type { Site } from './site/site.ts'

export interface Connecting {
  readonly counters: Counters
  log(line: string): void
  complete(text: string): readonly string[]
  /** What the chats' own times are compared with; nothing is decided by it but what is too old to hear. */
  now(): Instant
}

/** The chats that a site names, not yet connected. Each has lanes of its own: what one of them is short of, another is not. */
export function chatsFor(
  { chats: { slack, discord } }: Pick<Site, 'chats'>,
  { counters, log, complete, now }: Connecting,
): readonly Chat[] {
  const parts = (name: string) => ({
    lanes: openLanes({ now: () => performance.now(), timer }),
    clock: { now },
    count: (outcome: string) => counters.add('signalbox_inbox_events_total', { platform: name, outcome }),
    log: (line: string) => log(`${name}: ${line}`),
  })
  return [
    ...(slack ? [slackChat(slack, parts('slack'))] : []),
    ...(discord ? [discordChat(discord, { ...parts('discord'), complete })] : []),
  ]
}

function timer(ms: number, fire: () => void): { cancel(): void } {
  const set = setTimeout(fire, ms)
  return { cancel: () => clearTimeout(set) }
}
