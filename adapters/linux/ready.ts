import { Refused } from '../../src/kit/errors.ts'
import type { Bytes } from '../../src/kit/units.ts'
import type { OneDisk } from './wire.ts'

/** What a gate before a copy shows; each field alone can be an expectation. What is not known is absent. */
export interface Readiness {
  readonly ready: boolean // for a copy to an empty disk
  readonly readyToOverwrite: boolean // the same, but what is on the target would be lost
  readonly why: string // what is in the way, or "nothing is in the way"
  readonly sourcePath: string
  readonly targetPath: string
  readonly sourceBytes: Bytes
  readonly targetBytes: Bytes
  readonly targetSmaller: boolean
  readonly fits: boolean // all that is in use on the source has room on the target
  readonly sourceTable: string // gpt, dos, or none
  readonly sourceReadOnly: boolean
  readonly sourceIdle: boolean // not mounted, and nothing sits on it
  readonly targetIdle: boolean
  readonly targetReadOnly: boolean
  readonly targetEmpty: boolean
  readonly sector: Bytes
  readonly lastUsedSector?: number // of the source
  readonly lastSector: number // of the target
  readonly needs?: Bytes // how much of the source has to be on the target
}

/** Before a copy, from one look at both disks. Pure; `copy` decides by it again right before it is sent. */
export function readinessOf(source: OneDisk, target: OneDisk): Readiness {
  const smaller = target.bytes < source.bytes
  const needs = smaller ? usedBytes(source) : source.bytes
  const room = target.bytes - (smaller ? reserve(source) : 0)
  const fits = needs !== undefined && needs <= room
  const obstacles = [
    ...(source.found.path === target.found.path ? ['source and target are one disk'] : []),
    ...(source.sector === target.sector
      ? []
      : [`the sectors are ${source.sector} and ${target.sector} bytes long: a partition table would not fit`]),
    ...idle('source', source),
    ...idle('target', target),
    ...(source.readOnly ? [] : ['the source can be written: set it read only first']),
    ...(target.readOnly ? ['the target is read only'] : []),
    ...(fits ? [] : [unfit(source, target, needs)]),
  ]
  const filled = target.empty ? [] : [`the target is not empty (${contents(target)}): only \`overwrite\` takes it`]
  const why = [...obstacles, ...filled]
  return {
    ready: why.length === 0,
    readyToOverwrite: obstacles.length === 0,
    why: why.length === 0 ? 'nothing is in the way' : why.join('; '),
    sourcePath: source.found.path,
    targetPath: target.found.path,
    sourceBytes: source.bytes,
    targetBytes: target.bytes,
    targetSmaller: smaller,
    fits,
    sourceTable: source.table ?? 'none',
    sourceReadOnly: source.readOnly,
    sourceIdle: idle('source', source).length === 0,
    targetIdle: idle('target', target).length === 0,
    targetReadOnly: target.readOnly,
    targetEmpty: target.empty,
    sector: source.sector,
    ...(source.layout?.lastUsed === undefined ? {} : { lastUsedSector: source.layout.lastUsed }),
    lastSector: target.bytes / target.sector - 1,
    ...(needs === undefined ? {} : { needs }),
  }
}

/** How much of its beginning is in use; nothing where only the file system would know. */
export function usedBytes({ layout }: OneDisk): Bytes | undefined {
  if (layout?.lastUsed === undefined || layout.extended) return undefined
  return (layout.lastUsed + 1) * layout.sector
}

/** The backup of a GPT, at the end of the disk: its header, and 128 bytes for each entry, 32 sectors at least (UEFI 2.10, section 5.3). */
function reserve({ table, sector, layout }: OneDisk): Bytes {
  if (table !== 'gpt') return 0
  return (1 + Math.max(32, Math.ceil(((layout?.entries ?? 128) * 128) / sector))) * sector
}

const idle = (what: string, { mounts, users }: OneDisk): readonly string[] => [
  ...(mounts.length === 0 ? [] : [`the ${what} is mounted at ${mounts.join(', ')}`]),
  ...(users.length === 0 ? [] : [`on the ${what} sits ${users.join(', ')}`]),
]

export const contents = ({ table, holds, layout }: OneDisk): string =>
  table !== undefined
    ? `${table} with ${layout?.partitions.length ?? 'unknown'} partitions`
    : (holds ?? 'data without a signature that is known')

function unfit(source: OneDisk, target: OneDisk, needs: Bytes | undefined): string {
  if (needs !== undefined)
    return `the source is in use up to byte ${needs}${reserve(source) > 0 ? ` and needs ${reserve(source)} more for the backup of its table` : ''}, and the target has ${target.bytes}: shrink its last partition first`
  if (source.layout?.extended) return 'the source has logical partitions: how far their container reaches cannot be told'
  return source.table === undefined
    ? 'the source has no partition table: how much of it is in use cannot be told'
    : 'the source has no partition'
}

/** Throws Refused unless the copy may be started. */
export function guardCopy(found: Readiness, overwrite: boolean): Bytes {
  const open = overwrite ? found.readyToOverwrite : found.ready
  if (!open || found.needs === undefined) throw new Refused(found.why)
  return found.needs
}
