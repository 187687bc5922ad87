import { Misread } from '../../src/kit/errors.ts'
import { answerLines } from '../../src/kit/text.ts'
import type { Bytes } from '../../src/kit/units.ts'

/** What dd of coreutils says on its way and at its end, in the C locale. */
export interface DdReport {
  readonly copied?: Bytes // as of the newest line that says so
  readonly errors: readonly string[] // "dd: error writing '/dev/sdg': No space left on device"
  readonly strange: readonly string[] // lines that are not dd's: a shell writes "Killed" here
  readonly ended: boolean // both counts of records were printed, and the bytes after them
}

const COPIED =
  /^(\d{1,15}) bytes? (?:\([^)]{1,40}\) )?copied, \d+(?:\.\d+)?(?:e-?\d+)? s, (?:\d+(?:\.\d+)? [kMGTPE]?B|Infinity B)\/s$/
const RECORDS = /^\d+\+\d+ records (in|out)$/

/** The error with which a smaller target ends, named exactly: of another file it would mean another thing. */
export const outOfSpace = (path: string): string => `dd: error writing '${path}': No space left on device`

/** The lines of `dd ... status=progress`, with the carriage returns turned into line ends. */
export function ddReport(lines: readonly string[]): DdReport {
  let copied: Bytes | undefined
  let end: readonly string[] = []
  const [errors, strange]: [string[], string[]] = [[], []]
  for (const line of lines.map(one => one.trimEnd()).filter(Boolean)) {
    const bytes = COPIED.exec(line)
    const records = RECORDS.exec(line)?.[1]
    if (bytes) {
      copied = Number(bytes[1])
      end = end.length === 2 ? [...end, 'bytes'] : []
    } else if (records !== undefined) {
      end = records === 'in' ? [records] : [...end, records] // a USR1 prints all three as well
    } else if (line.startsWith('dd: ')) errors.push(line.slice(0, 300))
    else strange.push(line.slice(0, 300))
  }
  return { ...(copied === undefined ? {} : { copied }), errors, strange, ended: end.join(' ') === 'in out bytes' }
}

/** A whole report that was pasted. Throws Misread for a line that dd does not write, and for a report without its end. */
export function readDd(text: string): DdReport {
  const report = ddReport(answerLines(text.replace(/\r+(?!\n)/g, '\n')))
  if (report.strange.length > 0) throw new Misread('dd: a line is not understood', text)
  if (!report.ended) throw new Misread('dd: its report has no end', text)
  return report
}
