import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { Misread } from '../../src/kit/errors.ts'
import type { Bytes } from '../../src/kit/units.ts'

/** One element of an answer. Names are without their prefix. */
export interface Element {
  readonly name: string
  readonly is?: string // what xsi:type says it is: VirtualDisk, ArrayOfVirtualDevice, NotAuthenticated
  readonly kind?: string // its own attribute `type`: of which kind the object is that a reference names
  readonly text: string
  readonly children: readonly Element[]
}

/** An answer may be this long; pages are asked for so that an honest one stays far below it. */
export const ANSWER_LIMIT: Bytes = 16 * 1024 * 1024
const DEEPEST = 100
/** How much of a text that cannot be read is kept for people. */
const KEPT = 2_000

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  ignoreDeclaration: true,
})

/**
 * The root of a document. Throws Misread for anything that is not one whole, plain document: declarations and with them entities,
 * comments and processing instructions have no business in an answer of vCenter, and control characters none in XML 1.0.
 */
export function readXml(text: string): Element {
  const no = (why: string): never => {
    throw new Misread(`this is not XML as vCenter writes it: ${why}`, text.slice(0, KEPT))
  }
  if (text.length > ANSWER_LIMIT) no('it is too long')
  const body = text.replace(/^\ufeff?<\?xml [^?<>]{1,100}\?>/, '').trim()
  const odd = /<[!?]/.exec(body)
  if (odd) no('it holds a declaration, a comment or an instruction')
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]/.test(body)) no('it holds control characters')
  if (!/^<[^>]+>/.test(body) || !/<\/[\w.:-]+>$|\/>$/.test(body)) no('it does not begin and end with one element')
  if (deepest(body) > DEEPEST) no('it is nested too deeply')
  const valid = XMLValidator.validate(body)
  if (valid !== true) no(valid.err.msg.slice(0, 200))
  const [root, ...more] = elements(parser.parse(body), no)
  if (!root || more.length > 0) no('it is not one element')
  return root as Element
}

/** How deep the tags go, before a parser that recurses sees them. */
function deepest(body: string): number {
  let [depth, most] = [0, 0]
  for (const [tag] of body.matchAll(/<[^<>]*>/g)) {
    if (tag.startsWith('</')) depth--
    else if (!tag.endsWith('/>')) most = Math.max(most, ++depth)
  }
  return most
}

function elements(nodes: unknown, no: (why: string) => never): readonly Element[] {
  if (!Array.isArray(nodes)) return no('it is empty')
  return nodes.flatMap(node => {
    const fields = Object.entries(Object(node) as Readonly<Record<string, unknown>>)
    const [name, inside] = fields.find(([key]) => key !== ':@' && key !== '#text') ?? []
    if (name === undefined || !Array.isArray(inside)) return []
    const attributes = Object(fields.find(([key]) => key === ':@')?.[1]) as Readonly<Record<string, unknown>>
    const given = (wanted: (key: string) => boolean): string | undefined => {
      const [, value] = Object.entries(attributes).find(([key]) => wanted(key)) ?? []
      return typeof value === 'string' ? decoded(value, no) : undefined
    }
    // The one is `type`, the other `xsi:type` under whatever prefix: a reference may carry both.
    const [is, kind] = [given(key => /^[^:]+:type$/.test(key)), given(key => key === 'type')]
    return [
      {
        name: local(name),
        ...(is === undefined ? {} : { is: local(is) }),
        ...(kind === undefined ? {} : { kind }),
        text: decoded(inside.map(textIn).join(''), no),
        children: elements(inside, no),
      },
    ]
  })
}

const textIn = (node: unknown): string => {
  const text: unknown = (Object(node) as Readonly<Record<string, unknown>>)['#text']
  return typeof text === 'string' ? text : ''
}
const local = (name: string): string => name.slice(name.indexOf(':') + 1)

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** The five names of XML and numbers, once each and never what they come to: there is nothing to expand. */
const decoded = (text: string, no: (why: string) => never): string =>
  text.replace(/&([^;&]{0,10}(?:;|$)|)/g, (_, entity: string) => {
    const name = entity.slice(0, -1)
    const [, hex, decimal] = /^#(?:x([0-9A-Fa-f]{1,6})|(\d{1,7}))$/.exec(name) ?? []
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    if (entity.endsWith(';') && Object.hasOwn(NAMED, name)) return NAMED[name] as string
    const allowed =
      code === 9 || code === 10 || code === 13 || (code >= 32 && code < 0xd800) || (code >= 0xe000 && code < 0x110000)
    return entity.endsWith(';') && allowed && !(code >= 127 && code < 160) ? String.fromCodePoint(code) : no('it holds an entity')
  })

export const children = (of: Element, name: string): readonly Element[] => of.children.filter(one => one.name === name)
export const child = (of: Element | undefined, ...path: readonly string[]): Element | undefined =>
  path.reduce<Element | undefined>((at, name) => at?.children.find(one => one.name === name), of)
