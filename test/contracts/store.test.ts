import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { digestOf } from '../../src/domain/chain.ts'
import type { Person } from '../../src/domain/ids.ts'
import { LeaseLost } from '../../src/ports/store.ts'
import { openDatabase } from '../../src/store/database.ts'
import { keep } from '../../src/store/lease.ts'
import { migrate } from '../../src/store/migrate.ts'
import { openStore, TO_ADVANCE, TO_REPORT } from '../../src/store/postgres.ts'
import { memoryStore } from '../fakes/memory-store.ts'
import { rewrite, type TestPostgres, testPostgres } from '../postgres.ts'
import { storeContract } from './store.ts'
import { sign } from './store-given.ts'

let postgres: TestPostgres
beforeAll(async () => {
  postgres = await testPostgres()
})
afterAll(() => postgres.stop())

storeContract('in memory', async () => {
  const store = memoryStore(undefined, sign)
  return {
    store,
    other: store,
    pushClock: async by => {
      store.time += by
    },
    outcomeOf: async delivery => store.outcomes().get(delivery),
    rewrite: async (run, how) => store.rewrite(run, how),
    stop: () => store.stop(),
  }
})

storeContract('in Postgres', async () => {
  const schema = postgres.schema()
  const [store, other] = await Promise.all([openStore(postgres.url, { schema, sign }), openStore(postgres.url, { schema, sign })])
  return {
    store,
    other,
    pushClock: by => postgres.pushClock(schema, by),
    async outcomeOf(delivery) {
      const [row] = await postgres.sql(`select outcome from ${schema}.inbox where delivery = '${delivery}'`)
      return row?.['outcome'] == null ? undefined : String(row['outcome'])
    },
    rewrite: (run, how) => rewrite(postgres, schema, store, run, how),
    stop: async () => {
      await Promise.all([store.stop(), other.stop()])
    },
  }
})

describe('a Postgres', () => {
  const plan = { title: 'nothing', stages: [], onFailure: 'hold' } as const
  const started = { type: 'run.started', by: 'ann' as Person, plan, digest: digestOf(plan), said: 'nothing' } as const
  const first = { number: 1, sql: 'create table things (id text)' }
  const second = { number: 2, sql: 'alter table things add column size bigint' }

  test('whose connections are all cut is asked again, and answers', async () => {
    const store = await openStore(postgres.url, { schema: postgres.schema() })
    const { id } = await store.create('a', { chat: 'console', channel: '1' }, started)
    await postgres.cutConnections()
    await vi.waitFor(async () => expect((await store.load(id))?.id).toBe(id), { timeout: 5_000, interval: 20 })
    await store.stop()
  })

  test('that cuts the connection in the middle of a change has not heard of it', async () => {
    const schema = postgres.schema()
    const store = await openStore(postgres.url, { schema, connections: 2 })
    const { id, seq } = await store.create('a', { chat: 'console', channel: '1' }, started)
    await postgres.sql(
      `create function ${schema}.die() returns trigger language plpgsql as 'begin perform pg_terminate_backend(pg_backend_pid()); return new; end'`,
    )
    await postgres.sql(`create trigger die before insert on ${schema}.events for each row execute function ${schema}.die()`)
    await expect(store.record(id, () => [{ type: 'run.paused', by: 'ann' as Person }])).rejects.toThrow()
    await postgres.sql(`drop trigger die on ${schema}.events`)
    expect((await store.load(id))?.seq).toBe(seq)
    await store.stop()
  })

  test('that takes no connections says so at the start, and what to do', async () => {
    await expect(openStore('postgres://nobody:x@127.0.0.1:1/none')).rejects.toThrow(/does not let us in.*Check that it runs/)
  })

  test('is migrated by one of several that start at once', async () => {
    const schema = postgres.schema()
    const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(postgres.url, { schema, connections: 1 })))
    expect(await postgres.sql(`select number from ${schema}.migrations order by number`)).toEqual(
      [1, 2, 3, 4].map(number => ({ number })),
    )
    await Promise.all(stores.map(store => store.stop()))
  })

  test('goes forward by what is missing', async () => {
    const schema = postgres.schema()
    await migrate(postgres.url, schema, [first])
    await postgres.sql(`insert into ${schema}.things values ('kept')`)
    await migrate(postgres.url, schema, [first, second])
    expect(await postgres.sql(`select * from ${schema}.things`)).toEqual([{ id: 'kept', size: null }])
  })

  test('that a newer Signalbox made is left alone', async () => {
    const schema = postgres.schema()
    await migrate(postgres.url, schema, [first, second])
    await expect(migrate(postgres.url, schema, [first])).rejects.toThrow(/made by a newer Signalbox: it has migration 2/)
  })

  test('does not go on from a migration that was edited', async () => {
    const schema = postgres.schema()
    await migrate(postgres.url, schema, [first])
    const edited = { number: 1, sql: 'create table things (id uuid)' }
    await expect(migrate(postgres.url, schema, [edited, second])).rejects.toThrow(/Migration 1 is not the one/)
    await migrate(postgres.url, schema, [{ number: 1, sql: first.sql.replaceAll('\n', '\r\n') }])
  })

  test('whose migration failed is as it was before it', async () => {
    const schema = postgres.schema()
    await expect(
      migrate(postgres.url, schema, [first, { number: 2, sql: 'create table more (id text); select 1 / 0' }]),
    ).rejects.toThrow(/zero/)
    expect(await postgres.sql(`select number from ${schema}.migrations`)).toEqual([{ number: 1 }])
    expect(await postgres.sql(`select to_regclass('${schema}.more') as more`)).toEqual([{ more: null }])
  })

  test('finds what is overdue without reading what is over', async () => {
    const schema = postgres.schema()
    const store = await openStore(postgres.url, { schema, connections: 1 })
    await postgres.sql(
      `insert into ${schema}.runs (id, number, origin, place, seq, outcome, wake_at, reported)
       select 'R' || n, n, 'o' || n, '{}', 5, 'succeeded', null, 5 from generate_series(1, 20000) as n`,
    )
    await postgres.sql(`analyze ${schema}.runs`)
    const database = openDatabase(postgres.url, schema, 1)
    for (const query of [TO_ADVANCE, TO_REPORT]) {
      const { rows } = await database.query(`explain ${query}`)
      expect(JSON.stringify(rows)).toMatch(/Index.*Scan using runs_/)
      expect(JSON.stringify(rows)).not.toMatch(/Seq Scan/)
    }
    await database.stop()
    expect(await store.overdue()).toEqual({ advance: [], report: [] })
    await store.stop()
  })
})

