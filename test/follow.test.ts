import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { follows, isQuiet, type Quiet, sayWhat, type What } from '../src/domain/follow.ts'
import { hours, type Instant, minutes, type Person, type RunId } from '../src/domain/ids.ts'
import type { Run } from '../src/domain/run.ts'
import { grammar } from '../src/language/grammar.generated.ts'
import { parse } from '../src/language/parse.ts'
import { planner } from '../src/planning.ts'
import { loadAdapters } from '../src/registry.ts'
import { RUNBOOKS } from '../src/runbooks/all.ts'
import { act, action, begun, gate, plan, watch } from './fakes/given.ts'

const R7 = 'R7' as RunId
const single: Run = begun(plan(gate('start'), act('sync', 'routine')))
const migration: Run = {
  ...begun({
    ...plan(
      act('setup', 'routine', { action: action('setup', 'routine', {}, 'sql01') }),
      watch('copy', { read: action('session', 'none', {}, 'VMAX-275') }),
      gate('cutover', {}, [
        { label: 'paths', read: action('paths', 'none', {}, 'esx01'), expect: { field: 'alive', atLeast: 1 } },
      ]),
      act('switch', 'routine', {
        action: action('switch', 'routine', {}, 'sql01'),
        undo: [{ action: action('switch-back', 'routine', {}, 'sql09'), says: 'back' }],
      }),
    ),
    runbook: 'migrate',
  }),
  id: R7,
}

describe('who follows', () => {
  test.each<readonly [what: What, follows: boolean, why: string]>([
    [{ run: R7 }, true, 'it is this run'],
    [{ run: 'R70' as RunId }, false, 'it is another run'],
    [{ runs: '*' }, true, 'it is every run'],
    [{ runs: 'migrate' }, true, 'it is of this runbook'],
    [{ runs: 'refresh' }, false, 'it is of another runbook'],
    [{ runs: 'migrate', on: 'sql01' }, true, 'it changes this target'],
    [{ runs: 'migrate', on: 'vmax-*' }, true, 'a watch reads it, whatever its letter case'],
    [{ runs: '*', on: 'esx*' }, true, 'a gate reads it'],
    [{ runs: '*', on: 'sql09' }, true, 'its way back changes it'],
    [{ runs: '*', on: 'sql' }, false, 'a pattern without a star is a whole name'],
    [{ runs: 'migrate', on: 'netapp-*' }, false, 'it touches none of these'],
    [{ runs: 'refresh', on: 'sql01' }, false, 'the target alone is not enough'],
  ])('%j: %s, because %s', (what, expected) => expect(follows(what, migration)).toBe(expected))

  test('every run sees single actions as well; who follows a runbook does not', () => {
    expect(follows({ runs: '*' }, single)).toBe(true)
    expect(follows({ runs: '*', on: 'sql*' }, single)).toBe(true)
    expect(follows({ runs: 'migrate' }, single)).toBe(false)
  })

  test('a runbook finds its runs: the plan says whose it is before anybody approves it', async () => {
    const adapters = await loadAdapters()
    const targets = new Map([['sql01', { kind: 'powerpath' }]])
    const planned = (text: string) => {
      const { command } = parse(text, { targets }) as { command: Parameters<ReturnType<typeof planner>>[0] }
      const made = planner(adapters, RUNBOOKS, {})(command)
      if (!('plan' in made)) throw new Error(JSON.stringify(made))
      return made.plan
    }
    const moved = planned('migrate harddisk5 to harddisk14 on sql01')
    expect(moved.runbook).toBe('migrate')
    expect(follows({ runs: 'migrate', on: 'sql*' }, begun(moved))).toBe(true)
    expect(begun(moved).digest).not.toBe(begun({ ...moved, runbook: 'refresh' }).digest)
    expect(planned('sync session 1 on sql01')).not.toHaveProperty('runbook')
  })
})

describe('what is followed is said', () => {
  test.each<readonly [What, string]>([
    [{ run: R7 }, 'R7'],
    [{ runs: '*' }, 'every run'],
    [{ runs: '*', on: 'vmax-*' }, 'every run on vmax-*'],
    [{ runs: 'migrate' }, 'migrations'],
    [{ runs: 'migrate', on: 'vmax-*' }, 'migrations on vmax-*'],
    [{ runs: 'refresh', on: 'sql01' }, 'runs of refresh on sql01'],
  ])('%j: %s', (what, text) => expect(sayWhat(what)).toBe(text))

  test('in the word that the sentence has for it, for every runbook that has one', () => {
    const words = grammar.ParserRules.filter(it => it.name === 'runbooks_plural').map(it => String(it.symbols[0].literal))
    expect(words.length).toBe(RUNBOOKS.size)
    for (const word of words) {
      const heard = parse(`subscribe here to ${word} on vmax-*`, { targets: new Map() })
      const said = 'command' in heard && heard.command.kind === 'subscribe' ? heard.command : undefined
      expect(RUNBOOKS.has(said?.to ?? ''), word).toBe(true)
      expect(sayWhat({ runs: said?.to ?? '', on: said?.on ?? '' })).toBe(`${word} on vmax-*`)
    }
  })
})

