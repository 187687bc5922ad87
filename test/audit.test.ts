import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exported, verify } from '../src/audit/verify.ts'
import { verifyRun } from '../src/audit/verify-run.ts'
import { type Anchored, anchorsIn } from '../src/domain/anchor.ts'
import { canonical, digestOf, type Entry, HOUSE, link, ROOT } from '../src/domain/chain.ts'
import type { Person, RunId } from '../src/domain/ids.ts'
import type { Event } from '../src/domain/run.ts'
import { anchor } from '../src/engine/anchors.ts'
import type { Store } from '../src/ports/store.ts'
import { openStore } from '../src/store/postgres.ts'
import { act, gate, plan, step } from './fakes/given.ts'
import { memoryStore } from './fakes/memory-store.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const PLAN = plan(gate('start'), act('sync', 'routine'))
const first = (said: string): Event => ({ type: 'run.started', by: 'olga' as Person, plan: PLAN, digest: digestOf(PLAN), said })
const PLACE = { chat: 'console', channel: 'here' }

/** Two runs of some length, with everything in them that JSON has trouble with. */
async function written(store: Store): Promise<void> {
  for (const [n, said] of ['move it', 'move the other: "\u00e9\u{1f4be}" \\ \u0001'].entries()) {
    const run = await store.create(`origin ${n}`, PLACE, first(said))
    await store.record(run.id, (_, now) => [
      step('start', {
        type: 'step.voted',
        vote: { by: 'lee' as Person, verdict: 'approve', shown: run.digest, at: now, because: 'z first' },
      }),
    ])
    await store.record(run.id, (now, at) => [
      step('sync', {
        type: 'step.intended',
        intent: {
          id: `${run.id}/sync/${now.seq}` as never,
          at,
          action: act('sync', 'routine').action,
          before: { share: 0.1 + 0.2, big: 1e21, list: [1, null, { b: 1, a: 2 }] },
        },
      }),
    ])
    await store.record(run.id, () => [
      step('sync', { type: 'step.done', how: 'seen', result: { zebra: 1, apple: 'a\u2028b', nothing: null } }),
    ])
  }
}

interface Log {
  readonly entries: Entry[]
  readonly heads: Awaited<ReturnType<Store['heads']>>
}
async function log(): Promise<Log> {
  const store = memoryStore()
  await written(store)
  return { entries: await all(store.entries()), heads: await store.heads() }
}
const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}
const check = ({ entries, heads }: Log) =>
  verify({
    entries: async function* () {
      yield* entries
    },
    heads: async () => heads,
  })
const without = ({ entries, heads }: Log, run: string, seq: number): Log => ({
  entries: entries.filter(it => it.run !== run || it.seq !== seq),
  heads,
})
/** The same log, with the entries of a run as somebody wants them, hashes and a head that fit: what SQL can do. */
function relinked({ entries, heads }: Log, run: string, how: (entry: Entry) => Entry): Log {
  let last = { seq: 0, hash: ROOT }
  const forged = entries.map(it => {
    if (it.run !== run) return it
    const { hash: _, mac, ...entry } = how(it)
    last = { seq: entry.seq, hash: link(last.hash, entry) }
    return { ...entry, hash: last.hash, ...(mac === undefined ? {} : { mac }) }
  })
  return { entries: forged, heads: heads.map(head => (head.run === run ? { ...head, ...last } : head)) }
}
const rewritten = (whole: Log, run: string): Log =>
  relinked(whole, run, it => (it.seq === 2 ? { ...it, data: { step: 'start', forged: true } } : it))
const changed = ({ entries, heads }: Log, run: string, seq: number, now: Partial<Entry>): Log => ({
  entries: entries.map(it => (it.run === run && it.seq === seq ? { ...it, ...now } : it)),
  heads,
})

