import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { makeFolder } from '../src/blocksync/durable-file.ts'
import { nbdkitWords, startNbdkit } from '../src/blocksync/nbdkit.ts'
import { readState } from '../src/blocksync/progress.ts'
import { setsOf } from '../src/blocksync/set.ts'
import { pullSet } from '../src/blocksync/set-pull.ts'
import { pushSet } from '../src/blocksync/set-push.ts'
import { openSource } from '../src/blocksync/source.ts'
import { writeWish } from '../src/blocksync/steering.ts'
import { noise, room, stopped } from './fakes/disk.ts'
import { startFakeS3 } from './fakes/s3.ts'

const MIB = 1 << 20
const NBDKIT = spawnSync('nbdkit', ['--version'], { stdio: 'ignore' }).status === 0
const NO_NBDKIT = 'there is no nbdkit on this machine, so sources that it serves were NOT tested (apt-get install nbdkit)'
if (!NBDKIT && process.env['CI'] !== 'true') console.warn(NO_NBDKIT)
test.runIf(process.env['CI'] === 'true')('where everything must be there, nbdkit is', () => expect(NBDKIT, NO_NBDKIT).toBe(true))

/** A machine of two disks, and the order to push them. */
function house(place: { readonly store?: string; readonly endpoint?: string } = {}) {
  const at = room()
  const disks = [noise(MIB + 700, 1), Buffer.concat([noise(MIB, 2), Buffer.alloc(MIB)])]
  const named = ['web01-2000', 'web01-2001']
  named.forEach((name, n) => at.write(`${name}.img`, disks[n]!))
  const source = (n: number): unknown => at.path(`${named[n]}.img`)
  const order = (point: string, sources: readonly unknown[] = [source(0), source(1)], changed: readonly (string | null)[] = []) =>
    at.write(
      'order.json',
      JSON.stringify({
        format: 'signalbox-order',
        version: 1,
        machine: 'web01',
        point,
        taken: 1_700_000_000_000,
        disks: named.map((disk, n) => ({
          disk,
          size: disks[n]!.length,
          source: sources[n],
          changed: changed[n] ?? null,
          point: null,
        })),
      }),
    )
  const store = place.store ?? at.path('store')
  const common = { store, endpoint: place.endpoint, parallel: 2, keep: async () => {}, now: () => 1_700_000_100_000 }
  return {
    ...at,
    disks,
    named,
    order,
    place: { store, machine: 'web01', endpoint: place.endpoint },
    push: (more: Partial<Parameters<typeof pushSet>[0]> = {}) =>
      pushSet({ ...common, order: at.path('order.json'), work: at.path('work'), blockSize: 64 << 10, ...more }),
    pull: (set?: number, more: Partial<Parameters<typeof pullSet>[0]> = {}) =>
      pullSet({ ...common, machine: 'web01', folder: at.path('images'), work: at.path('pull'), set, ...more }),
    image: (n: number) => at.read(`images/${named[n]}.raw`),
  }
}

test('all disks of a machine go up as one, and come down as one, whichever set is asked for', async () => {
  const at = house()
  at.order('snap-1')
  const kept: unknown[] = []
  const first = await at.push({ keep: async set => void kept.push([set.set, (await readState(at.path('work')))?.state]) })
  expect(kept).toEqual([[1, 'running']]) // the result is kept before the state says that it is done
  expect(first).toMatchObject({ machine: 'web01', set: 1, point: 'snap-1', taken: 1_700_000_000_000 })
  expect(first.disks.map(({ disk, generation, point }) => [disk, generation, point])).toEqual([
    ['web01-2000', 1, 'snap-1'],
    ['web01-2001', 1, 'snap-1'],
  ])
  expect(JSON.parse(readFileSync(at.path('store/machines/web01/00000001.json'), 'utf8'))).toEqual(first)
  expect(await readState(at.path('work'))).toMatchObject({
    state: 'done',
    disk: 'web01',
    counts: { done: 3 * MIB + 700, total: 3 * MIB + 700 },
  })

  const old = Buffer.from(at.disks[1]!)
  noise(300, 3).copy(at.disks[1]!, 5_000)
  at.write('web01-2001.img', at.disks[1]!)
  at.order('snap-2', undefined, [at.write('none.txt', ''), at.write('list.txt', '5000 300\n')])
  expect((await at.push()).set).toBe(2)
  const pulled = await at.pull()
  expect(at.image(0).equals(at.disks[0]!)).toBe(true)
  expect(at.image(1).equals(at.disks[1]!)).toBe(true)
  expect(JSON.parse(readFileSync(at.path('images/set.json'), 'utf8'))).toEqual(pulled)
  await at.pull(1)
  expect(at.image(1).equals(old)).toBe(true)
  expect((await setsOf(at.place)).map(({ set, point }) => [set, point])).toEqual([
    [1, 'snap-1'],
    [2, 'snap-2'],
  ])
})

