import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { exported, verify } from '../src/audit/verify.ts'
import { canonical, digestOf, type Entry, link, ROOT } from '../src/domain/chain.ts'
import type { Person, RunId } from '../src/domain/ids.ts'
import type { Event } from '../src/domain/run.ts'
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
