import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Call, Capability, Change } from '../../src/kit/device.ts'
import { Misread, Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import { redactor } from '../../src/kit/redact.ts'
import { HOSTILE } from '../../src/kit/spoilt.ts'
import s3 from './index.ts'
import { partSizeOf } from './sending.ts'
import { type Simulation, simulate } from './simulator.ts'
import { type Bucket, bucketAt } from './wire.ts'

const MIB = 1 << 20
const KEY = 'backup/sql01.bak'
let folder: string
let simulation: Simulation
let bucket: Bucket
const call = (params: Params, more: Partial<Call<Params>> = {}): Call<Params> => ({
  intent: 'R1/fault/1' as IntentId,
  params,
  signal: AbortSignal.timeout(20_000),
  go: () => {},
  ...more,
})
const perform = (
  name: keyof typeof s3.capabilities,
  params: Params,
  more: Partial<Call<Params>> = {},
): Promise<Readonly<Record<string, unknown>>> => (s3.capabilities[name] as Capability).perform(bucket, call(params, more))
const file = (name: string, bytes: Buffer | string): string => {
  writeFileSync(join(simulation.files, name), bytes)
  return join(simulation.files, name)
}
const put = (key: string, text: string): void =>
  void simulation.shelf.objects.set(key, { bytes: Buffer.from(text), sent: undefined })
const asked = (about: RegExp): readonly string[] => simulation.requests.filter(request => about.test(request))
const failed = (going: Promise<unknown>): Promise<unknown> =>
  going.then(
    () => 'it did not fail',
    (error: unknown) => error,
  )

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 's3-fault-'))
  simulation = await simulate({ folder })
  bucket = s3.connect(s3.settings.parse(simulation.settings), 'dr-s3' as Target)
})
afterEach(async () => {
  await bucket.close()
  await simulation.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('what an S3 does wrong', () => {
  test('"slow down" is waited for, and what it did not take is sent once more', async () => {
    const up = file('a.bak', 'abc')
    simulation.fault('slow down', 3)
    expect(await perform('upload', { file: up, key: KEY })).toMatchObject({ bytes: 3, parts: 1 })
    expect(simulation.ledger()).toHaveLength(1)
  })

  test('"slow down" without end is unreachable: nothing was taken', async () => {
    const up = file('a.bak', 'abc')
    await perform('bucket', {})
    simulation.fault('slow down', 99)
    const error = await failed(perform('upload', { file: up, key: KEY }, { signal: AbortSignal.timeout(5_000) }))
    expect(error).toBeInstanceOf(Unreachable)
    expect(String(error)).toMatch(/slow down.*nothing was taken/)
    expect(simulation.ledger()).toHaveLength(0)
  })

  test.each(['error after success', 'error after completing'] as const)(
    'an "%s" is settled by looking, and nothing is sent twice',
    async how => {
      const bytes = randomBytes(how === 'error after success' ? 100 : 9 * MIB)
      const up = file('a.bak', bytes)
      simulation.fault(how)
      expect(await perform('upload', { file: up, key: KEY })).toMatchObject({
        bytes: bytes.length,
        parts: how === 'error after success' ? 1 : 2,
      })
      expect(simulation.shelf.objects.get(KEY)?.bytes.equals(bytes)).toBe(true)
      expect(asked(/^(PUT|POST)/)).toHaveLength(how === 'error after success' ? 1 : 4)
    },
  )

  test('a deletion that came with a 500 is settled by looking', async () => {
    put(KEY, 'old')
    simulation.fault('error after success')
    expect(await perform('deleteObject', { key: KEY })).toMatchObject({ marker: false })
    expect(asked(/^DELETE/)).toHaveLength(1)
  })

  test('a part that S3 lost is a no: nothing of it counts, and the sentence that clears up is said and works', async () => {
    const up = file('a.bak', randomBytes(9 * MIB))
    simulation.fault('rejects a part')
    const error = await failed(perform('upload', { file: up, key: KEY }))
    expect(error).toBeInstanceOf(Refused)
    const [, id, key] = /lost a part.*abort upload (\S+) of (\S+)$/.exec(String(error)) ?? []
    expect(simulation.shelf.objects.size).toBe(0)
    expect(await perform('uploads', {})).toMatchObject({ count: 1, bytes: 9 * MIB, complete: true, uploads: [{ id, key: KEY }] })
    expect(await perform('abortUpload', { id: String(id), key: String(key) })).toEqual({ id, key: KEY })
    expect(await perform('uploads', {})).toMatchObject({ count: 0, bytes: 0 })
  })

  test('a part that S3 lost without a word is found out, and doubt about it is for people', async () => {
    const up = file('a.bak', randomBytes(9 * MIB))
    simulation.fault('loses a part')
    const params = { file: up, key: KEY }
    const { look, judge } = (s3.capabilities.upload.effect as Change<Bucket, Params, unknown, unknown>).inDoubt as never as {
      look(bucket: Bucket, call: Call<Params>): Promise<unknown>
      judge(before: unknown, now: unknown): { readonly done: unknown }
    }
    const before = await look(bucket, call(params))
    const error = await failed(perform('upload', params))
    expect(error).toBeInstanceOf(Uncertain)
    expect(String(error)).toMatch(/8388608 of 9437184 bytes: it lost a part/)
    expect(judge(before, await look(bucket, call(params)))).toMatchObject({ done: 'unknown' })
    expect(judge(before, await look(bucket, call(params, { intent: 'R1/fault/2' as IntentId })))).toMatchObject({
      done: 'unknown',
    })
  })

  test('a fault that comes as the answer to a completion is not taken for a yes', async () => {
    const up = file('a.bak', randomBytes(9 * MIB))
    simulation.fault('fault in the answer to completing')
    const error = await failed(perform('upload', { file: up, key: KEY }))
    expect(error).toBeInstanceOf(Uncertain)
    expect(String(error)).toMatch(/InternalError.*may have done it/)
  })

  test('an S3 that knows no conditions gets it without one', async () => {
    const up = file('a.bak', 'abc')
    simulation.fault('no conditions')
    expect(await perform('upload', { file: up, key: KEY })).toMatchObject({ bytes: 3 })
    expect(asked(/^PUT/)).toHaveLength(2)
  })

  test.each([
    ['expired token', /credentials have expired: give new ones/],
    ['access denied', /does not let us do that/],
    ['another region', /the bucket is in eu-central-1, and us-east-1 is asked: let the site file say region eu-central-1/],
  ] as const)('%s is said in words, by reads and by changes', async (how, why) => {
    const up = file('a.bak', 'abc')
    for (const [name, params] of [
      ['objects', {}],
      ['object', { key: KEY }],
      ['upload', { file: up, key: KEY }],
      ['createBucket', {}],
    ] as const) {
      simulation.fault(how, 9)
      const error = await failed(perform(name, params))
      expect(error, name).toBeInstanceOf(Refused)
      // A bucket that is not ours to look at is said in its own words.
      expect(String(error), name).toMatch(name === 'createBucket' && how === 'access denied' ? /taken by a bucket/ : why)
    }
    expect(simulation.ledger()).toHaveLength(0)
  })

  test.each([
    [-20 * 60_000, /ours is 20 min ahead of that of S3/],
    [40 * 60_000, /ours is 40 min behind that of S3/],
  ])('a wrong clock is refused each time, and by how much is said', async (away, why) => {
    simulation.skew(away)
    for (const _ of [1, 2]) {
      const error = await failed(perform('objects', {}))
      expect(error).toBeInstanceOf(Refused)
      expect(String(error)).toMatch(why)
    }
  })

  test('a clock that S3 still takes is measured', async () => {
    simulation.skew(-5 * 60_000)
    const { skewSeconds } = await perform('bucket', {})
    expect(Math.abs(Number(skewSeconds) - 300)).toBeLessThan(5)
  })

  test('credentials and buckets that are not known are refused', async () => {
    const other = bucketAt({ ...s3.settings.parse(simulation.settings), accessKeyId: 'AKNOBODY' })
    await expect(s3.capabilities.objects.perform(other, call({}))).rejects.toThrow(/does not know the credentials/)
    const nobodys = bucketAt({ ...s3.settings.parse(simulation.settings), bucket: 'nobodys' })
    for (const name of ['bucket', 'objects', 'object', 'uploads'] as const)
      await expect((s3.capabilities[name] as Capability).perform(nobodys, call({ key: KEY })), name).rejects.toThrow(
        /no such bucket/,
      )
    await Promise.all([other.close(), nobodys.close()])
  })

  test('a listing that goes round in a circle ends', async () => {
    put(KEY, 'x')
    simulation.fault('lists in circles', 99)
    expect(await failed(perform('objects', {}))).toBeInstanceOf(Misread)
  })

  test('a listing of many pages is counted to its end, and its newest is found', async () => {
    for (let n = 0; n < 2_345; n++)
      simulation.shelf.objects.set(`log/${String(n).padStart(4, '0')} +&<`, {
        bytes: Buffer.alloc(2),
        sent: undefined,
        modified: n === 1_200 ? 9_000 : 5_000,
      })
    const seen = await perform('objects', { prefix: 'log/' })
    expect(seen).toMatchObject({ count: 2_345, bytes: 4_690, complete: true, newest: { key: 'log/1200 +&<' } })
    expect(seen['first']).toHaveLength(20)
    expect(asked(/^GET $/)).toHaveLength(3)
  })
})

describe('an upload', () => {
  test('never replaces an object, and not one that came between look and sending either', async () => {
    put(KEY, 'old')
    const up = file('a.bak', 'new')
    await expect(perform('upload', { file: up, key: KEY })).rejects.toThrow(/there is an object .* already/)
    simulation.shelf.objects.clear()
    let between = true
    const go = (): void => {
      if (between) put(KEY, 'somebody else')
      between = false
    }
    await expect(perform('upload', { file: up, key: KEY }, { go })).rejects.toThrow(
      /somebody put an object there meanwhile: nothing was replaced/,
    )
    expect(simulation.shelf.objects.get(KEY)?.bytes.toString()).toBe('somebody else')
  })

  test('of a file that is written to meanwhile does not count', async () => {
    const up = file('a.bak', randomBytes(9 * MIB))
    let sent = 0
    const go = (): void => {
      if (++sent === 2) writeFileSync(up, 'x', { flag: 'a' })
    }
    await expect(perform('upload', { file: up, key: KEY }, { go })).rejects.toThrow(
      /was written to while it was sent.*abort upload/,
    )
    expect(simulation.shelf.objects.size).toBe(0)
  })

  test('asks go() right before each write', async () => {
    const up = file('a.bak', randomBytes(17 * MIB))
    const at: number[] = []
    await perform('upload', { file: up, key: KEY }, { go: () => void at.push(asked(/^(PUT|POST)/).length) })
    expect(at).toHaveLength(asked(/^(PUT|POST)/).length)
    expect(at[0]).toBe(0)
  })

  test('that is too late in the middle sends no further part, and says what is left behind', async () => {
    const up = file('a.bak', randomBytes(25 * MIB))
    let turn = 0
    const go = (): void => {
      if (++turn > 2) throw new Unreachable('it was too late to send')
    }
    const error = await failed(perform('upload', { file: up, key: KEY }, { go }))
    expect(String(error)).toMatch(/too late to send.*abort upload/)
    expect(asked(/\?part/)).toHaveLength(1)
  })

  test('takes files of the one folder only, through no link', async () => {
    const outside = join(folder, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'shadow'), 'secret')
    symlinkSync(join(outside, 'shadow'), join(simulation.files, 'innocent'))
    for (const path of [join(outside, 'shadow'), join(simulation.files, 'innocent'), `${simulation.files}/../outside/shadow`])
      await expect(perform('upload', { file: path, key: KEY })).rejects.toThrow(/not in the folder/)
    symlinkSync(outside, join(simulation.files, 'way-out'))
    put(KEY, 'x')
    await expect(perform('download', { file: join(simulation.files, 'way-out', 'new'), key: KEY })).rejects.toThrow(
      /not in the folder/,
    )
    expect([readdirSync(outside), simulation.ledger().length]).toEqual([['shadow'], 0])
    const without = bucketAt({ ...s3.settings.parse(simulation.settings), folder: undefined })
    await expect(s3.capabilities.upload.perform(without, call({ file: '/etc/hosts', key: 'other' }) as never)).rejects.toThrow(
      /names no folder/,
    )
    await without.close()
  })

  test('has parts that fit the number S3 takes, however large the file is', () => {
    for (const bytes of [9 * MIB, 8_000 * MIB, 8_001 * MIB, 100_000 * MIB, 512_000 * MIB])
      expect(Math.ceil(bytes / partSizeOf(bytes))).toBeLessThanOrEqual(1_000)
    expect(() => partSizeOf(512_001 * MIB)).toThrow(/too large/)
  })
})

describe('a download', () => {
  test('of a damaged object makes no file, and leaves nothing beside', async () => {
    const up = file('a.bak', 'what it was')
    await perform('upload', { file: up, key: KEY })
    const kept = simulation.shelf.objects.get(KEY)!
    kept.bytes[0]! ^= 1
    const down = join(simulation.files, 'down.bak')
    await expect(perform('download', { file: down, key: KEY })).rejects.toThrow(/is damaged.*was not made/)
    expect(await perform('checkObject', { key: KEY })).toMatchObject({ state: 'damaged' })
    expect(readdirSync(simulation.files)).toEqual(['a.bak'])
  })

  test('never replaces a file, and one that is the object already is taken as it is', async () => {
    const up = file('a.bak', 'abc')
    await perform('upload', { file: up, key: KEY })
    expect(await perform('download', { file: up, key: KEY })).toMatchObject({ state: 'intact' })
    const other = file('b.bak', 'something else')
    await expect(perform('download', { file: other, key: KEY })).rejects.toThrow(/is there already/)
    expect(readFileSync(other, 'utf8')).toBe('something else')
  })

  test('that breaks off leaves nothing beside', async () => {
    put(KEY, 'abc')
    const down = join(simulation.files, 'down.bak')
    simulation.misbehave({ how: 'lose answer', to: /^GET backup/ })
    await failed(perform('download', { file: down, key: KEY }))
    simulation.misbehave({ how: 'talk forever', to: /^GET backup/ })
    expect(await failed(perform('download', { file: down, key: KEY }))).toBeInstanceOf(Uncertain)
    expect(readdirSync(simulation.files)).toEqual([])
    expect(existsSync(down)).toBe(false)
  })

  test('of an object that nobody wrote a checksum for goes by its etag, and says so where there is none either', async () => {
    put(KEY, 'abc')
    expect(await perform('checkObject', { key: KEY })).toMatchObject({ state: 'intact' })
    simulation.shelf.objects.set(KEY, { bytes: Buffer.from('abc'), sent: undefined, etag: 'd41d8cd98f00b204e9800998ecf8427e-2' })
    expect(await perform('checkObject', { key: KEY })).toMatchObject({ state: 'unattested' })
  })
})

describe('a deletion', () => {
  test('is of the object that was seen, and of no other', async () => {
    put(KEY, 'abc')
    const { etag } = await perform('object', { key: KEY })
    put(KEY, 'another')
    await expect(perform('deleteObject', { key: KEY, etag: String(etag) })).rejects.toThrow(/is not the one that was seen/)
    expect(simulation.shelf.objects.has(KEY)).toBe(true)
  })

  test('in a bucket that keeps versions leaves a marker, and says that the bytes stay', async () => {
    await perform('enableVersioning', {})
    put(KEY, 'abc')
    const gone = await perform('deleteObject', { key: KEY })
    expect(gone).toMatchObject({ marker: true })
    expect(s3.capabilities.deleteObject.shows?.(gone as never)).toEqual([expect.stringMatching(/still there, and cost/)])
  })
})

describe('the rest', () => {
  test('a key goes where it says, whatever characters a sentence carries', async () => {
    const up = file('a.bak', 'abc')
    const key = "monthly (2026)/it's+50@~ a=b,c!*:d.bak"
    expect(await perform('upload', { file: up, key })).toMatchObject({ key })
    expect([...simulation.shelf.objects.keys()]).toEqual([key])
    expect(await perform('objects', {})).toMatchObject({ newest: { key } })
    for (const climbing of ['../other', 'a/../../b', './a'])
      expect(s3.capabilities.object.params.safeParse({ key: climbing }).success).toBe(false)
  })

  test('what the bucket has is there after a restart of the simulator', async () => {
    await perform('upload', { file: file('a.bak', randomBytes(100)), key: KEY })
    const before = simulation.state()
    await simulation.stop()
    simulation = await simulate({ folder })
    expect(simulation.state()).toEqual(before)
  })

  test('secrets of the site file are known as such', () => {
    const redact = redactor(['not-a-real-secret'])
    expect(redact(JSON.stringify(simulation.settings))).not.toContain('not-a-real-secret')
    expect(s3.settings.safeParse({ bucket: 'dr-vault', accessKeyId: 'AK' }).success).toBe(false)
    expect(s3.settings.safeParse({ bucket: 'DR_Vault' }).success).toBe(false)
  })

  // Synthetic: written by hand after the S3 API reference, no capture.
  const written = `<?xml version='1.0' encoding='UTF-8'?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>vault</Name><Prefix/><KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><Contents><Key>a/b%20c</Key><LastModified>2026-11-26T14:35:00.000Z</LastModified><ETag>"5d41402abc4b2a76b9719d911017c592"</ETag><Size>5</Size><StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>`

  test('a pasted listing is read', () => {
    expect(s3.readings['listing']?.read(written)).toMatchObject({
      items: [{ key: 'a/b c', bytes: 5, etag: '5d41402abc4b2a76b9719d911017c592' }],
    })
  })

  test.each(HOSTILE)('a pasted listing that is %s is an error or the same answer', (_, spoil) => {
    try {
      expect(s3.readings['listing']?.read(spoil(written))).toEqual(s3.readings['listing']?.read(written))
    } catch (error) {
      expect(error).toBeInstanceOf(Misread)
    }
  })
})
