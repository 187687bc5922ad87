import { describe, expect, test } from 'vitest'
import type { Opening } from '../src/domain/calendar.ts'
import { hours, type Instant, minutes, type Person } from '../src/domain/ids.ts'
import type { Freeze } from '../src/domain/ledger.ts'
import type { Risk } from '../src/domain/plan.ts'
import type { Policy } from '../src/domain/policy.ts'
import type { Window } from '../src/domain/rulebook.ts'
import { coversTarget, opensAgain, saysShut, shut, untilOf, windowLines } from '../src/domain/windows.ts'
import { action } from './fakes/given.ts'

const BERLIN = 'Europe/Berlin'
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const utc = (text: string): Instant => Date.parse(`${text}Z`)
const shown = (at: Instant | undefined): string => (at === undefined ? 'never' : new Date(at).toISOString().slice(0, 16))

/** "sat 22:00-sun 00:00" */
function open(text: string): Opening {
  const [from, to] = text.split('-').map(part => {
    const [, day, hour, minute] = /^(?:(\w{3}) )?(\d\d):(\d\d)$/.exec(part) ?? []
    return { ...(day ? { day: DAYS.indexOf(day) } : {}), minute: Number(hour) * 60 + Number(minute) }
  })
  return { from: from!, to: to! }
}
const window = (name: string, times: readonly string[], more: Partial<Window> = {}): Window => ({
  name,
  target: '*',
  from: 'routine',
  zone: BERLIN,
  open: times.map(open),
  ...more,
})
const freeze = (scope: string, until: string, more: Partial<Freeze> = {}): Freeze => ({
  scope,
  until: utc(until),
  by: 'ann' as Person,
  because: 'quarter end',
  since: utc('2025-11-01T00:00'),
  ...more,
})
const policy = (more: Partial<Policy> = {}): Policy => ({
  people: new Map(),
  rules: [],
  zone: BERLIN,
  labels: new Map([
    ['sql01', { env: 'production', site: 'Ulm' }],
    ['lab01', { env: 'lab' }],
  ]),
  ...more,
})
const change = (target = 'sql01', risk: Risk = 'destructive') => action('cutover', risk, {}, target)

const saturday = window('weekend', ['sat 22:00-sun 00:00'])

/** How it stands for a change that takes so many minutes, in one line, and when it may start. */
function stands(policy: Policy, at: string, takes = 40, it = change()) {
  const now = utc(at)
  const why = shut(policy, it, minutes(takes), now)
  return [why ? saysShut(why, it.target, policy.zone ?? 'UTC', now) : 'open', shown(opensAgain(policy, it, minutes(takes), now))]
}

