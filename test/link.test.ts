import { beforeEach, describe, expect, test } from 'vitest'
import { policyOf } from '../src/domain/authority.ts'
import type { Card } from '../src/domain/chat.ts'
import { hours, minutes } from '../src/domain/ids.ts'
import { lapsed } from '../src/domain/link.ts'
import { personOf } from '../src/domain/policy.ts'
import { explain } from '../src/domain/refusal.ts'
import type { Rulebook } from '../src/domain/rulebook.ts'
import { type Linking, type LinkParts, links, vouch } from '../src/engine/links.ts'
import { newTries } from '../src/engine/tries.ts'
import { parse } from '../src/language/parse.ts'
import { NOW } from './fakes/given.ts'
import { countingSeal, handle, ledgerOf, ledgerStore, linked, listedAs, person, rulebook } from './fakes/linking.ts'

const PEOPLE: Rulebook['people'] = {
  ann: listedAs(['operator'], ['console:ann']),
  bob: listedAs(['lead'], ['console:bob']),
  mal: listedAs(['operator'], ['console:mal']),
  cron: listedAs(['operator'], ['console:cron'], { machine: true }),
}

let store: ReturnType<typeof ledgerStore>
let site: Rulebook
let parts: LinkParts
beforeEach(() => {
  store = ledgerStore()
  site = rulebook(PEOPLE)
  parts = {
    store,
    seal: countingSeal(),
    policy: async () => policyOf(site, await store.ledger(), new Map(), await store.now()),
    rulebook: () => site,
    tries: newTries(),
  }
})

/** The person that a handle is now, as everything but linking finds out. */
const who = async (account: string) => personOf(await parts.policy(), handle(account))
const say = async (command: Linking, from: string): Promise<Card> => links(command, { by: handle(from) }, await who(from), parts)
const link = (code: string, from: string) => say({ kind: 'link', code }, from)
const textOf = ({ title, lines }: Card): string => [title, ...lines].join('\n')
const codeIn = (card: Card): string => {
  const [, code] = /link (AAAA-\d{4})/.exec(textOf(card)) ?? []
  if (code === undefined) throw new Error(`There is no code in: ${textOf(card)}`)
  return code
}
const asked = async (from: string): Promise<string> => codeIn(await say({ kind: 'link me' }, from))
/** Both codes, in both directions. */
const linkedBy = async (account: string, known: string): Promise<Card> =>
  link(codeIn(await link(await asked(account), known)), account)

