import { beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../src/domain/chain.ts'
import type { Said, Standing } from '../src/domain/chat.ts'
import type { Handle, Person, RunId } from '../src/domain/ids.ts'
import { limiter } from '../src/domain/limits.ts'
import type { HeardAs } from '../src/engine/door.ts'
import type { Ears } from '../src/engine/ears.ts'
import { answer, receive } from '../src/engine/hear.ts'
import { systemClock } from '../src/engine/system-clock.ts'
import { parse } from '../src/language/parse.ts'
import { NotShown } from '../src/ports/chat.ts'
import { type FakeChat, fakeChat } from './fakes/chat.ts'
import { act, gate, POLICY, plan } from './fakes/given.ts'
import { type MemoryStore, memoryStore } from './fakes/memory-store.ts'
import { trusting } from './fakes/trust.ts'

/** Who is listened to, and where: everything that is decided before a sentence may move anything. */
let store: MemoryStore
let chat: FakeChat
let counted: HeardAs[]
let ears: Ears
let time: number
const PLAN = plan(gate('start'), act('sync', 'routine'))
const R1 = 'R1' as RunId

beforeEach(() => {
  store = memoryStore()
  chat = fakeChat('slack', 30)
  counted = []
  time = 0
  ears = {
    store,
    chats: new Map([['slack', chat]]),
    clock: { ...systemClock, now: () => time },
    lease: 1000,
    stopping: new AbortController().signal,
    ...trusting(POLICY),
    find: () => {
      throw new Error('no device is asked here')
    },
    root: target => target,
    redact: value => value,
    nudge: async () => {},
    parse: text => parse(text, { targets: new Map([['sql01', { kind: 'powerpath' }]]), runs: new Map() }),
    plan: () => ({ plan: PLAN, reads: [] }),
    help: () => ['everything that can be said'],
    canDo: () => [],
    targets: () => [],
    listed: () => ['C1', 'C2'],
    limit: limiter(),
    count: (_, outcome) => void counted.push(outcome),
    complain: () => {},
  }
})

let ids = 0
const says = (text: string, more: Partial<Said> = {}): Said => ({
  id: `m${++ids}`,
  text,
  by: 'slack:U-olga' as Handle,
  at: { chat: 'slack', channel: 'C1' },
  ...more,
})
const hear = async (said: Said): Promise<string> => {
  const before = chat.whispers.length
  if (await receive(said, ears)) await answer(said, ears)
  return JSON.stringify(chat.whispers.slice(before).map(({ card }) => [card.title, ...card.lines]))
}
const runs = async (): Promise<number> => (await store.list('all', 99)).length
const MIGRATE = 'migrate harddisk5 to harddisk8 on sql01'
const standing = (it: Partial<Standing>) => {
  chat.standing = () => Promise.resolve({ speaker: 'member', place: 'work', ...it })
}

describe('a sentence that would start a run starts none, and is counted,', () => {
  const cases: readonly (readonly [string, Partial<Said>, Partial<Standing>, HeardAs, RegExp])[] = [
    ['when another bot or an app says it', { machine: true }, {}, 'machine', /^\[\]$/],
    ['when it is an edit of an earlier message', { edits: 'm0' }, {}, 'edit', /^\[\]$/],
    ['when its speaker is of another organisation, who learns nothing', {}, { speaker: 'foreign' }, 'foreign', /^\[\]$/],
    ['when its speaker is a guest, who learns nothing', {}, { speaker: 'guest' }, 'guest', /^\[\]$/],
    ['when the chat says that its speaker is a bot', {}, { speaker: 'machine' }, 'machine', /^\[\]$/],
    ['when the account of its speaker was closed', {}, { speaker: 'gone' }, 'gone', /^\[\]$/],
    ['in a channel that another organisation reads', {}, { place: 'shared' }, 'shared', /^\[\]$/],
    [
      'in a direct message, where nobody reads along',
      {},
      { place: 'direct' },
      'misplaced',
      /nobody else reads along.*Say it in #C1 or #C2/,
    ],
    [
      'in a channel that the site file does not name',
      {},
      { place: 'elsewhere' },
      'misplaced',
      /only in the channels that the site file names/,
    ],
    ['in a channel that anybody may join', {}, { place: 'open' }, 'misplaced', /anybody may join/],
    ['when the site does not know its speaker', { by: 'slack:U-nobody' as Handle }, {}, 'unlinked', /slack:U-nobody.*people/],
  ]
  test.each(cases)('%s', async (_, said, stands, outcome, told) => {
    standing(stands)
    expect(await hear(says(MIGRATE, said))).toMatch(told)
    expect(await runs()).toBe(0)
    expect(counted).toEqual([outcome])
  })

  test('and one that was said where it belongs starts one', async () => {
    expect(await hear(says(MIGRATE))).toBe('[]')
    expect(await runs()).toBe(1)
    expect(counted).toEqual(['accepted'])
  })

  test('when it comes more than ten minutes late, and is asked for again', async () => {
    expect(await hear(says(MIGRATE, { when: store.time - 11 * 60_000 }))).toContain('arrived 11 min after it was said')
    expect(await runs()).toBe(0)
    expect(counted).toEqual(['late'])
    await hear(says(MIGRATE, { when: store.time - 9 * 60_000 }))
    expect(await runs()).toBe(1)
  })

  test('when the chat cannot say who that is', async () => {
    chat.standing = () => Promise.reject(new NotShown('later', 'too many calls'))
    expect(await hear(says(MIGRATE))).toContain('I cannot make sure who you are')
    expect(await runs()).toBe(0)
  })

  test('though it does when a sentence that began a run is answered again much later', async () => {
    const said = says(MIGRATE, { when: store.time })
    await receive(said, ears)
    await answer(said, { ...ears, store: { ...store, answered: () => Promise.reject(new Error('died')) } }).catch(() => {})
    store.time += 60 * 60_000
    await answer(said, ears)
    expect(await runs()).toBe(1)
    expect(counted).toEqual(['accepted'])
  })
})

describe('whoever is not known to the site', () => {
  test('gets help, and nothing about what runs', async () => {
    await hear(says(MIGRATE))
    const by = 'slack:U-stranger' as Handle
    expect(await hear(says('help', { by }))).toContain('everything that can be said')
    for (const text of ['show runs', 'show R1', 'what waits for me', 'show chats', 'chart R1'])
      expect(await hear(says(text, { by }))).not.toContain('move a disk')
    expect(counted.slice(1)).toEqual(Array(6).fill('unlinked'))
  })
})

describe('an edit', () => {
  test('of what began a run changes nothing, and its author is told so', async () => {
    const first = says(MIGRATE)
    await hear(first)
    const told = await hear(says('migrate harddisk6 to harddisk9 on sql01', { edits: first.id }))
    expect(told).toContain('R1 goes by what was said first')
    expect(await runs()).toBe(1)
    expect((await store.load(R1))?.plan).toEqual(PLAN)
  })
})

describe('a flood', () => {
  test('of one person is cut off and told of once, while others are heard', async () => {
    for (let n = 0; n < 200; n++) await hear(says('show runs'))
    expect(counted.filter(it => it === 'accepted')).toHaveLength(20)
    expect(counted.filter(it => it === 'flood')).toHaveLength(180)
    expect(chat.whispers.filter(({ card }) => card.title.startsWith('That is too much'))).toHaveLength(1)
    expect(await hear(says('show runs', { by: 'slack:U-lee' as Handle }))).toContain('Nothing is running')
  })

  test('is over after a minute', async () => {
    for (let n = 0; n < 30; n++) await hear(says('show runs'))
    time += 60_000
    expect(await hear(says('show runs'))).toContain('Nothing is running')
  })
})

describe('a vote', () => {
  const lee = 'slack:U-lee' as Handle
  const approve = `approve R1 start as ${digestOf(PLAN).slice(0, 10)}`
  const open = async (): Promise<void> => {
    await hear(says(MIGRATE))
    await store.beginPost(R1, 'card')
    await store.endPost(R1, 'card', { chat: 'slack', channel: 'C1', message: '17.1' })
  }
  const voted = async (): Promise<readonly Person[]> => {
    const state = (await store.load(R1))?.steps.get('start' as never)
    return state?.is === 'done' ? (state.ballot?.votes.map(vote => vote.by) ?? []) : []
  }

  test('by a button of the card counts', async () => {
    await open()
    await hear(says(approve, { by: lee, on: '17.1' }))
    expect(await voted()).toEqual(['lee'])
  })

  test.each([
    ['of another message in the same channel', { on: '99.9' }],
    ['of a copy in another channel', { on: '17.1', at: { chat: 'slack', channel: 'C2' } }],
  ])('by the button %s does nothing, and says where the card is', async (_, more) => {
    await open()
    expect(await hear(says(approve, { by: lee, ...more }))).toContain('a copy of a card of R1')
    expect(await voted()).toEqual([])
    expect(counted.at(-1)).toBe('misplaced')
  })

  test('typed in another channel than the card is in does nothing', async () => {
    await open()
    expect(await hear(says('approve R1', { by: lee, at: { chat: 'slack', channel: 'C2' } }))).toContain(
      'decided where its card is, in #C1',
    )
    expect(await voted()).toEqual([])
    await hear(says('approve R1', { by: lee }))
    expect(await voted()).toEqual(['lee'])
  })

  test('in the channel that stands in for a closed one counts', async () => {
    ears = { ...ears, fallback: { chat: 'slack', channel: 'C2' } }
    await open()
    await hear(says('approve R1', { by: lee, at: { chat: 'slack', channel: 'C2' } }))
    expect(await voted()).toEqual(['lee'])
  })

  test('in a direct message does nothing', async () => {
    await open()
    standing({ place: 'direct' })
    expect(await hear(says('approve R1', { by: lee }))).toContain('nobody else reads along')
    expect(await voted()).toEqual([])
  })

  test('by a button that was pressed before we knew where the card is counts, and only if it is ours', async () => {
    await hear(says(MIGRATE))
    await store.beginPost(R1, 'card')
    expect(await hear(says(approve, { by: lee, on: 'm1' }))).toContain('a copy')
    await chat.post(
      { chat: 'slack', channel: 'C1' },
      { title: 'R1', tone: 'waiting', lines: [], buttons: [] },
      'R1/card',
      'answer',
    )
    await hear(says(approve, { by: lee, on: 'm1' }))
    expect(await voted()).toEqual(['lee'])
  })

  test('pressed fifty times by one, and denied and approved at once, makes one legal outcome', async () => {
    await open()
    const presses = Array.from({ length: 50 }, (_, n) =>
      hear(
        says(n % 2 ? approve : approve.replace('approve', 'deny'), { by: (n % 3 ? lee : 'slack:U-dee') as Handle, on: '17.1' }),
      ),
    )
    ears = { ...ears, limit: () => 'ok' }
    await Promise.all(presses)
    const run = await store.load(R1)
    const state = run?.steps.get('start' as never)
    expect(state?.is === 'done' || state?.is === 'failed' || state?.is === 'skipped').toBe(true)
  })
})

describe('a vote whose answerer died before it was answered', () => {
  test('counts, and its speaker is not told that nothing was done, however late the answer comes', async () => {
    await hear(says(MIGRATE))
    const vote = says('approve R1', { by: 'slack:U-lee' as Handle, when: store.time })
    await receive(vote, ears)
    const dies = { ...store, answered: () => Promise.reject(new Error('died')) }
    await answer(vote, { ...ears, store: dies }).catch(() => {})
    store.time += 60 * 60_000 - 1
    await answer(vote, ears)
    expect(chat.whispers.at(-1)?.card.title).toBe('that has been heard')
    expect(counted.at(-1)).toBe('accepted')
  })
})

describe('what is followed', () => {
  test('in a channel of the site is shown there, and can be ended', async () => {
    expect(await hear(says('subscribe #c2 to everything'))).toContain('shown in #C2')
    expect((await store.follows())[0]).toMatchObject({ at: { chat: 'slack', channel: 'C2' }, what: { runs: '*' }, by: 'olga' })
    expect(await hear(says('show subscriptions'))).toContain('slack #C2')
    await hear(says('unsubscribe #C2'))
    expect(await store.follows()).toEqual([])
  })

  test('never leads to a channel that the site does not name', async () => {
    expect(await hear(says('subscribe #C0EVIL to everything'))).toContain('I am not at work in #C0EVIL')
    expect(await store.follows()).toEqual([])
  })

  test('may be followed alone, in a direct message', async () => {
    await hear(says(MIGRATE))
    standing({ place: 'direct' })
    await hear(says('watch R1', { at: { chat: 'slack', channel: 'D1' } }))
    expect((await store.follows())[0]).toMatchObject({ at: { channel: 'D1' }, what: { run: 'R1' } })
  })

  test('is not followed from a channel that is not ours', async () => {
    standing({ place: 'elsewhere' })
    await hear(says('subscribe here to everything', { at: { chat: 'slack', channel: 'C9' } }))
    expect(await store.follows()).toEqual([])
  })
})

describe('an answer that the chat does not take', () => {
  test('now is tried again, and the sentence is not acted upon twice', async () => {
    await hear(says(MIGRATE))
    const vote = says('approve R1', { by: 'slack:U-lee' as Handle })
    await receive(vote, ears)
    chat.before = () => {
      throw new NotShown('later', 'too many calls')
    }
    await expect(answer(vote, ears)).rejects.toThrow('too many calls')
    chat.before = () => {}
    await answer(vote, ears)
    expect(chat.whispers.at(-1)?.card.title).toContain('has been heard')
  })

  test('at all is let go of: it is not said again and again', async () => {
    chat.before = () => {
      throw new NotShown('closed', 'we were removed')
    }
    await hear(says('show runs'))
    expect(await store.unanswered(0)).toEqual([])
  })
})
