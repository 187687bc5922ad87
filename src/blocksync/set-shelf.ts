import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, unlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { readIfThere, syncFolder } from './durable-file.ts'
import { missing, nameOf, s3Trouble } from './s3-trouble.ts'
import { codeOf, SyncStopped } from './stopped.ts'
import type { StorePlace } from './store.ts'

/** Where the sets of one machine lie: `machines/NAME/00000001.json` and so on, beside the disks. Nothing there is ever replaced. */
export interface Shelf {
  listed(): Promise<number> // the highest; a listing may lag behind
  read(number: number): Promise<string | undefined>
  /** Durable when it returns. False when there is another one of that number; true also when it was this very text. */
  put(number: number, text: string): Promise<boolean>
  close(): void
}

export type ShelfPlace = Omit<StorePlace, 'disk'> & { readonly machine: string }

const MOST = 4 << 20
const nameOfSet = (number: number): string => `${String(number).padStart(8, '0')}.json`
const numberOf = (name: string): number => Number(/(?:^|\/)(\d{8})\.json$/.exec(name)?.[1] ?? 0)

export async function openShelf(place: ShelfPlace): Promise<Shelf> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(place.machine))
    throw new SyncStopped(
      'bad use',
      'The name of a machine is made of letters, digits, dots, dashes and underscores. Say another one.',
    )
  if (!/^[a-z0-9+]+:\/\//.test(place.store)) return folderShelf(join(resolve(place.store), 'machines', place.machine))
  const [, bucket, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]+)(?:\/(.*))?$/.exec(place.store) ?? []
  if (bucket === undefined) throw new SyncStopped('bad use', 'A store is a folder or s3://bucket/prefix. Say one of them.')
  const root = prefix.replace(/\/+$/, '')
  return s3Shelf(bucket, `${root === '' ? '' : `${root}/`}machines/${place.machine}`, place)
}

function folderShelf(folder: string): Shelf {
  return {
    listed: async () => {
      const names = await readdir(folder).catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return []
        throw error
      })
      return Math.max(0, ...names.map(numberOf))
    },
    read: number => readIfThere(join(folder, nameOfSet(number))),
    put: async (number, text) => {
      const made = await mkdir(folder, { recursive: true })
      const part = join(folder, `.${randomUUID()}.part`)
      try {
        const file = await open(part, 'w')
        try {
          await file.writeFile(text)
          await file.sync()
        } finally {
          await file.close()
        }
        await link(part, join(folder, nameOfSet(number))) // unlike a rename, it does not replace
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return (await readIfThere(join(folder, nameOfSet(number)))) === text
        throw error
      } finally {
        await unlink(part).catch(() => {})
      }
      await syncFolder(folder)
      if (made !== undefined) for (const above of [dirname(folder), dirname(dirname(folder))]) await syncFolder(above)
      return true
    },
    close: () => {},
  }
}

async function s3Shelf(bucket: string, prefix: string, { endpoint, region = 'us-east-1' }: ShelfPlace): Promise<Shelf> {
  // The SDK is large: only who needs it waits for it.
  const { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3')
  const client = new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    maxAttempts: 6,
    requestHandler: { connectionTimeout: 10_000, requestTimeout: 120_000 },
  })
  const at = (number: number) => ({ Bucket: bucket, Key: `${prefix}/${nameOfSet(number)}` })
  const asking = async <T>(ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask()
    } catch (error) {
      throw error instanceof SyncStopped ? error : s3Trouble(bucket, error)
    }
  }
  const read = async (number: number): Promise<string | undefined> => {
    try {
      const { Body, ContentLength = 0 } = await client.send(new GetObjectCommand(at(number)))
      if (ContentLength > MOST)
        throw new SyncStopped('rot', `The set ${number} in the store is too large to be one. See to the store.`)
      return await Body?.transformToString()
    } catch (error) {
      if (missing(error)) return undefined
      throw error
    }
  }
  return {
    listed: () =>
      asking(async () => {
        let newest = 0
        let from: string | undefined
        do {
          const page = await client.send(
            new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}/`, ...(from ? { ContinuationToken: from } : {}) }),
          )
          newest = Math.max(newest, ...(page.Contents ?? []).map(({ Key = '' }) => numberOf(Key)))
          from = page.NextContinuationToken
        } while (from !== undefined)
        return newest
      }),
    read: number => asking(() => read(number)),
    put: (number, text) =>
      asking(async () => {
        if (((await read(number)) ?? text) !== text) return false
        const object = { ...at(number), Body: text, ContentType: 'application/json' }
        let trouble: unknown
        try {
          await client.send(new PutObjectCommand({ ...object, IfNoneMatch: '*' }))
        } catch (error) {
          trouble = error
          // Swift knows no conditions and says so; then the look before is all there is.
          if (nameOf(error) === 'NotImplemented')
            await client.send(new PutObjectCommand(object)).then(() => (trouble = undefined))
        }
        // An error may have come after success. What is there decides.
        const now = await read(number)
        if (trouble !== undefined && now === undefined) throw trouble
        return now === text
      }),
    close: () => client.destroy(),
  }
}
