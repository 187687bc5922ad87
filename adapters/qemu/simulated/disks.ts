import { closeSync, existsSync, ftruncateSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Bytes } from '../../../src/kit/units.ts'

/** A granule is what an overlay holds or lacks, what a bitmap counts and what a job copies at a time. */
export const GRANULE: Bytes = 65_536

export interface Bitmap {
  readonly name: string
  readonly persistent: boolean
  recording: boolean
  inconsistent: boolean
  dirty: number[]
}

/** One node: a real file, and for an overlay what of it is written and what it stands on. */
export interface Disk {
  readonly node: string
  readonly driver: string
  readonly file: string
  readonly bytes: Bytes
  backing?: string
  holds?: number[] // granules of an overlay
  bitmaps: Bitmap[]
}

/** The bytes of the nodes, in real files of the simulator's folder. */
export interface Files {
  create(file: string, bytes: Bytes): void
  size(file: string): Bytes | undefined
  /** What a reader of the node sees: its own granules, and else those below it. */
  read(disks: ReadonlyMap<string, Disk>, node: string, granule: number): Buffer
  write(disks: ReadonlyMap<string, Disk>, node: string, granule: number, data: Buffer): void
}

export function filesIn(folder: string): Files {
  const at = (file: string): string => join(folder, file.replaceAll('/', '_'))
  const withFile = <T>(file: string, use: (handle: number) => T): T => {
    const handle = openSync(at(file), 'r+')
    try {
      return use(handle)
    } finally {
      closeSync(handle)
    }
  }
  return {
    create(file, bytes) {
      if (existsSync(at(file))) return
      const handle = openSync(at(file), 'w')
      ftruncateSync(handle, bytes)
      closeSync(handle)
    },
    size: file => (existsSync(at(file)) ? statSync(at(file)).size : undefined),
    read(disks, node, granule) {
      let disk = disks.get(node)
      while (disk?.holds && !disk.holds.includes(granule) && disk.backing !== undefined) disk = disks.get(disk.backing)
      const data = Buffer.alloc(GRANULE)
      if (disk) withFile(disk.file, handle => readSync(handle, data, 0, GRANULE, granule * GRANULE))
      return data
    },
    write(disks, node, granule, data) {
      const disk = disks.get(node)
      if (!disk) return
      withFile(disk.file, handle => writeSync(handle, data, 0, GRANULE, granule * GRANULE))
      if (disk.holds && !disk.holds.includes(granule)) disk.holds.push(granule)
      for (const bitmap of disk.bitmaps) if (bitmap.recording && !bitmap.dirty.includes(granule)) bitmap.dirty.push(granule)
    },
  }
}
