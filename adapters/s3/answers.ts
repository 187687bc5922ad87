import { z } from 'zod'
import { Misread } from '../../src/kit/errors.ts'
import type { Bytes, Millis } from '../../src/kit/units.ts'
import type { Answer } from './wire.ts'
import { documentIn, errorIn, plain, shaped } from './xml.ts'

export interface Listed {
  readonly key: string
  readonly bytes: Bytes
  readonly modified: string // ISO 8601, by the clock of S3
  readonly etag: string
  readonly storageClass?: string
}
export interface Page<T> {
  readonly items: readonly T[]
  readonly next?: Readonly<Record<string, string>> // what to ask for the page after this one with
}

const flag = z.enum(['true', 'false']).transform(it => it === 'true')
const count = z
  .string()
  .regex(/^\d{1,16}$/)
  .transform(Number)
const time = z.string().refine(it => !Number.isNaN(Date.parse(it)))
const tag = z.string().transform(it => it.replaceAll('"', ''))
/** Asked with encoding-type=url, so that a key with control characters does not break the document. AWS writes a space as +. */
const urlEncoded = (text: string, raw: string): string => {
  try {
    return decodeURIComponent(text.replaceAll('+', '%20'))
  } catch {
    throw new Misread('a key is not encoded as it was asked for', raw)
  }
}

const Listing = z.object({
  IsTruncated: flag,
  KeyCount: count.optional(),
  EncodingType: z.literal('url').optional(),
  NextContinuationToken: z.string().min(1).optional(),
  Contents: z
    .array(
      z.object({ Key: z.string(), Size: count, LastModified: time, ETag: tag.optional(), StorageClass: z.string().optional() }),
    )
    .default([]),
})

/** ListObjectsV2. */
export function listingIn(text: string): Page<Listed> {
  const { IsTruncated, KeyCount, EncodingType, NextContinuationToken, Contents } = shaped(text, 'ListBucketResult', Listing)
  if (KeyCount !== undefined && KeyCount !== Contents.length)
    throw new Misread(`the listing says ${KeyCount} keys and names ${Contents.length}`, text)
  if (IsTruncated && NextContinuationToken === undefined) throw new Misread('the listing goes on, and does not say where', text)
  return {
    items: Contents.map(({ Key, Size, LastModified, ETag = '', StorageClass }) => ({
      key: EncodingType === 'url' ? urlEncoded(Key, text) : Key,
      bytes: Size,
      modified: new Date(LastModified).toISOString(),
      etag: ETag,
      ...(StorageClass === undefined ? {} : { storageClass: plain(StorageClass) }),
    })),
    ...(IsTruncated && NextContinuationToken !== undefined ? { next: { ContinuationToken: NextContinuationToken } } : {}),
  }
}

export interface Unfinished {
  readonly id: string
  readonly key: string
  readonly begun: string
}
const text = z.string().catch('')
const Uploads = z.object({
  IsTruncated: flag,
  EncodingType: z.literal('url').optional(),
  NextKeyMarker: text.optional(),
  NextUploadIdMarker: text.optional(),
  Upload: z.array(z.object({ Key: z.string(), UploadId: z.string().min(1), Initiated: time })).default([]),
})

/** ListMultipartUploads. */
export function uploadsIn(raw: string): Page<Unfinished> {
  const { IsTruncated, EncodingType, NextKeyMarker, NextUploadIdMarker, Upload } = shaped(
    raw,
    'ListMultipartUploadsResult',
    Uploads,
  )
  if (IsTruncated && !NextKeyMarker) throw new Misread('the list of uploads goes on, and does not say where', raw)
  const decoded = (key: string): string => (EncodingType === 'url' ? urlEncoded(key, raw) : key)
  return {
    items: Upload.map(({ Key, UploadId, Initiated }) => ({
      id: UploadId,
      key: decoded(Key),
      begun: new Date(Initiated).toISOString(),
    })),
    ...(IsTruncated ? { next: { KeyMarker: decoded(NextKeyMarker ?? ''), UploadIdMarker: NextUploadIdMarker ?? '' } } : {}),
  }
}

const Parts = z.object({
  IsTruncated: flag,
  NextPartNumberMarker: text.optional(),
  Part: z.array(z.object({ PartNumber: count, Size: count })).default([]),
})

/** ListParts: how many bytes of an upload lie there. */
export function partsIn(raw: string): Page<{ readonly part: number; readonly bytes: Bytes }> {
  const { IsTruncated, NextPartNumberMarker, Part } = shaped(raw, 'ListPartsResult', Parts)
  if (IsTruncated && !NextPartNumberMarker) throw new Misread('the list of parts goes on, and does not say where', raw)
  return {
    items: Part.map(({ PartNumber, Size }) => ({ part: PartNumber, bytes: Size })),
    ...(IsTruncated ? { next: { PartNumberMarker: NextPartNumberMarker ?? '' } } : {}),
  }
}

