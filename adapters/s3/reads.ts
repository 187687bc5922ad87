import {
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  ListPartsCommand,
} from '@aws-sdk/client-s3'
import { capability } from '../../src/kit/device.ts'
import { encryptionIn, isListing, type Listed, lifecycleIn, objectLockIn, partsIn, skewText, versioningIn } from './answers.ts'
import { digested, verdict } from './digest.ts'
import { getting, page, pages, present, uploads as uploadsOf } from './looking.ts'
import { Nothing, OneObject, quoted, Under } from './params.ts'
import { Answered, told } from './trouble.ts'
import type { Answer, Bucket } from './wire.ts'
import { plain } from './xml.ts'

const on = capability<Bucket>()
const MOST_PAGES = 100 // of a thousand each
const SHOWN = 20
const WITH_PARTS = 20 // of how many uploads the bytes are counted: each costs a request

export const bucket = on({
  summary: 'Show the bucket: can it be reached, where is it, does it keep versions, and does its clock agree with ours.',
  examples: ['show bucket on dr-s3'],
  params: Nothing,
  says: target => `show bucket on ${target}`,
  sends: () => [
    'ListObjectsV2 max-keys=1',
    'HeadBucket',
    'GetBucketVersioning',
    'GetBucketEncryption',
    'GetBucketLifecycleConfiguration',
    'GetObjectLockConfiguration',
  ],
  effect: 'read',
  perform: async (at, { signal }) => {
    const Bucket = at.bucket
    // First the request whose refusal says why: HEAD has no body.
    await page(at, { most: 1 }, signal)
    const skew = at.skew()
    const region = await at.ask(
      () => new HeadBucketCommand({ Bucket }),
      ({ headers }) => headers['x-amz-bucket-region'],
      signal,
    )
    const versioning = await perhaps(async () =>
      at.ask(() => new GetBucketVersioningCommand({ Bucket }), reading(versioningIn), signal),
    )
    const encryption = await perhaps(
      async () => at.ask(() => new GetBucketEncryptionCommand({ Bucket }), reading(encryptionIn), signal),
      { ServerSideEncryptionConfigurationNotFoundError: 'none' },
    )
    const lifecycle = await perhaps(
      async () => at.ask(() => new GetBucketLifecycleConfigurationCommand({ Bucket }), reading(lifecycleIn), signal),
      { NoSuchLifecycleConfiguration: { rules: 0 } },
    )
    const objectLock = await perhaps(
      async () => at.ask(() => new GetObjectLockConfigurationCommand({ Bucket }), reading(objectLockIn), signal),
      { ObjectLockConfigurationNotFoundError: 'off' as const },
    )
    const skewSeconds = skewText(skew)
    return {
      bucket: Bucket,
      reachable: true,
      ...(region === undefined ? {} : { region: plain(region) }),
      ...(versioning === undefined ? {} : { versioning }),
      ...(encryption === undefined ? {} : { encryption }),
      ...(lifecycle === undefined ? {} : { lifecycleRules: lifecycle.rules }),
      ...(lifecycle?.abortsAfterDays === undefined ? {} : { abortsUploadsAfterDays: lifecycle.abortsAfterDays }),
      ...(objectLock === undefined ? {} : { objectLock }),
      ...(skewSeconds === undefined ? {} : { skewSeconds }),
    }
  },
  shows: one => [
    `${one.bucket}: reachable, ${one.region === undefined ? 'its region is not told' : `in ${one.region}`}`,
    `versions: ${one.versioning ?? 'not told'}, encryption: ${one.encryption ?? 'not told'}, object lock: ${one.objectLock ?? 'not told'}`,
    one.lifecycleRules === undefined
      ? 'lifecycle: not told'
      : `lifecycle: ${one.lifecycleRules} rules, unfinished uploads ${one.abortsUploadsAfterDays === undefined ? 'stay, and cost' : `go after ${one.abortsUploadsAfterDays} days`}`,
    one.skewSeconds === undefined ? 'S3 did not say what time it has' : told(one.skewSeconds * 1_000),
  ],
})

export const objects = on({
  summary: 'Count the objects, with bytes and the newest, and show the first of them.',
  examples: [
    'show objects on dr-s3',
    'show objects under backup/sql01/ on dr-s3',
    'show objects under "monthly (2026)/" on dr-s3',
  ],
  params: Under,
  says: (target, { prefix }) => `show objects ${prefix === undefined ? '' : `under ${quoted(prefix)} `}on ${target}`,
  sends: ({ prefix }) => [`ListObjectsV2${prefix === undefined ? '' : ` prefix=${prefix}`}`],
  effect: 'read',
  perform: async (at, { params: { prefix }, signal }) => {
    let [count, bytes, complete]: [number, number, boolean] = [0, 0, false]
    let newest: Listed | undefined
    const first: Listed[] = []
    for await (const { items, last } of pages<Listed>(next => page(at, { prefix, next }, signal), MOST_PAGES)) {
      count += items.length
      bytes += items.reduce((sum, item) => sum + item.bytes, 0)
      for (const item of items) if (newest === undefined || item.modified > newest.modified) newest = item
      first.push(...items.slice(0, SHOWN - first.length))
      complete = last
    }
    return { ...(prefix === undefined ? {} : { prefix }), count, bytes, complete, ...(newest ? { newest } : {}), first }
  },
  shows: ({ count, bytes, complete, newest, first }) => [
    `${complete ? '' : 'at least '}${count} objects, ${bytes} bytes${complete ? '' : `: the first ${count} were counted, and there are more`}`,
    ...(newest === undefined ? [] : [`newest: ${plain(newest.key)}, ${newest.modified}`]),
    ...first.map(line),
    ...(count > first.length ? [`and ${count - first.length} more`] : []),
  ],
})

