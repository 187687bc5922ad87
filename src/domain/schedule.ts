import { nextOnce, type WallTime, wallClock } from './calendar.ts'
import { digestOf } from './chain.ts'
import type { Place } from './chat.ts'
import type { Command } from './command.ts'
import { type Instant, type Millis, minutes, type Person, type RunId } from './ids.ts'
import { duration } from './words.ts'

/** A change that somebody wants to be asked for by itself, again and again or once. */
export type Scheduled = Extract<Command, { kind: 'act' | 'run' }>

export type When =
  | { readonly every: Millis } // from the moment at which it was made
  | { readonly at: WallTime; readonly zone: string } // each day, or each week where it has a day
  | { readonly once: Instant; readonly zone: string }

/** What becomes of a turn that nobody was there for, and of one whose run before has not ended. */
export interface Manner {
  readonly late: 'run' | 'skip' | 'ring'
  readonly busy: 'skip' | 'queue' | 'ring'
  readonly spread?: Millis // each schedule has a place of its own within so long, always the same one
}

export interface Schedule extends Manner {
  readonly id: string // "S3"
  readonly by: Person // whose runs they are, by the rules of then
  readonly title: string // of the plan that was approved
  readonly command: Scheduled
  readonly when: When
  readonly place: Place
  readonly since: Instant
  readonly from?: Instant // it was resumed then: turns before that are nobody's
  readonly paused?: { readonly by: Person; readonly because?: string; readonly at: Instant }
}

/** How far a schedule has come. Postgres has one row for each; a run is never begun twice for it, whatever stands here: see originOf. */
export interface Turns {
  readonly due?: Instant // the next turn; absent: there is none any more
  readonly last?: { readonly due: Instant; readonly run: RunId }
  readonly taking?: Instant // the turn that is being begun: whoever finds it begins it, for its run may not be there yet
  readonly waiting?: Instant // a turn that waits for the run before it to end
  readonly missed: number // turns that nobody was there for
  readonly skipped: number // because the run before had not ended
  readonly trouble?: { readonly at: Instant; readonly says: string } // what people have to hear
}

export const SHORTEST: Millis = minutes(1)

/** A turn by the wall clock that is so late is not taken by surprise: whoever meant Saturday at two did not mean nine. */
const LATE: Millis = minutes(10)

/** The same schedule and the same turn is the same request: the store makes one run of it. */
export const originOf = ({ id }: Schedule, due: Instant): string => `schedule:${id}:${due}`

/** The first turn after a moment. Undefined: there is none any more. */
export function dueAfter(schedule: Pick<Schedule, 'when' | 'since' | 'spread' | 'command'>, after: Instant): Instant | undefined {
  const { when, since } = schedule
  const offset = offsetOf(schedule)
  if ('once' in when) return when.once > after ? when.once : undefined
  if ('at' in when) return nextOnce(when.at, when.zone, after - offset) + offset
  const first = since + offset
  return after < first ? first : first + (Math.floor((after - first) / when.every) + 1) * when.every
}

/**
 * Where in its spread a schedule has its place: by what it does and not by when it was made, so that it is the same after it was
 * made anew, and a fleet that is told the same thing at once does not do it at once.
 */
export function offsetOf({ spread, command }: Pick<Schedule, 'spread' | 'command'>): Millis {
  if (spread === undefined || spread === 0) return 0
  const share = Number.parseInt(digestOf(command).slice(0, 12), 16) / 0x1000000000000
  return Math.floor(share * spread)
}

export const UNTURNED: Turns = { missed: 0, skipped: 0 }

