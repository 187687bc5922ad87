import { type Instant, type Millis, minutes } from './ids.ts'

/** How much is listened to: `burst` sentences at once, and `perMinute` in the long run. */
export interface Allowance {
  readonly burst: number
  readonly perMinute: number
}

export interface LimitRules {
  readonly person: Allowance
  readonly channel: Allowance
}

/** More than anybody types, and far less than a loop between two bots would send. */
export const LIMITS: LimitRules = {
  person: { burst: 20, perMinute: 30 },
  channel: { burst: 60, perMinute: 120 },
}

/** Who speaks, and where, by the chat's own names with the chat's before them: two chats may use the same ones. */
export interface Speaking {
  readonly person: string
  readonly channel: string
}

/** `told already`: within the last minute, so that the answer to a flood is not a flood. */
export type Verdict = 'ok' | 'too fast' | 'too fast, told already'

/** Entries that are remembered of each kind; nobody can make the bot remember more by inventing names. */
const MOST = 10_000
const TELL_EVERY: Millis = minutes(1)

interface Entry {
  left: number
  at: Instant
  told?: Instant
}

/**
 * Whether a sentence is listened to. A sentence that is refused costs its channel nothing, so that one person's flood leaves the
 * sentences of others alone. The same flood is told of once a minute: whoever floods by the person, a full channel by the channel.
 */
export function limiter(rules: LimitRules = LIMITS): (who: Speaking, now: Instant) => Verdict {
  const people = remembered(rules.person)
  const channels = remembered(rules.channel)
  return (who, now) => {
    const person = people(who.person, now)
    if (person.left < 1) return tell(person, now)
    const channel = channels(who.channel, now)
    if (channel.left < 1) return tell(channel, now)
    person.left -= 1
    channel.left -= 1
    return 'ok'
  }
}

function tell(entry: Entry, now: Instant): Verdict {
  if (entry.told !== undefined && now - entry.told < TELL_EVERY) return 'too fast, told already'
  entry.told = now
  return 'too fast'
}

/**
 * Entries by name as they are now. A map keeps the order in which names were put in, and each use puts its name in anew: the first
 * is the one that was idle for longest. It is forgotten once it is full again, which is as good as not known, and sooner only
 * where there is no more room.
 */
function remembered({ burst, perMinute }: Allowance): (name: string, now: Instant) => Entry {
  const entries = new Map<string, Entry>()
  const idle = Math.max((burst / perMinute) * 60_000, TELL_EVERY)
  return (name, now) => {
    const entry = entries.get(name) ?? { left: burst, at: now }
    entries.delete(name)
    for (const [old, { at }] of entries) {
      if (now - at < idle && entries.size < MOST) break
      entries.delete(old)
    }
    entries.set(name, entry)
    entry.left = Math.min(burst, entry.left + (Math.max(0, now - entry.at) / 60_000) * perMinute)
    entry.at = now
    return entry
  }
}
