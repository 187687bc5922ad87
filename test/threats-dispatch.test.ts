import { beforeEach, describe, expect, test } from 'vitest'
import type { ApprovalRule, Vote } from '../src/domain/approval.ts'
import { digestOf } from '../src/domain/chain.ts'
import { guard } from '../src/domain/guard.ts'
import { hours, minutes, type Person, type RunId, seconds } from '../src/domain/ids.ts'
import type { Fact, Plan } from '../src/domain/plan.ts'
import type { Policy, Rule } from '../src/domain/policy.ts'
import { act, fact, gate, plan, policyOf, rule } from './fakes/given.ts'
import { type Threatened, threatened } from './threats-world.ts'

/** Between a yes and the device: whatever has changed since, nothing is sent that the rules and facts of now do not allow. */

const PEOPLE = { olga: ['operator'], otto: ['operator'], lee: ['lead', 'operator'], dee: ['lead', 'operator'] }
const asks = (more: Partial<ApprovalRule> = {}): Partial<Rule> => ({
  name: 'cutovers',
  may: 'operator',
  before: { from: 'routine', rule: rule({ risk: 'destructive', goodFor: minutes(15), ...more }) },
})
const NORMAL = policyOf(PEOPLE, asks())
const CUTOVER = plan(act('cutover', 'destructive'))

let world: Threatened
beforeEach(() => {
  world = threatened()
  world.policy = NORMAL
})

/** With the gates that the policy of that moment puts in. */
function guarded(of: Plan): Plan {
  const result = guard(of, world.policy, 'olga' as Person)
  if ('refusal' in result) throw new Error(JSON.stringify(result.refusal))
  return result.plan
}
async function approved(of: Plan = CUTOVER): Promise<RunId> {
  const id = await world.begin(guarded(of))
  await world.advance(id)
  expect(await world.say(id, 'lee', 'approve R1')).toContain('is in')
  return id
}
/** Sends nothing, now or later, until somebody says something; what the step says then. */
async function held(id: RunId): Promise<string> {
  for (const wait of [0, seconds(31), hours(2)]) {
    world.store.time += wait
    await world.advance(id)
  }
  expect(world.sent).toEqual([])
  return world.stands(id, 'cutover')
}

test('what was approved is sent when nothing has changed', async () => {
  const id = await approved()
  await world.advance(id)
  expect(world.sent).toEqual(['cutover on sql01 {}'])
  expect((await world.load(id)).outcome).toBe('succeeded')
})

describe('an approval by rules that were tightened before it was used opens nothing:', () => {
  const tightened: readonly (readonly [string, Policy, RegExp])[] = [
    ['two people are wanted now', policyOf(PEOPLE, asks({ quorum: 2 })), /"cutovers" wants more approval than this run asked/],
    [
      'another group is wanted beside the first',
      policyOf({ ...PEOPLE, amy: ['owner'] }, asks({ and: [{ role: 'owner', quorum: 1 }] })),
      /wants more approval/,
    ],
    ['the role has another name', policyOf(PEOPLE, asks({ role: 'storage-lead' })), /wants more approval/],
    ['the rule is gone', policyOf(PEOPLE), /olga may not ask for this any more: no rule allows lab\.cutover/],
    [
      'the rule is for lesser risks now',
      policyOf(PEOPLE, { ...asks(), upTo: 'disruptive' }),
      /may not ask for this any more: no rule allows/,
    ],
    ['another role has to ask', policyOf(PEOPLE, { ...asks(), may: 'senior' }), /may not ask .* wants the role senior/],
    ['its target is not among those of the rules', { ...NORMAL, labels: new Map() }, /does not know sql01 yet/],
    [
      'its target has another label now, for which no rule is',
      { ...policyOf(PEOPLE, { ...asks(), where: { env: 'test' } }), labels: new Map([['sql01', { env: 'production' }]]) },
      /no rule allows/,
    ],
    ['nobody knows the one who asked any more', policyOf({ lee: ['lead'] }, asks()), /olga may not ask for this any more/],
  ]
  test.each(tightened)('%s', async (_, policy, why) => {
    const id = await approved()
    world.policy = policy
    const stands = await held(id)
    expect(stands).toMatch(/^failed/)
    expect(stands).toMatch(why)
  })

  test('and a run that asked for no approval, because none was wanted, is not sent once one is', async () => {
    world.policy = policyOf(PEOPLE, { may: 'operator' })
    const id = await world.begin(guarded(CUTOVER))
    world.policy = NORMAL
    expect(await held(id)).toContain('wants more approval than this run asked for; start it anew')
  })

  test('and a retry after that asks by the rules that the run began with, which still does not do', async () => {
    const id = await approved()
    world.policy = policyOf(PEOPLE, asks({ quorum: 2 }))
    await world.advance(id)
    expect(await world.say(id, 'olga', 'retry R1')).not.toContain('no:')
    expect(await world.say(id, 'lee', 'approve R1')).toContain('is in')
    expect(await held(id)).toContain('wants more approval')
  })
})

