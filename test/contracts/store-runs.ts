import { describe, expect, test } from 'vitest'
import { digestOf } from '../../src/domain/chain.ts'
import { hours, type Person, type RunId, type StepId } from '../../src/domain/ids.ts'
import type { Event } from '../../src/domain/run.ts'
import { act, ann, done, type Given, gate, LEASE, place, sent, started } from './store-given.ts'

/** Runs and changes to them. */
export function runs(given: Given): void {
  describe('a run', () => {
    test('the same origin twice is the same run', async () => {
      const ids = await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 ? given.store : given.other).create('slack:C9:1', place, started(act))),
      )
      expect(new Set(ids.map(it => it.id)).size).toBe(1)
      expect(ids[0]?.seq).toBe(1)
    })

    test('is found by what it came of, and nothing is found by anything else', async () => {
      const { id } = await given.store.create('slack:C9:found', place, started(act))
      const changed = await given.store.record(id, () => [{ type: 'run.paused', by: ann }])
      expect(await given.other.byOrigin('slack:C9:found')).toEqual(changed)
      expect(await given.other.byOrigin('slack:C9:foun')).toBeUndefined()
    })

    test('is said aloud as a letter and a number, and counts up', async () => {
      const [first, second] = [await given.run(act), await given.run(act)]
      expect(first.id).toMatch(/^R\d+$/)
      expect(Number(second.id.slice(1))).toBeGreaterThan(Number(first.id.slice(1)))
    })

    test('begins with everything that follows from its start', async () => {
      const { id, steps } = await given.run(gate, act)
      expect(steps.get(gate.id)?.is).toBe('open')
      expect(await given.typesOf(id)).toEqual(['run.started', 'step.opened'])
    })

    test('is the same to whoever made it and whoever loads it', async () => {
      const created = await given.run(gate, act)
      expect(await given.other.load(created.id)).toEqual(created)
      const changed = await given.store.record(created.id, () => [{ type: 'run.paused', by: ann }])
      expect(await given.other.load(created.id)).toEqual(changed)
    })

    test('that nobody started cannot be loaded, changed or held', async () => {
      const nobody = 'R999999' as RunId
      expect(await given.store.load(nobody)).toBeUndefined()
      await expect(given.store.record(nobody, () => [])).rejects.toThrow(/no run R999999/)
      expect(await given.store.hold(nobody, LEASE, async () => 'held')).toBeUndefined()
    })

    test('is listed newest first, and not among the live ones once it is over', async () => {
      const [first, second] = [await given.run(act), await given.run(act)]
      await given.store.record(first.id, () => [sent, done])
      expect((await given.store.list('all', 2)).map(it => it.id)).toEqual([second.id, first.id])
      expect((await given.store.list('live', 1000)).map(it => it.id)).not.toContain(first.id)
      expect((await given.store.list('live', 1)).map(it => it.id)).toEqual([second.id])
    })
  })

  describe('a review', () => {
    const broken: Event = { type: 'run.broke-glass', by: ann, because: 'the array burns', until: 4e12, rule: gate.rule }
    const reviewed: Event = { type: 'run.reviewed', by: 'bob' as Person, because: 'it did burn' }
    const open = async () => (await given.other.list('reviews', 1000)).map(it => it.id)

    test('is open from when the glass is broken until somebody closes it, also of a run that is over', async () => {
      const [first, second, third] = [await given.run(gate, act), await given.run(gate, act), await given.run(gate, act)]
      expect(await open()).toEqual([])
      for (const { id } of [first, second]) await given.store.record(id, () => [broken])
      expect(await open()).toEqual([second.id, first.id])
      const over = await given.store.record(first.id, () => [{ type: 'run.turned', to: 'stopping', by: ann }])
      expect(over.outcome).toBeDefined()
      expect((await given.store.list('reviews', 1)).map(it => it.id)).toEqual([second.id])
      expect(await open()).toEqual([second.id, first.id])
      await given.store.record(first.id, () => [reviewed])
      expect(await open()).toEqual([second.id])
      await given.store.record(second.id, () => [reviewed, { type: 'run.turned', to: 'stopping', by: ann }])
      expect(await open()).toEqual([])
      expect((await given.store.load(third.id))?.outcome).toBeUndefined()
    })
  })

  describe('a change', () => {
    test('sees every change before it, however many come at once', async () => {
      const { id, seq } = await given.run(act)
      const seen: number[] = []
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (i % 2 ? given.store : given.other).record(id, before => {
            seen.push(before.seq)
            return [{ type: before.paused ? 'run.resumed' : 'run.paused', by: ann }]
          }),
        ),
      )
      expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => seq + i))
      expect((await given.typesOf(id)).length).toBe(seq + 20)
    })

    test('two last votes make one opening', async () => {
      const { id } = await given.run(gate, act)
      const vote = (by: Person) => (before: { steps: ReadonlyMap<StepId, { is: string }> }) =>
        before.steps.get(gate.id)?.is === 'open'
          ? [{ type: 'step.voted', step: gate.id, vote: { by, verdict: 'approve', shown: digestOf(1), at: 0 } } satisfies Event]
          : []
      await Promise.all(
        ['bob', 'cy', 'dee', 'eve'].map((by, i) => (i % 2 ? given.store : given.other).record(id, vote(by as Person))),
      )
      const types = await given.typesOf(id)
      expect(types.filter(type => type === 'step.voted').length).toBe(2)
      expect(types.filter(type => type === 'step.done').length).toBe(1)
    })

    test('that throws writes nothing', async () => {
      const { id, seq } = await given.run(act)
      const broken = given.store.record(id, () => {
        throw new Error('a bug')
      })
      await expect(broken).rejects.toThrow('a bug')
      expect((await given.store.load(id))?.seq).toBe(seq)
    })

    test('of nothing still writes what time has made due', async () => {
      const { id } = await given.run(gate, act)
      await given.pushClock(hours(1) + 1)
      const after = await given.store.record(id, () => [])
      expect(after.outcome).toBe('failed')
      expect(await given.typesOf(id)).toEqual([
        'run.started',
        'step.opened',
        'step.failed',
        'run.turned',
        'step.skipped',
        'run.finished',
      ])
    })
  })
}
