import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { accounts } from '../src/domain/accounts.ts'
import type { Vote } from '../src/domain/approval.ts'
import { policyOf, type Told } from '../src/domain/authority.ts'
import type { Digest, Handle, Instant, Person, StepId } from '../src/domain/ids.ts'
import { hours, minutes } from '../src/domain/ids.ts'
import { EMPTY, type Ledger, note } from '../src/domain/ledger.ts'
import { ask, end, HOST, type LinkVerdict, take, type Voucher } from '../src/domain/link.ts'
import { personOf } from '../src/domain/policy.ts'
import type { Run } from '../src/domain/run.ts'
import { decide } from '../src/domain/say.ts'
import { SEED } from './crash-placed.ts'
import { act, begun, command, failed, gate, having, NOW, plan } from './fakes/given.ts'
import { handle, listedAs, person, role, rulebook } from './fakes/linking.ts'

/**
 * Humans with several accounts each, in chats that give roles by groups. Everybody is as bad as can be: they ask for codes from all of
 * their accounts, say every first code that anybody was ever told (all of those are stolen), and bring what they were told themselves to
 * every account of theirs. What nobody does is to say the second code of a stranger's account from it: it is not theirs to speak from.
 */
const HUMANS = [0, 1, 2, 3] as const
const MACHINE = 3
const personAt = (human: number): Person => person(`p${human}`)
const ACCOUNTS = ['console:p', 'slack:U', 'slack:V', 'discord:'] as const
const accountOf = (human: number, n: number): Handle => handle(`${ACCOUNTS[n]}${human}`)
const humanOf = (account: Handle): number => Number(account.at(-1))

interface World {
  now: Instant
  ledger: Ledger
  site: ReturnType<typeof rulebook>
  told: Map<Handle, Told>
  run: Run
  readonly firsts: string[] // stolen: everybody has them
  readonly seconds: { readonly code: string; readonly human: number }[] // whoever was told it keeps it to themselves
  readonly voices: { readonly human: number; readonly by: Person; readonly vote: Vote; readonly askers: readonly Person[] }[]
  codes: number
}

const siteWith = (roles: readonly (readonly string[])[]) =>
  rulebook(
    Object.fromEntries(
      HUMANS.map(human => [
        `p${human}`,
        listedAs(roles[human] ?? [], human === 2 ? [] : [accountOf(human, 0)], human === MACHINE ? { machine: true } : {}),
      ]),
    ),
    {
      roles: {
        viewer: role(),
        operator: role(['viewer'], 'slack:S0OPS'),
        lead: role(['operator'], 'slack:S0LEADS', 'discord:1'),
      },
      links: { expire: hours(12), coolDown: hours(1) },
    },
  )

const opening = (quorum: number, by: Person): Run =>
  begun(plan(gate('start', { quorum, within: hours(1_000) }), act('sync', 'routine'), gate('last', { within: hours(1_000) })), by)

const hash = (code: string): Digest => `hash of ${code}` as Digest

function kept(world: World, verdict: LinkVerdict): boolean {
  if ('refusal' in verdict) return false
  for (const event of verdict.events) world.ledger = note(world.ledger, event, world.now)
  return true
}

const policy = (world: World) => policyOf(world.site, world.ledger, world.told, world.now)

function said(world: World, human: number, n: number, code: string, atHost: boolean): void {
  const account = accountOf(human, n)
  const who: Voucher = atHost ? { by: HOST, person: personAt(human) } : { by: account, person: personOf(policy(world), account) }
  const text = `second ${++world.codes}`
  const verdict = take(world.ledger, world.site, hash(code), who, { text, hash: hash(text) }, world.now)
  if (kept(world, verdict)) world.seconds.push({ code: text, human })
}

function restart(world: World, quorum: number, by: Person): void {
  world.run = opening(quorum, by)
  world.voices.length = 0
}

/** Each sentence is read once: reading is not what is tested here. */
const meanings = new Map<string, ReturnType<typeof command>>()
const meaning = (text: string): ReturnType<typeof command> => {
  const known = meanings.get(text) ?? command(text)
  meanings.set(text, known)
  return known
}