describe('linking an account', () => {
  test('takes a code in each direction: the account says whose it wants to be, and that person says that it is theirs', async () => {
    const first = await say({ kind: 'link me' }, 'slack:U1')
    expect(await who('slack:U1')).toBeUndefined()
    const second = await link(codeIn(first), 'console:ann')
    expect(await who('slack:U1')).toBeUndefined()
    const third = await link(codeIn(second), 'slack:U1')
    expect(third).toMatchObject({ tone: 'calm', title: 'slack:U1 speaks as ann from now on' })
    expect(await who('slack:U1')).toBe('ann')
    expect(store.events.map(event => event.type)).toEqual(['link.asked', 'link.answered', 'link.made'])
  })

  test('says which account is going to be whose before anybody can go on', async () => {
    const second = textOf(await link(await asked('slack:U1'), 'console:ann'))
    expect(second).toContain('slack:U1 is to speak as ann. Go on only if it is your own account')
    expect(second).toContain('from slack:U1, and nowhere else')
    expect(second).toContain('If somebody sent you the first code, slack:U1 is theirs')
  })

  test('from the command line takes the second code in the chat all the same', async () => {
    const card = await vouch(await asked('slack:U1'), person('ann'), parts)
    expect(textOf(card)).toContain('slack:U1 is to speak as ann. Go on only if it is the account of ann')
    expect(textOf(card)).toContain('Make sure of it where you know ann')
    expect(await who('slack:U1')).toBeUndefined()
    await link(codeIn(card), 'slack:U1')
    expect(await who('slack:U1')).toBe('ann')
  })

  test('keeps no code that could be read in the ledger', async () => {
    await linkedBy('slack:U1', 'console:ann')
    expect(JSON.stringify([store.events, await store.ledger()])).not.toMatch(/AAAA-\d{4}/)
  })

  test('reads a code however it is written: that is one of the sentences', () => {
    expect(parse('link me', { targets: new Map() })).toMatchObject({ command: { kind: 'link me' } })
    expect(parse('link k7qx-92mf', { targets: new Map() })).toMatchObject({ command: { kind: 'link', code: 'K7QX-92MF' } })
    expect(parse('unlink slack:U1 because "left"', { targets: new Map() })).toMatchObject({
      command: { kind: 'unlink', handle: 'slack:U1', because: 'left' },
    })
  })

  test('is for accounts that the site file does not have', async () => {
    expect(textOf(await say({ kind: 'link me' }, 'console:ann'))).toContain('stands in the site file already, for ann')
    expect(store.events).toEqual([])
  })

  test('is for people: a service account is nobody whose account could be linked', async () => {
    const code = await asked('slack:U1')
    expect(textOf(await link(code, 'console:cron'))).toContain('cron is a service account')
    expect(textOf(await vouch(code, person('cron'), parts))).toContain('cron is a service account')
  })

  test('is for people of the site file', async () => {
    const code = await asked('slack:U1')
    for (const name of ['nobody', 'constructor', '__proto__'])
      expect(textOf(await vouch(code, person(name), parts))).toContain(`There is nobody called ${name}`)
  })

  test('that the site file meanwhile gave to somebody else is refused at the last moment', async () => {
    const back = codeIn(await link(await asked('slack:U1'), 'console:ann'))
    site = rulebook({ ...PEOPLE, bob: listedAs(['lead'], ['console:bob', 'slack:U1']) })
    expect(textOf(await link(back, 'slack:U1'))).toContain('slack:U1 stands in the site file, for bob')
    expect(await who('slack:U1')).toBe('bob')
  })
})