test('an order whose set is there pushes nothing, and a set is never replaced', async () => {
  const at = house()
  at.order('snap-1')
  const first = await at.push()
  rmSync(at.path('work'), { recursive: true })
  expect(await at.push()).toEqual(first)
  expect(existsSync(at.path('store/web01-2000/gen/00000002.json'))).toBe(false)
})

test('a disk that was pushed is not pushed again when the one after it failed', async () => {
  const at = house()
  at.order('snap-1')
  renameSync(at.path('web01-2001.img'), at.path('away.img'))
  expect(await stopped(at.push())).toMatch(/^source: .*cannot be opened/)
  expect(await setsOf(at.place)).toEqual([])
  expect(existsSync(at.path('store/web01-2000/gen/00000001.json'))).toBe(true)
  renameSync(at.path('away.img'), at.path('web01-2001.img'))
  expect((await at.push()).disks.map(({ generation }) => generation)).toEqual([1, 1])
  expect(existsSync(at.path('store/web01-2000/gen/00000002.json'))).toBe(false)
  // Without the generation in the store, its note is worth nothing.
  rmSync(at.path('store'), { recursive: true })
  expect((await at.push()).set).toBe(1)
  expect(existsSync(at.path('store/web01-2000/gen/00000001.json'))).toBe(true)
})

test('a set of which a generation is missing, or is another, is refused before anything is written', async () => {
  const at = house()
  at.order('snap-1')
  await at.push()
  const gen = at.path('store/web01-2001/gen/00000001.json')
  renameSync(gen, at.path('kept.json'))
  expect(await stopped(at.pull())).toMatch(/^gap: .*does not have it/)
  expect(existsSync(at.path('images'))).toBe(false)
  const other = house()
  other.order('snap-9')
  other.disks[1]!.fill(7, 0, 100)
  other.write('web01-2001.img', other.disks[1]!)
  await other.push()
  renameSync(other.path('store/web01-2001/gen/00000001.json'), gen)
  expect(await stopped(at.pull())).toMatch(/^gap: .*another one under that number/)
  expect(existsSync(at.path('images'))).toBe(false)
  expect(await stopped(at.pull(7))).toMatch(/^gap: The store has 1 sets of web01, and no set 7/)
})

test('a set that is pulled half way leaves no set.json of an older one', async () => {
  const at = house()
  at.order('snap-1')
  await at.push()
  await at.pull()
  at.write('images/web01-2001.raw', 'somebody wrote to it'.padEnd(at.disks[1]!.length, '.'))
  expect(await stopped(at.pull())).toMatch(/^target: .*somebody else made it or wrote to it/)
  expect(existsSync(at.path('images/set.json'))).toBe(false)
  await at.pull(undefined, { replace: true })
  expect(at.image(1).equals(at.disks[1]!)).toBe(true)
  expect(existsSync(at.path('images/set.json'))).toBe(true)
})

test('an order is refused whole: another digest, another size, a disk twice, a word that nbdkit may not get', async () => {
  const at = house()
  const file = at.order('snap-1')
  const digest = createHash('sha256').update(readFileSync(file)).digest('hex')
  expect(await stopped(at.push({ digest: 'a'.repeat(64) }))).toMatch(/not the one that was meant/)
  const order = JSON.parse(readFileSync(file, 'utf8')) as { disks: Record<string, unknown>[]; machine: string }
  const said = async (change: (wrong: typeof order) => void): Promise<string> => {
    const wrong = structuredClone(order)
    change(wrong)
    at.write('order.json', JSON.stringify(wrong))
    return stopped(at.push())
  }
  expect(await said(it => (it.machine = '../up'))).toMatch(/^bad use: .*machine/)
  expect(await said(it => (it.disks[1]!['disk'] = 'web01-2000'))).toMatch(/named twice/)
  expect(await said(it => (it.disks[1]!['source'] = { nbdkit: ['sh', '/tmp/x.sh'] }))).toMatch(/no plugin "sh"/)
  expect(await said(it => (it.disks[1]!['changed'] = at.path('nowhere')))).toMatch(/cannot be read/)
  expect(existsSync(at.path('store'))).toBe(false)
  expect(await said(it => (it.disks[1]!['size'] = MIB))).toMatch(/^source: .*says that web01-2001 is 1048576 bytes/)
  expect(await setsOf(at.place)).toEqual([])
  at.order('snap-1')
  expect((await at.push({ digest })).set).toBe(1)
})

