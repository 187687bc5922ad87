import { Misread } from '../../src/kit/errors.ts'
import { type Found, foundIn, pageIn } from './properties.ts'
import { answerIn, Fault } from './soap.ts'
import type { Element } from './xml.ts'

/** A reading of an answer that somebody pasted, as it was on the wire. A fault is none. */
export const answered =
  <T>(method: string, reading: (answer: readonly Element[]) => T) =>
  (text: string): T =>
    reading(valuesOf(text, method))

/** The objects of RetrievePropertiesEx, or of RetrieveProperties, which older programs ask. */
export function foundAnywhere(text: string): readonly Found[] {
  return text.includes('<RetrievePropertiesResponse')
    ? valuesOf(text, 'RetrieveProperties').map(foundIn)
    : pageIn(valuesOf(text, 'RetrievePropertiesEx')).found
}

function valuesOf(text: string, method: string): readonly Element[] {
  try {
    return answerIn(text, method)
  } catch (error) {
    if (error instanceof Fault) throw new Misread(`this is a fault: ${error.kind} ${error.message}`, text.slice(0, 2_000))
    throw error
  }
}
