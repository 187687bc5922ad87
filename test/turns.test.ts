import { describe, expect, test } from 'vitest'
import powerpath from '../adapters/powerpath/index.ts'
import { hours, minutes, type Person, type RunId, seconds, type Target } from '../src/domain/ids.ts'
import type { LedgerEvent } from '../src/domain/ledger.ts'
import { rings } from '../src/domain/rings.ts'
import { newCrowd } from '../src/engine/crowd.ts'
import type { Ears } from '../src/engine/ears.ts'
import { report } from '../src/engine/report.ts'
import { systemClock } from '../src/engine/system-clock.ts'
import { takeTurns, tellOfTurns } from '../src/engine/turns.ts'
import type { Adapter } from '../src/kit/device.ts'
import { planner } from '../src/planning.ts'
import { RUNBOOKS } from '../src/runbooks/all.ts'
import { languageOf } from '../src/spoken.ts'
import { type Mortal, mortal, mortalDevice } from './crash-mortal.ts'
import { type FakeChat, fakeChat } from './fakes/chat.ts'
import { POLICY } from './fakes/given.ts'
import { type MemoryStore, memoryStore } from './fakes/memory-store.ts'
import { trusting } from './fakes/trust.ts'

const adapters: ReadonlyMap<string, Adapter> = new Map([['powerpath', powerpath as Adapter]])
const targets = new Map([['sql01' as Target, { kind: 'powerpath', settings: {}, root: 'sql01' }]])
const language = languageOf({ targets }, adapters)

interface World {
  readonly store: MemoryStore
  readonly chat: FakeChat
}

/** A process: whatever it asks of the store, the chat or the queue is a place to die. */
function earsOf({ store, chat }: World, worker: Mortal, policy = POLICY): Ears {
  const asking = <T extends object>(what: T): T => mortalDevice(what, worker, (_, ask) => ask())
  return {
    store: asking(store),
    chats: new Map([['console', asking(chat)]]),
    clock: systemClock,
    lease: seconds(30),
    stopping: new AbortController().signal,
    ...trusting(policy),
    find: () => {
      throw new Error('nothing is asked here')
    },
    root: target => target,
    redact: value => value,
    nudge: asking({ nudge: async () => {} }).nudge,
    parse: language.parse,
    plan: planner(adapters, RUNBOOKS, {}),
    help: language.help,
    canDo: language.canDo,
    targets: () => ['sql01'],
    targetNames: () => ['sql01'],
    listed: () => ['here'],
    limit: () => 'ok',
    count: () => {},
    complain: (what, error) => {
      throw new Error(what, { cause: error })
    },
  }
}

const MADE = {
  type: 'schedule.made',
  id: 'S1',
  by: 'olga' as Person,
  title: 'migrate',
  command: { kind: 'run', runbook: 'migrate', params: { host: 'sql01', from: 'harddisk5', to: 'harddisk8' } },
  when: { every: minutes(15) },
  place: { chat: 'console', channel: 'here' },
  late: 'run',
  busy: 'ring',
  key: 'R1/schedule/1',
} as const satisfies LedgerEvent

async function world(...events: readonly LedgerEvent[]): Promise<World> {
  const store = memoryStore()
  await store.keep(() => [MADE, ...events])
  return { store, chat: fakeChat() }
}
const reporter = (ears: Ears) => ({ store: ears.store, chats: ears.chats, crowd: newCrowd(), complain: ears.complain })
const runs = ({ store }: World) => store.list('all', 99)