describe('the verifier of the log', () => {
  test('finds nothing in a log that nobody touched', async () => {
    const whole = await log()
    expect(await check(whole)).toEqual({ ok: true, runs: 2, entries: whole.entries.length })
    expect(whole.entries.length).toBeGreaterThan(10)
    expect(await check({ entries: [], heads: [] })).toEqual({ ok: true, runs: 0, entries: 0 })
  })

  test('names the first bad entry when data was edited', async () => {
    const whole = await log()
    const edited = changed(whole, 'R1', 3, { data: { step: 'start', vote: { by: 'mallory' } } })
    expect(await check(edited)).toMatchObject({
      ok: false,
      run: 'R1',
      seq: 3,
      why: expect.stringContaining('it was changed after it was written') as string,
    })
  })

  test('names the first bad entry when a time was changed, by one millisecond', async () => {
    const whole = await log()
    const at = whole.entries.find(it => it.run === 'R2' && it.seq === 2)?.at ?? 0
    expect(await check(changed(whole, 'R2', 2, { at: at + 1 }))).toMatchObject({ ok: false, run: 'R2', seq: 2 })
    expect(await check(changed(whole, 'R2', 2, { type: 'step.skipped' }))).toMatchObject({ ok: false, run: 'R2', seq: 2 })
  })

  test('names the first bad entry when one was removed from the middle', async () => {
    expect(await check(without(await log(), 'R1', 3))).toMatchObject({
      ok: false,
      run: 'R1',
      seq: 3,
      why: 'it is missing; the next one there is 4',
    })
  })

  test('names the first bad entry when one was removed and the others were moved up', async () => {
    const whole = await log()
    const entries = without(whole, 'R1', 3).entries.map(it => (it.run === 'R1' && it.seq > 3 ? { ...it, seq: it.seq - 1 } : it))
    expect(await check({ ...whole, entries })).toMatchObject({ ok: false, run: 'R1', seq: 3 })
  })

  test('names the first bad entry when the end of a run was removed', async () => {
    const whole = await log()
    const last = whole.heads.find(head => head.run === 'R1')?.seq ?? 0
    expect(await check(without(whole, 'R1', last))).toMatchObject({
      ok: false,
      run: 'R1',
      seq: last,
      why: `it is missing; ${last} entries were written`,
    })
  })

  test('names the run whose entries were removed, and the run that was removed from under its entries', async () => {
    const whole = await log()
    expect(await check({ ...whole, entries: whole.entries.filter(it => it.run !== 'R2') })).toMatchObject({
      ok: false,
      run: 'R2',
      seq: 1,
    })
    expect(await check({ ...whole, heads: whole.heads.filter(head => head.run !== 'R2') })).toMatchObject({
      ok: false,
      run: 'R2',
      seq: 1,
      why: 'the run it belongs to is gone',
    })
  })

  test('names the first bad entry when two have changed places', async () => {
    const whole = await log()
    const [two, three] = [2, 3].map(seq => whole.entries.find(it => it.run === 'R1' && it.seq === seq) as Entry) as [Entry, Entry]
    const swapped = changed(changed(whole, 'R1', 2, { ...three, seq: 2 }), 'R1', 3, { ...two, seq: 3 })
    expect(await check(swapped)).toMatchObject({ ok: false, run: 'R1', seq: 2 })
    const reordered = {
      ...whole,
      entries: [
        ...whole.entries.filter(it => it.run === 'R1' && it.seq === 3),
        ...whole.entries.filter(it => it.run !== 'R1' || it.seq !== 3),
      ],
    }
    expect(await check(reordered)).toMatchObject({ ok: false, run: 'R1', seq: 1 })
  })

  test('names the first bad entry when one was added at the end', async () => {
    const whole = await log()
    const last = whole.entries.findLast(it => it.run === 'R1') as Entry
    const more = { run: last.run, seq: last.seq + 1, at: last.at, type: 'run.finished', data: { outcome: 'succeeded' } }
    const entries = whole.entries.flatMap(it => (it === last ? [it, { ...more, hash: link(last.hash, more) }] : [it]))
    expect(await check({ ...whole, entries })).toMatchObject({
      ok: false,
      run: 'R1',
      seq: last.seq + 1,
      why: expect.stringContaining('it was not written by Signalbox') as string,
    })
  })

  test('names the last entry when a whole run was written anew with hashes that fit', async () => {
    const whole = await log()
    let before = ROOT
    const entries = whole.entries.map(it => {
      if (it.run !== 'R1') return it
      const forged = {
        run: it.run,
        seq: it.seq,
        at: it.at,
        type: it.type,
        data: it.seq === 2 ? { step: 'start', forged: true } : it.data,
      }
      before = link(before, forged)
      return { ...forged, hash: before }
    })
    const last = whole.heads.find(head => head.run === 'R1')?.seq
    expect(await check({ ...whole, entries })).toMatchObject({
      ok: false,
      run: 'R1',
      seq: last,
      why: 'the head of the run says otherwise',
    })
  })

  test('finds nothing bad when runs go on and others begin while it reads', async () => {
    const store = memoryStore()
    await written(store)
    let moved = false
    const verified = await verify({
      heads: store.heads,
      async *entries() {
        for (const run of ['R1', 'R2', 'R3']) {
          yield* store.entries(run as RunId)
          if (moved) continue
          moved = true
          await store.create('while it reads', PLACE, first('another'))
          await store.record('R2' as RunId, () => [step('sync', { type: 'step.looked' })])
        }
      },
    })
    expect(verified).toMatchObject({ ok: true, runs: 3 })
  })
})

