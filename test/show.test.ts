import { beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../src/domain/chain.ts'
import type { Place } from '../src/domain/chat.ts'
import { hours, minutes, type Person, type RunId, type StepId, seconds } from '../src/domain/ids.ts'
import type { Plan } from '../src/domain/plan.ts'
import { showBoards } from '../src/engine/boards.ts'
import { newCrowd } from '../src/engine/crowd.ts'
import { type Reporter, report } from '../src/engine/report.ts'
import { NotShown, type Obstruction } from '../src/ports/chat.ts'
import { type FakeChat, fakeChat } from './fakes/chat.ts'
import { act, gate, plan, step, watch } from './fakes/given.ts'
import { type MemoryStore, memoryStore } from './fakes/memory-store.ts'

/** Where a run is shown, how often, and what becomes of it when a chat does not take it. */
let store: MemoryStore
let chat: FakeChat
let reporter: Reporter
const R1 = 'R1' as RunId
const HERE: Place = { chat: 'slack', channel: 'C1' }
const OPS: Place = { chat: 'slack', channel: 'C2' }

beforeEach(() => {
  store = memoryStore()
  chat = fakeChat('slack', 30)
  reporter = { store, chats: new Map([['slack', chat]]), crowd: newCrowd(), complain: () => {} }
})

let origins = 0
const begin = (of: Plan = plan(gate('start'), act('sync', 'routine')), at = HERE) =>
  store.create(`o${++origins}`, at, { type: 'run.started', by: 'olga' as Person, plan: of, digest: digestOf(of), said: 'x' })
const tell = (id = R1) => report(id, reporter)
const looked = (id: RunId, done: number) =>
  store.hold(id, 1000, async hold => {
    await hold.track('copy' as StepId, { since: store.time, at: store.time, moved: store.time, done })
  })
const deny = () =>
  store.record(R1, () => [
    step('start', { type: 'step.voted', vote: { by: 'lee' as Person, verdict: 'deny', shown: '' as never, at: store.time } }),
  ])
const messages = (channel: string) => chat.messages.filter(({ post }) => post.channel === channel && !post.thread)
const rings = (channel: string) => chat.messages.filter(({ post }) => post.channel === channel && post.thread)
const fails = (how: Obstruction, where: (at: Place, what: string) => boolean = () => true) => {
  chat.before = (what, _, at) => {
    if (where(at, what)) throw new NotShown(how, `it is ${how}`)
  }
}
const stale = async () => (await store.overdue()).report

describe('a card', () => {
  test('without news is not edited, whoever asks for it and whatever the time', async () => {
    await begin()
    await tell()
    store.time += minutes(3)
    await tell()
    reporter = { ...reporter, crowd: newCrowd() } // a new process
    await tell()
    expect(chat.messages[0]?.edits).toBe(0)
  })

  test('shows a percentage when it moved by two and five seconds have gone by', async () => {
    await begin(plan(watch('copy')))
    await looked(R1, 0.1)
    await tell()
    const edits = () => chat.messages[0]?.edits
    for (const [after, share, expected] of [
      [1, 0.2, 0],
      [5, 0.3, 1],
      [5, 0.305, 1],
      [30, 0.306, 2],
    ] as const) {
      store.time += seconds(after)
      await looked(R1, share)
      await tell()
      expect([after, share, edits()]).toEqual([after, share, expected])
    }
    expect(new Set(chat.lanes)).toEqual(new Set(['percent']))
    expect(await stale()).toEqual([])
  })

  test('shows at once what is more than a percentage, in a lane of its urgency', async () => {
    await begin(plan(gate('start'), watch('copy')))
    await tell()
    await store.record(R1, () => [
      step('start', {
        type: 'step.voted',
        vote: { by: 'lee' as Person, verdict: 'approve', shown: '' as never, at: store.time },
      }),
    ])
    await tell()
    await store.record(R1, () => [step('copy', { type: 'step.done', how: 'seen' })])
    await tell()
    expect(chat.messages[0]?.lane).toBe('answer')
    expect(chat.lanes).toEqual(['transition', 'end'])
  })

  test('that somebody removed is posted anew', async () => {
    await begin()
    await tell()
    chat.messages[0]!.gone = true
    await deny()
    await tell()
    const cards = chat.messages.filter(({ key }) => key === 'R1/card')
    expect(cards).toHaveLength(2)
    expect(cards[1]?.card.state).toContain('failed')
    expect((await store.posts(R1)).get('card')?.post?.message).toBe(cards[1]?.post.message)
  })

  test('that the chat does not take whole is shown as little as can be', async () => {
    await begin()
    let first = true
    chat.before = what => {
      if (what !== 'post' || !first) return
      first = false
      throw new NotShown('refused', 'too long')
    }
    await tell()
    expect(chat.card('R1/card')).toMatchObject({ title: 'R1 move a disk on sql01', state: 'waits for start' })
  })

  test.each(['later', 'unclear'] as const)(
    'that the chat does not take now (%s) is shown later, and the chat is left alone until then',
    async how => {
      await begin()
      let calls = 0
      chat.before = () => {
        calls++
        throw new NotShown(how, 'not now', { after: 5_000 })
      }
      await tell()
      await tell()
      expect(calls).toBe(1)
      expect(await stale()).toEqual(['R1'])
      chat.before = () => {}
      store.time += seconds(6)
      await tell()
      expect(messages('C1')).toHaveLength(1)
      expect(await stale()).toEqual([])
    },
  )
})

describe('an edit of which nobody knows whether it arrived', () => {
  test('is made up for, even when the card is back to what it showed before', async () => {
    await begin(plan(gate('start', { within: hours(9) })))
    await tell()
    chat.before = what => {
      if (what === 'edit') throw new NotShown('unclear', 'it broke off')
    }
    await store.record(R1, () => [{ type: 'run.paused', by: 'olga' as Person }])
    await tell()
    await store.record(R1, () => [{ type: 'run.resumed', by: 'olga' as Person }])
    chat.before = () => {}
    store.time += seconds(3)
    await tell()
    expect(chat.messages[0]?.edits).toBe(1)
  })
})

describe('two processes that show one run', () => {
  test('take turns: what both would post is posted once', async () => {
    await begin()
    let other: Promise<void> = Promise.resolve()
    chat.before = async what => {
      chat.before = () => {}
      if (what === 'post') other = report(R1, { ...reporter, crowd: newCrowd() })
      await other
    }
    await tell()
    expect(chat.messages.map(({ key }) => key.replace(/-\d+$/, ''))).toEqual(['R1/card', 'R1/ring-open-start'])
  })
})

describe('a channel in which nothing can be posted', () => {
  beforeEach(() => {
    reporter = { ...reporter, fallback: OPS }
  })

  test.each(['closed', 'revoked'] as const)(
    '(%s) stops no run: its card and its gates go to the channel that stands in',
    async how => {
      await begin()
      fails(how, at => at.channel === 'C1')
      await tell()
      expect(messages('C2')[0]?.card.buttons.length).toBeGreaterThan(0)
      expect(rings('C2')).toHaveLength(1)
      expect(await stale()).toEqual([])
    },
  )

  test('is asked again after a minute, and what stood in goes on showing the run', async () => {
    await begin()
    fails('closed', at => at.channel === 'C1')
    await tell()
    chat.before = () => {}
    store.time += minutes(1)
    await deny()
    await tell()
    expect(messages('C1')[0]?.card.state).toContain('failed')
    expect(messages('C2')[0]?.card.state).toContain('failed')
  })

  test('is not asked for every look at every run', async () => {
    await begin()
    let asked = 0
    chat.before = (_, __, at) => {
      if (at.channel !== 'C1') return
      asked++
      throw new NotShown('closed', 'archived')
    }
    await tell()
    await tell()
    expect(asked).toBe(1)
  })

  test('without another one is complained of, and the run goes on', async () => {
    const told: string[] = []
    reporter = { store, chats: reporter.chats, crowd: newCrowd(), complain: what => void told.push(what) }
    await begin()
    fails('closed')
    await tell()
    expect(told).toEqual(['showing R1 in slack/C1'])
    expect(await stale()).toEqual([])
  })
})

describe('who follows a run', () => {
  test('sees its card without buttons and where it is answered, and hears its rings', async () => {
    await store.follow({ at: OPS, what: { runs: '*' }, by: 'olga' as Person })
    await begin()
    await tell()
    expect(messages('C1')[0]?.card.buttons.length).toBeGreaterThan(0)
    expect(messages('C2')[0]?.card).toMatchObject({ buttons: [] })
    expect(messages('C2')[0]?.card.lines.at(-1)).toContain('answered where it was asked for, in slack #C1')
    expect(rings('C2')).toHaveLength(1)
    await tell()
    expect(chat.messages).toHaveLength(4)
  })

  test('sees runs that were asked for in a chat that is not connected here', async () => {
    await store.follow({ at: OPS, what: { runs: '*' }, by: 'olga' as Person })
    await begin(undefined, { chat: 'console', channel: 'terminal' })
    await tell()
    expect(messages('C2')).toHaveLength(1)
  })

  test('of other targets sees nothing', async () => {
    await store.follow({ at: OPS, what: { runs: '*', on: 'vmax-*' }, by: 'olga' as Person })
    await begin()
    await tell()
    expect(messages('C2')).toEqual([])
  })

  test('in quiet hours is rung for trouble only, and for the rest when they are over', async () => {
    await store.follow({ at: OPS, what: { runs: '*' }, by: 'olga' as Person })
    const minute = Math.floor(store.time / 60_000) % 1440
    await store.setQuiet({ at: OPS, from: (minute + 1439) % 1440, to: (minute + 60) % 1440, zone: 'UTC', by: 'olga' as Person })
    await begin(plan(gate('start', { within: hours(4) }), act('sync', 'routine')))
    await tell()
    expect(messages('C2')).toHaveLength(1)
    expect([rings('C1').length, rings('C2').length]).toEqual([1, 0])
    store.time += minutes(61)
    await tell()
    expect(rings('C2').map(({ key }) => key.replace(/-\d+@/, '@'))).toEqual(['R1/ring-open-start@slack/C2'])
  })

  test('in quiet hours is rung for trouble at once', async () => {
    await store.follow({ at: OPS, what: { runs: '*' }, by: 'olga' as Person })
    await store.setQuiet({ at: OPS, from: 0, to: 1439, zone: 'UTC', by: 'olga' as Person })
    await begin(plan(act('first', 'routine'), act('sync', 'routine')))
    await store.record(R1, () => [
      step('first', { type: 'step.done', how: 'seen' }),
      step('sync', { type: 'step.failed', why: 'no' }),
    ])
    await tell()
    expect(rings('C2')[0]?.card.title).toContain('R1 is held at sync')
  })
})

describe('more runs than a chat keeps up to date', () => {
  const many = async (count: number) => {
    for (let n = 0; n < count; n++) {
      const run = await begin(plan(watch('copy')))
      await looked(run.id, 0.1)
      await report(run.id, reporter)
    }
  }

  test('are shown on boards, and their own cards are edited for news only', async () => {
    await many(50)
    await showBoards(reporter)
    const boards = chat.messages.filter(({ key }) => key.startsWith('board:'))
    expect(boards.map(({ key, card }) => [key, card.lines.length])).toEqual([
      ['board:slack/C1/1/board', 40],
      ['board:slack/C1/2/board', 10],
    ])
    store.time += minutes(5)
    await looked(R1, 0.9)
    await tell()
    expect(chat.card('R1/card')?.meter?.done).toBe(0.1)
    await showBoards(reporter)
    expect(boards[0]?.card.lines[0]).toContain('90.0 %')
    await store.record(R1, () => [step('copy', { type: 'step.done', how: 'seen' })])
    await tell()
    expect(chat.card('R1/card')?.state).toContain('succeeded')
  })

  test('have their boards edited no more often than their budget allows', async () => {
    await many(50)
    for (let second = 0; second < 60; second++) {
      store.time += seconds(1)
      for (let n = 1; n <= 50; n++) await looked(`R${n}` as RunId, 0.1 + second / 100)
      await showBoards(reporter)
    }
    const edits = chat.messages.filter(({ key }) => key.startsWith('board:')).reduce((sum, { edits }) => sum + edits, 0)
    expect(edits).toBeGreaterThan(10)
    expect(edits).toBeLessThanOrEqual(30)
  })

  test('have cards of their own again when there are few, and the board says so, once', async () => {
    await many(10)
    await showBoards(reporter)
    for (let n = 4; n <= 10; n++) {
      await store.record(`R${n}` as RunId, () => [step('copy', { type: 'step.done', how: 'seen' })])
      await report(`R${n}` as RunId, reporter)
    }
    await showBoards(reporter)
    const [board] = chat.messages.filter(({ key }) => key.startsWith('board:'))
    expect(board?.card.title).toContain('This board is done')
    const edits = board?.edits
    await showBoards(reporter)
    expect(board?.edits).toBe(edits)
  })
})
