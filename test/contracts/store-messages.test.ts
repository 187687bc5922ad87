import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import type { BoardId, Handle, RunId } from '../../src/domain/ids.ts'
import type { Store } from '../../src/ports/store.ts'
import { openDatabase } from '../../src/store/database.ts'
import { OLD_ANSWERS, WAITING_INBOX, WAITING_REPORTS } from '../../src/store/inbox.ts'
import { migrate } from '../../src/store/migrate.ts'
import { openStore } from '../../src/store/postgres.ts'
import { BOARDS } from '../../src/store/posts.ts'
import { type TestPostgres, testPostgres } from '../postgres.ts'
import { place } from './store-given.ts'

/** What only a Postgres shows of messages: what is in its rows, and what it costs to ask. */

let postgres: TestPostgres
beforeAll(async () => {
  postgres = await testPostgres()
})
afterAll(() => postgres.stop())

async function opened(schema = postgres.schema()): Promise<{ readonly schema: string; readonly store: Store }> {
  const store = await openStore(postgres.url, { schema, connections: 2 })
  onTestFinished(() => store.stop())
  return { schema, store }
}

test('no token, header, signature or code that came with a sentence is in its row', async () => {
  const { schema, store } = await opened()
  const secrets = { token: 'canary', headers: { authorization: 'canary', cookie: 'canary', 'x-slack-signature': 'canary' } }
  const said = { id: '1', text: 'show runs', by: 'slack:U1' as Handle, at: { ...place, ...secrets }, code: '287082', ...secrets }
  expect(await store.receive(said)).toBe(true)
  const rows = await postgres.sql(`select inbox::text as row, body::text from ${schema}.inbox`)
  expect(rows).toHaveLength(1)
  expect(JSON.stringify(rows)).toContain('show runs')
  expect(JSON.stringify(rows)).not.toMatch(/canary|token|header|authorization|cookie|signature|code|287082/i)
})

test('a database of an earlier Signalbox keeps its posts, and looks for those that were begun from when their run began', async () => {
  const schema = postgres.schema()
  const first = await readFile(new URL('../../src/store/migrations/0001.sql', import.meta.url), 'utf8')
  await migrate(postgres.url, schema, [{ number: 1, sql: first }])
  await postgres.sql(
    `insert into ${schema}.runs (id, number, origin, place, created_at) values ('R1', 1, 'o', '{}', 1763640000000)`,
  )
  await postgres.sql(
    `insert into ${schema}.posts (run, key, ref) values ('R1', 'begun', null), ('R1', 'card', '{"chat":"slack","channel":"C1","message":"1.2"}')`,
  )
  const { store } = await opened(schema)
  expect(await store.posts('R1' as RunId)).toEqual(
    new Map([
      ['begun', { begun: 1_763_640_000_000 }],
      ['card', { begun: 1_763_640_000_000, post: { ...place, message: '1.2' } }],
    ]),
  )
  expect(await store.beginPost('R1' as RunId, 'begun')).toBe(false)
})

test('a great deal that is old is removed bit by bit, the oldest first', async () => {
  const { schema, store } = await opened()
  await postgres.sql(
    `insert into ${schema}.inbox (chat, delivery, body, answered_at, outcome)
     select 'slack', n, '{}', n, 'accepted' from generate_series(1, 5003) as n`,
  )
  expect(await store.purge(0)).toBe(5_000)
  expect(await postgres.sql(`select delivery from ${schema}.inbox order by answered_at`)).toEqual(
    ['5001', '5002', '5003'].map(delivery => ({ delivery })),
  )
  expect(await store.purge(0)).toBe(3)
  expect(await store.purge(0)).toBe(0)
})

test('what waits, and what is old, is found without reading what was answered and shown', async () => {
  const { schema, store } = await opened()
  await postgres.sql(
    `insert into ${schema}.inbox (chat, delivery, body, received_at, answered_at, outcome)
     select 'slack', n, '{}', signalbox_millis - 1000, signalbox_millis, 'accepted'
     from generate_series(1, 20000) as n, ${schema}.signalbox_millis()`,
  )
  await postgres.sql(
    `insert into ${schema}.runs (id, number, origin, place, seq, outcome, reported)
     select 'R' || n, n, 'o' || n, '{}', 5, 'succeeded', 5 from generate_series(1, 20000) as n`,
  )
  await postgres.sql(`insert into ${schema}.posts (about, key) select 'R' || n, 'card' from generate_series(1, 20000) as n`)
  // Where a range of texts is no range of letters, only the index of the boards helps to find them.
  await postgres.sql(`alter table ${schema}.posts alter column about type text collate "en-x-icu"`)
  await postgres.sql(`analyze ${schema}.inbox, ${schema}.runs, ${schema}.posts`)
  const database = openDatabase(postgres.url, schema, 1)
  onTestFinished(() => database.stop())
  const plans = [
    [WAITING_INBOX, [], 'inbox_unanswered'],
    [WAITING_REPORTS, [], 'runs_unreported'],
    [BOARDS, [], 'posts_of_boards'],
    [OLD_ANSWERS, [86_400_000, 5_000], 'inbox_answered'],
  ] as const
  for (const [query, values, index] of plans) {
    const { rows } = await database.query(`explain ${query}`, [...values])
    expect(JSON.stringify(rows)).toContain(index)
    expect(JSON.stringify(rows)).not.toMatch(/Seq Scan/)
  }
  expect(await store.waiting()).toEqual({ inbox: { waiting: 0, oldest: 0 }, unreported: 0 })
})

test('boards are found in a database that sorts as people do', async () => {
  const { schema, store } = await opened()
  await postgres.sql(`alter table ${schema}.posts alter column about type text collate "en-x-icu"`)
  const boards = ['board:discord/7/1', 'board:slack/C1/1', 'board:slack/C1/2'] as readonly string[] as readonly BoardId[]
  for (const about of [...boards].reverse()) await store.beginPost(about, 'board')
  await store.beginPost('R1' as RunId, 'card')
  expect(await store.boards()).toEqual(boards)
})

test('who tells goes on having it for as long as it takes', async () => {
  const { schema, store } = await opened()
  const until = async (): Promise<number> =>
    Number((await postgres.sql(`select until from ${schema}.tellers where about = 'R1'`))[0]?.['until'])
  const told = await store.telling('R1' as RunId, 1_500, async still => {
    const first = await until()
    await vi.waitFor(async () => expect(await until()).toBeGreaterThan(first), { timeout: 10_000, interval: 20 })
    return still()
  })
  expect(told).toBe(true)
  expect(await postgres.sql(`select until from ${schema}.tellers`)).toEqual([{ until: null }])
})

test('who tells, and cannot reach the database any more, knows that it may be lost', async () => {
  const { schema, store } = await opened()
  await store.telling('R1' as RunId, 900, async still => {
    expect(still()).toBe(true)
    await postgres.sql(`alter table ${schema}.tellers rename to gone`)
    await vi.waitFor(() => expect(still()).toBe(false), { timeout: 10_000, interval: 20 })
    await postgres.sql(`alter table ${schema}.gone rename to tellers`)
  })
})
