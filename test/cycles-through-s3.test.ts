import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pull } from '../src/blocksync/pull.ts'
import { push } from '../src/blocksync/push.ts'
import { generations, openStore } from '../src/blocksync/store.ts'
import { writeOn } from './fakes/nbd-writer.ts'
import { NO_SWIFT, STARTS_WITHIN, type Swift, startSwift, swiftOrSaySo } from './fakes/swift.ts'
import { type Frozen, missingQemu, sha256Of, type TrackedDisk, trackedDisk } from './fakes/tracked-disk.ts'

const SIZE = 32 << 20
const CYCLES = 20
const MINUTES = 60_000

const missing = [...missingQemu(), ...(swiftOrSaySo() ? [] : ['swift'])]
const WHY = `${missing.join(', ')} not found, so NOTHING was proved about changed blocks through a real S3 (apt-get install qemu-system-common qemu-utils libnbd-bin; ${NO_SWIFT})`
if (missing.length > 0 && process.env['CI'] !== 'true') console.warn(WHY)

test.runIf(process.env['CI'] === 'true')('where everything must be there, QEMU and Swift are', () => {
  expect(missing, WHY).toEqual([])
})

describe.skipIf(missing.length > 0)('changed blocks of a real disk through a real S3', () => {
  let swift: Swift
  let folder: string
  let tracked: TrackedDisk
  let turn = 0
  const before = { ...process.env }

  beforeAll(async () => {
    swift = await startSwift()
    process.env['AWS_ACCESS_KEY_ID'] = swift.accessKeyId
    process.env['AWS_SECRET_ACCESS_KEY'] = swift.secretAccessKey
    const client = new S3Client({ endpoint: swift.endpoint, region: swift.region, forcePathStyle: true })
    await client.send(new CreateBucketCommand({ Bucket: 'vault' }))
    client.destroy()
  }, 2 * STARTS_WITHIN)
  afterAll(async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'])
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    await swift?.stop()
  })
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 's3-cycles-'))
    turn++
  })
  afterEach(async () => {
    await tracked?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const place = () => ({ store: `s3://vault/dr${turn}`, disk: 'disk0', endpoint: swift.endpoint })
  const up = (frozen: Frozen, generation: number, list: 'its own' | 'whole' | { readonly text: string } = 'its own') =>
    push({
      ...place(),
      source: frozen.uri,
      changed: list === 'its own' ? frozen.changed : list === 'whole' ? undefined : list.text,
      point: `gen${generation}`,
      blockSize: 256 << 10,
      work: join(folder, 'work'),
      parallel: 4,
    })
  const down = async (): Promise<string> => {
    await pull({ ...place(), image: join(folder, 'copy.img') })
    return sha256Of(join(folder, 'copy.img'))
  }
  const manifests = async () => {
    const store = await openStore(place())
    return generations(store, 'disk0').finally(() => store.close())
  }

  test(
    `${CYCLES} cycles under a writer that never stops: each time the copy is the disk as it was at that moment, byte for byte`,
    async () => {
      tracked = await trackedDisk(folder, SIZE, 'raw')
      const app = writeOn(tracked.disk, SIZE)
      await app.more(200)
      let [movedOn, after]: [number, string | undefined] = [0, undefined]
      for (let generation = 0; generation <= CYCLES; generation++) {
        const frozen = await tracked.freeze(generation, after)
        expect(await up(frozen, generation)).toMatchObject({ generation: generation + 1 })
        expect(await down(), `cycle ${generation}`).toBe(frozen.sha256)
        if (generation % 4 === 0 && tracked.liveSha256() !== frozen.sha256) movedOn++
        await frozen.release()
        after = `gen${generation}`
      }
      await app.stop()
      expect([app.errors, await app.bad(tracked.disk)]).toEqual([[], 0])
      expect(movedOn).toBeGreaterThan(CYCLES / 8)
      const [first, ...rest] = await manifests()
      expect([first?.whole, rest.length, rest.filter(one => one.whole)]).toEqual([true, CYCLES, []])
      const sent = rest.map(({ chunks }) => chunks.reduce((sum, { length }) => sum + length, 0))
      expect(Math.min(...sent)).toBeGreaterThan(0)
      expect(sent.reduce((sum, bytes) => sum + bytes, 0) / CYCLES).toBeLessThan(SIZE / 2)
    },
    10 * MINUTES,
  )

  test(
    'a list that lacks one extent makes a copy that is not the disk: the comparison of these tests can fail',
    async () => {
      tracked = await trackedDisk(folder, SIZE, 'raw')
      const app = writeOn(tracked.disk, SIZE)
      await app.more(100)
      const first = await tracked.freeze(0)
      await up(first, 0)
      expect(await down()).toBe(first.sha256)
      await first.release()
      await app.more(100)
      const second = await tracked.freeze(1, 'gen0')
      const areas = JSON.parse(String(second.changed)) as readonly { readonly length: number; readonly description: string }[]
      const lost = areas.findIndex(({ description }) => description === 'dirty')
      expect(lost).toBeGreaterThanOrEqual(0)
      await up(second, 1, { text: JSON.stringify(areas.filter((_, index) => index !== lost)) })
      expect(await down()).not.toBe(second.sha256)
      // The same point in time, whole, heals it.
      await up(second, 2, 'whole')
      expect(await down()).toBe(second.sha256)
      await second.release()
      await app.stop()
    },
    3 * MINUTES,
  )

  test(
    'after a kill -9 the bitmap is no use: freeze and export refuse it, and the next generation is the whole disk, and says so',
    async () => {
      tracked = await trackedDisk(folder, SIZE, 'qcow2')
      let app = writeOn(tracked.disk, SIZE)
      await app.more(100)
      const first = await tracked.freeze(0)
      await up(first, 0)
      expect(await down()).toBe(first.sha256)
      await first.release()
      await app.stop()
      await tracked.perform('disableBitmap', { node: 'disk0', bitmap: 'gen0' })
      await tracked.perform('addBitmap', { node: 'disk0', bitmap: 'kept', persistent: true })
      // Only a bitmap that the file knows of can be found in use: an orderly end writes it, the next start takes it into use.
      await tracked.restart('in order')
      app = writeOn(tracked.disk, SIZE)
      await app.more(100)
      await tracked.restart('kill')
      await app.stop()
      expect(await tracked.perform('bitmaps', { node: 'disk0' })).toMatchObject({ unusable: 1 })
      await expect(tracked.freeze(1, 'kept')).rejects.toThrow(/was in use when QEMU died.*full sync/)
      await tracked.perform('detach', { node: 'fl1' })
      await expect(tracked.exportTracked('disk0', 'nothing', 'kept')).rejects.toThrow(/inconsistent/i)
      await tracked.perform('removeBitmap', { node: 'disk0', bitmap: 'kept' })
      app = writeOn(tracked.disk, SIZE)
      await app.more(20)
      const second = await tracked.freeze(2)
      await up(second, 2)
      expect(await down()).toBe(second.sha256)
      expect((await manifests()).map(({ whole }) => whole)).toEqual([true, true])
      await second.release()
      await app.more(20)
      const third = await tracked.freeze(3, 'gen2')
      await up(third, 3)
      expect(await down()).toBe(third.sha256)
      expect((await manifests()).map(({ whole }) => whole)).toEqual([true, true, false])
      await third.release()
      await app.stop()
    },
    3 * MINUTES,
  )
})
