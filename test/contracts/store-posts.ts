import { describe, expect, test } from 'vitest'
import type { Post } from '../../src/domain/chat.ts'
import { type BoardId, minutes } from '../../src/domain/ids.ts'
import { act, type Given, place } from './store-given.ts'

/** What went out. */
export function posts(given: Given): void {
  const post: Post = { ...place, message: '171.5' }
  const board = 'board:slack/C1/1' as BoardId

  describe('posts', () => {
    test('a post is begun by exactly one of twenty, and it is known since when', async () => {
      const { id } = await given.run(act)
      const before = await given.store.now()
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 ? given.store : given.other).beginPost(id, 'card')),
      )
      expect(answers.filter(Boolean).length).toBe(1)
      const begun = (await given.store.posts(id)).get('card')?.begun
      expect(begun).toBeGreaterThanOrEqual(before)
      expect(await given.store.posts(id)).toEqual(new Map([['card', { begun }]]))
      await given.pushClock(minutes(1))
      await given.store.endPost(id, 'card', post)
      expect(await given.other.posts(id)).toEqual(new Map([['card', { begun, post }]]))
    })

    test('a message is known by what it shows, and since when', async () => {
      const { id } = await given.run(act)
      await given.store.beginPost(id, 'card')
      const before = await given.store.now()
      await given.store.endPost(id, 'card', post, { still: 's1', whole: 'w1', share: 0.375 })
      const first = (await given.other.posts(id)).get('card')?.shown
      expect(first).toEqual({ still: 's1', whole: 'w1', share: 0.375, at: first?.at })
      expect(first?.at).toBeGreaterThanOrEqual(before)
      await given.pushClock(minutes(1))
      await given.store.endPost(id, 'card', post, { still: 's2', whole: 'w2' })
      const second = (await given.other.posts(id)).get('card')?.shown
      expect(second).toEqual({ still: 's2', whole: 'w2', at: second?.at })
      expect(second?.at).toBeGreaterThanOrEqual((first?.at ?? 0) + minutes(1))
    })

    test('a message that may show something else is not said to show what it did', async () => {
      const { id } = await given.run(act)
      await given.store.endPost(id, 'card', post, { still: 's1', whole: 'w1' })
      await given.store.endPost(id, 'card', post)
      expect((await given.other.posts(id)).get('card')?.shown).toBeUndefined()
      expect((await given.other.posts(id)).get('card')?.post).toEqual(post)
    })

    test('a message that is gone may be begun anew, by one, and the others stay', async () => {
      const { id } = await given.run(act)
      for (const key of ['card', 'ring']) await given.store.endPost(id, key, post, { still: 's', whole: 'w' })
      await given.store.losePost(id, 'card', { ...post, message: 'of somebody else' })
      expect((await given.other.posts(id)).get('card')?.post).toEqual(post)
      await given.store.losePost(id, 'card', post)
      expect([...(await given.other.posts(id)).keys()]).toEqual(['ring'])
      expect(await given.other.beginPost(id, 'card')).toBe(true)
      expect(await given.store.beginPost(id, 'card')).toBe(false)
      expect((await given.store.posts(id)).get('card')?.post).toBeUndefined()
    })

    test('a board is no run, and has messages of its own', async () => {
      const { id } = await given.run(act)
      expect(await given.store.beginPost(board, 'card')).toBe(true)
      await given.store.endPost(board, 'card', post, { still: 's', whole: 'w' })
      expect((await given.other.posts(board)).get('card')?.post).toEqual(post)
      expect((await given.other.posts(id)).size).toBe(0)
      expect((await given.other.posts('board:slack/C1/2' as BoardId)).size).toBe(0)
    })

    test('the boards that have a message are known, and only those', async () => {
      const { id } = await given.run(act)
      const [first, second] = ['board:slack/C8/1' as BoardId, 'board:slack/C8/2' as BoardId]
      const known = async () => (await given.other.boards()).filter(about => !about.startsWith('board:slack/C1/'))
      for (const about of [id, second, first]) await given.store.endPost(about, 'board', post)
      expect(await known()).toEqual([first, second])
      await given.store.losePost(first, 'board', post)
      expect(await known()).toEqual([second])
      await given.store.losePost(second, 'board', post)
    })
  })
}
