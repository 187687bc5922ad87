import { describe, expect, test } from 'vitest'
import { guard } from '../src/domain/guard.ts'
import type { Handle, Person } from '../src/domain/ids.ts'
import { hours, minutes } from '../src/domain/ids.ts'
import type { Gate, Plan } from '../src/domain/plan.ts'
import { closedFor, matches, type Policy, permit, personOf, ruleFor, skipRule, voters } from '../src/domain/policy.ts'
import { explain } from '../src/domain/refusal.ts'
import { parse } from '../src/language/parse.ts'
import { act, action, begun, gate, POLICY, plan, policyOf, rule, wait } from './fakes/given.ts'

const PEOPLE = { olga: ['operator', 'viewer'], lee: ['lead', 'operator', 'viewer'], vic: ['viewer'], sam: ['storage'] }
const olga = 'olga' as Person

const guarded = (of: Plan, policy: Policy, by = 'olga'): Plan => {
  const result = guard(of, policy, by as Person)
  if ('refusal' in result) throw new Error(explain(result.refusal).join(' '))
  return result.plan
}
const refusalOf = (of: Plan, policy: Policy, by = 'olga'): string => {
  const result = guard(of, policy, by as Person)
  return 'refusal' in result ? explain(result.refusal).join(' ') : 'allowed'
}
const ids = (of: Plan): string[][] => of.stages.map(stage => stage.map(step => step.id))
const gateNamed = (of: Plan, id: string): Gate => {
  const found = of.stages.flat().find(step => step.id === id)
  if (found?.kind !== 'gate') throw new Error(`there is no gate ${id} among ${ids(of).flat().join(', ')}`)
  return found
}

describe('who may ask', () => {
  test('without a rule nobody may do anything, and the refusal says so', () => {
    const nobody = policyOf(PEOPLE)
    expect(refusalOf(plan(act('sync', 'routine')), nobody)).toContain(
      'no rule allows lab.sync (a routine change) on sql01 to anyone',
    )
    expect(permit(nobody, olga, [action('paths', 'none')])).toMatchObject({ no: 'not permitted' })
  })

  test('a person whom the policy does not know may do nothing', () => {
    expect(refusalOf(plan(act('sync', 'routine')), POLICY, 'mallory')).toContain('mallory may not')
  })

  test('the first rule that fits decides, even when a later one would allow it', () => {
    const policy = policyOf(
      PEOPLE,
      { name: 'production is for leads', target: 'prod-*', may: 'lead' },
      { name: 'operators may', may: 'operator' },
    )
    expect(permit(policy, olga, [action('sync', 'routine', {}, 'prod-sql01')])).toMatchObject({
      because: 'the rule "production is for leads" wants the role lead',
    })
    expect(permit(policy, olga, [action('sync', 'routine', {}, 'test-sql01')])).toBeUndefined()
  })

  test('a rule speaks of actions up to its risk only: a change does not slip through a rule for reads', () => {
    const policy = policyOf(PEOPLE, { upTo: 'none', may: 'viewer' }, { upTo: 'routine', may: 'operator' })
    expect(permit(policy, 'vic' as Person, [action('paths', 'none')])).toBeUndefined()
    expect(permit(policy, 'vic' as Person, [action('sync', 'routine')])).toMatchObject({ no: 'not permitted' })
    expect(permit(policy, olga, [action('commit', 'destructive')])).toMatchObject({
      because: 'no rule allows lab.commit (a destructive change) on sql01 to anyone',
    })
  })

  test('one action that is not allowed refuses the whole plan, the undo of a step and a read included', () => {
    const policy = policyOf(PEOPLE, { capability: 'lab.sync', may: 'operator' })
    const undo = [{ action: action('abort', 'disruptive'), says: 'abort' }]
    expect(refusalOf(plan(act('sync', 'routine'), act('commit', 'destructive')), policy)).toContain('lab.commit')
    expect(refusalOf(plan(act('sync', 'routine', { undo })), policy)).toContain('lab.abort')
    expect(guard(plan(act('sync', 'routine')), policy, olga, [action('paths', 'none')])).toHaveProperty('refusal')
    expect(guard(plan(act('sync', 'routine')), policy, olga)).toHaveProperty('plan')
  })

  test('a star in a rule stands for characters and everything else for itself', () => {
    expect(matches('powerpath.*', 'powerpath.sync')).toBe(true)
    expect(matches('powerpath.*', 'powerpathxsync')).toBe(false)
    expect(matches('prod-*', 'test-prod-1')).toBe(false)
    expect(matches('*', '')).toBe(true)
    expect(matches('sql(01', 'sql(01')).toBe(true)
    expect(matches('PROD-*', 'prod-1')).toBe(true)
  })

  test('two handles are one person', () => {
    expect(personOf(POLICY, 'console:lee' as Handle)).toBe('lee')
    expect(personOf(POLICY, 'slack:U-lee' as Handle)).toBe('lee')
    expect(personOf(POLICY, 'slack:U-nobody' as Handle)).toBeUndefined()
  })
})