describe('a code', () => {
  test('is not enough when somebody is tricked into typing it: the account is still nobody', async () => {
    // Mallory's account asks, and Bob is talked into typing her code.
    const phished = await link(await asked('slack:UMAL'), 'console:bob')
    expect(phished.tone).toBe('calm')
    expect(await who('slack:UMAL')).toBeUndefined()
    // What Bob was told is with Bob. Whatever Mallory says, she has not got it.
    expect((await link('AAAA-0001', 'slack:UMAL')).tone).toBe('bad')
    expect(await who('slack:UMAL')).toBeUndefined()
  })

  test('that came second counts from the account that asked, and from no other', async () => {
    const back = codeIn(await link(await asked('slack:U1'), 'console:ann'))
    for (const other of ['console:mal', 'slack:U2', 'console:bob', 'slack:u1', 'slack:U1 ', 'slаck:U1'])
      expect(textOf(await link(back, other)), other).toContain('There is no such code for you')
    expect(textOf(await link(back, 'console:ann'))).toContain('That code is to be said by slack:U1, and not here')
    expect(store.events.map(event => event.type)).toEqual(['link.asked', 'link.answered'])
    await link(back, 'slack:U1')
    expect(await who('slack:U1')).toBe('ann')
  })

  test('at the command line makes no link: the second one is said in the chat', async () => {
    const back = codeIn(await link(await asked('slack:U1'), 'console:ann'))
    expect((await vouch(back, person('ann'), parts)).tone).toBe('bad')
    expect(await who('slack:U1')).toBeUndefined()
  })

  test('that came first is worth nothing from the account itself, nor from a stranger', async () => {
    const code = await asked('slack:U1')
    expect(textOf(await link(code, 'slack:U1'))).toContain('this account cannot speak for itself')
    expect(textOf(await link(code, 'slack:U2'))).toContain('I do not know who slack:U2 is')
    expect(store.events.map(event => event.type)).toEqual(['link.asked'])
  })

  test('is good once', async () => {
    const code = await asked('slack:U1')
    const back = codeIn(await link(code, 'console:ann'))
    for (const again of ['console:mal', 'console:ann']) expect(textOf(await link(code, again))).toContain('was used already')
    await link(back, 'slack:U1')
    expect((await link(back, 'slack:U1')).tone).toBe('bad')
    expect((await link(code, 'console:ann')).tone).toBe('bad')
  })

  test('runs out ten minutes after it was asked for, and the second one with it', async () => {
    const code = await asked('slack:U1')
    store.push(minutes(10))
    expect(textOf(await link(code, 'console:ann'))).toContain('There is no such code for you, or it has run out')
    const back = codeIn(await link(await asked('slack:U1'), 'console:ann'))
    store.push(minutes(10))
    expect(textOf(await link(back, 'slack:U1'))).toContain('it has run out')
    expect(await who('slack:U1')).toBeUndefined()
  })

  test('asked for anew makes the earlier one worthless', async () => {
    const old = await asked('slack:U1')
    const fresh = await asked('slack:U1')
    expect(textOf(await link(old, 'console:mal'))).toContain('There is no such code for you')
    expect((await link(fresh, 'console:ann')).tone).toBe('calm')
  })

  test('is asked for five times in ten minutes, and not more often', async () => {
    for (let n = 0; n < 5; n++) await asked('slack:U1')
    expect(textOf(await say({ kind: 'link me' }, 'slack:U1'))).toContain('too much at once')
    store.push(minutes(10))
    await asked('slack:U1')
  })

  test('is guessed five times, and then even the right one is refused for ten minutes', async () => {
    const code = await asked('slack:U1')
    for (let n = 0; n < 5; n++) expect((await link(`WRNG-000${n}`, 'console:mal')).tone).toBe('bad')
    expect(textOf(await link(code, 'console:mal'))).toContain('too many codes that were wrong')
    // Others are not made to wait for it.
    expect((await link(code, 'console:ann')).tone).toBe('calm')
    store.push(minutes(10))
    expect((await link(await asked('slack:U2'), 'console:mal')).tone).toBe('calm')
  })

  test('is guessed no more often by saying many at once', async () => {
    const cards = await Promise.all(Array.from({ length: 40 }, (_, n) => link(`WRNG-00${n}`, 'console:mal')))
    expect(cards.filter(card => textOf(card).includes('There is no such code'))).toHaveLength(5)
  })

  test('that is right costs nothing of the five', async () => {
    for (let n = 0; n < 8; n++) {
      await linkedBy(`slack:U${n}`, 'console:ann')
      store.push(1)
    }
    expect(await who('slack:U7')).toBe('ann')
  })

  test('is not answered by an account that was unlinked since the sentence was heard', async () => {
    await linkedBy('slack:U1', 'console:ann')
    const code = await asked('slack:U2')
    const heardAs = await who('slack:U1')
    await say({ kind: 'unlink' }, 'slack:U1')
    const card = await links({ kind: 'link', code }, { by: handle('slack:U1') }, heardAs, parts)
    expect(textOf(card)).toContain('I do not know who slack:U1 is')
  })
})

