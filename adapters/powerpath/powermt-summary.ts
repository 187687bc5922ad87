import { Misread } from '../../src/kit/errors.ts'
import { answerLines } from '../../src/kit/text.ts'

/** One row of `powermt display`: a host bus adapter. */
export interface Hba {
  readonly hba: number
  readonly hardware?: string // absent where PowerPath prints UNKNOWN
  readonly summary: Summary
  readonly total: number
  readonly dead: number
  readonly ioPerSecond?: number
  readonly queued?: number
  readonly errors?: number
}

export interface Hbas {
  readonly logicalDevices: Readonly<Record<string, number>> // by product label
  readonly hbas: readonly Hba[]
  readonly total: number // paths
  readonly dead: number
  readonly worst: Summary
}

const SUMMARIES = ['optimal', 'degraded', 'failed'] as const
type Summary = (typeof SUMMARIES)[number]

/** `powermt display`: counts by product, then one row for each HBA (devices/powerpath.md section 3, rule 7). */
export function readHbas(text: string): Hbas {
  const no = (why: string): never => {
    throw new Misread(`powermt display: ${why}`, text)
  }
  const logicalDevices: Record<string, number> = {}
  const hbas: Hba[] = []
  let started = false
  let header = false
  for (const line of answerLines(text).map(line => line.trim())) {
    if (line === '' || /^={3,}$/.test(line)) continue
    const counted = /^([A-Za-z][\w /-]*?) logical device count\s*=\s*(\d+)$/i.exec(line)
    if (counted) {
      started = true
      logicalDevices[counted[1]!] = Number(counted[2])
    } else if (/^-+ *Host Bus Adapters *-+/i.test(line)) started = true
    else if (/^###\s+HW Path\s+Summary/i.test(line)) header = true
    else if (header) hbas.push(hbaOf(line) ?? no(`a row is not understood: ${line.slice(0, 120)}`))
    else if (started || /^(?:powermt|error)\s*:/i.test(line)) no(`a line is not understood: ${line.slice(0, 120)}`)
  }
  if (!header || hbas.length === 0) no('there is no host bus adapter in it')
  return {
    logicalDevices,
    hbas,
    total: hbas.reduce((sum, hba) => sum + hba.total, 0),
    dead: hbas.reduce((sum, hba) => sum + hba.dead, 0),
    worst: SUMMARIES.findLast(summary => hbas.some(hba => hba.summary === summary)) ?? 'failed',
  }
}

function hbaOf(row: string): Hba | undefined {
  const found = /^(\d+)\s+(?:(.*?)\s+)?(optimal|degraded|failed)\s+(\d+)\s+(\d+)\s+(\d+|-)\s+(\d+|-)\s+(\d+|-)$/.exec(row)
  if (!found) return undefined
  const [, hba, hardware, summary, total, dead, ioPerSecond, queued, errors] = found
  return {
    hba: Number(hba),
    ...(hardware === undefined || hardware === '' || /^unknown$/i.test(hardware) ? {} : { hardware }),
    summary: summary as Summary,
    total: Number(total),
    dead: Number(dead),
    ...(ioPerSecond === '-' ? {} : { ioPerSecond: Number(ioPerSecond) }),
    ...(queued === '-' ? {} : { queued: Number(queued) }),
    ...(errors === '-' ? {} : { errors: Number(errors) }),
  }
}

export interface Version {
  readonly version: string
  readonly build: string
}

/** `powermt version`: "EMC powermt for PowerPath (c) Version 5.1.0 (build 160)". */
export function readVersion(text: string): Version {
  const found = /powermt for PowerPath\b.*?\bVersion\s+(\S.*?)\s*\(build\s+([\w.-]+)\)/i.exec(answerLines(text).join('\n'))
  if (!found) throw new Misread('powermt version: there is no version in it', text)
  return { version: found[1]!, build: found[2]! }
}
