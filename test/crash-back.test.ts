import { expect, test, vi } from 'vitest'
import type { Run } from '../src/domain/run.ts'
import { migration } from './crash-benches.ts'
import { dies, placed, SEED, told } from './crash-placed.ts'
import { play, randomly, type Script, type Spoken, type Story } from './crash-world.ts'

vi.setConfig({ testTimeout: 240_000 }) // all of them together take half a minute; a busy machine may take longer

const verbs = ({ witnesses }: Story): readonly string[] =>
  witnesses.map(({ effect }) => effect.split(' ')[1] ?? '').filter(verb => verb !== 'throttle')

/** Somebody thinks better of it while the host runs on the target. */
const says = (run: Run): readonly Spoken[] =>
  run.steps.get('soak' as never)?.is === 'waiting' ? [{ by: 'operator', command: { kind: 'roll back', run: run.id } }] : []

const script: Script = { bench: migration, says }

test('a migration that is rolled back is undone in order, each undo once, wherever its worker dies from the cutover on', async () => {
  const { met } = await placed(script, 'rolled back')
  const awaits = met[0]!
  // The first one sent is the sync. What comes before the cutover is the same as in crash.test.ts.
  const cutover = awaits.indexOf('before send', awaits.indexOf('before send') + 1)
  for (let at = cutover; at < awaits.length; at++) {
    const story = await placed({ ...script, fates: [dies(at)] }, 'rolled back')
    expect(verbs(story)).toEqual(['setup', 'sync', 'selectTarget', 'selectSource', 'abort', 'cleanup'])
  }
  told('a roll back, one death', awaits.length - cutover)
})

test('the same holds when the worker that takes over dies too', async () => {
  const random = randomly(SEED)
  const placements = 120
  for (let seed = 0; seed < placements; seed++)
    await placed({ ...script, fates: [dies(250 + random(200)), dies(random(120))], seed }, 'rolled back')
  told(`a roll back, two deaths, sampled with seed ${SEED}`, placements)
})

test('roll back said at any moment leads all the way back, or all the way on, and never ends in between', async () => {
  const awaits = (await play({ bench: migration })).met[0]!.length
  const ends = new Map<string, number>()
  for (let at = SEED % 2; at < awaits; at += 2) {
    let passed = 0
    const story = await placed(
      {
        bench: migration,
        async passing(world) {
          const run = passed++ === at ? await world.run() : undefined
          if (run) await world.hears({ by: 'operator', command: { kind: 'roll back', run: run.id } })
        },
      },
      'rolled back',
      'succeeded',
    )
    const how = verbs(story)
    const end = `${story.run?.outcome} after ${how.join(', ')}`
    expect(
      [
        'succeeded after setup, sync, selectTarget, commit, cleanup',
        'rolled back after setup, abort, cleanup',
        'rolled back after setup, sync, abort, cleanup',
        'rolled back after setup, sync, selectTarget, selectSource, abort, cleanup',
      ],
      `said at await ${at}`,
    ).toContain(end)
    ends.set(end, (ends.get(end) ?? 0) + 1)
  }
  expect(ends.size).toBe(4)
  told('roll back at every second await', Math.floor(awaits / 2))
})
