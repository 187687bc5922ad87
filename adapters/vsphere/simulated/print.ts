import { escaped, type Ref } from '../soap.ts'

/** XML as vCenter and vcsim print it: the same prefixes and the same places of the attributes (captures/). */

export const text = (name: string, value: string | number | boolean): string => `<${name}>${escaped(String(value))}</${name}>`
export const node = (name: string, ...inside: readonly string[]): string => `<${name}>${inside.join('')}</${name}>`
export const typed = (name: string, type: string, ...inside: readonly string[]): string =>
  `<${name} XMLSchema-instance:type="${type}">${inside.join('')}</${name}>`
export const reference = (name: string, { kind, id }: Ref): string => `<${name} type="${kind}">${escaped(id)}</${name}>`
export const instant = (at: number): string => new Date(at).toISOString().replace('Z', '853314Z')

/** The value of a property, which declares its prefix itself. */
export const value = (type: string, ...inside: readonly string[]): string =>
  `<val xmlns:XMLSchema-instance="http://www.w3.org/2001/XMLSchema-instance" XMLSchema-instance:type="${type}">${inside.join('')}</val>`
export const plain = (type: 'string' | 'boolean' | 'long' | 'dateTime', of: string | number | boolean): string =>
  value(`xsd:${type}`, escaped(String(of)))

const PROLOGUE =
  '<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
const EPILOGUE = '</soapenv:Body></soapenv:Envelope>\n'

export const answer = (method: string, ...values: readonly string[]): string =>
  `${PROLOGUE}<${method}Response xmlns="urn:vim25">${values.join('')}</${method}Response>${EPILOGUE}`

export const fault = (kind: string, says: string, ...inside: readonly string[]): string =>
  `${PROLOGUE}<soapenv:Fault><faultcode>ServerFaultCode</faultcode>${text('faultstring', says)}` +
  `<detail><${kind}Fault xmlns="urn:vim25" xsi:type="${kind}">${inside.join('')}</${kind}Fault></detail></soapenv:Fault>${EPILOGUE}`
