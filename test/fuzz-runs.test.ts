import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Command } from '../src/domain/command.ts'
import { draw } from '../src/domain/draw.ts'
import { minutes, type Person, type RunId, type StepId, seconds, type Target } from '../src/domain/ids.ts'
import type { Act, Action, Plan, Step } from '../src/domain/plan.ts'
import { follow, standsStill, wake } from '../src/domain/program.ts'
import type { Run } from '../src/domain/run.ts'
import { decide } from '../src/domain/say.ts'
import { sentences } from '../src/domain/sentences.ts'
import type { AboutRun } from '../src/domain/verdict.ts'
import { parse } from '../src/language/parse.ts'
import type { Hold } from '../src/ports/store.ts'
import { counting } from './crash-benches.ts'
import { violations } from './crash-check.ts'
import { SEED } from './crash-placed.ts'
import { POLICY, play, type Spoken, type Story } from './crash-world.ts'

const SPEAKERS = ['operator', 'lead', 'deputy', 'third']

const action = (capability: string, name: string, risk: Action['risk']): Action => ({
  capability: `counter.${capability}`,
  target: 'relay' as Target,
  params: { name },
  risk,
})

const always = fc.constantFrom({}, {}, {}, {}, { always: true as const })

const acts = (id: string): fc.Arbitrary<Step> =>
  fc
    .record({
      ask: fc.constantFrom('nobody', 'device', 'person'),
      risk: fc.constantFrom('routine' as const, 'disruptive' as const),
      tries: fc.integer({ min: 1, max: 3 }),
      undos: fc.constantFrom(0, 1, 1, 2),
      final: fc.constantFrom({}, {}, {}, {}, { final: true as const }),
      always,
    })
    .map(({ ask, risk, tries, undos, final, always }) => ({
      id: id as StepId,
      says: id,
      kind: 'act',
      action: action(ask, id, risk),
      timeout: seconds(20),
      tries,
      every: seconds(1),
      ...(undos === 0
        ? {}
        : {
            undo: Array.from({ length: undos }, (_, n) => ({
              action: action('device', `back-${n}-of-${id}`, 'routine'),
              says: `back ${n} of ${id}`,
            })),
          }),
      ...final,
      ...always,
    }))

const checks = (id: string): fc.Arbitrary<Step> =>
  fc
    .record({ atLeast: fc.constantFrom(0, 0, 100, 1_000_000), tries: fc.integer({ min: 1, max: 3 }), always })
    .map(({ atLeast, tries, always }) => ({
      id: id as StepId,
      says: id,
      kind: 'act',
      action: action('level', id, 'none'),
      expect: [{ field: 'level', atLeast }],
      timeout: seconds(20),
      tries,
      every: seconds(1),
      ...always,
    }))

const watches = (id: string): fc.Arbitrary<Step> =>
  fc
    .record({
      atLeast: fc.constantFrom(0, 50, 200, 1_000_000),
      unless: fc.constantFrom({}, {}, { unless: { field: 'level', atLeast: 150 } }),
    })
    .map(({ atLeast, unless }) => ({
      id: id as StepId,
      says: id,
      kind: 'watch',
      read: action('level', id, 'none'),
      until: { field: 'level', atLeast },
      every: seconds(10),
      within: minutes(2),
      timeout: seconds(20),
      ...unless,
    }))

const gates = (id: string): fc.Arbitrary<Step> =>
  fc
    .record({
      confirms: fc.boolean(),
      quorum: fc.integer({ min: 1, max: 3 }),
      atMost: fc.constantFrom(undefined, 1_000_000, 150),
      always,
    })
    .map(({ confirms, quorum, atMost, always }) => ({
      id: id as StepId,
      says: id,
      kind: 'gate',
      asks: `${id}?`,
      for: confirms ? 'confirmation' : 'approval',
      rule: confirms
        ? { role: 'operator', quorum: 1, ownRequest: true, within: minutes(60) }
        : { role: 'lead', quorum, ownRequest: false, within: minutes(60) },
      facts:
        atMost === undefined ? [] : [{ label: 'level', read: action('level', id, 'none'), expect: { field: 'level', atMost } }],
      ...always,
    }))

