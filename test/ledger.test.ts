import { describe, expect, test } from 'vitest'
import { type Digest, type Handle, hours, type Instant, minutes, type Person } from '../src/domain/ids.ts'
import { EMPTY, type Ledger, type LedgerEvent, note } from '../src/domain/ledger.ts'

/** What the house makes of what it remembers. */

const NOW = 1_763_640_000_000
const [ann, bob] = ['ann' as Person, 'bob' as Person]
const [slack, discord] = ['slack:U1' as Handle, 'discord:7' as Handle]
const code = (text: string): Digest => text as Digest

/** Each at its own time, in minutes from now. */
const later = (...events: readonly (readonly [number, LedgerEvent])[]): Ledger =>
  events.reduce((ledger, [at, event]) => note(ledger, event, NOW + minutes(at)), EMPTY)
const all = (...events: readonly LedgerEvent[]): Ledger => later(...events.map(event => [0, event] as const))
const at = (minute: number): Instant => NOW + minutes(minute)

const asked = (handle: Handle, by: string, until = at(10)): LedgerEvent => ({ type: 'link.asked', code: code(by), handle, until })
const answered = (by: string, until = at(20)): LedgerEvent => ({
  type: 'link.answered',
  code: code(by),
  back: code(`${by} back`),
  person: ann,
  by: discord,
  until,
})
const linked = (handle: Handle, person = ann): LedgerEvent => ({
  type: 'link.made',
  handle,
  person,
  until: at(1000),
  roles: ['storage'],
})
const frozen = (scope: string, key: string, by = ann): LedgerEvent => ({
  type: 'freeze.begun',
  scope,
  until: NOW + hours(4),
  by,
  because: 'quarter end',
  key,
})

describe('a link', () => {
  test('is offered, answered, made and ended', () => {
    const offered = all(asked(slack, 'c1'))
    expect(offered.offers.get(code('c1'))).toEqual({ handle: slack, until: at(10) })
    const half = note(offered, answered('c1'), at(1))
    expect(half.offers.get(code('c1'))?.answered).toEqual({ back: code('c1 back'), person: ann, by: discord, until: at(20) })
    expect(half.links.size).toBe(0)
    const made = note(half, linked(slack), at(2))
    expect(made.links.get(slack)).toEqual({ person: ann, since: at(2), until: at(1000), roles: ['storage'] })
    expect(made.offers.size).toBe(0)
    expect(note(made, { type: 'link.ended', handle: slack, by: 'ann' }, at(3)).links.size).toBe(0)
    expect(note(made, { type: 'link.ended', handle: discord, by: 'ann' }, at(3)).links.size).toBe(1)
  })

  test('that is made uses up every offer to that handle, and none to another', () => {
    const { offers } = all(asked(slack, 'c1'), asked(slack, 'c2'), asked(discord, 'c3'), linked(slack))
    expect([...offers.keys()]).toEqual(['c3'])
  })

  test('that is made again counts from then on, and for whom it was made last', () => {
    const { links } = later([0, linked(slack)], [5, linked(slack, bob)])
    expect(links.get(slack)).toMatchObject({ person: bob, since: at(5) })
    expect(links.size).toBe(1)
  })

  test('whose code nobody took is forgotten with the next one, and one that waits to be brought back is not', () => {
    const { offers } = later(
      [0, asked(slack, 'old')],
      [0, asked(discord, 'taken')],
      [9, answered('taken')],
      [15, asked(slack, 'new', at(25))],
    )
    expect([...offers.keys()].sort()).toEqual(['new', 'taken'])
    expect([
      ...later([0, asked(discord, 'taken')], [9, answered('taken')], [20, asked(slack, 'new', at(30))]).offers.keys(),
    ]).toEqual(['new'])
  })

  test('with a code that nobody asked for is nothing', () => {
    expect(all(answered('guessed')).offers.size).toBe(0)
  })
})

