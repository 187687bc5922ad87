import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { verify } from '../src/audit/verify.ts'
import { anchorFile } from '../src/commands/anchor-file.ts'
import {
  ADRIFT,
  type Anchored,
  adrift,
  anchoredOf,
  anchorLine,
  anchorsIn,
  anchorsOf,
  type ChainHead,
  MOST_HEADS,
  moored,
} from '../src/domain/anchor.ts'
import { digestOf, HOUSE } from '../src/domain/chain.ts'
import { hours, type Person, type RunId } from '../src/domain/ids.ts'
import { type AnchorFile, type Anchoring, anchor } from '../src/engine/anchors.ts'
import { type Chat, NotShown } from '../src/ports/chat.ts'
import type { Store } from '../src/ports/store.ts'
import { openStore } from '../src/store/postgres.ts'
import { type FakeChat, fakeChat } from './fakes/chat.ts'
import { act, plan } from './fakes/given.ts'
import { type MemoryStore, memoryStore } from './fakes/memory-store.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

const PLAN = plan(act('sync', 'routine'))
const begin = (store: Store, origin: string) =>
  store.create(
    origin,
    { chat: 'console', channel: 'here' },
    {
      type: 'run.started',
      by: 'olga' as Person,
      plan: PLAN,
      digest: digestOf(PLAN),
      said: 'move it',
    },
  )
const head = (run: string, seq: number): ChainHead => ({ run: run as RunId, seq, hash: digestOf([run, seq]) })
/** The chain of these days. */
function chained(...days: readonly (readonly ChainHead[])[]): readonly Anchored[] {
  const all: Anchored[] = []
  for (const [n, heads] of days.entries()) all.push(...anchorsOf(heads, `2025-11-2${n}`, moored(all).anchorage))
  return all
}

describe('the anchors of a log', () => {
  const days = chained(
    [head('R1', 3), head('R2', 5)],
    [head('R1', 3), head('R2', 8), head('R3', 1)],
    [head('R1', 4), head('R2', 8)],
  )

  test('name only what moved since the one before, and count everything', () => {
    expect(days.map(({ heads }) => heads.map(({ run, seq }) => `${run} ${seq}`))).toEqual([
      ['R1 3', 'R2 5'],
      ['R2 8', 'R3 1'],
      ['R1 4'],
    ])
    expect(days.map(({ runs, entries }) => [runs, entries])).toEqual([
      [2, 8],
      [3, 12],
      [3, 13],
    ])
    expect(days.map(({ before }) => before)).toEqual([undefined, days[0]?.digest, days[1]?.digest])
    expect(moored(days).bad).toBeUndefined()
  })

  test('do not count the ledger as a run, and fix where it stands', () => {
    expect(anchorsOf([head('R1', 3), { ...head('house', 7), run: HOUSE }], '2025-11-20')[0]).toMatchObject({
      runs: 1,
      entries: 10,
    })
  })

  test('come in pieces that hang from each other where a great many runs moved', () => {
    const many = Array.from({ length: MOST_HEADS * 2 + 1 }, (_, n) => head(`R${n + 1}`, 2))
    const pieces = anchorsOf(many, '2025-11-20')
    expect(pieces.map(({ heads }) => heads.length)).toEqual([MOST_HEADS, MOST_HEADS, 1])
    expect(moored(pieces)).toMatchObject({ anchorage: { day: '2025-11-20', digest: pieces[2]?.digest } })
    expect(moored(pieces).bad).toBeUndefined()
    expect(moored([pieces[0], pieces[2]] as Anchored[]).bad).toMatchObject({ index: 1 })
  })

  test('say which runs are gone, were cut short or were written anew, and never anchor what is left of them', () => {
    const { anchorage } = moored(days)
    const now = [head('R1', 2), { ...head('R2', 8), hash: digestOf('forged') }]
    expect(adrift(now, anchorage)).toEqual([
      { run: 'R1', anchored: 4, now: 2 },
      { run: 'R2', anchored: 8, now: 8 },
      { run: 'R3', anchored: 1, now: 0 },
    ])
    expect(anchorsOf(now, '2025-11-23', anchorage)[0]?.heads).toEqual([])
    expect(adrift([head('R1', 9), head('R2', 8), head('R3', 1)], anchorage)).toEqual([])
  })

  test('are found out when one was changed, left out, moved or added', () => {
    const [one, two, three] = days as [Anchored, Anchored, Anchored]
    const at = (...some: readonly Anchored[]) => moored(some).bad?.index
    expect(at(one, { ...two, runs: 9 }, three)).toBe(1)
    expect(at(one, { ...two, heads: [] }, three)).toBe(1)
    expect(at(one, three)).toBe(1)
    expect(at(two, one)).toBe(1)
    expect(at(one, two, two)).toBe(2)
    // With a digest that fits, it still does not hang from what stands before it.
    expect(at(one, ...anchorsOf([head('R2', 8)], '2025-11-21'), three)).toBe(1)
    // An earlier day, a run that goes back, a wrong count: each with a digest that fits.
    const forged = (more: Partial<Anchored>): Anchored => {
      const { type: _, digest: __, ...says } = { ...two, ...more }
      return { type: 'anchored', ...says, digest: digestOf(says) }
    }
    for (const more of [{ day: '2025-11-01' }, { heads: [head('R1', 2)] }, { runs: 4 }, { entries: 1 }])
      expect(at(one, forged(more)), JSON.stringify(more)).toBe(1)
  })

  test('come through a file as they were, whatever else is in it', () => {
    const lines = [anchorLine(days[0] as Anchored), 'no JSON', '{"day":1}', '', 'null', ...days.map(anchorLine)]
    expect(anchorsIn(lines)).toEqual(days)
    fc.assert(fc.property(fc.anything(), value => anchoredOf(value) === undefined))
  })

  test('notice any change to any run that they have fixed', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(6), { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 8 }), steps => {
        const seqs = [0, 0, 0]
        const days = steps.map(step => {
          for (const [n, more] of step.entries()) seqs[n] = (seqs[n] ?? 0) + more
          return seqs.map((seq, n) => head(`R${n + 1}`, seq))
        })
        const all = chained(...days)
        const { anchorage, bad } = moored(all)
        expect(bad).toBeUndefined()
        const whole = seqs.map((seq, n) => head(`R${n + 1}`, seq))
        expect(adrift(whole, anchorage)).toEqual([])
        for (const [n, seq] of seqs.entries())
          if (seq > 0)
            expect(
              adrift(
                whole.map((it, m) => (m === n ? head(it.run, seq - 1) : it)),
                anchorage,
              ),
            ).toEqual([{ run: `R${n + 1}`, anchored: seq, now: seq - 1 }])
      }),
    )
  })
})

