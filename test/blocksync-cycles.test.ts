import { execFileSync } from 'node:child_process'
import { appendFileSync, copyFileSync, cpSync, existsSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pull } from '../src/blocksync/pull.ts'
import { push } from '../src/blocksync/push.ts'
import { openSource } from '../src/blocksync/source.ts'
import { writeWish } from '../src/blocksync/steering.ts'
import { verify } from '../src/blocksync/verify.ts'
import { noise, room, stopped } from './fakes/disk.ts'

const BLOCK = 4096

function house(disk = 'sql01') {
  const at = room()
  const source = at.path('disk.img')
  const store = at.path('store')
  const image = at.path('copy.img')
  return {
    ...at,
    push: (more: { changed?: string; signal?: AbortSignal; parallel?: number } = {}) =>
      push({ source, store, disk, blockSize: BLOCK, work: at.path('work'), ...more }),
    pull: (more: { disk?: string; replace?: boolean; generation?: number; store?: string } = {}) =>
      pull({ store, image, disk, ...more }),
    verify: () => verify({ store, disk }),
    manifest: (generation: number) =>
      JSON.parse(at.read(`store/${disk}/gen/${String(generation).padStart(8, '0')}.json`).toString()) as {
        packs: [string, number][]
        chunks: [number, number, string, number, number][]
      },
    copied: (disk: Buffer) => at.read('copy.img').equals(disk),
  }
}
test('the replica equals the frozen source in each generation, whatever was written between', async () => {
  const write = fc.record({ offset: fc.nat(19_999), length: fc.integer({ min: 1, max: 6_000 }), zero: fc.boolean() })
  const generation = fc.record({
    writes: fc.array(write, { maxLength: 6 }),
    whole: fc.integer({ min: 0, max: 4 }),
    skip: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(generation, { minLength: 2, maxLength: 4 }), async cycles => {
      const at = house()
      const disk = Buffer.concat([noise(9_000, 1), Buffer.alloc(8_000), noise(3_000, 2)])
      at.write('disk.img', disk)
      await at.push()
      const frozen = [Buffer.from(disk)]
      for (const [number, { writes, whole, skip }] of cycles.entries()) {
        const list: string[] = []
        for (const [nth, { offset, length, zero }] of writes.entries()) {
          const end = Math.min(offset + length, disk.length)
          if (zero) disk.fill(0, offset, end)
          else noise(end - offset, number * 100 + nth).copy(disk, offset)
          list.push(`${offset} ${length}`)
        }
        at.write('disk.img', disk)
        await at.push(whole === 0 ? {} : { changed: list.join('\n') })
        frozen.push(Buffer.from(disk))
        if (skip) continue // the next pull takes two at once
        await at.pull()
        expect(at.copied(disk)).toBe(true)
      }
      await at.pull()
      expect(at.copied(disk)).toBe(true)
      await at.pull({ generation: 1 }) // back to the first: from a store, that is one more pull
      expect(at.copied(frozen[0]!)).toBe(true)
    }),
    { numRuns: 4 },
  )
})

test('zeros are neither stored nor written: the image has holes where the disk has zeros', async () => {
  const at = house()
  const disk = Buffer.alloc(8 << 20)
  noise(BLOCK, 1).copy(disk, 1 << 20)
  at.write('disk.img', disk)
  await at.push()
  await at.pull()
  expect(at.copied(disk)).toBe(true)
  expect(statSync(at.path('copy.img')).blocks * 512).toBeLessThan(1 << 20)
})

