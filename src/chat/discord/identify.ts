import { type Instant, type Millis, minutes } from '../../domain/ids.ts'

/** Discord takes a bot's token away after 1,000 in a day; a bot that loses its session again and again would get there. */
export const MOST_IDENTIFIES = 10
const WINDOW: Millis = minutes(60)
/** Discord's own rule for one bot: one every five seconds. */
const APART: Millis = 5_000

export interface IdentifyBudget {
  /** How long to wait before the next IDENTIFY; 0 takes it. */
  take(now: Instant): Millis
  /** Whether the budget of the hour is used up. */
  spent(now: Instant): boolean
}

export function newIdentifyBudget(apart: Millis = APART): IdentifyBudget {
  let taken: Instant[] = []
  const recent = (now: Instant): readonly Instant[] => {
    taken = taken.filter(at => at > now - WINDOW)
    return taken
  }
  return {
    take(now) {
      const held = recent(now)
      const first = held[0]
      if (held.length >= MOST_IDENTIFIES && first !== undefined) return first + WINDOW - now
      const last = held.at(-1)
      if (last !== undefined && now < last + apart) return last + apart - now
      taken.push(now)
      return 0
    },
    spent: now => recent(now).length >= MOST_IDENTIFIES,
  }
}
