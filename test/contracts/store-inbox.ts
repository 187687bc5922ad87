import { describe, expect, test } from 'vitest'
import type { Said } from '../../src/domain/chat.ts'
import { type Handle, hours, type Millis, minutes, seconds } from '../../src/domain/ids.ts'
import { type Given, place } from './store-given.ts'

const DAY = hours(24)

/** What came in. */
export function inbox(given: Given): void {
  const said = (id: string, at = place): Said => ({ id, text: 'help \u0000', by: 'slack:U1' as Handle, at })
  const waits = async (id: string) => (await given.other.unanswered(0)).find(it => it.id === id)

  describe('the inbox', () => {
    test('a delivery that comes again is not heard again', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) => (i % 2 ? given.store : given.other).receive(said('once'))),
      )
      expect(answers.filter(Boolean).length).toBe(1)
      expect(await given.store.receive(said('once', { chat: 'discord', channel: 'C1' }))).toBe(true)
    })

    test('what was heard and not answered is found again, oldest first', async () => {
      await given.store.receive(said('older'))
      await given.pushClock(seconds(1))
      await given.store.receive(said('newer'))
      const waiting = async (olderThan: Millis) =>
        (await given.other.unanswered(olderThan)).map(it => it.id).filter(id => id === 'older' || id === 'newer')
      expect(await waiting(0)).toEqual(['older', 'newer'])
      expect(await waiting(seconds(1))).toEqual(['older'])
      expect(await waits('older')).toEqual(said('older'))
      await given.store.answered(said('older'), 'accepted')
      expect(await waiting(0)).toEqual(['newer'])
    })

    test('a sentence keeps all that it has', async () => {
      const whole: Required<Omit<Said, 'code'>> = {
        ...said('whole', { ...place, thread: '171.5' }),
        when: 1_763_640_000_000,
        on: '171.6',
        edits: 'earlier',
        machine: true,
      }
      await given.store.receive(whole)
      expect(await waits('whole')).toEqual(whole)
    })

    test('a code of a second factor is not kept', async () => {
      await given.store.receive({ ...said('proved'), code: '287082' })
      expect(await waits('proved')).toEqual(said('proved'))
    })

    test('what a delivery carries beside the sentence is not kept', async () => {
      const delivery = {
        ...said('laden'),
        at: { ...place, token: 'canary-1' },
        token: 'canary-2',
        headers: { authorization: 'canary-3', cookie: 'canary-4', 'x-slack-signature': 'canary-5' },
        response_url: 'https://hooks.example/canary-6',
      }
      await given.store.receive(delivery)
      expect(await waits('laden')).toEqual(said('laden'))
    })

    test('what came of a sentence is written beside it, and the first answer stands', async () => {
      await given.store.receive(said('decided'))
      expect(await given.outcomeOf('decided')).toBeUndefined()
      await given.store.answered(said('decided'), 'flood')
      await given.other.answered(said('decided'), 'accepted')
      expect(await given.outcomeOf('decided')).toBe('flood')
    })

    test('what was answered long ago is removed, and nothing that waits for an answer', async () => {
      for (const id of ['long answered', 'long waiting', 'late answered']) await given.store.receive(said(id))
      await given.store.answered(said('long answered'), 'accepted')
      await given.pushClock(DAY)
      await given.store.answered(said('late answered'), 'accepted')
      await given.store.receive(said('just answered'))
      await given.store.answered(said('just answered'), 'accepted')
      await given.pushClock(minutes(1))
      expect(await given.store.purge(DAY)).toBeGreaterThan(0)
      expect(await given.store.purge(DAY)).toBe(0)
      expect(await waits('long waiting')).toBeDefined()
      // What is gone is taken for new again, and what is there is not.
      expect(await given.store.receive(said('long answered'))).toBe(true)
      for (const id of ['long waiting', 'late answered', 'just answered']) expect(await given.other.receive(said(id))).toBe(false)
    })

    test('how much waits, and for how long, can be asked at any time', async () => {
      for (const one of await given.store.unanswered(0)) await given.store.answered(one, 'accepted')
      expect((await given.store.waiting()).inbox).toEqual({ waiting: 0, oldest: 0 })
      await given.store.receive(said('first of two'))
      await given.pushClock(minutes(1))
      await given.store.receive(said('second of two'))
      const { waiting, oldest } = (await given.other.waiting()).inbox
      expect(waiting).toBe(2)
      expect(oldest).toBeGreaterThanOrEqual(minutes(1))
      expect(oldest).toBeLessThan(minutes(2))
    })

    test('a flood is handed out bit by bit, the oldest first', async () => {
      for (const one of await given.store.unanswered(0)) await given.store.answered(one, 'accepted')
      await given.store.receive(said('before the flood'))
      await given.pushClock(seconds(1))
      await Promise.all(Array.from({ length: 1_000 }, (_, n) => given.store.receive(said(`flood ${n}`))))
      const some = await given.other.unanswered(0)
      expect(some).toHaveLength(1_000)
      expect(some[0]?.id).toBe('before the flood')
      for (const one of some) await given.store.answered(one, 'flood')
      expect(await given.store.unanswered(0)).toHaveLength(1)
    })

    test('how many cards are old can be asked at any time', async () => {
      const before = (await given.store.waiting()).unreported
      const { id, seq } = await given.run()
      expect((await given.store.waiting()).unreported).toBe(before + 1)
      await given.store.reported(id, seq)
      expect((await given.other.waiting()).unreported).toBe(before)
    })
  })
}