/** How far a schedule is after a look at what is due of it. Undefined: as far as it was. `busy` is the run of an earlier turn that has not ended. */
export function lookAt(schedule: Schedule, turns: Turns | undefined, now: Instant, busy: RunId | undefined): Turns | undefined {
  const before = turns ?? UNTURNED
  const due = dueOf(schedule, turns)
  if (due === undefined || due > now) {
    const { waiting, ...rest } = before
    if (waiting !== undefined && busy === undefined) return { ...rest, taking: waiting }
    return turns && turns.due === due ? undefined : { ...before, ...(due === undefined ? {} : { due }) }
  }
  const { newest, passed } = newestDue(schedule, due, now)
  const next = dueAfter(schedule, newest)
  const { due: _, ...kept } = before
  const on: Turns = { ...kept, ...(next === undefined ? {} : { due: next }), missed: before.missed + passed }
  const late = !('every' in schedule.when) && now - newest > LATE
  if (late && schedule.late !== 'run') {
    const says = `${timeOf(schedule, newest, now)} was ${duration(now - newest)} ago when somebody looked, so that turn is left out`
    return troubled({ ...on, missed: on.missed + 1 }, schedule.late === 'ring', newest, says)
  }
  const heard = passed > 0 ? troubled(on, schedule.late === 'ring', newest, `${passed} turns passed while nobody looked`) : on
  if (busy === undefined) {
    const { waiting: _, ...free } = heard
    return { ...free, taking: newest }
  }
  if (schedule.busy === 'queue') return { ...heard, waiting: newest }
  const says = `${busy} has not ended, so the turn of ${timeOf(schedule, newest, now)} is left out`
  return troubled({ ...heard, skipped: heard.skipped + 1 }, schedule.busy === 'ring', newest, says)
}

/** The next turn as far as it is known: the first one after it was made or resumed, or the one that was noted. */
function dueOf(schedule: Schedule, turns: Turns | undefined): Instant | undefined {
  const { from = schedule.since } = schedule
  const noted = turns ? turns.due : dueAfter(schedule, schedule.since - 1)
  return noted !== undefined && noted < from ? dueAfter(schedule, from - 1) : noted
}

const troubled = (turns: Turns, rings: boolean, at: Instant, says: string): Turns =>
  rings ? { ...turns, trouble: { at, says } } : turns

/** Of turns that were not taken the newest counts; a schedule that slept does not catch up on each of them. */
function newestDue(schedule: Schedule, due: Instant, now: Instant): { readonly newest: Instant; readonly passed: number } {
  if ('every' in schedule.when) {
    const passed = Math.floor((now - due) / schedule.when.every)
    return { newest: due + passed * schedule.when.every, passed }
  }
  let newest = due
  let passed = 0
  for (let at = dueAfter(schedule, due); at !== undefined && at <= now; at = dueAfter(schedule, at)) {
    newest = at
    passed++
  }
  return { newest, passed }
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const

/** "every 15 min", "every Saturday at 02:00 (Europe/Berlin)", "once, Sat 02:00 (UTC)". */
export function saysWhen({ when, spread }: Pick<Schedule, 'when' | 'spread'>, now: Instant): string {
  const over = spread === undefined ? '' : `, spread over ${duration(spread)}`
  if ('every' in when) return `every ${duration(when.every)}${over}`
  if ('once' in when) return `once, ${wallClock(when.once, when.zone, now)}`
  const { day, minute } = when.at
  const clock = `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
  return `every ${day === undefined ? 'day' : DAYS[day]} at ${clock} (${when.zone})${over}`
}

const timeOf = ({ when }: Schedule, at: Instant, now: Instant): string => wallClock(at, 'zone' in when ? when.zone : 'UTC', now)

/** A schedule as a list shows it. */
export function scheduleLines(
  schedule: Schedule,
  turns: Turns | undefined,
  last: { readonly id: RunId; readonly how: string } | undefined,
  now: Instant,
): readonly string[] {
  const due = dueOf(schedule, turns)
  const next = schedule.paused
    ? `paused by ${schedule.paused.by}${schedule.paused.because === undefined ? '' : `: ${schedule.paused.because}`}`
    : due === undefined
      ? 'has had its turn'
      : `next ${timeOf(schedule, due, now)}`
  const counted = [
    last ? `last ${last.id} ${last.how}` : 'no run yet',
    ...(turns?.waiting === undefined ? [] : ['one turn waits for it to end']),
    ...(turns && turns.skipped > 0 ? [`${turns.skipped} left out because the run before had not ended`] : []),
    ...(turns && turns.missed > 0 ? [`${turns.missed} passed unseen`] : []),
  ]
  return [
    `${schedule.id}  ${saysWhen(schedule, now)}: ${schedule.title}`,
    `    by ${schedule.by}; ${next}; ${counted.join('; ')}`,
    ...(turns?.trouble ? [`    ${turns.trouble.says}`] : []),
  ]
}
