import {
  AbortMultipartUploadCommand,
  type BucketLocationConstraint,
  CreateBucketCommand,
  GetBucketVersioningCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3'
import { exclusive } from '../../src/kit/claims.ts'
import { type Call, capability } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import { emptyIn, nothingIn, versioningIn } from './answers.ts'
import { bucketStands, pages, uploads } from './looking.ts'
import { afterwards } from './objects.ts'
import { Nothing, OneUpload, quoted } from './params.ts'
import { Faulted } from './trouble.ts'
import type { Bucket } from './wire.ts'

const on = capability<Bucket>()

export interface Stands {
  readonly stands: string
}
/** Only the way from where it had not happened to where it has proves this request. */
const judged =
  (from: string, to: string) =>
  (before: Stands, now: Stands): { readonly done: boolean } | { readonly done: 'unknown'; readonly why: string } => {
    if (before.stands === from && now.stands === to) return { done: true }
    if (before.stands === from && now.stands === from) return { done: false }
    return { done: 'unknown', why: `it stood at ${before.stands}, and stands at ${now.stands} now` }
  }

/** A fault of S3 may come after its success: what is there decides. */
async function settled(change: () => Promise<unknown>, happened: () => Promise<boolean>): Promise<void> {
  try {
    await change()
  } catch (error) {
    if (!(error instanceof Faulted) || !(await afterwards(happened))) throw error
  }
}

/** The SDK lists the regions it was built with; there are new ones each year. */
const constraint = (region: string): BucketLocationConstraint => region as BucketLocationConstraint

export const createBucket = on({
  summary: 'Create the bucket that the site file names.',
  examples: ['create bucket on dr-s3'],
  params: Nothing,
  says: target => `create bucket on ${target}`,
  sends: () => ['HeadBucket', 'CreateBucket', 'HeadBucket'],
  effect: {
    risk: 'routine',
    claims: () => [exclusive('bucket')],
    inDoubt: {
      ask: 'device',
      look: async (bucket, { signal }) => ({ stands: await bucketStands(bucket, signal) }),
      judge: judged('absent', 'there'),
    },
  },
  perform: async (bucket, call) => {
    const { bucket: name, region, endpoint } = bucket
    const stands = await bucketStands(bucket, call.signal)
    if (stands === 'there') throw new Refused(`the bucket ${name} is there already`)
    if (stands === 'foreign') throw new Refused(`the name ${name} is taken by a bucket that we may not use: take another one`)
    // AWS wants every region said but its first one.
    const place =
      region === 'us-east-1' || endpoint !== undefined
        ? {}
        : { CreateBucketConfiguration: { LocationConstraint: constraint(region) } }
    await settled(
      () => bucket.change(() => new CreateBucketCommand({ Bucket: name, ...place }), nothingIn, call),
      async () => (await bucketStands(bucket, call.signal)) === 'there',
    )
    if ((await afterwards(() => bucketStands(bucket, call.signal))) !== 'there')
      throw new Uncertain('S3 said yes, and the bucket is not there')
    return { bucket: name, region }
  },
})

const versioning = (bucket: Bucket, signal: AbortSignal) =>
  bucket.ask(
    () => new GetBucketVersioningCommand({ Bucket: bucket.bucket }),
    ({ text }) => versioningIn(text),
    signal,
  )

async function setVersioning(bucket: Bucket, call: Call<unknown>, Status: 'Enabled' | 'Suspended') {
  const wanted = Status === 'Enabled' ? 'enabled' : 'suspended'
  const before = await versioning(bucket, call.signal)
  await settled(
    () =>
      bucket.change(
        () => new PutBucketVersioningCommand({ Bucket: bucket.bucket, VersioningConfiguration: { Status } }),
        emptyIn,
        call,
      ),
    async () => (await versioning(bucket, call.signal)) === wanted,
  )
  const now = await afterwards(() => versioning(bucket, call.signal))
  if (now !== wanted) throw new Uncertain(`S3 said yes, and versioning is ${now}`)
  return { bucket: bucket.bucket, versioning: now, before }
}

export const enableVersioning = on({
  summary: 'Keep every version of every object from now on. What is deleted or replaced stays, and costs.',
  examples: ['enable versioning on dr-s3'],
  params: Nothing,
  says: target => `enable versioning on ${target}`,
  sends: () => ['PutBucketVersioning Enabled', 'GetBucketVersioning'],
  effect: { risk: 'routine', claims: () => [exclusive('versioning')], inDoubt: { ask: 'nobody' } },
  perform: (bucket, call) => setVersioning(bucket, call, 'Enabled'),
})

export const suspendVersioning = on({
  summary: 'Keep no new versions. Those that are there stay; what is deleted or replaced from now on is gone.',
  examples: ['suspend versioning on dr-s3'],
  params: Nothing,
  says: target => `suspend versioning on ${target}`,
  sends: () => ['PutBucketVersioning Suspended', 'GetBucketVersioning'],
  effect: { risk: 'disruptive', claims: () => [exclusive('versioning')], inDoubt: { ask: 'nobody' } },
  perform: (bucket, call) => setVersioning(bucket, call, 'Suspended'),
})

async function uploadStands(
  bucket: Bucket,
  { id, key }: { readonly id: string; readonly key: string },
  signal: AbortSignal,
): Promise<string> {
  for await (const { items, last } of pages(next => uploads(bucket, { prefix: key, next }, signal), 50)) {
    if (items.some(one => one.id === id && one.key === key)) return 'there'
    if (last) return 'absent'
  }
  return 'somewhere in more than 50,000 uploads'
}

export const abortUpload = on({
  summary: 'Abort an unfinished upload. Its parts are gone, and cost no more.',
  examples: ['abort upload VXBsb2FkIElE of backup/sql01.bak on dr-s3'],
  params: OneUpload,
  says: (target, { id, key }) => `abort upload ${quoted(id)} of ${quoted(key)} on ${target}`,
  sends: ({ id, key }) => [`AbortMultipartUpload ${key} ${id}`],
  effect: {
    risk: 'destructive',
    claims: ({ id, key }) => [exclusive('object', key), exclusive('upload', id)],
    inDoubt: {
      ask: 'device',
      look: async (bucket, { params, signal }) => ({ stands: await uploadStands(bucket, params, signal) }),
      judge: judged('there', 'absent'),
    },
  },
  perform: async (bucket, call) => {
    const { id, key } = call.params
    const stands = await uploadStands(bucket, call.params, call.signal)
    if (stands !== 'there') throw new Refused(`there is no unfinished upload ${id} of ${key}: it was completed or aborted`)
    await settled(
      () =>
        bucket.change(() => new AbortMultipartUploadCommand({ Bucket: bucket.bucket, Key: key, UploadId: id }), emptyIn, call),
      async () => (await uploadStands(bucket, call.params, call.signal)) === 'absent',
    )
    if ((await afterwards(() => uploadStands(bucket, call.params, call.signal))) !== 'absent')
      throw new Uncertain(
        'S3 said yes, and the upload is still there: parts that were on their way may have come after. Abort it again',
      )
    return { key, id }
  },
})
