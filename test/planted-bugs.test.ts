import { expect, test } from 'vitest'
import { hours } from '../src/domain/ids.ts'
import { stateOf } from '../src/domain/run.ts'
import type { Call, Capability, Change } from '../src/kit/device.ts'
import { counter, cutover, migration } from './crash-benches.ts'
import { violations } from './crash-check.ts'
import { dies, everywhere, freezes, told } from './crash-placed.ts'
import { type Bench, type Plant, play, type Script, type Story, type World, without } from './crash-world.ts'

// A matrix that finds nothing proves little. Here the house is broken on purpose, one promise at a time, through its ports and
// its capabilities, and the same checker has to say so; unbroken, the same placements are fine.

const HOWS = [{ fate: dies }, { fate: freezes, thaws: 'at the end' }, { fate: freezes, thaws: 'after the takeover' }] as const

/** Everything that the checker says about a worker that dies, or freezes, at each await. */
async function found(bench: Bench, plant: Plant): Promise<readonly string[]> {
  const said = new Set<string>()
  for (const { fate, ...how } of HOWS) {
    for (let at = 0; ; at++) {
      const story = await play({ bench, plant, fates: [fate(at)], ...how })
      for (const violation of await violations(story)) said.add(violation)
      if (story.stopped === 0) break
    }
  }
  return [...said]
}

/** The capability with its change, and how doubt about it is settled, exchanged. */
function changed(
  capability: Capability,
  into: (effect: Change<unknown, unknown, unknown, unknown>) => Partial<typeof effect>,
): Capability {
  return capability.effect === 'read'
    ? capability
    : { ...capability, effect: { ...capability.effect, ...into(capability.effect) } }
}

type Device = Extract<Change<unknown, unknown, unknown, unknown>['inDoubt'], { ask: 'device' }>

const judging = (judge: Device['judge']): Plant => ({
  capability: capability =>
    changed(capability, ({ inDoubt }) => (inDoubt.ask === 'device' ? { inDoubt: { ...inDoubt, judge } } : {})),
})

const PLANTS: readonly (readonly [string, Plant, RegExp])[] = [
  [
    'a doubt settled by sending again',
    { capability: capability => changed(capability, () => ({ inDoubt: { ask: 'nobody' } })) },
    /took effect 2 times/,
  ],
  [
    'an effect before its intent',
    {
      capability: capability => ({
        ...changed(capability, ({ inDoubt }) =>
          inDoubt.ask === 'device'
            ? {
                inDoubt: {
                  ...inDoubt,
                  async look(device, call) {
                    const before = await inDoubt.look(device, call)
                    await capability.perform(device, call)
                    return before
                  },
                },
              }
            : {},
        ),
        perform: async () => undefined,
      }),
    },
    /no intent stood open for it/,
  ],
  ['a judge that always says done', judging(() => ({ done: true })), /counts as done and never happened/],
  ['a judge that always says not done', judging(() => ({ done: false })), /took effect 2 times/],
  [
    'a request that does not ask whether it is too late',
    {
      capability: capability => ({
        ...capability,
        perform: (device, call: Call<unknown>) => capability.perform(device, { ...call, go: () => {} }),
      }),
    },
    /no intent stood open for it/,
  ],
  [
    'a store that lets a worker write whose lease has run out',
    {
      store: store => ({
        ...store,
        hold: (id, lease, body) => store.hold(id, lease, hold => body({ ...hold, record: change => store.record(id, change) })),
      }),
    },
    /a worker of epoch 1 wrote while 2 had the run/,
  ],
]

test('without a planted bug the same placements are fine', async () => {
  expect(await found(counter('device'), {})).toEqual([])
})

test.each(PLANTS)('%s is found', async (what, plant, says) => {
  const said = await found(counter('device'), plant)
  expect(said.join('\n'), what).toMatch(says)
})

test('a lying judge is found at the real device too', async () => {
  expect(
    (
      await found(
        cutover,
        judging(() => ({ done: true })),
      )
    ).join('\n'),
  ).toMatch(/counts as done and never happened/)
})

