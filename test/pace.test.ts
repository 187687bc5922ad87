import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { minutes, seconds } from '../src/domain/ids.ts'
import { crowded, interval, worthShowing } from '../src/domain/pace.ts'
import { NOW } from './fakes/given.ts'

describe('the pace of percentages', () => {
  test('lets all cards together have the budget, and no card more than one edit in 5 s', () => {
    expect(interval(1, 30)).toBe(seconds(5))
    expect(interval(5, 30)).toBe(seconds(10))
    expect(interval(15, 30)).toBe(seconds(30))
    expect(interval(0, 30)).toBe(seconds(5))
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000 }), fc.integer({ min: 1, max: 3_000 }), (live, perMinute) => {
        expect((live * 60_000) / interval(live, perMinute)).toBeLessThanOrEqual(perMinute + 1e-6)
      }),
    )
  })

  test('is too slow for a card each from the eighth run on, at 30 edits a minute', () => {
    expect([1, 7, 8, 200].map(live => crowded(live, 30))).toEqual([false, false, true, true])
  })

  const before = { share: 0.5, at: NOW }
  const later = (ms: number, share: number | undefined, every = seconds(5)): boolean =>
    worthShowing(before, share, NOW + ms, every)

  test('shows what was never shown', () => {
    expect(worthShowing(undefined, 0.1, NOW, minutes(1))).toBe(true)
  })

  test('shows nothing before its time, however far it moved', () => {
    expect(later(seconds(5) - 1, 0.9)).toBe(false)
    expect(later(seconds(5), 0.9)).toBe(true)
    expect(later(seconds(40), 0.9, minutes(1))).toBe(false)
  })

  test('shows a move that people see at once, and a smaller one after half a minute', () => {
    expect(later(seconds(10), 0.519)).toBe(false)
    expect(later(seconds(10), 0.52)).toBe(true)
    expect(worthShowing({ share: 0.55, at: NOW }, 0.57, NOW + seconds(10), seconds(5))).toBe(true)
    expect(later(seconds(30) - 1, 0.501)).toBe(false)
    expect(later(seconds(30), 0.501)).toBe(true)
  })

  test('shows that a share came to be known, or no longer is', () => {
    expect(worthShowing({ at: NOW }, 0, NOW + seconds(6), seconds(5))).toBe(true)
    expect(later(seconds(6), undefined)).toBe(true)
    expect(worthShowing({ at: NOW }, undefined, NOW + seconds(6), seconds(5))).toBe(false)
  })

  test('shows nothing where boards show it', () => {
    expect(later(minutes(1_000), 1, Number.POSITIVE_INFINITY)).toBe(false)
  })
})
