import {
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3'
import { Misread, Refused } from '../../src/kit/errors.ts'
import { type Listed, listingIn, nothingIn, type Page, type Seen, seenIn, type Unfinished, uploadsIn } from './answers.ts'
import { Answered } from './trouble.ts'
import type { Bucket } from './wire.ts'

/** The object as it is now; undefined if there is none of that name. */
export async function head(bucket: Bucket, key: string, signal: AbortSignal): Promise<Seen | undefined> {
  try {
    return await bucket.ask(
      () => new HeadObjectCommand({ Bucket: bucket.bucket, Key: key }),
      answer => seenIn(key, answer),
      signal,
    )
  } catch (error) {
    if (error instanceof Answered && error.status === 404) return undefined
    // The answer to a HEAD has no body, so it does not say why: a request that has one is asked for the reason.
    if (error instanceof Answered) await page(bucket, { prefix: key, most: 1 }, signal)
    throw error
  }
}

/** The same, for who needs it: a Refused that says whether the object or the bucket is missing. */
export async function present(bucket: Bucket, key: string, signal: AbortSignal): Promise<Seen> {
  const seen = await head(bucket, key, signal)
  if (seen) return seen
  await page(bucket, { prefix: key, most: 1 }, signal)
  throw new Refused(`there is no object ${key} in ${bucket.bucket}`)
}

export const page = (
  bucket: Bucket,
  { prefix, most, next }: { readonly prefix?: string | undefined; readonly most?: number; readonly next?: Page<Listed>['next'] },
  signal: AbortSignal,
): Promise<Page<Listed>> =>
  bucket.ask(
    () =>
      new ListObjectsV2Command({
        Bucket: bucket.bucket,
        EncodingType: 'url',
        ...(prefix === undefined ? {} : { Prefix: prefix }),
        ...(most === undefined ? {} : { MaxKeys: most }),
        ...next,
      }),
    ({ text }) => listingIn(text),
    signal,
  )

export const uploads = (
  bucket: Bucket,
  { prefix, next }: { readonly prefix?: string; readonly next?: Page<Unfinished>['next'] },
  signal: AbortSignal,
): Promise<Page<Unfinished>> =>
  bucket.ask(
    () =>
      new ListMultipartUploadsCommand({
        Bucket: bucket.bucket,
        EncodingType: 'url',
        ...(prefix === undefined ? {} : { Prefix: prefix }),
        ...next,
      }),
    ({ text }) => uploadsIn(text),
    signal,
  )

/** Page after page, at most so many. A page that asks for itself would never end. */
export async function* pages<T>(
  read: (next: Page<T>['next']) => Promise<Page<T>>,
  most: number,
): AsyncGenerator<Page<T> & { readonly last: boolean }> {
  const asked = new Set<string>()
  let next: Page<T>['next']
  for (let turn = 1; turn <= most; turn++) {
    const one = await read(next)
    yield { ...one, last: one.next === undefined }
    if (one.next === undefined) return
    const mark = JSON.stringify(one.next)
    if (asked.has(mark)) throw new Misread('the listing goes round in a circle', mark)
    asked.add(mark)
    next = one.next
  }
}

/** Is there such a bucket, and is it ours? */
export async function bucketStands(bucket: Bucket, signal: AbortSignal): Promise<'there' | 'absent' | 'foreign'> {
  try {
    await bucket.ask(() => new HeadBucketCommand({ Bucket: bucket.bucket }), nothingIn, signal)
    return 'there'
  } catch (error) {
    if (error instanceof Answered && error.status === 404) return 'absent'
    if (!(error instanceof Answered)) throw error
    try {
      await page(bucket, { most: 1 }, signal)
      throw error
    } catch (reason) {
      // A wrong clock or secret is no bucket of somebody else.
      if (reason instanceof Answered && reason.code === 'AccessDenied') return 'foreign'
      throw reason
    }
  }
}

/** The request for an object as it was seen: another one that took its place meanwhile is not read as this. */
export const getting =
  (bucket: Bucket, { key, etag }: Seen) =>
  (): GetObjectCommand =>
    new GetObjectCommand({ Bucket: bucket.bucket, Key: key, IfMatch: `"${etag}"` })
