import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { clockOf, nextAt, type Opening, opensNext, openUntil, spans, type WallTime, wallClock } from '../src/domain/calendar.ts'
import { hours, type Instant, minutes } from '../src/domain/ids.ts'

const BERLIN = 'Europe/Berlin'
const DAY = hours(24)
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

/** "sat 22:00", "22:00" */
function wall(text: string): WallTime {
  const [, day, hour, minute] = /^(?:(\w{3}) )?(\d\d):(\d\d)$/.exec(text) ?? []
  return { ...(day ? { day: DAYS.indexOf(day) } : {}), minute: Number(hour) * 60 + Number(minute) }
}
const opening = (from: string, to: string): Opening => ({ from: wall(from), to: wall(to) })
const utc = (text: string): Instant => Date.parse(`${text}Z`)
const shown = (at: Instant | undefined): string => (at === undefined ? 'never' : new Date(at).toISOString().slice(0, 16))
const until = (open: readonly Opening[], zone: string, at: string) => shown(openUntil(open, zone, utc(at)))
const opens = (open: readonly Opening[], zone: string, at: string) => {
  const span = opensNext(open, zone, utc(at))
  return `${shown(span?.from)} to ${shown(span?.to)}`
}

describe('an opening', () => {
  const weekend = [opening('sat 22:00', 'mon 04:00')]

  test('is open from its first minute on and closed in its last', () => {
    expect(until(weekend, BERLIN, '2025-11-22T20:59:59.999')).toBe('never')
    expect(until(weekend, BERLIN, '2025-11-22T21:00')).toBe('2025-11-24T03:00')
    expect(until(weekend, BERLIN, '2025-11-24T02:59:59.999')).toBe('2025-11-24T03:00')
    expect(until(weekend, BERLIN, '2025-11-24T03:00')).toBe('never')
  })

  test('opens next strictly after now: what is open already does not open', () => {
    expect(opens(weekend, BERLIN, '2025-11-22T20:59')).toBe('2025-11-22T21:00 to 2025-11-24T03:00')
    expect(opens(weekend, BERLIN, '2025-11-22T21:00')).toBe('2025-11-29T21:00 to 2025-12-01T03:00')
    expect(opens(weekend, BERLIN, '2025-11-23T12:00')).toBe('2025-11-29T21:00 to 2025-12-01T03:00')
  })

  test('without a day comes every day, over midnight where its end is earlier', () => {
    expect(until([opening('22:00', '02:00')], BERLIN, '2025-11-20T00:30')).toBe('2025-11-20T01:00')
    expect(opens([opening('22:00', '02:00')], BERLIN, '2025-11-20T00:30')).toBe('2025-11-20T21:00 to 2025-11-21T01:00')
    expect(until([opening('08:00', '17:00')], BERLIN, '2025-11-20T16:30')).toBe('never')
  })

  test('goes by the clock of its own zone', () => {
    const night = [opening('22:00', '23:00')]
    expect(opens(night, 'Asia/Kolkata', '2025-11-20T12:00')).toBe('2025-11-20T16:30 to 2025-11-20T17:30')
    expect(opens(night, 'America/New_York', '2025-11-20T12:00')).toBe('2025-11-21T03:00 to 2025-11-21T04:00')
    expect(opens(night, 'Pacific/Apia', '2025-11-20T12:00')).toBe('2025-11-21T09:00 to 2025-11-21T10:00')
    expect(opens(night, 'UTC', '2025-11-20T12:00')).toBe('2025-11-20T22:00 to 2025-11-20T23:00')
  })

  test('that touches or overlaps another is one with it', () => {
    const three = [opening('sat 22:00', 'sun 00:00'), opening('sun 00:00', 'sun 06:00'), opening('sun 05:00', 'sun 07:00')]
    expect(until(three, 'UTC', '2025-11-22T23:00')).toBe('2025-11-23T07:00')
    expect(opens(three, 'UTC', '2025-11-22T23:00')).toBe('2025-11-29T22:00 to 2025-11-30T07:00')
  })

  test('from a time to itself is always, and so is a week without a hole: neither ever closes or opens', () => {
    for (const always of [
      [opening('00:00', '00:00')],
      [opening('sat 22:00', 'sat 22:00')],
      [opening('mon 08:00', 'fri 17:00'), opening('fri 17:00', 'mon 08:00')],
      [opening('06:00', '18:00'), opening('17:00', '06:30')],
    ]) {
      expect(openUntil(always, BERLIN, utc('2025-10-25T12:00'))).toBe(Number.POSITIVE_INFINITY)
      expect(opensNext(always, BERLIN, utc('2025-10-25T12:00'))).toBeUndefined()
    }
  })

  test('a hole of one minute a week is a hole', () => {
    const nearly = [opening('wed 12:01', 'wed 12:00')]
    expect(until(nearly, BERLIN, '2025-11-20T12:00')).toBe('2025-11-26T11:00')
    expect(opens(nearly, BERLIN, '2025-11-20T12:00')).toBe('2025-11-26T11:01 to 2025-12-03T11:00')
  })

  test('where there is none it is closed and never opens', () => {
    expect(openUntil([], BERLIN, utc('2025-11-20T12:00'))).toBeUndefined()
    expect(opensNext([], BERLIN, utc('2025-11-20T12:00'))).toBeUndefined()
  })
})

