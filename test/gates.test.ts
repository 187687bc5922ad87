import { describe, expect, test } from 'vitest'
import type { ApprovalRule } from '../src/domain/approval.ts'
import { tally, unmet } from '../src/domain/approval.ts'
import { guard } from '../src/domain/guard.ts'
import { hours, type Instant, minutes, type Person } from '../src/domain/ids.ts'
import type { Act } from '../src/domain/plan.ts'
import { maySee, type Policy, ruleFor, unreasoned } from '../src/domain/policy.ts'
import { wake, work } from '../src/domain/program.ts'
import type { Run } from '../src/domain/run.ts'
import { decide } from '../src/domain/say.ts'
import type { Speech } from '../src/domain/verdict.ts'
import {
  act,
  action,
  begun,
  command,
  gate,
  having,
  is,
  later,
  NOW,
  plan,
  policyOf,
  rule,
  stateOf,
  step,
  watch,
} from './fakes/given.ts'

const PEOPLE = {
  olga: ['operator', 'viewer'],
  otto: ['operator', 'viewer'],
  lee: ['lead', 'operator', 'viewer'],
  dee: ['lead', 'operator', 'viewer'],
  amy: ['owner', 'viewer'],
  abe: ['owner', 'lead', 'viewer'],
  vic: ['viewer'],
}
const POLICY = policyOf(PEOPLE, { may: 'operator' })

/** Says it, and gives the run after it or the first line of the no. */
function say(
  run: Run,
  by: string,
  text: string,
  { policy = POLICY, at = NOW, ...speech }: Speech & { policy?: Policy; at?: Instant } = {},
) {
  const verdict = decide(run, command(text), by as Person, policy, at, speech)
  if ('events' in verdict) return { run: having(run, verdict.events, at), no: undefined, refusal: undefined }
  const { refusal } = verdict
  const no = 'because' in refusal ? refusal.because : 'why' in refusal ? String(refusal.why) : refusal.no
  return { run, no, refusal }
}
const asking = (more: Partial<ApprovalRule>): Run => begun(plan(gate('cutover', more), act('switch', 'destructive')))

describe('a gate that wants two groups', () => {
  const both = asking({ role: 'lead', quorum: 1, and: [{ role: 'owner', quorum: 1 }] })

  test('opens when each group has spoken, in either order', () => {
    const half = say(both, 'lee', 'approve R1').run
    expect(is(half, 'cutover')).toBe('open')
    expect(is(say(half, 'amy', 'approve R1').run, 'cutover')).toBe('done')
    expect(is(say(say(both, 'amy', 'approve R1').run, 'dee', 'approve R1').run, 'cutover')).toBe('done')
  })

  test('is not opened by two of one group', () => {
    expect(is(say(say(both, 'lee', 'approve R1').run, 'dee', 'approve R1').run, 'cutover')).toBe('open')
  })

  test('counts nobody twice, though they belong to both', () => {
    const one = say(both, 'abe', 'approve R1').run
    expect(is(one, 'cutover')).toBe('open')
    expect(is(say(one, 'abe', 'approve R1').run, 'cutover')).toBe('open')
    expect(is(say(one, 'lee', 'approve R1').run, 'cutover')).toBe('done')
    expect(is(say(one, 'amy', 'approve R1').run, 'cutover')).toBe('done')
  })

  test('seats people where they are needed: whoever could stand for both makes room for whoever cannot', () => {
    const wants = rule({ role: 'lead', quorum: 2, and: [{ role: 'owner', quorum: 1 }] })
    expect(unmet(wants, [['lead', 'owner'], ['lead'], ['lead']])).toEqual([])
    expect(unmet(wants, [['lead', 'owner'], ['lead']])).toHaveLength(1)
    expect(unmet(wants, [['owner'], ['owner'], ['lead']])).toEqual([{ role: 'lead', quorum: 1 }])
  })
})