const quiet = (from: number, to: number, zone = 'UTC'): Quiet => ({
  at: { chat: 'slack', channel: 'C0OPS' },
  from,
  to,
  zone,
  by: 'olga' as Person,
})
const NIGHT = [22 * 60, 7 * 60] as const
/** How long it is quiet from one instant to the next, looked at each minute. */
const quietFor = (it: Quiet, from: Instant, to: Instant): number =>
  Array.from({ length: (to - from) / minutes(1) }, (_, n) => isQuiet(it, from + minutes(n))).filter(Boolean).length

const minute = fc.integer({ min: 0, max: 1439 })
const instant = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2030, 0) })
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Kiritimati']

describe('quiet hours', () => {
  test.each([
    ['2025-11-20T21:59:59.999Z', false],
    ['2025-11-20T22:00:00Z', true],
    ['2025-11-21T00:00:00Z', true],
    ['2025-11-21T06:59:59.999Z', true],
    ['2025-11-21T07:00:00Z', false],
    ['2025-11-21T12:00:00Z', false],
  ])('from 22:00 to 07:00, at %s: %s', (at, expected) => expect(isQuiet(quiet(...NIGHT), Date.parse(at))).toBe(expected))

  test('are those of the clock on the wall there, in summer and in winter', () => {
    const berlin = quiet(...NIGHT, 'Europe/Berlin')
    expect(isQuiet(berlin, Date.parse('2025-07-01T20:00:00Z'))).toBe(true)
    expect(isQuiet(berlin, Date.parse('2025-12-01T20:00:00Z'))).toBe(false)
    expect(isQuiet(berlin, Date.parse('2025-12-01T21:00:00Z'))).toBe(true)
    expect(isQuiet(quiet(...NIGHT, 'Asia/Kolkata'), Date.parse('2025-07-01T16:30:00Z'))).toBe(true)
    expect(isQuiet(quiet(...NIGHT, 'Asia/Kolkata'), Date.parse('2025-07-01T16:29:59Z'))).toBe(false)
  })

  test('in UTC are what reckoning with minutes says', () => {
    fc.assert(
      fc.property(minute, minute, instant, (from, to, now) => {
        fc.pre(from !== to)
        const since = (at: number): number => (Math.floor(now / minutes(1)) - at + 1440 * 2) % 1440
        const length = (to - from + 1440) % 1440
        expect(isQuiet(quiet(from, to), now)).toBe(since(from) < length)
      }),
    )
  })

  test('and the hours that are not quiet make up every moment, in every zone', () => {
    fc.assert(
      fc.property(minute, minute, instant, fc.constantFrom(...ZONES), (a, b, now, zone) => {
        fc.pre(a !== b)
        expect(isQuiet(quiet(a, b, zone), now)).not.toBe(isQuiet(quiet(b, a, zone), now))
      }),
    )
  })

  test('on the days when the clocks change follow the clock', () => {
    // Berlin goes from +01:00 to +02:00 at 01:00 UTC on 2025-03-30, and back at 01:00 UTC on 2025-10-26.
    const changes = [
      { day: Date.UTC(2025, 2, 30), before: 60, after: 120 },
      { day: Date.UTC(2025, 9, 26), before: 120, after: 60 },
    ]
    fc.assert(
      fc.property(fc.constantFrom(...changes), minute, minute, minute, ({ day, before, after }, from, to, at) => {
        fc.pre(from !== to)
        const now = day + minutes(at)
        const wall = (at + (at < 60 ? before : after)) % 1440
        const expected = from < to ? wall >= from && wall < to : wall >= from || wall < to
        expect(isQuiet(quiet(from, to, 'Europe/Berlin'), now)).toBe(expected)
      }),
      { numRuns: 500 },
    )
  })

  test('of a night when the clocks change are an hour shorter or longer', () => {
    const berlin = quiet(...NIGHT, 'Europe/Berlin')
    const from = (day: number): Instant => day - hours(12)
    expect(quietFor(berlin, from(Date.UTC(2025, 2, 30)), from(Date.UTC(2025, 2, 31)))).toBe(8 * 60)
    expect(quietFor(berlin, from(Date.UTC(2025, 9, 26)), from(Date.UTC(2025, 9, 27)))).toBe(10 * 60)
    expect(quietFor(berlin, from(Date.UTC(2025, 5, 15)), from(Date.UTC(2025, 5, 16)))).toBe(9 * 60)
  })

  test('within the hour that is left out begin when it is over', () => {
    const berlin = quiet(150, 240, 'Europe/Berlin') // 02:30 to 04:00; from 02:00 to 03:00 there is no time on that day
    expect(quietFor(berlin, Date.UTC(2025, 2, 30), Date.UTC(2025, 2, 31))).toBe(60)
    expect(isQuiet(berlin, Date.UTC(2025, 2, 30, 1))).toBe(true)
  })
})