describe('a change window', () => {
  const only = policy({ windows: [saturday] })

  test('refuses a start at 23:50 that needs 40 min when it closes at 00:00', () => {
    expect(stands(only, '2025-11-22T22:50')).toEqual([
      'the change window weekend closes at 00:00 (Europe/Berlin), in 10 min, and this needs 40 min; the next one long enough opens Sat 29 Nov 22:00 (Europe/Berlin)',
      '2025-11-29T21:00',
    ])
  })

  test('lets start what is done at the very minute in which it closes, and nothing that needs a moment more', () => {
    expect(stands(only, '2025-11-22T22:20')).toEqual(['open', '2025-11-22T22:20'])
    expect(shut(only, change(), minutes(40), utc('2025-11-22T22:20:00.001'))).toMatchObject({ by: 'too long' })
    expect(shut(only, change(), 0, utc('2025-11-22T22:59:59.999'))).toBeUndefined()
    expect(shut(only, change(), 0, utc('2025-11-22T23:00'))).toMatchObject({ by: 'window' })
  })

  test('that is closed says when it opens', () => {
    expect(stands(only, '2025-11-20T12:00')).toEqual([
      'the change window weekend is closed; it opens Sat 22:00 (Europe/Berlin)',
      '2025-11-22T21:00',
    ])
  })

  test('that closes in more than a day says on which', () => {
    const long = policy({ windows: [window('long weekend', ['fri 20:00-mon 04:00'])] })
    expect(stands(long, '2025-11-21T19:00', 60 * 60)).toEqual([
      'the change window long weekend closes Mon 04:00 (Europe/Berlin), in 2.3 days, and this needs 2.5 days; no opening within a year is long enough',
      'never',
    ])
  })

  test('that is never long enough says so, and nobody waits for it', () => {
    expect(stands(only, '2025-11-22T22:00', 121)).toEqual([
      'the change window weekend closes at 00:00 (Europe/Berlin), in 1 h, and this needs 2 h 1 min; no opening within a year is long enough',
      'never',
    ])
    expect(stands(only, '2025-11-20T12:00', 121)[1]).toBe('never')
    expect(stands(policy({ windows: [window('none', [])] }), '2025-11-20T12:00')).toEqual([
      'the change window none is closed; nothing opens within a year',
      'never',
    ])
  })

  test('that is long enough on one night of the year is waited for: the one that is an hour longer', () => {
    const nightly = policy({ windows: [window('nightly', ['22:00-06:00'])] })
    expect(stands(nightly, '2025-11-20T12:00', 8 * 60 + 30)[1]).toBe('2026-10-24T20:00')
  })

  test('shrinks with the night in which the clocks go forward', () => {
    const nightly = policy({ windows: [window('nightly', ['22:00-06:00'])] })
    expect(stands(nightly, '2026-03-28T21:00', 7 * 60)[0]).toBe('open')
    expect(stands(nightly, '2026-03-28T21:00', 7 * 60 + 1)).toEqual([
      'the change window nightly closes at 06:00 (Europe/Berlin), in 7 h, and this needs 7 h 1 min; the next one long enough opens Sun 22:00 (Europe/Berlin)',
      '2026-03-29T20:00',
    ])
  })

  test('stays open through the hour that autumn repeats', () => {
    const until = policy({ windows: [window('early', ['sun 01:00-sun 02:30'])] })
    expect(stands(until, '2026-10-25T00:45', 40)[0]).toBe('open') // 02:45, for the first time
    expect(stands(until, '2026-10-25T01:30', 0)[0]).toMatch('is closed')
  })

  test('that never closes keeps nothing waiting', () => {
    expect(stands(policy({ windows: [window('always', ['00:00-00:00'])] }), '2025-11-20T12:00', 60 * 24 * 90)[0]).toBe('open')
  })

  test('with another that is open is enough: of several one will do', () => {
    const two = policy({ windows: [saturday, window('midweek', ['wed 20:00-wed 22:00'])] })
    expect(stands(two, '2025-11-19T19:30')[0]).toBe('open')
    expect(stands(two, '2025-11-20T12:00')).toEqual([
      'the change windows weekend and midweek are closed; the next one opens Sat 22:00 (Europe/Berlin)',
      '2025-11-22T21:00',
    ])
    expect(stands(two, '2025-11-19T20:50')).toEqual([
      'the change window midweek closes at 22:00 (Europe/Berlin), in 10 min, and this needs 40 min; the next one long enough opens Sat 22:00 (Europe/Berlin)',
      '2025-11-22T21:00',
    ])
  })

  test('goes on in another that it touches, even where the clocks differ', () => {
    const ulm = window('ulm', ['sat 20:00-sat 23:00'])
    const boston = window('boston', ['sat 17:00-sat 18:00'], { zone: 'America/New_York' })
    const both = policy({ windows: [ulm, boston] })
    // 17:00 in New York is 23:00 in Berlin, and 22:00 in the week between the two changes of the clocks.
    expect(stands(both, '2025-11-22T21:30', 80)[0]).toBe('open')
    expect(stands(policy({ windows: [ulm] }), '2025-11-22T21:30', 80)[0]).toMatch('closes at 23:00')
    expect(stands(both, '2025-11-22T22:30')[0]).toMatch(
      'the change window boston closes at 00:00 (Europe/Berlin), in 30 min, and this needs 40 min',
    )
    expect(stands(both, '2025-11-01T21:30')[0]).toMatch('the change window ulm closes at 23:00')
  })

  test('goes by the clock of its own zone, and is told by that of the house', () => {
    const kolkata = policy({ windows: [window('kolkata', ['sat 22:00-sun 00:00'], { zone: 'Asia/Kolkata' })] })
    expect(stands(kolkata, '2025-11-20T12:00')).toEqual([
      'the change window kolkata is closed; it opens Sat 17:30 (Europe/Berlin)',
      '2025-11-22T16:30',
    ])
  })

  test('binds the targets with all of its labels and with its pattern, and no others', () => {
    const on = (more: Partial<Window>, target = 'sql01') =>
      stands(policy({ windows: [{ ...saturday, ...more }] }), '2025-11-20T12:00', 40, change(target))[0]
    expect(on({ where: { env: 'production' } })).toMatch('closed')
    expect(on({ where: { env: 'Production' } })).toMatch('closed')
    expect(on({ where: { env: 'production', site: 'Ulm' } })).toMatch('closed')
    expect(on({ where: { env: 'production', site: 'Bonn' } })).toBe('open')
    expect(on({ where: { env: 'production' } }, 'lab01')).toBe('open')
    expect(on({ where: { env: 'production' } }, 'unlabelled')).toBe('open')
    expect(on({ target: 'sql*' })).toMatch('closed')
    expect(on({ target: 'sql*' }, 'lab01')).toBe('open')
    expect(on({ target: 'vmax*', where: { env: 'production' } })).toBe('open')
    const { target: _, ...everywhere } = saturday
    expect(stands(policy({ windows: [everywhere] }), '2025-11-20T12:00')[0]).toMatch('closed')
  })

  test('binds changes from its risk on, and reads never', () => {
    const on = (from: Risk, risk: Risk) =>
      stands(policy({ windows: [{ ...saturday, from }] }), '2025-11-20T12:00', 40, change('sql01', risk))[0]
    expect(on('disruptive', 'destructive')).toMatch('closed')
    expect(on('disruptive', 'disruptive')).toMatch('closed')
    expect(on('disruptive', 'routine')).toBe('open')
    expect(on('none', 'none')).toBe('open')
  })

  test('never binds the house itself: whoever has to freeze something does not wait for it', () => {
    expect(stands(only, '2025-11-20T12:00', 0, action('freeze', 'routine', {}, 'signalbox'))[0]).toBe('open')
  })
})

