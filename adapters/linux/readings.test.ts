import { describe, expect, test } from 'vitest'
import { Misread } from '../../src/kit/errors.ts'
import { HOSTILE } from '../../src/kit/spoilt.ts'
import { readFiles } from './copies.ts'
import { outOfSpace, readDd } from './dd.ts'
import { readDisks } from './lsblk.ts'
import { readProbe } from './probe.ts'
import { readTable, readVerdict } from './tables.ts'

// What follows was printed by util-linux 2.38.1, sgdisk 1.0.9 and dd of coreutils 9.1 (Debian 12), in the C locale.

const LSBLK = `{
   "blockdevices": [
      {
         "name": "loop0",
         "path": "/dev/loop0",
         "type": "loop",
         "size": 67108864,
         "ro": false,
         "serial": null,
         "wwn": null,
         "model": null,
         "mountpoint": null
      },{
         "name": "vda",
         "path": "/dev/vda",
         "type": "disk",
         "size": 274877906944,
         "ro": false,
         "serial": null,
         "wwn": null,
         "model": null,
         "mountpoint": "/"
      }
   ]
}
`
/** Synthetic: a Nitro instance with partitions and LVM, and the text values of util-linux before 2.33. */
const NITRO = JSON.stringify({
  blockdevices: [
    {
      name: 'nvme1n1',
      path: '/dev/nvme1n1',
      type: 'disk',
      size: '42949672960',
      ro: '1',
      serial: 'vol0123456789abcdef0',
      wwn: 'nvme.1d0f-766f6c',
      model: 'Amazon Elastic Block Store              ',
      mountpoint: null,
      children: [
        {
          name: 'nvme1n1p1',
          path: '/dev/nvme1n1p1',
          type: 'part',
          size: 1,
          ro: true,
          serial: null,
          wwn: null,
          model: null,
          mountpoint: null,
          children: [
            {
              name: 'vg-root',
              path: '/dev/mapper/vg-root',
              type: 'lvm',
              size: 1,
              ro: false,
              serial: null,
              wwn: null,
              model: null,
              mountpoint: '/mnt',
            },
          ],
        },
      ],
    },
  ],
})

const GPT = `Disk a.img: 131072 sectors, 64.0 MiB
Sector size (logical/physical): 512/512 bytes
Disk identifier (GUID): BAFDD692-553E-408C-A76A-C8524BE29CFA
Partition table holds up to 128 entries
Main partition table begins at sector 2 and ends at sector 33
First usable sector is 34, last usable sector is 131038
Partitions will be aligned on 2048-sector boundaries
Total free space is 67517 sectors (33.0 MiB)

Number  Start (sector)    End (sector)  Size       Code  Name
   1            2048           20479   9.0 MiB     8300  
   2           20480           65535   22.0 MiB    8300  
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
/** Made with a partition that ends with the disk, where a GPT would have its backup. */
const MBR = `
***************************************************************
Found invalid GPT and valid MBR; converting MBR to GPT format
in memory. 
***************************************************************


Warning! Secondary partition table overlaps the last partition by
33 blocks!
You will need to delete this partition or resize it in another utility.
Disk end.img: 131072 sectors, 64.0 MiB
Sector size (logical): 512 bytes
Disk identifier (GUID): 80D19A44-58D4-49E5-BFA7-9AA5829FCBF9
Partition table holds up to 128 entries
Main partition table begins at sector 2 and ends at sector 33
First usable sector is 34, last usable sector is 131038
Partitions will be aligned on 1-sector boundaries
Total free space is 29 sectors (14.5 KiB)

Number  Start (sector)    End (sector)  Size       Code  Name
   1              63            2047   992.5 KiB   0700  Microsoft basic data
   2            2048          131071   63.0 MiB    0700  Microsoft basic data
`
const EXTENDED = `
***************************************************************
Found invalid GPT and valid MBR; converting MBR to GPT format
in memory. 
***************************************************************

Disk ext.img: 131072 sectors, 64.0 MiB
Sector size (logical): 512 bytes
Disk identifier (GUID): D351DA1E-DFE6-4831-9A1D-C66CE9609F30
Partition table holds up to 128 entries
Main partition table begins at sector 2 and ends at sector 33
First usable sector is 34, last usable sector is 131038
Partitions will be aligned on 1-sector boundaries
Total free space is 128020 sectors (62.5 MiB)

Number  Start (sector)    End (sector)  Size       Code  Name
   1              63            2047   992.5 KiB   0700  Microsoft basic data
   5            2111            3110   500.0 KiB   8300  Linux filesystem