describe('a vote', () => {
  test('that wants two noes is not closed by one, nor by one person saying it twice', () => {
    const run = asking({ quorum: 3, denies: 2 })
    const one = say(run, 'lee', 'deny R1').run
    expect(is(one, 'cutover')).toBe('open')
    expect(is(say(one, 'lee', 'deny R1').run, 'cutover')).toBe('open')
    expect(is(say(one, 'dee', 'deny R1').run, 'cutover')).toBe('failed')
  })

  test('that wants the number of a change is no yes without it, and always a no', () => {
    const run = asking({ reason: 'CHG\\d{7}' })
    expect(say(run, 'lee', 'approve R1').no).toContain('needs a note with /CHG\\d{7}/')
    expect(say(run, 'lee', 'approve R1 because "CHG12"').no).toContain('needs a note')
    expect(is(say(run, 'lee', 'approve R1 because "CHG0041234, as agreed"').run, 'cutover')).toBe('done')
    expect(is(say(run, 'lee', 'deny R1').run, 'cutover')).toBe('failed')
  })

  test('that wants a second factor is no yes without one, and says in the log that there was one', () => {
    const run = asking({ stepUp: true })
    expect(say(run, 'lee', 'approve R1').refusal?.no).toBe('needs a code')
    const proved = say(run, 'lee', 'approve R1', { proof: 'totp' }).run
    expect(stateOf(proved, 'cutover')).toMatchObject({ is: 'done', ballot: { votes: [{ by: 'lee', stepUp: 'totp' }] } })
    expect(is(say(run, 'lee', 'deny R1').run, 'cutover')).toBe('failed')
  })

  test('of a service account never counts, whatever its roles', () => {
    const robot = { ...POLICY, people: new Map(POLICY.people) }
    robot.people.set('lee' as Person, { ...POLICY.people.get('lee' as Person)!, machine: true })
    expect(say(asking({}), 'lee', 'approve R1', { policy: robot }).no).toContain('service account')
    expect(say(asking({}), 'lee', 'deny R1', { policy: robot }).no).toContain('service account')
  })

  test('through an account that was linked today opens nothing destructive, and opens what can be taken back', () => {
    const fresh = { ...POLICY, people: new Map(POLICY.people) }
    const handle = 'slack:U-lee' as never
    fresh.people.set('lee' as Person, { ...POLICY.people.get('lee' as Person)!, cooling: new Map([[handle, NOW + hours(24)]]) })
    const via = { handle, channel: 'C1' }
    expect(say(asking({ risk: 'destructive' }), 'lee', 'approve R1', { policy: fresh, via }).no).toContain('linked too lately')
    expect(is(say(asking({ risk: 'disruptive' }), 'lee', 'approve R1', { policy: fresh, via }).run, 'cutover')).toBe('done')
    expect(is(say(asking({ risk: 'destructive' }), 'lee', 'approve R1', { policy: fresh }).run, 'cutover')).toBe('done')
  })

  test('keeps who spoke through what, for which roles, and what facts were on the card', () => {
    const facts = [{ label: 'paths', holds: true, shows: '4', at: NOW }]
    const fact = { label: 'paths', read: action('paths', 'none'), expect: { field: 'alive', atLeast: 1 } }
    const run = having(begun(plan(gate('cutover', {}, [fact]), act('switch', 'disruptive'))), [
      step('cutover', { type: 'step.shown', facts }),
    ])
    const via = { handle: 'slack:U-lee' as never, channel: 'C1', workspace: 'T1' }
    expect(stateOf(say(run, 'lee', 'approve R1', { via }).run, 'cutover')).toMatchObject({
      facts,
      ballot: { votes: [{ by: 'lee', as: ['lead'], via, shown: run.digest, facts: expect.stringMatching(/^[0-9a-f]{64}$/) }] },
    })
  })

  test('of somebody whose chat cannot be asked counts for what can be taken back, and not for what cannot', () => {
    const policy = { ...POLICY, people: new Map(POLICY.people) }
    policy.people.set('lee' as Person, { name: 'lee', roles: new Set(['viewer']), handles: [], unsure: new Set(['lead']) })
    expect(say(asking({ risk: 'destructive' }), 'lee', 'approve R1', { policy }).no).toContain('cannot be asked now')
    expect(is(say(asking({ risk: 'disruptive' }), 'lee', 'approve R1', { policy }).run, 'cutover')).toBe('done')
  })
})

