import type { Instant, Millis } from './ids.ts'

/** A time that comes once a week, or, without a day, once a day: by the clock on the wall. */
export interface WallTime {
  readonly day?: number // 0 is Sunday
  readonly minute: number // of the day, 0 to 1439
}

/** From a wall time to the next such time after it; both with a day, or both without. From a time to itself is always. */
export interface Opening {
  readonly from: WallTime
  readonly to: WallTime
}

/** Openings by the clock on one wall. */
export interface Calendar {
  readonly zone: string // IANA
  readonly open: readonly Opening[]
}

/** From the first moment on, and no longer at the last one. */
export interface Span {
  readonly from: Instant
  readonly to: Instant
}

/** Is it open now, and until when? Openings that touch or overlap are one; always is until infinity. Undefined: closed. */
export function openUntil(openings: readonly Opening[], zone: string, at: Instant): Instant | undefined {
  const [first] = spans([{ zone, open: openings }], at)
  return first && first.from <= at ? first.to : undefined
}

/** When it opens next, strictly after `at`, and then until when. Undefined: never, or it never closes. */
export function opensNext(openings: readonly Opening[], zone: string, at: Instant): Span | undefined {
  for (const span of spans([{ zone, open: openings }], at)) if (span.from > at) return span
  return undefined
}

/**
 * What is open at a moment and when it opens after that, in order and somewhat more than a year ahead; what touches or overlaps is
 * one, whichever wall its clock hangs on. A change of the clocks never cuts an opening short: a time that does not exist in spring
 * is the first moment after the gap, and of an hour that autumn repeats an opening has both halves, for it starts when the wall
 * first shows its start and ends when the wall last shows its end. An opening that lies in the gap does not take place.
 */
export function* spans(calendars: readonly Calendar[], at: Instant): Generator<Span> {
  let current: Span | undefined
  for (const span of inOrder(calendars.flatMap(({ zone, open }) => open.map(opening => times(opening, zone, at))))) {
    if (span.to <= at) continue
    if (current && span.from > current.to) yield current
    current = current && span.from <= current.to ? { from: current.from, to: Math.max(current.to, span.to) } : span
  }
  // What is open now and has not closed after a year of weeks and of both changes of the clocks never closes.
  if (current) yield current.from <= at ? { from: current.from, to: Number.POSITIVE_INFINITY } : current
}

/** The next time, strictly after `at`, that the wall clock of the zone shows this: twice in one night, where autumn repeats it. */
export function nextAt(time: WallTime, zone: string, at: Instant): Instant {
  for (let wall = next(time, wallOf(at, zone) - 2 * DAY); ; wall = next(time, wall)) {
    const { first, last } = showing(wall, zone)
    if (first > at) return first
    if (last > at) return last
  }
}

/** The same, but once in a night that shows it twice: the first time. What has a turn by the clock has one turn. */
export function nextOnce(time: WallTime, zone: string, at: Instant): Instant {
  for (let wall = next(time, wallOf(at, zone) - 2 * DAY); ; wall = next(time, wall)) {
    const { first } = showing(wall, zone)
    if (first > at) return first
  }
}

/** "Sat 22:00 (Europe/Berlin)", "Sat 6 Dec 22:00 (Europe/Berlin)" when it is more than six days away, and then with another year. */
export function wallClock(at: Instant, zone: string, now: Instant): string {
  const wall = new Date(wallOf(at, zone))
  const year = wall.getUTCFullYear()
  const date = ` ${wall.getUTCDate()} ${MONTHS[wall.getUTCMonth()]}`
  const thisYear = new Date(wallOf(now, zone)).getUTCFullYear()
  const far = Math.abs(at - now) > 6 * DAY ? `${date}${year === thisYear ? '' : ` ${year}`}` : ''
  return `${DAYS[wall.getUTCDay()]}${far} ${clockOf(at, zone)}`
}

/** "22:00 (Europe/Berlin)". */
export const clockOf = (at: Instant, zone: string): string =>
  `${new Date(wallOf(at, zone)).toISOString().slice(11, 16)} (${zone})`

const MINUTE: Millis = 60_000
const DAY: Millis = 86_400_000
const WEEK: Millis = 7 * DAY
const AHEAD: Millis = 400 * DAY
const THURSDAY = 4 // the first day of 1970
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

/** What a clock on the wall shows, as the moment at which it would show the same in UTC: such walls can be counted with. */
type Wall = number

/** When one opening is open: those that may not have ended yet at `at`, and those of the year after it. */
function* times({ from, to }: Opening, zone: string, at: Instant): Generator<Span> {
  const now = wallOf(at, zone)
  const longest = to.day === undefined ? DAY : WEEK
  for (let start = next(from, now - longest - 2 * DAY); start < now + AHEAD; start = next(from, start)) {
    const span = { from: showing(start, zone).first, to: showing(next(to, start), zone).last }
    if (span.from < span.to) yield span
  }
}

/** The next such wall time after another. */
function next({ day, minute }: WallTime, wall: Wall): Wall {
  const every = day === undefined ? DAY : WEEK
  const time = ((day ?? THURSDAY) - THURSDAY) * DAY + minute * MINUTE
  return wall + (modulo(time - wall, every) || every)
}

const modulo = (n: number, by: number): number => ((n % by) + by) % by

/** When the wall first and last shows this. Clocks change once in two days at most. */
function showing(wall: Wall, zone: string): { readonly first: Instant; readonly last: Instant } {
  const before = offset(wall - DAY, zone)
  const after = offset(wall + DAY, zone)
  if (before === after) return { first: wall - before, last: wall - before }
  const moments = [wall - before, wall - after].filter(at => wallOf(at, zone) === wall)
  if (moments.length > 0) return { first: Math.min(...moments), last: Math.max(...moments) }
  const change = changed(wall - after, wall - before, zone)
  return { first: change, last: change }
}

/** The first moment with the clock of the later one of two, between which it changes. */
function changed(early: Instant, late: Instant, zone: string): Instant {
  if (late - early <= 1) return late
  const middle = Math.floor((early + late) / 2)
  return offset(middle, zone) === offset(late, zone) ? changed(early, middle, zone) : changed(middle, late, zone)
}

const offset = (at: Instant, zone: string): Millis => wallOf(at, zone) - at

function wallOf(at: Instant, zone: string): Wall {
  const second = Math.floor(at / 1000) * 1000
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0, s = 0] = (clock(zone).format(second).match(/\d+/g) ?? []).map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, s) + (at - second)
}

/** Making one costs a hundred times as much as asking it, and a calendar asks hundreds of times. */
const CLOCKS = new Map<string, Intl.DateTimeFormat>()

function clock(timeZone: string): Intl.DateTimeFormat {
  const known = CLOCKS.get(timeZone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  CLOCKS.set(timeZone, made)
  return made
}

/** Several streams, each in order, as one in order. */
function* inOrder(streams: readonly Iterator<Span>[]): Generator<Span> {
  let heads = streams.flatMap(headOf)
  while (heads.length > 0) {
    const first = heads.reduce((a, b) => (b.span.from < a.span.from ? b : a))
    yield first.span
    heads = heads.flatMap(head => (head === first ? headOf(head.rest) : [head]))
  }
}

function headOf(rest: Iterator<Span>): readonly { readonly span: Span; readonly rest: Iterator<Span> }[] {
  const it = rest.next()
  return it.done ? [] : [{ span: it.value, rest }]
}
