import { createHash } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Refused } from '../../src/kit/errors.ts'
import type { Bytes, Millis } from '../../src/kit/units.ts'
import type { Area } from './areas.ts'
import type { Disk } from './disks.ts'
import type { Ref } from './soap.ts'
import type { Settings } from './wire.ts'

/** What `signalbox blocksync push-set` reads: which disks of one moment to copy, from where, and which parts of them. */
export interface Order {
  readonly format: 'signalbox-order'
  readonly version: 1
  readonly machine: string
  readonly point: string // the snapshot
  readonly taken: Millis // when the snapshot was made
  readonly disks: readonly {
    readonly disk: string
    readonly size: Bytes
    readonly source: Source
    readonly changed: string | null // the file with the list; null is the whole disk
    readonly point: string | null // where the disk stands, for the next list
  }[]
}

export type Source = string | { readonly nbdkit: readonly string[] }

/** From where a disk is read, as it was at the snapshot. */
export function sourceOf(settings: Settings, machine: Ref, snapshot: Ref, disk: string, { file }: Disk): Source {
  const { nbd, vddk } = settings
  if (nbd !== undefined) return nbd.includes('{disk}') ? nbd.replaceAll('{disk}', disk) : `${nbd.replace(/\/+$/, '')}/${disk}`
  if (vddk === undefined) throw new Refused('the site file does not say how disks are read: give this target `vddk` or `nbd`')
  if (file === undefined || !/^\[[^\]\0-\x1f]{1,80}\] [^\0-\x1f]{1,400}$/.test(file))
    throw new Refused(`vCenter does not say in which file ${disk} lies`)
  return {
    nbdkit: [
      'vddk',
      `vm=moref=${machine.id}`,
      `snapshot=${snapshot.id}`,
      `file=${file}`,
      `server=${settings.host}`,
      `user=${settings.username}`,
      `password=+${vddk.passwordFile}`,
      `thumbprint=${vddk.thumbprint}`,
      `libdir=${vddk.libdir}`,
      ...(vddk.transports === undefined ? [] : [`transports=${vddk.transports}`]),
    ],
  }
}

/** Writes the list of a disk, "offset length" in bytes a line, and returns the whole path of its file. */
export const writeList = (folder: string, disk: string, areas: readonly Area[]): Promise<string> => {
  const text = areas.map(({ offset, length }) => `${offset} ${length}\n`).join('')
  return written(folder, name => `${disk}-${name}.txt`, text)
}

/** Writes the order, once everything it names is there. */
export async function writeOrder(folder: string, order: Order): Promise<{ readonly path: string; readonly digest: string }> {
  const text = `${JSON.stringify(order, undefined, 2)}\n`
  return { path: await written(folder, name => `order-${name}.json`, text), digest: digestOf(text) }
}

/**
 * A file named for what is in it: written again it is the same file, and two lists never get in each other's way. It appears whole or
 * not at all, and is on the disk before its path is told.
 */
async function written(folder: string, named: (digest: string) => string, text: string): Promise<string> {
  const path = join(resolve(folder), named(digestOf(text).slice(0, 16)))
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}.${performance.now()}.draft`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
  const parent = await open(dirname(path), 'r')
  try {
    await parent.sync()
  } finally {
    await parent.close()
  }
  return path
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')