describe('when the clocks go forward', () => {
  test('an opening over the gap is an hour shorter than it looks', () => {
    expect(opens([opening('sat 22:00', 'sun 06:00')], BERLIN, '2026-03-28T12:00')).toBe('2026-03-28T21:00 to 2026-03-29T04:00')
  })

  test('a start or an end that does not exist is the first moment after the gap', () => {
    expect(opens([opening('sun 02:30', 'sun 05:00')], BERLIN, '2026-03-28T12:00')).toBe('2026-03-29T01:00 to 2026-03-29T03:00')
    expect(opens([opening('sun 01:00', 'sun 02:30')], BERLIN, '2026-03-28T12:00')).toBe('2026-03-29T00:00 to 2026-03-29T01:00')
  })

  test('an opening that lies in the gap does not take place that night', () => {
    expect(opens([opening('02:10', '02:50')], BERLIN, '2026-03-28T12:00')).toBe('2026-03-30T00:10 to 2026-03-30T00:50')
  })

  test('a hole that lies in the gap is none that night', () => {
    expect(until([opening('sun 03:00', 'sun 02:00')], BERLIN, '2026-03-28T12:00')).toBe('2026-04-05T00:00')
  })

  test('by half an hour, on Lord Howe, the gap is half an hour', () => {
    const open = [opening('sun 01:45', 'sun 02:15')]
    expect(opens(open, 'Australia/Lord_Howe', '2026-10-03T12:00')).toBe('2026-10-03T15:15 to 2026-10-03T15:30')
  })
})

describe('when the clocks go back', () => {
  test('an opening over the repeated hour is an hour longer than it looks', () => {
    expect(opens([opening('sat 22:00', 'sun 06:00')], BERLIN, '2026-10-24T12:00')).toBe('2026-10-24T20:00 to 2026-10-25T05:00')
  })

  test('one that starts in the repeated hour starts the first time, one that ends in it ends the last time', () => {
    expect(opens([opening('sun 02:30', 'sun 05:00')], BERLIN, '2026-10-24T12:00')).toBe('2026-10-25T00:30 to 2026-10-25T04:00')
    expect(opens([opening('sun 01:00', 'sun 02:30')], BERLIN, '2026-10-24T12:00')).toBe('2026-10-24T23:00 to 2026-10-25T01:30')
    expect(opens([opening('sun 02:10', 'sun 02:20')], BERLIN, '2026-10-24T12:00')).toBe('2026-10-25T00:10 to 2026-10-25T01:20')
  })

  test('by half an hour, on Lord Howe, half an hour is repeated', () => {
    const open = [opening('sun 01:40', 'sun 01:50')]
    expect(opens(open, 'Australia/Lord_Howe', '2026-04-04T12:00')).toBe('2026-04-04T14:40 to 2026-04-04T15:20')
  })

  test('two walls that overlap are one, though each of them has a hole', () => {
    const two = [
      { zone: BERLIN, open: [opening('sat 20:00', 'sat 23:00')] },
      { zone: 'America/New_York', open: [opening('sat 16:00', 'sat 18:00')] },
    ]
    // New York is six hours behind Berlin, and five in the week between the two changes.
    expect([...spans(two, utc('2026-10-23T12:00'))].slice(0, 3).map(({ from, to }) => `${shown(from)} to ${shown(to)}`)).toEqual([
      '2026-10-24T18:00 to 2026-10-24T22:00',
      '2026-10-31T19:00 to 2026-10-31T22:00',
      '2026-11-07T19:00 to 2026-11-07T23:00',
    ])
  })
})

