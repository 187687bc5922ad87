import { beforeEach, describe, expect, test } from 'vitest'
import type { ApprovalRule } from '../src/domain/approval.ts'
import { guard } from '../src/domain/guard.ts'
import { type Handle, hours, type Millis, minutes, type Person } from '../src/domain/ids.ts'
import type { Plan } from '../src/domain/plan.ts'
import type { Rule } from '../src/domain/policy.ts'
import { act, gate, plan, policyOf, rule } from './fakes/given.ts'
import { type Threatened, threatened } from './threats-world.ts'

/** Between a yes and the device, what is wanted may have become more than people: the votes that there are must be worth that too. */

const PEOPLE = { olga: ['operator', 'lead'], lee: ['lead', 'operator'], abe: ['lead', 'owner'] }
const asks = (more: Partial<ApprovalRule> = {}): Partial<Rule> => ({
  name: 'cutovers',
  may: 'operator',
  before: { from: 'routine', rule: rule({ risk: 'destructive', goodFor: hours(1), ...more }) },
})
let world: Threatened
beforeEach(() => {
  world = threatened()
})
function guarded(of: Plan): Plan {
  const result = guard(of, world.policy, 'olga' as Person)
  if ('refusal' in result) throw new Error(JSON.stringify(result.refusal))
  return result.plan
}

describe('a yes from before the rules wanted more of one opens nothing:', () => {
  const tightened: readonly (readonly [string, Partial<ApprovalRule>, Partial<ApprovalRule>, string, Millis])[] = [
    ['a second factor', {}, { stepUp: true }, 'lee', 0],
    ['a note with the number of a change', {}, { reason: 'CHG\\d+' }, 'lee', 0],
    ['that it is not the one who asked', { ownRequest: true }, {}, 'olga', 0],
    ['that it is younger', {}, { goodFor: minutes(5) }, 'lee', minutes(10)],
  ]
  test.each(tightened)('%s', async (_, before, now, by, wait) => {
    world.policy = policyOf(PEOPLE, asks(before))
    const id = await world.begin(guarded(plan(act('cutover', 'destructive'))))
    expect(await world.say(id, by, 'approve R1')).toContain('is in')
    world.policy = policyOf(PEOPLE, asks(now))
    world.store.time += wait
    await world.advance(id)
    expect(world.sent).toEqual([])
    expect(await world.stands(id, 'cutover')).toMatch(/the rule "cutovers" wants more approval|has lapsed/)
  })

  test('that there are two people, where one has said yes at two gates', async () => {
    world.policy = policyOf(PEOPLE, asks())
    const id = await world.begin(plan([gate('a'), gate('b', { role: 'owner' })], act('cutover', 'destructive')))
    await world.say(id, 'abe', 'approve R1 a')
    await world.say(id, 'abe', 'approve R1 b')
    world.policy = policyOf(PEOPLE, asks({ quorum: 2 }))
    await world.advance(id)
    expect(world.sent).toEqual([])
  })
})

test('the account through which a run was asked for was closed since: what it asked for is not sent', async () => {
  world.policy = policyOf(PEOPLE, asks())
  const of = guarded(plan(act('cutover', 'destructive')))
  const { digestOf } = await import('../src/domain/chain.ts')
  const via = { handle: 'slack:U-olga' as Handle, channel: 'C1' }
  const { id } = await world.store.create(
    'o',
    { chat: 'console', channel: 'here' },
    {
      type: 'run.started',
      by: 'olga' as Person,
      plan: of,
      digest: digestOf(of),
      said: '',
      via,
    },
  )
  await world.say(id, 'lee', `approve ${id}`)
  world.active = async handle => handle !== via.handle
  await world.advance(id)
  expect(world.sent).toEqual([])
  expect(await world.stands(id, 'cutover')).toContain('slack:U-olga')
})

test('who approved a step and left does not keep it from being undone: the way back is always open', async () => {
  world.policy = policyOf(PEOPLE, { may: 'operator' })
  const undo = [{ action: act('back', 'routine').action, says: 'back' }]
  const id = await world.begin(plan(gate('g'), act('one', 'routine', { undo }), gate('g2'), act('two', 'routine')))
  await world.say(id, 'lee', 'approve R1')
  await world.advance(id)
  world.policy = policyOf({ ...PEOPLE, lee: [] }, { may: 'operator' })
  await world.say(id, 'olga', 'roll back R1')
  await world.advance(id)
  expect(world.sent).toEqual(['one on sql01 {}', 'back on sql01 {}'])
})
