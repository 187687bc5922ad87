import { beforeAll, describe, expect, test } from 'vitest'
import powerpath from '../adapters/powerpath/index.ts'
import { digestOf } from '../src/domain/chain.ts'
import type { Said } from '../src/domain/chat.ts'
import { type Millis, type Person, type RunId, type StepId, seconds, type Target } from '../src/domain/ids.ts'
import type { Run } from '../src/domain/run.ts'
import type { Ears } from '../src/engine/ears.ts'
import { answer, receive } from '../src/engine/hear.ts'
import { sweep } from '../src/engine/sweep.ts'
import { systemClock } from '../src/engine/system-clock.ts'
import type { Adapter, Capability } from '../src/kit/device.ts'
import { planner } from '../src/planning.ts'
import { RUNBOOKS } from '../src/runbooks/all.ts'
import { languageOf } from '../src/spoken.ts'
import { type Fate, type Mortal, mortal, mortalDevice } from './crash-mortal.ts'
import { type FakeChat, fakeChat, said } from './fakes/chat.ts'
import { act, gate, POLICY, plan } from './fakes/given.ts'
import { type MemoryStore, memoryStore } from './fakes/memory-store.ts'
import { trusting } from './fakes/trust.ts'

/**
 * A process hears a sentence and dies, or freezes, at one of its awaits; the chat delivers what nobody acknowledged to the next
 * one, and the sweep finds the rest. Each sentence below is put through every place, and through every pair of them.
 */

const adapters: ReadonlyMap<string, Adapter> = new Map([['powerpath', powerpath as Adapter]])
const targets = new Map([['sql01' as Target, { kind: 'powerpath', settings: {}, root: 'sql01' }]])
const SITE = { name: 'here', policy: POLICY, targets, runbooks: {}, secrets: [], chats: {} }
const language = languageOf(SITE, adapters)
beforeAll(() => {
  language.parse('show runs') // the grammar is made once
})

const R1 = 'R1' as RunId
/** Longer than a sentence waits for the one who took it. */
const UNANSWERED: Millis = seconds(10)

interface World {
  readonly store: MemoryStore
  readonly chat: FakeChat
}

interface Sentence {
  readonly name: string
  readonly said: Said
  readonly outcome: string
  /** How the speaker learns of it: by a whisper, or by the card of the run that came of it. */
  readonly told: 'whisper' | 'card'
  /** What has to be so in the end, however often anybody died. */
  after(world: World): Promise<void>
}

const first = said('migrate harddisk5 to harddisk8 on sql01', 'console:olga', 'first')
const runs = ({ store }: World): Promise<readonly Run[]> => store.list('all', 99)
const eventsOf = async ({ store }: World, type: string): Promise<number> => {
  let count = 0
  for await (const entry of store.entries(R1)) if (entry.type === type) count++
  return count
}

