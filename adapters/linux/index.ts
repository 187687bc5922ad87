import { z } from 'zod'
import { adapter } from '../../src/kit/device.ts'
import { local } from '../../src/kit/local.ts'
import { ssh } from '../../src/kit/ssh.ts'
import { canLogIn, NO_LOGIN, sshFields } from '../../src/kit/ssh-settings.ts'
import { readFiles } from './copies.ts'
import * as copyChanges from './copy-changes.ts'
import { readDd } from './dd.ts'
import * as diskChanges from './disk-changes.ts'
import { readDisks } from './lsblk.ts'
import { DiskId } from './params.ts'
import { readProbe } from './probe.ts'
import * as reads from './reads.ts'
import { readTable, readVerdict } from './tables.ts'
import { linuxHost, USUAL } from './wire.ts'

const common = {
  sudo: z.boolean().default(USUAL.sudo), // `sudo -n` before each command: a login that may not do it without a password is refused
  folder: z
    .string()
    .regex(/^\/[A-Za-z0-9_./-]{1,200}$/, 'the whole path of a folder')
    .default(USUAL.folder), // where copies keep their files: on a disk of the host, and writable by that login alone
  disks: z.record(DiskId, z.string().regex(/^\/dev\/[A-Za-z0-9_.:/+-]{1,200}$/, 'a path below /dev')).default({}), // names of disks
}

/** How the site file describes a Linux host: over SSH, or this machine. */
export const Settings = z.union([
  z.strictObject({ local: z.literal(true), ...common }),
  z.strictObject({ ...sshFields, ...common }).refine(canLogIn, NO_LOGIN),
])

export default adapter({
  name: 'linux',
  summary: 'Linux hosts: disks found by their serial numbers, and copies of whole disks.',
  settings: Settings,
  connect: settings =>
    linuxHost('local' in settings ? local() : ssh({ ...settings, dialect: 'posix' }), settings, settings.disks),
  capabilities: { ...reads, ...diskChanges, ...copyChanges },
  readings: {
    disks: { summary: 'lsblk --json --bytes', read: readDisks },
    table: { summary: 'sgdisk -p', read: readTable },
    verdict: { summary: 'sgdisk -v', read: readVerdict },
    dd: { summary: 'dd status=progress, in the C locale', read: readDd },
    probe: { summary: 'blockdev, blkid and cmp of one disk', read: readProbe },
    copy: { summary: 'the files of one copy', read: readFiles },
  },
  cannot: [
    {
      what: 'find a disk by the name that AWS gave it',
      why: 'the kernel renames /dev/sdf; on Xen instances disks have no serial number either: pin them in the site file',
    },
    {
      what: 'tell how much of a disk without a partition table is in use',
      why: 'only its file system knows: such a disk is copied to one that is at least as large',
    },
    {
      what: 'copy a disk with logical partitions to a smaller one',
      why: 'sgdisk lists what is in the extended partition, and not how far that reaches',
    },
    { what: 'shrink a file system', why: 'that is done inside the machine whose disk it is, before it is detached' },
    { what: 'check a file system', why: 'a copy that was verified has the file system of its source, sound or not' },
    {
      what: 'see a copy after the host started anew go on',
      why: 'a process does not survive that: the copy is failed, and is started again under another name',
    },
    {
      what: 'copy below multipath, LVM, RAID or a crypt layer',
      why: 'what sits on a disk uses it, and a disk in use is refused',
    },
  ],
})