describe('the MACs of a log', () => {
  const sign = (hash: string): string => `mac of ${hash}`
  const sealed = async (): Promise<Log> => {
    const store = memoryStore(undefined, sign)
    await written(store)
    return { entries: await all(store.entries()), heads: await store.heads() }
  }
  const signed = ({ entries, heads }: Log, key: (hash: string) => string = sign) =>
    verify(
      {
        entries: async function* () {
          yield* entries
        },
        heads: async () => heads,
      },
      key,
    )

  test('are each checked where there is a key, and none where there is none', async () => {
    const whole = await sealed()
    expect(await signed(whole)).toEqual({ ok: true, runs: 2, entries: whole.entries.length, macs: whole.entries.length })
    expect(await check(whole)).toEqual({ ok: true, runs: 2, entries: whole.entries.length })
  })

  test('find a run that was written anew with hashes and a head that fit', async () => {
    const whole = await sealed()
    const forged = rewritten(whole, 'R1')
    expect(await check(forged)).toMatchObject({ ok: true })
    expect(await signed(forged)).toMatchObject({
      ok: false,
      run: 'R1',
      seq: 2,
      why: expect.stringContaining('not written by Signalbox') as string,
    })
  })

  test('are missed where somebody took them away, from one entry or from all', async () => {
    const whole = await sealed()
    const bare = ({ mac: _, ...entry }: Entry): Entry => entry
    const one = { ...whole, entries: whole.entries.map(it => (it.run === 'R2' && it.seq === 3 ? bare(it) : it)) }
    expect(await signed(one)).toMatchObject({
      ok: false,
      run: 'R2',
      seq: 3,
      why: expect.stringContaining('it has no MAC') as string,
    })
    expect(await signed({ ...whole, entries: whole.entries.map(bare) })).toMatchObject({ ok: false, run: 'R1', seq: 1 })
  })

  test('that were made with another key are none', async () => {
    expect(await signed(await sealed(), hash => `other mac of ${hash}`)).toMatchObject({ ok: false, run: 'R1', seq: 1 })
  })
})

