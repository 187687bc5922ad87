import { z } from 'zod'

export const Nothing = z.object({})

/**
 * What a disk is called here: an EBS volume id, a serial number, a WWN, a name that the site file pins, or a path below
 * /dev/disk/by-id. Never /dev/sdb: the kernel gives such names anew at each start, and a copy the wrong way round is for ever.
 */
export const DiskId = z
  .string()
  .regex(
    /^(?:[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}|\/dev\/disk\/by-id\/[A-Za-z0-9][A-Za-z0-9_.:-]{0,200})$/,
    'a volume id, a serial number, or a path below /dev/disk/by-id',
  )
export const CopyName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/, 'the name of a copy has letters, digits, _ and - only, 40 at most')

export const OneDisk = z.object({ disk: DiskId })
export const Pair = z.object({ source: DiskId, target: DiskId })
export const OneCopy = z.object({ copy: CopyName })
export const NewCopy = Pair.extend({ copy: CopyName })
