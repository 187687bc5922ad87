import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { verify } from '../src/audit/verify.ts'
import { policyOf } from '../src/domain/authority.ts'
import { type Entry, HOUSE, link } from '../src/domain/chain.ts'
import type { RunId } from '../src/domain/ids.ts'
import type { Store } from '../src/ports/store.ts'
import { openStore } from '../src/store/postgres.ts'
import { chained } from './contracts/store-given.ts'
import { act, gate, plan } from './fakes/given.ts'
import { listedAs, rulebook } from './fakes/linking.ts'
import { rewrite, type TestPostgres, testPostgres } from './postgres.ts'
import { sign, type Threatened, worldOn } from './threats-world.ts'

/** Somebody who may write anything into the database, knows how hashes are made, and has not got the key: no change is sent on it. */

let postgres: TestPostgres
let schema: string
let world: Threatened<Store>
beforeAll(async () => {
  postgres = await testPostgres()
})
afterAll(() => postgres.stop())
beforeEach(async () => {
  schema = postgres.schema()
  const store = await openStore(postgres.url, { schema, sign, connections: 3 })
  onTestFinished(() => store.stop())
  world = worldOn(store, () => Date.now())
})

const CUTOVER = plan(gate('ready'), act('cutover', 'destructive'))
const forge = (id: RunId, how: (entries: readonly Entry[]) => readonly Entry[]) =>
  rewrite(postgres, schema, world.store, id, entries => chained(how(entries)))
/** One more entry at the end, without a MAC or with whatever is there to be copied. */
const adding =
  (type: string, data: object, mac?: string) =>
  (entries: readonly Entry[]): readonly Entry[] => [
    ...entries,
    { ...entries.at(-1)!, type, data, ...(mac === undefined ? { mac: undefined as never } : { mac }) },
  ]
const entriesOf = async (id: RunId): Promise<readonly Entry[]> => {
  const found: Entry[] = []
  for await (const entry of world.store.entries(id)) found.push(entry)
  return found
}
const yes = (id: RunId) => ({
  step: 'ready',
  vote: { by: 'lee', verdict: 'approve', shown: id, at: 0, as: ['lead'] },
})

/** A worker comes by, again and again; nothing is sent, and the run names the entry. */
async function caught(id: RunId, seq: number): Promise<void> {
  const named = `entry ${seq} of ${id} was not written by Signalbox; nothing was sent. Say \`signalbox audit verify\` on the host`
  await world.advance(id)
  expect(await world.stands(id, 'cutover')).toBe(`failed: ${named}`)
  await world.advance(id)
  expect(world.sent).toEqual([])
  expect(await verify(world.store, sign)).toMatchObject({ ok: false, run: id, seq })
}

test('what really was approved is sent', async () => {
  const id = await world.begin(CUTOVER)
  await world.say(id, 'lee', `approve ${id}`)
  await world.advance(id)
  expect(world.sent).toEqual(['cutover on sql01 {}'])
  expect(await verify(world.store, sign)).toMatchObject({ ok: true })
})

