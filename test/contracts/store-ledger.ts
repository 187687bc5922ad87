import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Entry, HOUSE, link, ROOT } from '../../src/domain/chain.ts'
import { type Digest, type Handle, minutes, type Person } from '../../src/domain/ids.ts'
import type { LedgerEvent } from '../../src/domain/ledger.ts'
import { Forged } from '../../src/ports/store.ts'
import { act, ann, type Given, sign } from './store-given.ts'

/** What the house remembers beside its runs. */
export function ledger(given: Given): void {
  const failed = (person: string): LedgerEvent => ({ type: 'factor.failed', person: person as Person })
  const linked = (handle: string, until = 4e12): LedgerEvent => ({
    type: 'link.made',
    handle: handle as Handle,
    person: ann,
    until,
    roles: ['storage'],
  })

  describe('the ledger', () => {
    test('remembers what was kept, for every process', async () => {
      const before = await given.store.ledger()
      const kept = await given.store.keep(() => [linked('slack:U7')])
      expect(kept.seq).toBe(before.seq + 1)
      expect(kept.links.get('slack:U7' as Handle)).toMatchObject({ person: ann, until: 4e12, roles: ['storage'] })
      expect(await given.other.ledger()).toEqual(kept)
      const without = await given.other.keep(() => [{ type: 'link.ended', handle: 'slack:U7' as Handle, by: 'ann' }])
      expect(await given.store.ledger()).toEqual(without)
      expect(without.links.has('slack:U7' as Handle)).toBe(false)
    })

    test('each change sees every change before it, however many come at once', async () => {
      const { seq } = await given.store.ledger()
      const seen: number[] = []
      await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          (i % 2 ? given.store : given.other).keep(before => {
            seen.push(before.seq)
            return [failed('ann'), failed('bob')]
          }),
        ),
      )
      expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => seq + 2 * i))
      expect((await given.other.ledger()).seq).toBe(seq + 40)
    })

    test('a change that throws, or has nothing to say, writes nothing', async () => {
      const before = await given.store.ledger()
      const broken = given.store.keep(() => {
        throw new Error('a bug')
      })
      await expect(broken).rejects.toThrow('a bug')
      expect(await given.store.keep(() => [])).toEqual(before)
      expect(await given.other.ledger()).toEqual(before)
    })

    test('has the time of the database, which a change is told', async () => {
      const before = await given.store.now()
      await given.pushClock(minutes(5))
      let told = 0
      await given.store.keep((_, now) => {
        told = now
        return [failed('ann')]
      })
      expect(told - before).toBeGreaterThanOrEqual(minutes(5))
      expect((await given.entriesOf(HOUSE)).at(-1)?.at).toBe(told)
    })

    test('goes on from its last time when the clock of the database steps back', async () => {
      await given.store.keep(() => [failed('ann')])
      const last = (await given.entriesOf(HOUSE)).at(-1)?.at ?? 0
      await given.pushClock(-minutes(60))
      let told = 0
      await given.store.keep((_, now) => {
        told = now
        return [failed('bob')]
      })
      await given.pushClock(minutes(60))
      expect(told).toBe(last)
      const times = (await given.entriesOf(HOUSE)).map(entry => entry.at)
      expect(times).toEqual([...times].sort((a, b) => a - b))
    })

    test('says again exactly what was written, down to the last character', async () => {
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), async (scope, because) => {
          const key = `${scope}/${because}`
          const event: LedgerEvent = { type: 'freeze.begun', scope, until: 4e12, by: ann, because, key }
          const kept = await given.store.keep(() => [event])
          expect(await given.other.ledger()).toEqual(kept)
          const { type, ...data } = event
          expect((await given.entriesOf(HOUSE)).at(-1)).toMatchObject({ type, data: JSON.parse(JSON.stringify(data)) })
        }),
        { numRuns: 15, examples: [['\u0000 \ud800', '"']] },
      )
    })

    test('is one chain, as a run is, and sealed entry by entry', async () => {
      await given.store.keep(() => [failed('ann'), failed('bob')])
      const entries = await given.entriesOf(HOUSE)
      let before = ROOT
      for (const [n, { hash, mac, ...entry }] of entries.entries()) {
        expect(entry).toMatchObject({ run: HOUSE, seq: n + 1 })
        expect(hash).toBe(link(before, entry))
        expect(mac).toBe(sign(hash))
        before = hash
      }
      expect(await given.store.heads()).toContainEqual({ run: HOUSE, seq: entries.length, hash: before })
    })

    test('comes after all runs when the log is read, and alone when it is asked for', async () => {
      await given.run(act)
      await given.store.keep(() => [failed('ann')])
      const all: Entry[] = []
      for await (const entry of given.other.entries()) all.push(entry)
      const first = all.findIndex(entry => entry.run === HOUSE)
      expect(first).toBeGreaterThan(0)
      expect(all.slice(first)).toEqual(await given.entriesOf(HOUSE))
      expect((await given.store.heads()).at(-1)?.run).toBe(HOUSE)
    })

    test('believes nothing that somebody else has put in', async () => {
      await given.store.keep(() => [failed('ann')])
      const before = await given.entriesOf(HOUSE)
      const last = before.at(-1)!
      const made = (mac?: string): Entry => {
        const { type, ...data } = linked('slack:UMALLORY')
        const entry = { run: HOUSE, seq: last.seq + 1, at: last.at, type, data }
        return { ...entry, hash: link(last.hash, entry), ...(mac === undefined ? {} : { mac }) }
      }
      for (const entry of [made(), made(last.mac), made('')]) {
        await given.rewrite(HOUSE, entries => [...entries, entry])
        const why = `Entry ${last.seq + 1} of the ledger was not written by Signalbox`
        await expect(given.store.ledger()).rejects.toThrow(why)
        await expect(given.other.keep(() => [failed('bob')])).rejects.toThrow(Forged)
        expect(await given.entriesOf(HOUSE)).toHaveLength(before.length + 1)
        await given.rewrite(HOUSE, () => before)
      }
      expect((await given.store.ledger()).links.has('slack:UMALLORY' as Handle)).toBe(false)
    })

    test('keeps a policy with all that is in it', async () => {
      const rulebook = {
        zone: 'UTC',
        roles: { storage: { includes: [], groups: ['slack:S1'] } },
        people: { ann: { name: 'Ann', roles: ['storage'], handles: [] } },
        rules: [],
        labels: { sql01: { env: 'production' } },
        windows: [],
        links: { expire: 1, coolDown: 2 },
      }
      await given.store.keep(() => [
        { type: 'policy.accepted', digest: 'd1' as Digest, rulebook, by: 'command line', key: 'R1/accept/1' },
      ])
      const { policy, keys } = await given.other.ledger()
      expect(policy).toMatchObject({ digest: 'd1', rulebook, by: 'command line' })
      expect(keys.has('R1/accept/1')).toBe(true)
    })
  })
}
