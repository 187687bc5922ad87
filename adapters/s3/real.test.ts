import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ListObjectVersionsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Call, Capability } from '../../src/kit/device.ts'
import { Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import { NO_SWIFT, PAGE, STARTS_WITHIN, type Swift, startSwift, swiftOrSaySo } from '../../test/fakes/swift.ts'
import s3 from './index.ts'
import { type Bucket, bucketAt, type Place } from './wire.ts'

const found = swiftOrSaySo()
const MIB = 1 << 20

test.runIf(process.env['CI'] === 'true')('where everything must be there, a real S3 is', () => {
  expect(found, NO_SWIFT).toBe(true)
})

describe.skipIf(!found)('on OpenStack Swift', () => {
  let swift: Swift
  let folder: string
  let place: Place
  let bucket: Bucket
  let turn = 0
  const call = (params: Params, more: Partial<Call<Params>> = {}): Call<Params> => ({
    intent: `R1/real/${++turn}` as IntentId,
    params,
    signal: AbortSignal.timeout(30_000),
    go: () => {},
    ...more,
  })
  const at =
    (where: Bucket) =>
    (
      name: keyof typeof s3.capabilities,
      params: Params = {},
      more: Partial<Call<Params>> = {},
    ): Promise<Readonly<Record<string, unknown>>> =>
      (s3.capabilities[name] as Capability).perform(where, call(params, more))
  const perform: ReturnType<typeof at> = (name, params, more) => at(bucket)(name, params, more)
  const file = (name: string, bytes: Buffer): string => {
    writeFileSync(join(folder, name), bytes)
    return join(folder, name)
  }
  const otherwise = async (change: Partial<Place>, tune: { readonly clockOffset?: number } = {}): Promise<unknown> => {
    const other = bucketAt({ ...place, ...change }, tune)
    try {
      return await at(other)('objects').then(
        () => 'it did not fail',
        (error: unknown) => error,
      )
    } finally {
      await other.close()
    }
  }
  const raw = (): S3Client =>
    new S3Client({
      endpoint: swift.endpoint,
      region: swift.region,
      credentials: { accessKeyId: swift.accessKeyId, secretAccessKey: swift.secretAccessKey },
      forcePathStyle: true,
    })

  beforeAll(async () => {
    swift = await startSwift()
  }, 2 * STARTS_WITHIN)
  afterAll(() => swift?.stop())
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 's3-real-'))
    const { endpoint, region, accessKeyId, secretAccessKey } = swift
    place = s3.settings.parse({ endpoint, region, accessKeyId, secretAccessKey, bucket: `dr-${++turn}`, folder })
    bucket = s3.connect(place as never, 'dr-s3' as Target)
    expect(await perform('createBucket')).toMatchObject({ bucket: place.bucket })
  })
  afterEach(async () => {
    await bucket?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('a file goes up in one piece, is shown, checked, brought back and deleted', async () => {
    const bytes = randomBytes(100_001)
    const key = "nightly (2026)/sql 01's+50@~ a=b,c.bak"
    const up = await perform('upload', { file: file('up.bak', bytes), key })
    expect(up).toMatchObject({ bytes: bytes.length, parts: 1 })
    expect(await perform('object', { key })).toMatchObject({
      bytes: bytes.length,
      etag: up['etag'],
      sha256: up['sha256'],
      whole: true,
    })
    expect(await perform('objects', { prefix: 'nightly (2026)/' })).toMatchObject({
      count: 1,
      bytes: bytes.length,
      newest: { key },
    })
    expect(await perform('checkObject', { key })).toMatchObject({ state: 'intact', sha256: up['sha256'] })
    expect(await perform('download', { key, file: join(folder, 'down.bak') })).toMatchObject({ state: 'intact' })
    expect(readFileSync(join(folder, 'down.bak')).equals(bytes)).toBe(true)
    expect(readdirSync(folder).sort()).toEqual(['down.bak', 'up.bak'])
    await expect(perform('upload', { file: join(folder, 'up.bak'), key })).rejects.toThrow(/there is an object .* already/)
    await expect(perform('deleteObject', { key, etag: '0'.repeat(32) })).rejects.toThrow(/not the one that was seen/)
    expect(await perform('deleteObject', { key, etag: up['etag'] })).toMatchObject({ marker: false })
    expect(await perform('objects')).toMatchObject({ count: 0, bytes: 0, complete: true })
    await expect(perform('object', { key })).rejects.toThrow(/there is no object/)
  })

  test('an empty file is an object too', async () => {
    expect(await perform('upload', { file: file('nil', Buffer.alloc(0)), key: 'nil' })).toMatchObject({ bytes: 0 })
    await perform('download', { key: 'nil', file: join(folder, 'nil2') })
    expect(readFileSync(join(folder, 'nil2')).length).toBe(0)
  })

  test('a large file goes up in parts, and comes back byte for byte', async () => {
    const bytes = randomBytes(21 * MIB + 5)
    expect(await perform('upload', { file: file('up.bak', bytes), key: 'big' })).toMatchObject({ bytes: bytes.length, parts: 3 })
    expect(await perform('uploads')).toMatchObject({ count: 0 })
    await perform('download', { key: 'big', file: join(folder, 'down.bak') })
    expect(readFileSync(join(folder, 'down.bak')).equals(bytes)).toBe(true)
  })

  test('an upload that breaks off is shown with its bytes, and can be aborted', async () => {
    let writes = 0
    const go = (): void => {
      if (++writes > 2) throw new Unreachable('it was too late to send')
    }
    await expect(perform('upload', { file: file('up.bak', randomBytes(25 * MIB)), key: 'big' }, { go })).rejects.toThrow(
      /abort upload/,
    )
    const left = await perform('uploads')
    expect(left).toMatchObject({ count: 1, bytes: 8 * MIB, complete: true, uploads: [{ key: 'big' }] })
    const [{ id }] = left['uploads'] as readonly [{ readonly id: string }]
    expect(await perform('abortUpload', { id, key: 'big' })).toEqual({ id, key: 'big' })
    expect(await perform('uploads')).toMatchObject({ count: 0 })
    await expect(perform('abortUpload', { id, key: 'big' })).rejects.toThrow(/no unfinished upload/)
    expect(await perform('objects')).toMatchObject({ count: 0 })
  })

  test('the bucket is shown, with the difference of the clocks; what Swift does not know is not told', async () => {
    const shown = await perform('bucket')
    expect(shown).toMatchObject({ reachable: true, versioning: 'never' })
    expect(Math.abs(Number(shown['skewSeconds']))).toBeLessThan(5)
    expect(shown).not.toHaveProperty('encryption')
    expect(shown).not.toHaveProperty('objectLock')
    await expect(perform('createBucket')).rejects.toThrow(/is there already/)
  })

  test('a bucket that keeps versions keeps what was deleted', async () => {
    expect(await perform('enableVersioning')).toMatchObject({ versioning: 'enabled', before: 'never' })
    await perform('upload', { file: file('a', Buffer.from('abc')), key: 'a' })
    expect(await perform('deleteObject', { key: 'a' })).toMatchObject({ marker: true })
    await expect(perform('object', { key: 'a' })).rejects.toThrow(/there is no object/)
    const client = raw()
    const { Versions, DeleteMarkers } = await client.send(new ListObjectVersionsCommand({ Bucket: place.bucket }))
    client.destroy()
    expect([Versions?.length, DeleteMarkers?.length]).toEqual([1, 1])
    expect(await perform('suspendVersioning')).toMatchObject({ versioning: 'suspended', before: 'enabled' })
  })

  test('a wrong secret, an unknown key, a missing bucket and a wrong clock are refused, each in its words', async () => {
    const wrong: readonly (readonly [unknown, RegExp])[] = [
      [await otherwise({ secretAccessKey: 'wrong-secret' }), /does not accept the signature/],
      [await otherwise({ accessKeyId: 'test:nobody' }), /credentials|signature/],
      [await otherwise({ bucket: 'nobodys-bucket' }), /no such bucket/],
      [await otherwise({}, { clockOffset: 20 * 60_000 }), /clocks disagree/],
      [await otherwise({}, { clockOffset: -20 * 60_000 }), /clocks disagree/],
    ]
    for (const [error, why] of wrong) {
      expect(error).toBeInstanceOf(Refused)
      expect(String(error)).toMatch(why)
      expect(String(error)).not.toContain(swift.secretAccessKey)
    }
  })

  test('a wrong clock is refused for objects too, though the answer to a HEAD says nothing', async () => {
    const late = bucketAt(place, { clockOffset: 3_600_000 })
    await expect(at(late)('object', { key: 'a' })).rejects.toThrow(/clocks disagree/)
    await expect(at(late)('upload', { file: file('a', Buffer.from('abc')), key: 'a' })).rejects.toThrow(/clocks disagree/)
    await late.close()
  })

  test('a listing of more than a page is counted to its end', async () => {
    const client = raw()
    const keys = Array.from({ length: 2 * PAGE + 30 }, (_, n) => `log/${String(n).padStart(4, '0')} ü&<`)
    for (let from = 0; from < keys.length; from += 25)
      await Promise.all(
        keys.slice(from, from + 25).map(Key => client.send(new PutObjectCommand({ Bucket: place.bucket, Key, Body: 'ab' }))),
      )
    client.destroy()
    const listed = await perform('objects', { prefix: 'log/' })
    expect(listed).toMatchObject({ count: keys.length, bytes: 2 * keys.length, complete: true })
    expect((listed['first'] as readonly { readonly key: string }[])[0]?.key).toBe('log/0000 ü&<')
  })

  test('an S3 whose disks stand still is a doubt for a change, and found out when they move again', async () => {
    const params = { file: file('a', Buffer.from('abc')), key: 'a' }
    const { inDoubt } = s3.capabilities.upload.effect as Exclude<typeof s3.capabilities.upload.effect, 'read'>
    if (inDoubt.ask !== 'device') throw new Error('the device is to be asked')
    const asked = { ...call(params), params } as never
    const before = await inDoubt.look(bucket, asked)
    swift.freeze('object')
    let error: unknown
    try {
      const go = (): void => {}
      const going = { ...(asked as Call<Params>), signal: AbortSignal.timeout(12_000), go }
      error = await (s3.capabilities.upload as Capability).perform(bucket, going).catch((it: unknown) => it)
    } finally {
      swift.thaw('object')
    }
    expect(error).toBeInstanceOf(Error)
    expect([Uncertain, Unreachable].some(kind => error instanceof kind)).toBe(true)
    const { done } = inDoubt.judge(before, await inDoubt.look(bucket, asked), params)
    expect(done).toBe((await perform('objects'))['count'] === 1)
  })

  test('when Swift is gone, it is unreachable', async () => {
    const gone = bucketAt({ ...place, endpoint: 'http://127.0.0.1:1' })
    expect(await at(gone)('objects').catch((error: unknown) => error)).toBeInstanceOf(Unreachable)
    await gone.close()
  })
})
