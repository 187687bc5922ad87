import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { z } from 'zod'
import { Misread } from '../../src/kit/errors.ts'
import { clean } from '../../src/kit/text.ts'

const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, trimValues: false, ignoreDeclaration: true })
const LISTS = new Set(['Contents', 'Upload', 'Rule', 'Part'])

/**
 * The one element of an S3 answer, or a Misread. The parser of the SDK makes half a listing of half a document, and that would read as
 * "there is no more": so it must be well-formed, of this name, and end where it ends.
 */
export function documentIn(raw: string, root: string): unknown {
  const text = raw.trim()
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/.test(text))
    throw new Misread('the answer has control characters in it', raw)
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) throw new Misread('the answer declares a document type', raw)
  const body = text.replace(/^<\?xml[^>]*\?>\s*/, '')
  const named = new RegExp(`^<${root}(?:\\s[^<>]*)?(?:/>$|>[\\s\\S]*</${root}>$)`).test(body)
  if (!named || body.indexOf(`</${root}>`) !== body.lastIndexOf(`</${root}>`) || XMLValidator.validate(body) !== true)
    throw new Misread(`the answer is not a whole ${root}`, raw)
  const parsed: unknown = parser.parse(body)
  return listed(Object(parsed)[root])
}

/** An element that may come once or often is a list either way, and one that is empty is an object. */
function listed(value: unknown): unknown {
  if (value === '' || value === undefined) return {}
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      LISTS.has(name) ? (Array.isArray(item) ? item : [item]).map(nested) : nested(item),
    ]),
  )
}
const nested = (value: unknown): unknown => (typeof value === 'object' && value !== null ? listed(value) : value)

/** What the reading says, or a Misread with the field that is wrong. */
export function shaped<T>(raw: string, root: string, shape: z.ZodType<T>): T {
  const parsed = shape.safeParse(documentIn(raw, root))
  if (parsed.success) return parsed.data
  const where = parsed.error.issues[0]?.path.join('.') ?? ''
  throw new Misread(`the answer is no ${root} that is known: ${where || 'its shape'} is wrong`, raw)
}

const Fault = z.object({
  Code: z.string().min(1).max(100),
  Message: z.string().optional(),
  Region: z.string().max(60).optional(),
})

export interface Said {
  readonly code: string
  readonly message: string
  readonly region?: string
}

/** The error document of S3, if that is what it is. */
export function errorIn(text: string): Said | undefined {
  if (!/^\s*(?:<\?xml[^>]*\?>\s*)?<Error[\s>]/.test(text)) return undefined
  const { Code, Message = '', Region } = shaped(text, 'Error', Fault)
  return {
    code: plain(Code),
    message: plain(Message).slice(0, 200),
    ...(Region === undefined ? {} : { region: plain(Region) }),
  }
}

/** One line without control characters: what a device says is shown to people. */
export const plain = (text: string): string => clean(text).replaceAll(/\s+/g, ' ').trim()