describe('the calendar', () => {
  const WEEKEND = {
    name: 'weekend',
    where: { env: 'production' },
    from: 'routine' as const,
    zone: 'UTC',
    open: [{ from: { day: 6, minute: 22 * 60 }, to: { day: 0, minute: 6 * 60 } }],
  }
  const labels = new Map([['sql01', { env: 'production' }]])
  const before = { from: 'disruptive' as const, rule: rule() }
  const POLICY_OF_WINDOWS: Policy = { ...policyOf(PEOPLE, { may: 'operator', before }), windows: [WEEKEND], labels }
  // NOW is a Thursday, 12:00 UTC.
  const SATURDAY = NOW + hours(2 * 24 + 11)
  const guarded = guard(
    plan(watch('copy'), act('switch', 'disruptive', { timeout: minutes(40) })),
    POLICY_OF_WINDOWS,
    'olga' as Person,
  )
  if (!('plan' in guarded)) throw new Error('it is permitted')
  const copied = having(begun(guarded.plan), [step('copy', { type: 'step.done', how: 'seen' })])

  test('keeps a gate shut until a worker has asked it, however long that takes', () => {
    expect(is(copied, 'approve-switch')).toBe('pending')
    expect(work(copied, NOW)).toEqual([expect.objectContaining({ kind: 'open' })])
    const waiting = { ...copied, waitsFor: { shut: 'the window is closed', next: NOW + minutes(1) } }
    expect(work(waiting, NOW)).toEqual([])
    expect(wake(waiting)).toBe(NOW + minutes(1))
    expect(is(later(copied, NOW + hours(500)), 'approve-switch')).toBe('pending')
  })

  test('takes no yes while what it opens could not be sent, and takes a no', () => {
    const open = having(copied, [step('approve-switch', { type: 'step.opened', until: NOW + hours(100) })])
    expect(say(open, 'lee', 'approve R1', { policy: POLICY_OF_WINDOWS }).no).toContain('weekend is closed')
    expect(is(say(open, 'lee', 'approve R1', { policy: POLICY_OF_WINDOWS, at: SATURDAY }).run, 'approve-switch')).toBe('done')
    expect(is(say(open, 'lee', 'deny R1', { policy: POLICY_OF_WINDOWS }).run, 'approve-switch')).toBe('failed')
  })

  test('that is frozen takes no yes either, and says who froze it and why', () => {
    const freeze = { scope: 'production', until: SATURDAY + hours(5), by: 'dee' as Person, because: 'quarter end', since: NOW }
    const open = having(copied, [step('approve-switch', { type: 'step.opened', until: NOW + hours(100) })])
    const no = say(open, 'lee', 'approve R1', { policy: { ...POLICY_OF_WINDOWS, freezes: [freeze] }, at: SATURDAY }).no
    expect(no).toContain('frozen')
    expect(no).toContain('quarter end')
  })

  test('is not asked while the glass is broken', () => {
    const glass = { may: 'lead', within: minutes(30), rule: rule({ role: 'lead' }) }
    const policy = { ...POLICY_OF_WINDOWS, glass }
    const broken = say(copied, 'lee', 'break glass for R1 because "the array is failing"', { policy }).run
    expect(is(broken, 'approve-switch')).toBe('open')
    expect(is(say(broken, 'dee', 'approve R1', { policy }).run, 'approve-switch')).toBe('done')
  })
})

describe('a broken glass', () => {
  const glass = { may: 'lead', within: minutes(30), rule: rule({ role: 'lead', quorum: 1, within: minutes(30) }) }
  const policy = { ...POLICY, glass }
  const run = asking({ quorum: 3, within: hours(4) })
  const broken = say(run, 'lee', 'break glass for R1 because "nobody answers"', { policy }).run

  test('needs the role for it, a rule of the site file, and a reason', () => {
    expect(say(run, 'olga', 'break glass for R1 because "x"', { policy }).no).toContain('it wants the role lead')
    expect(say(run, 'lee', 'break glass for R1 because "x"').no).toContain('no `break glass`')
    expect(() => command('break glass for R1')).toThrow()
  })

  test('makes its gates open by the rule for emergencies, and voids what was said before', () => {
    const voted = say(run, 'dee', 'approve R1').run
    const after = say(voted, 'lee', 'break glass for R1 because "x"', { policy }).run
    expect(is(after, 'cutover')).toBe('open')
    expect(is(say(broken, 'dee', 'approve R1', { policy }).run, 'cutover')).toBe('done')
  })

  test('still lets nobody decide on their own request', () => {
    const own = begun(plan(gate('cutover', { quorum: 3 }), act('switch', 'destructive')), 'lee')
    const after = say(own, 'lee', 'break glass for R1 because "x"', { policy }).run
    expect(say(after, 'lee', 'approve R1', { policy }).no).toContain('own request')
  })

  test('is whole again after its time, and is broken once in a run', () => {
    const late = later(broken, NOW + minutes(31))
    expect(is(late, 'cutover')).toBe('failed')
    const asked = say(late, 'olga', 'retry R1', { policy, at: NOW + minutes(32) })
    expect(asked.no).toContain('over')
    expect(say(broken, 'dee', 'break glass for R1 because "y"', { policy }).no).toContain('broken already')
  })

  test('wants a review that nobody closes who had a part in it', () => {
    const over = having(say(broken, 'dee', 'approve R1', { policy }).run, [
      step('switch', { type: 'step.failed', why: 'the device said no' }),
      { type: 'run.turned', to: 'stopping', by: 'olga' as Person },
    ])
    expect(over.outcome).toBe('failed')
    const close = 'close review of R1 because "looked through it"'
    expect(say(broken, 'abe', close, { policy }).no).toContain('it is not over')
    for (const involved of ['lee', 'dee', 'olga']) expect(say(over, involved, close, { policy }).no).toContain('had a part in it')
    expect(say(over, 'vic', close, { policy }).no).toContain('it wants the role lead')
    const reviewed = say(over, 'abe', close, { policy }).run
    expect(reviewed.reviewed).toMatchObject({ by: 'abe', because: 'looked through it' })
    expect(say(reviewed, 'abe', close, { policy }).no).toContain('closed, by abe')
  })
})

