import { type Instant, type Millis, minutes } from '../domain/ids.ts'

/** Who guesses codes. Lost with the process; codes live no longer than these are remembered. */
export interface Tries {
  /** Counts one try before anybody knows whether it is right: of many at once no more get through than of one after another. */
  begin(who: string, now: Instant): boolean
  /** It was no guess. */
  forgive(who: string, now: Instant): void
}

const WRONG = 5
const WITHIN: Millis = minutes(10)
/** Nobody can make the bot remember more by having many accounts. */
const MOST = 10_000

export function newTries(): Tries {
  const tried = new Map<string, readonly Instant[]>()
  const lately = (who: string, now: Instant): readonly Instant[] => (tried.get(who) ?? []).filter(at => now - at < WITHIN)
  return {
    begin(who, now) {
      const before = lately(who, now)
      if (before.length >= WRONG) return false
      // Put in anew: the first of the map is the one that has been idle for longest.
      tried.delete(who)
      tried.set(who, [...before, now])
      for (const old of tried.keys()) {
        if (tried.size <= MOST) break
        tried.delete(old)
      }
      return true
    },
    forgive(who, now) {
      const before = [...(tried.get(who) ?? [])]
      const at = before.indexOf(now)
      if (at >= 0) tried.set(who, before.toSpliced(at, 1))
    },
  }
}