/** R1 waits for two to approve it, and came of `first`. */
const SENTENCES: readonly Sentence[] = [
  {
    name: 'that begins a run',
    said: said('migrate harddisk1 to harddisk2 on sql01'),
    outcome: 'accepted',
    told: 'card',
    async after(world) {
      expect(await runs(world)).toHaveLength(2)
      expect((await world.store.byOrigin('console:id of migrate harddisk1 to harddisk2 on sql01'))?.id).toBe('R2')
      // No nudge is needed: the sweep shows it.
      expect((await world.store.overdue()).report).toContain('R2')
    },
  },
  {
    name: 'that is one of two votes',
    said: said('approve R1', 'console:lee'),
    outcome: 'accepted',
    told: 'whisper',
    async after(world) {
      const state = (await world.store.load(R1))?.steps.get('ask' as StepId)
      expect(state?.is === 'open' && state.ballot.votes.map(vote => vote.by)).toEqual(['lee'])
      expect(await eventsOf(world, 'run.heard')).toBe(1)
    },
  },
  {
    name: 'that pauses a run',
    said: said('pause R1'),
    outcome: 'accepted',
    told: 'whisper',
    async after(world) {
      expect((await world.store.load(R1))?.paused).toBeTruthy()
      expect(await eventsOf(world, 'run.paused')).toBe(1)
    },
  },
  {
    name: 'that is pressed on the card',
    said: { ...said('deny R1', 'console:lee'), on: 'm1' },
    outcome: 'accepted',
    told: 'whisper',
    async after(world) {
      expect(await eventsOf(world, 'run.heard')).toBe(1)
      expect((await world.store.load(R1))?.outcome).toBeDefined()
    },
  },
  {
    name: 'that asks what runs',
    said: said('show runs', 'console:vic'),
    outcome: 'accepted',
    told: 'whisper',
    after: async world => expect(await runs(world)).toHaveLength(1),
  },
  {
    name: 'that asks a device',
    said: said('show paths on sql01', 'console:vic'),
    outcome: 'accepted',
    told: 'whisper',
    after: async world => expect(await runs(world)).toHaveLength(1),
  },
  {
    name: 'that nobody understands',
    said: said('please do the thing'),
    outcome: 'refused',
    told: 'whisper',
    after: async world => expect(await runs(world)).toHaveLength(1),
  },
  {
    name: 'of somebody whom the site does not know',
    said: said('migrate harddisk1 to harddisk2 on sql01', 'console:mallory'),
    outcome: 'unlinked',
    told: 'whisper',
    after: async world => expect(await runs(world)).toHaveLength(1),
  },
  {
    name: 'that was edited after a run had begun',
    said: { ...said('migrate harddisk6 to harddisk7 on sql01', 'console:olga', 'an edit'), edits: 'first' },
    outcome: 'edit',
    told: 'whisper',
    async after(world) {
      expect((await runs(world)).map(run => run.said)).toEqual([first.text])
    },
  },
  {
    name: 'that asks to be shown what runs',
    said: said('subscribe here to everything'),
    outcome: 'accepted',
    told: 'whisper',
    after: async ({ store }) => expect((await store.follows()).map(({ what }) => what)).toEqual([{ runs: '*' }]),
  },
]

async function world(): Promise<World> {
  const [store, chat] = [memoryStore(), fakeChat()]
  const stages = plan({ ...gate('ask', { quorum: 2 }), says: 'ask' }, act('select', 'disruptive'))
  const { id } = await store.create('console:first', first.at, {
    type: 'run.started',
    by: 'olga' as Person,
    plan: stages,
    digest: digestOf(stages),
    said: first.text,
  })
  // What a process that died left behind: the card is there, and nobody has written down where.
  await store.beginPost(id, 'card')
  await chat.post(first.at, { title: id, tone: 'waiting', lines: [], buttons: [] }, `${id}/card`, 'answer')
  return { store, chat }
}

/** A process: all that it asks of the store, the chat, the queue and a device is a place to die. */
function earsOf({ store, chat }: World, worker: Mortal): Ears {
  const asking = <T extends object>(what: T): T => mortalDevice(what, worker, (_, ask) => ask())
  const queue = asking({ nudge: async () => {} })
  const capability = powerpath.capabilities['paths'] as Capability
  return {
    store: asking(store),
    chats: new Map([['console', asking(chat)]]),
    clock: systemClock,
    lease: seconds(30),
    stopping: new AbortController().signal,
    ...trusting(POLICY),
    find: () => ({
      device: {},
      capability: { ...capability, ...asking({ perform: async () => ({ devices: [], total: 0 }) }) },
    }),
    root: target => target,
    redact: value => value,
    nudge: queue.nudge,
    parse: language.parse,
    plan: planner(adapters, RUNBOOKS, {}),
    help: language.help,
    canDo: language.canDo,
    targets: () => ['sql01'],
    listed: () => ['here'],
    limit: () => 'ok',
    count: () => {},
    complain: (what, error) => {
      throw new Error(what, { cause: error })
    },
  }
}

interface Played {
  readonly world: World
  readonly met: readonly (readonly string[])[] // by each process
  readonly stopped: number // how many of them died or froze
}

