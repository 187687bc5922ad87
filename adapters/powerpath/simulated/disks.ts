import { closeSync, existsSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Bytes } from '../../../src/kit/units.ts'

/** One LUN of the lab: a sparse file, and what `powermt` shows of it. */
export interface Lun {
  readonly name: string // its pseudo name at the start; names are exchanged after a migration
  readonly bytes: Bytes
  readonly product: string // "Symmetrix", "VNX"
  readonly array: string
  readonly device: string
  readonly lun?: string
  readonly initialised?: boolean // it has a partition table
  readonly paths: readonly {
    readonly hba: number
    readonly hardware: string
    readonly name: string
    readonly interface: string
    readonly state?: 'alive' | 'dead'
    readonly errors?: number
  }[]
}

/** The files behind the LUNs. Everything is synchronous: a write and its mirror are one act, as in a filter driver. */
export interface Disks {
  read(lun: string, offset: Bytes, length: Bytes): Buffer
  write(lun: string, offset: Bytes, bytes: Uint8Array): void
  close(): void
}

export function disksIn(folder: string, luns: readonly Lun[]): Disks {
  mkdirSync(folder, { recursive: true })
  const handles = new Map(
    luns.map(lun => {
      const file = join(folder, `${lun.name}.img`)
      const handle = openSync(file, existsSync(file) ? 'r+' : 'w+')
      if (fstatSync(handle).size !== lun.bytes) ftruncateSync(handle, lun.bytes)
      return [lun.name, { handle, bytes: lun.bytes }] as const
    }),
  )
  const behind = (lun: string, offset: Bytes, length: Bytes): number => {
    const found = handles.get(lun)
    if (!found) throw new Error(`the lab has no LUN ${lun}`)
    if (offset < 0 || offset + length > found.bytes) throw new Error(`${offset} to ${offset + length} is outside of ${lun}`)
    return found.handle
  }
  return {
    read(lun, offset, length) {
      const buffer = Buffer.alloc(length)
      readSync(behind(lun, offset, length), buffer, 0, length, offset)
      return buffer
    },
    write(lun, offset, bytes) {
      writeSync(behind(lun, offset, bytes.length), bytes, 0, bytes.length, offset)
    },
    close() {
      for (const { handle } of handles.values()) closeSync(handle)
    },
  }
}