describe('a link', () => {
  test('runs out after ninety days by the clock of the store, and the account is told what to do', async () => {
    await linkedBy('slack:U1', 'console:ann')
    store.push(90 * hours(24) - 1)
    expect(await who('slack:U1')).toBe('ann')
    store.push(1)
    expect(await who('slack:U1')).toBeUndefined()
    const refusal = lapsed(await store.ledger(), site, handle('slack:U1'), await store.now())
    expect(refusal && explain(refusal).join(' ')).toMatch(/The link of slack:U1 to ann ran out on .*Say `link me` here/)
    await linkedBy('slack:U1', 'console:ann')
    expect(await who('slack:U1')).toBe('ann')
  })

  test('counts no more once the site file gives its person a role that they did not have when it was proved', async () => {
    await linkedBy('slack:U1', 'console:ann')
    site = rulebook({ ...PEOPLE, ann: listedAs(['viewer'], ['console:ann']) })
    expect(await who('slack:U1'), 'a role less').toBe('ann')
    site = rulebook({ ...PEOPLE, ann: listedAs(['lead'], ['console:ann']) })
    expect(await who('slack:U1'), 'a role more').toBeUndefined()
    expect(await who('console:ann'), 'what the site file says itself').toBe('ann')
    const refusal = lapsed(await store.ledger(), site, handle('slack:U1'), await store.now())
    expect(refusal && explain(refusal).join(' ')).toContain('ann has been given a new role')
    await linkedBy('slack:U1', 'console:ann')
    expect(await who('slack:U1')).toBe('ann')
  })

  test('counts no more once what a role includes grows', async () => {
    await linkedBy('slack:U1', 'console:ann')
    const grown = { ...site.roles, operator: { includes: ['viewer', 'lead'], groups: [] } }
    site = rulebook(PEOPLE, { roles: grown })
    expect(await who('slack:U1')).toBeUndefined()
  })

  test('is to one person: nobody else can take the account, not even after it ran out', async () => {
    await linkedBy('slack:U1', 'console:ann')
    const taken = 'slack:U1 is linked to ann'
    expect(textOf(await link(await asked('slack:U1'), 'console:mal'))).toContain(taken)
    store.push(91 * hours(24))
    expect(textOf(await vouch(await asked('slack:U1'), person('mal'), parts))).toContain(taken)
    await say({ kind: 'unlink' }, 'slack:U1')
    await linkedBy('slack:U1', 'console:mal')
    expect(await who('slack:U1')).toBe('mal')
  })

  test('of an account that the site file gives to another person is worth nothing', async () => {
    await linkedBy('slack:U1', 'console:ann')
    site = rulebook({ ...PEOPLE, bob: listedAs(['lead'], ['console:bob', 'slack:U1']) })
    expect(await who('slack:U1')).toBe('bob')
    expect((await parts.policy()).people.get(person('ann'))?.handles).toEqual(['console:ann'])
  })

  test('opens nothing that cannot be taken back for a day', async () => {
    expect(textOf(await linkedBy('slack:U1', 'console:ann'))).toContain('approves nothing that cannot be taken back')
    const cooling = async () => (await parts.policy()).people.get(person('ann'))?.cooling
    expect(await cooling()).toEqual(new Map([['slack:U1', (await store.now()) + hours(24)]]))
    store.push(hours(24))
    expect(await cooling()).toBeUndefined()
  })
})

describe('unlinking', () => {
  test('is done by the account itself, even when its link has run out', async () => {
    await linkedBy('slack:U1', 'console:ann')
    store.push(91 * hours(24))
    expect((await say({ kind: 'unlink' }, 'slack:U1')).title).toBe('slack:U1 does not speak as ann any more')
    expect((await store.ledger()).links.size).toBe(0)
  })

  test('is done by its person from another account, and the reason is kept', async () => {
    await linkedBy('slack:U1', 'console:ann')
    await say({ kind: 'unlink', handle: 'slack:u1', because: 'old phone' }, 'console:ann')
    expect(store.events.at(-1)).toEqual({ type: 'link.ended', handle: 'slack:U1', by: 'ann', because: 'old phone' })
    expect(await who('slack:U1')).toBeUndefined()
  })

  test('of the account of somebody else takes a rule that allows it', async () => {
    await linkedBy('slack:U1', 'console:ann')
    const unlink: Linking = { kind: 'unlink', handle: 'slack:U1', because: 'stolen' }
    expect(textOf(await say(unlink, 'console:mal'))).toContain('the rule "only leads unlink" wants the role lead')
    expect(textOf(await say(unlink, 'slack:U9'))).toContain('I do not know who slack:U9 is')
    expect(await who('slack:U1')).toBe('ann')
    await say(unlink, 'console:bob')
    expect(await who('slack:U1')).toBeUndefined()
  })

  test('tells nobody without the right who is linked', async () => {
    await linkedBy('slack:U1', 'console:ann')
    const texts = await Promise.all(
      ['slack:U1', 'slack:U7'].map(async one => textOf(await say({ kind: 'unlink', handle: one, because: 'x' }, 'console:mal'))),
    )
    expect(texts[0]).toBe(texts[1])
  })

  test('of what stands in the site file is done there', async () => {
    expect(textOf(await say({ kind: 'unlink' }, 'console:ann'))).toContain('known from the site file, as ann')
  })
})

