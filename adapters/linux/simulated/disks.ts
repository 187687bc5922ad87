import { closeSync, existsSync, openSync, readSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Bytes } from '../../../src/kit/units.ts'

/** A disk that is attached to the simulated host. */
export interface SimulatedDisk {
  readonly path: string
  readonly bytes: Bytes
  readonly serial?: string
  readonly wwn?: string
  readonly link?: string // below /dev/disk/by-id
  readonly readOnly?: boolean
  readonly mount?: string
  readonly user?: string // a device that sits on it: "lvm data"
}

/** What the first sector of a simulated disk says. The real bytes of a GPT are sgdisk's business: here the same facts are JSON. */
export interface Label {
  readonly table?: 'gpt' | 'dos'
  readonly sectors?: number // of the disk that the table was made for; its backup is in the last of them
  readonly partitions?: readonly { readonly number: number; readonly first: number; readonly last: number }[]
  readonly holds?: string // a file system on the whole disk
}

export const SECTOR = 512
const BACKUP = 'GPT backup'

/** The bytes of one disk: a sparse file. */
export interface Bits {
  read(at: Bytes, length: Bytes): Buffer
  write(at: Bytes, bytes: Uint8Array): void
  label(): Label
  setLabel(label: Label): void
  /** The backup of a GPT stands in the last sector. */
  backed(): boolean
  close(): void
}

export function bitsIn(folder: string, name: string, bytes: Bytes): Bits {
  const file = join(folder, `${name}.img`)
  if (!existsSync(file)) writeFileSync(file, '')
  truncateSync(file, bytes)
  const handle = openSync(file, 'r+')
  const read = (at: Bytes, length: Bytes): Buffer => {
    const bytes = Buffer.alloc(length)
    readSync(handle, bytes, 0, length, at)
    return bytes
  }
  return {
    read,
    write: (at, bytes) => void writeSync(handle, bytes, 0, bytes.length, at),
    label() {
      const text = read(0, SECTOR).toString('utf8').replace(/\0+$/, '')
      return text.startsWith('{') ? (JSON.parse(text) as Label) : {}
    },
    setLabel(label) {
      const first = Buffer.alloc(SECTOR)
      first.write(JSON.stringify(label))
      writeSync(handle, first, 0, SECTOR, 0)
      if (label.table === 'gpt') writeSync(handle, Buffer.from(BACKUP), 0, BACKUP.length, bytes - SECTOR)
    },
    backed: () => read(bytes - SECTOR, BACKUP.length).toString('utf8') === BACKUP,
    close: () => closeSync(handle),
  }
}
