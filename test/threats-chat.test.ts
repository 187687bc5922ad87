import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../src/domain/chain.ts'
import type { Said } from '../src/domain/chat.ts'
import { draw } from '../src/domain/draw.ts'
import { type Handle, minutes, type StepId } from '../src/domain/ids.ts'
import type { Ears } from '../src/engine/ears.ts'
import { answer, receive } from '../src/engine/hear.ts'
import { parse } from '../src/language/parse.ts'
import { type FakeChat, fakeChat } from './fakes/chat.ts'
import { act, action, gate, plan, policyOf } from './fakes/given.ts'
import { memoryStore } from './fakes/memory-store.ts'
import { trusting } from './fakes/trust.ts'
import { R1, sign, type Threatened, threatened, worldOn } from './threats-world.ts'

/** What is pressed, copied, turned by a bit, edited or said twice in a chat, up to what reaches the device. */

const INVENTORY = { targets: new Map([['sql01', { kind: 'powerpath' }]]) }
const POLICY = policyOf(
  { olga: ['operator'], lee: ['lead'], dee: ['lead'], vic: ['viewer'] },
  { name: 'operators may', may: 'operator' },
)
const TWO = plan(gate('start', { quorum: 2 }), act('sync', 'routine'))
const ONE = plan(gate('start'), act('sync', 'routine'))
beforeAll(() => {
  parse('show runs', INVENTORY) // the grammar is made once
})

let world: Threatened
let chat: FakeChat
let ears: Ears
let what: typeof ONE
beforeEach(() => {
  world = threatened()
  world.policy = POLICY
  chat = fakeChat('slack', 30)
  what = ONE
  ears = hearing(world)
})

const hearing = (of: Threatened): Ears => ({
  ...of.engine(),
  ...trusting(() => of.policy),
  chats: new Map([['slack', chat]]),
  parse: text => parse(text, INVENTORY),
  plan: () => ({ plan: what, reads: [] }),
  help: () => [],
  canDo: () => [],
  targets: () => [],
  listed: () => ['C1'],
  limit: () => 'ok',
  count: () => {},
  complain: (_, error) => {
    throw error
  },
})

let ids = 0
const says = (text: string, by = 'lee', more: Partial<Said> = {}): Said => ({
  id: `m${++ids}`,
  text,
  by: `slack:U-${by}` as Handle,
  at: { chat: 'slack', channel: 'C1' },
  ...more,
})
const hear = async (said: Said, by: Ears = ears): Promise<void> => {
  if (await receive(said, by)) await answer(said, by)
}
const votes = async (of: Threatened = world) => {
  const state = (await of.load(R1)).steps.get('start' as StepId)
  return state && 'ballot' in state ? (state.ballot?.votes ?? []).map(({ by, verdict }) => `${by} ${verdict}`) : []
}
/** R1, its card in C1, and what its button says. */
async function asked(by: Ears = ears, of: Threatened = world, card = '17.1'): Promise<string> {
  await hear(says('migrate harddisk5 to harddisk8 on sql01', 'olga'), by)
  await of.store.beginPost(R1, 'card')
  await of.store.endPost(R1, 'card', { chat: 'slack', channel: 'C1', message: card })
  const button = draw(await of.load(R1), of.store.time).buttons.find(({ says }) => says.startsWith('approve'))
  if (!button) throw new Error('There is no button to approve.')
  return button.says
}

describe('a button', () => {
  test('of which any one bit was turned decides nothing that it did not say before', async () => {
    what = TWO
    const button = await asked()
    const same = (text: string) => text.replace(/\u00a0/g, ' ').toLowerCase() === button.toLowerCase()
    let turned = 0
    for (let at = 0; at < button.length; at++)
      for (let bit = 0; bit < 8; bit++) {
        const text = `${button.slice(0, at)}${String.fromCharCode(button.charCodeAt(at) ^ (1 << bit))}${button.slice(at + 1)}`
        if (same(text)) continue
        turned++
        await hear(says(text, 'lee', { on: '17.1' }))
        expect(await votes(), JSON.stringify(text)).toEqual([])
      }
    expect(turned).toBeGreaterThan(150)
    await hear(says(button, 'lee', { on: '17.1' }))
    expect(await votes()).toEqual(['lee approve'])
  })

  test('with the digest of another plan, or the token of another question, decides nothing', async () => {
    const button = await asked()
    const others = [digestOf(TWO), digestOf([digestOf(ONE), 'start', 0]), '0'.repeat(64), 'f'.repeat(10)]
    for (const other of others) await hear(says(`approve R1 start as ${other.slice(0, 10)}`, 'lee', { on: '17.1' }))
    expect(await votes()).toEqual([])
    await hear(says(button, 'lee', { on: '17.1' }))
    expect(await votes()).toEqual(['lee approve'])
  })

  test('pressed by two people fifty times at once, yes and no mixed, comes to one legal end, and to either of the two', async () => {
    const ends = new Set<string>()
    for (const noes of [0, 1, 2, 3, 49, 50]) {
      world = threatened()
      world.policy = POLICY
      ears = hearing(world)
      what = TWO
      const button = await asked()
      const presses = Array.from({ length: 50 }, (_, n) =>
        says((n * 7) % 50 < noes ? button.replace('approve', 'deny') : button, n < 25 ? 'lee' : 'dee', { on: '17.1' }),
      )
      await Promise.all(presses.map(press => hear(press)))
      await Promise.all(Array.from({ length: 5 }, () => world.advance(R1)))
      const cast: string[] = []
      for await (const { type, data } of world.store.entries(R1))
        if (type === 'step.voted') cast.push((data as { readonly vote: { readonly by: string } }).vote.by)
      expect(new Set(cast).size).toBe(cast.length)
      const end = async () => `${(await world.load(R1)).outcome}, sent ${world.sent.length}`
      const first = await end()
      ends.add(first)
      await Promise.all(presses.map(press => hear({ ...press, id: `${press.id} again` })))
      await world.advance(R1)
      expect(await end()).toBe(first)
    }
    expect([...ends].sort()).toEqual(['failed, sent 0', 'succeeded, sent 1'])
  })

  test('of a card of another Signalbox in the same channel, whose R1 has the same plan, decides nothing here', async () => {
    const staging = worldOn(memoryStore(undefined, sign), store => store.time)
    staging.policy = POLICY
    const other = await asked(hearing(staging), staging, '99.9')
    await asked()
    await hear(says(other, 'lee', { on: '99.9' }))
    expect(await votes()).toEqual([])
    expect(chat.whispers.at(-1)?.card.title).toContain('a copy of a card of R1')
    await hear(says(other, 'lee', { on: '17.1' }), hearing(staging))
    expect(await votes(staging)).toEqual([])
  })
})

