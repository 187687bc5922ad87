import { beforeEach, describe, expect, test } from 'vitest'
import { guard } from '../src/domain/guard.ts'
import { hours, minutes, type Person, type RunId, seconds } from '../src/domain/ids.ts'
import type { Risk } from '../src/domain/plan.ts'
import type { Rulebook } from '../src/domain/rulebook.ts'
import { type Authority, authority } from '../src/engine/authority.ts'
import { type Chat, type Membership, NotShown } from '../src/ports/chat.ts'
import { fakeChat } from './fakes/chat.ts'
import { act, plan, rule } from './fakes/given.ts'
import { handle, listedAs, rulebook } from './fakes/linking.ts'
import { type Threatened, threatened } from './threats-world.ts'

/** Leavers, stolen accounts and a directory that is away: what counts is who somebody is when the change is sent. */

const before = (risk: Risk, role = 'lead') => ({
  from: 'routine' as const,
  rule: rule({ role, risk, goodFor: hours(8), within: hours(1) }),
})
const book = (risk: Risk): Rulebook =>
  rulebook(
    {
      ann: listedAs(['operator'], ['console:ann']),
      bob: listedAs(['viewer'], ['slack:UBOB']),
      cy: listedAs(['lead'], ['slack:UCY']),
    },
    {
      labels: { sql01: {} },
      rules: [{ name: 'cutovers', capability: '*', target: '*', upTo: 'destructive', may: 'operator', before: before(risk) }],
    },
  )

let world: Threatened
let slack: Map<string, Membership>
let away: boolean
let house: Authority
beforeEach(() => {
  world = threatened()
  away = false
  slack = new Map([
    ['slack:UBOB', { active: true, groups: new Set(['S0LEADS']) }],
    ['slack:UCY', { active: true, groups: new Set() }],
  ])
})

/** The house as it finds out about people: the site file, the ledger, and a Slack that a test can change or take away. */
function opened(risk: Risk): void {
  const chat: Chat = {
    ...fakeChat('slack'),
    membership: async account => {
      const told = slack.get(account)
      if (away || !told) throw new NotShown('later', 'there is no way to Slack')
      return told
    },
  }
  const clock = { now: () => world.store.time, timeout: () => new AbortController().signal }
  house = authority({ store: world.store, rulebook: book(risk), chats: new Map([['slack', chat]]), clock })
}
const refreshed = async (): Promise<void> => {
  world.policy = await house.policy()
}

/** Asked for by ann, approved by somebody through their account in Slack. */
async function approvedBy(who: string, risk: Risk = 'destructive'): Promise<RunId> {
  opened(risk)
  world.active = house.active
  await refreshed()
  const guarded = guard(plan(act('cutover', risk)), world.policy, 'ann' as Person)
  if ('refusal' in guarded) throw new Error(JSON.stringify(guarded.refusal))
  const id = await world.begin(guarded.plan, 'ann')
  const via = { handle: handle(`slack:U${who.toUpperCase()}`), channel: 'C1' }
  expect(await world.say(id, who, 'approve R1', { via })).toContain('is in')
  return id
}
/** A worker comes by after so long, as the house is then. */
async function dispatched(id: RunId, after = minutes(2)): Promise<string> {
  world.store.time += after
  await refreshed()
  // As often as the policy is asked for in the background, so that what the chat says now is known.
  for (let n = 0; n < 5; n++) await new Promise<void>(resolve => setImmediate(resolve))
  await refreshed()
  await world.advance(id)
  return world.stands(id, 'cutover')
}

test('who approved and is still who they were lets it through', async () => {
  await dispatched(await approvedBy('bob'))
  expect(world.sent).toEqual(['cutover on sql01 {}'])
})

describe('an approval of somebody', () => {
  test('whose account was closed since opens nothing, and the run names the account', async () => {
    const id = await approvedBy('cy')
    slack.set('slack:UCY', { active: false, groups: new Set() })
    expect(await dispatched(id)).toBe('failed: slack:UCY, through which cy approved approve-cutover, has been deactivated')
    expect(world.sent).toEqual([])
  })

  test('who was taken out of the group opens nothing, and the run says who has which role no longer', async () => {
    const id = await approvedBy('bob')
    slack.set('slack:UBOB', { active: true, groups: new Set() })
    expect(await dispatched(id)).toBe('failed: bob, who approved approve-cutover, has the role lead no longer')
    expect(world.sent).toEqual([])
  })

  test('who lost the role in the rules that hold opens nothing, though the account is as before', async () => {
    const id = await approvedBy('cy')
    const next = { ...book('destructive'), people: { ...book('destructive').people, cy: listedAs(['operator'], ['slack:UCY']) } }
    await world.store.keep(() => [{ type: 'policy.accepted', digest: 'd' as never, rulebook: next, by: 'bob', key: 'k' }])
    expect(await dispatched(id)).toContain('cy, who approved approve-cutover, has the role lead no longer')
    expect(world.sent).toEqual([])
  })

  test('who is a service account by now opens nothing', async () => {
    const id = await approvedBy('cy')
    const people = { ...book('destructive').people, cy: listedAs(['lead'], ['slack:UCY'], { machine: true }) }
    await world.store.keep(() => [
      { type: 'policy.accepted', digest: 'd' as never, rulebook: { ...book('destructive'), people }, by: 'bob', key: 'k' },
    ])
    expect(await dispatched(id)).toContain('has the role lead no longer')
    expect(world.sent).toEqual([])
  })
})

describe('while the chat that knows cannot be asked', () => {
  test('an approval by a role of a group waits and then lapses: nothing destructive is sent on what was known', async () => {
    const id = await approvedBy('bob')
    away = true
    expect(await dispatched(id)).toBe(
      'pending, waits: the chat cannot be asked whether those who approved approve-cutover may still do so',
    )
    for (let n = 0; n < 20; n++) await dispatched(id, seconds(31))
    expect(await world.stands(id, 'cutover')).toContain('pending')
    world.store.time += hours(1)
    away = false
    expect(await dispatched(id)).toContain('failed: the approval of approve-cutover has lapsed')
    expect(world.sent).toEqual([])
  })

  test('an approval by a role of the site file waits too, for nobody knows whether the account is still theirs', async () => {
    const id = await approvedBy('cy')
    away = true
    expect(await dispatched(id)).toBe('pending, waits: the chat cannot be asked whether slack:UCY is still in use')
    expect(world.sent).toEqual([])
    away = false
    world.store.time += seconds(60)
    expect(await dispatched(id, seconds(60))).toBe('done')
  })

  test('what can be taken back goes on, on what was known last', async () => {
    const id = await approvedBy('bob', 'disruptive')
    away = true
    expect(await dispatched(id)).toBe('done')
    expect(world.sent).toHaveLength(1)
  })

  test('nobody of whom it has never spoken is anything by a group: there is no yes to begin with', async () => {
    away = true
    opened('destructive')
    await refreshed()
    const id = await world.begin(plan(act('first', 'routine')), 'ann')
    expect(world.policy.people.get('bob' as Person)?.roles).toEqual(new Set(['viewer']))
    expect(await world.say(id, 'bob', 'cancel R1')).toContain('no:')
  })
})
