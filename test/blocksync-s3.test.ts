import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pull } from '../src/blocksync/pull.ts'
import { push } from '../src/blocksync/push.ts'
import { verify } from '../src/blocksync/verify.ts'
import { noise, room, stopped } from './fakes/disk.ts'
import { type FakeS3, type Misbehaviour, startFakeS3 } from './fakes/s3.ts'

const MIB = 1 << 20
let s3: FakeS3
beforeAll(() => {
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIAFAKE'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'fake'
})
afterAll(() => {
  delete process.env['AWS_ACCESS_KEY_ID']
  delete process.env['AWS_SECRET_ACCESS_KEY']
})
beforeEach(async () => {
  s3 = await startFakeS3()
})
afterEach(() => s3.close())

function house(disk: Buffer, blockSize = 256 << 10, bucket = 'vault') {
  const at = room()
  at.write('disk.img', disk)
  const place = { store: `s3://${bucket}/dr/`, disk: 'dc02', endpoint: s3.endpoint }
  return {
    ...at,
    push: (changed?: string) => push({ ...place, source: at.path('disk.img'), blockSize, work: at.path('work'), changed }),
    pull: () => pull({ ...place, image: at.path('copy.img') }),
    verify: () => verify(place),
  }
}

test('generations go up and come down, and only what changed goes up', async () => {
  const disk = Buffer.concat([noise(MIB, 1), Buffer.alloc(MIB), noise(MIB + 5, 2)])
  const at = house(disk)
  await at.push()
  const before = s3.requests.length
  noise(300, 3).copy(disk, 5_000)
  at.write('disk.img', disk)
  await at.push('5000 300')
  expect(s3.requests.slice(before).filter(request => request.startsWith('PUT'))).toHaveLength(2)
  await at.pull()
  expect(at.read('copy.img').equals(disk)).toBe(true)
  expect(await at.verify()).toMatchObject({ generations: 2, bad: [] })
  expect([...s3.objects.keys()].every(key => /^dr\/dc02\/(gen\/\d{8}\.json|packs\/[0-9a-f]{64})$/.test(key))).toBe(true)
})

test('the manifest is put last', async () => {
  const at = house(noise(MIB, 1))
  await at.push()
  const puts = s3.requests.filter(request => request.startsWith('PUT'))
  expect(puts.findIndex(request => request.includes('gen/'))).toBe(puts.length - 1)
})

test('many small changes go up together: few requests, and each change still has a hash of its own', async () => {
  const disk = noise(4 * MIB, 1)
  const at = house(disk, MIB)
  await at.push()
  const list: string[] = []
  for (let offset = 1_000; offset < disk.length; offset += 100_000) {
    noise(700, offset).copy(disk, offset)
    list.push(`${offset} 700`)
  }
  at.write('disk.img', disk)
  const before = s3.requests.length
  await at.push(list.join('\n'))
  expect(s3.requests.slice(before).filter(request => request.startsWith('PUT'))).toHaveLength(2) // one pack, one manifest
  const { chunks } = JSON.parse(s3.objects.get('dr/dc02/gen/00000002.json')!.bytes.toString()) as { chunks: unknown[] }
  expect(chunks).toHaveLength(list.length)
  await at.pull()
  expect(at.read('copy.img').equals(disk)).toBe(true)
})

test('a store that answers with all of a pack when it is asked for a part is read all the same', async () => {
  const disk = noise(MIB, 1)
  const at = house(disk, 64 << 10)
  await at.push()
  noise(300, 3).copy(disk, 70_000) // a part of a chunk in the middle of the pack
  at.write('disk.img', disk)
  await at.push('70000 300')
  s3.misbehave('no ranges', 99)
  await at.pull()
  expect(at.read('copy.img').equals(disk)).toBe(true)
})