describe('one event of a chat', () => {
  test('that reaches two houses on one database, many times and in any order, is one run, one card to vote on and one vote', async () => {
    const houses = [ears, hearing(world)]
    const one = says('migrate harddisk5 to harddisk8 on sql01', 'olga', { id: 'once' })
    await Promise.all(Array.from({ length: 40 }, (_, n) => hear(one, houses[n % 2])))
    expect(await world.store.list('all', 9)).toHaveLength(1)
    const yes = says('approve R1', 'lee', { id: 'yes' })
    await Promise.all(Array.from({ length: 40 }, (_, n) => hear(yes, houses[n % 2])))
    await Promise.all(Array.from({ length: 10 }, () => world.advance(R1)))
    expect(world.sent).toEqual(['sync on sql01 {}'])
  })
})

describe('text that looks like a card', () => {
  test('does nothing when it is said: neither its lines nor its buttons, by whoever may not say them', async () => {
    await asked()
    const { title, state, lines, steps, buttons } = draw(await world.load(R1), world.store.time)
    const parts = [
      title,
      state ?? '',
      ...lines,
      ...(steps ?? []).map(({ text }) => text),
      ...buttons.flatMap(it => [it.label, it.says]),
    ]
    const before = (await world.load(R1)).seq
    const cancel = (text: string) => /^(cancel|pause|give up)/i.test(text)
    for (const by of ['olga', 'vic', 'mallory'])
      for (const text of [...parts, parts.join(' '), parts.join('\n')])
        if (!(by === 'olga' && cancel(text))) await hear(says(text, by))
    expect((await world.load(R1)).seq).toBe(before)
    expect(await world.store.list('all', 9)).toHaveLength(1)
  })

  test('is nothing at all when an app or a bot posts it, be it called Signalbox', async () => {
    const button = await asked()
    for (const by of ['lee', 'dee']) await hear(says(button, by, { machine: true, on: '17.1' }))
    expect(await votes()).toEqual([])
    expect(chat.whispers).toEqual([])
  })
})

describe('an edit, or a deletion,', () => {
  test('of a vote, of any message into a vote, or of what was asked moves nothing', async () => {
    await asked()
    const seq = (await world.load(R1)).seq
    const talk = says('good morning')
    await hear(talk)
    for (const text of ['approve R1', 'deny R1', 'cancel R1', '', 'migrate harddisk1 to harddisk2 on sql01'])
      for (const by of ['lee', 'olga']) await hear(says(text, by, { edits: talk.id }))
    expect((await world.load(R1)).seq).toBe(seq)
    const yes = says('approve R1')
    await hear(yes)
    await hear(says('deny R1', 'lee', { edits: yes.id }))
    expect(await votes()).toEqual(['lee approve'])
    expect(await world.store.list('all', 9)).toHaveLength(1)
    expect((await world.load(R1)).digest).toBe(digestOf((await world.load(R1)).plan))
  })
})

test('a thousand nudges that are forged, doubled, mixed up or long over change nothing in what a device is sent', async () => {
  await asked()
  const over = await world.begin(plan(act('first', 'routine')))
  await world.advance(over)
  const waiting = await world.begin(
    plan({ ...act('second', 'routine'), action: action('second', 'routine', {}, 'web01') }, gate('soak')),
  )
  await world.advance(waiting)
  expect(world.sent).toEqual(['first on sql01 {}', 'second on web01 {}'])
  const forged = [
    R1,
    over,
    waiting,
    'R4',
    'R0',
    '',
    '*',
    'R1; drop table runs',
    '../R1',
    '\u0000',
    'house',
    'r1',
    'R'.repeat(4_096),
  ]
  const nudges = Array.from({ length: 1_000 }, (_, n) => forged[(n * 7_919) % forged.length] ?? '')
  for (const wait of [0, minutes(1), minutes(20)]) {
    world.store.time += wait
    await Promise.all(nudges.map(run => world.advance(run as typeof R1)))
  }
  expect(world.sent).toEqual(['first on sql01 {}', 'second on web01 {}'])
  await hear(says('approve R1', 'lee', { on: '17.1' }))
  await Promise.all(nudges.map(run => world.advance(run as typeof R1)))
  expect(world.sent).toEqual(['first on sql01 {}', 'second on web01 {}', 'sync on sql01 {}'])
})
