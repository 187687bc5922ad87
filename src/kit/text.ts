import { Misread } from './errors.ts'

/**
 * What a device wrote, as plain text: escape sequences and control characters are gone, but for line ends and tabs.
 * The one place where this is done; bytes that are not UTF-8 become the replacement character.
 */
export function clean(output: Uint8Array | string): string {
  const text = typeof output === 'string' ? output : new TextDecoder('utf-8', { ignoreBOM: false }).decode(output)
  return text
    .replace(/\u001b\[[0-?]*[ -/]*[@-~]/g, '') // CSI: colours, cursor
    .replace(/\u001b[\]PX^_][^\u0007\u001b]{0,4096}(?:\u0007|\u001b\\)/g, '') // OSC, DCS and the like: titles, links
    .replace(/\u001b[ -/]*[0-~]/g, '')
    .replace(/\r+\n/g, '\n')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
    .replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '') // turns the reading direction round: shows another text than it is
}

/** The lines of an output without blanks at their ends. */
export const linesOf = (text: string): readonly string[] =>
  clean(text)
    .split('\n')
    .map(line => line.trimEnd())

/** A question that waits for an answer: nobody answers it, because nobody here knows what a yes would do. */
const QUESTIONS = [
  /\[\s*y(?:es)?\s*[|/]\s*n(?:o)?\b[^\]]*\]/i,
  /\(\s*y(?:es)?\s*[|/,]\s*n(?:o)?\b[^)]*\)/i,
  /\b(?:proceed|continue|are you sure)\b[^\n]*\?/i,
  /(?:password|passphrase)[^\n]{0,40}:\s*$/im,
  /--\s*more\s*--/i,
  /press (?:any key|enter|return)\b/i,
  /\bselect q=quit\b/i,
]

/** The line with a question in it, if there is one. */
export const questionIn = (text: string): string | undefined =>
  clean(text)
    .split('\n')
    .find(line => QUESTIONS.some(question => question.test(line)))
    ?.trim()
    .slice(0, 200)

/** Every reading starts here: a question in the middle of an answer makes the whole of it worthless. */
export function answerLines(text: string): readonly string[] {
  const question = questionIn(text)
  if (question !== undefined) throw new Misread(`the device asked a question and nobody answered it: ${question}`, text)
  return linesOf(text)
}
