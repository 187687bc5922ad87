import { beforeEach, describe, expect, test } from 'vitest'
import { BELIEVED, policyOf, type Told } from '../src/domain/authority.ts'
import { type Handle, hours, type Instant, minutes, seconds } from '../src/domain/ids.ts'
import { EMPTY } from '../src/domain/ledger.ts'
import { hasRole, personOf } from '../src/domain/policy.ts'
import type { Rulebook } from '../src/domain/rulebook.ts'
import { decide } from '../src/domain/say.ts'
import { type Authority, authority } from '../src/engine/authority.ts'
import { type Chat, type Membership, NotShown } from '../src/ports/chat.ts'
import type { Clock } from '../src/ports/clock.ts'
import { fakeChat } from './fakes/chat.ts'
import { act, begun, command, gate, having, is, NOW, plan } from './fakes/given.ts'
import { handle, type LedgerStore, ledgerOf, ledgerStore, linked, listedAs, person, role, rulebook } from './fakes/linking.ts'

const PEOPLE: Rulebook['people'] = {
  ann: listedAs(['viewer'], ['slack:UANN']),
  bob: listedAs(['operator'], ['console:bob']),
}
const SITE = rulebook(PEOPLE)

const told = (groups: readonly string[], { at = NOW, active = true }: { at?: Instant; active?: boolean } = {}): Told => ({
  groups: new Set(groups),
  at,
  active,
})
const rolesOf = (site: Rulebook, says: Readonly<Record<string, Told>>, now = NOW, ledger = EMPTY) => {
  const policy = policyOf(site, ledger, new Map(Object.entries(says) as [Handle, Told][]), now)
  const member = policy.people.get(person('ann'))
  return { has: [...(member?.roles ?? [])].sort(), unsure: [...(member?.unsure ?? [])].sort(), member, policy }
}