export type Versioning = 'enabled' | 'suspended' | 'never'
/** GetBucketVersioning: an empty document means that nobody ever enabled it. */
export function versioningIn(raw: string): Versioning {
  const { Status } = shaped(raw, 'VersioningConfiguration', z.object({ Status: z.enum(['Enabled', 'Suspended', '']).optional() }))
  return Status === 'Enabled' ? 'enabled' : Status === 'Suspended' ? 'suspended' : 'never'
}

const Encryption = z.object({
  Rule: z.array(z.object({ ApplyServerSideEncryptionByDefault: z.object({ SSEAlgorithm: z.string() }).optional() })),
})
/** GetBucketEncryption. */
export const encryptionIn = (raw: string): string =>
  plain(
    shaped(raw, 'ServerSideEncryptionConfiguration', Encryption).Rule[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm ??
      'none',
  )

const Lifecycle = z.object({
  Rule: z
    .array(
      z.object({
        Status: z.string(),
        AbortIncompleteMultipartUpload: z.object({ DaysAfterInitiation: count }).optional(),
      }),
    )
    .default([]),
})
/** GetBucketLifecycleConfiguration: how many rules are on, and after how many days unfinished uploads go by themselves. */
export function lifecycleIn(raw: string): { readonly rules: number; readonly abortsAfterDays?: number } {
  const on = shaped(raw, 'LifecycleConfiguration', Lifecycle).Rule.filter(({ Status }) => Status === 'Enabled')
  const days = on.flatMap(({ AbortIncompleteMultipartUpload: it }) => (it ? [it.DaysAfterInitiation] : []))
  return { rules: on.length, ...(days.length === 0 ? {} : { abortsAfterDays: Math.min(...days) }) }
}

/** GetObjectLockConfiguration. */
export const objectLockIn = (raw: string): 'on' | 'off' =>
  shaped(raw, 'ObjectLockConfiguration', z.object({ ObjectLockEnabled: z.string().optional() })).ObjectLockEnabled === 'Enabled'
    ? 'on'
    : 'off'

/** Assumed: an S3 that does not know what it is asked of a bucket may list it. That is no answer, and no garbage. */
export function isListing(raw: string): boolean {
  try {
    listingIn(raw)
    return true
  } catch {
    return false
  }
}

const Began = z.object({ UploadId: z.string().min(1) })
/** CreateMultipartUpload. */
export const uploadIdIn = (raw: string): string => shaped(raw, 'InitiateMultipartUploadResult', Began).UploadId
/** CompleteMultipartUpload. */
export const completedIn = (raw: string): string => shaped(raw, 'CompleteMultipartUploadResult', z.object({ ETag: tag })).ETag

/** An object as HEAD tells it; what S3 did not say is not there. */
export interface Seen {
  readonly key: string
  readonly bytes: Bytes
  readonly etag: string
  readonly modified: string
  readonly storageClass: string // S3 leaves it out for STANDARD
  readonly sha256?: string // as we wrote it down beside the object
  readonly by?: string // the intent of ours that put it there
  readonly whole?: boolean // is it as long as it was meant to be
  readonly version?: string
  readonly encryption?: string
  readonly lockedUntil?: string
}

export function seenIn(key: string, { headers }: Answer): Seen {
  const bytes = Number(headers['content-length'] ?? Number.NaN)
  const modified = new Date(headers['last-modified'] ?? Number.NaN)
  const etag = (headers['etag'] ?? '').replaceAll('"', '')
  if (!Number.isSafeInteger(bytes) || Number.isNaN(modified.getTime()) || etag === '')
    throw new Misread('the answer does not say size, time and etag of the object', JSON.stringify(headers).slice(0, 2_000))
  const sha256 = /^[0-9a-f]{64}$/.exec(headers['x-amz-meta-sha256'] ?? '')?.[0]
  const meant = headers['x-amz-meta-bytes']
  const given = (name: string, header: string): object =>
    headers[header] === undefined ? {} : { [name]: plain(headers[header]).slice(0, 200) }
  return {
    key,
    bytes,
    etag,
    modified: modified.toISOString(),
    storageClass: plain(headers['x-amz-storage-class'] ?? 'STANDARD'),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...given('by', 'x-amz-meta-signalbox-intent'),
    ...(meant === undefined ? {} : { whole: Number(meant) === bytes }),
    ...given('version', 'x-amz-version-id'),
    ...given('encryption', 'x-amz-server-side-encryption'),
    ...given('lockedUntil', 'x-amz-object-lock-retain-until-date'),
  }
}

/** For answers that have no body, or none that matters. */
export const nothingIn = (): undefined => undefined
export const emptyIn = ({ text: body }: Answer): undefined => {
  if (body.trim() !== '') throw new Misread('the answer was to be empty', body)
  return undefined
}

export const skewText = (skew: Millis | undefined): number | undefined =>
  skew === undefined ? undefined : Math.round(skew / 1_000)

/** What `signalbox understand` is given: the whole error document. */
export function faultIn(raw: string): unknown {
  documentIn(raw, 'Error')
  return errorIn(raw)
}
