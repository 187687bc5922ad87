import type { Instant } from './ids.ts'

/** A time that comes once a week, or, without a day, once a day: by the clock on the wall. */
export interface WallTime {
  readonly day?: number // 0 is Sunday
  readonly minute: number // of the day, 0 to 1439
}

/** From a wall time to the next such time after it; both with a day, or both without. */
export interface Opening {
  readonly from: WallTime
  readonly to: WallTime
}

/** Is it open now, and until when? Openings that touch or overlap are one. Undefined: closed. */
export declare function openUntil(openings: readonly Opening[], zone: string, at: Instant): Instant | undefined

/** When it opens next, strictly after `at`, and then until when. */
export declare function opensNext(
  openings: readonly Opening[],
  zone: string,
  at: Instant,
): { readonly from: Instant; readonly to: Instant } | undefined

/** The next time, strictly after `at`, that the wall clock of the zone shows this. */
export declare function nextAt(time: WallTime, zone: string, at: Instant): Instant

/** "Sat 22:00 (Europe/Berlin)", with the date when it is more than six days away. */
export declare function wallClock(at: Instant, zone: string, now: Instant): string
