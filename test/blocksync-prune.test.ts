import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { type Prune, prune } from '../src/blocksync/prune.ts'
import { pull } from '../src/blocksync/pull.ts'
import { push } from '../src/blocksync/push.ts'
import { generations, openStore } from '../src/blocksync/store.ts'
import { verify } from '../src/blocksync/verify.ts'
import { noise, room, stopped } from './fakes/disk.ts'
import { startFakeS3 } from './fakes/s3.ts'

const BLOCK = 4096
const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** A disk of which generation after generation is pushed: 'w' a whole one, 'l' what a list names. */
async function house(order: string, place: { store?: string; endpoint?: string } = {}) {
  const at = room()
  const sides = { store: at.path('store'), disk: 'sql01', ...place }
  const disk = noise(6 * BLOCK, 0)
  const frozen: Buffer[] = []
  const next = async (how: string): Promise<void> => {
    const number = frozen.length + 1
    const block = number % 6
    noise(BLOCK, number).copy(disk, block * BLOCK)
    at.write('disk.img', disk)
    const changed = how === 'w' ? undefined : `${block * BLOCK} ${BLOCK}`
    await push({ ...sides, source: at.path('disk.img'), blockSize: BLOCK, work: at.path('work'), changed })
    frozen.push(Buffer.from(disk))
  }
  for (const how of order) await next(how)
  return {
    ...at,
    sides,
    frozen,
    next,
    prune: (keep: number) => prune({ ...sides, keep }),
    pull: (more: { generation?: number; image?: string } = {}) => pull({ ...sides, image: at.path('copy.img'), ...more }),
    verify: () => verify(sides),
    shows: (generation: number) => at.read('copy.img').equals(frozen[generation - 1]!),
  }
}

describe('a prune', () => {
  test.each([
    ['wlll', 1, 1, []],
    ['wlwl', 1, 3, [1, 2]],
    ['wlwl', 2, 3, [1, 2]],
    ['wlwl', 3, 1, []],
    ['wwww', 2, 3, [1, 2]],
    ['wlwlwl', 9, 1, []],
  ] as const)('of %s that keeps %i leaves from %i on, and each of these can be made', async (order, keep, first, removed) => {
    const at = await house(order)
    expect(await at.prune(keep)).toMatchObject({ removed, first, newest: order.length })
    expect((await at.verify()).bad).toEqual([])
    for (let generation = first; generation <= order.length; generation++) {
      await at.pull({ generation })
      expect(at.shows(generation)).toBe(true)
    }
    const store = await openStore(at.sides)
    expect((await generations(store, 'sql01')).map(({ generation }) => generation)).toEqual(
      Array.from({ length: order.length - first + 1 }, (_, nth) => first + nth),
    )
    store.close()
  })

  test('removes every pack that nobody needs, and none that a newer generation shares', async () => {
    const at = await house('ww')
    at.write('disk.img', at.frozen[0]!) // the third is the first once more: the very same pack
    await push({ ...at.sides, source: at.path('disk.img'), blockSize: BLOCK, work: at.path('work') })
    expect(readdirSync(at.path('store/sql01/packs'))).toHaveLength(2)
    expect(await at.prune(1)).toMatchObject({ removed: [1, 2], packs: 1, bytes: 6 * BLOCK })
    expect(readdirSync(at.path('store/sql01/packs'))).toHaveLength(1)
    expect(readdirSync(at.path('store/sql01/gen'))).toEqual(['00000003.json'])
    await at.pull()
    expect(at.shows(1)).toBe(true)
  })

  test('is followed by pushes and by more prunes', async () => {
    const at = await house('wlw')
    await at.prune(1)
    for (const how of 'llwl') await at.next(how)
    expect(await at.prune(1)).toMatchObject({ removed: [3, 4, 5], first: 6, newest: 7 })
    await at.pull()
    expect(at.shows(7)).toBe(true)
  })

  test('leaves an image of a removed generation known as a copy of this disk, and a stranger unknown', async () => {
    const at = await house('wlw')
    await at.pull({ generation: 2 })
    await at.prune(1)
    await at.pull()
    expect(at.shows(3)).toBe(true)
    const other = await house('www') // its third generation has the same bytes, and another beginning
    await other.prune(1)
    expect(await stopped(pull({ ...other.sides, image: at.path('copy.img') }))).toMatch(/^other disk: .*this store never had/)
  })

  test('says which generations are left, when one is asked for that was removed', async () => {
    const at = await house('wlw')
    await at.prune(1)
    expect(await stopped(at.pull({ generation: 1 }))).toBe(
      'gap: The store has the generations 3 to 3 of sql01. Say one of those.',
    )
  })

  test('that would keep nothing, or has nothing before it, is refused', async () => {
    const at = await house('w')
    for (const keep of [0, -1, 1.5, Number.NaN]) expect(await stopped(at.prune(keep))).toMatch(/^bad use: /)
    expect(await stopped(prune({ ...at.sides, disk: 'sql02', keep: 1 }))).toMatch(/^gap: The store has no generation of sql02/)
  })

  test('waits for no push: who holds the store, or the work folder, is told', async () => {
    const at = await house('ww')
    const store = await openStore(at.sides)
    const release = await store.hold()
    expect(await stopped(at.prune(1))).toMatch(/^taken: Another mover is at work on the store/)
    await release()
    at.write('work/lock', JSON.stringify({ pid: 1, start: 'x', host: 'another-host' }))
    expect(await stopped(prune({ ...at.sides, keep: 1, work: at.path('work') }))).toMatch(/^taken: .*another-host/)
  })

  test('between a push that was cancelled and its next start costs that push no more than time', async () => {
    const at = await house('w')
    at.write('disk.img', at.frozen[0]!)
    const wanted = { ...at.sides, source: at.path('disk.img'), blockSize: BLOCK, work: at.path('work') }
    await push(wanted)
    at.write('disk.img', at.frozen[0]!) // at another time: another point
    // The journal of a push that had put a pack which only the first generation named.
    const { name, length } = (await generations(await openStore(at.sides), 'sql01'))[0]!.chunks[0]!.pack
    const asked = new AbortController()
    asked.abort()
    await stopped(push({ ...wanted, signal: asked.signal }))
    const [request] = readFileSync(at.path('work/journal'), 'utf8').split('\n')
    const lies = (await generations(await openStore(at.sides), 'sql01'))[0]!.chunks.map(chunk =>
      JSON.stringify([chunk.offset, chunk.length, [chunk.sha256, name, length, chunk.at]]),
    )
    writeFileSync(at.path('work/journal'), `${[request, ...lies].join('\n')}\n`)
    await (await openStore(at.sides)).removePack(name)
    expect(await stopped(push(wanted))).toMatch(/^rot: A pack that was put in .* is not there any more. Start the push again/)
    await push(wanted)
    await at.pull()
    expect(at.shows(1)).toBe(true)
  })

  test('with a note of the beginning that cannot be read, or is of another store, nothing is made', async () => {
    const at = await house('wlw')
    await at.prune(1)
    const note = at.read('store/sql01/base.json').toString()
    at.write('store/sql01/base.json', note.slice(0, 40))
    expect(await stopped(at.pull())).toMatch(/^rot: The note base.json/)
    const other = await house('www')
    await other.next('w')
    await other.prune(2)
    at.write('store/sql01/base.json', other.read('store/sql01/base.json'))
    expect(await stopped(at.pull())).toMatch(/^gap: Generation 3 of sql01 does not follow/)
  })
})