describe('the gates that no runbook can forget', () => {
  const strict = policyOf(PEOPLE, { may: 'operator', before: { from: 'disruptive', rule: rule() } })

  test('one stands at the head for what the whole run may do', () => {
    const policy = policyOf(PEOPLE, { may: 'operator', start: rule({ quorum: 2 }) })
    const made = guarded(plan(act('sync', 'routine')), policy)
    expect(ids(made)).toEqual([['start'], ['sync']])
    expect(gateNamed(made, 'start')).toMatchObject({ for: 'approval', asks: 'Start: move a disk on sql01?', rule: { quorum: 2 } })
  })

  test('one stands right before each step of the risk the rule names, or a higher one, and before no other', () => {
    const made = guarded(
      plan(act('sync', 'routine'), act('cutover', 'disruptive'), wait('soak'), act('commit', 'destructive')),
      strict,
    )
    expect(ids(made)).toEqual([['sync'], ['approve-cutover'], ['cutover'], ['soak'], ['approve-commit'], ['commit']])
  })

  test('steps side by side have one gate before them, as strict as the strictest wants it', () => {
    const policy = policyOf(
      PEOPLE,
      { capability: 'lab.a', may: 'operator', before: { from: 'routine', rule: rule({ quorum: 2, within: hours(4) }) } },
      { may: 'operator', before: { from: 'routine', rule: rule({ quorum: 1, within: minutes(10) }) } },
    )
    const made = guarded(plan([act('a', 'routine'), act('b', 'routine')]), policy)
    expect(made.stages).toHaveLength(2)
    expect(made.stages[0]?.[0]).toMatchObject({ rule: { quorum: 2, within: minutes(10), ownRequest: false } })
  })

  test('one that a runbook has put there is made at least as strict, and not weaker', () => {
    const made = guarded(
      plan(gate('mine', { quorum: 3, ownRequest: true, within: hours(9) }), act('cutover', 'disruptive')),
      strict,
    )
    expect(ids(made)).toEqual([['mine'], ['cutover']])
    expect(gateNamed(made, 'mine').rule).toEqual({ role: 'lead', quorum: 3, ownRequest: false, within: hours(1) })
  })

  test("one of another role that a runbook has put there gets the policy's own beside it", () => {
    const made = guarded(plan(gate('mine', { role: 'storage' }), act('cutover', 'disruptive')), strict)
    expect(ids(made)).toEqual([['mine', 'mine-lead'], ['cutover']])
    expect(gateNamed(made, 'mine').rule.role).toBe('storage')
    expect(gateNamed(made, 'mine-lead').rule.role).toBe('lead')
  })

  test("a confirmation of a runbook is no approval: the policy's gate comes all the same", () => {
    const seen: Gate = { ...gate('seen'), for: 'confirmation' }
    expect(ids(guarded(plan(seen, act('cutover', 'disruptive')), strict))).toEqual([['seen'], ['approve-cutover'], ['cutover']])
  })

  test('one that a runbook has put further up does not count for a step behind the next', () => {
    const made = guarded(plan(gate('mine'), act('cutover', 'disruptive'), act('commit', 'destructive')), strict)
    expect(ids(made)).toEqual([['mine'], ['cutover'], ['approve-commit'], ['commit']])
  })

  test('roles that differ make two gates at the head, one for each', () => {
    const policy = policyOf(
      PEOPLE,
      { capability: 'lab.a', may: 'operator', start: rule() },
      { may: 'operator', start: rule({ role: 'storage' }) },
    )
    const made = guarded(plan(act('a', 'routine'), act('b', 'routine')), policy)
    expect(made.stages[0]?.map(step => (step.kind === 'gate' ? step.rule.role : ''))).toEqual(['lead', 'storage'])
  })

  test('one never has the name of a step, or its approval would count as that step done', () => {
    const policy = policyOf(PEOPLE, { may: 'operator', start: rule(), before: { from: 'routine', rule: rule() } })
    const made = guarded(plan(act('start', 'disruptive'), act('approve-start', 'disruptive')), policy)
    const names = ids(made).flat()
    expect(new Set(names).size).toBe(names.length)
    expect(made.stages.at(-1)?.[0]).toMatchObject({ kind: 'act', id: 'approve-start' })
  })

  test('one can be named in a sentence and in a button, whatever the role is called and however many steps it is for', () => {
    const policy = policyOf(
      PEOPLE,
      { capability: 'lab.a*', may: 'operator', before: { from: 'routine', rule: rule() } },
      { may: 'operator', before: { from: 'routine', rule: rule({ role: 'SAN_Admins.EU' }) } },
    )
    const many = ['a', 'b', 'c', 'd', 'e'].map(name => act(`${name}-${'very-'.repeat(8)}long`, 'routine'))
    const made = guarded(plan(many), policy)
    const gates = made.stages[0] ?? []
    expect(gates).toHaveLength(2)
    for (const { id } of gates) {
      const read = parse(`approve R123456789 ${id} as 0123456789`, { targets: new Map() })
      expect(read, id).toMatchObject({ command: { kind: 'vote', step: id } })
      expect(`approve R123456789 ${id} as 0123456789`.length).toBeLessThanOrEqual(100)
    }
  })

  test('the plan that the gates are in is the one whose digest is voted on', () => {
    const made = guarded(plan(act('cutover', 'disruptive')), strict)
    expect(begun(made).digest).not.toBe(begun(plan(act('cutover', 'disruptive'))).digest)
  })
})