describe('the anchors of a log', () => {
  /** Two runs, anchored on one day and on the next, with what was appended between. */
  async function anchored(): Promise<Log & { readonly outside: readonly Anchored[] }> {
    const store = memoryStore()
    await written(store)
    const lines: string[] = []
    const parts = {
      store,
      chats: new Map(),
      file: { lines: async () => lines, append: async (more: readonly string[]) => void lines.push(...more) },
      complain: (what: string, error: unknown) => {
        throw new Error(what, { cause: error })
      },
    }
    await anchor(parts)
    await store.record('R2' as RunId, () => [step('sync', { type: 'step.looked' })])
    store.time += 86_400_000
    await anchor(parts)
    return { entries: await all(store.entries()), heads: await store.heads(), outside: anchorsIn(lines) }
  }
  const of = ({ entries, heads }: Log, outside: readonly Anchored[] = []) =>
    verify(
      {
        entries: async function* (run) {
          yield* entries.filter(it => run === undefined || it.run === run)
        },
        heads: async () => heads,
      },
      undefined,
      outside,
    )

  test('hold for a log that nobody touched, and the ledger is part of it', async () => {
    const whole = await anchored()
    const last = whole.outside.at(-1)
    expect(await of(whole, whole.outside)).toEqual({ ok: true, runs: 2, entries: whole.entries.length, anchor: last })
    expect(whole.entries.at(-1)).toMatchObject({ run: HOUSE, type: 'anchored' })
    expect(last).toMatchObject({ runs: 2, entries: whole.entries.length - 1 })
  })

  test('name a run that was deleted whole, with its head', async () => {
    const { entries, heads } = await anchored()
    for (const run of ['R1', 'R2'])
      expect(
        await of({ entries: entries.filter(it => it.run !== run), heads: heads.filter(it => it.run !== run) }),
      ).toMatchObject({
        ok: false,
        run,
        seq: 1,
        why: expect.stringMatching(/so is the whole run; \d+ entries were anchored on 2025-11-2[01]/) as string,
      })
  })

  test('name a run that was cut short below where it was anchored, with a head that fits', async () => {
    const { entries, heads } = await anchored()
    const last = entries.findLast(it => it.run === 'R1') as Entry
    const before = entries.find(it => it.run === 'R1' && it.seq === last.seq - 1) as Entry
    const cut = {
      entries: entries.filter(it => it !== last),
      heads: heads.map(it => (it.run === 'R1' ? { ...it, seq: before.seq, hash: before.hash } : it)),
    }
    expect(await of(cut)).toMatchObject({ ok: false, run: 'R1', seq: last.seq })
    // What is left beyond the reach of anchors: entries since the latest.
    const fresh = { run: 'R1' as RunId, seq: last.seq + 1, at: last.at, type: 'step.looked', data: { step: 'sync' } }
    const more = {
      entries: [
        ...entries.filter(it => it.run === 'R1'),
        { ...fresh, hash: link(last.hash, fresh) },
        ...entries.filter(it => it.run !== 'R1'),
      ],
      heads: heads.map(it => (it.run === 'R1' ? { ...it, seq: fresh.seq, hash: link(last.hash, fresh) } : it)),
    }
    expect(await of(more)).toMatchObject({ ok: true })
    expect(await of({ entries, heads })).toMatchObject({ ok: true })
  })

  test('name a run that was written anew with hashes and a head that fit', async () => {
    expect(await of(rewritten(await anchored(), 'R2'))).toMatchObject({
      ok: false,
      run: 'R2',
      why: expect.stringContaining('it is another one than was anchored on 2025-11-20') as string,
    })
  })

  test('are found out in the ledger when one was changed with a hash that fits, or when the first are gone', async () => {
    const whole = await anchored()
    const [first, second] = whole.entries.filter(it => it.type === 'anchored') as [Entry, Entry]
    const forged = relinked(whole, HOUSE, it =>
      it.seq === second.seq ? { ...it, data: { ...(it.data as object), entries: 3 } } : it,
    )
    expect(await of(forged)).toMatchObject({
      ok: false,
      run: HOUSE,
      seq: second.seq,
      why: expect.stringContaining('tampered with') as string,
    })
    const later = relinked({ ...whole, entries: whole.entries.filter(it => it !== first) }, HOUSE, it => ({
      ...it,
      seq: it.seq - 1,
    }))
    expect(await of(later)).toMatchObject({ ok: false, run: HOUSE, seq: second.seq - 1 })
  })

  test('that are kept outside find a database that was written anew as a whole, ledger, anchors and all', async () => {
    const whole = await anchored()
    const store = memoryStore()
    for (const said of ['nothing ever happened', 'nor here']) await store.create(said, PLACE, first(said))
    for (let day = 0; day < 2; day++) {
      await anchor({ store, chats: new Map(), complain: () => {} })
      store.time += 86_400_000
    }
    const forged = { entries: await all(store.entries()), heads: await store.heads() }
    expect(await of(forged)).toMatchObject({ ok: true })
    expect(await of(forged, whole.outside)).toMatchObject({ ok: false, run: 'R1' })
    // The same where only the anchors were taken out of an otherwise true ledger.
    const none = whole.entries.filter(it => it.run !== HOUSE)
    expect(await of({ entries: none, heads: whole.heads.filter(it => it.run !== HOUSE) }, whole.outside)).toMatchObject({
      ok: false,
      run: HOUSE,
    })
    expect(
      await of({ entries: none, heads: whole.heads.filter(it => it.run !== HOUSE) }, whole.outside.slice(0, 1)),
    ).toMatchObject({
      ok: false,
      run: HOUSE,
      why: 'the anchor of 2025-11-20 that was kept outside the database is not in the ledger',
    })
  })

  test('whichever entry of a run or of the ledger is changed, with or without a hash that fits, it is named or one behind it is', async () => {
    const whole = await anchored()
    for (const { run, seq } of whole.entries.slice(0, -1)) {
      const edit = (it: Entry): Entry => (it.seq === seq ? { ...it, data: { ...(it.data as object), forged: true } } : it)
      const loose = { ...whole, entries: whole.entries.map(it => (it.run === run ? edit(it) : it)) }
      expect(await of(loose), `${run} ${seq}`).toMatchObject({ ok: false, run, seq })
      const found = await of(relinked(whole, run, edit), whole.outside)
      expect(found, `${run} ${seq}`).toMatchObject({ ok: false, run })
      if (!found.ok) expect(found.seq).toBeGreaterThanOrEqual(seq)
    }
  })
})