describe('a plan', () => {
  test('that was begun does not change with the policy, the device or the defaults of its runbook: it is the one that was shown', async () => {
    const id = await approved()
    const before = await world.load(id)
    world.policy = policyOf(PEOPLE, asks({ goodFor: minutes(20) }))
    world.alive = 2
    const after = await world.load(id)
    expect(after.plan).toEqual(before.plan)
    expect(after.digest).toBe(digestOf(after.plan))
    await world.advance(id)
    const votes = [...(await world.load(id)).steps.values()].flatMap(state =>
      'ballot' in state ? (state.ballot?.votes ?? []) : [],
    )
    expect(votes.map((vote: Vote) => vote.shown)).toEqual([digestOf(before.plan)])
  })

  test('whose capability the site has lost since is not sent, and says what is missing', async () => {
    const id = await approved()
    world.lost.add('lab.cutover')
    expect(await held(id)).toBe('failed: sql01 is a lab target and cannot do lab.cutover')
  })
})

describe('a fact', () => {
  const FACTS: readonly Fact[] = [fact('paths')]
  const WITH_FACTS = plan(gate('ready', { risk: 'destructive' }, FACTS), act('cutover', 'destructive'))

  test('that was true at the yes and is not any more holds the run, and says what it was and what it is', async () => {
    const id = await approved(WITH_FACTS)
    world.alive = 0
    expect(await held(id)).toMatch(
      /^failed: a fact no longer holds since it was approved: paths: alive 0, wanted alive at least 1 \(it was alive 4 when it was approved, as read at .+\); nothing was sent$/,
    )
  })

  test('is read anew for each send: an answer of before does not do', async () => {
    const id = await approved(WITH_FACTS)
    const before = world.read.length
    await world.advance(id)
    expect(world.read.length).toBe(before + 1)
    expect(world.sent).toHaveLength(1)
  })

  test('that cannot be read again is no fact: nothing is sent, and the run says why', async () => {
    const id = await approved(WITH_FACTS)
    world.alive = 'no answer'
    expect(await held(id)).toContain('the fact "paths" could not be read again: nobody there')
  })

  test('that is true again after a retry lets nothing through until people have seen it and said yes again', async () => {
    const id = await approved(WITH_FACTS)
    world.alive = 0
    await world.advance(id)
    world.alive = 4
    await world.say(id, 'olga', 'retry R1')
    await world.advance(id)
    await world.advance(id)
    expect(world.sent).toEqual([])
    expect(await world.stands(id, 'ready')).toBe('open')
    await world.say(id, 'dee', 'approve R1')
    await world.advance(id)
    expect(world.sent).toHaveLength(1)
  })
})

describe('a yes that is too old', () => {
  const lapsed = 'failed: the approval of approve-cutover has lapsed; retry asks for it again'

  test('opens nothing from a moment after its time, by the clock of the database', async () => {
    const id = await approved()
    world.store.time += minutes(15) + 1
    expect(await held(id)).toBe(lapsed)
  })

  test('opens what it was for until then', async () => {
    const id = await approved()
    world.store.time += minutes(15)
    await world.advance(id)
    expect(world.sent).toHaveLength(1)
  })

  test.each([-hours(24), hours(24)])(
    'is as old as the database says, and not as a worker does whose clock is off by %i ms',
    async off => {
      world.ahead = off
      const young = await approved()
      await world.advance(young)
      expect(world.sent).toHaveLength(1)
      world.sent.length = 0
      const old = await world.begin(guarded(CUTOVER))
      expect(await world.say(old, 'lee', `approve ${old}`)).toContain('is in')
      world.store.time += minutes(16)
      expect(await held(old)).toBe(lapsed)
    },
  )

  test('is none after a night in which the run was paused', async () => {
    const id = await approved()
    await world.say(id, 'olga', 'pause R1')
    world.store.time += hours(12)
    await world.say(id, 'olga', 'resume R1')
    expect(await held(id)).toBe(lapsed)
  })

  test('is none after a wait for a claim of another run', async () => {
    const first = await world.begin(plan(act('other', 'routine'), gate('hold on')))
    world.policy = policyOf(PEOPLE, { capability: 'lab.other', may: 'operator' }, asks())
    await world.advance(first)
    expect(world.sent.splice(0)).toEqual(['other on sql01 {}'])
    const id = await world.begin(guarded(CUTOVER))
    await world.say(id, 'lee', `approve ${id}`)
    await world.advance(id)
    expect((await world.load(id)).waitsFor).toMatchObject({ run: first })
    world.store.time += minutes(30)
    await world.say(first, 'olga', `give up ${first}`)
    expect(await held(id)).toBe(lapsed)
  })
})