describe('the policy of a moment', () => {
  test('gives the roles of the site file with everything they include, round and round', () => {
    expect(rolesOf(rulebook({ ann: listedAs(['lead']) }), {}).has).toEqual(['lead', 'operator', 'viewer'])
    const round = rulebook({ ann: listedAs(['a']) }, { roles: { a: role(['b']), b: role(['a', 'constructor']) } })
    expect(rolesOf(round, {}).has).toEqual(['a', 'b', 'constructor'])
  })

  test('gives the role of a group to whoever is in it, with everything it includes', () => {
    expect(rolesOf(SITE, { 'slack:UANN': told(['S0LEADS']) }).has).toEqual(['lead', 'operator', 'viewer'])
    expect(rolesOf(SITE, { 'slack:UANN': told(['S0OPS']) }).has).toEqual(['operator', 'viewer'])
    expect(rolesOf(SITE, { 'slack:UANN': told([]) }).has).toEqual(['viewer'])
  })

  test('takes a group of one chat for no group of another, and a handle of nobody for nobody', () => {
    expect(rolesOf(SITE, { 'slack:UANN': told(['1100']) }).has).toEqual(['viewer'])
    expect(rolesOf(SITE, { 'slack:UANN': told(['slack:S0LEADS']) }).has).toEqual(['viewer'])
    expect(rolesOf(SITE, { 'slack:UEVE': told(['S0LEADS']) }).has).toEqual(['viewer'])
    expect(rolesOf(rulebook({ ann: listedAs(['viewer'], ['teams:UANN']) }), { 'teams:UANN': told(['S0LEADS']) }).has).toEqual([
      'viewer',
    ])
    expect(rolesOf(SITE, { 'discord:UANN': told(['1100']) }).has).toEqual(['viewer'])
  })

  test('gives a role by the group of an account that is linked, and none once the link has run out', () => {
    const site = rulebook({ ann: listedAs(['viewer']) })
    const ledger = ledgerOf(linked('discord:5', 'ann', { roles: ['viewer'] }))
    const says = (at: Instant) => ({ 'discord:5': told(['1100'], { at }) })
    expect(rolesOf(site, says(NOW), NOW, ledger).has).toContain('lead')
    const later = NOW + 90 * hours(24)
    expect(rolesOf(site, says(later), later, ledger).has).toEqual(['viewer'])
  })

  test('is unsure of the roles of a group, and of what they include, once the answer is older than a minute', () => {
    const says = { 'slack:UANN': told(['S0LEADS']) }
    expect(rolesOf(SITE, says, NOW + BELIEVED)).toMatchObject({ has: ['lead', 'operator', 'viewer'], unsure: [] })
    expect(rolesOf(SITE, says, NOW + BELIEVED + 1)).toMatchObject({ has: ['viewer'], unsure: ['lead', 'operator'] })
    const { policy } = rolesOf(SITE, says, NOW + BELIEVED + 1)
    expect(hasRole(policy, person('ann'), 'lead', 'destructive')).toBe(false)
  })

  test('is unsure too when the clock was set back since', () => {
    expect(rolesOf(SITE, { 'slack:UANN': told(['S0LEADS'], { at: NOW + hours(1) }) })).toMatchObject({ has: ['viewer'] })
  })

  test('does not doubt what the site file itself says', () => {
    const site = rulebook({ ann: listedAs(['operator'], ['slack:UANN']) })
    const { has, unsure } = rolesOf(site, { 'slack:UANN': told(['S0OPS']) }, NOW + hours(1))
    expect([has, unsure]).toEqual([['operator', 'viewer'], []])
  })

  test('knows nobody by an account that its chat has deactivated, and gives nobody a role by it', () => {
    const gone = { 'slack:UANN': told(['S0LEADS'], { active: false }) }
    for (const now of [NOW, NOW + hours(9)]) {
      const { has, unsure, member, policy } = rolesOf(SITE, gone, now)
      expect(personOf(policy, handle('slack:UANN'))).toBeUndefined()
      expect([has, unsure, member?.handles]).toEqual([['viewer'], [], []])
      expect(member?.gone).toEqual(new Set(['slack:UANN']))
    }
  })

  test('has the freezes that have not run out', () => {
    const frozen = (scope: string, until: Instant) =>
      [{ type: 'freeze.begun', scope, until, by: person('bob'), because: 'audit', key: scope }, NOW] as const
    const ledger = ledgerOf(frozen('old', NOW + 1), frozen('new', NOW + 2))
    expect(policyOf(SITE, ledger, new Map(), NOW + 1).freezes?.map(({ scope }) => scope)).toEqual(['new'])
  })

  test('goes by the rules that people have accepted, and not by a file that was changed since', () => {
    const raised = rulebook({ ...PEOPLE, ann: listedAs(['lead'], ['slack:UANN']) })
    const accepted = { type: 'policy.accepted', digest: 'd' as never, rulebook: SITE, by: 'bob', key: 'k' } as const
    expect(rolesOf(raised, {}, NOW, ledgerOf([accepted, NOW])).has).toEqual(['viewer'])
  })

  test('says of a service account that it is one', () => {
    expect(rolesOf(rulebook({ ann: listedAs(['lead'], [], { machine: true }) }), {}).member?.machine).toBe(true)
  })
})

describe('one person', () => {
  test('has one vote, whichever chats and accounts it comes from', () => {
    const site = rulebook({ ann: listedAs(['lead'], ['console:ann']), bob: listedAs(['operator'], ['console:bob']) })
    const roles = ['lead', 'operator', 'viewer']
    const ledger = ledgerOf(linked('slack:U1', 'ann', { roles }), linked('discord:5', 'ann', { roles }))
    const policy = policyOf(site, ledger, new Map(), NOW)
    let run = begun(plan(gate('start', { quorum: 2 }), act('sync', 'routine')), 'bob')
    for (const account of ['console:ann', 'slack:U1', 'discord:5']) {
      const by = personOf(policy, handle(account))
      expect(by, account).toBe('ann')
      const verdict = decide(run, command('approve R1'), by ?? person(''), policy, NOW)
      if ('events' in verdict) run = having(run, verdict.events)
    }
    expect(is(run, 'start')).toBe('open')
  })

  test('does not approve their own request from an account of another chat', () => {
    const site = rulebook({ ann: listedAs(['lead'], ['console:ann']) })
    const ledger = ledgerOf(linked('slack:U1', 'ann', { roles: ['lead', 'operator', 'viewer'] }))
    const policy = policyOf(site, ledger, new Map(), NOW)
    const by = personOf(policy, handle('slack:U1')) ?? person('')
    const run = begun(plan(gate('start'), act('sync', 'routine')), 'ann')
    expect(decide(run, command('approve R1'), by, policy, NOW)).toMatchObject({ refusal: { no: 'not permitted' } })
  })
})

