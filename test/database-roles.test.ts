import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPostgresBackend, withBackend } from 'bullmq'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openDatabase } from '../src/commands/database.ts'
import { migrateCommand } from '../src/commands/migrate.ts'
import { digestOf } from '../src/domain/chain.ts'
import type { Handle, Person, RunId } from '../src/domain/ids.ts'
import type { LedgerEvent } from '../src/domain/ledger.ts'
import { intend } from '../src/domain/program.ts'
import type { Event } from '../src/domain/run.ts'
import type { Store } from '../src/ports/store.ts'
import { sealWith } from '../src/seal/seal.ts'
import { environment } from '../src/site/environment.ts'
import { migrate } from '../src/store/migrate.ts'
import { openStore } from '../src/store/postgres.ts'
import { dealRights } from '../src/store/rights.ts'
import { act, ann, cancelled, done, gate, intent, LEASE, place, started } from './contracts/store-given.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

/** The bot and the worker log in as roles of their own, each with the least rights. The rights are those that `migrate` deals out. */

const schema = 'signalbox'
const KEY = 'ab'.repeat(32)
const { sign } = sealWith(Buffer.from(KEY, 'hex'))
const folder = mkdtempSync(join(tmpdir(), 'signalbox-roles-'))
let postgres: TestPostgres
let bot: Store
let worker: Store
beforeAll(async () => {
  postgres = await testPostgres()
  for (const role of ['the_bot', 'the_worker']) await postgres.sql(`create role ${role} login password '${role}'`)
  await signalboxMigrate('--bot', 'the_bot', '--worker', 'the_worker')
  const options = { schema, sign, migrate: false, connections: 3 }
  ;[bot, worker] = await Promise.all([openStore(as('the_bot'), options), openStore(as('the_worker'), options)])
}, 60_000)
afterAll(async () => {
  await Promise.all([bot?.stop(), worker?.stop()])
  await postgres?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const as = (role: string): string => {
  const url = new URL(postgres.url)
  url.username = role
  url.password = role
  return url.href
}

/** What the command says, run by the owner. */
async function signalboxMigrate(...words: readonly string[]): Promise<string> {
  return migrateWith({ SIGNALBOX_SEAL_KEY: KEY }, ...words)
}

async function migrateWith(variables: Readonly<Record<string, string>>, ...words: readonly string[]): Promise<string> {
  const said = vi.spyOn(console, 'log').mockImplementation(() => {})
  const program = new Command().exitOverride()
  migrateCommand(
    program,
    () => environment({ SIGNALBOX_DATABASE_URL: postgres.url, ...variables }, folder),
    () => {},
  )
  try {
    await program.parseAsync(['migrate', ...words], { from: 'user' })
    return said.mock.calls.flat().join('\n')
  } finally {
    said.mockRestore()
  }
}

const voted = (by: string): Event => ({
  type: 'step.voted',
  step: gate.id,
  vote: { by: by as Person, verdict: 'approve', shown: digestOf(1), at: 0 },
})
let count = 0
const asked = () => bot.create(`slack:C1:${++count}`, place, started(gate, act))
const eventsOf = async (id: RunId) =>
  (await postgres.sql(`select type from ${schema}.events where run = '${id}' order by seq`)).map(row => row['type'])

describe('with two roles', () => {
  test('a change goes all the way: asked for, approved, sent, done and shown', async () => {
    const said = { id: 'm1', text: 'select target', by: 'slack:U1' as Handle, at: place }
    expect(await bot.receive(said)).toBe(true)
    const { id } = await asked()
    await bot.answered(said, 'accepted')
    expect((await bot.unanswered(0)).length).toBe(0)
    expect((await worker.overdue()).report).toContain(id)
    await bot.record(id, () => [{ type: 'run.heard', said: 'm2' }, voted('bob')])
    await bot.record(id, () => [voted('cy')])
    expect((await worker.overdue()).advance).toContain(id)
    const after = await worker.hold(id, LEASE, async hold => {
      expect(await hold.claim([{ path: 'sql01', mode: 'exclusive' }])).toBeUndefined()
      await hold.waitFor({ path: 'a', run: id, next: 0 })
      await hold.track(act.id, { since: 0, at: 0, moved: 0 })
      const sent = await hold.record(now => intend(now, act, intent))
      expect(sent.steps.get(act.id)?.is).toBe('sent')
      expect(await hold.forged()).toBeUndefined()
      return hold.record(() => [done])
    })
    expect(after?.outcome).toBe('succeeded')
    await bot.telling(id, LEASE, async still => {
      expect(await bot.beginPost(id, 'card')).toBe(true)
      await bot.endPost(id, 'card', { ...place, message: '1.2' }, { still: 's', whole: 'w' })
      expect(still()).toBe(true)
      await bot.reported(id, after?.seq ?? 0)
    })
    expect((await worker.overdue()).report).not.toContain(id)
    expect([(await worker.waiting()).inbox.waiting, await worker.unanswered(0)]).toEqual([0, []]) // as a sweep asks
    await bot.losePost(id, 'card', { ...place, message: '1.2' })
    await bot.purge(0)
    expect((await bot.list('all', 10)).map(run => run.id)).toContain(id)
  })

  test('a cancel by the bot gives back what the worker had claimed', async () => {
    const [first, second] = [await bot.create('c1', place, started(act)), await bot.create('c2', place, started(act))]
    const claims = [{ path: 'vmax/1', mode: 'exclusive' }] as const
    await worker.hold(first.id, LEASE, hold => hold.claim(claims))
    await bot.record(first.id, () => [cancelled])
    expect(await worker.hold(second.id, LEASE, async hold => (await hold.claim(claims)) ?? 'granted')).toBe('granted')
  })

  test('people follow and silence where the bot hears them', async () => {
    await bot.follow({ at: place, what: { runs: '*' }, by: ann })
    await bot.setQuiet({ at: place, from: 0, to: 1, zone: 'UTC', by: ann })
    expect(await bot.unfollow(place)).toBe(1)
    expect(await bot.clearQuiet(place)).toBe(true)
  })

  test('links and codes are kept by the bot, and freezes and policies by the worker', async () => {
    const linked: LedgerEvent = { type: 'link.made', handle: 'slack:U1' as Handle, person: ann, until: 4e12, roles: [] }
    const frozen: LedgerEvent = { type: 'freeze.begun', scope: 'everything', until: 4e12, by: ann, because: 'x', key: 'k' }
    await bot.keep(() => [linked, { type: 'factor.failed', person: ann }])
    await worker.keep(() => [frozen])
    expect((await bot.ledger()).freezes.size).toBe(1)
    expect((await worker.ledger()).links.size).toBe(1)
    await expect(worker.keep(() => [linked])).rejects.toThrow(/row-level security/)
    await expect(worker.keep(() => [{ type: 'factor.removed', person: ann, by: 'x', because: 'x' }])).rejects.toThrow(
      /row-level security/,
    )
    await expect(bot.keep(() => [frozen])).rejects.toThrow(/row-level security/)
    await expect(bot.keep(() => [{ ...frozen, type: 'freeze.ended' }])).rejects.toThrow(/row-level security/)
    expect((await bot.ledger()).seq).toBe(3)
  })

  test('the rules of the first start are put down by whoever starts first, and those after it by the worker', async () => {
    const rulebook = { zone: 'UTC', roles: {}, people: {}, rules: [], labels: {}, windows: [], links: { expire: 1, coolDown: 1 } }
    const accepted: LedgerEvent = { type: 'policy.accepted', digest: digestOf(1), rulebook, by: 'the first start', key: 'k1' }
    await bot.keep(() => [accepted])
    await expect(bot.keep(() => [accepted])).rejects.toThrow(/row-level security/)
    expect((await worker.keep(() => [{ ...accepted, by: 'ann' }])).policy?.by).toBe('ann')
  })

  test("the worker's role cannot vote, nor say anything else for people", async () => {
    const { id } = await asked()
    const words: readonly Event[] = [
      voted('bob'),
      { type: 'run.heard', said: 'm' },
      { type: 'run.broke-glass', by: ann, because: 'x', until: 4e12, rule: gate.rule },
      { type: 'run.reviewed', by: ann, because: 'x' },
      { type: 'run.paused', by: ann },
      { type: 'run.resumed', by: ann },
      { type: 'step.skip-asked', step: act.id, by: ann, because: 'x', rule: gate.rule, until: 4e12 },
    ]
    for (const event of words) {
      await expect(
        worker.record(id, () => [event]),
        event.type,
      ).rejects.toThrow(/row-level security/)
      await expect(
        worker.hold(id, LEASE, hold => hold.record(() => [event])),
        event.type,
      ).rejects.toThrow(/row-level security/)
    }
    await expect(worker.create('forged', place, started(act))).rejects.toThrow(/permission denied/)
    await expect(worker.receive({ id: 'x', text: 'approve', by: 'slack:U1' as Handle, at: place })).rejects.toThrow(
      /permission denied/,
    )
    expect(await eventsOf(id)).toEqual(['run.started', 'step.opened'])
  })

  test("the bot's role cannot send, nor take a run", async () => {
    const { id } = await bot.create('send', place, started(act))
    await expect(bot.record(id, now => intend(now, act, intent))).rejects.toThrow(/row-level security/)
    await expect(bot.record(id, () => [{ type: 'worker.lost', steps: [act.id] }])).rejects.toThrow(/row-level security/)
    await expect(bot.record(id, () => [{ type: 'step.shown', step: gate.id, facts: [] }])).rejects.toThrow(/row-level security/)
    await expect(bot.hold(id, LEASE, async () => 'held')).rejects.toThrow(/permission denied/)
    expect(await eventsOf(id)).toEqual(['run.started'])
  })

  test('nobody updates or deletes what is logged', async () => {
    await asked()
    for (const role of ['the_bot', 'the_worker']) {
      const { default: pg } = await import('pg')
      const client = new pg.Client({ connectionString: as(role), options: `-c search_path=${schema}` })
      await client.connect()
      onTestFinished(() => client.end())
      for (const table of ['events', 'ledger']) {
        await expect(client.query(`update ${table} set mac = 'x'`)).rejects.toThrow(`permission denied for table ${table}`)
        await expect(client.query(`delete from ${table}`)).rejects.toThrow(`permission denied for table ${table}`)
        await expect(client.query(`truncate ${table}`)).rejects.toThrow(`permission denied for table ${table}`)
        await expect(client.query(`alter table ${table} disable row level security`)).rejects.toThrow('must be owner')
        await expect(client.query(`drop policy worker_writes on ${table}`)).rejects.toThrow('must be owner')
      }
      for (const sql of [
        `insert into migrations values (99, 'x')`,
        'delete from migrations',
        'delete from seals',
        `insert into seals values (1, 'x')`,
        `update seals set mac = 'x'`,
        'delete from runs',
        `update runs set origin = 'x'`,
        `update runs set place = '{}'`,
      ])
        await expect(client.query(sql), sql).rejects.toThrow('permission denied')
      await expect(client.query('create table mine (id text)')).rejects.toThrow('permission denied for schema')
      await expect(
        client.query(`create or replace function signalbox_now() returns timestamptz language sql as 'select now()'`),
      ).rejects.toThrow(/permission denied|must be owner/)
    }
  })

  test('a nudge goes through the queue, whichever role sends it', async () => {
    const { Queue, Worker } = withBackend(createPostgresBackend)
    const of = (role: string) => ({ connection: { connectionString: as(role), schema: 'signalbox_queue', max: 2 } })
    const queue = new Queue<{ run: string }>('advance', of('the_bot'))
    onTestFinished(() => queue.close())
    const heard = new Promise<string>(resolve => {
      const hand = new Worker<{ run: string }>('advance', async job => resolve(job.data.run), of('the_worker'))
      onTestFinished(() => hand.close(true))
    })
    const once = { jobId: 'advance-R1-1', attempts: 1, removeOnComplete: true, removeOnFail: true }
    await queue.add('advance', { run: 'R1' }, once) // as bullmq.ts does it: with an id of ours, or BullMQ makes a sequence
    expect(await heard).toBe('R1')
  })
})

describe('signalbox migrate', () => {
  test('says what it did, again as often as it is asked', async () => {
    const said = await signalboxMigrate('--bot', 'the_bot', '--worker', 'the_worker')
    expect(said).toBe(
      'The database is up to date.\nthe_bot may hear people and not send; the_worker may send and not vote. Neither edits the log.',
    )
    expect((await asked()).seq).toBe(2)
  })

  test('deals out again what new tables bring, to the roles that were named before', async () => {
    await postgres.sql(`revoke all on ${schema}.posts from the_bot`)
    expect(await signalboxMigrate()).toContain('the_bot may hear people')
    expect((await bot.posts('R1' as RunId)).size).toBe(0)
  })

  test('seals with the key that is there, and makes none', async () => {
    expect(await migrateWith({})).toContain('There is no seal key here, so the log was not sealed')
    expect(existsSync(join(folder, '.signalbox', 'seal.key'))).toBe(false)
    expect(await postgres.sql(`select count(*)::integer as seals from ${schema}.seals`)).toEqual([{ seals: 1 }])
    await expect(migrateWith({ SIGNALBOX_SEAL_KEY: 'cd'.repeat(32) })).rejects.toThrow(/sealed with another key/)
  })

  test('wants both roles, and such as are there, can log in and can do nothing else', async () => {
    await postgres.sql(
      `create role idle; create role mighty login superuser; create role deputy login in role the_bot; create role heir login in role signalbox`,
    )
    const refused = (bot: string, worker: string, why: RegExp) =>
      expect(signalboxMigrate('--bot', bot, '--worker', worker)).rejects.toThrow(why)
    await expect(signalboxMigrate('--bot', 'the_bot')).rejects.toThrow(/Name both roles or none/)
    await refused('the_bot', 'the_bot', /two different ones/)
    await refused('the_bot', 'nobody', /no role nobody in this database\. Make it first: create role "nobody" login/)
    await refused('idle', 'the_worker', /idle cannot log in/)
    await refused('mighty', 'the_worker', /mighty may do everything/)
    await refused('heir', 'the_worker', /heir may do everything/)
    await refused('the_bot', 'deputy', /deputy may act as the other one/)
  })

  test('takes back what a role had that is not named any more', async () => {
    const other = postgres.schema()
    await migrate(postgres.url, other)
    await postgres.sql(`create role old_bot login; create role new_bot login`)
    await dealRights(postgres.url, other, undefined, { bot: 'old_bot', worker: 'the_worker' })
    await dealRights(postgres.url, other, undefined, { bot: 'new_bot', worker: 'the_worker' })
    const may = async (role: string) =>
      (
        await postgres.sql(
          `select has_schema_privilege('${role}', '${other}', 'usage') as schema, has_table_privilege('${role}', '${other}.inbox', 'insert') as inbox`,
        )
      )[0]
    expect(await may('old_bot')).toEqual({ schema: false, inbox: false })
    expect(await may('new_bot')).toEqual({ schema: true, inbox: true })
  })

  test('is what a role that may not bring the database forward is told to ask for', async () => {
    const behind = postgres.schema()
    const open = () => openStore(postgres.url, { schema: behind, migrate: false, connections: 1 })
    await expect(open()).rejects.toThrow(/it has 0 of 4 migrations.*Run `signalbox migrate` as its owner/)
    await migrate(postgres.url, behind)
    const store = await open()
    await store.stop()
    await expect(openStore(postgres.url, { schema: behind, migrate: false, sign })).rejects.toThrow(
      /not sealed yet.*Run `signalbox migrate`/,
    )
    await postgres.sql(`insert into ${behind}.migrations values (9, 'x')`)
    await expect(open()).rejects.toThrow(/newer Signalbox/)
  })

  test('is not needed by a database that is opened as its owner', async () => {
    const mine = postgres.schema()
    const opened = await openDatabase(environment({ SIGNALBOX_DATABASE_URL: postgres.url }), 'unused', 'own', mine, { sign })
    onTestFinished(() => opened.close())
    const { id } = await opened.store.create('o', place, started(act))
    expect(await opened.store.hold(id, LEASE, async hold => [await hold.forged()])).toEqual([undefined])
    await expect(
      openDatabase(environment({ SIGNALBOX_DATABASE_URL: postgres.url }), 'unused', 'own', postgres.schema(), { migrate: false }),
    ).rejects.toThrow(/0 of 4 migrations/)
  })
})
