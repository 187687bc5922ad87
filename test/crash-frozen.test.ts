import { expect, test, vi } from 'vitest'
import { counter, cutover, migration } from './crash-benches.ts'
import { dies, everyPair, everywhere, freezes, placed, SEED, told } from './crash-placed.ts'
import { randomly } from './crash-world.ts'

vi.setConfig({ testTimeout: 240_000 }) // all of them together take half a minute; a busy machine may take longer

const THAWS = ['after the takeover', 'at the end'] as const

test.each(THAWS)('a cutover takes effect once, wherever its worker freezes to thaw %s', async thaws => {
  told(`a cutover, one freeze, thawed ${thaws}`, await everywhere({ bench: cutover, thaws }, freezes, 'succeeded'))
})

test.each(['nobody', 'device', 'person'] as const)(
  'nothing comes late from a worker that froze, where a doubt is settled by asking %s',
  async kind => {
    for (const thaws of THAWS)
      told(
        `asks ${kind}, one freeze, thawed ${thaws}`,
        await everywhere({ bench: counter(kind, kind), thaws }, freezes, 'succeeded'),
      )
  },
)

test('nor from one that froze while it sent again for another one that had died', async () => {
  told(
    'asks nobody, a death at every third await and then a freeze at each',
    await everyPair(counter('nobody', 'nobody'), freezes, 'succeeded', 3),
  )
})

test('a migration is none the worse for a worker that froze and thaws', async () => {
  const random = randomly(SEED)
  let placements = 0
  for (let at = random(3); ; at += 3) {
    const story = await placed({ bench: migration, fates: [freezes(at), dies(random(500))], thaws: THAWS[at % 2]! }, 'succeeded')
    if (story.stopped === 0) break
    placements++
  }
  expect(placements).toBeGreaterThan(100)
  told(`a migration, one freeze and perhaps a death, every third await, seed ${SEED}`, placements)
})