test('a log that was touched is found', async () => {
  const story = await play({ bench: counter('device') })
  expect(await violations(story)).toEqual([])
  const entries = story.entries.map(entry =>
    entry.type === 'step.voted' ? { ...entry, data: { ...(entry.data as object), step: 'another' } } : entry,
  )
  expect((await violations({ ...story, entries })).join('\n')).toMatch(/the log: entry \d+: it was changed/)
  expect((await violations({ ...story, entries: story.entries.slice(0, -1) })).join('\n')).toMatch(/it is missing/)
})

test('the sweep alone is enough: every nudge is lost, and everything comes to its end', async () => {
  for (const bench of [cutover, counter('nobody', 'device', 'person')])
    told('every nudge lost, one death', await everywhere({ bench, nudges: 'lost' }, dies, 'succeeded'))
  const { run } = await play({ bench: migration, nudges: 'lost' })
  expect(run?.outcome).toBe('succeeded')
})

test('nudges that are lost, with no sweep behind them, are found', async () => {
  const story = await play({ bench: cutover, nudges: 'lost', sweeps: false })
  expect(await violations(story)).toEqual(['stuck: something is due, and nobody comes'])
})

test('nudges that are heard, with no sweep behind them, are not enough once a worker dies', async () => {
  const stuck: string[] = []
  for (let at = 0; at < 54; at++)
    stuck.push(...(await violations(await play({ bench: cutover, sweeps: false, fates: [dies(at)] }))))
  expect(stuck).toContain('stuck: something is due, and nobody comes')
})

/** Something happens between the last vote and the sending: in the moment in which `gate` has been opened. */
function onceOpened(gate: string, happens: (world: World) => void): (world: World) => Promise<void> {
  let done = false
  return async world => {
    const run = await world.run()
    if (done || run?.steps.get(gate as never)?.is !== 'done') return
    done = true
    happens(world)
  }
}

/** The run is held at the step, and says why. */
function heldAt(story: Story, step: string): string | undefined {
  const state = story.run && stateOf(story.run, { id: step } as never)
  return state?.is === 'failed' ? state.why : undefined
}

test('an approver who has lost the role meanwhile has approved nothing; a stale policy is found', async () => {
  const script = (): Script => ({
    bench: counter('device'),
    passing: onceOpened('approve-device-1', world => {
      world.policy = without(world.policy, 'lead')
    }),
  })
  const story = await play(script())
  expect(await violations(story)).toEqual([])
  expect(story.witnesses).toEqual([])
  expect(heldAt(story, 'device-1')).toBe('lead, who approved approve-device-1, has the role lead no longer')
  const stale = await play({
    ...script(),
    plant: {
      policy: truth =>
        (
          known => () =>
            known
        )(truth()),
    },
  })
  expect((await violations(stale)).join('\n')).toMatch(/lead is no lead/)
})

test('an approval that has lapsed opens nothing; a clock that lies about it is found', async () => {
  const script = (): Script => ({
    bench: counter('device'),
    passing: onceOpened('approve-device-1', ({ store }) => {
      store.time += hours(5)
    }),
  })
  const story = await play(script())
  expect(await violations(story)).toEqual([])
  expect(story.witnesses).toEqual([])
  expect(heldAt(story, 'device-1')).toMatch(/the approval of approve-device-1 has lapsed/)
  const early = await play({ ...script(), plant: { store: store => ({ ...store, now: async () => 0 }) } })
  expect((await violations(early)).join('\n')).toMatch(/the approval of approve-device-1 had lapsed/)
})

test('a fact that no longer holds stops the cutover; an answer from memory is found', async () => {
  const script = (): Script => ({ bench: migration, passing: onceOpened('cutover', ({ trial }) => trial.spoil()) })
  const story = await play(script())
  expect(await violations(story)).toEqual([])
  expect(story.witnesses.map(({ effect }) => effect.split(' ')[1])).not.toContain('selectTarget')
  expect(heldAt(story, 'select-target')).toMatch(/every path to the target is alive/)
  let known: unknown
  const remembered: Plant = {
    capability: (capability, { capability: name }) =>
      name === 'powerpath.cutoverReady'
        ? { ...capability, perform: async (device, call) => (known ??= await capability.perform(device, call)) }
        : capability,
  }
  expect((await violations(await play({ ...script(), plant: remembered }))).join('\n')).toMatch(/a fact no longer held/)
})