describe('nothing is sent, and the run names the entry,', () => {
  test('when a vote was inserted with hashes and a head that fit', async () => {
    const id = await world.begin(CUTOVER)
    await forge(id, adding('step.voted', yes(id)))
    await caught(id, 3)
  })

  test('when a gate was written down as passed', async () => {
    const id = await world.begin(CUTOVER)
    await forge(id, adding('step.done', { step: 'ready', how: 'told' }))
    await caught(id, 3)
  })

  test('when a real approval of another run was copied, MAC and all', async () => {
    const real = await world.begin(CUTOVER)
    await world.say(real, 'lee', `approve ${real}`)
    const vote = (await entriesOf(real)).find(({ type }) => type === 'step.voted')!
    const id = await world.begin(CUTOVER)
    await forge(id, adding(vote.type, vote.data as object, vote.mac))
    await caught(id, 3)
  })

  test('when the real approval of one gate was copied for the other gate of the same run', async () => {
    const id = await world.begin(plan([gate('ready'), gate('really')], act('cutover', 'destructive')))
    await world.say(id, 'lee', `approve ${id} ready`)
    const vote = (await entriesOf(id)).find(({ type }) => type === 'step.voted')!
    await forge(id, adding(vote.type, { ...(vote.data as object), step: 'really' }, vote.mac))
    await caught(id, 6)
  })

  test('when a no was turned into a yes', async () => {
    const two = plan(act('first', 'routine'), gate('ready', { denies: 2 }), act('cutover', 'destructive'))
    const id = await world.begin(two)
    await world.advance(id)
    world.sent.length = 0
    await world.say(id, 'lee', `deny ${id}`)
    const all = await entriesOf(id)
    const no = all.find(({ type }) => type === 'step.voted')!
    await forge(id, entries =>
      entries.map(entry =>
        entry.seq === no.seq ? { ...entry, data: JSON.parse(JSON.stringify(entry.data).replace('deny', 'approve')) } : entry,
      ),
    )
    await caught(id, no.seq)
  })

  test('when another plan was put under the approval that was given', async () => {
    const id = await world.begin(CUTOVER)
    await world.say(id, 'lee', `approve ${id}`)
    await forge(id, entries =>
      entries.map(entry =>
        entry.type === 'run.started'
          ? { ...entry, data: JSON.parse(JSON.stringify(entry.data).replaceAll('"sql01"', '"prod-sql01"')) }
          : entry,
      ),
    )
    await caught(id, 1)
  })

  test('when a whole run was made up, with an approval', async () => {
    const real = await world.begin(CUTOVER)
    await world.say(real, 'lee', `approve ${real}`)
    const id = 'R900' as RunId
    await postgres.sql(
      `insert into ${schema}.runs (id, number, origin, place, seq, head_hash, wake_at) select '${id}', 900, 'made up', place, 0, '', 0 from ${schema}.runs where id = '${real}'`,
    )
    const copied = await entriesOf(real)
    await forge(id, () => copied.map(entry => ({ ...entry, run: id })))
    await caught(id, 1)
  })

  test('however the people who are asked again then vote: what was forged stays in the log', async () => {
    const id = await world.begin(plan(act('first', 'routine'), gate('ready'), act('cutover', 'destructive')))
    await world.advance(id)
    world.sent.length = 0
    await forge(id, adding('step.voted', yes(id)))
    await world.advance(id)
    const [named] = (await world.stands(id, 'cutover')).split(';')
    expect(named).toMatch(/^failed: entry \d of R1 was not written by Signalbox$/)
    await world.say(id, 'olga', `retry ${id}`)
    expect(await world.say(id, 'dee', `approve ${id}`)).toContain('is in')
    await world.advance(id)
    expect((await world.stands(id, 'cutover')).split(';')[0]).toBe(named)
    expect(world.sent).toEqual([])
  })
})

test('rules that were written into the ledger with SQL are obeyed by nobody: whoever has to decide by them stops', async () => {
  const people = { mal: listedAs(['lead', 'operator'], ['console:mal']) }
  const book = rulebook(people, { labels: { sql01: {} } })
  const accepted = { digest: 'd', rulebook: book, by: 'the first start', key: 'k' }
  await world.store.keep(() => [{ type: 'policy.accepted', ...accepted, digest: 'd' as never }])
  const id = await world.begin(plan(act('cutover', 'destructive')), 'mal')
  const before = (await entriesOf(HOUSE)).at(-1)!
  const entry = { run: HOUSE, seq: 2, at: before.at, type: 'policy.accepted', data: { ...accepted, by: 'bob', key: 'k2' } }
  await rewrite(postgres, schema, world.store, HOUSE, () => [before, { ...entry, hash: link(before.hash, entry) }])
  const fresh = await openStore(postgres.url, { schema, sign, connections: 2 })
  onTestFinished(() => fresh.stop())
  const deciding = worldOn(fresh, () => Date.now())
  const engine = deciding.engine()
  deciding.engine = () => ({
    ...engine,
    policy: async () => policyOf(book, await fresh.ledger(), new Map(), await fresh.now()),
  })
  await expect(deciding.advance(id)).rejects.toThrow('Entry 2 of the ledger was not written by Signalbox')
  expect(deciding.sent).toEqual([])
})

test('the key is what it takes: the same forgery, sealed with it, is a vote like any other', async () => {
  const id = await world.begin(CUTOVER)
  await rewrite(postgres, schema, world.store, id, entries =>
    chained(adding('step.voted', yes(id))(entries)).map(entry => ({ ...entry, mac: sign(entry.hash) })),
  )
  await world.advance(id)
  expect(world.sent).toHaveLength(1)
})
