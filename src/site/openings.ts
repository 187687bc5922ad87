import type { Opening, WallTime } from '../domain/calendar.ts'
import { DAYS } from '../language/units.ts'

const DAY = `(${DAYS.join('|')})[a-z]{0,6}`
const CLOCK = '(\\d{1,2}):(\\d{2})'
const WRITTEN = new RegExp(`^(?:${DAY}(?:-${DAY})? )?${CLOCK} to (?:${DAY} )?${CLOCK}$`)
const HOW =
  'write it like "sat 22:00 to sun 06:00", "wed 20:00 to 23:00", "mon-fri 22:00 to 04:00" or, for every day, "02:00 to 04:00"'
const DAY_LONG = 24 * 60

/** The openings of a change window as the site file writes them; a text says what is wrong with it. */
export function openingsOf(text: string): readonly Opening[] | string {
  const [, first, last, hour, minute, end, endHour, endMinute] =
    WRITTEN.exec(text.trim().toLowerCase().replace(/\s+/g, ' ')) ?? []
  const from = minuteOf(hour, minute)
  const to = minuteOf(endHour, endMinute)
  if (from === undefined || to === undefined || from === DAY_LONG) return `"${text}" is no opening: ${HOW}`
  const day = dayOf(first)
  const endDay = dayOf(end)
  if (day === undefined && endDay !== undefined) return `"${text}" is no opening: say from which day. ${HOW}`
  if (last !== undefined && endDay !== undefined)
    return `"${text}" is no opening: for several days only the times are said. ${HOW}`
  if (day !== undefined && endDay === undefined)
    return daysFrom(day, dayOf(last) ?? day).map(it => ({
      from: { day: it, minute: from },
      to: at(it, to > from ? to : to + DAY_LONG),
    }))
  if (day === endDay && from === to % DAY_LONG) return `"${text}" never closes; a window that is always open is none`
  return [{ from: day === undefined ? { minute: from } : { day, minute: from }, to: at(endDay, to) }]
}

const minuteOf = (hour: string | undefined, minute: string | undefined): number | undefined => {
  const [h, m] = [Number(hour), Number(minute)]
  return h < 24 && m < 60 ? 60 * h + m : h === 24 && m === 0 ? DAY_LONG : undefined
}

const dayOf = (word: string | undefined): number | undefined => {
  const found = (DAYS as readonly string[]).indexOf(word ?? '')
  return found < 0 ? undefined : found
}

const daysFrom = (first: number, last: number): readonly number[] =>
  Array.from({ length: ((last - first + 7) % 7) + 1 }, (_, n) => (first + n) % 7)

/** Minutes may reach into the next day: 24:00 is its beginning. */
const at = (day: number | undefined, minutes: number): WallTime => {
  const minute = minutes % DAY_LONG
  return day === undefined ? { minute } : { day: (day + Math.floor(minutes / DAY_LONG)) % 7, minute }
}