/** `prune` as a process of its own, to be killed. */
function start(wanted: Prune): ChildProcess {
  const program = `import { prune } from ${JSON.stringify(new URL('../src/blocksync/prune.ts', import.meta.url).href)}
await prune(${JSON.stringify(wanted)})`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1', AWS_ACCESS_KEY_ID: 'AKIAFAKE', AWS_SECRET_ACCESS_KEY: 'fake' },
  })
  children.push(child)
  return child
}

test('a prune that is killed before any of its changes leaves a store that can be read, and the next one ends it', async () => {
  const s3 = await startFakeS3()
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIAFAKE'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'fake'
  try {
    const at = await house('wlwl', { store: 's3://vault/dr', endpoint: s3.endpoint })
    const before = new Map(s3.objects)
    const wanted: Prune = { ...at.sides, keep: 1, parallel: 1 }
    await prune(wanted)
    const after = [...s3.objects.keys()].sort()
    let killed = 0
    for (let change = 1; ; change++) {
      s3.objects.clear()
      for (const [key, value] of before) s3.objects.set(key, value)
      let seen = 0
      let child: ChildProcess | undefined
      s3.watch(() => {
        if (++seen < change) return 'do it'
        child!.kill('SIGKILL')
        return 'say nothing'
      })
      child = start(wanted)
      await once(child, 'exit')
      s3.watch(undefined)
      expect((await at.verify()).bad).toEqual([])
      await at.pull({ image: at.path(`${change}.img`) })
      expect(at.read(`${change}.img`).equals(at.frozen[3]!)).toBe(true)
      if (child.signalCode === null) {
        expect(child.exitCode).toBe(0)
        break
      }
      killed++
      await prune(wanted)
      expect([...s3.objects.keys()].sort()).toEqual(after)
    }
    expect(killed).toBe(1 + 2 + 2) // the note, two packs, two manifests
  } finally {
    delete process.env['AWS_ACCESS_KEY_ID']
    delete process.env['AWS_SECRET_ACCESS_KEY']
    await s3.close()
  }
}, 240_000)

test('in a folder too, wherever it is killed, the store can be read and the next prune ends it', async () => {
  const at = await house(`${'wl'.repeat(12)}w`)
  const count = (name: string): number => readdirSync(at.path(`store/sql01/${name}`)).length
  const packs = count('packs')
  const moments: readonly (() => boolean)[] = [
    () => existsSync(at.path('store/sql01/base.json')),
    () => count('packs') < packs / 2,
    () => count('gen') < 20,
  ]
  for (const moment of moments) {
    const child = start({ ...at.sides, keep: 1, parallel: 1 })
    const over = once(child, 'exit')
    while (child.exitCode === null && child.signalCode === null) {
      if (moment()) child.kill('SIGKILL')
      await new Promise(done => setImmediate(done))
    }
    await over
    expect((await at.verify()).bad).toEqual([])
    await at.pull()
    expect(at.shows(25)).toBe(true)
  }
  await at.prune(1)
  expect([count('packs'), count('gen')]).toEqual([1, 1])
}, 240_000)
