import type { Place } from '../domain/chat.ts'
import type { Instant, Millis, RunId } from '../domain/ids.ts'
import { crowded, interval } from '../domain/pace.ts'
import type { Run } from '../domain/run.ts'
import type { Chat } from '../ports/chat.ts'

/** What this process knows of how much there is to show, and of where nothing can be shown. Lost with it, and soon known again. */
export interface Crowd {
  note(run: Run, progress: boolean): void
  /** How often the percentage of one card may be shown: never where there are too many for a card each, and boards show them. */
  every(chat: Chat): Millis
  crowded(chat: Chat): boolean
  /** The runs of a chat that show progress, by channel. */
  channels(chat: Chat): ReadonlyMap<string, ReadonlySet<RunId>>
  wait(what: string, until: Instant): void
  waits(what: string, now: Instant): boolean
}

export function newCrowd(): Crowd {
  const going = new Map<RunId, Place>()
  const waiting = new Map<string, Instant>()
  const size = ({ name }: Chat): number => [...going.values()].filter(place => place.chat === name).length
  const isCrowded = (chat: Chat): boolean => chat.perMinute !== undefined && crowded(size(chat), chat.perMinute)
  return {
    note(run, progress) {
      if (progress && !run.outcome) going.set(run.id, run.place)
      else going.delete(run.id)
    },
    every(chat) {
      if (chat.perMinute === undefined) return 0
      return isCrowded(chat) ? Number.POSITIVE_INFINITY : interval(size(chat), chat.perMinute)
    },
    crowded: isCrowded,
    channels({ name }) {
      const found = new Map<string, Set<RunId>>()
      for (const [run, { chat, channel }] of going)
        if (chat === name) found.set(channel, (found.get(channel) ?? new Set()).add(run))
      return found
    },
    wait(what, until) {
      if (waiting.size > MOST) waiting.clear()
      waiting.set(what, until)
    },
    waits(what, now) {
      const until = waiting.get(what)
      if (until !== undefined && until <= now) waiting.delete(what)
      return until !== undefined && until > now
    },
  }
}

const MOST = 10_000
