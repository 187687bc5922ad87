import { createHash } from 'node:crypto'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import type { Call } from '../../src/kit/device.ts'
import { Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import type { Bytes } from '../../src/kit/units.ts'
import { completedIn, emptyIn, uploadIdIn } from './answers.ts'
import type { Outgoing } from './files.ts'
import { quoted } from './params.ts'
import { Answered, Faulted } from './trouble.ts'
import type { Bucket } from './wire.ts'

export const IN_ONE: Bytes = 8 << 20 // what is larger goes up in parts
const MIB: Bytes = 1 << 20
const MOST_PARTS = 1_000 // AWS takes 10,000, Swift 1,000
const LARGEST: Bytes = 512 << 20 // of a part: it is held in memory
const LANES = 3
const ONLY_NEW = '*'

/** Large enough for all parts of the file to fit the number that S3 takes. */
export function partSizeOf(bytes: Bytes): Bytes {
  const size = Math.max(IN_ONE, Math.ceil(bytes / MOST_PARTS / MIB) * MIB)
  if (size > LARGEST)
    throw new Refused(`a file of ${bytes} bytes is too large for one object here: ${MOST_PARTS * LARGEST} is the most`)
  return size
}

/** Puts it there, in one piece or in parts; returns the number of parts. The marks let a later look know it again. */
export async function send(bucket: Bucket, file: Outgoing, key: string, call: Call<unknown>): Promise<number> {
  const place = { Bucket: bucket.bucket, Key: key }
  const Metadata = { sha256: file.sha256, bytes: String(file.bytes), 'signalbox-intent': call.intent }
  if (file.bytes <= IN_ONE) {
    const Body = await file.read(0, file.bytes)
    if (createHash('sha256').update(Body).digest('hex') !== file.sha256) await file.unchanged()
    await file.unchanged()
    const request = {
      ...place,
      Body,
      Metadata,
      ContentMD5: md5(Body),
      ChecksumSHA256: Buffer.from(file.sha256, 'hex').toString('base64'),
    }
    await onlyNew(IfNoneMatch => bucket.change(() => new PutObjectCommand({ ...request, ...IfNoneMatch }), emptyIn, call))
    return 1
  }
  const size = partSizeOf(file.bytes)
  const UploadId = await bucket.change(
    () => new CreateMultipartUploadCommand({ ...place, Metadata }),
    ({ text }) => uploadIdIn(text),
    call,
  )
  try {
    const Parts = await parts(bucket, file, { ...place, UploadId }, size, call)
    await file.unchanged()
    await onlyNew(IfNoneMatch =>
      bucket.change(
        () => new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts }, ...IfNoneMatch }),
        ({ text }) => completedIn(text),
        call,
      ),
    )
    return Parts.length
  } catch (error) {
    throw leftBehind(error, UploadId, key)
  }
}

/** "Only if there is none": Swift knows no conditions and says so; then the look before is all there is. */
async function onlyNew<T>(put: (condition: { readonly IfNoneMatch?: string }) => Promise<T>): Promise<T> {
  try {
    return await put({ IfNoneMatch: ONLY_NEW })
  } catch (error) {
    if (error instanceof Answered && error.code === 'PreconditionFailed')
      throw new Refused('somebody put an object there meanwhile: nothing was replaced', { cause: error })
    // A 501 is a no before anything was done, though its number is that of a fault.
    if (notImplemented(error)) return put({})
    throw error
  }
}
const notImplemented = (error: unknown): boolean => error instanceof Answered && error.code === 'NotImplemented'

interface Part {
  readonly PartNumber: number
  readonly ETag: string
}

async function parts(
  bucket: Bucket,
  file: Outgoing,
  place: { readonly Bucket: string; readonly Key: string; readonly UploadId: string },
  size: Bytes,
  call: Call<unknown>,
): Promise<Part[]> {
  const count = Math.ceil(file.bytes / size)
  const sent: Part[] = []
  let next = 0
  let failure: { readonly error: unknown } | undefined
  const lane = async (): Promise<void> => {
    while (!failure && next < count) {
      const number = ++next
      try {
        const Body = await file.read((number - 1) * size, Math.min(size, file.bytes - (number - 1) * size))
        const ETag = await bucket.change(
          () => new UploadPartCommand({ ...place, PartNumber: number, Body, ContentMD5: md5(Body) }),
          answer => {
            emptyIn(answer)
            const etag = answer.headers['etag']
            if (etag === undefined) throw new Uncertain(`part ${number} was sent, and S3 did not say what it got`)
            return etag
          },
          call,
        )
        sent.push({ PartNumber: number, ETag })
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  if (failure) throw failure.error
  return sent.sort((a, b) => a.PartNumber - b.PartNumber)
}

/** The same kind of error, with the sentence that clears up. A part that nobody took is Uncertain too: the upload itself was begun. */
function leftBehind(error: unknown, id: string, key: string): Error {
  const why = error instanceof Error ? error.message : String(error)
  const said = `${why}. An unfinished upload is left, and costs: abort upload ${quoted(id)} of ${quoted(key)}`
  if (error instanceof Refused) return new Refused(said, { cause: error })
  if (error instanceof Unreachable) return new Unreachable(said, { cause: error })
  return error instanceof Faulted ? new Faulted(said, { cause: error }) : new Uncertain(said, { cause: error })
}

const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('base64')