describe('one run of a log', () => {
  test('is verified by itself: its chain, its MACs, and the anchor that covers it', async () => {
    const sign = (hash: string): string => `mac of ${hash}`
    const store = memoryStore(undefined, sign)
    await written(store)
    const [head] = await store.heads()
    expect(await verifyRun(store, 'R1' as RunId)).toEqual({
      whole: true,
      entries: head?.seq,
      head: head?.hash,
      macs: expect.stringContaining('not checked') as string,
    })
    const latest = await anchor({ store, chats: new Map(), complain: () => {} })
    expect(await verifyRun(store, 'R1' as RunId, sign)).toMatchObject({
      whole: true,
      macs: expect.stringContaining(`${head?.seq} of ${head?.seq}`) as string,
      anchor: { day: '2025-11-20', digest: latest?.digest, upTo: head?.seq },
    })
    expect(await verifyRun(store, 'R1' as RunId, () => 'another')).toMatchObject({
      whole: false,
      why: expect.stringContaining('entry 1') as string,
    })
    const robbed = (entries: (entry: Entry) => boolean, heads = true) => ({
      async *entries(run?: RunId) {
        for await (const entry of store.entries(run)) if (entries(entry)) yield entry
      },
      heads: async () => (heads ? store.heads() : []),
    })
    expect(
      await verifyRun(
        robbed(it => it.seq !== 3),
        'R1' as RunId,
      ),
    ).toMatchObject({ whole: false, why: 'entry 3 is missing' })
    expect(
      await verifyRun(
        robbed(it => it.run !== 'R1'),
        'R1' as RunId,
      ),
    ).toMatchObject({ whole: false, why: `entry 1 is missing; ${head?.seq} were written` })
    expect(
      await verifyRun(
        robbed(it => it.run !== 'R1', false),
        'R1' as RunId,
      ),
    ).toMatchObject({ whole: false })
    expect(
      await verifyRun(
        robbed(it => it.run !== 'R1' || it.seq < 3, false),
        'R1' as RunId,
      ),
    ).toMatchObject({ whole: false, why: `entry 3 is missing; ${head?.seq} were written` })
  })
})

