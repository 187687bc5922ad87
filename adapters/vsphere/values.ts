import { Misread } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { line } from './soap.ts'
import type { Element } from './xml.ts'

/** The plain values of vim25 (xsd): whatever is not exactly one is a Misread, and what is not there is undefined. */

export const textIn = (element: Element | undefined): string | undefined =>
  element === undefined ? undefined : line(element.text)

export function booleanIn(element: Element | undefined, what: string): boolean | undefined {
  if (element === undefined) return undefined
  if (element.text === 'true' || element.text === '1') return true
  return element.text === 'false' || element.text === '0' ? false : odd(element, what)
}

/** A whole number that is not negative. */
export function wholeIn(element: Element | undefined, what: string): number | undefined {
  if (element === undefined) return undefined
  const value = /^\d{1,16}$/.test(element.text) ? Number(element.text) : Number.NaN
  return Number.isSafeInteger(value) ? value : odd(element, what)
}

/** xsd:dateTime, with as many digits behind the second as it likes: milliseconds since 1970. */
export function instantIn(element: Element | undefined, what: string): Millis | undefined {
  if (element === undefined) return undefined
  const [, second, fraction = '', zone] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.exec(element.text) ?? []
  const at = second === undefined ? Number.NaN : Date.parse(`${second}${fraction.slice(0, 4)}${zone}`)
  return Number.isFinite(at) ? at : odd(element, what)
}

export function oneOf<T extends string>(element: Element | undefined, allowed: readonly T[], what: string): T | undefined {
  if (element === undefined) return undefined
  return allowed.find(one => one === element.text) ?? odd(element, what)
}

export function needed<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Misread(`vCenter does not say ${what}`, '')
  return value
}

const odd = (element: Element, what: string): never => {
  throw new Misread(`vCenter says ${JSON.stringify(element.text.slice(0, 80))} for ${what}`, element.text.slice(0, 200))
}
