import { Misread } from '../../src/kit/errors.ts'
import { answerLines } from '../../src/kit/text.ts'

/** Says why a text is not understood, and never returns. */
export type No = (why: string) => never

export const misread =
  (what: string, text: string): No =>
  why => {
    throw new Misread(`${what}: ${why}`, text)
  }

/** "array01 cli% showrcopy", "cli%", "$ showrcopy": where a transcript shows what was typed. */
const PROMPT = /^\s*(?:(?:\S+ )?cli%|\$)(?:\s+(.*))?$/

/**
 * The lines of one answer. A prompt before it, with the command that was typed, and one behind it belong to a transcript; one in
 * the middle means that this is not one answer. A complaint or a question makes the whole of it worthless, whatever the exit status.
 */
export function cliLines(text: string, no: No): readonly string[] {
  const lines = answerLines(text)
  const complaint = complaintIn(text)
  if (complaint !== undefined) no(complaint)
  const first = lines.findIndex(line => line.trim() !== '' && !PROMPT.test(line))
  const last = lines.findLastIndex(line => line.trim() !== '' && !PROMPT.test(line))
  if (first < 0) no('there is nothing in it')
  const body = lines.slice(first, last + 1)
  if (body.some(line => PROMPT.test(line)))
    no('there is a prompt in the middle: this is more than one answer, or one that was cut off')
  const typed = lines.slice(0, first).flatMap(line => PROMPT.exec(line)?.[1]?.trim() || [])
  if (typed.length > 1) no('there is more than one command in it')
  return body.map(line => line.replaceAll('\t', '  '))
}

/** "Error: group matching rcg_x does not exist": on either stream, and no matter what the exit status is. */
export const complaintIn = (text: string): string | undefined =>
  text
    .split('\n')
    .map(line => line.trim())
    .find(line => /^(?:error|command error)\s*:/i.test(line) || /^too many local cli connections/i.test(line))
    ?.slice(0, 200)

/** What stands for "not known" or "none" in its tables. */
const NOTHING = /^(?:-+|n\/a|na|none|unknown)?$/i

/** A cell as it is, or undefined where the array says that it does not know. */
export const said = (cell: string | undefined): string | undefined =>
  cell === undefined || NOTHING.test(cell) ? undefined : cell

/** A field of a result, left out where the array did not say it. */
export const maybe = <K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } =>
  (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: V }

/** A whole number; undefined where it is not known, a Misread where it is something else. */
export function count(cell: string | undefined, what: string, no: No): number | undefined {
  const value = said(cell)
  if (value === undefined) return undefined
  return /^\d{1,15}$/.test(value) ? Number(value) : no(`${what} is no number: ${value.slice(0, 40)}`)
}

/** A word that only begins like one the array knows was cut off: it must not pass for a word of its own. */
export function whole(word: string, known: readonly string[], what: string, no: No): string {
  if (!/^[A-Za-z][\w/-]*$/.test(word)) no(`${what} is not understood: ${word.slice(0, 40)}`)
  if (!known.includes(word) && known.some(one => one.startsWith(word))) no(`${what} "${word}" is cut off`)
  return word
}

/** A name that the array itself shortened ends in "...": it is no name to ask for, and equal to no other. */
export const named = <K extends string>(key: K, cell: string): { readonly [P in K]: string } & { readonly cut?: true } =>
  ({ [key]: cell, ...(cell.endsWith('...') ? { cut: true } : {}) }) as { readonly [P in K]: string } & { readonly cut?: true }