describe('the log that an auditor takes away', () => {
  test('is one JSON for each entry on a line of its own, whatever a device has said', async () => {
    const { entries } = await log()
    const store = memoryStore()
    await written(store)
    const lines = await all(exported(store.entries()))
    expect(lines).toHaveLength(entries.length)
    for (const [n, line] of lines.entries()) {
      expect(line).not.toMatch(/[\n\r]/)
      const read = JSON.parse(line)
      expect(read).toMatchObject({ run: entries[n]?.run, seq: entries[n]?.seq, type: entries[n]?.type, hash: entries[n]?.hash })
      expect(new Date(read.at).getTime()).toBe(entries[n]?.at)
    }
  })

  test('has in it all that it takes to check it without us', async () => {
    const store = memoryStore()
    await written(store)
    let [run, before] = ['', ROOT]
    for (const line of await all(exported(store.entries()))) {
      const read = JSON.parse(line) as Entry & { readonly at: string | number }
      if (read.run !== run) [run, before] = [read.run, ROOT]
      expect(link(before, { ...read, at: new Date(read.at).getTime() })).toBe(read.hash)
      before = read.hash
    }
  })
})

describe('the canonical text', () => {
  test('is one for values that are equal, whatever the order of their keys', () => {
    expect(canonical({ b: 1, a: { d: [1, undefined, null], c: undefined } })).toBe('{"a":{"d":[1,null,null]},"b":1}')
    expect(digestOf({ a: 1, b: 2 })).toBe(digestOf({ b: 2, a: 1 }))
    expect(digestOf({ a: 1 })).not.toBe(digestOf({ a: '1' }))
  })
})

describe('a log in Postgres', () => {
  let postgres: TestPostgres
  let store: Store
  let schema: string
  beforeAll(async () => {
    postgres = await testPostgres()
    schema = postgres.schema()
    store = await openStore(postgres.url, { schema })
    await written(store)
  })
  afterAll(async () => {
    await store?.stop()
    await postgres?.stop()
  })

  test('is whole, and is still after its data went through jsonb, which sorts keys and writes numbers its own way', async () => {
    const before = await verify(store)
    expect(before).toMatchObject({ ok: true, runs: 2 })
    // A control character in a device's answer is what jsonb takes as well, as long as it is not \u0000.
    await postgres.sql(`update ${schema}.events set data = data::jsonb::json`)
    expect(await verify(store)).toEqual(before)
  })

  test('that somebody edits with SQL is found out, at the entry that was edited', async () => {
    await postgres.sql(
      `update ${schema}.events set data = jsonb_set(data::jsonb, '{vote,by}', '"mallory"')::json where run = 'R2' and type = 'step.voted'`,
    )
    expect(await verify(store)).toMatchObject({ ok: false, run: 'R2', seq: 3 })
    await postgres.sql(
      `update ${schema}.events set data = jsonb_set(data::jsonb, '{vote,by}', '"lee"')::json where run = 'R2' and type = 'step.voted'`,
    )
    expect(await verify(store)).toMatchObject({ ok: true })
  })

  test('whose end somebody deletes is found out', async () => {
    await postgres.sql(
      `delete from ${schema}.events where run = 'R1' and seq = (select max(seq) from ${schema}.events where run = 'R1')`,
    )
    expect(await verify(store)).toMatchObject({ ok: false, run: 'R1', why: expect.stringContaining('it is missing') as string })
  })
})