describe('the file of anchors', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-anchors-'))
    path = join(folder, 'anchors.jsonl')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test('is made when it is first needed, and only grows', async () => {
    const file = anchorFile(path)
    expect(await file.lines()).toEqual([])
    expect(existsSync(path)).toBe(false)
    await file.append(['one'])
    await file.append(['two', 'three'])
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\nthree\n')
    expect(await file.lines()).toEqual(['one', 'two', 'three'])
  })

  test('keeps what comes after a line that a crash has cut short apart from it', async () => {
    writeFileSync(path, 'one\n{"day":"20')
    await anchorFile(path).append(['two'])
    expect(await anchorFile(path).lines()).toEqual(['one', '{"day":"20', 'two'])
  })
})

/** One process of a house: its own file, and whatever the others share. */
interface Process extends Anchoring {
  readonly kept: string[]
  readonly complaints: string[]
}
function process(store: Store, chat?: Chat, more: Partial<Anchoring> = {}): Process {
  const kept: string[] = []
  const complaints: string[] = []
  return {
    store,
    chats: new Map(chat ? [[chat.name, chat]] : []),
    ...(chat ? { place: { chat: chat.name, channel: 'log' } } : {}),
    file: { lines: async () => [...kept], append: async lines => void kept.push(...lines) },
    complain: (what, error) => complaints.push(`${what}: ${(error as Error).message}`),
    kept,
    complaints,
    ...more,
  }
}
const ledgerOf = async (store: Store) => (await store.ledger()).anchors.map(({ day }) => day)

