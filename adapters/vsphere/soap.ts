import { Misread, Refused } from '../../src/kit/errors.ts'
import { clean } from '../../src/kit/text.ts'
import { child, children, type Element, readXml } from './xml.ts'

/** A managed object, as vCenter names it: VirtualMachine vm-69. */
export interface Ref {
  readonly kind: string
  readonly id: string
}
export const sameRef = (a: Ref, b: Ref): boolean => a.kind === b.kind && a.id === b.id

/** What stands in a request, in the order of the schema: vCenter minds it. */
export type Value = string | number | boolean | Ref | Fields | { readonly is: string; readonly fields: Fields }
export type Fields = readonly (readonly [name: string, value: Value])[]

/** One method of one object. */
export interface Request {
  readonly method: string
  readonly of: Ref
  readonly args: Fields
}

const XSI = 'http://www.w3.org/2001/XMLSchema-instance'

export const envelope = ({ method, of, args }: Request): string =>
  '<?xml version="1.0" encoding="UTF-8"?>' +
  '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>' +
  `<${method} xmlns="urn:vim25">${written([['_this', of], ...args])}</${method}>` +
  '</Body></Envelope>'

/** Fields as XML; every text is escaped, and every name is ours. */
export const written = (fields: Fields): string => fields.map(([name, value]) => field(name, value)).join('')

function field(name: string, value: Value): string {
  if (typeof value !== 'object') return `<${name}>${escaped(String(value))}</${name}>`
  if ('id' in value) return `<${name} type="${escaped(value.kind)}">${escaped(value.id)}</${name}>`
  if ('is' in value) return `<${name} xmlns:xsi="${XSI}" xsi:type="${escaped(value.is)}">${written(value.fields)}</${name}>`
  return `<${name}>${written(value)}</${name}>`
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

export function escaped(text: string): string {
  if (/[^\t\n\r\u0020-\u007e\u00a0-\ufffd\u{10000}-\u{10ffff}]/u.test(text))
    throw new Refused('a text holds a character that XML cannot carry')
  return text.replace(/[&<>"']/g, it => ESCAPES[it] as string)
}

/** The request as people read it in a plan: `web01 CreateSnapshot_Task name="signalbox" memory=false quiesce=true`. */
export const shown = (on: string, method: string, args: Fields = []): string =>
  [on, method, ...args.map(([name, value]) => `${name}=${plain(value)}`)].join(' ')

function plain(value: Value): string {
  if (typeof value !== 'object') return typeof value === 'string' ? JSON.stringify(value) : String(value)
  if ('id' in value) return value.id
  const fields = 'is' in value ? value.fields : value
  return `{${fields.map(([name, it]) => `${name}=${plain(it)}`).join(' ')}}`
}

/** vCenter understood the request and said no, in its own words. */
export class Fault extends Error {
  override name = 'Fault'
  readonly kind: string // InvalidLogin, NotAuthenticated, ManagedObjectNotFound
  readonly object: string | undefined // the id of the one that was not found
  constructor(kind: string, message: string, object?: string) {
    super(message)
    this.kind = kind
    this.object = object
  }
}

/** The elements `returnval` of an answer to this method: none, one or more. Throws Fault for a no, and Misread for anything else. */
export function answerIn(xml: string, method: string): readonly Element[] {
  const root = readXml(xml)
  const body = root.name === 'Envelope' ? children(root, 'Body') : []
  const [answer, ...more] = body[0]?.children ?? []
  if (body.length !== 1 || !answer || more.length > 0) throw misread(xml, 'it is no SOAP envelope with one answer')
  if (answer.name === 'Fault') throw faultIn(answer, xml)
  if (answer.name !== `${method}Response`) throw misread(xml, `it is no answer to ${method}`)
  if (answer.children.some(one => one.name !== 'returnval')) throw misread(xml, `the answer to ${method} holds something else`)
  return answer.children
}

function faultIn(fault: Element, xml: string): Fault {
  const [code, said] = [child(fault, 'faultcode'), child(fault, 'faultstring')]
  if (!code || !said) throw misread(xml, 'it is a fault without a code')
  const [detail] = child(fault, 'detail')?.children ?? []
  return new Fault(detail?.is ?? detail?.name.replace(/Fault$/, '') ?? 'unnamed', line(said.text), child(detail, 'obj')?.text)
}

/** A fault inside an answer: why a task failed, or why a property is missing (LocalizedMethodFault). */
export const faultOf = (error: Element): { readonly kind: string; readonly says: string } => ({
  kind: child(error, 'fault')?.is ?? 'unnamed',
  says: line(child(error, 'localizedMessage')?.text ?? ''),
})

/** Text of a device in one line, of a length that people read. */
export const line = (text: string): string => clean(text).replace(/\s+/g, ' ').trim().slice(0, 300)

const misread = (xml: string, why: string): Misread =>
  new Misread(`this is not SOAP as vCenter writes it: ${why}`, xml.slice(0, 2_000))
