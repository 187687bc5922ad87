import { z } from 'zod'

export const Nothing = z.object({})
/** What a sync is called: it is also the name of its work folder. */
export const SyncName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,39}$/, 'the name of a sync has letters, digits and dashes, and 40 characters at most')
export const OneSync = z.object({ sync: SyncName })
/** A machine or a disk, as the store knows it. */
export const Kept = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'a name in the store has letters, digits and ._- and 100 characters at most')
export const OneMachine = z.object({ machine: Kept })
export const OneDisk = z.object({ disk: Kept })
/** A path or an NBD address; no control characters, and never an option. */
export const Source = z.string().regex(/^(\/|nbd:|nbd\+unix:)[^\0-\x1f\x7f"]{1,1000}$/, 'a whole path, or an nbd: address')
export const File = z.string().regex(/^\/[^\0-\x1f\x7f"]{1,1000}$/, 'a whole path')
export const Point = z.string().regex(/^[A-Za-z0-9_.:/\\=+,@ -]{1,400}$/, 'the name of a moment')
export const SetNumber = z.number().int().min(1).max(99_999_999)