const waits = (id: string): fc.Arbitrary<Step> =>
  fc.integer({ min: 0, max: 100 }).map(n => ({ id: id as StepId, says: id, kind: 'wait', for: seconds(n) }))

const steps = (id: string): fc.Arbitrary<Step> =>
  fc.oneof({ weight: 5, arbitrary: acts(id) }, checks(id), watches(id), gates(id), waits(id))

const plans: fc.Arbitrary<Plan> = fc.record({
  title: fc.constant('anything'),
  onFailure: fc.constantFrom('hold' as const, 'hold' as const, 'roll back' as const, 'stop' as const),
  stages: fc
    .array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 })
    .chain(widths =>
      fc.tuple(...widths.map((width, stage) => fc.tuple(...Array.from({ length: width }, (_, n) => steps(`s${stage}-${n}`))))),
    ),
})

/** What people push in at some moment, whether it makes sense or not. */
const said = (id: string): fc.Arbitrary<AboutRun> => {
  const run = 'R1' as RunId
  const step = id as StepId
  return fc.constantFrom<AboutRun>(
    { kind: 'pause', run },
    { kind: 'resume', run },
    { kind: 'roll back', run },
    { kind: 'roll back', run, because: 'I say so' },
    { kind: 'give up', run },
    { kind: 'cancel', run },
    { kind: 'retry', run },
    { kind: 'retry', run, step },
    { kind: 'skip', run, step, because: 'it is fine' },
    { kind: 'vote', verdict: 'approve', run, step },
    { kind: 'vote', verdict: 'deny', run, step, because: 'no' },
    { kind: 'vote', verdict: 'approve', run },
  )
}
const stepIds = fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 2 })).map(([stage, n]) => `s${stage}-${n}`)

const moments = fc.integer({ min: 0, max: 150 })
const troubles = fc.record({
  pushes: fc.array(fc.record({ at: moments, by: fc.constantFrom(...SPEAKERS), command: stepIds.chain(said) }), { maxLength: 4 }),
  ills: fc.array(fc.record({ at: moments, choice: fc.nat({ max: 1000 }) }), { maxLength: 8 }),
  death: fc.option(moments, { nil: undefined }),
})

const INVENTORY = { targets: new Map([['relay', { kind: 'counter' }]]) }

/** Sentences that are offered must be understood, and at least one of them must move the run, said by somebody. */
function unmoved(run: Run, now: number): readonly string[] {
  const offered = sentences(run)
  const meant = offered.map((text): Command | string => {
    const read = parse(text.replace('"..."', '"I looked"'), INVENTORY)
    return 'command' in read ? read.command : `\`${text}\` is offered and not understood`
  })
  const wrong = meant.filter(one => typeof one === 'string')
  const moves = meant.some(
    one =>
      typeof one !== 'string' &&
      SPEAKERS.some(by => {
        const verdict = decide(run, one as AboutRun, by as Person, POLICY, now)
        return 'events' in verdict && verdict.events.length > 0
      }),
  )
  const why = [...run.steps].map(([id, { is }]) => `${id} ${is}`).join(', ')
  return [...wrong, ...(moves ? [] : [`nothing that is offered moves it: ${offered.join(' | ')} (${run.course}: ${why})`])]
}

/** What the events alone come to, as text. */
const shape = ({ tracks: _, waitsFor: __, ...run }: Run): string =>
  JSON.stringify(run, (_, value: unknown) => (value instanceof Map ? [...(value as Map<unknown, unknown>)] : value))

