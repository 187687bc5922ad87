import { rename, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import type { Bytes } from '../domain/ids.ts'
import { readIfThere, syncFolder, writeDurably } from './durable-file.ts'
import { pointOf } from './file-source.ts'
import { codeOf, SyncStopped } from './stopped.ts'

/** Which generation an image shows, and by what we know it again. */
const Applied = z.object({ disk: z.string(), generation: z.int(), digest: z.string(), point: z.string() })
export type Applied = Readonly<z.infer<typeof Applied>>

const applied = (work: string): string => `${work}/applied.json`
const next = (work: string): string => `${work}/applied.next.json`

export interface Found {
  readonly size: Bytes
  readonly applied: Applied | undefined // undefined: nobody wrote down what it is, or somebody wrote to it since
}

/** The image that is there. A mover that died right after the flip left its note beside: it is taken up. */
export async function findImage(image: string, work: string): Promise<Found | undefined> {
  const there = await stat(image, { bigint: true }).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  if (!there) return undefined
  if (!there.isFile())
    throw new SyncStopped(
      'target',
      `${image} is no regular file. The flip is a rename, which a device has not: pull to a file, and copy that.`,
    )
  const [now, before] = [await note(next(work)), await note(applied(work))]
  const point = pointOf(there)
  if (now?.point === point) {
    await rename(next(work), applied(work))
    return { size: Number(there.size), applied: now }
  }
  return { size: Number(there.size), applied: before?.point === point ? before : undefined }
}

async function note(path: string): Promise<Applied | undefined> {
  const text = await readIfThere(path)
  return text === undefined ? undefined : Applied.parse(JSON.parse(text))
}

/** From one moment to the next the image is the new one, whole and on disk, or it still is the old one. */
export async function flip(clone: string, image: string, work: string, what: Omit<Applied, 'point'>): Promise<void> {
  const point = pointOf(await stat(clone, { bigint: true }))
  await writeDurably(next(work), JSON.stringify({ ...what, point }))
  await rename(clone, image)
  await syncFolder(dirname(image))
  await rename(next(work), applied(work))
}

/** Before anything is written: there must be room for the new image beside the old one. */
export async function roomFor(folder: string, bytes: Bytes): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize < bytes)
    throw new SyncStopped(
      'target',
      `${folder} has ${bavail * bsize} bytes left, and the new image needs up to ${bytes}. Make room, then start again.`,
    )
}