describe('a lease', () => {
  const LEASE = 12_000
  const frozen = (renew: () => Promise<boolean>) => {
    vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
    return keep(LEASE, performance.now(), renew)
  }
  const thaw = () => vi.useRealTimers()

  test('that is renewed lasts', async () => {
    let renewals = 0
    const kept = frozen(async () => {
      renewals++
      return true
    })
    await vi.advanceTimersByTimeAsync(5 * LEASE)
    expect(() => kept.check()).not.toThrow()
    expect(renewals).toBe(15)
    kept.end()
    expect(vi.getTimerCount()).toBe(0)
    thaw()
  })

  test('is lost when half of it went by and nobody could renew it', async () => {
    const kept = frozen(() => Promise.reject(new Error('no connection')))
    await vi.advanceTimersByTimeAsync(LEASE / 2 - 1)
    expect(kept.signal.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(kept.signal.reason).toBeInstanceOf(LeaseLost)
    kept.end()
    thaw()
  })

  test('outlives a renewal that got no answer', async () => {
    let asked = 0
    const kept = frozen(() => (++asked === 2 ? new Promise(() => {}) : Promise.resolve(true)))
    await vi.advanceTimersByTimeAsync(LEASE / 3 + LEASE / 3 + LEASE / 7)
    expect(kept.signal.aborted).toBe(false)
    kept.end()
    thaw()
  })

  test('is lost at once when another worker has the run', async () => {
    const kept = frozen(async () => false)
    await vi.advanceTimersByTimeAsync(LEASE / 3)
    expect(kept.signal.aborted).toBe(true)
    kept.end()
    thaw()
  })

  test('is found lost by a worker that was frozen, before any timer of its has run', async () => {
    const kept = frozen(async () => true)
    vi.setSystemTime(0)
    const asleep = performance.now() + LEASE
    vi.spyOn(performance, 'now').mockReturnValue(asleep)
    expect(() => kept.check()).toThrow(LeaseLost)
    kept.end()
    vi.restoreAllMocks()
    thaw()
  })
})
