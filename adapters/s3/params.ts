import { z } from 'zod'

export const Nothing = z.object({})
/** What a sentence can carry of a key: the characters that AWS calls safe, and single spaces within. */
export const Key = z
  .string()
  .regex(/^(?! )(?!.* {2})[A-Za-z0-9!_.*'():/+=@,~ -]{1,900}$/, "letters, digits, single spaces and !-_.*'():/+=@,~")
  .refine(key => !key.endsWith(' '), 'it must not end with a space')
  // An HTTP client takes `..` out of a path, and the request would be about another object.
  .refine(key => key.split('/').every(part => part !== '.' && part !== '..'), 'no part of it may be . or ..')
export const File = z.string().regex(/^\/[A-Za-z0-9_.:/-]{1,254}$/, 'the whole path of a file')
/** AWS makes ids of some 130 characters, Swift such of 48. */
export const UploadId = z.string().regex(/^[A-Za-z0-9_.:/+=~-]{1,254}$/, 'the id that `show uploads` says')
export const Etag = z.string().regex(/^[A-Za-z0-9-]{1,100}$/, 'the etag without its quotes')

export const OneObject = z.object({ key: Key })
export const Under = z.object({ prefix: Key.optional() })
export const Up = z.object({ file: File, key: Key })
export const Delete = z.object({ key: Key, etag: Etag.optional() })
export const OneUpload = z.object({ id: UploadId, key: Key })

/** A key or an id as the sentence has it: bare where one word carries it, else in quotes. */
export const quoted = (text: string): string =>
  /^[A-Za-z0-9_.:/][A-Za-z0-9_.:/-]{0,254}$/.test(text) && !JOINTS.has(text.toLowerCase()) ? text : `"${text}"`

const JOINTS = new Set(['as', 'at', 'because', 'did', 'from', 'happened', 'not', 'of', 'on', 'over', 'soak', 'to', 'with'])