describe('a freeze', () => {
  test('holds for its scope, however that is written, until somebody ends it', () => {
    const both = later([1, frozen('prod-*', 'k1')], [2, frozen('Everything', 'k2', bob)])
    expect([...both.freezes.keys()]).toEqual(['prod-*', 'everything'])
    expect(both.freezes.get('everything')).toEqual({
      scope: 'Everything',
      until: NOW + hours(4),
      by: bob,
      because: 'quarter end',
      since: at(2),
    })
    const thawed = note(both, { type: 'freeze.ended', scope: 'EVERYTHING', by: ann, because: 'done', key: 'k3' }, at(3))
    expect([...thawed.freezes.keys()]).toEqual(['prod-*'])
    expect(thawed.keys).toEqual(new Set(['k1', 'k2', 'k3']))
  })

  test('of a scope that is frozen takes the place of the one before', () => {
    const { freezes } = later([1, frozen('prod-*', 'k1')], [2, frozen('PROD-*', 'k2', bob)])
    expect(freezes.size).toBe(1)
    expect(freezes.get('prod-*')).toMatchObject({ by: bob, since: at(2) })
  })
})

test('the policy that was accepted last holds', () => {
  const rulebook = { zone: 'UTC', roles: {}, people: {}, rules: [], labels: {}, windows: [], links: { expire: 1, coolDown: 1 } }
  const accepted = (digest: string): LedgerEvent => ({
    type: 'policy.accepted',
    digest: code(digest),
    rulebook,
    by: 'ann',
    key: digest,
  })
  const { policy, keys } = later([1, accepted('d1')], [2, accepted('d2')])
  expect(policy).toEqual({ digest: 'd2', rulebook, by: 'ann', at: at(2) })
  expect([...keys]).toEqual(['d1', 'd2'])
})

describe('a second factor', () => {
  const enrolled = (sealed: string): LedgerEvent => ({ type: 'factor.enrolled', person: ann, sealed, by: 'command line' })
  const failed: LedgerEvent = { type: 'factor.failed', person: ann }

  test('remembers the last code that was used, and what failed since', () => {
    const ledger = later(
      [1, enrolled('s1')],
      [2, failed],
      [3, failed],
      [4, { type: 'factor.used', person: ann, counter: 77 }],
      [5, failed],
    )
    expect(ledger.factors.get(ann)).toEqual({ sealed: 's1', since: at(1), counter: 77, failures: [at(5)] })
  })

  test('remembers no more failures than anybody asks about', () => {
    const { factors } = later([0, enrolled('s1')], ...Array.from({ length: 50 }, (_, n) => [n + 1, failed] as const))
    expect(factors.get(ann)?.failures).toEqual(Array.from({ length: 20 }, (_, n) => at(n + 31)))
  })

  test('begins anew when it is enrolled anew, and is gone when it is removed', () => {
    const again = later([1, enrolled('s1')], [2, { type: 'factor.used', person: ann, counter: 77 }], [3, enrolled('s2')])
    expect(again.factors.get(ann)).toEqual({ sealed: 's2', since: at(3), counter: 0, failures: [] })
    expect(note(again, { type: 'factor.removed', person: ann, by: 'bob', because: 'lost' }, at(4)).factors.size).toBe(0)
  })

  test('that somebody has not got cannot fail or be used', () => {
    expect(all(failed, { type: 'factor.used', person: ann, counter: 1 }).factors.size).toBe(0)
  })
})

test('every event counts, and what was there before stays as it was', () => {
  const before = all(linked(slack), frozen('x', 'k1'))
  const frozenBefore = structuredClone(before)
  const next = [frozen('y', 'k2'), linked(discord), asked(slack, 'c1'), { type: 'link.ended', handle: slack, by: 'x' } as const]
  next.reduce((ledger: Ledger, event) => note(ledger, event, NOW), before)
  expect(before).toEqual(frozenBefore)
  expect(before.seq).toBe(2)
  expect(next.reduce((ledger: Ledger, event) => note(ledger, event, NOW), before).seq).toBe(6)
})
