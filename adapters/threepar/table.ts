import type { No } from './cli-text.ts'

export type Row = ReadonlyMap<string, string>

/** One kind of table of the InForm CLI. */
export interface Shape {
  readonly needs: readonly string[] // columns without which the table is not understood
  readonly open?: string // the one column whose value may have blanks
  readonly lacking?: true // the last value may be missing: it is blank then
  readonly total?: true // it ends with a line of dashes and the number of its rows
}

/** A heading: the names of the columns, and whether commas or blanks part them. */
export interface Heading {
  readonly columns: readonly string[]
  readonly commas: boolean
}

/** `-State-` is State, `Netmask/PrefixLen` is Netmask; a name that comes again (ID, ID) gets a number. */
export function headingOf(line: string): Heading {
  const commas = line.includes(',')
  const names = (commas ? line.split(',') : line.trim().split(/\s+/)).map(name =>
    name
      .trim()
      .replace(/^-+|-+$/g, '')
      .replace(/\/.*$/, ''),
  )
  if (commas && names[0] === '') names.shift()
  const columns = names.map((name, at) => (names.indexOf(name) === at ? name : `${name}.2`))
  return { columns, commas }
}

export const isHeading = (line: string, { needs }: Shape): boolean => {
  const { columns } = headingOf(line)
  return needs.every(name => columns.includes(name))
}

/** The values of a row by column; undefined when there are more or fewer than the heading has. */
export function rowOf(line: string, { columns, commas }: Heading, { open, lacking }: Shape): Row | undefined {
  const cells = commas ? splitAtCommas(line) : joined(line).trim().split(/\s+/)
  if (!cells) return undefined
  if (commas && cells.length === columns.length + 1 && cells[0] === '') cells.shift()
  if (lacking && cells.length === columns.length - 1) cells.push('')
  const more = cells.length - columns.length
  const at = open === undefined ? -1 : columns.indexOf(open)
  if (more > 0 && at >= 0 && !commas) cells.splice(at, more + 1, cells.slice(at, at + more + 1).join(' '))
  if (cells.length !== columns.length) return undefined
  // Between commas only options are ever blank: another last cell without anything in it was cut off.
  if (commas && cells.at(-1) === '' && columns.at(-1) !== 'Options') return undefined
  return new Map(columns.map((name, n) => [name, parted(cells[n]!)]))
}

/** A whole answer that is one table. Every line of it must be understood. */
export function tableIn(lines: readonly string[], shape: Shape, no: No): readonly Row[] {
  const start = lines.findIndex(line => isHeading(line, shape))
  if (start < 0) no(`there is no heading with ${shape.needs.join(', ')} in it`)
  const stray = lines.slice(0, start).find(line => !/^[\s-]*(?:\([A-Za-z]+\))?[\s-]*$/.test(line))
  if (stray !== undefined) no(`a line before the heading is not understood: ${stray.trim().slice(0, 120)}`)
  const heading = headingOf(lines[start]!)
  const body = lines.slice(start + 1).filter(line => line.trim() !== '')
  const rule = body.findIndex(line => /^\s*-{3,}[\s-]*$/.test(line))
  if (rule < 0 && shape.total && !heading.commas) no('it does not end with its total: it is cut off')
  const rows = (rule < 0 ? body : body.slice(0, rule)).map(
    line => rowOf(line, heading, shape) ?? no(`a row does not fit the heading: ${line.trim().slice(0, 120)}`),
  )
  if (rule >= 0) {
    const [footer, ...rest] = body.slice(rule + 1)
    const total = /^\s*(\d+)(?:\s+total\b.*)?$/i.exec(footer ?? '')?.[1]
    if (total === undefined || rest.length > 0)
      no(`what follows the table is not understood: ${[footer ?? '', ...rest].join(' ').trim().slice(0, 120)}`)
    if (Number(total) !== rows.length) no(`it says that there are ${total} rows, and ${rows.length} are in it`)
  }
  return rows
}

/** In a quoted cell a comma is a comma. Undefined for a quote that never ends: the line is cut off. */
function splitAtCommas(line: string): string[] | undefined {
  const cells = ['']
  let quoted = false
  for (const letter of line) {
    if (letter === '"') quoted = !quoted
    else if (letter === ',' && !quoted) cells.push('')
    else cells[cells.length - 1] += letter
  }
  return quoted ? undefined : cells.map(cell => cell.trim())
}

// A time and a share belong to one cell, though there are blanks in them: "2014-03-05 10:19:42 CET", "Syncing (45%)".
const TIME = /(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?: ([A-Z][A-Za-z]{2,5}|[+-]\d{2}:?\d{0,2}))?(?![\w:])/g
const GLUE = '\u0001' // no answer has one in it: they come cleaned
const joined = (line: string): string =>
  line.replace(TIME, time => time.replaceAll(' ', GLUE)).replace(/([A-Za-z]) \((\d{1,3}%\))/g, `$1${GLUE}($2`)
const parted = (cell: string): string => cell.replaceAll(GLUE, ' ')

/** "2014-03-05 10:19:42 CET" and nothing else; without its zone it was cut off. */
export const isTime = (text: string): boolean => /:\d{2} \S+$/.test(text) && text.replace(TIME, '') === ''
