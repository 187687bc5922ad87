import { describe, expect, test } from 'vitest'
import { digestOf, type Entry } from '../../src/domain/chain.ts'
import type { Person, RunId } from '../../src/domain/ids.ts'
import type { Event } from '../../src/domain/run.ts'
import { LeaseLost } from '../../src/ports/store.ts'
import { act, cancelled, chained, type Given, gate, LEASE, sign } from './store-given.ts'

/** What a worker finds when somebody has written into the database by hand. */
export function forgeries(given: Given): void {
  const voted = (by: string): Event => ({
    type: 'step.voted',
    step: gate.id,
    vote: { by: by as Person, verdict: 'approve', shown: digestOf(1), at: 0 },
  })
  /** A run that waits for its second vote: entries 1 to 3 are its start, the open gate, and one vote. */
  const waiting = async (by = 'bob'): Promise<RunId> => {
    const { id } = await given.run(gate, act)
    await given.store.record(id, () => [voted(by)])
    return id
  }
  const none = ({ mac: _, ...entry }: Entry): Entry => entry
  const said = (entry: Entry, by: string): Entry => ({
    ...entry,
    data: { ...(entry.data as object), vote: { by, verdict: 'approve' } },
  })
  const last = (entries: readonly Entry[]): Entry => entries.at(-1)!
  const stranger = (id: RunId, seq: number) => `entry ${seq} of ${id} was not written by Signalbox`

  describe('a log', () => {
    test('that Signalbox wrote is found whole, and each of its entries sealed', async () => {
      const id = await waiting()
      expect(await given.forged(id)).toBeUndefined()
      for (const { hash, mac } of await given.entriesOf(id)) expect(mac).toBe(sign(hash))
      await given.store.record(id, () => [voted('cy')])
      expect(await given.forged(id)).toBeUndefined()
      await given.store.record(id, () => [cancelled])
      expect(await given.forged(id)).toBeUndefined()
    })

    test('with a vote that somebody put in is not believed, with no MAC or with that of another', async () => {
      const id = await waiting()
      const before = await given.entriesOf(id)
      for (const mac of [undefined, last(before).mac, before[0]?.mac, 'x', '']) {
        const made = said(none(last(before)), 'cy')
        await given.rewrite(id, entries => chained([...entries, mac === undefined ? made : { ...made, mac }]))
        expect(await given.forged(id)).toBe(stranger(id, 4))
        await given.rewrite(id, () => before)
      }
      expect(await given.forged(id)).toBeUndefined()
    })

    test('is not believed any more when Signalbox went on after a vote that somebody put in', async () => {
      const id = await waiting()
      await given.rewrite(id, entries => chained([...entries, said(none(last(entries)), 'cy')]))
      const after = await given.store.record(id, () => [])
      expect(after.steps.get(gate.id)?.is).toBe('done')
      expect(await given.forged(id)).toBe(stranger(id, 4))
    })

    test('with an approval of another run is not believed', async () => {
      const [id, other] = [await waiting('bob'), await waiting('cy')]
      const approval = last(await given.entriesOf(other))
      await given.rewrite(id, entries => chained([...entries, { ...approval, run: id }]))
      expect(await given.forged(id)).toBe(stranger(id, 4))
    })

    test('with an approval from another place of it is not believed', async () => {
      const id = await waiting()
      const before = await given.entriesOf(id)
      await given.rewrite(id, entries => chained([...entries, last(entries)]))
      expect(await given.forged(id)).toBe(stranger(id, 4))
      await given.rewrite(id, () => chained([before[0]!, before[2]!, before[1]!]))
      expect(await given.forged(id)).toBe(stranger(id, 2))
    })

    test('with a vote that was edited is not believed, whether or not the hashes were made to fit', async () => {
      const id = await waiting()
      const before = await given.entriesOf(id)
      const edited = [...before.slice(0, 2), said(before[2]!, 'mallory')]
      for (const entries of [edited, chained(edited)]) {
        await given.rewrite(id, () => entries)
        expect(await given.forged(id)).toBe(stranger(id, 3))
      }
    })

    test('without a vote that was in the middle of it is not believed', async () => {
      const id = await waiting()
      await given.store.record(id, () => [{ type: 'run.paused', by: 'cy' as Person }])
      const before = await given.entriesOf(id)
      const left = before.filter(entry => entry.type !== 'step.voted')
      await given.rewrite(id, () => left)
      expect(await given.forged(id)).toBe(`entry 3 of ${id} is missing`)
      await given.rewrite(id, () => chained(left))
      expect(await given.forged(id)).toBe(stranger(id, 3))
    })

    test('whose MACs were all taken away is not believed, however old it says it is', async () => {
      const id = await waiting()
      await given.rewrite(id, entries => chained(entries.map(entry => ({ ...none(entry), at: 1 }))))
      expect(await given.forged(id)).toBe(stranger(id, 1))
    })

    test('is read by whoever has the run, and by nobody who lost it', async () => {
      const { id } = await given.run(act)
      await given.store.hold(id, LEASE, async hold => {
        await given.pushClock(LEASE + 1)
        await given.other.hold(id, LEASE, async () => {
          await expect(hold.forged()).rejects.toThrow(LeaseLost)
        })
      })
    })
  })
}