test('whatever the plan, whatever people say and devices do: the run ends well or badly, and never silently or twice', {
  timeout: 120_000,
}, async () => {
  const ends: Record<string, number> = {}
  const runs = 1_000
  const property = fc.asyncProperty(plans, troubles, async (plan, { pushes, ills, death }) => {
    const found: string[] = []
    let passed = 0
    const story = await play({
      bench: counting(plan),
      retries: 2,
      ...(death === undefined ? {} : { fates: [{ at: death, how: 'dies' as const }] }),
      async passing(world) {
        const now = passed++
        for (const { at, choice } of ills) if (at === now) world.trial.fallIll(choice)
        for (const { at, by, command } of pushes) if (at === now && (await world.run())) await world.hears({ by, command })
      },
      says(run, { store }): readonly Spoken[] {
        // What time has made due already is not for people to move.
        if (!run.outcome && standsStill(run) && !((wake(run) ?? store.time + 1) <= store.time))
          found.push(...unmoved(run, store.time))
        return []
      },
      plant: {
        // What a change returns is what a replay of the log gives, and nothing is left due behind it.
        store: store => {
          const same = (run: Run, then: Run | undefined): Run => {
            // Steps side by side write side by side: another one may have been faster.
            if (then?.seq === run.seq && shape(run) !== shape(then)) found.push('a replay gives another state')
            if (follow(run, [], store.time).length > 0) found.push('something is left due')
            return run
          }
          const checked = (hold: Hold): Hold => ({
            ...hold,
            record: async change => same(await hold.record(change), await store.load('R1' as RunId)),
          })
          return {
            ...store,
            record: async (id, change) => same(await store.record(id, change), await store.load(id)),
            hold: (id, lease, body) => store.hold(id, lease, hold => body(checked(hold))),
          }
        },
      },
    })
    expect([...found, ...(await violations(story))]).toEqual([])
    const end = story.run?.outcome ?? 'stands still'
    ends[end] = (ends[end] ?? 0) + 1
  })
  await fc.assert(property, { numRuns: runs, seed: SEED })
  console.log(`# ${runs} random runs, seed ${SEED}: ${JSON.stringify(ends)}`)
  for (const end of ['succeeded', 'failed', 'cancelled', 'rolled back']) expect(ends[end], end).toBeGreaterThan(10)
})

describe('found by the random runs, and kept', () => {
  const plain = (id: string, more: Partial<Act> = {}): Act => ({
    id: id as StepId,
    says: id,
    kind: 'act',
    action: action('device', id, 'routine'),
    timeout: seconds(20),
    tries: 1,
    every: seconds(1),
    ...more,
  })
  const never = { field: 'level', atLeast: 1_000_000 }
  const failing = plain('check', { action: action('level', 'check', 'none'), expect: [never] })
  const undo = (id: string) => ({ undo: [{ action: action('device', `back-${id}`, 'routine'), says: `back ${id}` }] })
  const pressed = ({ witnesses }: Story): readonly string[] => witnesses.map(({ effect }) => effect)

  test('a change that always runs is asked for and made, also when the rest was given up', async () => {
    const copy: Step = {
      id: 'copy' as StepId,
      says: 'copy',
      kind: 'watch',
      read: action('level', 'copy', 'none'),
      until: never,
      every: seconds(10),
      within: minutes(10),
      timeout: seconds(20),
    }
    const last = plain('last', { action: action('device', 'last', 'disruptive'), always: true })
    const story = await play({
      bench: counting({ title: 'always', stages: [[plain('first')], [copy], [last]], onFailure: 'hold' }),
      says: run =>
        run.steps.get(copy.id)?.is === 'watching' ? [{ by: 'operator', command: { kind: 'give up', run: run.id } }] : [],
    })
    expect(await violations(story)).toEqual([])
    expect(story.run?.outcome).toBe('cancelled')
    expect(pressed(story)).toEqual(['press first', 'press last'])
  })

  test('a run that fails behind its point of no return, with nothing to undo, does not call itself rolled back', async () => {
    const story = await play({
      bench: counting({ title: 'behind', stages: [[plain('commit', { final: true })], [failing]], onFailure: 'roll back' }),
    })
    expect(await violations(story)).toEqual([])
    expect(story.run?.outcome).toBe('failed')
  })

  test('a run that is rolled back as far as its point of no return says what stays', async () => {
    const stages = [
      [plain('setup', undo('setup'))],
      [plain('commit', { final: true })],
      [plain('mount', undo('mount'))],
      [failing],
    ]
    const story = await play({ bench: counting({ title: 'as far as', stages, onFailure: 'roll back' }) })
    expect(await violations(story)).toEqual([])
    expect(pressed(story)).toEqual(['press setup', 'press commit', 'press mount', 'press back-mount'])
    expect(draw(story.run!, 0).lines).toContain(
      'commit was the point of no return: it stays, and so does what was done before it',
    )
  })
})
