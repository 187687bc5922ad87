import { expect, test, vi } from 'vitest'
import { counter, cutover, migration } from './crash-benches.ts'
import { dies, everyPair, placed, SEED, told } from './crash-placed.ts'
import { randomly, type Story } from './crash-world.ts'

vi.setConfig({ testTimeout: 240_000 }) // all of them together take half a minute; a busy machine may take longer

/** What the device was made to do, in order, without what may be done twice. */
const verbs = ({ witnesses }: Story): readonly string[] =>
  witnesses.map(({ effect }) => effect.split(' ')[1] ?? '').filter(verb => verb !== 'throttle')

test('a migration comes to its end, and each change of it happens once and in order, wherever its worker dies', async () => {
  const { met } = await placed({ bench: migration }, 'succeeded')
  const awaits = met[0]!
  for (let at = 0; at < awaits.length; at++) {
    const story = await placed({ bench: migration, fates: [dies(at)] }, 'succeeded')
    expect(story.stopped).toBe(1)
    expect(verbs(story)).toEqual(['setup', 'sync', 'selectTarget', 'commit', 'cleanup'])
  }
  // Whatever is renamed, these are the places that the promise is about.
  for (const name of [
    'hold',
    'record',
    'claim',
    'track',
    'load',
    'now',
    'nudge',
    'overdue',
    'answered',
    'setup',
    'send',
    'sessions',
  ])
    expect(awaits).toEqual(expect.arrayContaining([`before ${name}`, `after ${name}`]))
  told('a migration, one death', awaits.length)
})

test('the same holds when the worker that takes over dies too', async () => {
  const random = randomly(SEED)
  const placements = 200
  let second = 0
  for (let seed = 0; seed < placements; seed++) {
    // Half of the second deaths come while the first one is being cleared up.
    const fates = [dies(random(440)), dies(random(2) === 0 ? random(40) : random(400))]
    const { stopped } = await placed({ bench: migration, fates, seed }, 'succeeded')
    second += stopped === 2 ? 1 : 0
  }
  expect(second).toBeGreaterThan(placements / 4)
  told(`a migration, two deaths, sampled with seed ${SEED}, ${second} of them met both`, placements)
})

test('a cutover takes effect once, wherever one worker and then another one dies', async () => {
  told('a cutover, all pairs', await everyPair(cutover, dies, 'succeeded'))
})

test.each(['nobody', 'device', 'person'] as const)(
  'a doubt that is settled by asking %s ends in one effect, wherever two workers die',
  async kind => {
    told(`asks ${kind}, all pairs`, await everyPair(counter(kind), dies, 'succeeded'))
  },
)
