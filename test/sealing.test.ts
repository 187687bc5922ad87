import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { digestOf, type Entry, HOUSE, link } from '../src/domain/chain.ts'
import { minutes, type Person, type RunId } from '../src/domain/ids.ts'
import type { Event } from '../src/domain/run.ts'
import type { Store } from '../src/ports/store.ts'
import { openDatabase } from '../src/store/database.ts'
import { lines } from '../src/store/log.ts'
import { migrate } from '../src/store/migrate.ts'
import { openStore, type StoreOptions } from '../src/store/postgres.ts'
import { BEGINNING } from '../src/store/seals.ts'
import { act, ann, chained, gate, LEASE, place, sign, started } from './contracts/store-given.ts'
import { rewrite, type TestPostgres, testPostgres } from './postgres.ts'

/** The key is not in the database: what that is worth against somebody who may write anything into it. */

let postgres: TestPostgres
beforeAll(async () => {
  postgres = await testPostgres()
})
afterAll(() => postgres.stop())

async function open(schema: string, options: StoreOptions = { sign }): Promise<Store> {
  const store = await openStore(postgres.url, { schema, connections: 3, ...options })
  onTestFinished(() => store.stop())
  return store
}
const other = (hash: string): string => createHmac('sha256', 'another key').update(hash).digest('base64url')
const voted: Event = {
  type: 'step.voted',
  step: gate.id,
  vote: { by: 'bob' as Person, verdict: 'approve', shown: digestOf(1), at: 0 },
}
const failed = { type: 'factor.failed', person: ann } as const
const paused: Event = { type: 'run.paused', by: ann }
const waiting = async (store: Store, origin = 'o'): Promise<RunId> => {
  const { id } = await store.create(origin, place, started(gate, act))
  await store.record(id, () => [voted])
  return id
}
const forged = (store: Store, id: RunId) => store.hold(id, minutes(1), hold => hold.forged())
const macs = async (schema: string) =>
  (await postgres.sql(`select mac from ${schema}.events union all select mac from ${schema}.ledger`)).map(row => row['mac'])

describe('a log that has lain there without a seal', () => {
  test('is sealed as it was found with the first key, and says so once', async () => {
    const schema = postgres.schema()
    const before = await open(schema, {})
    const id = await waiting(before)
    await before.keep(() => [failed])
    expect(await macs(schema)).toEqual([null, null, null, null])
    expect(await forged(before, id)).toBeUndefined()
    const told: string[] = []
    const after = await open(schema, { sign, told: line => told.push(line) })
    expect(told).toEqual(['The log had no seal: its 4 entries were sealed as they were found. This happens once.'])
    for (const run of [id, HOUSE]) for await (const { hash, mac } of after.entries(run)) expect(mac).toBe(sign(hash))
    await after.record(id, () => [paused])
    expect(await forged(after, id)).toBeUndefined()
    expect((await after.ledger()).seq).toBe(1)
    await open(schema, { sign, told: line => told.push(line) })
    expect(told).toHaveLength(1)
  })

  test('is sealed by one of several that start at once, however long it is', async () => {
    const schema = postgres.schema()
    const before = await open(schema, {})
    const { id } = await before.create('long', place, started(act))
    await before.record(id, () =>
      Array.from({ length: 4_500 }, (_, n): Event => (n % 2 ? { ...paused, type: 'run.resumed' } : paused)),
    )
    await waiting(before)
    const told: string[] = []
    const stores = await Promise.all(
      Array.from({ length: 4 }, () => open(schema, { sign, connections: 1, told: line => told.push(line) })),
    )
    expect(told).toHaveLength(1)
    expect(await macs(schema)).not.toContain(null)
    expect(await forged(stores[0]!, id)).toBeUndefined()
  })

  test('of an earlier Signalbox goes on after its upgrade', async () => {
    const schema = postgres.schema()
    const sql = (number: number) =>
      readFile(new URL(`../src/store/migrations/000${number}.sql`, import.meta.url), 'utf8').then(text => ({ number, sql: text }))
    await migrate(postgres.url, schema, [await sql(1), await sql(2)])
    const id = 'R1' as RunId
    const [entry] = lines(id, BEGINNING, [started(act)], 1, undefined)
    const database = openDatabase(postgres.url, schema, 1)
    onTestFinished(() => database.stop())
    await database.query(`insert into runs (id, number, origin, place, seq, head_hash) values ('R1', 1, 'o', '{}', 1, $1)`, [
      entry?.hash,
    ])
    await database.query(`insert into events (run, seq, at, type, data, hash) values ('R1', 1, 1, $1, $2, $3)`, [
      entry?.type,
      JSON.stringify(entry?.data),
      entry?.hash,
    ])
    const store = await open(schema)
    expect(await forged(store, id)).toBeUndefined()
    await store.record(id, () => [paused])
    expect(await forged(store, id)).toBeUndefined()
    expect(await store.list('reviews', 10)).toEqual([])
  })

  test('that was changed before it was sealed is not made true by the seal', async () => {
    const schema = postgres.schema()
    const before = await open(schema, {})
    const id = await waiting(before)
    await postgres.sql(`update ${schema}.events set data = '{}' where run = '${id}' and seq = 3`)
    expect(await forged(await open(schema), id)).toBe(`entry 3 of ${id} was not written by Signalbox`)
  })
})

