import { beforeEach, describe, expect, test } from 'vitest'
import type { Handle, Person, RunId } from '../src/domain/ids.ts'
import { diffOf, rulebookDigest } from '../src/domain/policy-diff.ts'
import type { Rulebook } from '../src/domain/rulebook.ts'
import { advance } from '../src/engine/advance.ts'
import type { Ears } from '../src/engine/ears.ts'
import { answer, receive } from '../src/engine/hear.ts'
import type { Adapter, Capability } from '../src/kit/device.ts'
import { parse } from '../src/language/parse.ts'
import { planner } from '../src/planning.ts'
import type { Seal } from '../src/ports/seal.ts'
import { openTrust, type Trust } from '../src/trust.ts'
import { type FakeChat, fakeChat, said } from './fakes/chat.ts'
import { rule } from './fakes/given.ts'
import { countingSeal, listedAs, rulebook } from './fakes/linking.ts'
import { trusting } from './fakes/trust.ts'
import { R1, type Threatened, threatened } from './threats-world.ts'

/** Nobody makes themselves more powerful: a site file that was changed is a wish, and the rules that hold decide about it. */

const seal: Seal = { ...countingSeal(), sign: text => text, matches: () => true, close: text => text, open: text => text }
const PEOPLE: Rulebook['people'] = {
  ann: listedAs(['operator'], ['console:ann']),
  bob: listedAs(['lead'], ['console:bob']),
  cy: listedAs(['lead'], ['console:cy']),
  mal: listedAs(['operator'], ['console:mal', 'console:mal2']),
}
const book = (more: Partial<Rulebook> = {}, people: Rulebook['people'] = {}): Rulebook =>
  rulebook(
    { ...PEOPLE, ...people },
    {
      rules: [
        {
          name: 'all',
          capability: '*',
          target: '*',
          upTo: 'destructive',
          may: 'operator',
          before: { from: 'routine', rule: rule() },
        },
      ],
      ...more,
    },
  )
const NOW_HOLDS = book()
const MAL_LEADS = book({}, { mal: listedAs(['lead'], ['console:mal', 'console:mal2']) })
const NO_GATES = book({ rules: [{ name: 'all', capability: '*', target: '*', upTo: 'destructive', may: 'viewer' }] })

let world: Threatened
let chat: FakeChat
beforeEach(async () => {
  world = threatened()
  chat = fakeChat()
  await house(NOW_HOLDS)
})

/** A house that starts with this site file, on the database that was there. */
async function house(written: Rulebook): Promise<{ readonly trust: Trust; readonly ears: Ears }> {
  const trust = await openTrust({ store: world.store, rulebook: written, chats: [chat], seal, changed: 'wait' })
  const adapters = new Map<string, Adapter>([['signalbox', trust.own as Adapter]])
  const ears: Ears = {
    ...world.engine(),
    ...trusting(world.policy),
    ...trust,
    find: ({ capability }) => {
      world.sent.push(capability)
      const found: Capability | undefined = Object.entries<Capability>(trust.own.capabilities).find(
        ([verb]) => `signalbox.${verb}` === capability,
      )?.[1]
      if (!found) throw new Error(`no ${capability}`)
      return { device: {}, capability: found }
    },
    chats: new Map([['console', chat]]),
    parse: text => parse(text, { targets: new Map() }),
    plan: planner(adapters, new Map(), {}),
    help: () => [],
    canDo: () => [],
    targets: () => [],
    listed: () => ['here'],
    limit: () => 'ok',
    count: () => {},
    complain: (_, error) => {
      throw error
    },
  }
  return { trust, ears }
}
let ids = 0
/** What is whispered back, or nothing where the run's card is the answer. */
async function hear(text: string, by: string, ears: Ears): Promise<string> {
  const before = chat.whispers.length
  const one = said(text, `console:${by}` as Handle, `m${++ids}`)
  if (await receive(one, ears)) await answer(one, ears)
  return chat.whispers
    .slice(before)
    .map(({ card }) => [card.title, ...card.lines].join(' '))
    .join()
}
const advanced = async (ears: Ears, id: RunId = R1): Promise<string> => {
  await advance(id, ears)
  return world.stands(id, 'accept-policy')
}
const holds = async () => (await world.store.ledger()).policy
const rolesOf = async ({ trust }: { readonly trust: Trust }, who: string) => [
  ...((await trust.policy()).people.get(who as Person)?.roles ?? []),
]

