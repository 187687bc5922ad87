import { Misread } from '../../src/kit/errors.ts'
import { answerLines } from '../../src/kit/text.ts'
import type { Bytes } from '../../src/kit/units.ts'

export interface Partition {
  readonly number: number
  readonly first: number // sectors
  readonly last: number
}

export interface Table {
  readonly sectors: number
  readonly sector: Bytes
  readonly entries: number // that the table has room for
  readonly partitions: readonly Partition[]
  /** Logical partitions: their container is not listed, and may reach further than they do. */
  readonly extended: boolean
  readonly lastUsed?: number // the last sector of the last partition; nothing where there is none
}

/** Notes that sgdisk prints before the table. They are rules of stars and sentences; what decides stands in the table. */
const NOTES = [
  /^\*+$/,
  /^Found (?:invalid GPT and valid MBR; converting MBR to GPT format|valid GPT with (?:corrupt|protective|hybrid) MBR.*)$/,
  /^in memory\.$/,
  /^Creating new GPT entries in memory\.$/,
  /^Caution: .+$/,
  /^Warning! .+$/,
  /^secondary header from the last sector of the disk! You should use 'v' to$/,
  /^verify disk integrity, and perhaps options on the experts' menu to repair$/,
  /^the disk\.$/,
  /^verification and recovery are STRONGLY recommended\.$/,
  /^backup header from main header\.$/,
  /^\d+ blocks!$/,
  /^You will need to delete this partition or resize it in another utility\.$/,
  /^(?:Main|Backup) (?:header|partition table): (?:OK|ERROR)$/,
]
const HEADING = /^Number {2}Start \(sector\) {4}End \(sector\) {2}Size {7}Code {2}Name$/

/**
 * `sgdisk -p`, for GPT and, converted in its memory, for MBR. It has no end mark: the rows have to add up with
 * "Total free space", so that one that is missing shows. Throws Misread.
 */
export function readTable(text: string): Table {
  const misread = (why: string): Misread => new Misread(`sgdisk -p: ${why}`, text)
  const lines = answerLines(text).filter(line => line.trim() !== '')
  const said = new Map<string, string>()
  const rows: Partition[] = []
  let inRows = false
  for (const line of lines) {
    if (inRows) {
      const row = /^ *(\d{1,4}) +(\d{1,15}) +(\d{1,15}) +\d+(?:\.\d+)? (?:bytes|[KMGTPE]iB) +[0-9A-F]{4}(?: {2}.{0,72})?$/.exec(
        line,
      )
      if (!row) throw misread('a row of the table is not understood')
      rows.push({ number: Number(row[1]), first: Number(row[2]), last: Number(row[3]) })
    } else if (HEADING.test(line)) inRows = true
    else if (!take(line, said) && (said.size > 0 || !NOTES.some(note => note.test(line))))
      throw misread('a line is not understood')
  }
  const value = (name: string): number => {
    const found = said.get(name)
    if (found === undefined) throw misread(`it does not say its ${name}`)
    return Number(found)
  }
  if (!inRows) throw misread('there is no table')
  const [first, last] = [value('first usable'), value('last usable')]
  const used = rows.reduce((sum, row) => sum + Math.max(0, Math.min(row.last, last) - Math.max(row.first, first) + 1), 0)
  if (rows.some(row => row.first > row.last || row.first === 0)) throw misread('a partition ends before it begins')
  if (last - first + 1 - used !== value('free')) throw misread('the rows do not add up with the free space')
  return {
    sectors: value('sectors'),
    sector: value('sector'),
    entries: value('entries'),
    partitions: rows,
    extended: rows.some(row => row.number > 4) && /^Found invalid GPT and valid MBR; converting/m.test(text),
    ...(rows.length === 0 ? {} : { lastUsed: Math.max(...rows.map(row => row.last)) }),
  }
}

const LINES: readonly (readonly [RegExp, ...(readonly string[])])[] = [
  [/^Disk \/?\S+: (\d{1,15}) sectors, \d+(?:\.\d+)? (?:bytes|[KMGTPE]iB)$/, 'sectors'],
  [/^Model: .{0,80}$/],
  [/^Sector size \((?:logical|logical\/physical)\): (\d{3,5})(?:\/\d{3,5})?(?: bytes)?$/, 'sector'],
  [/^Disk identifier \(GUID\): [0-9A-F-]{36}$/],
  [/^Partition table holds up to (\d{1,5}) entries$/, 'entries'],
  [/^Main partition table begins at sector \d+ and ends at sector \d+$/],
  [/^First usable sector is (\d{1,15}), last usable sector is (\d{1,15})$/, 'first usable', 'last usable'],
  [/^Partitions will be aligned on \d+-sector boundaries$/],
  [/^Total free space is (\d{1,15}) sectors \(\d+(?:\.\d+)? (?:bytes|[KMGTPE]iB)\)$/, 'free'],
]

function take(line: string, said: Map<string, string>): boolean {
  for (const [shape, ...names] of LINES) {
    const found = shape.exec(line)
    if (!found) continue
    names.forEach((name, at) => void said.set(name, found[at + 1]!))
    return true
  }
  return false
}

export interface Verdict {
  readonly problems: number
  readonly first?: string // of the problems, for people
}

/**
 * `sgdisk -v`: its exit status is 0 with problems too, so that only its last sentence counts (gdisk 1.0.9, and devices/linux-host.md).
 * Throws Misread where neither sentence ends the text.
 */
export function readVerdict(text: string): Verdict {
  const whole = answerLines(text)
    .filter(line => line.trim() !== '')
    .join('\n')
  const fine =
    /(?:^|\n)No problems found\. \d+ free sectors \([^)\n]{1,24}\) available in \d+\s+segments, the largest of which is \d+ \([^)\n]{1,24}\) in size\.$/.exec(
      whole,
    )
  const bad = /(?:^|\n)Identified (\d{1,4}) problems!$/.exec(whole)
  if (fine && !/^Identified \d+ problems!$/m.test(whole)) return { problems: 0 }
  if (!bad || Number(bad[1]) === 0)
    throw new Misread('sgdisk -v: neither "No problems found" nor "Identified N problems" ends it', text)
  const first = /^(?:Problem|Caution|Warning): ?(.+)$/m.exec(whole)?.[1] ?? /^(.*(?:don't match|too big).*)$/m.exec(whole)?.[1]
  return { problems: Number(bad[1]), ...(first === undefined ? {} : { first: first.slice(0, 200) }) }
}