describe('a log that is sealed', () => {
  test('is opened with no other key', async () => {
    const schema = postgres.schema()
    await open(schema)
    await expect(open(schema, { sign: other })).rejects.toThrow(/sealed with another key\. Start Signalbox with the key/)
    await waiting(await open(schema))
    await expect(open(schema, { sign: other })).rejects.toThrow(/sealed with another key/)
  })

  test('can be read without a key, and not written', async () => {
    const schema = postgres.schema()
    const id = await waiting(await open(schema))
    const reader = await open(schema, {})
    expect((await reader.load(id))?.seq).toBe(3)
    expect((await reader.ledger()).seq).toBe(0)
    await expect(reader.record(id, () => [paused])).rejects.toThrow(/is sealed, and there is no key/)
    await expect(reader.create('new', place, started(act))).rejects.toThrow(/there is no key/)
    await expect(reader.keep(() => [failed])).rejects.toThrow(/there is no key/)
    expect((await reader.load(id))?.seq).toBe(3)
  })

  test('whose seal is gone is not sealed again', async () => {
    const schema = postgres.schema()
    await waiting(await open(schema))
    await postgres.sql(`delete from ${schema}.seals`)
    await expect(open(schema)).rejects.toThrow(/its seal is gone: somebody has changed it by hand/)
  })

  test('whose seal and MACs are all gone is opened, and everybody is told again', async () => {
    const schema = postgres.schema()
    await waiting(await open(schema))
    await postgres.sql(`delete from ${schema}.seals; update ${schema}.events set mac = null`)
    const told: string[] = []
    await open(schema, { sign, told: line => told.push(line) })
    expect(told).toEqual([expect.stringMatching(/had no seal: its 3 entries/)])
  })

  test('has no run that somebody made up, however old its number and its times are', async () => {
    const schema = postgres.schema()
    const store = await open(schema)
    await postgres.sql(`insert into ${schema}.runs (id, number, origin, place) values ('R0', 0, 'made', '{}')`)
    const made = 'R0' as RunId
    await rewrite(postgres, schema, store, made, () => lines(made, BEGINNING, [started(act)], 1, undefined))
    expect(await forged(store, made)).toBe('entry 1 of R0 was not written by Signalbox')
    await store.record(made, () => [paused])
    expect(await forged(store, made)).toBe('entry 1 of R0 was not written by Signalbox')
  })

  test('with a vote that was inserted with SQL is found, head or no head', async () => {
    const schema = postgres.schema()
    const store = await open(schema)
    const id = await waiting(store)
    await postgres.sql(
      `insert into ${schema}.events (run, seq, at, type, data, hash, mac)
       select run, 4, at, type, replace(data::text, 'bob', 'cy')::json, hash, mac from ${schema}.events where run = '${id}' and seq = 3`,
    )
    expect(await forged(store, id)).toBe(`entry 4 of ${id} was not written by Signalbox`)
  })

  test('is not the one of its head when its end, or its head alone, was changed', async () => {
    const schema = postgres.schema()
    const store = await open(schema)
    const id = await waiting(store)
    const head = (sql: string) => postgres.sql(`update ${schema}.runs set ${sql} where id = '${id}'`)
    await head('seq = 2')
    expect(await forged(store, id)).toBe(`entry 3 of ${id} was not written by Signalbox`)
    await head('seq = 4')
    expect(await forged(store, id)).toBe(`entry 4 of ${id} is missing`)
    await head(`seq = 3, head_hash = 'x'`)
    expect(await forged(store, id)).toBe(`the head of ${id} was not written by Signalbox`)
    await postgres.sql(`delete from ${schema}.events where run = '${id}' and seq = 3`)
    expect(await forged(store, id)).toBe(`entry 3 of ${id} is missing`)
    await postgres.sql(`delete from ${schema}.events where run = '${id}'`)
    expect(await forged(store, id)).toBe(`entry 1 of ${id} is missing`)
  })

  test('is cut off with its head unnoticed here, which is what anchors are for', async () => {
    const schema = postgres.schema()
    const store = await open(schema)
    const id = await waiting(store)
    const before = (await store.heads()).find(head => head.run === id)
    await rewrite(postgres, schema, store, id, entries => entries.slice(0, 2))
    expect(await forged(store, id)).toBeUndefined()
    expect((await store.heads()).find(head => head.run === id)).not.toEqual(before)
  })
})

