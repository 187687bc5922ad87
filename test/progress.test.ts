import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meterText } from '../src/domain/draw.ts'
import { hours, minutes } from '../src/domain/ids.ts'
import { eta, MOST_POINTS, observe, type Progress, stalledSince, type Track, throughput } from '../src/domain/progress.ts'
import { NOW } from './fakes/given.ts'

/** What is known after these looks, each a number of seconds after the first. */
const looked = (...looks: readonly (readonly [second: number, look: Progress])[]): Track => {
  const [first, ...more] = looks.map(([second, look]) => [NOW + second * 1000, look] as const)
  if (!first) throw new Error('somebody has to look')
  return more.reduce((track, [at, look]) => observe(track, look, at), observe(undefined, first[1], first[0]))
}
const text = (track: Track, now = track.at, stall?: number): string => meterText(track, stalledSince(track, stall, now), now)
const GB = 1e9

describe('progress', () => {
  test('never goes back, whatever the device says next', () => {
    const track = looked(
      [0, { done: 0.3, copied: 30 * GB, total: 100 * GB }],
      [10, { done: 0.5, copied: 50 * GB, total: 100 * GB }],
      [20, { done: 0.1, copied: 10 * GB, total: 100 * GB }],
    )
    expect(track).toMatchObject({ done: 0.5, copied: 50 * GB })
    expect(text(track)).toContain('50.0 %, 50 GB of 100 GB')
  })

  test('of any looks at all neither goes back nor leaves 0 to 1', () => {
    const looks = fc.array(
      fc.record({
        done: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
        after: fc.integer({ min: 0, max: 10_000_000 }),
      }),
      { minLength: 1, maxLength: 30 },
    )
    fc.assert(
      fc.property(looks, all => {
        let now = NOW
        let track: Track | undefined
        for (const look of all) {
          now += look.after
          const before = track
          track = observe(track, look.done === undefined ? {} : { done: look.done }, now)
          if (before?.done !== undefined) expect(track.done).toBeGreaterThanOrEqual(before.done)
          if (track.rate !== undefined) expect(track.rate).toBeGreaterThanOrEqual(0)
          const left = eta(track)
          if (left?.latest !== undefined) expect(left.latest).toBeGreaterThanOrEqual(left.soonest)
          if (left) expect(Number.isFinite(left.soonest)).toBe(true)
          expect(text(track, now)).not.toMatch(/NaN|Infinity|undefined|-\d/)
        }
      }),
      { numRuns: 300, seed: 20251120 },
    )
  })

  test('that nobody measured is said to be unknown: no number is made up', () => {
    expect(text(looked([0, {}]))).toBe('share unknown; time left unknown')
    expect(text(looked([0, { note: 'syncing' }], [10, { note: 'syncing' }]))).toBe('share unknown, syncing; time left unknown')
    expect(eta(looked([0, { done: 0.1 }]))).toBeUndefined()
    expect(text(looked([0, { done: 0.1 }]))).toBe('10.0 %; time left unknown')
  })

  test('has a rate and a time left once it was seen to move', () => {
    const track = looked([0, { done: 0, copied: 0, total: 100 * GB }], [100, { done: 0.1, copied: 10 * GB, total: 100 * GB }])
    expect(throughput(track)).toBeCloseTo(0.1 * GB, 0)
    expect(text(track)).toBe('10.0 %, 10 GB of 100 GB at 100 MB/s; about 15 min left')
  })

  test('at changing speed has a range, from the fastest to the slowest that was seen', () => {
    const track = looked([0, { done: 0 }], [100, { done: 0.2 }], [200, { done: 0.25 }], [300, { done: 0.5 }])
    const left = eta(track)
    expect(left?.soonest).toBeLessThan(left?.latest ?? 0)
    expect(text(track)).toMatch(/^50\.0 %; \d+ min(?: \d+ s)? to \d+ min(?: \d+ s)? left$/)
    // The real time left lies in it, if the device goes on somewhere between its slowest and its fastest.
    expect(left?.soonest).toBeLessThanOrEqual((0.5 / 0.0025) * 1000)
    expect(left?.latest).toBeGreaterThanOrEqual((0.5 / 0.0025) * 1000 * 0.9)
  })

  test('that stands still has an earliest end and no latest', () => {
    const track = looked([0, { done: 0 }], [100, { done: 0.2 }], [200, { done: 0.2 }])
    expect(text(track)).toMatch(/^20\.0 %; at least .* left$/)
  })

  test('that has stood still for a day has no end that anybody could name', () => {
    const still = [...Array(9_000)].map((_, n): readonly [number, Progress] => [200 + n * 10, { done: 0.2 }])
    expect(text(looked([0, { done: 0 }], [100, { done: 0.2 }], ...still))).toBe('20.0 %; time left unknown')
  })

  test('of a device that is silent for a while is measured over the whole while', () => {
    const silent = looked([0, { done: 0 }], [100, { done: 0.1 }], [150, {}], [200, { done: 0.2 }])
    expect(silent.rate).toBeCloseTo(0.001, 9)
    expect(silent.fast).toBeCloseTo(0.001, 9)
    expect(looked([0, { done: 0 }], [100, { done: 0.1 }], [150, {}]).done).toBe(0.1)
  })

  test('rings when nothing has moved for so long, and not before', () => {
    const track = looked([0, { done: 0.1 }], [60, { done: 0.2 }], [120, { done: 0.2 }])
    const moved = NOW + 60_000
    expect(stalledSince(track, minutes(10), moved + minutes(10) - 1)).toBeUndefined()
    expect(stalledSince(track, minutes(10), moved + minutes(10))).toBe(moved)
    expect(stalledSince(track, undefined, moved + hours(9))).toBeUndefined()
    expect(text(track, moved + minutes(12), minutes(10))).toBe('20.0 %; NO PROGRESS for 12 min')
  })

  test('that shows itself for the first time has moved', () => {
    const track = looked([0, {}], [900, { done: 0.01 }])
    expect(stalledSince(track, minutes(10), NOW + 901_000)).toBeUndefined()
  })

  test('that is complete has no time left', () => {
    expect(text(looked([0, { done: 0.5 }], [10, { done: 1, note: 'complete' }]))).toBe('100.0 %, complete')
  })

  test('one slow minute does not widen the estimate for ever', () => {
    const steady = (n: number) =>
      [...Array(n)].map((_, i): readonly [number, Progress] => [200 + i * 100, { done: 0.1 + i * 0.01 }])
    const range = (track: Track): number => ((eta(track)?.latest ?? 0) - (eta(track)?.soonest ?? 0)) / (eta(track)?.soonest ?? 1)
    const slowed = looked([0, { done: 0.09 }], [100, { done: 0.0901 }], ...steady(2))
    const long = looked([0, { done: 0.09 }], [100, { done: 0.0901 }], ...steady(60))
    expect(range(long)).toBeLessThan(range(slowed) / 10)
  })
})

