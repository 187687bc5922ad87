import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { minutes, seconds } from '../src/domain/ids.ts'
import { LIMITS, limiter, type Verdict } from '../src/domain/limits.ts'
import { NOW } from './fakes/given.ts'

const eve = { person: 'slack:UEVE', channel: 'slack/C1' }
const ann = { person: 'slack:UANN', channel: 'slack/C1' }
const count = (verdicts: readonly Verdict[], which: Verdict): number => verdicts.filter(one => one === which).length

describe('how fast sentences are listened to', () => {
  test('twenty at once from one person, then one every two seconds', () => {
    const take = limiter()
    const flood = Array.from({ length: 100 }, () => take(eve, NOW))
    expect(count(flood, 'ok')).toBe(20)
    expect(take(eve, NOW + seconds(2) - 1)).not.toBe('ok')
    expect(take(eve, NOW + seconds(2))).toBe('ok')
    expect(take(eve, NOW + seconds(2))).not.toBe('ok')
  })

  test("a flood of one person leaves another's sentences alone", () => {
    const take = limiter()
    for (let second = 0; second < 600; second++) {
      const now = NOW + seconds(second)
      for (let n = 0; n < 50; n++) take(eve, now)
      if (second % 4 === 0) expect(take(ann, now)).toBe('ok')
    }
  })

  test('a flood of many in one channel leaves other channels alone', () => {
    const take = limiter()
    const flood = Array.from({ length: 500 }, (_, n) => take({ person: `slack:U${n}`, channel: 'slack/C1' }, NOW))
    expect(count(flood, 'ok')).toBe(60)
    expect(take(ann, NOW)).not.toBe('ok')
    expect(take({ ...ann, channel: 'slack/C2' }, NOW)).toBe('ok')
  })

  test('a flood is told of once a minute, and not with every sentence of it', () => {
    const take = limiter()
    const verdicts = Array.from({ length: 1_800 }, (_, n) => take(eve, NOW + n * 100))
    expect(count(verdicts, 'too fast')).toBe(3)
    expect(verdicts.indexOf('too fast')).toBe(verdicts.findIndex(one => one !== 'ok'))
  })

  test('whoever waits is listened to as at first', () => {
    const take = limiter()
    for (let n = 0; n < 100; n++) take(eve, NOW)
    const later = Array.from({ length: 20 }, () => take(eve, NOW + minutes(5)))
    expect(count(later, 'ok')).toBe(20)
  })

  test('no sequence of sentences gets more than the burst and the rate', () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 300, size: 'max' })
    fc.assert(
      fc.property(gaps, all => {
        const take = limiter()
        let now = NOW
        const heard: number[] = []
        for (const gap of all) {
          now += gap
          if (take(eve, now) === 'ok') heard.push(now)
        }
        for (const end of heard) {
          const within = heard.filter(at => at <= end && at > end - 60_000).length
          expect(within).toBeLessThanOrEqual(LIMITS.person.burst + LIMITS.person.perMinute)
        }
      }),
      { numRuns: 200, seed: 20251120 },
    )
  })

  test('invented names cost ten thousand entries and no more, and win back nothing for who goes on', () => {
    const spacious = { person: { burst: 2, perMinute: 1 }, channel: { burst: 1e6, perMinute: 1e6 } }
    const flooded = (names: number, every = names + 1): readonly Verdict[] => {
      const take = limiter(spacious)
      const verdicts = [take(eve, NOW), take(eve, NOW)]
      for (let n = 1; n <= names; n++) {
        take({ person: `slack:UINVENTED${n}`, channel: `slack/CINVENTED${n}` }, NOW)
        if (n % every === 0) verdicts.push(take(eve, NOW))
      }
      return [...verdicts, take(eve, NOW)]
    }
    expect(count(flooded(30_000, 5_000), 'ok')).toBe(2)
    expect(flooded(9_999).at(-1)).toBe('too fast')
    // She was silent while ten thousand others were not: she is not known any more, and begins anew.
    expect(flooded(10_000).at(-1)).toBe('ok')
  })
})