function speak(world: World, human: number, n: number, text: string): void {
  const account = accountOf(human, n)
  const current = policy(world)
  const by = personOf(current, account)
  if (by === undefined) return
  if (world.run.outcome) restart(world, 1 + (world.codes % 2), by)
  const verdict = decide(world.run, meaning(text), by, current, world.now)
  if ('refusal' in verdict) return
  for (const event of verdict.events) {
    if (event.type !== 'step.voted') continue
    const state = world.run.steps.get(event.step)
    const skip = state?.is === 'failed' ? state.skip : undefined
    world.voices.push({ human, by, vote: event.vote, askers: [world.run.by, ...(skip ? [skip.by] : [])] })
    if (skip) reached.skipped++
  }
  world.run = having(world.run, verdict.events, world.now)
}

const human = fc.constantFrom(...HUMANS)
const which = fc.nat({ max: ACCOUNTS.length - 1 })
type Move = (world: World) => void

const ROLES = [[], ['operator'], ['lead'], ['lead'], ['lead'], ['lead']] as const
const roles = fc.array(fc.constantFrom(...ROLES), { minLength: 4, maxLength: 4 })
const SENTENCES = [
  ...Array<string>(14).fill('approve R1'),
  ...['approve R1 start', 'approve R1 last', 'approve R1 sync', 'skip R1 sync because "x"'],
  ...['deny R1', 'retry R1', 'cancel R1', 'pause R1', 'resume R1', 'give up R1', 'roll back R1'],
]

const begin = fc.tuple(fc.constantFrom(1, 2), human).map(
  ([quorum, by]): Move =>
    world =>
      restart(world, quorum, personAt(by)),
)

const asks = fc.tuple(human, which).map(
  ([h, n]): Move =>
    world => {
      const text = `first ${++world.codes}`
      if (kept(world, ask(world.ledger, world.site, accountOf(h, n), { text, hash: hash(text) }, world.now)))
        world.firsts.push(text)
    },
)

/** Somebody says a first code, their own or a stolen one, from any of their accounts, or has it typed on the host. */
const takes = fc.tuple(human, which, fc.nat({ max: 3 }), fc.boolean()).map(
  ([h, n, back, atHost]): Move =>
    world => {
      const code = world.firsts.at(-1 - back)
      if (code !== undefined) said(world, h, n, code, atHost)
    },
)

const brings = fc.tuple(human, which, fc.nat({ max: 3 })).map(
  ([h, n, back]): Move =>
    world => {
      const code = world.seconds.filter(one => one.human === h).at(-1 - back)?.code
      if (code !== undefined) said(world, h, n, code, false)
    },
)

/** All of it in one go, so that there are many links for something to go wrong with. */
const links = fc.tuple(human, fc.constantFrom(1, 2, 3)).map(
  ([h, n]): Move =>
    world => {
      const first = `first ${++world.codes}`
      if (!kept(world, ask(world.ledger, world.site, accountOf(h, n), { text: first, hash: hash(first) }, world.now))) return
      world.firsts.push(first)
      said(world, h, 0, first, true)
      const second = world.seconds.at(-1)
      if (second?.human === h) said(world, h, n, second.code, false)
    },
)

const unlinks = fc.tuple(human, which, human).map(
  ([h, n, by]): Move =>
    world => {
      const ending = { handle: accountOf(h, n), by: accountOf(by, 0), person: personOf(policy(world), accountOf(by, 0)) }
      kept(world, end(world.ledger, world.site, ending))
    },
)

const waits = fc.constantFrom(1, 1, minutes(1), minutes(9), hours(1), hours(3)).map(
  (by): Move =>
    world => {
      world.now += by
    },
)

const joins = fc.tuple(human, which, fc.subarray(['S0OPS', 'S0LEADS', '1']), fc.constantFrom(true, true, true, true, false)).map(
  ([h, n, groups, active]): Move =>
    world => {
      world.told.set(accountOf(h, n), { active, groups: new Set(groups), at: world.now })
    },
)

const rewrites = roles.map(
  (given): Move =>
    world => {
      world.site = siteWith(given)
    },
)