`
const FINE = `
No problems found. 67517 free sectors (33.0 MiB) available in 2
segments, the largest of which is 65503 (32.0 MiB) in size.
`
const PROBLEMS = `${TRUNCATED}
Caution: The CRC for the backup partition table is invalid. This table may
be corrupt. This program will automatically create a new backup partition
table when you save your partitions.

Problem: The secondary header's self-pointer indicates that it doesn't reside
at the end of the disk. If you've added a disk to a RAID array, use the 'e'
option on the experts' menu to adjust the secondary header's and partition
table's locations.

Problem: Disk is too small to hold all the data!
(Disk size is 81920 sectors, needs to be 131072 sectors.)
The 'e' option on the experts' menu may fix this problem.

Problem: GPT claims the disk is larger than it is! (Claimed last usable
sector is 131038, but backup header is at
131071 and disk size is 81920 sectors.
The 'e' option on the experts' menu will probably fix this problem

Partition(s) in the protective MBR are too big for the disk! Creating a
fresh protective or hybrid MBR is recommended.

Identified 5 problems!
`
const FULL = `dd: error writing '/dev/loop1': No space left on device
41+0 records in
40+0 records out
41943040 bytes (42 MB, 40 MiB) copied, 0.15919 s, 263 MB/s
`
const PROBE = `bytes=67108864
ro=1
sector=512
DEVNAME=/dev/loop0
PTUUID=bafdd692-553e-408c-a76a-c8524be29cfa
PTTYPE=gpt
blkid=0
zeros=no
end=/dev/loop0
`
const COPY = `copy=present
by=R1/real/1
source=path:/dev/loop0
sourcePath=/dev/loop0
target=path:/dev/loop1
targetPath=/dev/loop1
sourceBytes=67108864
targetBytes=41943040
sector=512
needs=33554432
running=no
exit=dd=1 sync=0
log=dd: error writing '/dev/loop1': No space left on device
log=41+0 records in
log=40+0 records out
log=41943040 bytes (42 MB, 40 MiB) copied, 0.15919 s, 263 MB/s
last=copy
end=c1
`

describe('lsblk --json', () => {
  test('a disk with no serial number has none, and one that is mounted says where', () => {
    expect(readDisks(LSBLK)).toEqual([
      { path: '/dev/loop0', bytes: 67_108_864, readOnly: false, mounts: [], users: [] },
      { path: '/dev/vda', bytes: 274_877_906_944, readOnly: false, mounts: ['/'], users: [] },
    ])
  })
  test('what sits on a partition uses the disk, however deep', () => {
    expect(readDisks(NITRO)).toEqual([
      {
        path: '/dev/nvme1n1',
        bytes: 42_949_672_960,
        readOnly: true,
        serial: 'vol0123456789abcdef0',
        wwn: 'nvme.1d0f-766f6c',
        model: 'Amazon Elastic Block Store',
        mounts: ['/mnt'],
        users: ['lvm vg-root'],
      },
    ])
  })
})

describe('sgdisk -p', () => {
  test('a GPT, and the same after its end was cut off', () => {
    const table = {
      sectors: 131_072,
      sector: 512,
      entries: 128,
      partitions: [
        { number: 1, first: 2048, last: 20_479 },
        { number: 2, first: 20_480, last: 65_535 },
      ],
      extended: false,
      lastUsed: 65_535,
    }
    expect(readTable(GPT)).toEqual(table)
    expect(readTable(TRUNCATED + GPT.replace('131072 sectors, 64.0 MiB', '81920 sectors, 40.0 MiB'))).toEqual({
      ...table,
      sectors: 81_920,
    })
  })
  test('an MBR whose last partition ends with the disk', () => {
    expect(readTable(MBR)).toMatchObject({ lastUsed: 131_071, extended: false, partitions: [{ first: 63 }, { last: 131_071 }] })
  })
  test('logical partitions say that there is a container whose end is not listed', () => {
    expect(readTable(EXTENDED)).toMatchObject({ extended: true, lastUsed: 3110 })
  })
  test('a row that is missing does not add up with the free space', () => {
    for (const row of [/^ {3}1.*\n/m, /^ {3}2.*\n/m]) {
      expect(() => readTable(GPT.replace(row, ''))).toThrow(/do not add up/)
      expect(() => readTable(MBR.replace(row, ''))).toThrow(/do not add up/)
    }
  })
})

describe('sgdisk -v', () => {
  test('the text decides, because the exit status is 0 in both cases', () => {
    expect(readVerdict(FINE)).toEqual({ problems: 0 })
    expect(readVerdict(PROBLEMS)).toMatchObject({ problems: 5 })
  })
  test('a text with both sentences, or with neither, is no verdict', () => {
    expect(() => readVerdict(PROBLEMS + FINE)).toThrow(Misread)
    expect(() => readVerdict(PROBLEMS.replace(/Identified.*/, ''))).toThrow(Misread)
  })
})

describe('dd', () => {
  test('the end of a copy to a smaller disk, with its progress before it', () => {
    const progress =
      '\r14680064 bytes (15 MB, 14 MiB) copied, 1 s, 14.8 MB/s\r22168993792 bytes (22 GB, 21 GiB) copied, 2 s, 11.1 GB/s\n'
    expect(readDd(progress + FULL)).toEqual({
      copied: 41_943_040,
      errors: [outOfSpace('/dev/loop1')],
      strange: [],
      ended: true,
    })
  })
  test('the counts that a SIGUSR1 prints are not the end of the counts', () => {
    const asked = '14+0 records in\n14+0 records out\n14680064 bytes (15 MB, 14 MiB) copied, 0.0322757 s, 455 MB/s\n'
    expect(readDd(asked + FULL)).toMatchObject({ copied: 41_943_040, ended: true })
  })
  test.each([
    ['0 bytes copied, 3.4171e-05 s, 0.0 kB/s', 0],
    ['1 byte copied, 2.7618e-05 s, 36.2 kB/s', 1],
    ['1500 bytes (1.5 kB, 1.5 KiB) copied, 2.0593e-05 s, 72.8 MB/s', 1500],
  ])('%s', (line, copied) => {
    expect(readDd(`1+0 records in\n1+0 records out\n${line}\n`)).toMatchObject({ copied })
  })
  test('a report of a dd that was killed has no end', () => {
    expect(() => readDd('\r14680064 bytes (15 MB, 14 MiB) copied, 1 s, 14.8 MB/s')).toThrow(/no end/)
    expect(() => readDd('Killed\n')).toThrow(Misread)
  })
})

describe('the probe of a disk', () => {
  test('a table, and whether it can be written', () => {
    expect(readProbe(PROBE)).toEqual({ bytes: 67_108_864, readOnly: true, sector: 512, table: 'gpt', empty: false })
  })
  test('a GPT that lost its end is a GPT, although blkid calls it PMBR', () => {
    expect(readProbe(PROBE.replace('PTTYPE=gpt', 'PTTYPE=PMBR'))).toMatchObject({ table: 'gpt' })
  })
  test('empty means no signature and zeros at both ends, and nothing less', () => {
    const bare = PROBE.replace(/^[A-Z].*\n/gm, '').replace('blkid=0', 'blkid=2')
    expect(readProbe(bare)).toMatchObject({ empty: false })
    expect(readProbe(bare.replace('zeros=no', 'zeros=yes'))).toMatchObject({ empty: true })
    expect(readProbe(bare.replace('zeros=no', 'zeros=yes').replace('blkid=2', 'blkid=8'))).toMatchObject({
      empty: false,
      holds: 'several signatures',
    })
    expect(() => readProbe(bare.replace('blkid=2', 'blkid=0'))).toThrow(/does not say what/)
    expect(() => readProbe(bare.replace('blkid=2', 'blkid=4'))).toThrow(/blkid failed/)
  })
})

test('the files of a copy', () => {
  expect(readFiles(COPY)).toMatchObject({
    copy: 'c1',
    there: true,
    request: { by: 'R1/real/1', targetBytes: 41_943_040, needs: 33_554_432 },
    work: { running: false, stopped: false, exit: { dd: 1, sync: 0 }, dd: { copied: 41_943_040, ended: true } },
  })
  expect(readFiles('copy=absent\nend=c1\n')).toEqual({ copy: 'c1', there: false })
})

describe.each([
  ['disks', LSBLK, readDisks],
  ['table', GPT, readTable],
  ['verdict', PROBLEMS, readVerdict],
  ['probe', PROBE, readProbe],
  ['copy', COPY, readFiles],
  ['dd', FULL, readDd],
] as const)('hostile: %s', (_, text, read) => {
  test.each(HOSTILE)('an answer that is %s is misread, or read the same', (_, spoil) => {
    const said = (() => {
      try {
        return read(spoil(text))
      } catch (error) {
        expect(error).toBeInstanceOf(Misread)
        return 'misread'
      }
    })()
    if (said !== 'misread') expect(said).toEqual(read(text))
  })
})