describe('the next time that the wall shows this', () => {
  const next = (time: string, zone: string, at: string) => shown(nextAt(wall(time), zone, utc(at)))

  test('is strictly after now', () => {
    expect(next('mon 08:00', BERLIN, '2025-11-20T12:00')).toBe('2025-11-24T07:00')
    expect(next('mon 08:00', BERLIN, '2025-11-24T06:59:59.999')).toBe('2025-11-24T07:00')
    expect(next('mon 08:00', BERLIN, '2025-11-24T07:00')).toBe('2025-12-01T07:00')
    expect(next('08:00', BERLIN, '2025-11-24T07:00')).toBe('2025-11-25T07:00')
  })

  test('is the moment after the gap where it does not exist', () => {
    expect(next('02:30', BERLIN, '2026-03-28T12:00')).toBe('2026-03-29T01:00')
    expect(next('02:30', BERLIN, '2026-03-29T01:00')).toBe('2026-03-30T00:30')
  })

  test('comes twice in the night that repeats it', () => {
    expect(next('02:30', BERLIN, '2026-10-24T12:00')).toBe('2026-10-25T00:30')
    expect(next('02:30', BERLIN, '2026-10-25T00:30')).toBe('2026-10-25T01:30')
    expect(next('02:30', BERLIN, '2026-10-25T01:30')).toBe('2026-10-26T01:30')
  })

  test('is the next day where a whole day was left out, as in Apia at the end of 2011', () => {
    expect(next('fri 12:00', 'Pacific/Apia', '2011-12-30T08:00')).toBe('2011-12-30T10:00')
  })
})

describe('a moment as people read it', () => {
  const now = utc('2025-11-20T12:00')
  test.each([
    ['2025-11-22T21:00', BERLIN, 'Sat 22:00 (Europe/Berlin)'],
    ['2025-11-22T23:00', BERLIN, 'Sun 00:00 (Europe/Berlin)'],
    ['2025-11-26T12:00', BERLIN, 'Wed 13:00 (Europe/Berlin)'],
    ['2025-11-26T12:01', BERLIN, 'Wed 26 Nov 13:01 (Europe/Berlin)'],
    ['2025-11-10T12:00', BERLIN, 'Mon 10 Nov 13:00 (Europe/Berlin)'],
    ['2025-12-31T23:30', BERLIN, 'Thu 1 Jan 2026 00:30 (Europe/Berlin)'],
    ['2025-12-31T23:30', 'UTC', 'Wed 31 Dec 23:30 (UTC)'],
    ['2025-11-21T22:00', 'Asia/Kolkata', 'Sat 03:30 (Asia/Kolkata)'],
  ])('%s in %s is %s', (at, zone, text) => expect(wallClock(utc(at), zone, now)).toBe(text))

  test('and without its day', () => expect(clockOf(utc('2025-11-22T23:00'), BERLIN)).toBe('00:00 (Europe/Berlin)'))
})

/** Nights in which the clocks change, and where they never do, any. */
const NIGHTS: readonly (readonly [zone: string, days: readonly string[]])[] = [
  [BERLIN, ['2025-03-30', '2025-10-26', '2026-03-29', '2026-10-25', '2027-03-28', '2027-10-31']],
  ['America/New_York', ['2025-03-09', '2025-11-02', '2026-03-08', '2026-11-01', '2027-03-14', '2027-11-07']],
  ['Australia/Lord_Howe', ['2025-04-05', '2025-10-04', '2026-04-04', '2026-10-03', '2027-04-03', '2027-10-02']],
  ['Asia/Kolkata', ['2026-03-29']],
  ['Pacific/Apia', ['2026-04-05']],
  ['UTC', ['2026-10-25']],
]

