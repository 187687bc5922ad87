import type { Bytes } from '../../../src/kit/units.ts'
import { type Bits, type Label, SECTOR, type SimulatedDisk } from './disks.ts'

/** The words of the real programs: lsblk of util-linux 2.38.1, sgdisk 1.0.9, dd of coreutils 9.1 (README). */
export function lsblk(disks: readonly SimulatedDisk[]): string {
  const row = (path: string, type: string, bytes: Bytes, rest: object) => ({
    name: path.split('/').at(-1),
    path,
    type,
    size: bytes,
    ro: false,
    serial: null,
    wwn: null,
    model: null,
    mountpoint: null,
    ...rest,
  })
  const blockdevices = disks.map(disk => ({
    ...row(disk.path, 'disk', disk.bytes, {
      ro: disk.readOnly ?? false,
      serial: disk.serial ?? null,
      wwn: disk.wwn ?? null,
      model: disk.serial === undefined ? null : 'Amazon Elastic Block Store',
      mountpoint: disk.mount ?? null,
    }),
    ...(disk.user === undefined
      ? {}
      : { children: [row(`/dev/mapper/${disk.user.split(' ')[1]}`, disk.user.split(' ')[0] ?? 'lvm', disk.bytes, {})] }),
  }))
  return `${JSON.stringify({ blockdevices }, undefined, 3)}\n`
}

export function probe({ path, bytes, readOnly }: SimulatedDisk, bits: Bits): string {
  const { table, holds, sectors } = bits.label()
  const short = table === 'gpt' && (sectors ?? 0) > bytes / SECTOR
  const signature =
    table !== undefined
      ? [`DEVNAME=${path}`, `PTTYPE=${short ? 'PMBR' : table}`]
      : holds
        ? [`DEVNAME=${path}`, `TYPE=${holds}`]
        : []
  const piece = Math.min(1024 * 1024, bytes)
  const zeros = [bits.read(0, piece), bits.read(bytes - piece, piece)].every(part => part.equals(Buffer.alloc(piece)))
  return `${[`bytes=${bytes}`, `ro=${readOnly ? 1 : 0}`, `sector=${SECTOR}`, ...signature, `blkid=${signature.length > 0 ? 0 : 2}`, `zeros=${zeros ? 'yes' : 'no'}`, `end=${path}`].join('\n')}\n`
}

const CONVERTED = `
***************************************************************
Found invalid GPT and valid MBR; converting MBR to GPT format
in memory. 
***************************************************************

`
const TRUNCATED = `Warning! Disk size is smaller than the main header indicates! Loading
secondary header from the last sector of the disk! You should use 'v' to
verify disk integrity, and perhaps options on the experts' menu to repair
the disk.
****************************************************************************
Caution: Found protective or hybrid MBR and corrupt GPT. Using GPT, but disk
verification and recovery are STRONGLY recommended.
****************************************************************************
`
const notes = (label: Label, sectors: number): string =>
  label.table === 'dos' ? CONVERTED : (label.sectors ?? sectors) > sectors ? TRUNCATED : ''
const mib = (sectors: number): string => `${((sectors * SECTOR) / 1024 / 1024).toFixed(1)} MiB`
const pad = (value: string | number, width: number): string => String(value).padStart(width)

export function table({ path, bytes }: SimulatedDisk, label: Label): string {
  const sectors = bytes / SECTOR
  const last = (label.table === 'dos' ? sectors : (label.sectors ?? sectors)) - 34
  const parts = label.partitions ?? []
  return `${notes(label, sectors)}Disk ${path}: ${sectors} sectors, ${mib(sectors)}
Sector size (logical/physical): ${SECTOR}/${SECTOR} bytes
Disk identifier (GUID): 5E6A6694-C21E-4A32-A2EB-ABBEAB821683
Partition table holds up to 128 entries
Main partition table begins at sector 2 and ends at sector 33
First usable sector is 34, last usable sector is ${last}
Partitions will be aligned on 2048-sector boundaries
Total free space is ${free(parts, last)} sectors (${mib(free(parts, last))})

Number  Start (sector)    End (sector)  Size       Code  Name
${parts.map(part => `${pad(part.number, 4)}  ${pad(part.first, 14)}  ${pad(part.last, 14)}   ${mib(part.last - part.first + 1)}   8300  `).join('\n')}
`
}

const free = (parts: NonNullable<Label['partitions']>, last: number): number =>
  parts.reduce((left, part) => left - (Math.min(part.last, last) - part.first + 1), last - 34 + 1)

export function verdict({ bytes }: SimulatedDisk, label: Label, backed: boolean): string {
  const sectors = bytes / SECTOR
  const made = label.sectors ?? sectors
  const misplaced = `
Problem: The secondary header's self-pointer indicates that it doesn't reside
at the end of the disk. If you've added a disk to a RAID array, use the 'e'
option on the experts' menu to adjust the secondary header's and partition
table's locations.
`
  if (label.table === 'gpt' && made > sectors)
    return `${TRUNCATED}
Caution: The CRC for the backup partition table is invalid. This table may
be corrupt. This program will automatically create a new backup partition
table when you save your partitions.
${misplaced}
Problem: Disk is too small to hold all the data!
(Disk size is ${sectors} sectors, needs to be ${made} sectors.)
The 'e' option on the experts' menu may fix this problem.

Problem: GPT claims the disk is larger than it is! (Claimed last usable
sector is ${made - 34}, but backup header is at
${made - 1} and disk size is ${sectors} sectors.
The 'e' option on the experts' menu will probably fix this problem

Partition(s) in the protective MBR are too big for the disk! Creating a
fresh protective or hybrid MBR is recommended.

Identified 5 problems!
`
  if (label.table === 'gpt' && (made < sectors || !backed)) return `${misplaced}\nIdentified 1 problems!\n`
  const left = free(label.partitions ?? [], sectors - 34)
  return `${notes(label, sectors)}\n\nNo problems found. ${left} free sectors (${mib(left)}) available in 2\nsegments, the largest of which is ${left} (${mib(left)}) in size.\n`
}

/** The end of dd's log as the look script prints it. */
export const ddLog = (copied: Bytes, ended: boolean, error?: string): readonly string[] => {
  const bytes = `${copied} bytes (${(copied / 1e6).toFixed(1)} MB, ${(copied / 1024 / 1024).toFixed(1)} MiB) copied, 1 s, 1.0 MB/s`
  const records = `${Math.floor(copied / 1024 / 1024)}+0 records`
  return [...(error === undefined ? [] : [error]), ...(ended ? [`${records} in`, `${records} out`] : []), bytes]
}
