import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import type { Bytes } from '../domain/ids.ts'
import { taken } from './folder-store.ts'
import type { Pack } from './manifest.ts'
import { sideBySide } from './running.ts'
import { bodyUnsigned, checksums, fillFrom } from './s3-body.ts'
import { missing, nameOf, s3Trouble } from './s3-trouble.ts'
import { SyncStopped } from './stopped.ts'
import { BASE, generationOf, manifestName, packName, type Store } from './store.ts'

export interface S3Place {
  readonly bucket: string
  readonly prefix: string
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
}

const MOST: Bytes = 8 << 20 // in one request: a Swift takes 18 ms for a request, whatever is in it
const PART: Bytes = 8 << 20 // what is larger goes up in parts
const TRIES = 6 // of a request, with a longer wait after each (the SDK's standard mode); SlowDown is among what is tried again
const AT_ONCE = 16 // questions
const UPLOADS = 3 // of a pack as a whole, when a part of it was lost

/**
 * S3, or whatever speaks it. Credentials come from the standard chain of the SDK. A bucket gives no lock: two movers on one disk meet
 * at the manifest, where the second one is refused.
 */
export function openS3Store({ bucket, prefix, endpoint, region = 'us-east-1' }: S3Place): Store {
  const client = new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    maxAttempts: TRIES,
    requestChecksumCalculation: 'WHEN_REQUIRED', // we give our own; Swift does not understand those that the SDK would add
    responseChecksumValidation: 'WHEN_REQUIRED', // what comes back is compared with its SHA-256
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
  const text = async (name: string): Promise<string | undefined> => {
    try {
      const { Body } = await client.send(new GetObjectCommand(at(name)))
      return await Body?.transformToString()
    } catch (error) {
      if (missing(error)) return undefined
      throw error
    }
  }
  const read = async ({ name, length }: Pack, from: Bytes, into: Uint8Array): ReturnType<Store['read']> => {
    const all = into.length === length
    try {
      const range = all ? {} : { Range: `bytes=${from}-${from + into.length - 1}` }
      const { Body, ContentLength, ContentRange } = await client.send(new GetObjectCommand({ ...at(packName(name)), ...range }))
      const total = ContentRange === undefined ? ContentLength : Number(ContentRange.split('/')[1])
      if (total !== length || !(Body instanceof Readable)) {
        if (Body instanceof Readable) Body.destroy()
        return 'another length'
      }
      return (await fillFrom(Body, ContentRange === undefined ? from : 0, into)) ? 'filled' : 'another length'
    } catch (error) {
      if (missing(error)) return 'missing'
      if (nameOf(error) === 'InvalidRange') return 'another length'
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
  const put = async (pack: string, bytes: Uint8Array): Promise<void> => {
    const name = packName(pack)
    for (let upload = 1; ; upload++) {
      const by = randomUUID()
      const object = { ...at(name), Body: bytes, Metadata: { sent: by } }
      let trouble: unknown
      try {
        if (bytes.length > MOST) await new Upload({ client, params: object, partSize: PART, queueSize: 2 }).done()
        else await client.send(bodyUnsigned(new PutObjectCommand({ ...object, ...checksums(bytes, endpoint !== undefined) })))
        if (bytes.length <= MOST) return
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
  const remove = async (name: string): Promise<void> => {
    await client.send(new DeleteObjectCommand(at(name)))
  }
  return {
    most: MOST,
    put: (name, parts) =>
      asking(async () => {
        await put(name, parts.length === 1 ? parts[0]! : Buffer.concat(parts))
        sent.add(name)
      }),
    read: (pack, from, into) => asking(() => read(pack, from, into)),
    settle: packs =>
      asking(() =>
        sideBySide(
          packs.filter(({ name }) => !sent.has(name)),
          AT_ONCE,
          async ({ name, length }) => {
            if ((await head(packName(name)))?.length !== length)
              throw new SyncStopped('rot', `A pack that was put in ${bucket} is not there any more. Start the push again.`)
          },
        ),
      ),
    manifest: generation => asking(() => text(manifestName(generation))),
    listed: () =>
      asking(async () => {
        const found: number[] = []
        let from: string | undefined
        do {
          const page = await client.send(
            new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}/gen/`, ...(from ? { ContinuationToken: from } : {}) }),
          )
          found.push(...(page.Contents ?? []).map(({ Key = '' }) => generationOf(Key)))
          from = page.NextContinuationToken
        } while (from !== undefined)
        return found.filter(generation => generation > 0).sort((a, b) => a - b)
      }),
    publish: (generation, wanted) =>
      asking(async () => {
        const name = manifestName(generation)
        const object = { ...at(name), Body: wanted, ContentType: 'application/json' }
        if (((await text(name)) ?? wanted) !== wanted) throw taken(generation)
        let trouble: unknown
        try {
          await client.send(new PutObjectCommand({ ...object, IfNoneMatch: '*' }))
        } catch (error) {
          trouble = error
          // Swift knows no conditions and says so; then the look before is all there is.
          if (nameOf(error) === 'NotImplemented')
            await client.send(new PutObjectCommand(object)).then(() => (trouble = undefined))
        }
        const now = await text(name)
        if (now === wanted) return
        throw trouble !== undefined && now === undefined ? trouble : taken(generation)
      }),
    base: () => asking(() => text(BASE)),
    rebase: wanted =>
      asking(async () => {
        await client.send(new PutObjectCommand({ ...at(BASE), Body: wanted, ContentType: 'application/json' }))
      }),
    removePack: name => asking(() => remove(packName(name))),
    removeManifest: generation => asking(() => remove(manifestName(generation))),
    hold: async () => async () => {},
    close: () => client.destroy(),
  }
}

/** Sending it all once more helps where a part or an upload got lost, or the store had a bad moment; not where it says no. */
const mayHelp = (trouble: unknown): boolean =>
  trouble === undefined ||
  ['InvalidPart', 'NoSuchUpload', 'InternalError', 'SlowDown', 'BadDigest', 'RequestTimeout', 'TimeoutError'].includes(
    nameOf(trouble),
  )
