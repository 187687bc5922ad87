import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { z } from 'zod'
import type { Bytes } from '../domain/ids.ts'
import { parseChanged } from './changed-list.ts'
import { totalOf } from './extents.ts'
import { nbdkitWords } from './nbdkit.ts'
import { SyncStopped, saidBy } from './stopped.ts'

export const MachineName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/)
const DiskName = MachineName.refine(name => name !== 'machines', 'that is where the sets lie')
const Path = z.string().regex(/^\/[^\0-\x1f\x7f]{0,4094}$/, 'a whole path')
const Point = z.string().regex(/^[^\0-\x1f\x7f]{1,400}$/)
const MOST: Bytes = 16 << 20

/** What is to be pushed of a machine at one point in time; whoever took the snapshots writes it. */
const Order = z
  .strictObject({
    format: z.literal('signalbox-order'),
    version: z.literal(1),
    machine: MachineName,
    point: Point,
    taken: z.int().min(0), // milliseconds since 1970
    disks: z
      .array(
        z.strictObject({
          disk: DiskName,
          size: z.int().min(1),
          source: z.union([
            z.string().regex(/^(\/|nbd:|nbd\+unix:)[^\0-\x1f\x7f]{1,4000}$/),
            z.strictObject({ nbdkit: z.array(z.string()).min(1).max(40) }),
          ]),
          changed: Path.nullable(),
          point: Point.nullable(),
        }),
      )
      .min(1)
      .max(256),
  })
  .refine(({ disks }) => new Set(disks.map(({ disk }) => disk)).size === disks.length, 'a disk is named twice')
export type Order = Readonly<z.infer<typeof Order>>

export interface Part {
  readonly disk: string
  readonly size: Bytes
  readonly source: Order['disks'][number]['source']
  readonly list: string | undefined // the text of the changed blocks
  readonly bytes: Bytes // that this push is about
  readonly point: string
}

/** The whole order, checked before anything is pushed: its digest if one was named, each list, each word for nbdkit. */
export async function readOrder(
  file: string,
  digest?: string,
): Promise<{ readonly order: Order; readonly parts: readonly Part[] }> {
  const text = await read(file)
  const found = createHash('sha256').update(text).digest('hex')
  if (digest !== undefined && digest.toLowerCase() !== found)
    throw bad(`The order ${file} is not the one that was meant: its SHA-256 is ${found}.`)
  let order: Order
  try {
    order = Order.parse(JSON.parse(text.toString('utf8')))
  } catch (error) {
    const why = error instanceof z.ZodError ? `${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message}` : saidBy(error)
    throw bad(`The order ${file} cannot be read. ${why.slice(0, 300)}.`, error)
  }
  const parts: Part[] = []
  for (const { disk, size, source, changed, point } of order.disks) {
    if (typeof source !== 'string') nbdkitWords(source.nbdkit)
    const list = changed === null ? undefined : (await read(changed)).toString('utf8')
    const bytes = list === undefined ? size : totalOf(parseChanged(list, size))
    parts.push({ disk, size, source, list, bytes, point: point ?? order.point })
  }
  return { order, parts }
}

/** A list of a large disk is a line for each change, so it may be larger than an order. */
async function read(file: string): Promise<Buffer> {
  try {
    if ((await stat(file)).size > 16 * MOST) throw new Error('it is larger than 256 MiB')
    return await readFile(file)
  } catch (error) {
    throw bad(`The file ${file} cannot be read: ${saidBy(error)}.`, error)
  }
}

const bad = (why: string, cause?: unknown): SyncStopped =>
  new SyncStopped('bad use', `${why} Nothing was pushed. Say the right one, then start again.`, cause)
