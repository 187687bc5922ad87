import { z } from 'zod'

export const Nothing = z.object({})
/** A pseudo name (harddisk14, emcpowera, hdiskpower8) or, where there is none, the name of a native path. */
export const DiskName = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,63}$/, 'a disk name has letters, digits and _.:@+- only')
export const OneSession = z.object({ session: z.number().int().min(0).max(999_999_999) })
export const Pair = z.object({ source: DiskName, target: DiskName })
