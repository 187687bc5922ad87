import { beforeEach, describe, expect, test } from 'vitest'
import { verify } from '../src/audit/verify.ts'
import { type Entry, link } from '../src/domain/chain.ts'
import { hours, minutes, type RunId } from '../src/domain/ids.ts'
import type { Policy } from '../src/domain/policy.ts'
import { newCrowd } from '../src/engine/crowd.ts'
import { report } from '../src/engine/report.ts'
import { type FakeChat, fakeChat } from './fakes/chat.ts'
import { act, fact, gate, plan, policyOf, rule } from './fakes/given.ts'
import { sign, type Threatened, threatened } from './threats-world.ts'

/** An emergency is declared aloud, makes the question smaller and turns nothing off: not the log, not claims, not who is who. */

const PEOPLE = { olga: ['operator'], otto: ['operator'], lee: ['lead', 'operator'], dee: ['lead', 'operator'], vic: ['viewer'] }
const POLICY: Policy = {
  ...policyOf(PEOPLE, { name: 'cutovers', before: { from: 'routine', rule: rule({ quorum: 2, risk: 'destructive' }) } }),
  glass: { may: 'lead', within: minutes(30), rule: rule({ role: 'operator', quorum: 1, risk: 'destructive' }) },
}
const GATED = plan(gate('ready', { quorum: 2 }), act('cutover', 'destructive'))

let world: Threatened
let chat: FakeChat
beforeEach(() => {
  world = threatened()
  world.policy = POLICY
  chat = fakeChat()
})
const shown = (id: RunId): Promise<void> =>
  report(id, {
    store: world.store,
    chats: new Map([['console', chat]]),
    crowd: newCrowd(),
    policy: async () => world.policy,
    complain: (_, error) => {
      throw error
    },
  })
const reviews = async () => (await world.store.list('reviews', 9)).map(run => run.id)
const broken = async (of = GATED, id?: RunId): Promise<RunId> => {
  const run = id ?? (await world.begin(of))
  expect(await world.say(run, 'lee', `break glass for ${run} because "the array is on fire"`)).toContain('everybody is told')
  return run
}

describe('a broken glass', () => {
  test('is a line of the log, rings for everybody else who may decide in it, and is seen on the card', async () => {
    const id = await broken()
    const types: string[] = []
    for await (const entry of world.store.entries(id)) types.push(entry.type)
    expect(types).toContain('run.broke-glass')
    await shown(id)
    const ring = chat.messages.find(({ key }) => key.includes('ring-glass'))
    expect(ring?.card.title).toBe('GLASS BROKEN for R1 by lee: the array is on fire')
    expect(ring?.card.calls?.filter(one => one.startsWith('console:')).sort()).toEqual([
      'console:dee',
      'console:olga',
      'console:otto',
    ])
    expect(JSON.stringify(chat.card('R1/card'))).toMatch(/glass/i)
  })

  test('opens by its own rule and no less: one of that role, and not the one who asked', async () => {
    const id = await broken()
    expect(await world.say(id, 'olga', 'approve R1')).toContain('own request')
    expect(await world.say(id, 'vic', 'approve R1')).toContain('no:')
    await world.advance(id)
    expect(world.sent).toEqual([])
    expect(await world.say(id, 'otto', 'approve R1')).toContain('is in')
    await world.advance(id)
    expect(world.sent).toEqual(['cutover on sql01 {}'])
  })

  test('leaves a review that is open until somebody closes it who had no part in it, however well it went', async () => {
    const id = await broken()
    await world.say(id, 'otto', 'approve R1')
    await world.advance(id)
    expect((await world.load(id)).outcome).toBe('succeeded')
    world.store.time += hours(24 * 30)
    expect(await reviews()).toEqual(['R1'])
    await shown(id)
    expect(chat.messages.map(({ key }) => key).join()).toContain('ring-review')
    for (const by of ['lee', 'otto', 'olga', 'vic'])
      expect(await world.say(id, by, 'close review of R1 because "fine"'), by).toContain('no:')
    expect(await reviews()).toEqual(['R1'])
    expect(await world.say(id, 'dee', 'close review of R1 because "looked at the log"')).toContain('is closed')
    expect(await reviews()).toEqual([])
  })

  test('is none where the site file has none, nor for whoever has not the role: there is no other way round a gate', async () => {
    world.policy = policyOf(PEOPLE, { may: 'operator' })
    const id = await world.begin(GATED)
    expect(await world.say(id, 'lee', 'break glass for R1 because "now"')).toContain('no `break glass`')
    world.policy = POLICY
    for (const by of ['olga', 'vic', 'mallory'])
      expect(await world.say(id, by, 'break glass for R1 because "now"'), by).toContain('wants the role lead')
    expect(await world.stands(id, 'ready')).toBe('open')
  })

  test('opens nothing once its time is over, though somebody has said yes in time', async () => {
    const id = await broken()
    await world.say(id, 'otto', 'approve R1')
    await world.say(id, 'olga', 'pause R1')
    world.store.time += minutes(31)
    await world.say(id, 'olga', 'resume R1')
    await world.advance(id)
    expect(world.sent).toEqual([])
    expect(await world.stands(id, 'cutover')).toContain('has lapsed')
  })
})

describe('while the glass is broken', () => {
  test('what another run holds is still held', async () => {
    world.policy = policyOf(PEOPLE, { may: 'operator' })
    const first = await world.begin(plan(act('other', 'routine'), gate('soak')))
    await world.advance(first)
    expect(world.sent.splice(0)).toHaveLength(1)
    world.policy = POLICY
    const id = await broken(GATED, await world.begin(GATED))
    await world.say(id, 'otto', `approve ${id}`)
    await world.advance(id)
    expect(world.sent).toEqual([])
    expect((await world.load(id)).waitsFor).toMatchObject({ run: first, path: 'sql01/disk' })
  })

  test('facts are still read, and hold what they hold', async () => {
    const id = await broken(plan(gate('ready', { quorum: 2 }, [fact('paths')]), act('cutover', 'destructive')))
    expect(await world.say(id, 'otto', 'approve R1')).toContain('its facts are being read')
    await world.advance(id)
    await world.say(id, 'otto', 'approve R1')
    world.alive = 0
    await world.advance(id)
    expect(world.sent).toEqual([])
    expect(await world.stands(id, 'cutover')).toContain('a fact no longer holds')
  })

  test('who said yes must still be who they were', async () => {
    const id = await broken()
    await world.say(id, 'otto', 'approve R1', { via: { handle: 'slack:U-otto' as never, channel: 'C1' } })
    world.active = async () => false
    await world.advance(id)
    expect(world.sent).toEqual([])
    expect(await world.stands(id, 'cutover')).toContain('slack:U-otto')
  })

  test('the log goes on as a chain with its seals, and a vote that was put into it is still found', async () => {
    const id = await broken()
    expect(await verify(world.store, sign)).toMatchObject({ ok: true })
    world.store.rewrite(id, entries => {
      const last = entries.at(-1)!
      const vote = { by: 'otto', verdict: 'approve', shown: 'x', at: 0, as: ['operator'] }
      const made = { ...last, seq: last.seq + 1, type: 'step.voted', data: { step: 'ready', vote } } satisfies Entry
      return [...entries, { ...made, hash: link(last.hash, made) }]
    })
    await world.advance(id)
    expect(world.sent).toEqual([])
    expect(await world.stands(id, 'cutover')).toContain('was not written by Signalbox; nothing was sent')
    expect(await verify(world.store, sign)).toMatchObject({ ok: false })
  })
})