describe('a turn', () => {
  test('makes one run, by whoever made the schedule and in its place', async () => {
    const all = await world()
    await takeTurns(earsOf(all, mortal(undefined)))
    await takeTurns(earsOf(all, mortal(undefined)))
    const [run, ...more] = await runs(all)
    expect(more).toEqual([])
    expect(run).toMatchObject({ by: 'olga', schedule: 'S1', place: MADE.place, said: expect.stringContaining('S1: ') })
    // Nobody is there to say `retry` each quarter of an hour.
    expect(run?.plan.onFailure).toBe('stop')
  })

  test('is taken once, wherever two processes die that want to take it, and by a third at the latest', async () => {
    const length = async (): Promise<number> => {
      const worker = mortal(undefined)
      await takeTurns(earsOf(await world(), worker))
      return worker.met.length
    }
    const count = await length()
    expect(count).toBeGreaterThan(8)
    for (let one = 0; one < count; one++)
      for (let two = 0; two < count; two++) {
        const all = await world()
        for (const at of [one, two]) {
          const worker = mortal({ at, how: 'dies' })
          await Promise.race([takeTurns(earsOf(all, worker)), worker.stopped])
        }
        await takeTurns(earsOf(all, mortal(undefined)))
        expect(await runs(all)).toHaveLength(1)
        const turns = (await all.store.turns()).get('S1')
        expect(turns).toMatchObject({ last: { run: 'R1' }, skipped: 0, due: all.store.time + minutes(15) })
      }
  })

  test('is taken once by a process that froze in the middle and woke after others had gone on', async () => {
    for (let at = 0; at < 12; at++) {
      const all = await world()
      const worker = mortal({ at, how: 'freezes' })
      const late = takeTurns(earsOf(all, worker))
      await Promise.race([late, worker.stopped])
      await takeTurns(earsOf(all, mortal(undefined)))
      all.store.time += minutes(15)
      await takeTurns(earsOf(all, mortal(undefined)))
      worker.thaw()
      await late
      expect(await runs(all)).toHaveLength(1)
      expect((await all.store.turns()).get('S1')?.due).toBe(all.store.time + minutes(15))
    }
  })

  test('is not taken for somebody who may not ask for it any more, and where it was made that is said once', async () => {
    const all = await world()
    const ears = earsOf(all, mortal(undefined), { ...POLICY, rules: [] })
    await takeTurns(ears)
    await tellOfTurns(reporter(ears))
    await tellOfTurns(reporter(ears))
    expect(await runs(all)).toEqual([])
    expect(all.chat.messages).toHaveLength(1)
    expect(all.chat.messages[0]?.card.lines[0]).toContain('could not begin')
  })

  test('does not come while its schedule is paused, nor after it was ended', async () => {
    const by = 'olga' as Person
    const paused = await world({ type: 'schedule.paused', id: 'S1', by, key: 'a' })
    await takeTurns(earsOf(paused, mortal(undefined)))
    expect(await runs(paused)).toEqual([])
    const ended = await world({ type: 'schedule.ended', id: 'S1', by, key: 'b' })
    await takeTurns(earsOf(ended, mortal(undefined)))
    expect(await runs(ended)).toEqual([])
  })

  test('that was written into the database by somebody else is not taken before its time, nor a second time', async () => {
    const all = await world()
    await takeTurns(earsOf(all, mortal(undefined)))
    const due = all.store.time + minutes(15)
    // Set back to a turn that was taken.
    await all.store.turn('S1', due, { due: all.store.time, missed: 0, skipped: 0 })
    await takeTurns(earsOf(all, mortal(undefined)))
    expect(await runs(all)).toHaveLength(1)
  })
})

describe('the run of a turn', () => {
  test('has no card while it calls for nobody, and has one as soon as it does', async () => {
    const all = await world()
    const ears = earsOf(all, mortal(undefined))
    await takeTurns(ears)
    await report('R1' as RunId, reporter(ears))
    const run = await all.store.load('R1' as RunId)
    // Its first step is under way, or it waits for people already: then somebody is called.
    expect(all.chat.messages.length > 0).toBe(run !== undefined && rings(run, all.store.time).length > 0)
    await all.store.record('R1' as RunId, () => [{ type: 'run.finished', outcome: 'failed' }])
    await report('R1' as RunId, reporter(ears))
    expect(all.chat.text()).toContain('R1 failed')
  })

  test('that succeeded without anybody leaves nothing in the channel', async () => {
    const all = await world()
    const ears = earsOf(all, mortal(undefined))
    await takeTurns(ears)
    await all.store.record('R1' as RunId, () => [{ type: 'run.finished', outcome: 'succeeded' }])
    await report('R1' as RunId, reporter(ears))
    expect(all.chat.messages).toEqual([])
    expect((await all.store.overdue()).report).toEqual([])
  })

  test('is shown all the same where somebody wants to see every run', async () => {
    const all = await world()
    const ears = earsOf(all, mortal(undefined))
    await all.store.follow({ at: { chat: 'console', channel: 'elsewhere' }, what: { runs: '*' }, by: 'lee' as Person })
    await takeTurns(ears)
    await all.store.record('R1' as RunId, () => [{ type: 'run.finished', outcome: 'succeeded' }])
    await report('R1' as RunId, reporter(ears))
    expect(all.chat.messages.map(({ post }) => post.channel)).toContain('elsewhere')
  })

  test('that goes on for hours is the reason why the next turns are left out, and that is said', async () => {
    const all = await world()
    const ears = earsOf(all, mortal(undefined))
    await takeTurns(ears)
    all.store.time += hours(1)
    await takeTurns(ears)
    await tellOfTurns(reporter(ears))
    expect(await runs(all)).toHaveLength(1)
    expect(all.chat.text()).toContain('R1 has not ended')
  })
})