describe('show links', () => {
  test('shows their own to everybody, and all to whoever may end them', async () => {
    await linkedBy('slack:U1', 'console:ann')
    await linkedBy('slack:U2', 'console:bob')
    const anns = textOf(await say({ kind: 'show links' }, 'slack:U1'))
    expect(anns).toMatch(/console:ann {2}ann {2}from the site file\nslack:U1 {2}ann {2}linked until 20\d\d-\d\d-\d\d/)
    expect(anns).not.toContain('bob')
    const all = textOf(await say({ kind: 'show links' }, 'console:bob'))
    for (const one of ['slack:U1  ann', 'slack:U2  bob', 'console:mal  mal']) expect(all).toContain(one)
    expect(textOf(await say({ kind: 'show links' }, 'slack:U9'))).toContain('I do not know who slack:U9 is')
  })

  test('says which have run out and which have to be proved again', async () => {
    await linkedBy('slack:U1', 'console:ann')
    store.push(91 * hours(24))
    await linkedBy('slack:U2', 'console:ann')
    site = rulebook({ ...PEOPLE, ann: listedAs(['lead'], ['console:ann']) })
    const text = textOf(await say({ kind: 'show links' }, 'console:ann'))
    expect(text).toMatch(/slack:U1 {2}ann {2}ran out on/)
    expect(text).toContain('slack:U2  ann  has to be proved again, because of a new role')
  })
})

describe('who somebody is', () => {
  test.each([
    ['another account named in the words', 'link me slack:U1'],
    ['an account in the reason', 'unlink slack:U2 because "I am slack:U1"'],
  ])('is never taken from what they say: %s', async (_, text) => {
    await linkedBy('slack:U1', 'console:ann')
    const read = parse(text, { targets: new Map() })
    if ('command' in read && read.command.kind === 'unlink')
      expect(textOf(await say(read.command, 'slack:U666'))).toContain('I do not know who slack:U666 is')
    else expect(read).toHaveProperty('refusal')
    expect(await who('slack:U1')).toBe('ann')
    expect(await who('slack:U666')).toBeUndefined()
  })

  test('is decided by the handle to the letter: names that look alike, and the same id in another chat, are somebody else', async () => {
    await linkedBy('slack:U1', 'console:ann')
    for (const other of [
      'slack:u1',
      'slack:U1\u200b',
      'slack:Ｕ1',
      'discord:U1',
      'U1',
      'ann',
      'slack:ann',
      'console:ann\u200b',
      'console:аnn',
    ])
      expect(await who(other), other).toBeUndefined()
  })

  test('does not change with the name that the site file shows', async () => {
    site = rulebook({ ...PEOPLE, mal: listedAs(['viewer'], ['console:mal'], { name: 'ann' }) })
    expect(await who('console:mal')).toBe('mal')
    expect((await parts.policy()).people.get(person('mal'))?.roles).toEqual(new Set(['viewer']))
  })

  test('a handle that two people list by mistake is neither of them', () => {
    const both = rulebook({ ann: listedAs(['lead'], ['slack:U1']), mal: listedAs(['viewer'], ['slack:U1']) })
    const ledger = ledgerOf(linked('slack:U1', 'ann', { roles: ['lead', 'operator', 'viewer'] }))
    expect(personOf(policyOf(both, ledger, new Map(), NOW), handle('slack:U1'))).toBeUndefined()
  })
})
