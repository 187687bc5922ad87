import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { canonical, type Entry } from '../src/domain/chain.ts'
import type { Ears } from '../src/engine/ears.ts'
import { answer } from '../src/engine/hear.ts'
import { sweep } from '../src/engine/sweep.ts'
import { parse } from '../src/language/parse.ts'
import type { Store } from '../src/ports/store.ts'
import { openStore } from '../src/store/postgres.ts'
import { chained } from './contracts/store-given.ts'
import { fakeChat } from './fakes/chat.ts'
import { act, gate, plan } from './fakes/given.ts'
import { trusting } from './fakes/trust.ts'
import { rewrite, type TestPostgres, testPostgres } from './postgres.ts'
import { sign, type Threatened, worldOn } from './threats-world.ts'

/** The ways into a device that do not lead past a vote: the inbox, and what is said to be under way already. */

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

test('a sentence that was put into the inbox with SQL is answered by nobody: no vote comes of it', async () => {
  const ears: Ears = {
    ...world.engine(),
    ...trusting(world.policy),
    chats: new Map([['console', fakeChat()]]),
    parse: text => parse(text, { targets: new Map() }),
    plan: () => ({ plan: CUTOVER, reads: [] }),
    help: () => [],
    canDo: () => [],
    targets: () => [],
    listed: () => ['here'],
    limit: () => 'ok',
    count: () => {},
    complain: () => {},
  }
  const id = await world.begin(CUTOVER)
  const body = canonical({ id: 'x1', text: `approve ${id}`, by: 'console:lee', at: { chat: 'console', channel: 'here' } })
  await postgres.sql(`insert into ${schema}.inbox (chat, delivery, body, received_at) values ('console', 'x1', '${body}', 0)`)
  await sweep({ store: world.store, advance: world.advance, report: async () => {}, answer: one => answer(one, ears) })
  await world.advance(id)
  expect(await world.stands(id, 'ready')).toBe('open')
  expect(world.sent).toEqual([])
})

test('a request that somebody wrote down as sent is not sent again, whatever it says', async () => {
  const id = await world.begin(CUTOVER)
  const action = { capability: 'lab.destroy', target: 'anything', params: { all: true }, risk: 'routine' }
  await rewrite(postgres, schema, world.store, id, entries => {
    const { mac: _, ...last } = entries.at(-1)!
    const made: readonly Entry[] = [
      { ...last, type: 'step.done', data: { step: 'ready', how: 'told' } },
      { ...last, type: 'step.intended', data: { step: 'cutover', intent: { id: 'x', at: 0, action } } },
    ]
    return chained([...entries, ...made])
  })
  await world.advance(id)
  expect(world.sent).toEqual([])
  expect(await world.stands(id, 'cutover')).toContain('was not written by Signalbox')
})
