import { describe, expect, test } from 'vitest'
import { digestOf } from '../src/domain/chain.ts'
import { minutes, type Person, type RunId, type StepId, seconds } from '../src/domain/ids.ts'
import type { Event } from '../src/domain/run.ts'
import { showBoards } from '../src/engine/boards.ts'
import { newCrowd } from '../src/engine/crowd.ts'
import { type Reporter, report } from '../src/engine/report.ts'
import { type Fate, type Mortal, mortal, mortalDevice } from './crash-mortal.ts'
import { type FakeChat, fakeChat } from './fakes/chat.ts'
import { act, gate, plan, step, watch } from './fakes/given.ts'
import { type MemoryStore, memoryStore } from './fakes/memory-store.ts'

/**
 * A process dies, or freezes, at each await of everything that shows runs. Whatever a person has to see is there in the end, and
 * it is there once; only where a process was frozen on the very way to the chat may a message be there twice.
 */
const R1 = 'R1' as RunId
const PLAN = plan(gate('start'), watch('copy'), act('sync', 'routine'))
const OPS = { chat: 'slack', channel: 'C2' }
const by = 'olga' as Person

interface World {
  readonly store: MemoryStore
  readonly chat: FakeChat
  process(fate?: Fate): { readonly worker: Mortal; readonly reporter: Reporter }
}

function world(): World {
  const store = memoryStore()
  const chat = fakeChat('slack', 30)
  return {
    store,
    chat,
    process(fate) {
      const worker = mortal(fate)
      const around = (_: string, ask: () => Promise<unknown>) => ask()
      const mine = mortalDevice(store, worker, around)
      const theirs = mortalDevice(chat, worker, around)
      return { worker, reporter: { store: mine, chats: new Map([['slack', theirs]]), crowd: newCrowd(), complain: () => {} } }
    },
  }
}

/** What happens to the run, one after the other; each time the cards are made to show it. */
const HAPPENINGS: readonly ((store: MemoryStore) => Promise<unknown>)[] = [
  async store => {
    await store.follow({ at: OPS, what: { runs: '*' }, by })
    await store.create(
      'o1',
      { chat: 'slack', channel: 'C1' },
      { type: 'run.started', by, plan: PLAN, digest: digestOf(PLAN), said: 'x' },
    )
  },
  store =>
    record(
      store,
      step('start', { type: 'step.voted', vote: { by: 'lee' as Person, verdict: 'approve', shown: '' as never, at: 0 } }),
    ),
  store =>
    store.hold(R1, 1000, async hold => {
      await hold.track('copy' as StepId, { since: store.time, at: store.time, moved: store.time, done: 0.5 })
    }),
  store => record(store, step('copy', { type: 'step.done', how: 'seen' })),
  store => record(store, step('sync', { type: 'step.failed', why: 'no' })),
  store => record(store, { type: 'run.turned', to: 'stopping', by }),
]
const record = (store: MemoryStore, ...events: readonly Event[]) => store.record(R1, () => events)

const WANTED = [
  'R1/card',
  'R1/card@slack/C2',
  'R1/ring-end',
  'R1/ring-end@slack/C2',
  'R1/ring-held-sync',
  'R1/ring-held-sync@slack/C2',
  'R1/ring-open-start',
  'R1/ring-open-start@slack/C2',
]

/** The story with workers that meet these fates, one after the other. */
async function play(fates: readonly Fate[], thaws = false): Promise<{ world: World; met: readonly (readonly string[])[] }> {
  const here = world()
  const { store } = here
  const workers: Mortal[] = []
  const frozen: { readonly worker: Mortal; readonly done: Promise<void> }[] = []
  let current = here.process(fates[0])
  workers.push(current.worker)
  const through = async (): Promise<void> => {
    for (let turns = 0; (await store.overdue()).report.length > 0; turns++) {
      if (turns > 40) throw new Error('it is never shown')
      const done = report(R1, current.reporter)
      await Promise.race([done, current.worker.stopped])
      if (current.worker.is === 'alive') continue
      done.catch(() => {})
      if (current.worker.is === 'frozen') frozen.push({ worker: current.worker, done })
      store.time += seconds(6)
      current = here.process(fates[workers.length])
      workers.push(current.worker)
    }
  }
  for (const happens of HAPPENINGS) {
    await happens(store)
    await through()
    if (!thaws) continue
    for (const { worker, done } of frozen.splice(0)) {
      worker.thaw()
      await done
    }
    await through()
    store.time += seconds(10)
  }
  return { world: here, met: workers.map(({ met }) => met) }
}