describe('a source', () => {
  test.each([
    ['grows', (file: string) => appendFileSync(file, 'x'), /was 40000 bytes .* 40001 now/],
    ['shrinks', (file: string) => truncateSync(file, 20_000), /was 40000 bytes .* 20000 now/],
    ['is written to', (file: string) => writeFileSync(file, noise(40_000, 9)), /no point in time/],
  ])('that %s after it was opened says so', async (_, change, why) => {
    const file = room().write('disk.img', noise(40_000, 1))
    const source = await openSource(file)
    change(file)
    expect(await stopped(source.unchanged())).toMatch(why)
    await source.close()
  })

  test.each([
    ['shrinks', (file: string) => truncateSync(file, 20_000), /was 40000 bytes .* 20000 now/],
    ['grows', (file: string) => appendFileSync(file, 'x'), /was 40000 bytes .* 40001 now/],
    ['is written to', (file: string) => writeFileSync(file, noise(40_000, 9)), /no point in time/],
  ])('that %s under a push makes no generation', async (_, spoil, why) => {
    const at = house()
    const file = at.write('disk.img', noise(40_000, 1))
    mkdirSync(at.path('work'))
    await writeWish(at.path('work'), { paused: true, cancelled: false })
    const change = (): void => {
      if (!existsSync(at.path('work/journal'))) return void setImmediate(change) // it is open when there is a journal
      spoil(file)
      void writeWish(at.path('work'), { paused: false, cancelled: false })
    }
    change()
    expect(await stopped(at.push({ parallel: 1 }))).toMatch(why)
    expect(existsSync(at.path('store/sql01/gen'))).toBe(false)
  })

  test('that has another size than in the last generation needs a whole push, and gets a whole image', async () => {
    const at = house()
    at.write('disk.img', noise(10_000, 1))
    await at.push()
    await at.pull()
    const larger = noise(30_001, 2)
    at.write('disk.img', larger)
    expect(await stopped(at.push({ changed: '0 10' }))).toMatch(/30001 bytes and was 10000.*push the whole disk/)
    await at.push()
    await at.pull()
    expect(at.copied(larger)).toBe(true)
  })

  test('that was never pushed cannot be pushed by a list of changes', async () => {
    const at = house()
    at.write('disk.img', noise(10_000, 1))
    expect(await stopped(at.push({ changed: '0 10' }))).toMatch(/^gap: .*Push the whole disk first/)
  })

  test('that is not there, or is a folder, is said', async () => {
    const at = house()
    expect(await stopped(at.push())).toMatch(/^source: .*cannot be opened/)
    mkdirSync(at.path('disk.img'))
    expect(await stopped(at.push())).toMatch(/^source: .*neither a file nor a block device/)
  })
})

describe('a store', () => {
  test.each([
    [
      'a flipped bit',
      (file: string, bytes: Buffer, at: number) => {
        bytes[at + 7]! ^= 1
        writeFileSync(file, bytes)
      },
      'rotted',
      1,
    ],
    ['a short pack', (file: string) => truncateSync(file, 10), 'another length', 5],
    ['a long pack', (file: string) => appendFileSync(file, 'x'), 'another length', 5],
    ['a pack that is gone', (file: string) => execFileSync('rm', [file]), 'missing', 5],
  ])('with %s is found out by pull and by verify, the image stays, and a whole push heals it', async (_, spoil, why, bad) => {
    const at = house()
    const old = noise(20_000, 1)
    at.write('disk.img', old)
    await at.push()
    await at.pull()
    const disk = noise(20_000, 2)
    at.write('disk.img', disk)
    await at.push()
    const { packs, chunks } = at.manifest(2)
    const [, , sha256, pack, offset] = chunks[1]!
    const name = `store/sql01/packs/${packs[pack]![0]}`
    spoil(at.path(name), at.read(name), offset)
    expect(await stopped(at.pull())).toContain(why)
    expect(at.copied(old)).toBe(true)
    const found = (await at.verify()).bad
    expect(found).toHaveLength(bad) // all of a pack that cannot be used, and only what is bad of one that can
    expect(found).toContainEqual(expect.objectContaining({ sha256, generations: [2] }))
    await at.push()
    await at.pull()
    expect(at.copied(disk)).toBe(true)
    expect((await at.verify()).bad).toEqual([])
  })

  test('with a gap in its generations makes no image', async () => {
    const at = house()
    at.write('disk.img', noise(20_000, 1))
    await at.push()
    await at.push({ changed: '0 5' })
    await at.push({ changed: '0 5' })
    execFileSync('rm', [at.path('store/sql01/gen/00000002.json')])
    expect(await stopped(at.pull())).toMatch(/^gap: Generation 2 of sql01 is missing/)
    expect(existsSync(at.path('copy.img'))).toBe(false)
  })

  test('with a manifest of another disk, or of another beginning, makes no image', async () => {
    const at = house()
    at.write('disk.img', noise(20_000, 1))
    await at.push()
    await at.push({ changed: '0 5' })
    mkdirSync(at.path('store/sql02'))
    cpSync(at.path('store/sql01'), at.path('store/sql02'), { recursive: true })
    expect(await stopped(at.pull({ disk: 'sql02' }))).toMatch(/^other disk: Generation 1 .* is of the disk sql01/)
    const other = house()
    other.write('disk.img', noise(20_000, 2))
    await other.push()
    copyFileSync(other.path('store/sql01/gen/00000001.json'), at.path('store/sql01/gen/00000001.json'))
    expect(await stopped(at.pull())).toMatch(/^gap: Generation 2 .* does not follow/)
  })

  test('that runs full says so, and with more room it goes on from there', async context => {
    const at = house()
    const disk = noise(3 << 20, 1)
    at.write('disk.img', disk)
    mkdirSync(at.path('store'))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'none', at.path('store')], { stdio: 'ignore' })
    } catch {
      context.skip('this machine does not let us mount a small disk')
    }
    try {
      const roomy = {
        source: at.path('disk.img'),
        store: at.path('store'),
        disk: 'sql01',
        blockSize: 16 << 10,
        parallel: 1,
        work: at.path('work'),
      }
      expect(await stopped(push(roomy))).toMatch(/^target: There is no room left in .*store/)
      execFileSync('mount', ['-o', 'remount,size=16m', at.path('store')])
      const sent: number[] = []
      await push({ ...roomy, tell: ({ counts }) => sent.push(counts.sent) })
      expect(sent.at(-1)).toBeLessThan(2 << 20)
      await at.pull()
      expect(at.copied(disk)).toBe(true)
    } finally {
      execFileSync('umount', ['-l', at.path('store')])
    }
  })
})