/** A clock that only its test moves. Whoever waits for it is told when it gets there. */
function pushedClock(): Clock & { push(by: number): void } {
  let now = 0
  let alarms: { readonly at: number; readonly alarm: AbortController }[] = []
  return {
    now: () => now,
    timeout(ms) {
      const alarm = new AbortController()
      alarms.push({ at: now + ms, alarm })
      return alarm.signal
    },
    push(by) {
      now += by
      for (const { alarm } of alarms.filter(({ at }) => at <= now)) alarm.abort(new Error('too slow'))
      alarms = alarms.filter(({ at }) => at > now)
    },
  }
}

/** Lets everything that waits for nothing from outside come to its end. */
const settle = async (): Promise<void> => {
  for (let n = 0; n < 50; n++) await Promise.resolve()
}

describe('asking the chats', () => {
  let store: LedgerStore
  let clock: ReturnType<typeof pushedClock>
  let groups: Map<string, Membership>
  let asked: string[]
  let asks: (account: string) => Promise<Membership>
  let site: Rulebook

  beforeEach(() => {
    store = ledgerStore()
    clock = pushedClock()
    groups = new Map()
    asked = []
    asks = async account => groups.get(account) ?? { active: true, groups: new Set() }
    site = SITE
  })
  const opened = (chats: readonly Chat[] = [slack()]): Authority =>
    authority({ store, rulebook: site, chats: new Map([fakeChat(), ...chats].map(chat => [chat.name, chat])), clock })
  const slack = (name = 'slack'): Chat => ({
    ...fakeChat(name),
    membership: account => {
      asked.push(account)
      return asks(account)
    },
  })
  const pass = (ms: number): void => {
    store.push(ms)
    clock.push(ms)
  }
  const put = (account: string, ...ids: readonly string[]) => groups.set(account, { active: true, groups: new Set(ids) })
  const leads = async ({ policy }: Authority) => hasRole(await policy(), person('ann'), 'lead')
  const away = () => Promise.reject(new NotShown('later', 'there is no way to Slack'))

  test('is done once for many who want to know at once', async () => {
    put('slack:UANN', 'S0LEADS')
    const one = opened()
    expect(await Promise.all([leads(one), leads(one), leads(one)])).toEqual([true, true, true])
    expect(asked).toEqual(['slack:UANN'])
  })

  test('is not done again for forty seconds, then in the background, and waited for after a minute', async () => {
    put('slack:UANN', 'S0LEADS')
    const one = opened()
    await leads(one)
    put('slack:UANN')
    pass(seconds(40))
    expect(await leads(one)).toBe(true)
    expect(asked).toHaveLength(1)
    pass(1)
    expect(await leads(one)).toBe(true)
    await settle()
    expect(asked).toHaveLength(2)
    expect(await leads(one)).toBe(false)
  })

  test('takes a group away within a minute of leaving it, however seldom anybody speaks', async () => {
    put('slack:UANN', 'S0LEADS')
    const one = opened()
    expect(await leads(one)).toBe(true)
    put('slack:UANN')
    pass(seconds(60) + 1)
    expect(await leads(one)).toBe(false)
    expect((await one.policy()).people.get(person('ann'))?.unsure).toBeUndefined()
  })

  test('counts how long the chat has remembered what it says: both together are a minute', async () => {
    const one = opened()
    asks = async () => ({ active: true, groups: new Set(['S0LEADS']), age: seconds(45) })
    expect(await leads(one)).toBe(true)
    asks = away
    pass(seconds(15))
    expect(await leads(one)).toBe(true)
    pass(1)
    expect(await leads(one)).toBe(false)
  })

  test('leaves roles in doubt when the chat is away, and gives none to whom it has never spoken of', async () => {
    put('slack:UANN', 'S0LEADS')
    const one = opened()
    await leads(one)
    asks = away
    pass(seconds(61))
    const doubtful = (await one.policy()).people.get(person('ann'))
    expect([doubtful?.roles, doubtful?.unsure]).toEqual([new Set(['viewer']), new Set(['lead', 'operator'])])
    const fresh = (await opened().policy()).people.get(person('ann'))
    expect([fresh?.roles, fresh?.unsure]).toEqual([new Set(['viewer']), undefined])
  })

  test('is not tried again for five seconds after it failed, and then it is', async () => {
    asks = away
    const one = opened()
    for (let n = 0; n < 5; n++) {
      await leads(one)
      pass(seconds(1) - 1)
    }
    expect(asked).toHaveLength(1)
    put('slack:UANN', 'S0LEADS')
    asks = async account => groups.get(account) ?? { active: false, groups: new Set() }
    pass(seconds(1))
    expect(await leads(one)).toBe(true)
  })

  test('keeps nobody waiting for longer than three seconds, and the next sentence not at all', async () => {
    asks = () => new Promise(() => {})
    const one = opened()
    const first = leads(one)
    await settle()
    pass(seconds(3))
    expect(await first).toBe(false)
    expect(await leads(one)).toBe(false)
    expect(asked).toHaveLength(1)
  })

  test('takes an answer that came late, once it is there', async () => {
    let answers: ((membership: Membership) => void) | undefined
    asks = () => new Promise(resolve => (answers = resolve))
    const one = opened()
    const first = leads(one)
    await settle()
    pass(seconds(3))
    expect(await first).toBe(false)
    answers?.({ active: true, groups: new Set(['S0LEADS']) })
    await settle()
    expect(await leads(one)).toBe(true)
  })

  test('gives up on an answer after ten seconds, and asks anew', async () => {
    asks = () => new Promise(() => {})
    const one = opened()
    const first = leads(one)
    await settle()
    pass(seconds(10))
    await first
    await settle()
    put('slack:UANN', 'S0LEADS')
    asks = async account => groups.get(account) ?? { active: false, groups: new Set() }
    pass(seconds(5))
    expect(await leads(one)).toBe(true)
  })

  test('one account that always fails takes nothing from the others', async () => {
    site = rulebook({ ...PEOPLE, bad: listedAs(['viewer'], ['slack:UBAD']) })
    put('slack:UANN', 'S0LEADS')
    asks = async account => (account === 'slack:UBAD' ? away() : (groups.get(account) ?? { active: true, groups: new Set() }))
    const one = opened()
    for (let n = 0; n < 20; n++) {
      expect(await leads(one)).toBe(true)
      await settle()
      pass(seconds(13))
    }
  })

  test('asks eight at once, each account once, and only those of chats whose groups count', async () => {
    const many = Array.from({ length: 30 }, (_, n) => `slack:U${n}`)
    site = rulebook({ ...PEOPLE, all: listedAs(['viewer'], [...many, 'console:all', 'matrix:all']) })
    let [now, most] = [0, 0]
    asks = async () => {
      most = Math.max(most, ++now)
      await settle()
      now--
      return { active: true, groups: new Set() }
    }
    await opened([slack(), slack('matrix')]).policy()
    expect(most).toBe(8)
    expect([...asked].sort()).toEqual([...many, 'slack:UANN'].sort())
  })

  test('is not done at all where no role has a group', async () => {
    site = rulebook(PEOPLE, { roles: { viewer: role(), operator: role(['viewer']) } })
    await opened().policy()
    expect(asked).toEqual([])
  })

  test('asks for accounts that were linked, and not for those whose link has run out', async () => {
    await store.keep(() => [linked('slack:UNEW', 'bob', { roles: ['operator', 'viewer'], days: 1 })[0]])
    const one = opened()
    await one.policy()
    expect(asked).toContain('slack:UNEW')
    pass(hours(24))
    asked.length = 0
    await one.policy()
    expect(asked).toEqual(['slack:UANN'])
  })

  describe('whether an account is still there', () => {
    test('is told by its chat, and may be a minute old', async () => {
      const one = opened()
      expect(await one.active(handle('slack:UANN'))).toBe(true)
      groups.set('slack:UANN', { active: false, groups: new Set(['S0LEADS']) })
      pass(minutes(1) + 1)
      expect(await one.active(handle('slack:UANN'))).toBe(false)
      expect(personOf(await one.policy(), handle('slack:UANN'))).toBeUndefined()
    })

    test('cannot be told while the chat is away, but for who was away when it last spoke', async () => {
      groups.set('slack:UBOB', { active: false, groups: new Set() })
      const one = opened()
      expect([await one.active(handle('slack:UANN')), await one.active(handle('slack:UBOB'))]).toEqual([true, false])
      asks = away
      pass(minutes(2))
      expect([await one.active(handle('slack:UANN')), await one.active(handle('slack:UBOB'))]).toEqual([undefined, false])
    })

    test('cannot be told of a chat that is not there, and at a terminal everybody is', async () => {
      const one = opened()
      expect(await one.active(handle('discord:5'))).toBeUndefined()
      expect(await one.active(handle('nothing'))).toBeUndefined()
      expect(await one.active(handle('console:bob'))).toBe(true)
    })
  })
})