describe('the trail of what was measured', () => {
  const done = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined })
  const after = fc.oneof(fc.constant(10_000), fc.integer({ min: 0, max: 10_000_000 }))
  const looks = fc.array(fc.record({ done, after }), { minLength: 1, maxLength: 700, size: 'max' })

  test('is bounded, in order, never goes back, and keeps the first look and the newest', () => {
    let longest = 0
    fc.assert(
      fc.property(looks, all => {
        let now = NOW
        let track: Track | undefined
        let first: readonly [number, number] | undefined
        let last: readonly [number, number] | undefined
        for (const look of all) {
          now += look.after
          track = observe(track, look.done === undefined ? {} : { done: look.done }, now)
          if (look.done !== undefined) last = [now, track.done ?? 0]
          first ??= last
        }
        const trail = track?.trail ?? []
        longest = Math.max(longest, trail.length)
        expect(trail.length).toBeLessThanOrEqual(MOST_POINTS)
        for (const [n, [at, share]] of trail.entries()) {
          expect(at).toBeGreaterThanOrEqual(trail[n - 1]?.[0] ?? 0)
          expect(share).toBeGreaterThanOrEqual(trail[n - 1]?.[1] ?? 0)
        }
        expect(trail[0]?.[0]).toBe(first?.[0])
        expect(trail.at(-1)?.[0]).toBe(last?.[0])
        if (last) expect(Math.abs((trail.at(-1)?.[1] ?? 0) - last[1])).toBeLessThanOrEqual(0.0001)
        if (last && last[1] < 1) expect(trail.at(-1)?.[1]).toBeLessThan(1)
        if (first) expect(Math.abs((trail[0]?.[1] ?? 0) - first[1])).toBeLessThanOrEqual(0.0001)
      }),
      // Hundreds of looks are not worth making fewer one by one: the first finding is plain enough.
      { numRuns: 200, seed: 20251120, endOnFailure: true },
    )
    // The looks were many enough for the bound to have been one.
    expect(longest).toBeGreaterThan(MOST_POINTS / 2)
  })

  test('of a sync that takes days is spread evenly over them, and small', () => {
    let track: Track | undefined
    const days = 5 * 24 * 360
    for (let n = 0; n <= days; n++) {
      track = observe(track, { done: n / days, total: 40e12 }, NOW + n * 10_000)
      if (n < 200) continue
      const trail = track.trail ?? []
      const gaps = trail.slice(1, -1).map(([at], k) => at - (trail[k]?.[0] ?? 0))
      expect(trail.length).toBeGreaterThanOrEqual(MOST_POINTS / 2)
      expect(trail.length).toBeLessThanOrEqual(MOST_POINTS)
      // After a thinning old gaps are twice the new ones, and a point that gives way leaves one of up to twice that.
      expect(Math.max(...gaps) / Math.min(...gaps)).toBeLessThanOrEqual(4)
    }
    expect(JSON.stringify(track?.trail).length).toBeLessThan(3_000)
  })

  test('has no point for a look that measured nothing', () => {
    expect(looked([0, {}], [10, { note: 'syncing' }])).not.toHaveProperty('trail')
    const trail = looked([0, {}], [10, { done: 0.12345 }], [20, {}], [30, { done: 0.5 }], [40, { done: 0.4 }]).trail
    expect(trail?.map(([at, share]) => [(at - NOW) / 1000, share])).toEqual([
      [10, 0.1234],
      [30, 0.5],
      [40, 0.5],
    ])
  })

  test('does not run backwards when the clock is set back', () => {
    expect(looked([60, { done: 0.1 }], [0, { done: 0.2 }]).trail).toEqual([
      [NOW + 60_000, 0.1],
      [NOW + 60_000, 0.2],
    ])
    expect(looked([60, { done: 0.1 }], [0, { done: 0.2 }], [90, { done: 0.3 }]).trail?.at(-1)).toEqual([NOW + 90_000, 0.3])
  })
})