describe('an image', () => {
  test('that somebody wrote to since, or made, is not replaced without a word', async () => {
    const at = house()
    const disk = noise(20_000, 1)
    at.write('disk.img', disk)
    await at.push()
    at.write('copy.img', noise(20_000, 5))
    expect(await stopped(at.pull())).toMatch(/^target: .*somebody else made it or wrote to it since/)
    await at.pull({ replace: true })
    expect(at.copied(disk)).toBe(true)
    const booted = at.read('copy.img')
    booted[0]! ^= 1
    at.write('copy.img', booted)
    await at.push({ changed: '5 5' })
    expect(await stopped(at.pull())).toMatch(/^target: /)
    expect(at.copied(booted)).toBe(true)
  })

  test('that is too small, of another disk, or of another beginning is refused', async () => {
    const at = house()
    at.write('disk.img', noise(20_000, 1))
    await at.push()
    at.write('copy.img', noise(19_999, 5))
    expect(await stopped(at.pull({ replace: true }))).toMatch(/^target: .*19999 bytes, and the disk is 20000/)
    execFileSync('rm', [at.path('copy.img')])
    await at.pull()
    const other = house('sql02')
    other.write('disk.img', noise(20_000, 2))
    await other.push()
    expect(await stopped(at.pull({ disk: 'sql02', store: other.path('store') }))).toMatch(/^other disk: .* is a copy of sql01/)
    const again = house()
    again.write('disk.img', noise(20_000, 3))
    await again.push()
    expect(await stopped(at.pull({ store: again.path('store') }))).toMatch(/^other disk: .*this store never had/)
  })
})

describe('two movers', () => {
  test('on one image or one work folder: the second is refused, and says who is at work', async () => {
    const at = house()
    at.write('disk.img', noise(20_000, 1))
    await at.push()
    mkdirSync(at.path('work'), { recursive: true })
    await writeWish(at.path('work'), { paused: true, cancelled: false })
    const end = new AbortController()
    const first = at.push({ signal: end.signal })
    const second = at.push({ signal: end.signal }) // either may be the first
    const said = await Promise.race([stopped(first), stopped(second)])
    expect(said).toMatch(new RegExp(`^taken: Another mover is at work on .*work: process ${process.pid} on ${hostname()}`))
    end.abort()
    expect([await stopped(first), await stopped(second)].filter(text => text.startsWith('cancelled')).length).toBe(1)
  })

  test('a lock whose owner is dead, or whose pid is another process now, is taken over', async () => {
    const at = house()
    at.write('disk.img', noise(20_000, 1))
    mkdirSync(at.path('work'))
    for (const owner of [
      { pid: process.pid, start: 'another boot/1', host: hostname() },
      { pid: 4_194_303, start: 'x', host: hostname() },
    ]) {
      at.write('work/lock', JSON.stringify(owner))
      await at.push()
    }
    at.write('work/lock', JSON.stringify({ pid: 1, start: 'x', host: 'another-host' }))
    expect(await stopped(at.push())).toMatch(/^taken: .*process 1 on another-host/)
  })
})
