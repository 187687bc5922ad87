import { z } from 'zod'

export const Nothing = z.object({})
/** QEMU's ids: a letter first, and at most 31 characters for a node. */
export const Id = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,30}$/, 'a name begins with a letter and has letters, digits and _.- only')
export const File = z.string().regex(/^\/[A-Za-z0-9_.:/-]{1,254}$/, 'the whole path of a file')
/** A socket of that machine, or host:port. */
export const Where = z
  .string()
  .regex(/^(\/[A-Za-z0-9_.:/-]{1,100}|[A-Za-z0-9][A-Za-z0-9.-]{0,253}:\d{1,5})$/, 'the path of a socket, or host:port')
export const OneJob = z.object({ job: Id })
export const OneNode = z.object({ node: Id })
export const OneBitmap = z.object({ node: Id, bitmap: Id })
/** The name of an iSCSI target or initiator (RFC 7143, 4.2.7), in lower case as it is compared. */
export const Iqn = z
  .string()
  .regex(
    /^(iqn\.\d{4}-\d{2}\.[a-z0-9.-]{1,100}(:[a-z0-9.:-]{1,100})?|eui\.[0-9a-f]{16}|naa\.[0-9a-f]{16,32})$/,
    'an iSCSI name: iqn.2026-01.lab:lunb, eui. or naa.',
  )
/** host:port of an array. */
export const Portal = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,253}:\d{1,5}$/, 'host:port of the array')