describe('a site file that gives somebody more', () => {
  test('gives them nothing when the house starts with it: what was accepted holds, and the difference is shown', async () => {
    for (const written of [MAL_LEADS, NO_GATES]) {
      const started = await house(written)
      expect(await rolesOf(started, 'mal')).toEqual(['operator', 'viewer'])
      expect((await started.trust.policy()).rules).toEqual(NOW_HOLDS.rules)
      const change = await started.trust.policyChange()
      expect(change?.digest).toBe(rulebookDigest(written))
      expect([...(change?.lines ?? [])].sort()).toEqual([...diffOf(NOW_HOLDS, written)].sort())
      expect((await holds())?.digest).toBe(rulebookDigest(NOW_HOLDS))
    }
  })

  test('is not accepted by the one who wants it, from whichever account and whatever the file now says of them', async () => {
    const { ears } = await house(MAL_LEADS)
    expect(await hear('accept policy', 'mal', ears)).toBe('')
    for (const account of ['mal', 'mal2'])
      expect(await hear('approve R1', account, ears), account).toContain('wants the role lead')
    expect(await advanced(ears)).toBe('pending')
    expect((await holds())?.digest).toBe(rulebookDigest(NOW_HOLDS))
  })

  test('is not accepted by a lead who asked for it: somebody else has to', async () => {
    const { ears } = await house(NO_GATES)
    await hear('accept policy', 'bob', ears)
    expect(await hear('approve R1', 'bob', ears)).toContain('own request')
    expect(await advanced(ears)).toBe('pending')
    expect((await holds())?.digest).toBe(rulebookDigest(NOW_HOLDS))
    await hear('approve R1', 'cy', ears)
    expect(await advanced(ears)).toBe('done')
    expect(await holds()).toMatchObject({ digest: rulebookDigest(NO_GATES), by: 'bob' })
  })

  test('holds once somebody else has seen what is different and said yes, and not a moment sooner', async () => {
    const started = await house(MAL_LEADS)
    await hear('accept policy', 'mal', started.ears)
    expect((await world.load(R1)).plan.notes).toEqual(diffOf(NOW_HOLDS, MAL_LEADS))
    await hear('approve R1', 'bob', started.ears)
    expect(await rolesOf(started, 'mal')).toEqual(['operator', 'viewer'])
    expect(await advanced(started.ears)).toBe('done')
    expect(await rolesOf(started, 'mal')).toContain('lead')
    expect(await started.trust.policyChange()).toBeUndefined()
  })
})

describe('an approval of changed rules', () => {
  test('is for what was shown: a file that was changed again meanwhile is not accepted by it', async () => {
    const first = await house(MAL_LEADS)
    await hear('accept policy', 'mal', first.ears)
    await hear('approve R1', 'bob', first.ears)
    const { ears } = await house(NO_GATES)
    expect(await advanced(ears)).toContain('the site file does not say any more what was approved')
    expect((await holds())?.digest).toBe(rulebookDigest(NOW_HOLDS))
  })

  test('is for one acceptance: the same rules, taken back and written again, are asked about again', async () => {
    const first = await house(MAL_LEADS)
    await hear('accept policy', 'mal', first.ears)
    await hear('approve R1', 'bob', first.ears)
    await advanced(first.ears)
    const back = await house(NOW_HOLDS)
    await hear('accept policy', 'bob', back.ears)
    await hear('approve R2', 'cy', back.ears)
    await advanced(back.ears, 'R2' as RunId)
    expect((await holds())?.digest).toBe(rulebookDigest(NOW_HOLDS))
    const again = await house(MAL_LEADS)
    await advanced(again.ears)
    expect((await holds())?.digest).toBe(rulebookDigest(NOW_HOLDS))
    expect(await hear('approve R1', 'bob', again.ears)).toContain('it is over')
  })

  test('is void when the one who gave it is no lead any more', async () => {
    const { ears } = await house(MAL_LEADS)
    await hear('accept policy', 'mal', ears)
    await hear('approve R1', 'bob', ears)
    const demoted = book({}, { bob: listedAs(['operator'], ['console:bob']) })
    await world.store.keep(() => [
      { type: 'policy.accepted', digest: rulebookDigest(demoted), rulebook: demoted, by: 'cy', key: 'k' },
    ])
    expect(await advanced(ears)).toContain('bob, who approved')
    expect((await holds())?.digest).toBe(rulebookDigest(demoted))
  })
})

test('whoever has no role in the rules that hold cannot even ask, whatever the file makes of them', async () => {
  const { ears } = await house(book({}, { eve: listedAs(['lead'], ['console:eve']) }))
  expect(await hear('accept policy', 'eve', ears)).toContain('I do not know who console:eve is')
  expect(await world.store.list('all', 9)).toEqual([])
})

test('a thaw ends the freeze of its own name and no other: a star is not everything', async () => {
  const { trust } = await house(NOW_HOLDS)
  const begun = { type: 'freeze.begun', scope: 'production', until: 9e12, by: 'bob' as Person, because: 'x', key: 'f' } as const
  await world.store.keep(() => [begun])
  for (const scope of ['*', 'prod*', 'everything', 'productio', 'production2']) {
    const params = { scope, because: 'x', by: 'mal' as Person }
    const call = { intent: scope as never, params, signal: new AbortController().signal, go: () => {} }
    await expect(trust.own.capabilities.thaw.perform({ close: async () => {} }, call), scope).rejects.toThrow('nothing called')
  }
  expect((await trust.policy()).freezes?.map(({ scope }) => scope)).toEqual(['production'])
})