test('a set is paused, limited and cancelled as one, and goes on from there', async () => {
  const at = house()
  at.order('snap-1')
  const work = at.path('work')
  const until = async (ok: (state: NonNullable<Awaited<ReturnType<typeof readState>>>) => boolean): Promise<void> => {
    for (const late = performance.now() + 30_000; ; await wait(20)) {
      const state = await readState(work)
      if (state && ok(state)) return
      if (performance.now() > late) throw new Error(`it never came to that: ${JSON.stringify(state)}`)
    }
  }
  const done: number[] = []
  await makeFolder(work)
  await writeWish(work, { paused: true, cancelled: false }) // a pause outlives the mover that it was said to
  const pushing = at.push({ tell: ({ counts }) => void done.push(counts.done) })
  const over = pushing.then(() => 'done', String)
  await until(({ state }) => state === 'paused')
  await writeWish(work, { paused: false, cancelled: false, limit: 64 << 10 })
  await until(({ state, counts }) => state === 'running' && counts.done > 0)
  await writeWish(work, { paused: false, cancelled: true })
  expect(await over).toMatch(/It was cancelled/)
  expect(await readState(work)).toMatchObject({ state: 'cancelled' })
  expect(await setsOf(at.place)).toEqual([])
  await writeWish(work, { paused: false, cancelled: false })
  expect((await at.push()).set).toBe(1)
  expect(done).toEqual([...done].sort((a, b) => a - b))
})

test('sets lie in a bucket too, and an answer that got lost publishes one set', async () => {
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIAFAKE'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'fake'
  const s3 = await startFakeS3()
  try {
    const at = house({ store: 's3://vault/dr', endpoint: s3.endpoint })
    at.order('snap-1')
    const set = s3.objects.set.bind(s3.objects)
    s3.objects.set = (key, value) => {
      if (key.startsWith('dr/machines/')) s3.misbehave('error after success', 1)
      return set(key, value)
    }
    await at.push()
    s3.objects.set = set
    expect([...s3.objects.keys()].filter(key => key.includes('machines/'))).toEqual(['dr/machines/web01/00000001.json'])
    const puts = s3.requests.filter(request => request.startsWith('PUT'))
    expect(puts.findIndex(request => request.includes('machines/'))).toBeGreaterThanOrEqual(puts.length - 2) // sent last
    await at.pull()
    expect(at.image(1).equals(at.disks[1]!)).toBe(true)
    // Somebody else took the number meanwhile: ours gets the next one.
    at.order('snap-2')
    s3.objects.set = (key, value) => {
      if (key.startsWith('dr/web01-2001/gen/')) {
        const other = JSON.parse(s3.objects.get('dr/machines/web01/00000001.json')!.bytes.toString()) as object
        set('dr/machines/web01/00000002.json', {
          bytes: Buffer.from(JSON.stringify({ ...other, set: 2, point: 'of somebody else' })),
          sent: undefined,
        })
      }
      return set(key, value)
    }
    expect((await at.push()).set).toBe(3)
  } finally {
    await s3.close()
    delete process.env['AWS_ACCESS_KEY_ID']
    delete process.env['AWS_SECRET_ACCESS_KEY']
  }
})

describe('nbdkit', () => {
  test.each([
    [['vddk', 'vm=moref=vm-16', 'file=[ds] web01/web01.vmdk', 'password=+/run/vcenter'], undefined],
    [['vddk', 'password=secret'], 'password=+/file'],
    [['file', 'dir=/etc'], 'no word that file may get'],
    [['file', '/etc/passwd'], 'no word that file may get'],
    [['file', '--run=touch /tmp/x'], 'no word that file may get'],
    [['curl', 'url=http://x'], 'no plugin "curl"'],
    [['constructor'], 'no plugin'],
  ])('%j: %s', (words, why) => {
    if (why === undefined) expect(nbdkitWords(words)).toEqual(words)
    else expect(() => nbdkitWords(words)).toThrow(why)
  })

  test.runIf(NBDKIT)('serves a disk of an order, and is gone afterwards', async () => {
    const at = house()
    at.order('snap-1', [{ nbdkit: ['file', `file=${at.path('web01-2000.img')}`] }, at.path('web01-2001.img')])
    await at.push()
    await at.pull()
    expect(at.image(0).equals(at.disks[0]!)).toBe(true)
    expect(existsSync(at.path('work/nbd.sock'))).toBe(false)
    expect(spawnSync('pgrep', ['-f', at.path('work/nbd.sock')]).status).toBe(1)
  })

  test.runIf(NBDKIT)('says what it has against a disk, and takes the place of a socket that a killed mover left', async () => {
    const at = house()
    expect(await stopped(startNbdkit(['file', `file=${at.path('nowhere.img')}`], at.path('a.sock')).then(() => {}))).toMatch(
      /^source: nbdkit cannot serve the disk\. .*nowhere\.img/,
    )
    at.write('b.sock', '')
    const served = await startNbdkit(['file', `file=${at.path('web01-2000.img')}`], at.path('b.sock'))
    const source = await openSource(served.uri)
    expect(source.size).toBe(at.disks[0]!.length)
    await source.close()
    await served.stop()
    expect(existsSync(at.path('b.sock'))).toBe(false)
  })
})
