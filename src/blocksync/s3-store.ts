import { createHash, randomUUID } from 'node:crypto'
import { GetObjectCommand, HeadObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import type { Bytes } from '../domain/ids.ts'
import { taken } from './folder-store.ts'
import { missing, nameOf, s3Trouble } from './s3-trouble.ts'
import { SyncStopped } from './stopped.ts'
import { chunkName, generationOf, manifestName, type Store } from './store.ts'

export interface S3Place {
  readonly bucket: string
  readonly prefix: string
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
}

const IN_PARTS: Bytes = 8 << 20 // what is larger goes up in parts
const PART: Bytes = 8 << 20
const TRIES = 6 // of a request, with a longer wait after each (the SDK's standard mode); SlowDown is among what is tried again
const UPLOADS = 3 // of a chunk as a whole, when a part of it was lost

/**
 * S3, or whatever speaks it. Credentials come from the standard chain of the SDK. A bucket gives no lock: two movers on one disk meet
 * at the manifest, where the second one is refused.
 */
export function openS3Store({ bucket, prefix, endpoint, region = 'us-east-1' }: S3Place): Store {
  const client = new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    maxAttempts: TRIES,
    requestHandler: { connectionTimeout: 10_000, requestTimeout: 120_000 },
  })
  const at = (name: string) => ({ Bucket: bucket, Key: `${prefix}/${name}` })
  const sent = new Set<string>() // by us, and answered
  const asking = async <T>(ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask()
    } catch (error) {
      throw error instanceof SyncStopped ? error : s3Trouble(bucket, error)
    }
  }
  const get = async (name: string, most: Bytes): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    try {
      const { Body, ContentLength = 0 } = await client.send(new GetObjectCommand(at(name)))
      if (ContentLength > most) return new Uint8Array(most)
      return Body === undefined ? undefined : new Uint8Array(await Body.transformToByteArray())
    } catch (error) {
      if (missing(error)) return undefined
      throw error
    }
  }
  /** Its length, and by which attempt it came to be. */
  const head = async (name: string): Promise<{ length: Bytes; by: string | undefined } | undefined> => {
    try {
      const { ContentLength = -1, Metadata } = await client.send(new HeadObjectCommand(at(name)))
      return { length: ContentLength, by: Metadata?.['sent'] }
    } catch (error) {
      if (missing(error)) return undefined
      throw error
    }
  }
  const put = async (sha256: string, bytes: Uint8Array): Promise<void> => {
    const name = chunkName(sha256)
    for (let upload = 1; ; upload++) {
      const by = randomUUID()
      const object = { ...at(name), Body: bytes, Metadata: { sent: by } }
      let trouble: unknown
      try {
        if (bytes.length > IN_PARTS) await new Upload({ client, params: object, partSize: PART, queueSize: 2 }).done()
        else await client.send(new PutObjectCommand({ ...object, ...checksums(sha256, bytes, endpoint !== undefined) }))
        if (bytes.length <= IN_PARTS) return
      } catch (error) {
        trouble = error
      }
      // An error may have come after success, and a success after a part was lost. What is there decides.
      const there = await head(name).catch((error: unknown) => {
        throw trouble ?? error // the answer to a HEAD has no body, so the first one says more
      })
      if (there?.by === by && there.length === bytes.length) return
      if (upload === UPLOADS || !mayHelp(trouble))
        throw (
          trouble ??
          new SyncStopped(
            'store',
            `The store ${bucket} lost a part of what was sent, ${UPLOADS} times. See to it, then start again.`,
          )
        )
    }
  }
  return {
    put: (sha256, bytes) =>
      asking(async () => {
        await put(sha256, bytes)
        sent.add(sha256)
      }),
    get: (sha256, length) => asking(() => get(chunkName(sha256), length + 1)),
    settle: chunks =>
      asking(async () => {
        const old = chunks.filter(({ sha256 }) => !sent.has(sha256))
        for (let next = 0; next < old.length; next += 16)
          await Promise.all(
            old.slice(next, next + 16).map(async ({ sha256, length }) => {
              if ((await head(chunkName(sha256)))?.length !== length)
                throw new SyncStopped('store', `A chunk that was put in ${bucket} is not there any more. Start the push again.`)
            }),
          )
      }),
    manifest: generation =>
      asking(async () => {
        const bytes = await get(manifestName(generation), 1 << 30)
        return bytes && Buffer.from(bytes).toString()
      }),
    listed: () =>
      asking(async () => {
        let newest = 0
        let from: string | undefined
        do {
          const page = await client.send(
            new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}/gen/`, ...(from ? { ContinuationToken: from } : {}) }),
          )
          newest = Math.max(newest, ...(page.Contents ?? []).map(({ Key = '' }) => generationOf(Key)))
          from = page.NextContinuationToken
        } while (from !== undefined)
        return newest
      }),
    publish: (generation, text) =>
      asking(async () => {
        const object = { ...at(manifestName(generation)), Body: text, ContentType: 'application/json' }
        const there = async (): Promise<string | undefined> =>
          await get(manifestName(generation), 1 << 30).then(bytes => bytes && Buffer.from(bytes).toString())
        if (((await there()) ?? text) !== text) throw taken(generation)
        let trouble: unknown
        try {
          await client.send(new PutObjectCommand({ ...object, IfNoneMatch: '*' }))
        } catch (error) {
          trouble = error
          // Swift knows no conditions and says so; then the look before is all there is.
          if (nameOf(error) === 'NotImplemented')
            await client.send(new PutObjectCommand(object)).then(() => (trouble = undefined))
        }
        const now = await there()
        if (now === text) return
        throw trouble !== undefined && now === undefined ? trouble : taken(generation)
      }),
    hold: async () => async () => {},
    close: () => client.destroy(),
  }
}

/** AWS checks SHA-256; of the others some check only MD5, and all of them that. */
const checksums = (sha256: string, bytes: Uint8Array, notAws: boolean) => ({
  ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
  ...(notAws ? { ContentMD5: createHash('md5').update(bytes).digest('base64') } : {}),
})

/** Sending it all once more helps where a part or an upload got lost, or the store had a bad moment; not where it says no. */
const mayHelp = (trouble: unknown): boolean =>
  trouble === undefined ||
  ['InvalidPart', 'NoSuchUpload', 'InternalError', 'SlowDown', 'BadDigest', 'RequestTimeout', 'TimeoutError'].includes(
    nameOf(trouble),
  )