describe('a freeze', () => {
  test('beats an open window', () => {
    const both = policy({ windows: [saturday], freezes: [freeze('production', '2025-11-24T07:00')] })
    expect(stands(both, '2025-11-22T21:30')).toEqual([
      'production is frozen until Mon 08:00 (Europe/Berlin) by ann: quarter end (this covers sql01)',
      '2025-11-29T21:00',
    ])
  })

  test('that ends inside a window leaves what is left of it', () => {
    const both = policy({ windows: [saturday], freezes: [freeze('sql01', '2025-11-22T22:00')] })
    expect(stands(both, '2025-11-20T12:00')).toEqual([
      'sql01 is frozen until Sat 23:00 (Europe/Berlin) by ann: quarter end',
      '2025-11-22T22:00',
    ])
    expect(stands(both, '2025-11-20T12:00', 61)[1]).toBe('2025-11-29T21:00')
  })

  test('holds to its last moment, and freezes nothing once it has run out', () => {
    const frozen = policy({ freezes: [freeze('everything', '2025-11-24T07:00')] })
    expect(stands(frozen, '2025-11-24T06:59:59.999')).toEqual([
      'everything is frozen until Mon 08:00 (Europe/Berlin) by ann: quarter end',
      '2025-11-24T07:00',
    ])
    expect(stands(frozen, '2025-11-24T07:00')[0]).toBe('open')
  })

  test('of several, the one that lasts longest is named, and all have to end', () => {
    const three = policy({
      freezes: [
        freeze('sql01', '2025-11-21T07:00'),
        freeze('production', '2025-11-24T07:00', { by: 'bob' as Person, because: 'the audit\n is here ' }),
        freeze('lab', '2025-12-24T07:00'),
      ],
    })
    expect(stands(three, '2025-11-20T12:00')).toEqual([
      'production is frozen until Mon 08:00 (Europe/Berlin) by bob: the audit is here (this covers sql01)',
      '2025-11-24T07:00',
    ])
  })

  test('stops every change, whatever its risk, and no read', () => {
    const frozen = policy({ freezes: [freeze('everything', '2025-11-24T07:00')] })
    expect(stands(frozen, '2025-11-20T12:00', 0, change('sql01', 'routine'))[0]).toMatch('is frozen')
    expect(stands(frozen, '2025-11-20T12:00', 0, change('sql01', 'none'))[0]).toBe('open')
  })

  test('of more than a year is not waited for', () => {
    expect(stands(policy({ freezes: [freeze('sql01', '2027-01-01T00:00')] }), '2025-11-20T12:00')).toEqual([
      'sql01 is frozen until Fri 1 Jan 2027 01:00 (Europe/Berlin) by ann: quarter end',
      'never',
    ])
  })

  test.each<readonly [scope: string, target: string, covers: boolean]>([
    ['everything', 'sql01', true],
    ['Everything', 'unlabelled', true],
    ['sql01', 'sql01', true],
    ['SQL01', 'sql01', true],
    ['sql', 'sql01', false],
    ['sql*', 'sql01', true],
    ['*', 'unlabelled', true],
    ['production', 'sql01', true],
    ['PRODUCTION', 'sql01', true],
    ['ulm', 'sql01', true],
    ['prod*', 'sql01', false], // a pattern is of names, not of labels
    ['env', 'sql01', false], // nor is the name of a label
    ['production', 'lab01', false],
    ['production', 'unlabelled', false],
    ['everything', 'signalbox', false],
    ['signalbox', 'signalbox', false],
    ['*', 'Signalbox', false],
  ])('of %s covers %s: %s', (scope, target, covers) =>
    expect(coversTarget(scope, target, policy().labels?.get(target))).toBe(covers),
  )

  test('never keeps anybody from thawing it', () => {
    const frozen = policy({ freezes: [freeze('everything', '2025-11-24T07:00'), freeze('signal*', '2025-11-24T07:00')] })
    expect(stands(frozen, '2025-11-20T12:00', 0, action('thaw', 'destructive', {}, 'signalbox'))[0]).toBe('open')
  })
})