describe('the ledger in Postgres', () => {
  const made = (last: Entry): Entry => {
    const entry = { ...last, seq: last.seq + 1 }
    return { ...entry, hash: link(last.hash, entry) }
  }

  test('is not the one that was read before when somebody cut it off or edited its end', async () => {
    const schema = postgres.schema()
    const store = await open(schema)
    await store.keep(() => [failed, failed])
    const all: Entry[] = []
    for await (const entry of store.entries(HOUSE)) all.push(entry)
    const edited = chained([all[0]!, { ...all[1]!, data: { person: 'bob' } }])
    for (const entries of [all.slice(0, 1), edited]) {
      await rewrite(postgres, schema, store, HOUSE, () => entries)
      await expect(store.ledger()).rejects.toThrow(/not the one that was read before: entry 2 .* start Signalbox again/)
      await expect(store.keep(() => [failed])).rejects.toThrow(/not the one that was read before/)
    }
    await rewrite(postgres, schema, store, HOUSE, () => all)
    expect((await store.ledger()).seq).toBe(2)
  })

  test('with an entry of somebody else in its middle is refused by whoever reads it first', async () => {
    const schema = postgres.schema()
    const store = await open(schema)
    await store.keep(() => [failed, failed])
    await rewrite(postgres, schema, store, HOUSE, ([first]) => [first!, made(first!)])
    const fresh = await open(schema)
    await expect(fresh.ledger()).rejects.toThrow('Entry 2 of the ledger was not written by Signalbox')
  })

  test('that was read once costs one query of one row when it is asked for again', async () => {
    const schema = postgres.schema()
    const store = await open(schema, { sign, connections: 1 })
    await store.keep(() => Array.from({ length: 50 }, () => failed))
    await postgres.sql(`update ${schema}.ledger set data = '{"person":"nobody"}' where seq < 50`)
    // Read anew, what was edited would be found: so it was not.
    expect((await store.ledger()).seq).toBe(50)
    await expect((await open(schema)).ledger()).rejects.toThrow('Entry 1 of the ledger was not written by Signalbox')
  })
})

test('open reviews are found without reading every run', async () => {
  const schema = postgres.schema()
  const store = await open(schema)
  await postgres.sql(
    `insert into ${schema}.runs (id, number, origin, place, outcome, reported)
     select 'R' || n, n, 'o' || n, '{}', 'succeeded', 0 from generate_series(100, 20000) as n`,
  )
  await postgres.sql(`analyze ${schema}.runs`)
  const { id } = await store.create('glass', place, started(gate, act))
  await store.record(id, () => [{ type: 'run.broke-glass', by: ann, because: 'fire', until: 4e12, rule: gate.rule }])
  expect((await store.list('reviews', 5)).map(run => run.id)).toEqual([id])
  const plan = await postgres.sql(`explain select id from ${schema}.runs where review order by number desc limit 5`)
  expect(JSON.stringify(plan)).toContain('runs_reviewing')
  expect(await store.hold(id, LEASE, hold => hold.forged())).toBeUndefined()
})