const hurts: readonly (readonly [Misbehaviour, number])[] = [
  ['slow down', 2],
  ['error after success', 2],
  ['no conditions', 1],
]
test.each(hurts)('a store that answers "%s" gets all of it, once', async (how, times) => {
  const disk = noise(MIB, 1)
  const at = house(disk)
  s3.misbehave(how, times)
  await at.push()
  await at.pull()
  expect(at.read('copy.img').equals(disk)).toBe(true)
})

const inParts: readonly (readonly [Misbehaviour, number])[] = [
  ['loses a part', 1],
  ['rejects a part', 1],
  ['error after completing', 1],
]
test.each(inParts)('a large pack goes up in parts, also when the store "%s"', async (how, times) => {
  const disk = noise(9 * MIB, 1)
  const at = house(disk, 9 * MIB)
  s3.misbehave(how, times)
  await at.push()
  // An answer that was an error, after which it is there, is not sent again; a lost part is.
  expect(s3.requests.filter(request => request.endsWith('?uploads'))).toHaveLength(how === 'error after completing' ? 1 : 2)
  await at.pull()
  expect(at.read('copy.img').equals(disk)).toBe(true)
})

test('a part that is lost each time ends the push, without a manifest', async () => {
  const at = house(noise(9 * MIB, 1), 9 * MIB)
  s3.misbehave('loses a part', 9)
  expect(await stopped(at.push())).toMatch(/^store: .*lost a part/)
  expect([...s3.objects.keys()].filter(key => key.includes('gen/'))).toEqual([])
})

describe('what a store refuses is said in words', () => {
  test.each([
    ['expired token', /credentials have expired.*it goes on from here/],
    ['wrong clock', /clock of this machine is wrong/],
  ] as const)('%s', async (how, why) => {
    const at = house(noise(1_000, 1))
    s3.misbehave(how, 99)
    expect(await stopped(at.push())).toMatch(why)
  })

  test('a bucket that is not there', async () => {
    expect(await stopped(house(noise(1_000, 1), 4096, 'nobodys').push())).toMatch(/There is no such bucket. Make it/)
  })
})

test('credentials that expire half way: with new ones it goes on, and sends nothing twice', async () => {
  const disk = noise(4 * MIB, 1)
  const at = house(disk, 16 << 10) // packs of 256 KiB
  const set = s3.objects.set.bind(s3.objects)
  s3.objects.set = (key, value) => {
    if (s3.objects.size === 5) s3.misbehave('expired token', 99)
    return set(key, value)
  }
  expect(await stopped(at.push())).toContain('credentials have expired')
  s3.objects.set = set
  s3.misbehave('expired token', 0)
  const there = s3.objects.size
  expect(there).toBeGreaterThan(4)
  const before = s3.requests.length
  await at.push()
  expect(
    s3.requests.slice(before).filter(request => request.startsWith('PUT') && request.includes('packs/')).length,
  ).toBeLessThanOrEqual(16 - 5)
  await at.pull()
  expect(at.read('copy.img').equals(disk)).toBe(true)
})

test('bit rot in the bucket is found out, and a listing that lags hides nothing', async () => {
  const at = house(noise(MIB, 1))
  await at.push()
  s3.misbehave('listing lags', 1)
  expect((await at.push('0 10')).generation).toBe(2)
  const chunk = [...s3.objects.entries()].find(([key]) => key.includes('packs/'))![1]
  chunk.bytes[0]! ^= 1
  expect(await stopped(at.pull())).toMatch(/^rot: /)
  expect((await at.verify()).bad).toHaveLength(1)
})

test('of two movers on one bucket the second is refused at the manifest', async () => {
  const at = house(noise(MIB, 1))
  await at.push()
  const other = house(noise(MIB, 2))
  const set = s3.objects.set.bind(s3.objects)
  let between = true
  s3.objects.set = (key, value) => {
    if (between && key.includes('packs/')) {
      between = false
      set('dr/dc02/gen/00000002.json', { bytes: Buffer.from('{}'), sent: undefined })
    }
    return set(key, value)
  }
  expect(await stopped(other.push())).toMatch(/^taken: Another mover has put generation 2/)
})