const kinds = ({ chat }: World): readonly string[] => chat.messages.map(({ key }) => key.replace(/-\d{6,}/, '')).sort()
const shows = ({ chat }: World, key: string) =>
  chat.messages.filter(one => one.key === key).map(({ card }) => card.state?.replace(/ after .*/, ''))

describe('what people have to see', () => {
  test('is shown once each, wherever whoever shows it dies', async () => {
    const { world: calm, met } = await play([])
    expect(kinds(calm)).toEqual(WANTED)
    const boundaries = met[0]?.length ?? 0
    expect(boundaries).toBeGreaterThan(80)
    for (let at = 0; at < boundaries; at++) {
      const { world } = await play([{ at, how: 'dies' }])
      expect([at, ...kinds(world)]).toEqual([at, ...WANTED])
      for (const key of ['R1/card', 'R1/card@slack/C2']) expect([at, ...shows(world, key)]).toEqual([at, ...shows(calm, key)])
    }
    console.log(`# reports, single deaths: ${boundaries} placements`)
  })

  test('is shown once each when whoever takes over dies too', async () => {
    const { met } = await play([])
    let placements = 0
    for (let at = 0; at < (met[0]?.length ?? 0); at += 5) {
      const second = (await play([{ at, how: 'dies' }])).met[1]?.length ?? 0
      for (let then = 0; then < second; then += 7) {
        placements++
        const { world } = await play([
          { at, how: 'dies' },
          { at: then, how: 'dies' },
        ])
        expect([at, then, ...kinds(world)]).toEqual([at, then, ...WANTED])
      }
    }
    console.log(`# reports, double deaths: ${placements} placements`)
    expect(placements).toBeGreaterThan(100)
  })

  test('is there and is the newest, when whoever was frozen wakes up after somebody else has shown it; twice only what was on its way', async () => {
    const { world: calm, met } = await play([])
    let twice = 0
    for (let at = 0; at < (met[0]?.length ?? 0); at++) {
      const { world, met: names } = await play([{ at, how: 'freezes' }], true)
      expect([at, ...new Set(kinds(world))]).toEqual([at, ...WANTED])
      const extra = kinds(world).length - WANTED.length
      expect([at, extra <= 1]).toEqual([at, true])
      if (extra > 0) expect([at, names[0]?.[at]]).toEqual([at, 'before post'])
      twice += extra
      // The message that the store knows of is the one that is kept up to date.
      const post = (await world.store.posts(R1)).get('card')?.post
      const card = world.chat.messages.find(({ post: one }) => one.message === post?.message)?.card
      expect([at, card?.state?.replace(/ after .*/, '')]).toEqual([at, shows(calm, 'R1/card')[0]])
    }
    console.log(`# reports, freezes: ${met[0]?.length} placements, ${twice} messages twice`)
  })
})

describe('the boards of many runs', () => {
  test('are posted once each, wherever whoever shows them dies', async () => {
    const crowdOf = async (here: World, reporter: Reporter): Promise<void> => {
      for (const run of await here.store.list('live', 99)) reporter.crowd.note(run, true)
    }
    const run = async (fate?: Fate) => {
      const here = world()
      for (let n = 0; n < 45; n++) {
        const of = plan(watch('copy'))
        await here.store.create(
          `o${n}`,
          { chat: 'slack', channel: 'C1' },
          { type: 'run.started', by, plan: of, digest: digestOf(of), said: 'x' },
        )
      }
      const first = here.process(fate)
      await crowdOf(here, first.reporter)
      await Promise.race([showBoards(first.reporter), first.worker.stopped])
      here.store.time += minutes(1)
      const second = here.process()
      await crowdOf(here, second.reporter)
      await showBoards(second.reporter)
      return { here, met: first.worker.met.length }
    }
    const { met } = await run()
    expect(met).toBeGreaterThan(15)
    for (let at = 0; at < met; at++) {
      const { here } = await run({ at, how: 'dies' })
      expect([at, ...kinds(here)]).toEqual([at, 'board:slack/C1/1/board', 'board:slack/C1/2/board'])
    }
  })
})
