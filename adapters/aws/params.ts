import { z } from 'zod'
import type { Bytes } from '../../src/kit/units.ts'

export const Nothing = z.object({})

const id = (prefix: string, what: string) =>
  z.string().regex(new RegExp(`^${prefix}-[0-9a-z]{1,40}$`), `${what} is ${prefix}-...`)
/** An id, or what the Name tag says. */
export const InstanceName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$/, 'an id (i-...) or the name of an instance')
export const InstanceId = z.string().regex(/^i-[0-9a-f]{1,40}$/, 'an instance is i-...')
export const VolumeId = id('vol', 'a volume')
export const SnapshotId = id('snap', 'a snapshot')
export const ImageId = id('ami', 'an image')
export const SubnetId = id('subnet', 'a subnet')
export const GroupId = id('sg', 'a security group')
export const TaskId = z.string().regex(/^import-(?:ami|snap|i)-[0-9a-z]{1,40}$/, 'an import task is import-ami-...')
export const DeviceName = z
  .string()
  .regex(/^(?:\/dev\/)?(?:sd[a-z]|xvd[a-z]{1,2}|hd[a-z])\d{0,2}$/, 'a device of EC2 is /dev/sdf or xvdf')
export const Zone = z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d[a-z]$|^[a-z0-9-]{3,40}$/, 'an availability zone is eu-west-1a')
export const InstanceType = z.string().regex(/^[a-z0-9-]{2,20}\.[a-z0-9-]{2,20}$/, 'an instance type is m5.large')
export const VolumeType = z.enum(['gp2', 'gp3', 'io1', 'io2', 'st1', 'sc1', 'standard'])
/** 3 to 128 characters; blanks and brackets, which EC2 would take too, no sentence can carry. */
export const ImageName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{2,127}$/, 'the name of an image has 3 to 128 characters')
export const Source = z
  .string()
  .regex(/^s3:\/\/[a-z0-9][a-z0-9.-]{0,62}\/[A-Za-z0-9_.:/-]{1,512}$/, 'an image in S3 is s3://bucket/key')
export const Size = z.number().int().min(1)
export const TagKey = z
  .string()
  .regex(/^(?!aws:)[A-Za-z0-9][A-Za-z0-9_.:/-]{0,127}$/i, 'the key of a tag; those that begin with aws: belong to AWS')
export const TagValue = z.string().max(256)
export const Tagged = z
  .string()
  .regex(/^(?:i|vol|snap|ami)-[0-9a-z]{1,40}$/, 'an instance, a volume, a snapshot or an image, by its id')

export const OneInstance = z.object({ instance: InstanceName })
export const OneVolume = z.object({ volume: VolumeId })
export const OneSnapshot = z.object({ snapshot: SnapshotId })
export const OneImage = z.object({ image: ImageId })
export const OneTask = z.object({ task: TaskId })

const GIB: Bytes = 1024 ** 3
/** EBS counts in whole GiB; less than was asked for is never made. 40GB, which is decimal, is 38 of them. */
export const gibOf = (size: Bytes): number => Math.ceil(size / GIB)
export const bytesOf = (gib: number): Bytes => gib * GIB
/** In the largest unit that says it exactly; a reference is already text. */
export function sized(size: Bytes | string): string {
  if (typeof size === 'string') return size
  if (size % GIB === 0) return `${size / GIB}GiB`
  return size % 1e9 === 0 ? `${size / 1e9}GB` : `${size}B`
}