/** One process after the other, each with its fate; the last one has none. A frozen one wakes when `wakes` says so. */
async function play(one: Said, fates: readonly Fate[], wakes?: { readonly at: number }): Promise<Played> {
  const all = await world()
  const said: Said = { ...one, when: all.store.time }
  let acknowledged = false
  const workers: Mortal[] = []
  const done: Promise<void>[] = []
  const thaw = async (): Promise<void> => {
    const frozen = workers.map((worker, n) => ({ worker, n })).filter(({ worker }) => worker.is === 'frozen')
    for (const { worker } of frozen) worker.thaw()
    await Promise.all(frozen.map(({ n }) => done[n]))
  }
  for (const fate of [...fates, undefined]) {
    let passed = 0
    const worker = mortal(fate, async () => {
      if (wakes && fate === undefined && passed++ === wakes.at) await thaw()
    })
    const ears = earsOf(all, worker)
    const work = async (): Promise<void> => {
      if (!acknowledged) {
        // A chat delivers until somebody says that it has the sentence, and now and then once more.
        const fresh = await receive(said, ears)
        acknowledged = true
        if (fresh) await answer(said, ears)
      }
      await sweep({ store: ears.store, advance: async () => {}, report: async () => {}, answer: said => answer(said, ears) })
    }
    workers.push(worker)
    done.push(work())
    await Promise.race([done.at(-1), worker.stopped])
    all.store.time += UNANSWERED
  }
  await thaw()
  // Whoever lives on sweeps each second.
  const last = earsOf(all, mortal(undefined))
  await sweep({ store: last.store, advance: async () => {}, report: async () => {}, answer: said => answer(said, last) })
  return {
    world: all,
    met: workers.map(({ met }) => met),
    stopped: workers.filter((worker, n) => worker.is === 'dead' || fates[n]?.how === 'freezes').length,
  }
}

async function judge({ said, outcome, told, after }: Sentence, { world, stopped }: Played): Promise<void> {
  expect(world.store.outcomes()).toEqual(new Map([[said.id, outcome]]))
  expect(await world.store.unanswered(0)).toEqual([])
  await after(world)
  // An answer may have been whispered by one who died before it could write that down: then it is whispered again.
  const whispers = world.chat.whispers.filter(({ to }) => to.id === said.id).length
  if (told === 'card') expect(whispers).toBe(0)
  else expect(whispers).toBeGreaterThan(0)
  expect(whispers).toBeLessThanOrEqual(1 + stopped)
}

/** Every place that a process comes to which is not hindered. */
const places = async ({ said }: Sentence): Promise<number> => (await play(said, [])).met[0]?.length ?? 0
const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n)

describe.each(SENTENCES)('a sentence $name', sentence => {
  test('is answered once when nobody dies, by way of the store, the chat and what else it needs', async () => {
    const played = await play(sentence.said, [])
    await judge(sentence, played)
    const [met] = played.met
    expect(met?.slice(0, 2)).toEqual(['before receive', 'after receive'])
    expect(met).toContain('before answered')
    if (sentence.told === 'whisper') expect(met?.filter(name => name === 'before whisper')).toHaveLength(1)
  })

  test('is neither lost nor acted upon twice when its process dies, wherever that is', async () => {
    const count = await places(sentence)
    expect(count).toBeGreaterThan(6)
    for (const at of upTo(count)) {
      const played = await play(sentence.said, [{ at, how: 'dies' }])
      expect(played.stopped).toBe(1)
      await judge(sentence, played)
    }
  })

  test('is neither lost nor acted upon twice when the next process dies as well', async () => {
    const count = await places(sentence)
    for (const one of upTo(count))
      for (const two of upTo(count))
        await judge(
          sentence,
          await play(sentence.said, [
            { at: one, how: 'dies' },
            { at: two, how: 'dies' },
          ]),
        )
  })

  test('is not acted upon twice when its process only froze, and wakes while another answers', async () => {
    const count = await places(sentence)
    for (const at of upTo(count))
      for (const wakes of upTo(count + 1))
        await judge(sentence, await play(sentence.said, [{ at, how: 'freezes' }], { at: wakes }))
  })
})

test('a chat that delivers a sentence again, to two processes at once, is heard by one of them', async () => {
  const all = await world()
  const one = { ...SENTENCES[0]!.said, when: all.store.time }
  const heard = await Promise.all(
    Array.from({ length: 5 }, async () => {
      const ears = earsOf(all, mortal(undefined))
      const fresh = await receive(one, ears)
      if (fresh) await answer(one, ears)
      return fresh
    }),
  )
  expect(heard.filter(Boolean)).toHaveLength(1)
  expect(await runs(all)).toHaveLength(2)
})
