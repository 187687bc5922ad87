import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hours, type Instant, minutes, type Person, type RunId } from '../src/domain/ids.ts'
import {
  dueAfter,
  lookAt,
  offsetOf,
  originOf,
  type Schedule,
  saysWhen,
  scheduleLines,
  type Turns,
} from '../src/domain/schedule.ts'

const at = (text: string): Instant => Date.parse(`${text}Z`)
const MADE = at('2026-11-26T12:00')
const R1 = 'R1' as RunId

const schedule = (more: Partial<Schedule> = {}): Schedule => ({
  id: 'S1',
  by: 'olga' as Person,
  title: 'migrate a disk',
  command: { kind: 'run', runbook: 'migrate', params: { host: 'sql01' } },
  when: { every: minutes(15) },
  place: { chat: 'console', channel: 'ops' },
  late: 'run',
  busy: 'skip',
  since: MADE,
  ...more,
})
const berlin = (day?: number): Schedule =>
  schedule({
    when: { at: { ...(day === undefined ? {} : { day }), minute: 120 }, zone: 'Europe/Berlin' },
    late: 'ring',
    busy: 'queue',
  })

/** Looks each second at most, and at once at what is due: which turns it took, while nothing is busy. */
function taken(one: Schedule, looks: readonly Instant[], busy: (now: Instant) => RunId | undefined = () => undefined) {
  let turns: Turns | undefined
  const took: Instant[] = []
  for (const now of looks) {
    const next = lookAt(one, turns, now, busy(now))
    if (!next) continue
    const { taking, ...rest } = next
    if (taking !== undefined) took.push(taking)
    turns = rest
  }
  return { took, turns }
}
const eachMinute = (from: Instant, to: Instant): readonly Instant[] =>
  Array.from({ length: Math.floor((to - from) / 60_000) + 1 }, (_, n) => from + n * 60_000)

describe('every quarter of an hour', () => {
  test('has its first turn at once and the others on time', () => {
    const { took } = taken(schedule(), eachMinute(MADE, MADE + hours(1)))
    expect(took).toEqual([0, 15, 30, 45, 60].map(n => MADE + minutes(n)))
  })

  test('takes one turn after a night in which nobody looked, and counts the others', () => {
    const { took, turns } = taken(schedule(), [MADE, MADE + hours(8) + minutes(7)])
    expect(took).toEqual([MADE, MADE + hours(8)])
    expect(turns).toMatchObject({ missed: 31, due: MADE + hours(8) + minutes(15) })
  })

  test('leaves out what comes while the turn before runs, and goes on after it', () => {
    const busy = (now: Instant) => (now > MADE && now < MADE + minutes(40) ? R1 : undefined)
    const { took, turns } = taken(schedule(), eachMinute(MADE, MADE + hours(1)), busy)
    expect(took).toEqual([0, 45, 60].map(n => MADE + minutes(n)))
    expect(turns).toMatchObject({ skipped: 2 })
    expect(turns?.trouble).toBeUndefined()
  })

  test('rings for it where it was told to', () => {
    const busy = (now: Instant) => (now > MADE ? R1 : undefined)
    const { turns } = taken(schedule({ busy: 'ring' }), eachMinute(MADE, MADE + minutes(16)), busy)
    expect(turns?.trouble?.says).toBe('R1 has not ended, so the turn of Thu 12:15 (UTC) is left out')
  })

  test('keeps one turn waiting, and not more, where it is to queue', () => {
    const busy = (now: Instant) => (now > MADE && now < MADE + minutes(40) ? R1 : undefined)
    const { took } = taken(schedule({ busy: 'queue' }), eachMinute(MADE, MADE + hours(1)), busy)
    expect(took).toEqual([0, 30, 45, 60].map(n => MADE + minutes(n)))
  })

  test('that was paused and resumed has no turn for the time between', () => {
    const one = schedule({ from: MADE + hours(5) + minutes(1) })
    const turns = { due: MADE + minutes(15), missed: 0, skipped: 0 }
    const look = lookAt(one, turns, one.from ?? 0, undefined)
    expect(look).toEqual({ due: MADE + hours(5) + minutes(15), missed: 0, skipped: 0 })
  })
})

