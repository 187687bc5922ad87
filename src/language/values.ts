import type { BytesPerSecond, Millis } from '../domain/ids.ts'
import type { Word } from './lexer.ts'
import { amounts, DAYS, type Day, RATES, SIZES, TIMES } from './units.ts'

/**
 * What the grammar's postprocessors are made of. They run for readings that die as well, so each is pure and none throws:
 * a value that cannot be is marked, and `read` makes a refusal of the mark if the reading survives.
 */
export const bad = (what: string, why: string): Bad => ({ mark: 'bad', what, why })
export interface Bad {
  readonly mark: 'bad'
  readonly what: string
  readonly why: string
}

/** A target as it was typed; `read` puts the site's spelling in its place. */
export interface Named {
  readonly mark: 'target'
  readonly name: string
  readonly at: number
  readonly end: number
  readonly kind?: string // of what kind it must be; in an action the capability says that
}
export const target = (word: Word): Named => ({ mark: 'target', name: word.value, at: word.at, end: word.end })
export const ofKind = (named: Named, kind: string): Named => ({ ...named, kind })

/** An object without what was not said. */
export const given = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null))

const isBad = (value: unknown): value is Bad =>
  typeof value === 'object' && value !== null && 'mark' in value && value.mark === 'bad'

/** `10TB` or 10 and `TB`, in bytes. */
export function size(amount: number, unit: string): number | Bad {
  const bytes = Math.round(amount * (SIZES.get(unit) ?? Number.NaN))
  return Number.isSafeInteger(bytes)
    ? bytes
    : bad('The size', `${amount}${unit} is more than can be counted; the most is 9007 TB`)
}

export function rate(amount: number, unit: string): BytesPerSecond | Bad {
  const speed = amount * (RATES.get(unit) ?? Number.NaN)
  if (speed === 0) return bad('The rate', 'nothing moves at 0')
  return speed <= Number.MAX_SAFE_INTEGER ? speed : bad('The rate', `${amount}${unit} is more than can be counted`)
}

/** One of a text such as `10TB`, which its shape has checked. */
export function measured<T>(word: Word, of: (amount: number, unit: string) => T): T {
  const [amount, unit] = amounts(word.value)[0] ?? [Number.NaN, '']
  return of(amount, unit)
}

export type Span = readonly (readonly [amount: number, unit: string])[]
export const span = (word: Word): Span => amounts(word.value)

const TEN_YEARS: Millis = 3_653 * 86_400_000
/** The parts of a duration, largest first: `1h30m`. `30m 1h` is as likely a slip as a meaning, so it is refused. */
export function duration(parts: Span): Millis | Bad {
  const each = parts.map(([amount, unit]) => ({ unit: TIMES.get(unit.toLowerCase()) ?? Number.NaN, amount }))
  if (each.some(({ unit }, i) => unit >= (each[i - 1]?.unit ?? Number.POSITIVE_INFINITY)))
    return bad('The duration', 'say the largest unit first and each unit once, as in 1h30m')
  const millis = Math.round(each.reduce((sum, { unit, amount }) => sum + unit * amount, 0))
  return millis <= TEN_YEARS ? millis : bad('The duration', 'the longest is 10 years')
}

/** A share from 0 to 1. */
export function share(percent: number): number | Bad {
  return percent <= 100
    ? Number((percent / 100).toFixed(12))
    : bad('The percentage', `${percent}% is more than all of it; the most is 100%`)
}

export function reason(word: Word): string | Bad {
  const text = word.value.trim()
  return text === '' ? bad('The reason', 'it is empty; say why, as in because "the change was moved to Friday"') : text
}

/** A time of day, and the day of the week if one was said. */
export interface ClockTime {
  readonly day?: Day
  readonly hour: number
  readonly minute: number
}
export function time(clock: Word, day?: Word): ClockTime {
  const [hour, minute] = clock.value.split(':').map(Number)
  const found = DAYS.find(it => day?.text.startsWith(it))
  return { ...(found === undefined ? {} : { day: found }), hour: hour ?? 0, minute: minute ?? 0 }
}

/** `22:00` as 1320. */
export function minuteOfDay(clock: Word): number {
  const { hour, minute } = time(clock)
  return 60 * hour + minute
}

export const schedule = (name: string): string | Bad =>
  /^s\d{1,9}$/i.test(name) ? name.toUpperCase() : bad('The schedule', 'it is called like S3; `show schedules` lists them')

/** What was said in several parts, each of them once. */
export function joined(
  said: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const twice = Object.keys(more).find(key => key in said)
  return twice === undefined ? { ...said, ...more } : { ...said, [twice]: bad(`The \`${twice}\``, 'it is said twice') }
}

export const quietHours = (from: number, to: number): { readonly from: number | Bad; readonly to: number } => ({
  from: from === to ? bad('The quiet hours', 'they end when they begin; say two times, as in from 22:00 to 07:00') : from,
  to,
})

/** A time zone as its list spells it. Which ones there are is for Intl to say, because Intl has to reckon with it later. */
export function zone(word: Word): string | Bad {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: word.value }).resolvedOptions()
    // Of a zone that was renamed Intl knows the other name: then the one that was said is kept.
    return timeZone.toLowerCase() === word.text ? timeZone : word.value
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return bad('The time zone', `there is none called ${word.value}; say it as in Europe/Berlin, America/New_York or UTC`)
  }
}

// Each star is another place to try, so that their number is what comparing a long name with a pattern costs.
const MOST_STARS = 3

export function pattern(word: Word): string | Bad {
  const text = word.value.replace(/\*{2,}/g, '*')
  return text.split('*').length - 1 <= MOST_STARS ? text : bad('The pattern', `it has more than ${MOST_STARS} times a *`)
}

/** Whichever mark is found first in a reading; readings are small and have no cycles. */
export function badIn(value: unknown): Bad | undefined {
  if (isBad(value)) return value
  if (typeof value !== 'object' || value === null) return undefined
  for (const inner of Object.values(value)) {
    const found = badIn(inner)
    if (found) return found
  }
  return undefined
}
