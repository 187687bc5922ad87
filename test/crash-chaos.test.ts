import { expect, test, vi } from 'vitest'
import { hours } from '../src/domain/ids.ts'
import { counter, migration } from './crash-benches.ts'
import type { Fate } from './crash-mortal.ts'
import { placed, SEED } from './crash-placed.ts'
import { type Bench, randomly, type Story } from './crash-world.ts'

vi.setConfig({ testTimeout: 240_000 }) // all of them together take half a minute; a busy machine may take longer

const PUSHES = ['pause', 'resume', 'pause', 'resume', 'pause', 'resume', 'roll back', 'roll back', 'cancel', 'give up'] as const

/** Workers die and freeze, their clocks are hours off, nudges are lost, the device lets them down, and people change their minds. */
async function chaos(bench: Bench, length: number, seed: number): Promise<Story> {
  const random = randomly(seed)
  const fates = Array.from({ length: random(5) }, (): Fate => ({ at: random(length), how: random(3) === 0 ? 'freezes' : 'dies' }))
  const [calm, storm] = [random(length), 100 + random(length)]
  const [illness, talk] = [5 + random(60), 10 + random(300)]
  let passed = 0
  return placed({
    bench,
    seed,
    fates,
    thaws: random(2) === 0 ? 'after the takeover' : 'at the end',
    nudges: random(4) === 0 ? 'lost' : 'heard',
    aheads: [0, 1, 2].map(() => random(hours(4)) - hours(2)),
    retries: 4,
    async passing(world) {
      const now = passed++
      if (now === calm + storm) world.trial.heal()
      if (now < calm || now >= calm + storm) return
      if (random(illness) === 0) world.trial.fallIll(random(1_000))
      if (random(talk) !== 0) return
      const run = await world.run()
      if (run) await world.hears({ by: 'operator', command: { kind: PUSHES[random(PUSHES.length)]!, run: run.id } })
    },
  })
}

test.each([
  ['a migration', migration, 400, 120],
  ['a run with all three ways of settling a doubt', counter('nobody', 'device', 'person'), 120, 600],
] as const)(
  '%s ends, and every effect of it was approved, meant and made once, whatever goes wrong',
  async (what, bench, length, stories) => {
    const ends: Record<string, number> = {}
    let stopped = 0
    for (let n = 0; n < stories; n++) {
      const story = await chaos(bench, length, SEED + n)
      const end = story.run?.outcome ?? 'stands still'
      ends[end] = (ends[end] ?? 0) + 1
      stopped += story.stopped
    }
    console.log(`# ${what}: ${stories} stories from seed ${SEED}, ${stopped} workers stopped, ${JSON.stringify(ends)}`)
    expect(ends['succeeded']).toBeGreaterThan(stories / 10)
    expect(ends['stands still']).toBeUndefined()
  },
)
