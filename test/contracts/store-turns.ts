import { describe, expect, test } from 'vitest'
import type { Given } from './store-given.ts'

export function turns(given: Given): void {
  describe('turns of schedules', () => {
    test('are there for every process as the last one noted them', async () => {
      expect(await given.store.turn('S1', undefined, { due: 1_000, missed: 0, skipped: 0 })).toBe(true)
      const last = { due: 1_000, run: 'R1' as never }
      expect(
        await given.store.turn('S1', 1_000, { due: 2_000, last, missed: 3, skipped: 1, trouble: { at: 5, says: 'no' } }),
      ).toBe(true)
      expect((await given.other.turns()).get('S1')).toEqual({
        due: 2_000,
        last,
        missed: 3,
        skipped: 1,
        trouble: { at: 5, says: 'no' },
      })
    })

    test('go on only from where they were: of two that look at once one is heard', async () => {
      await given.store.turn('S2', undefined, { due: 1_000, missed: 0, skipped: 0 })
      const both = [given.store, given.other].map((store, n) =>
        store.turn('S2', 1_000, { due: 2_000 + n, missed: n, skipped: 0 }),
      )
      expect((await Promise.all(both)).toSorted()).toEqual([false, true])
      expect(await given.other.turn('S2', 1_000, { due: 9_000, missed: 9, skipped: 9 })).toBe(false)
      expect((await given.store.turns()).get('S2')?.missed).toBeLessThan(2)
    })

    test('end where there is none any more, and do not begin anew', async () => {
      await given.store.turn('S3', undefined, { due: 1_000, missed: 0, skipped: 0 })
      expect(await given.store.turn('S3', 1_000, { missed: 0, skipped: 0 })).toBe(true)
      expect(await given.other.turn('S3', 1_000, { due: 2_000, missed: 0, skipped: 0 })).toBe(false)
      expect((await given.store.turns()).get('S3')).toEqual({ missed: 0, skipped: 0 })
    })
  })
}
