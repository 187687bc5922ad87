import { beforeEach, describe, expect, test } from 'vitest'
import type { Place } from '../../src/domain/chat.ts'
import type { Follow } from '../../src/domain/follow.ts'
import { hours, type Person, type RunId } from '../../src/domain/ids.ts'
import { act, ann, cancelled, type Given, place } from './store-given.ts'

const bob = 'bob' as Person
const elsewhere: Place = { chat: 'discord', channel: '42' }
const DAY = hours(24)

/** Who wants to see which runs where, and when it has to be quiet there. */
export function follows(given: Given): void {
  const short = ({ at, what, by }: Follow) => ({ at, what, by })
  const all = async () => (await given.other.follows()).map(short)
  const run = 'R4711' as RunId

  describe('following', () => {
    beforeEach(async () => {
      for (const { at } of await given.store.follows()) await given.store.unfollow(at)
      for (const { at } of await given.store.quiets()) await given.store.clearQuiet(at)
    })

    test('who follows what and where is there for every process, in the order in which it was asked for', async () => {
      const before = await given.store.now()
      const first = await given.store.follow({ at: place, what: { runs: 'migrate', on: 'vmax-*' }, by: ann })
      await given.store.follow({ at: elsewhere, what: { runs: '*' }, by: bob })
      await given.other.follow({ at: { ...place, thread: '171.5' }, what: { run }, by: ann })
      expect(first.since).toBeGreaterThanOrEqual(before)
      expect((await given.other.follows())[0]).toEqual(first)
      expect(await all()).toEqual([
        { at: place, what: { runs: 'migrate', on: 'vmax-*' }, by: ann },
        { at: elsewhere, what: { runs: '*' }, by: bob },
        { at: { ...place, thread: '171.5' }, what: { run }, by: ann },
      ])
    })

    test('the same place and runbook twice is one, and what was said last holds', async () => {
      const first = await given.store.follow({ at: place, what: { runs: 'migrate', on: 'vmax-*' }, by: ann })
      await given.pushClock(1000)
      const second = await given.other.follow({ at: place, what: { runs: 'migrate' }, by: bob })
      expect(second.id).toBe(first.id)
      expect(second.since).toBeGreaterThan(first.since)
      await Promise.all(
        Array.from({ length: 10 }, (_, i) => (i % 2 ? given.store : given.other).follow({ at: place, what: { run }, by: ann })),
      )
      expect(await all()).toEqual([
        { at: place, what: { runs: 'migrate' }, by: bob },
        { at: place, what: { run }, by: ann },
      ])
    })

    test('a place is that place, whatever comes along with it', async () => {
      const post = { ...place, message: '171.5' }
      await given.store.follow({ at: post, what: { run }, by: ann })
      await given.store.follow({ at: place, what: { run }, by: ann })
      expect(await all()).toEqual([{ at: place, what: { run }, by: ann }])
      expect(await given.store.unfollow(post, { run })).toBe(1)
    })

    test('what is not followed any more is gone, and nothing beside it', async () => {
      await given.store.follow({ at: place, what: { runs: 'migrate', on: 'vmax-*' }, by: ann })
      await given.store.follow({ at: place, what: { run }, by: ann })
      await given.store.follow({ at: elsewhere, what: { runs: 'migrate' }, by: ann })
      expect(await given.other.unfollow(place, { runs: 'migrate' })).toBe(1)
      expect(await given.other.unfollow(place, { runs: 'migrate' })).toBe(0)
      expect(await all()).toEqual([
        { at: place, what: { run }, by: ann },
        { at: elsewhere, what: { runs: 'migrate' }, by: ann },
      ])
    })

    test('a runbook that is called like a run is no run', async () => {
      await given.store.follow({ at: place, what: { runs: run }, by: ann })
      expect(await given.store.unfollow(place, { run })).toBe(0)
      expect(await given.store.unfollow(place, { runs: run })).toBe(1)
    })

    test('everything that is followed in a place ends with one word', async () => {
      await given.store.follow({ at: place, what: { runs: '*' }, by: ann })
      await given.store.follow({ at: place, what: { run }, by: ann })
      await given.store.follow({ at: elsewhere, what: { run }, by: ann })
      expect(await given.other.unfollow(place)).toBe(2)
      expect(await all()).toEqual([{ at: elsewhere, what: { run }, by: ann }])
    })

    test('quiet hours are kept for each place, and what was said last holds', async () => {
      await given.store.setQuiet({ at: place, from: 1320, to: 420, zone: 'Europe/Berlin', by: ann })
      await given.store.setQuiet({ at: elsewhere, from: 0, to: 1, zone: 'UTC', by: ann })
      await given.other.setQuiet({ at: place, from: 1380, to: 360, zone: 'Europe/London', by: bob })
      expect(await given.other.quiets()).toEqual([
        { at: elsewhere, from: 0, to: 1, zone: 'UTC', by: ann },
        { at: place, from: 1380, to: 360, zone: 'Europe/London', by: bob },
      ])
      expect(await given.store.clearQuiet(place)).toBe(true)
      expect(await given.other.clearQuiet(place)).toBe(false)
      expect(await given.other.quiets()).toEqual([{ at: elsewhere, from: 0, to: 1, zone: 'UTC', by: ann }])
    })

    test('who watched a run may look at how it ended for a month, and then no more', async () => {
      const [over, live] = [await given.run(act), await given.run(act)]
      for (const { id } of [over, live]) await given.store.follow({ at: place, what: { run: id }, by: ann })
      await given.store.follow({ at: place, what: { runs: '*' }, by: ann })
      await given.store.record(over.id, () => [cancelled])
      expect((await given.store.load(over.id))?.outcome).toBeDefined()
      await given.pushClock(29 * DAY)
      await given.store.purge(DAY)
      expect(await all()).toHaveLength(3)
      await given.pushClock(DAY)
      await given.store.purge(DAY)
      expect(await all()).toEqual([
        { at: place, what: { run: live.id }, by: ann },
        { at: place, what: { runs: '*' }, by: ann },
      ])
    })
  })
}