describe('by the clock on the wall', () => {
  test('comes once in the night in which the clock shows two twice, the first time', () => {
    const one = { ...berlin(), since: at('2026-10-24T10:00') }
    const { took } = taken(one, eachMinute(one.since, at('2026-10-26T10:00')))
    expect(took).toEqual([at('2026-10-25T00:00'), at('2026-10-26T01:00')])
  })

  test('comes at the first moment after the gap in the night in which there is no such time', () => {
    const one = { ...berlin(), since: at('2027-03-27T10:00') }
    const { took } = taken(one, eachMinute(one.since, at('2027-03-29T10:00')))
    expect(took).toEqual([at('2027-03-28T01:00'), at('2027-03-29T00:00')])
  })

  test('is not taken hours late: it is left out, and rings', () => {
    const { took, turns } = taken(berlin(6), [MADE, at('2026-11-28T08:00')])
    expect(took).toEqual([])
    expect(turns).toMatchObject({ missed: 1, due: at('2026-12-05T01:00') })
    expect(turns?.trouble?.says).toContain('was 7 h ago when somebody looked')
  })

  test('is taken late where it was told to be', () => {
    const { took } = taken({ ...berlin(6), late: 'run' }, [MADE, at('2026-11-28T08:00')])
    expect(took).toEqual([at('2026-11-28T01:00')])
  })

  test('comes once where once was meant', () => {
    const once = schedule({ when: { once: at('2026-11-28T01:00'), zone: 'Europe/Berlin' } })
    const { took, turns } = taken(once, eachMinute(MADE, at('2026-11-29T00:00')))
    expect(took).toEqual([at('2026-11-28T01:00')])
    expect(turns?.due).toBeUndefined()
    expect(scheduleLines(once, turns, undefined, MADE).join('\n')).toContain('has had its turn')
  })
})

describe('a fleet that is told the same', () => {
  const fleet = Array.from({ length: 200 }, (_, n) =>
    schedule({
      spread: hours(2),
      command: { kind: 'run', runbook: 'migrate', params: { host: `sql${n}` } },
      when: { every: hours(24) },
    }),
  )

  test('does not do it at once: no quarter of an hour has more than twice its share', () => {
    const quarters = new Map<number, number>()
    for (const one of fleet) {
      const quarter = Math.floor(offsetOf(one) / minutes(15))
      quarters.set(quarter, (quarters.get(quarter) ?? 0) + 1)
    }
    expect(quarters.size).toBe(8)
    expect(Math.max(...quarters.values())).toBeLessThan(50)
  })

  test('has the same place each day, and after it was made anew', () => {
    for (const one of fleet.slice(0, 20)) {
      const again = { ...one, id: 'S9', since: MADE + hours(24) }
      expect((dueAfter(again, again.since) ?? 0) - (dueAfter(one, MADE) ?? 0)).toBe(hours(24))
    }
  })
})

test('however often it is looked at, no turn is taken twice, none comes early, and a schedule never stands still', () => {
  const whens = fc.oneof(
    fc.record({ every: fc.integer({ min: 60_000, max: hours(30) }) }),
    fc.record({
      at: fc.record({ minute: fc.integer({ min: 0, max: 1439 }) }),
      zone: fc.constantFrom('Europe/Berlin', 'America/New_York', 'UTC', 'Australia/Lord_Howe'),
    }),
  )
  const looks = fc.array(fc.integer({ min: 1, max: hours(40) }), { maxLength: 40 })
  fc.assert(
    fc.property(
      whens,
      looks,
      fc.constantFrom('run', 'skip', 'ring'),
      fc.constantFrom('skip', 'queue', 'ring'),
      fc.integer({ min: 0, max: 3 }),
      (when, steps, late, busyManner, every) => {
        const one = schedule({
          when: when as Schedule['when'],
          late: late as Schedule['late'],
          busy: busyManner as Schedule['busy'],
        })
        let now = MADE
        let turns: Turns | undefined
        const took: { due: Instant; at: Instant }[] = []
        steps.forEach((step, n) => {
          now += step
          const next = lookAt(one, turns, now, every > 0 && n % every === 0 ? R1 : undefined)
          if (!next) return
          const { taking, ...rest } = next
          if (taking !== undefined) took.push({ due: taking, at: now })
          turns = rest
        })
        expect(new Set(took.map(({ due }) => originOf(one, due))).size).toBe(took.length)
        for (const { due, at } of took) expect(due).toBeLessThanOrEqual(at)
        expect(lookAt(one, turns, now, undefined)?.due ?? turns?.due ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now)
      },
    ),
  )
})

test('says what it does in the words of a calendar', () => {
  expect(saysWhen(schedule({ spread: minutes(10) }), MADE)).toBe('every 15 min, spread over 10 min')
  expect(saysWhen(berlin(6), MADE)).toBe('every Saturday at 02:00 (Europe/Berlin)')
  expect(saysWhen(berlin(), MADE)).toBe('every day at 02:00 (Europe/Berlin)')
})
