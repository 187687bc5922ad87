import { existsSync, readdirSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { pull } from '../src/blocksync/pull.ts'
import { push } from '../src/blocksync/push.ts'
import { noise, room, stopped } from './fakes/disk.ts'

const K64 = 65_536

/** What seed 003 does with dd, awk and `aws s3 sync`, and what it loses: devices/vsphere-esxi.md, section A. */
describe('the five bugs of seed 003', () => {
  const house = () => {
    const { write, path, read } = room()
    const sides = { source: path('disk.img'), store: path('store'), disk: 'dc02', blockSize: 2 * K64, work: path('work') }
    return {
      write,
      path,
      read,
      push: (changed?: string) => push({ ...sides, changed }),
      pull: () => pull({ store: sides.store, disk: 'dc02', image: path('copy.img') }),
    }
  }

  test('a patch in the middle does not truncate the image (dd without conv=notrunc)', async () => {
    const at = house()
    const disk = noise(64 * K64, 1)
    at.write('disk.img', disk)
    await at.push()
    await at.pull()
    noise(K64, 2).copy(disk, 4 * K64)
    at.write('disk.img', disk)
    await at.push(`${4 * K64} ${K64}`)
    await at.pull()
    expect(statSync(at.path('copy.img')).size).toBe(4_194_304)
    expect(at.read('copy.img').equals(disk)).toBe(true)
  })

  test('a tail that is no multiple of 64 KiB arrives, and so does an offset that is none (b / 65536)', async () => {
    const at = house()
    const disk = noise(3 * K64 + 777, 1)
    at.write('disk.img', disk)
    await at.push()
    noise(1_234, 2).copy(disk, 1_001)
    noise(777, 3).copy(disk, 3 * K64)
    at.write('disk.img', disk)
    await at.push(`1001 1234\n${3 * K64} 777`)
    await at.pull()
    expect(at.read('copy.img').equals(disk)).toBe(true)
  })

  test('an older block never lies over a newer one, whatever their names sort like (ls -1)', async () => {
    const at = house()
    const disk = noise(12 * K64, 1)
    at.write('disk.img', disk)
    await at.push()
    // By name "131072" comes before "65536", and generation 10 before generation 9.
    for (let generation = 2; generation <= 11; generation++) {
      const offset = generation % 2 === 0 ? K64 : 2 * K64
      noise(2 * K64, generation).copy(disk, offset)
      at.write('disk.img', disk)
      await at.push(`${offset} ${2 * K64}`)
    }
    await at.pull()
    expect(at.read('copy.img').equals(disk)).toBe(true)
  })

  test('a change of equal size in the same second is sent, and no old delta stays among the new (aws s3 sync)', async () => {
    const at = house()
    const disk = noise(4 * K64, 1)
    at.write('disk.img', disk)
    await at.push()
    await at.push(`0 ${K64}`)
    noise(K64, 2).copy(disk)
    at.write('disk.img', disk)
    const { generation } = await at.push(`0 ${K64}`)
    expect(generation).toBe(3)
    await at.pull()
    expect(at.read('copy.img').equals(disk)).toBe(true)
    expect(readdirSync(at.path('store/dc02/gen'))).toEqual(['00000001.json', '00000002.json', '00000003.json'])
  })

  test('a failover in the middle of applying finds the old image, whole, and never half a new one', async () => {
    const at = house()
    const old = noise(8 * K64, 1)
    at.write('disk.img', old)
    await at.push()
    await at.pull()
    const disk = Buffer.from(old)
    noise(6 * K64, 2).copy(disk, K64)
    at.write('disk.img', disk)
    await at.push(`${K64} ${6 * K64}`)
    const seen: boolean[] = []
    const asked = new AbortController()
    const pulling = pull({
      store: at.path('store'),
      disk: 'dc02',
      image: at.path('copy.img'),
      parallel: 1,
      signal: asked.signal,
      tell: () => {
        seen.push(at.read('copy.img').equals(old))
        asked.abort()
      },
    })
    expect(await stopped(pulling)).toContain('cancelled')
    expect(seen).toEqual([true, true])
    expect(at.read('copy.img').equals(old)).toBe(true)
    await at.pull()
    expect(at.read('copy.img').equals(disk)).toBe(true)
    expect(existsSync(at.path('copy.img.blocksync/next.img'))).toBe(false)
  })
})
