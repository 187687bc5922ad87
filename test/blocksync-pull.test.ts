import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync, truncateSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fetchChunk } from '../src/blocksync/fetch-chunk.ts'
import { openHashers } from '../src/blocksync/hashers.ts'
import { pull } from '../src/blocksync/pull.ts'
import { push } from '../src/blocksync/push.ts'
import { generations, openStore } from '../src/blocksync/store.ts'
import { noise, room, stopped } from './fakes/disk.ts'

const MIB = 1 << 20
const BLOCK = 256 << 10

/** A disk of 24 MiB of which a quarter is zeros, and a change here and there in it. */
function house(image?: string) {
  const at = room()
  const disk = Buffer.concat([noise(10 * MIB, 1), Buffer.alloc(6 * MIB), noise(8 * MIB, 2)])
  const sides = { store: at.path('store'), disk: 'sql01' }
  const copy = image ?? at.path('copy.img')
  return {
    ...at,
    disk,
    copy,
    push: (changed?: string) => {
      at.write('disk.img', disk)
      return push({ ...sides, source: at.path('disk.img'), work: at.path('work'), blockSize: BLOCK, changed })
    },
    pull: async (more: { generation?: number; signal?: AbortSignal } = {}) => {
      const sent: number[] = []
      await pull({ ...sides, image: copy, ...more, tell: ({ counts }) => sent.push(counts.sent) })
      return sent.at(-1) ?? 0
    },
    change: () => {
      noise(70_000, 3).copy(disk, 3 * MIB + 11) // parts of two chunks, and none that is whole
      disk.fill(0, 5 * MIB, 6 * MIB)
      noise(MIB, 4).copy(disk, 12 * MIB)
      return [`${3 * MIB + 11} 70000`, `${5 * MIB} ${MIB}`, `${12 * MIB} ${MIB}`].join('\n')
    },
  }
}

test('an image that rotted where nothing changed is made right from the store, not copied', async () => {
  const at = house()
  await at.push()
  await at.pull()
  const { mtimeNs } = statSync(at.copy, { bigint: true })
  const rotten = at.read('copy.img')
  rotten[20 * MIB]! ^= 1
  at.write('copy.img', rotten)
  execFileSync('touch', ['-d', `@${mtimeNs / 1_000_000_000n}.${String(mtimeNs % 1_000_000_000n).padStart(9, '0')}`, at.copy])
  expect(statSync(at.copy, { bigint: true }).mtimeNs).toBe(mtimeNs) // rot does not tell by its times
  await at.push(at.change())
  await at.pull()
  expect(at.read('copy.img').equals(at.disk)).toBe(true)
})

test('where the file system can share blocks, a pull writes only what changed, and the image is the very disk', async context => {
  const at = room()
  truncateSync(at.write('xfs', ''), 512 * MIB)
  mkdirSync(at.path('mnt'))
  try {
    execFileSync('mkfs.xfs', ['-q', '-m', 'reflink=1', at.path('xfs')], { stdio: 'ignore' })
    execFileSync('mount', ['-o', 'loop', at.path('xfs'), at.path('mnt')], { stdio: 'ignore' })
  } catch {
    console.warn('NOT TESTED: sharing blocks needs mkfs.xfs (apt-get install xfsprogs) and the right to mount')
    if (process.env['CI'] === 'true') throw new Error('Where everything must be there, an XFS can be made and mounted.')
    return context.skip('this machine does not let us make and mount an XFS')
  }
  try {
    const disk = house(at.path('mnt/copy.img'))
    await disk.push()
    expect(await disk.pull()).toBe(18 * MIB)
    await disk.push(disk.change())
    const sent = await disk.pull()
    expect(at.read('mnt/copy.img').equals(disk.disk)).toBe(true)
    expect(sent).toBe(70_000 + MIB + MIB) // and what was zeroed is written as zeros
    // Back to an older one, which shares nothing that could be known; and forward again.
    await disk.pull({ generation: 1 })
    await disk.pull()
    expect(at.read('mnt/copy.img').equals(disk.disk)).toBe(true)
    expect(readdirSync(at.path('mnt/copy.img.blocksync'))).not.toContain('next.img')
  } finally {
    execFileSync('umount', ['-l', at.path('mnt')])
  }
})

test('a file left by a killed pull is believed in nothing: what is noted is read back, what is not is made', async () => {
  const at = house()
  await at.push()
  await at.pull()
  await at.push(at.change())
  const asked = new AbortController()
  asked.abort()
  expect(await stopped(at.pull({ signal: asked.signal }))).toMatch(/^cancelled/)
  // What a machine that lost its power may leave: a journal that says more than the file has, and a file with other bytes in it.
  at.write('copy.img.blocksync/next.img', noise(at.disk.length, 9))
  const store = await openStore({ store: at.path('store'), disk: 'sql01' })
  const [first, second] = await generations(store, 'sql01')
  const lines = [...first!.chunks, ...second!.chunks].map(({ offset, length, sha256 }) =>
    JSON.stringify([offset, length, sha256]),
  )
  at.write('copy.img.blocksync/journal', `${at.read('copy.img.blocksync/journal').toString()}${lines.join('\n')}\n`)
  await at.pull()
  expect(at.read('copy.img').equals(at.disk)).toBe(true)
  const hashers = openHashers(1)
  for (const chunk of second!.chunks)
    expect(
      Buffer.from(await fetchChunk(store, hashers, chunk)).equals(at.disk.subarray(chunk.offset, chunk.offset + chunk.length)),
    ).toBe(true)
  await hashers.close()
})
