import { describe, expect, test } from 'vitest'
import { hours, minutes, type RunId, type StepId, seconds } from '../../src/domain/ids.ts'
import type { Step } from '../../src/domain/plan.ts'
import { act, ann, cancelled, type Given, gate, LEASE } from './store-given.ts'

/** What the sweep finds. */
export function sweep(given: Given): void {
  describe('what is overdue', () => {
    const advance = async () => (await given.store.overdue()).advance
    const report = async () => (await given.store.overdue()).report

    test('a run with work that nobody was nudged about', async () => {
      const { id } = await given.run(act)
      expect(await advance()).toContain(id)
      await given.store.record(id, () => [cancelled])
      expect(await advance()).not.toContain(id)
    })

    test('a gate in whose time nobody answered, and not a moment before', async () => {
      const { id } = await given.run(gate, act)
      expect(await advance()).not.toContain(id)
      await given.pushClock(hours(1))
      expect(await advance()).toContain(id)
    })

    test('a run whose worker died, and not one whose worker lives', async () => {
      const { id } = await given.run(act)
      await given.store.hold(id, LEASE, async () => {
        expect(await advance()).not.toContain(id)
        await given.pushClock(LEASE + 1)
        expect(await advance()).toContain(id)
      })
    })

    test('a card that shows an older state than the run has', async () => {
      const { id, seq } = await given.run(act)
      expect(await report()).toContain(id)
      await given.store.reported(id, seq)
      expect(await report()).not.toContain(id)
      const after = await given.store.record(id, () => [{ type: 'run.paused', by: ann }])
      expect(await report()).toContain(id)
      await given.store.reported(id, after.seq)
      await given.store.reported(id, seq) // an older report that took its time
      expect(await report()).not.toContain(id)
    })

    test('a look brings its run back when the next one is due, and makes its card an old one', async () => {
      const watch: Step = {
        id: 'sync' as StepId,
        says: 'until it is in sync',
        kind: 'watch',
        read: act.action,
        until: { field: 'state', is: 'in sync' },
        every: minutes(1),
        within: hours(9),
        timeout: seconds(5),
      }
      const { id, seq } = await given.run(watch)
      await given.store.reported(id, seq)
      const now = await given.store.now()
      const track = { since: now, at: now, moved: now, next: now + minutes(1), done: 0.25, note: 'cycle 3' }
      const after = await given.store.hold(id, LEASE, hold => hold.track(watch.id, track))
      expect(after?.tracks.get(watch.id)).toEqual(track)
      expect(await given.other.load(id)).toEqual(after)
      expect(after?.seq).toBe(seq)
      expect(await report()).toContain(id)
      expect(await advance()).not.toContain(id)
      await given.pushClock(minutes(1))
      expect(await advance()).toContain(id)
    })

    test('a run that waits for another comes back when it is time to try again', async () => {
      const { id } = await given.run(act)
      const next = (await given.store.now()) + minutes(1)
      const waiting = await given.store.hold(id, LEASE, hold => hold.waitFor({ path: 'x', run: 'R1' as RunId, next }))
      expect(waiting?.waitsFor).toEqual({ path: 'x', run: 'R1', next })
      expect(await advance()).not.toContain(id)
      await given.pushClock(minutes(1))
      expect(await advance()).toContain(id)
      expect((await given.store.hold(id, LEASE, hold => hold.waitFor(undefined)))?.waitsFor).toBeUndefined()
      expect((await given.other.load(id))?.waitsFor).toBeUndefined()
    })
  })
}
