import { type Instant, type Millis, minutes } from '../../domain/ids.ts'

/** Invalid calls in ten minutes after which none is made any more. Discord bans an address at 10,000. */
export const MOST_INVALID = 500
const WINDOW: Millis = minutes(10)
const INVALID: ReadonlySet<number> = new Set([401, 403, 429])

export interface Breaker {
  /** Throws BreakerOpen instead of letting one more call out. */
  check(): void
  /** What a call was answered. A limit that others used up (`shared`) is not held against us. */
  note(status: number, scope: string | null): void
  readonly open: boolean
}

export class BreakerOpen extends Error {
  override name = 'BreakerOpen'
  readonly after: Millis
  constructor(after: Millis) {
    super('Discord refused too many calls: none is made for a while')
    this.after = after
  }
}

/** Counts what Discord holds against an address, and stops every call long before it bans ours. It closes by itself, as time goes by. */
export function newBreaker(now: () => Instant): Breaker {
  let invalid: Instant[] = []
  const recent = (): readonly Instant[] => {
    invalid = invalid.filter(at => at > now() - WINDOW)
    return invalid
  }
  return {
    check() {
      const held = recent()
      const first = held[0]
      if (held.length >= MOST_INVALID && first !== undefined) throw new BreakerOpen(Math.max(1_000, first + WINDOW - now()))
    },
    note(status, scope) {
      if (INVALID.has(status) && scope !== 'shared') invalid.push(now())
    },
    get open() {
      return recent().length >= MOST_INVALID
    },
  }
}