describe('anchoring', () => {
  let store: MemoryStore
  let chat: FakeChat
  beforeEach(async () => {
    store = memoryStore(Date.UTC(2025, 10, 20, 12))
    chat = fakeChat()
    await begin(store, 'one')
  })
  const keys = () => chat.messages.map(({ key }) => key)

  test('is done once a day, by the clock of the database, however many processes ask for it and however often', async () => {
    const [one, other] = [process(store, chat), process(store, chat)]
    await Promise.all([anchor(one), anchor(other), anchor(one)])
    await anchor(other)
    store.time += hours(11)
    await anchor(one)
    expect(await ledgerOf(store)).toEqual(['2025-11-20'])
    expect(keys()).toEqual(['anchors/anchor-2025-11-20'])
    store.time += hours(2)
    await Promise.all([anchor(one), anchor(other)])
    expect(await ledgerOf(store)).toEqual(['2025-11-20', '2025-11-21'])
    expect(keys()).toEqual(['anchors/anchor-2025-11-20', 'anchors/anchor-2025-11-21'])
    // The clock of the database steps back: a day that was anchored is not anchored again.
    store.time -= hours(30)
    await anchor(one)
    expect(await ledgerOf(store)).toHaveLength(2)
    await anchor(other)
    for (const { kept, complaints } of [one, other]) {
      expect(anchorsIn(kept).map(({ day }) => day)).toEqual(['2025-11-20', '2025-11-21'])
      expect(kept).toHaveLength(2)
      expect(complaints).toEqual([])
    }
  })

  test('by a process that has read the ledger before another anchored comes to nothing: it would not hang from that anchor', async () => {
    await anchor(process(store))
    store.time += hours(24)
    const late: Store = {
      ...store,
      async *entries(run) {
        for await (const entry of store.entries(run)) if (entry.type !== 'anchored') yield entry
      },
    }
    await anchor(process(late))
    expect(await ledgerOf(store)).toEqual(['2025-11-20'])
    await anchor(process(store))
    expect(await verify(store)).toMatchObject({ ok: true, anchor: { day: '2025-11-21' } })
  })

  test('says in the channel what the file and the ledger say', async () => {
    const one = process(store, chat)
    const latest = await anchor(one)
    expect(JSON.parse(one.kept[0] ?? '')).toEqual(latest)
    expect((await store.ledger()).anchors.at(-1)).toMatchObject({ day: '2025-11-20', digest: latest?.digest })
    const card = chat.card('anchors/anchor-2025-11-20')
    expect(card?.lines.join('\n')).toContain(latest?.digest)
    expect(card?.title).toContain('2025-11-20')
    expect(card?.buttons).toEqual([])
    // Nothing of what the runs touch: whoever reads along learns that there are runs.
    expect(JSON.stringify(card)).not.toMatch(/sql01|move|olga/)
  })

  test('whose process died after the ledger is made up for in the file and in the channel', async () => {
    const dying = { ...store, posts: () => Promise.reject(new Error('the process died here')) }
    await expect(anchor(process(dying, chat))).rejects.toThrow('died here')
    expect(keys()).toEqual([])
    expect(await ledgerOf(store)).toEqual(['2025-11-20'])
    const append = () => Promise.reject(new Error('the disk is full'))
    const full = process(store, chat, { file: { lines: async () => [], append } })
    await anchor(full)
    expect(full.complaints).toEqual([expect.stringContaining('the disk is full')])
    const next = process(store, chat)
    await anchor(next)
    expect(await ledgerOf(store)).toEqual(['2025-11-20'])
    expect(next.kept).toHaveLength(1)
    expect(keys()).toEqual(['anchors/anchor-2025-11-20'])
  })

  test('whose post was begun and never noted is found in the channel, and not posted twice', async () => {
    const lost = { ...store, endPost: () => Promise.reject(new Error('the process died here')) }
    await expect(anchor(process(lost, chat))).rejects.toThrow('died here')
    expect(keys()).toHaveLength(1)
    await anchor(process(store, chat))
    await anchor(process(store, chat))
    expect(keys()).toEqual(['anchors/anchor-2025-11-20'])
  })

  test('waits for a chat that is away, and keeps its file meanwhile', async () => {
    chat.before = () => {
      throw new NotShown('later', 'the chat is away')
    }
    const one = process(store, chat)
    await anchor(one)
    expect(one.kept).toHaveLength(1)
    expect(one.complaints).toEqual([expect.stringContaining('the chat is away')])
    chat.before = () => {}
    await anchor(one)
    expect(keys()).toEqual(['anchors/anchor-2025-11-20'])
  })

  test('needs no channel, no chat that is connected here and no file', async () => {
    const bare = { store, chats: new Map(), complain: () => {} }
    expect(await anchor(bare)).toMatchObject({ day: '2025-11-20' })
    expect(await anchor({ ...bare, place: { chat: 'slack', channel: 'C1' } })).toMatchObject({ day: '2025-11-20' })
  })

  test('gives a new machine every anchor there is, so that each file is whole', async () => {
    await anchor(process(store))
    store.time += hours(24)
    await begin(store, 'another')
    await anchor(process(store))
    const newer = process(store)
    await anchor(newer)
    expect(moored(anchorsIn(newer.kept))).toMatchObject({ anchorage: { day: '2025-11-21' } })
    expect(anchorsIn(newer.kept)).toHaveLength(2)
  })

  test('says aloud that a run is gone that was anchored, each day anew, and names it', async () => {
    await begin(store, 'two')
    const one = process(store, chat)
    await anchor(one)
    const robbed: Store = {
      ...store,
      heads: async () => (await store.heads()).filter(({ run }) => run !== 'R1'),
    }
    const later = process(robbed, chat, { file: one.file as AnchorFile })
    await anchor(later)
    await anchor(later)
    expect(later.complaints[0]).toContain('R1 was anchored with 1 entries and is gone')
    expect(chat.card('anchors/anchor-alarm-2025-11-20')).toMatchObject({ tone: 'bad' })
    expect(chat.card('anchors/anchor-alarm-2025-11-20')?.lines.join()).toContain('R1 was anchored')
    store.time += hours(24)
    await anchor(later)
    expect(keys().filter(key => key.includes('alarm'))).toHaveLength(2)
  })

  test('never writes into its file what a database says that was written anew, and says so', async () => {
    const one = process(store, chat)
    await anchor(one)
    const before = [...one.kept]
    const anew = memoryStore(store.time)
    await begin(anew, 'forged')
    await begin(anew, 'forged too')
    const later = process(anew, chat, { file: one.file as AnchorFile })
    await anchor(later)
    expect(one.kept).toEqual(before)
    expect(later.complaints.join()).toContain('has one of 2025-11-20 that the database does not have')
    expect(keys()).toContain('anchors/anchor-alarm-2025-11-20')
  })

  test('hangs nothing from an anchor that was tampered with, and says so', async () => {
    await anchor(process(store, chat))
    const forged: Store = {
      ...store,
      async *entries(run) {
        for await (const entry of store.entries(run))
          yield entry.type === 'anchored' ? { ...entry, data: { ...(entry.data as object), runs: 7 } } : entry
      },
    }
    store.time += hours(24)
    const later = process(forged, chat)
    await anchor(later)
    expect(later.complaints.join()).toContain('tampered with')
    expect(await ledgerOf(store)).toEqual(['2025-11-20'])
  })
})