export const object = on({
  summary: 'Show one object: size, etag, when it came, storage class, checksum.',
  examples: ['show object backup/sql01.bak on dr-s3'],
  params: OneObject,
  says: (target, { key }) => `show object ${quoted(key)} on ${target}`,
  sends: ({ key }) => [`HeadObject ${key}`],
  effect: 'read',
  perform: (at, { params: { key }, signal }) => present(at, key, signal),
  shows: one => [
    `${one.key}: ${one.bytes} bytes, ${one.modified}, ${one.storageClass}`,
    `etag ${one.etag}${one.version === undefined ? '' : `, version ${one.version}`}${one.encryption === undefined ? '' : `, encrypted by ${one.encryption}`}`,
    one.sha256 === undefined ? 'nobody wrote down its SHA-256' : `SHA-256 ${one.sha256}`,
    ...(one.whole === false ? ['it is not as long as it was meant to be: a part was lost'] : []),
    ...(one.lockedUntil === undefined ? [] : [`locked until ${one.lockedUntil}`]),
  ],
})

export const checkObject = on({
  summary: 'Read an object from end to end, and compare it with the checksum that was written down beside it.',
  examples: ['check object backup/sql01.bak on dr-s3'],
  params: OneObject,
  says: (target, { key }) => `check object ${quoted(key)} on ${target}`,
  sends: ({ key }) => [`HeadObject ${key}`, `GetObject ${key}`],
  effect: 'read',
  perform: async (at, { params: { key }, signal }) => {
    const seen = await present(at, key, signal)
    const read = await digested(await at.open(getting(at, seen), { signal }), seen.bytes, signal, false)
    return { key, bytes: read.bytes, sha256: read.sha256, state: verdict(seen, read) }
  },
  shows: ({ key, bytes, state, sha256 }) => [
    state === 'intact'
      ? `${key}: intact, all ${bytes} bytes were read`
      : state === 'damaged'
        ? `${key}: damaged, it is not what was put there`
        : `${key}: all ${bytes} bytes were read, and nobody wrote down what they were meant to be`,
    `SHA-256 ${sha256}`,
  ],
})

export const uploads = on({
  summary: 'Show the uploads in parts that nobody finished: they cost, and no listing shows them.',
  examples: ['show uploads on dr-s3'],
  params: Nothing,
  says: target => `show uploads on ${target}`,
  sends: () => ['ListMultipartUploads', 'ListParts of each'],
  effect: 'read',
  perform: async (at, { signal }) => {
    const found: { id: string; key: string; begun: string; bytes?: number }[] = []
    let complete = false
    for await (const { items, last } of pages(next => uploadsOf(at, { next }, signal), 10)) {
      found.push(...items)
      complete = last
    }
    found.sort((a, b) => (a.begun < b.begun ? -1 : 1))
    for (const one of found.slice(0, WITH_PARTS)) one.bytes = await bytesOf(at, one, signal)
    const counted = found.slice(0, WITH_PARTS).reduce((sum, { bytes = 0 }) => sum + bytes, 0)
    return {
      count: found.length,
      bytes: counted,
      complete: complete && found.length <= WITH_PARTS,
      ...(found[0] ? { oldest: found[0].begun } : {}),
      uploads: found.slice(0, WITH_PARTS),
    }
  },
  shows: ({ count, bytes, complete, uploads: shown }) =>
    count === 0
      ? ['no unfinished upload']
      : [
          `${count} unfinished uploads, ${complete ? '' : 'at least '}${bytes} bytes`,
          ...shown.map(
            one => `${quoted(plain(one.key))}: begun ${one.begun}, ${one.bytes ?? '?'} bytes, id ${quoted(plain(one.id))}`,
          ),
        ],
})

async function bytesOf(
  at: Bucket,
  { id, key }: { readonly id: string; readonly key: string },
  signal: AbortSignal,
): Promise<number> {
  let bytes = 0
  const read = (next: Readonly<Record<string, string>> | undefined) =>
    at.ask(
      () => new ListPartsCommand({ Bucket: at.bucket, Key: key, UploadId: id, ...next }),
      ({ text }) => partsIn(text),
      signal,
    )
  for await (const { items } of pages(read, 20)) bytes += items.reduce((sum, part) => sum + part.bytes, 0)
  return bytes
}

const NOT_TOLD = ['NotImplemented', 'MethodNotAllowed', 'AccessDenied', 'UnsupportedOperation', 'XNotImplemented']

/** A question that an S3 does not know may be answered with a listing of the bucket. */
const reading =
  <T>(read: (text: string) => T) =>
  ({ text }: Answer): T | undefined =>
    isListing(text) ? undefined : read(text)

/** What an S3 need not tell: undefined when it does not know the question, or we may not ask; `none` by the code that says "not set". */
async function perhaps<T>(ask: () => Promise<T | undefined>, none: Readonly<Record<string, T>> = {}): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (!(error instanceof Answered)) throw error
    if (error.code in none) return none[error.code]
    if (NOT_TOLD.includes(error.code) || error.status === 405 || error.status === 501) return undefined
    throw error
  }
}

const line = ({ key, bytes, modified }: Listed): string => `${plain(key)}: ${bytes} bytes, ${modified}`
