import { Refused } from './errors.ts'

/** The shell at the far end that takes the line apart again. An appliance has none: it splits at blanks and knows no quotes. */
export const DIALECTS = ['posix', 'cmd', 'powershell', 'appliance'] as const
export type Dialect = (typeof DIALECTS)[number]

/** What characters a word may have, whichever shell it goes to. Only `fixed` words, which stand in our code, may start with '-'. */
const CLASSES = {
  fixed: /^[A-Za-z0-9_.:=,/\\@+-]+$/,
  name: /^[A-Za-z0-9_.:][A-Za-z0-9_.:@+-]*$/,
  number: /^\d{1,15}$/,
  path: /^[^\p{Cc}\p{Surrogate}-][^\p{Cc}\p{Surrogate}]*$/u,
  text: /^(?!-)[^\p{Cc}\p{Surrogate}]*$/u,
} as const
export type WordClass = keyof typeof CLASSES

/** One word of a command: which class it was declared to be of, what stands before it in the same word, and the value. */
export interface Word {
  readonly is: WordClass
  readonly before: string // "dev=" in dev=harddisk5; from our code, never from a person
  readonly value: string
}

const of =
  (is: WordClass) =>
  (value: string | number, before = ''): Word => ({ is, before, value: String(value) })

export const word = { fixed: of('fixed'), name: of('name'), number: of('number'), path: of('path'), text: of('text') }

/** A row of words that stand in our code. */
export const fixed = (...values: readonly string[]): readonly Word[] => values.map(value => word.fixed(value))

/**
 * The words as one line that the far shell splits into exactly these words.
 * Throws Refused, before anything is sent, for a word that its class or that shell cannot carry.
 */
export function lineOf(words: readonly Word[], dialect: Dialect): string {
  const [program] = words
  if (!program) throw new Refused('there is no command to send')
  return words.map((one, at) => QUOTE[dialect](checked(one), at === 0)).join(' ')
}

/** The words as a program and its arguments, for a spawn without a shell. */
export const argumentsOf = (words: readonly Word[]): readonly string[] => words.map(checked)

/** The line as people read it in the preview of a plan. Never sent. */
export const shown = (words: readonly Word[]): string =>
  words.map(({ before, value }) => (/\s/.test(value) ? `${before}"${value}"` : before + value)).join(' ')

function checked({ is, before, value }: Word): string {
  if (!CLASSES[is].test(value)) throw new Refused(`${named(value)} cannot be sent: ${WHY[is]}`)
  if (!/^[A-Za-z0-9_.:=/-]*$/.test(before)) throw new Refused(`${named(before)} cannot stand before a value`)
  return before + value
}

const WHY: Record<WordClass, string> = {
  fixed: 'a fixed word has letters, digits and _.:=,/\\@+- only',
  name: 'a name has letters, digits and _.:@+- only, and does not start with a minus sign',
  number: 'a number has digits only',
  path: 'a path has no control characters and does not start with a minus sign',
  text: 'a text has no control characters and does not start with a minus sign',
}

/** Control characters are named and never repeated: an error text ends in a chat. */
const named = (value: string): string => JSON.stringify(value.slice(0, 60)).replace(/[\u007f-\u009f]|[\ud800-\udfff]/g, '?')

const QUOTE: Record<Dialect, (text: string, program: boolean) => string> = {
  posix(text, program) {
    // An '=' in the first word would be an assignment, and a '~' or a '=' at the front is expanded by some shells.
    if (/^[A-Za-z0-9_/.:,@+%-]+$/.test(text) || (!program && /^[A-Za-z0-9_/.:,@+%-][A-Za-z0-9_/.:,@+%=-]*$/.test(text)))
      return text
    return `'${text.replaceAll("'", String.raw`'\''`)}'`
  },
  cmd(text) {
    // Neither % nor ! can be escaped for certain inside quotes, and a quote ends what the caret would protect.
    const bad = /[%!"]/.exec(text)
    if (bad) throw new Refused(`${named(text)} cannot be sent to cmd.exe: it has a ${bad[0]}`)
    if (/^[A-Za-z0-9_.:/\\-]+$/.test(text)) return text
    // The program takes backslashes before a closing quote in pairs (CommandLineToArgvW).
    return `"${text.replace(/\\+$/, '$&$&')}"`
  },
  powershell(text, program) {
    if (text === '' || text.includes('"')) throw new Refused(`${named(text)} cannot be handed to a program by PowerShell`)
    if (/\s/.test(text) && text.endsWith('\\')) throw new Refused(`${named(text)} ends in a backslash, which PowerShell loses`)
    if (program ? /^[A-Za-z][A-Za-z0-9_.]*$/.test(text) : /^[A-Za-z0-9_][A-Za-z0-9_/\\:]*$/.test(text) && !/^\d/.test(text))
      return text
    // PowerShell takes the typographic single quotes for quotes too.
    return `${program ? '& ' : ''}'${text.replace(/['\u2018-\u201b]/g, '$&$&')}'`
  },
  appliance(text) {
    if (!/^[A-Za-z0-9_.:=,/@+-]+$/.test(text))
      throw new Refused(`${named(text)} cannot be sent: this device's command line has no quotes`)
    return text
  },
}