describe('anchoring a Postgres', () => {
  let postgres: TestPostgres
  let stores: readonly [Store, Store]
  let folder: string
  beforeAll(async () => {
    postgres = await testPostgres()
    const schema = postgres.schema()
    stores = [await openStore(postgres.url, { schema }), await openStore(postgres.url, { schema })]
    folder = mkdtempSync(join(tmpdir(), 'signalbox-anchors-'))
  })
  afterAll(async () => {
    await Promise.all((stores ?? []).map(store => store.stop()))
    await postgres?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('makes one anchor for several processes, and the verifier agrees with it and with its file', async () => {
    const [one, other] = stores
    await begin(one, 'one')
    await begin(other, 'two')
    const chat = fakeChat()
    const file = anchorFile(join(folder, 'anchors.jsonl'))
    await Promise.all([0, 1, 2, 3].map(n => anchor(process(n % 2 ? one : other, chat, { file }))))
    await anchor(process(one, chat, { file }))
    expect((await one.ledger()).anchors).toHaveLength(1)
    expect(chat.messages).toHaveLength(1)
    const outside = anchorsIn(await file.lines())
    expect(outside).toHaveLength(1)
    expect(await verify(one, undefined, outside)).toMatchObject({ ok: true, runs: 2, anchor: { digest: outside[0]?.digest } })
    appendFileSync(join(folder, 'anchors.jsonl'), 'half a li')
    await anchor(process(other, chat, { file }))
    expect(anchorsIn(await file.lines())).toEqual(outside)
    // What belongs to the anchors is no board: nobody takes it down.
    expect(await one.boards()).toEqual([])
  })
})

test('the state before the first anchor has fixed nothing', () => {
  expect(moored([])).toEqual({ anchorage: ADRIFT })
})
