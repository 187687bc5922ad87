import { Refused } from '../../src/kit/errors.ts'
import type { Disk } from './lsblk.ts'
import type { Found } from './words.ts'

/** Disks that the operator names himself: { "vol-A": "/dev/disk/by-id/..." }. */
export type Pins = Readonly<Record<string, string>>

/** The path that this id stands for, if it is one that the site file or udev pins, and not a serial number. */
export const pinned = (id: string, pins: Pins): string | undefined =>
  Object.hasOwn(pins, id) ? pins[id] : id.startsWith('/dev/disk/by-id/') ? id : undefined

/** On AWS Nitro the serial number of an EBS volume is its id without the dash (devices/aws-s3-ec2-ebs.md). */
export const serialOf = (id: string): string => id.replace(/^vol-(?=[0-9a-f]{8,17}$)/, 'vol')

/** The one disk whose device a pinned path leads to. Throws Refused. */
export function diskAt(
  id: string,
  pin: string,
  path: string,
  disks: readonly Disk[],
): { readonly disk: Disk; readonly found: Found } {
  const disk = disks.find(one => one.path === path)
  if (!disk) throw new Refused(`${id} leads to ${path}, and that is not a whole disk of this host`)
  return { disk, found: { path, mark: `path:${pin}` } }
}

/**
 * The one disk with this serial number or WWN. Throws Refused where there is none or more than one: on a Xen instance disks have
 * no serial number and /dev/sdf is renamed to /dev/xvdf, so that nothing can be told, and nothing is guessed.
 */
export function diskOf(id: string, disks: readonly Disk[]): { readonly disk: Disk; readonly found: Found } {
  const serial = serialOf(id)
  const bySerial = disks.filter(one => one.serial === serial)
  const found = bySerial.length > 0 ? bySerial : disks.filter(one => one.wwn === id)
  const [disk, ...more] = found
  if (disk && more.length === 0)
    return { disk, found: { path: disk.path, mark: bySerial.length > 0 ? `serial:${serial}` : `wwn:${id}` } }
  if (disk)
    throw new Refused(
      `${found.map(one => one.path).join(' and ')} both say that they are ${id}: it cannot be told which one to use`,
    )
  throw new Refused(
    disks.some(one => one.serial !== undefined)
      ? `no disk of this host has the serial number ${serial}: is ${id} attached to it?`
      : `no disk of this host has a serial number, as on a Xen instance: which one is ${id} cannot be told. Pin it under \`disks\` in the site file`,
  )
}