describe('a rule', () => {
  const production = { where: { env: 'production' } }
  const labels = new Map([
    ['sql01', { env: 'production' }],
    ['web01', { env: 'test' }],
  ])

  test('is for what its labels say, whatever the names are', () => {
    const policy = { ...policyOf(PEOPLE, { ...production, may: 'lead' }, { may: 'operator' }), labels }
    expect(ruleFor(policy, action('switch', 'disruptive'))?.may).toBe('lead')
    expect(ruleFor(policy, action('switch', 'disruptive', {}, 'web01'))?.may).toBe('operator')
    // A target that the rules that hold do not know has no labels yet, and a laxer rule would fit it.
    expect(ruleFor(policy, action('switch', 'disruptive', {}, 'new01'))).toBeUndefined()
  })

  test('that asks for a value which is not known yet allows nothing, and lets no later rule allow it', () => {
    const policy = policyOf(PEOPLE, { params: { level: '9' }, may: 'lead' }, { may: 'operator' })
    expect(ruleFor(policy, action('throttle', 'routine', { level: 9 }))?.may).toBe('lead')
    expect(ruleFor(policy, action('throttle', 'routine', { level: 2 }))?.may).toBe('operator')
    expect(ruleFor(policy, action('throttle', 'routine', {}))?.may).toBe('operator')
    expect(ruleFor(policy, action('throttle', 'routine', { level: { from: 'setup', field: 'level' } }))).toBeUndefined()
  })

  test('that wants a reason lets nobody ask without one', () => {
    const policy = policyOf(PEOPLE, { may: 'operator', reason: 'CHG\\d+' })
    const asked = (because?: string) => unreasoned(policy, [action('switch', 'disruptive')], because)
    expect(asked()).toMatchObject({ no: 'not planned', why: expect.stringContaining('none was given') })
    expect(asked('please')).toMatchObject({ why: expect.stringContaining('"please" has none') })
    expect(asked('CHG77 in the maintenance hour')).toBeUndefined()
    const one = plan(act('switch', 'disruptive'))
    expect(guard(one, policy, 'olga' as Person)).toHaveProperty('refusal')
    expect(guard(one, policy, 'olga' as Person, [], 'CHG1')).toHaveProperty('plan')
  })

  test('that lets somebody do anything on every target of a run lets them look at it, and no other', () => {
    const policy = {
      ...policyOf(PEOPLE, { ...production, may: 'lead' }, { target: 'web01', may: 'viewer', upTo: 'none' }),
      labels,
    }
    const run = begun(plan(act('switch', 'disruptive')))
    const other = begun(
      plan(act('switch', 'disruptive', { action: action('switch', 'disruptive', {}, 'web01') } as Partial<Act>)),
    )
    expect(maySee(policy, 'lee' as Person, run)).toBe(true)
    expect(maySee(policy, 'vic' as Person, run)).toBe(false)
    expect(maySee(policy, 'vic' as Person, other)).toBe(true)
  })
})

test('old approvals, without roles in them, count for the only role their rule had', () => {
  const vote = { by: 'lee' as Person, verdict: 'approve' as const, shown: '' as never, at: NOW }
  expect(tally({ rule: rule(), until: NOW, votes: [vote] })).toBe('approved')
})

test('what is refreshed is read again before anybody can say yes', () => {
  const fact = { label: 'paths', read: action('paths', 'none'), expect: { field: 'alive', atLeast: 1 } }
  const shown = having(begun(plan(gate('cutover', {}, [fact]), act('switch', 'disruptive'))), [
    step('cutover', { type: 'step.shown', facts: [{ label: 'paths', holds: true, shows: '4' }] }),
  ])
  const refreshed = say(shown, 'olga', 'refresh R1').run
  expect(work(refreshed, NOW)).toEqual([expect.objectContaining({ kind: 'show' })])
  expect(say(refreshed, 'lee', 'approve R1').no).toContain('being read')
})
