import { describe, expect, test, vi } from 'vitest'
import type { Post } from '../../src/domain/chat.ts'
import type { BoardId, Millis, RunId } from '../../src/domain/ids.ts'
import type { About, Store } from '../../src/ports/store.ts'
import { act, type Given, LEASE, place } from './store-given.ts'

/** One that tells until the test lets it end, as if it were frozen. */
interface Teller {
  still(): boolean
  end(): Promise<void>
}

async function teller(store: Store, about: About, lease: Millis = LEASE): Promise<Teller> {
  let end = (): void => {}
  let began = (_: () => boolean): void => {}
  const begun = new Promise<() => boolean>(resolve => {
    began = resolve
  })
  const done = store.telling(about, lease, still => {
    began(still)
    return new Promise<void>(resolve => {
      end = resolve
    })
  })
  const still = await begun
  return {
    still,
    end: () => {
      end()
      return done
    },
  }
}

/** Who makes the chats show a run or a board. */
export function telling(given: Given): void {
  const post: Post = { ...place, message: '171.5' }
  const shown = { still: 's', whole: 'w' }
  const isOld = async (id: RunId) => (await given.store.overdue()).report.includes(id)
  const showing = async (about: About) => (await given.store.posts(about)).get('card')?.shown?.whole
  const tells = (store: Store, about: About) => store.telling(about, LEASE, async () => 'told')
  /** A run whose card shows the newest. */
  const shownRun = async () => {
    const { id, seq } = await given.run(act)
    await given.store.endPost(id, 'card', post, shown)
    await given.store.reported(id, seq)
    return { id, seq }
  }

  describe('telling', () => {
    test('is done by one of twenty, and the others are not kept waiting', async () => {
      const { id } = await given.run(act)
      let end = (): void => {}
      const ended = new Promise<void>(resolve => {
        end = resolve
      })
      let began = 0
      const all = Array.from({ length: 20 }, (_, i) =>
        (i % 2 ? given.store : given.other)
          .telling(id, LEASE, async still => {
            began++
            await ended
            return still()
          })
          .then(answer => {
            if (answer === undefined && ++refused === 19) end()
            return answer
          }),
      )
      let refused = 0
      expect((await Promise.all(all)).filter(answer => answer === true)).toHaveLength(1)
      expect([began, refused]).toEqual([1, 19])
    })

    test('is given back when it is done, and when it failed', async () => {
      const { id } = await given.run(act)
      expect(await tells(given.store, id)).toBe('told')
      await expect(given.store.telling(id, LEASE, () => Promise.reject(new Error('the chat is away')))).rejects.toThrow('away')
      expect(await tells(given.other, id)).toBe('told')
    })

    test('leaves alone what others tell: each run, each board', async () => {
      const [one, two] = [await given.run(act), await given.run(act)]
      const first = await teller(given.store, one.id)
      expect(await tells(given.other, one.id)).toBeUndefined()
      expect(await tells(given.other, two.id)).toBe('told')
      expect(await tells(given.other, 'board:slack/C1/1' as BoardId)).toBe('told')
      await first.end()
    })

    test('in one go leaves the card as what it was said to show', async () => {
      const { id } = await shownRun()
      expect(await tells(given.store, id)).toBe('told')
      expect(await isOld(id)).toBe(false)
      expect(await showing(id)).toBe('w')
    })

    test('passes to another when its lease has run out, and not a moment before', async () => {
      const { id } = await given.run(act)
      const frozen = await teller(given.store, id)
      await given.pushClock(LEASE / 2)
      expect(await tells(given.other, id)).toBeUndefined()
      await given.pushClock(LEASE / 2 + 1)
      expect(await tells(given.other, id)).toBe('told')
      await frozen.end()
    })

    test('after one that died does not believe what was noted of the messages', async () => {
      const { id } = await shownRun()
      const dead = await teller(given.store, id)
      await given.pushClock(LEASE + 1)
      await given.other.telling(id, LEASE, async () => {
        expect(await showing(id)).toBeUndefined()
        await given.other.endPost(id, 'card', post, shown)
      })
      expect(await showing(id)).toBe('w')
      await dead.end()
    })

    test('of one that was frozen makes the card an old one', async () => {
      const { id } = await shownRun()
      const frozen = await teller(given.store, id)
      await given.pushClock(LEASE + 1)
      await given.other.telling(id, LEASE, () => given.other.endPost(id, 'card', post, shown))
      expect(await isOld(id)).toBe(false)
      await frozen.end()
      expect(await isOld(id)).toBe(true)
      expect(await showing(id)).toBeUndefined()
    })

    test('of one that was frozen is made up for even if it ends before the other says what it shows', async () => {
      const { id, seq } = await shownRun()
      const frozen = await teller(given.store, id)
      await given.pushClock(LEASE + 1)
      await given.other.telling(id, LEASE, async () => {
        await frozen.end()
        await given.other.endPost(id, 'card', post, shown)
        await given.other.reported(id, seq)
      })
      expect(await isOld(id)).toBe(true)
      expect(await showing(id)).toBeUndefined()
      await given.other.telling(id, LEASE, async () => {
        await given.other.endPost(id, 'card', post, shown)
        await given.other.reported(id, seq)
      })
      expect(await isOld(id)).toBe(false)
    })

    test("by one that was frozen does not give back what is another's by now", async () => {
      const { id } = await given.run(act)
      const frozen = await teller(given.store, id)
      await given.pushClock(LEASE + 1)
      await given.other.telling(id, LEASE, async still => {
        await frozen.end()
        expect(still()).toBe(true)
        expect(await tells(given.store, id)).toBeUndefined()
      })
    })

    test('of a board that was frozen is made up for as well', async () => {
      const board = 'board:slack/C7/1' as BoardId
      await given.store.endPost(board, 'card', post, shown)
      const frozen = await teller(given.store, board)
      await given.pushClock(LEASE + 1)
      await given.other.telling(board, LEASE, () => given.other.endPost(board, 'card', post, shown))
      await frozen.end()
      expect(await showing(board)).toBeUndefined()
    })

    test('is known to be lost by the one who lost it, and to be had by the one who has it', async () => {
      const { id } = await given.run(act)
      const short: Millis = 600
      const frozen = await teller(given.store, id, short)
      expect(frozen.still()).toBe(true)
      // It is renewed while it lasts, and so it may take more than one push.
      const taken = async () => {
        await given.pushClock(short + 1)
        return given.other.telling(id, LEASE, async still => {
          await vi.waitFor(() => expect(frozen.still()).toBe(false), { timeout: 5_000, interval: 20 })
          expect(still()).toBe(true)
          return 'taken'
        })
      }
      await vi.waitFor(async () => expect(await taken()).toBe('taken'), { timeout: 20_000, interval: 20 })
      await frozen.end()
    })
  })
}
