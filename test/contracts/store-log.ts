import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOUSE, link, ROOT } from '../../src/domain/chain.ts'
import { hours, type RunId } from '../../src/domain/ids.ts'
import type { Event } from '../../src/domain/run.ts'
import { act, ann, cancelled, done, type Given, gate, sent } from './store-given.ts'

/** The log, for the auditor. */
export function log(given: Given): void {
  describe('the log', () => {
    const odd = {
      'z\u0000': 'nul \u0000, half a pair \ud800, ü, "quotes", \\',
      a: [1e21, 0.1, -0, 1.0, null, { b: 1, a: 2 }],
      '': '',
      nothing: undefined,
    }

    test('can be checked from what is stored, whatever a device answered', async () => {
      const { id } = await given.run(act)
      const after = await given.store.record(id, () => [sent, { ...done, result: odd }])
      expect(await given.other.load(id)).toEqual(after)
      let last = ROOT
      let seq = 0
      for await (const { hash, ...entry } of given.other.entries(id)) {
        expect(entry.seq).toBe(++seq)
        last = link(last, entry)
        expect(hash).toBe(last)
      }
      expect(await given.store.heads()).toContainEqual({ run: id, seq, hash: last })
      expect(seq).toBe(4)
    })

    test('says again exactly what was written, down to the last character', async () => {
      const json = fc.jsonValue({ stringUnit: 'binary' })
      await fc.assert(
        fc.asyncProperty(fc.array(json, { maxLength: 20 }), async results => {
          const { id } = await given.run(gate, act)
          const after = await given.store.record(id, () => results.map(result => ({ ...done, result })))
          expect(await given.other.load(id)).toEqual(after)
          let last = ROOT
          for await (const { hash, ...entry } of given.other.entries(id)) {
            last = link(last, entry)
            expect(hash).toBe(last)
            if (entry.type === 'step.done')
              expect((entry.data as { result: unknown }).result).toEqual(JSON.parse(JSON.stringify(results.shift())))
          }
          await given.store.record(id, () => [cancelled])
        }),
        { numRuns: 15 },
      )
    })

    test('is read in order, however long it is', async () => {
      const { id } = await given.run(act)
      await given.store.record(id, () =>
        Array.from({ length: 1_200 }, (_, i): Event => ({ type: i % 2 ? 'run.resumed' : 'run.paused', by: ann })),
      )
      const all: { run: RunId; seq: number }[] = []
      for await (const { run: of, seq } of given.store.entries()) if (of !== HOUSE) all.push({ run: of, seq })
      const sorted = [...all].sort((a, b) => Number(a.run.slice(1)) - Number(b.run.slice(1)) || a.seq - b.seq)
      expect(all).toEqual(sorted)
      expect(all.filter(it => it.run === id).length).toBe(1_201)
      await given.store.record(id, () => [cancelled])
    })

    test('has the time of the database', async () => {
      const before = await given.store.now()
      await given.pushClock(hours(1))
      const { id } = await given.run(act)
      for await (const { at } of given.store.entries(id)) expect(at - before).toBeGreaterThanOrEqual(hours(1))
    })
  })
}
