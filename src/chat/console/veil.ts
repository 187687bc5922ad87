import type { Button } from '../../domain/chat.ts'
import { prefixOf } from './typed.ts'

/**
 * A line as it may be seen while a code is typed into it: dots for its digits. `asked`: the line answers a question for a code; else
 * it may begin with the number of a button that wants one.
 */
export function veiled(line: string, asked: boolean, speakers: readonly string[], buttons: readonly Button[]): string {
  if (asked) return line.replace(DIGITS, dots)
  const begun = line.slice(0, line.length - line.trimStart().length)
  const who = prefixOf(line.trimStart(), speakers)
  const said = line.slice(begun.length + who.length)
  const [pressed = '', number] = /^(\d{1,2})\s+/.exec(said) ?? []
  if (number === undefined || !buttons[Number(number) - 1]?.words?.code) return line
  return `${begun}${who}${pressed}${said.slice(pressed.length).replace(DIGITS, dots)}`
}

/** What stands before the first word. */
const DIGITS = /^[\d\s]+/
const dots = (digits: string): string => digits.replace(/\d/g, '.')