test('where there is neither window nor freeze, every change may start', () => {
  expect(stands(policy(), '2025-11-20T12:00')).toEqual(['open', '2025-11-20T12:00'])
})

describe('show windows', () => {
  test('tells of each window, by its own clock, for whom it is and how it stands, and of each freeze in force', () => {
    const all = policy({
      windows: [
        window('weekend', ['sat 22:00-mon 04:00'], { where: { env: 'production' }, from: 'disruptive' }),
        window('office', ['08:00-18:00'], { target: 'lab*', zone: 'UTC' }),
        window('always', ['00:00-00:00'], { target: 'vmax*', from: 'destructive' }),
        window('none', []),
      ],
      freezes: [freeze('ulm', '2025-11-24T07:00'), freeze('lab', '2025-11-20T11:59'), freeze('prodction', '2025-12-24T07:00')],
    })
    expect(windowLines(all, ['sql01', 'lab01', 'signalbox'], utc('2025-11-20T12:00'))).toEqual([
      'weekend: closed, opens Sat 22:00 (Europe/Berlin); for disruptive and destructive changes of sql01',
      'office: open until Thu 18:00 (UTC); for all changes of lab01',
      'always: always open; for destructive changes of no target',
      'none: it never opens; for all changes of sql01, lab01',
      'ulm is frozen until Mon 08:00 (Europe/Berlin) by ann: quarter end (this covers sql01)',
      'prodction is frozen until Wed 24 Dec 08:00 (Europe/Berlin) by ann: quarter end (this covers no target)',
    ])
  })

  test('names as many targets as a line has room for', () => {
    const targets = Array.from({ length: 15 }, (_, n) => `t${n}`)
    expect(windowLines(policy({ windows: [saturday] }), targets, utc('2025-11-20T12:00'))[0]).toMatch(
      /of t0, .*, t11 and 3 more$/,
    )
  })

  test('says so where there is nothing', () => {
    expect(windowLines(policy(), ['sql01'], 0)).toEqual([
      'No change windows and no freezes: the calendar keeps nothing from starting.',
    ])
  })
})

describe('the time that a sentence means', () => {
  const now = utc('2025-11-20T12:00')
  test('is the next such time by the clock of the site', () => {
    expect(shown(untilOf({ day: 'mon', hour: 8, minute: 0 }, BERLIN, now))).toBe('2025-11-24T07:00')
    expect(shown(untilOf({ day: 'thu', hour: 13, minute: 0 }, BERLIN, now))).toBe('2025-11-27T12:00')
    expect(shown(untilOf({ day: 'sun', hour: 0, minute: 0 }, 'Asia/Kolkata', now))).toBe('2025-11-22T18:30')
    expect(shown(untilOf({ hour: 8, minute: 30 }, BERLIN, now))).toBe('2025-11-21T07:30')
  })

  test('or so long from now', () => expect(untilOf({ for: hours(2) }, BERLIN, now)).toBe(now + hours(2)))

  test('and nothing else: a day that is none is a mistake of ours', () => {
    expect(() => untilOf({ day: 'someday', hour: 8, minute: 0 }, BERLIN, now)).toThrow('someday is no day of the week')
  })
})