/** Every minute of some days before and after: what the wall shows in it. Slow, and knows nothing of offsets. */
function minuteByMinute(zone: string, day: string) {
  const clock = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
  const first = utc(`${day}T00:00`) - 9 * DAY
  const walls = Array.from({ length: (20 * DAY) / minutes(1) }, (_, n) => clock.format(first + minutes(n)))
  const dates = [...new Set(walls.map(it => it.slice(0, 10)))]
  const shownIn = new Map<string, readonly number[]>()
  for (const [n, text] of walls.entries()) shownIn.set(text, [...(shownIn.get(text) ?? []), n])
  const at = (n: number): Instant => first + minutes(n)
  const after = (text: string): number => walls.findIndex(it => it > text)
  const show = (date: string, { minute }: WallTime): string =>
    `${date} ${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
  const fits = (date: string, { day }: WallTime): boolean => day === undefined || day === new Date(`${date}T12:00Z`).getUTCDay()

  /** Minutes in which it is open: from the first showing of a start to the last one of the next end. */
  function openMinutes(openings: readonly Opening[]): readonly boolean[] {
    const open = walls.map(() => false)
    for (const { from, to } of openings)
      for (const date of dates.filter(date => fits(date, from))) {
        const start = show(date, from)
        const end = dates
          .filter(date => fits(date, to))
          .map(date => show(date, to))
          .find(it => it > start)
        const begins = shownIn.get(start)?.[0] ?? after(start)
        const known = end !== undefined && end <= walls.at(-1)!
        const ends = !known ? walls.length : (shownIn.get(end)?.at(-1) ?? after(end))
        if (begins >= 0) open.fill(true, begins, Math.max(begins, ends))
      }
    return open
  }

  /** Minutes in which the wall begins to show a time, or has just jumped over it. */
  const showings = (time: WallTime): readonly number[] =>
    dates
      .filter(date => fits(date, time))
      .map(date => show(date, time))
      .filter(text => text > walls[0]! && text <= walls.at(-1)!)
      .flatMap(text => shownIn.get(text) ?? [after(text)])
      .sort((a, b) => a - b)

  return { first, last: at(walls.length), at, openMinutes, showings }
}

const nearTheChange = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 0, max: 260 }) }, fc.integer({ min: 0, max: 1439 }))
const daily = fc.record({ from: fc.record({ minute: nearTheChange }), to: fc.record({ minute: nearTheChange }) })
const dayOfWeek = fc.oneof(fc.constantFrom(6, 0, 1), fc.integer({ min: 0, max: 6 }))
const weekly = fc.record({
  from: fc.record({ day: dayOfWeek, minute: nearTheChange }),
  to: fc.record({ day: dayOfWeek, minute: nearTheChange }),
})
const someOpenings = fc.array(fc.oneof(daily, weekly), { minLength: 1, maxLength: 3 })
/** Milliseconds after the middle of the days looked at, mostly near the change. */
const moment = fc.oneof(
  fc.integer({ min: -30 * 60, max: 30 * 60 }).map(n => minutes(n)),
  fc.integer({ min: -hours(30), max: hours(40) }),
)

describe('the calendar agrees with somebody who reads the wall every minute', () => {
  for (const [zone, days] of NIGHTS)
    test(`in ${zone}`, { timeout: 120_000 }, () => {
      for (const day of days) {
        const slow = minuteByMinute(zone, day)
        const middle = utc(`${day}T00:00`)
        fc.assert(
          fc.property(someOpenings, moment, (openings, offset) => {
            const now = middle + offset
            const open = slow.openMinutes(openings)
            const n = Math.floor((now - slow.first) / minutes(1))
            const closes = open.indexOf(false, n)
            const found = openUntil(openings, zone, now)
            // What is open to the last of the minutes that were read goes on for at least as long.
            if (closes === -1) expect(found).toBeGreaterThanOrEqual(slow.last)
            else expect(shown(found)).toBe(open[n] ? shown(slow.at(closes)) : 'never')
            const opens = closes === -1 ? -1 : open.indexOf(true, closes)
            const next = opensNext(openings, zone, now)
            if (opens === -1) expect(next?.from ?? slow.last).toBeGreaterThanOrEqual(slow.last)
            else {
              expect(shown(next?.from)).toBe(shown(slow.at(opens)))
              const ends = open.indexOf(false, opens)
              if (ends !== -1) expect(shown(next?.to)).toBe(shown(slow.at(ends)))
            }
          }),
          { numRuns: 60 },
        )
        fc.assert(
          fc.property(fc.oneof(daily, weekly), moment, ({ from }, offset) => {
            const now = middle + offset
            const found = slow.showings(from).find(n => slow.at(n) > now)
            expect(shown(nextAt(from, zone, now))).toBe(shown(slow.at(found ?? Number.NaN)))
          }),
          { numRuns: 60 },
        )
      }
    })
})