const speaks = fc.tuple(human, which, fc.constantFrom(...SENTENCES)).map(
  ([h, n, text]): Move =>
    world =>
      speak(world, h, n, text),
)

/** A change fails, and somebody wants to go on without it: what that takes is a vote like any other. */
const fails = fc.tuple(human, which).map(
  ([h, n]): Move =>
    world => {
      const is = (id: string): string | undefined => world.run.steps.get(id as StepId)?.is
      if (world.run.outcome || is('start') !== 'done' || is('sync') !== 'pending') return
      world.run = failed(world.run, 'sync', 'no', world.now)
      speak(world, h, n, 'skip R1 sync because "x"')
    },
)

const moves = fc.oneof(
  ...(
    [
      [2, begin],
      [6, asks],
      [8, takes],
      [8, brings],
      [10, links],
      [2, unlinks],
      [3, waits],
      [4, joins],
      [1, rewrites],
      [50, speaks],
      [15, fails],
    ] as const
  ).map(([weight, arbitrary]) => ({ weight, arbitrary })),
)

/** What people have let through: of each ballot that was won, the votes and who must not be among them. */
function opened(
  run: Run,
): readonly { readonly quorum: number; readonly not: readonly Person[]; readonly votes: readonly Vote[] }[] {
  return run.plan.stages.flat().flatMap(step => {
    const state = run.steps.get(step.id)
    return step.kind === 'gate' && state?.is === 'done' && state.ballot
      ? [{ quorum: step.rule.quorum, not: [run.by], votes: state.ballot.votes.filter(vote => vote.verdict === 'approve') }]
      : []
  })
}

const reached = { links: 0, one: 0, two: 0, votes: 0, skipped: 0 }

function check(world: World): void {
  for (const [account, { person: owner }] of accounts(world.ledger, world.site, world.now))
    expect(owner, `${account} belongs to whoever has it`).toBe(personAt(humanOf(account)))
  const everyone = [...policy(world).people.values()].flatMap(member => member.handles)
  expect(new Set(everyone).size, 'a handle is one person').toBe(everyone.length)
  for (const { human, by, askers } of world.voices) {
    expect(askers, 'nobody decides on what they have asked for').not.toContain(by)
    expect(by, 'a vote is of the person whose it is').toBe(personAt(human))
    expect(human, 'a service account has no vote').not.toBe(MACHINE)
  }
  for (const { quorum, not, votes } of opened(world.run)) {
    const people = new Set(votes.map(vote => vote.by))
    expect(votes.length, 'nobody counts twice').toBe(people.size)
    expect(people.size, 'enough different people').toBeGreaterThanOrEqual(quorum)
    for (const one of not) expect(people.has(one), 'nobody opens the gate of their own request').toBe(false)
    if (quorum > 1) reached.two++
    else reached.one++
  }
  reached.links = Math.max(reached.links, world.ledger.links.size)
  reached.votes += world.voices.length
}

describe('whichever accounts are linked to whom, and whoever has stolen which first code', () => {
  test('nobody is counted twice, nobody approves what they have asked for, and no account comes to belong to somebody else', () => {
    fc.assert(
      fc.property(
        roles,
        fc.constantFrom(1, 2),
        human,
        fc.array(moves, { minLength: 40, maxLength: 80, size: 'max' }),
        (given, quorum, by, script) => {
          const world: World = {
            now: NOW,
            ledger: EMPTY,
            site: siteWith(given),
            told: new Map(),
            run: opening(quorum, personAt(by)),
            firsts: [],
            seconds: [],
            voices: [],
            codes: 0,
          }
          for (const move of script) {
            move(world)
            check(world)
          }
        },
      ),
      { numRuns: 200, seed: SEED },
    )
    // It would be easy to find nothing where nothing happens.
    expect(reached.links, 'links at once').toBeGreaterThan(3)
    for (const [what, least] of [
      ['one', 200],
      ['two', 20],
      ['votes', 500],
      ['skipped', 1],
    ] as const)
      expect(reached[what], what).toBeGreaterThanOrEqual(least)
  }, 120_000)
})
