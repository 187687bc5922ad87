import { beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../src/domain/chain.ts'
import { minutes, type Person, type RunId, type StepId } from '../src/domain/ids.ts'
import type { Plan } from '../src/domain/plan.ts'
import type { Event } from '../src/domain/run.ts'
import { newCrowd } from '../src/engine/crowd.ts'
import { oneAtATime, type Reporter, report } from '../src/engine/report.ts'
import { sweep } from '../src/engine/sweep.ts'
import type { Store } from '../src/ports/store.ts'
import { type FakeChat, fakeChat } from './fakes/chat.ts'
import { act, gate, plan, step, watch } from './fakes/given.ts'
import { type MemoryStore, memoryStore } from './fakes/memory-store.ts'

let store: MemoryStore
let chat: FakeChat
const R1 = 'R1' as RunId
const PLAN = plan(gate('start'), act('sync', 'routine'))
beforeEach(() => {
  store = memoryStore()
  chat = fakeChat()
})

const begin = async (of: Plan = PLAN): Promise<void> => {
  await store.create(
    `origin of ${of.stages.length}`,
    { chat: 'console', channel: 'here' },
    { type: 'run.started', by: 'olga' as Person, plan: of, digest: digestOf(of), said: 'x' },
  )
}
const happen = (...events: readonly Event[]) => store.record(R1, () => events)
const reporter = (over: Partial<Store> = {}): Reporter => ({
  store: { ...store, ...over },
  chats: new Map([[chat.name, chat]]),
  crowd: newCrowd(),
  complain: () => {},
})
const tell = (over: Partial<Store> = {}) => report(R1, reporter(over))
const approve = (): Event =>
  step('start', { type: 'step.voted', vote: { by: 'lee' as Person, verdict: 'approve', shown: digestOf(PLAN), at: store.time } })
const keys = (): string[] => chat.messages.map(message => message.key)
const stale = async () => (await store.overdue()).report

describe('the card of a run', () => {
  test('is posted once and then edited, however often it is reported', async () => {
    await begin()
    await tell()
    await tell()
    await happen(approve())
    await tell()
    expect(keys().filter(key => key === 'R1/card')).toHaveLength(1)
    // The second report had nothing new to show, and nothing was sent.
    expect(chat.messages[0]).toMatchObject({ key: 'R1/card', edits: 1, card: { state: 'sync' } })
  })

  test('shows the run as it is, and is not old after that', async () => {
    await begin()
    expect(await stale()).toEqual(['R1'])
    await tell()
    expect(await stale()).toEqual([])
    await happen(approve())
    expect(await stale()).toEqual(['R1'])
  })

  test('of a run that moved while it was drawn is drawn again', async () => {
    await begin()
    let moved = false
    chat.before = async what => {
      if (what !== 'post' || moved) return
      moved = true
      await happen(approve())
    }
    await tell()
    expect(chat.card('R1/card')?.state).toBe('sync')
    expect(await stale()).toEqual([])
  })

  test('of a copy that went on is old, though nothing was written in the log', async () => {
    await begin(plan(watch('copy')))
    await tell()
    await store.hold(R1, 1000, async hold => {
      await hold.track('copy' as StepId, { since: store.time, at: store.time, moved: store.time, done: 0.5 })
    })
    expect(await stale()).toEqual(['R1'])
    await tell()
    expect(chat.card('R1/card')?.meter?.done).toBe(0.5)
    expect(await stale()).toEqual([])
  })

  test('that was posted by a process that died before it noted so is found, and not posted again', async () => {
    await begin()
    const dying = tell({ endPost: () => Promise.reject(new Error('the process died here')) })
    await expect(dying).rejects.toThrow('died here')
    expect(keys()).toEqual(['R1/card'])
    await tell()
    expect(keys().filter(key => key === 'R1/card')).toHaveLength(1)
    expect((await store.posts(R1)).get('card')?.post?.message).toBe('m1')
  })

  test('that was begun and never posted is posted', async () => {
    await begin()
    await store.beginPost(R1, 'card')
    await tell()
    expect(keys()).toContain('R1/card')
  })

  test('that the chat does not take stays old, and the sweep shows it when the chat is back', async () => {
    await begin()
    chat.before = () => {
      throw new Error('the chat is away')
    }
    const swept = () => sweep({ store, advance: async () => {}, report: () => tell(), answer: async () => {} })
    await expect(swept()).rejects.toThrow('the chat is away')
    expect(await stale()).toEqual(['R1'])
    chat.before = () => {}
    await swept()
    expect(chat.card('R1/card')?.title).toBe('R1 move a disk on sql01')
    expect(await stale()).toEqual([])
  })

  test('of a chat that is not connected here is left to whoever has it', async () => {
    await begin()
    await report(R1, { ...reporter(), chats: new Map() })
    expect(await stale()).toEqual(['R1'])
  })

  test('of a run that is not there is none', async () => {
    await report('R9' as RunId, reporter())
    expect(chat.messages).toEqual([])
  })
})

describe('a ring', () => {
  test('is a message of its own in the thread of the card, posted once', async () => {
    await begin()
    await tell()
    await tell()
    const rings = chat.messages.filter(message => message.key.includes('/ring-'))
    expect(rings).toHaveLength(1)
    expect(rings[0]).toMatchObject({ post: { thread: 'm1' }, edits: 0, card: { title: 'R1 asks: Go on with start?' } })
  })

  test('that was posted by a process that died before it noted so rings once', async () => {
    await begin()
    const dying = tell({
      endPost: (run, key, post) =>
        key.startsWith('ring-') ? Promise.reject(new Error('the process died here')) : store.endPost(run, key, post),
    })
    await expect(dying).rejects.toThrow('died here')
    expect(keys().filter(key => key.includes('/ring-'))).toHaveLength(1)
    await tell()
    await tell()
    expect(keys().filter(key => key.includes('/ring-'))).toHaveLength(1)
  })

  test('for what is over never rings late', async () => {
    await begin()
    await happen(approve())
    await tell()
    expect(keys().filter(key => key.includes('/ring-open'))).toEqual([])
  })

  test('rings for each thing that calls for somebody, and once for the end', async () => {
    await begin()
    await tell()
    await happen(approve())
    await happen(
      step('sync', {
        type: 'step.intended',
        intent: { id: 'R1/sync/1' as never, at: store.time, action: act('sync', 'routine').action },
      }),
      step('sync', { type: 'step.failed', why: 'no' }),
    )
    await tell()
    await happen({ type: 'run.turned', to: 'stopping', by: 'olga' as Person })
    await tell()
    await tell()
    expect(keys().map(key => key.replace(/-\d+$/, ''))).toEqual([
      'R1/card',
      'R1/ring-open-start',
      'R1/ring-held-sync',
      'R1/ring-end',
    ])
  })

  test('for a stall comes when time alone has made it one', async () => {
    await begin(plan(watch('copy', { stall: minutes(10) })))
    await store.hold(R1, 1000, async hold => {
      await hold.track('copy' as StepId, { since: store.time, at: store.time, moved: store.time, done: 0.5 })
    })
    await tell()
    expect(keys()).toEqual(['R1/card'])
    store.time += minutes(10)
    await tell()
    expect(keys().map(key => key.replace(/-\d+$/, ''))).toEqual(['R1/card', 'R1/ring-stall-copy'])
  })
})

describe('reports of one run', () => {
  test('are made one at a time, and whoever asks meanwhile is served by one more', async () => {
    const running: string[] = []
    let release = (): void => {}
    const work = oneAtATime(async id => {
      running.push(id)
      await new Promise<void>(resolve => {
        release = resolve
      })
    })
    const first = work(R1)
    const others = [work(R1), work(R1), work(R1)]
    expect(running).toEqual(['R1'])
    release()
    await new Promise(resolve => setImmediate(resolve))
    expect(running).toEqual(['R1', 'R1'])
    release()
    await Promise.all([first, ...others])
    expect(running).toHaveLength(2)
    const more = work(R1)
    release()
    await more
    expect(running).toHaveLength(3)
  })

  test('that fail do not keep the next from being made', async () => {
    let broken = true
    const work = oneAtATime(() => (broken ? Promise.reject(new Error('away')) : Promise.resolve()))
    await expect(work(R1)).rejects.toThrow('away')
    broken = false
    await work(R1)
  })
})
