import { describe, expect, test } from 'vitest'
import type { Claim } from '../../src/domain/claim.ts'
import type { RunId } from '../../src/domain/ids.ts'
import { intend } from '../../src/domain/program.ts'
import { LeaseLost, type Store } from '../../src/ports/store.ts'
import { act, cancelled, cutover, type Given, intent, LEASE, sent } from './store-given.ts'

/** One worker at a time, and one run at a time on a resource. */
export function holds(given: Given): void {
  const claimBy = (id: RunId, ...claims: Claim[]) =>
    given.store.hold(id, LEASE, async hold => (await hold.claim(claims))?.run ?? 'granted')

  describe('a hold', () => {
    test('turns the second worker away at once', async () => {
      const { id } = await given.run(act)
      const seen = await given.store.hold(id, LEASE, async hold => [
        hold.orphaned,
        await given.other.hold(id, LEASE, async () => 'held too'),
      ])
      expect(seen).toEqual([false, undefined])
    })

    test('has one worker at a time, however many come at once, and each a higher epoch', async () => {
      const { id } = await given.run(act)
      let inside = 0
      const epochs: number[] = []
      const turn = (of: Store) =>
        of.hold(id, LEASE, async hold => {
          expect(++inside).toBe(1)
          epochs.push(hold.epoch)
          await hold.record(() => [])
          inside--
        })
      for (let round = 0; round < 5; round++)
        await Promise.all(Array.from({ length: 20 }, (_, i) => turn(i % 2 ? given.store : given.other)))
      expect(epochs.length).toBeGreaterThanOrEqual(5)
      expect(epochs).toEqual(epochs.map((_, i) => i + 1))
    })

    test('that ended leaves the run free, even when its work threw', async () => {
      const { id } = await given.run(act)
      const broken = given.store.hold(id, LEASE, async () => {
        throw new Error('a bug')
      })
      await expect(broken).rejects.toThrow('a bug')
      expect(await given.other.hold(id, LEASE, async hold => hold.orphaned)).toBe(false)
    })

    test('that ran out is taken over, and says that the worker before was lost', async () => {
      const { id } = await given.run(act)
      await given.store.hold(id, LEASE, async first => {
        await given.pushClock(LEASE + 1)
        const second = await given.other.hold(id, LEASE, async hold => ({ orphaned: hold.orphaned, epoch: hold.epoch }))
        expect(second).toEqual({ orphaned: true, epoch: first.epoch + 1 })
      })
    })

    test('a worker that lost its lease writes nothing', async () => {
      const { id } = await given.run(act)
      await given.store.hold(id, LEASE, async hold => {
        await given.pushClock(LEASE + 1)
        await given.other.hold(id, LEASE, async () => {
          await expect(hold.record(() => [sent])).rejects.toThrow(LeaseLost)
          await expect(hold.claim([{ path: 'a', mode: 'exclusive' }])).rejects.toThrow(LeaseLost)
          await expect(hold.track(cutover, { since: 0, at: 0, moved: 0 })).rejects.toThrow(LeaseLost)
          await expect(hold.waitFor(undefined)).rejects.toThrow(LeaseLost)
          expect(hold.signal.aborted).toBe(true)
        })
      })
      expect(await given.typesOf(id)).toEqual(['run.started'])
      expect((await given.store.load(id))?.tracks.size).toBe(0)
    })

    test('a worker that lost its lease does not end the lease of the next', async () => {
      const { id } = await given.run(act)
      let finish = () => {}
      const second = new Promise<void>(resolve => {
        finish = resolve
      })
      let taken: Promise<unknown> = Promise.resolve()
      await given.store.hold(id, LEASE, async () => {
        await given.pushClock(LEASE + 1)
        await new Promise<void>(begun => {
          taken = given.other.hold(id, LEASE, () => {
            begun()
            return second
          })
        })
      })
      expect(await given.store.hold(id, LEASE, async () => 'held')).toBeUndefined()
      finish()
      await taken
    })

    test('a worker whose turn is over writes nothing', async () => {
      const { id } = await given.run(act)
      const late = await given.store.hold(id, LEASE, async hold => hold)
      await expect(late?.record(() => [sent])).rejects.toThrow(LeaseLost)
      expect(late?.signal.aborted).toBe(true)
    })

    test('a cancel beats a send', async () => {
      const { id } = await given.run(act)
      const after = await given.store.hold(id, LEASE, async hold => {
        await given.other.record(id, () => [cancelled])
        return hold.record(now => intend(now, act, intent))
      })
      expect(after?.outcome).toBe('cancelled')
      expect(await given.typesOf(id)).not.toContain('step.intended')
    })
  })

  describe('a claim', () => {
    test('above or below another collides with it, beside it does not', async () => {
      const [holder, asker] = [await given.run(act), await given.run(act)]
      expect(await claimBy(holder.id, { path: 'vmax/dev/0328', mode: 'exclusive' })).toBe('granted')
      for (const path of ['vmax', 'vmax/dev', 'vmax/dev/0328', 'vmax/dev/0328/part'])
        expect(await claimBy(asker.id, { path, mode: 'shared' })).toBe(holder.id)
      for (const path of ['vmax/dev/0329', 'vmax/dev/03280', 'vmax/de'])
        expect(await claimBy(asker.id, { path, mode: 'exclusive' })).toBe('granted')
      await Promise.all([holder, asker].map(it => given.store.record(it.id, () => [cancelled])))
    })

    test('is granted with all that was asked for or not at all, and names what stands in the way', async () => {
      const [holder, asker, third] = [await given.run(act), await given.run(act), await given.run(act)]
      await claimBy(holder.id, { path: 'b', mode: 'exclusive' })
      const obstacle = await given.store.hold(asker.id, LEASE, hold =>
        hold.claim([
          { path: 'a', mode: 'exclusive' },
          { path: 'b/1', mode: 'shared' },
        ]),
      )
      expect(obstacle).toEqual({ path: 'b', run: holder.id })
      expect(await claimBy(third.id, { path: 'a', mode: 'exclusive' })).toBe('granted')
      await Promise.all([holder, asker, third].map(it => given.store.record(it.id, () => [cancelled])))
    })

    test('that is shared lives beside other shared ones, and keeps an exclusive one out', async () => {
      const [first, second] = [await given.run(act), await given.run(act)]
      const shared: Claim = { path: 'c', mode: 'shared' }
      expect(await claimBy(first.id, shared)).toBe('granted')
      expect(await claimBy(second.id, shared)).toBe('granted')
      expect(await claimBy(second.id, { path: 'c', mode: 'exclusive' })).toBe(first.id)
      await given.store.record(first.id, () => [cancelled])
      expect(await claimBy(second.id, { path: 'c', mode: 'exclusive' })).toBe('granted')
      expect(await claimBy(second.id, shared)).toBe('granted') // once exclusive, it stays so
      const third = await given.run(act)
      expect(await claimBy(third.id, shared)).toBe(second.id)
      await Promise.all([second, third].map(it => given.store.record(it.id, () => [cancelled])))
    })

    test('goes to exactly one of ten who ask at once', async () => {
      const runs = await Promise.all(Array.from({ length: 10 }, () => given.run(act)))
      const answers = await Promise.all(runs.map(it => claimBy(it.id, { path: 'd', mode: 'exclusive' })))
      expect(answers.filter(answer => answer === 'granted').length).toBe(1)
      await Promise.all(runs.map(it => given.store.record(it.id, () => [cancelled])))
    })

    test('of a run that was ended meanwhile is kept by nobody', async () => {
      const [ended, next] = [await given.run(act), await given.run(act)]
      await given.store.hold(ended.id, LEASE, async hold => {
        await given.other.record(ended.id, () => [cancelled])
        await hold.claim([{ path: 'e', mode: 'exclusive' }])
      })
      expect(await claimBy(next.id, { path: 'e', mode: 'exclusive' })).toBe('granted')
      await given.store.record(next.id, () => [cancelled])
    })
  })
}