describe('who could vote', () => {
  test('skipping a step takes the rule of the gate nearest before it, else of the first approval of the plan', () => {
    const made = plan(
      act('first', 'routine'),
      gate('one', { quorum: 1 }),
      act('second', 'disruptive'),
      gate('two', { quorum: 2 }),
      act('third', 'destructive'),
    )
    expect(skipRule(made, 'second' as never)?.quorum).toBe(1)
    expect(skipRule(made, 'third' as never)?.quorum).toBe(2)
    expect(skipRule(made, 'first' as never)?.quorum).toBe(1)
    expect(skipRule(plan(act('first', 'routine')), 'first' as never)).toBeUndefined()
  })

  test('is whoever has the role, has not voted and has not asked', () => {
    expect(voters(POLICY, rule(), ['olga' as Person], [])).toEqual({ could: ['lee', 'dee'], not: [] })
    expect(voters(POLICY, rule(), ['lee' as Person], ['dee' as Person])).toEqual({
      could: [],
      not: ['lee asked for it', 'dee has voted'],
    })
    expect(voters(POLICY, rule({ ownRequest: true }), ['lee' as Person], []).could).toEqual(['lee', 'dee'])
  })

  test('is neither the one who began the run nor the one who asked to skip', () => {
    expect(voters(POLICY, rule(), ['lee' as Person, 'dee' as Person], [])).toEqual({
      could: [],
      not: ['lee asked for it', 'dee asked for it'],
    })
  })

  test('the rule for an action is the one that decides about it', () => {
    expect(ruleFor(POLICY, action('sync', 'routine'))?.name).toBe('operators may')
  })
})

describe('a gate that nobody could open', () => {
  const two = gate('commit-approval', { role: 'lead', quorum: 2, ownRequest: false })
  test('is found before the run begins, and says how many there are', () => {
    const refusal = closedFor(plan(two), policyOf(PEOPLE), olga)
    expect(refusal && explain(refusal).join(' ')).toContain('needs 2 with the role lead besides olga, who asks, and there is 1')
  })
  test('does not count whoever asks', () => {
    const people = { ...PEOPLE, dee: ['lead'] }
    expect(closedFor(plan(two), policyOf(people), olga)).toBeUndefined()
    expect(closedFor(plan(two), policyOf(people), 'lee' as Person)).toMatchObject({ no: 'not planned' })
  })
})
