import { Misread } from '../../src/kit/errors.ts'
import type { Bytes } from '../../src/kit/units.ts'
import type { Ref } from './soap.ts'
import { needed, wholeIn } from './values.ts'
import type { VCenter } from './wire.ts'
import { child, children, type Element } from './xml.ts'

/** A part of a disk, in bytes. */
export interface Area {
  readonly offset: Bytes
  readonly length: Bytes
}

/** One answer of QueryChangedDiskAreas: what changed inside a window of the disk (DiskChangeInfo). */
export interface Window {
  readonly offset: Bytes
  readonly length: Bytes
  readonly areas: readonly Area[]
}

/** What to compare: a disk as it is in a snapshot with a moment before, or `*` for whatever is allocated. */
export interface Question {
  readonly machine: Ref
  readonly snapshot: Ref
  readonly key: number
  readonly bytes: Bytes
  readonly since: string
}

export const ALLOCATED = '*'
/** Trackers count in such blocks, so that the last one may reach over the end of a disk. Nothing else depends on it. */
const BLOCK: Bytes = 65_536
const MOST_WINDOWS = 1_000_000
const MOST_AREAS = 5_000_000

/**
 * Everything that changed on the disk. An answer covers a window only, and the next question begins where the window ended, until the
 * whole disk is covered (devices/vsphere-esxi.md A1; the vSphere API, VirtualMachine.QueryChangedDiskAreas).
 */
export async function changedAreas(vcenter: VCenter, { machine, snapshot, key, bytes, since }: Question, signal: AbortSignal) {
  const areas: Area[] = []
  for (let [offset, windows] = [0, 0]; offset < bytes; windows++) {
    if (windows >= MOST_WINDOWS || areas.length > MOST_AREAS) throw new Misread(`the changes of disk ${key} do not end`, '')
    const request = {
      method: 'QueryChangedDiskAreas',
      of: machine,
      args: [
        ['snapshot', snapshot],
        ['deviceKey', key],
        ['startOffset', offset],
        ['changeId', since],
      ],
    } as const
    const window = checked(await vcenter.ask(() => request, windowIn, signal), offset, bytes)
    for (const area of window.areas) areas.push(area)
    offset = window.offset + window.length
  }
  return areas
}

export function windowIn(answer: readonly Element[]): Window {
  const [changes, ...more] = answer
  if (
    !changes ||
    more.length > 0 ||
    changes.children.some(({ name }) => !['startOffset', 'length', 'changedArea'].includes(name))
  )
    throw new Misread('this is not a list of changed areas', '')
  const bytes = (of: Element, name: string): Bytes =>
    needed(wholeIn(child(of, name), `the ${name} of an area`), `the ${name} of an area`)
  return {
    offset: bytes(changes, 'startOffset'),
    length: bytes(changes, 'length'),
    areas: children(changes, 'changedArea').map(area => ({ offset: bytes(area, 'start'), length: bytes(area, 'length') })),
  }
}

/** The window, with a last block that reaches over the end cut there. A list that is not whole and in order makes a copy that lacks a change. */
export function checked({ offset, length, areas }: Window, asked: Bytes, size: Bytes): Window {
  const no = (why: string): never => {
    throw new Misread(`the list of changed areas cannot be used: ${why}`, '')
  }
  if (offset !== asked) no(`it begins at ${offset}, and was asked for from ${asked} on`)
  if (length <= 0) no(`it covers nothing from ${offset} on, so that it would never come to the end`)
  const limit = Math.ceil(size / BLOCK) * BLOCK
  const end = offset + length
  if (end > limit) no(`it reaches to ${end}, and the disk ends at ${size}`)
  let reached = offset
  for (const area of areas) {
    const to = area.offset + area.length
    if (area.length <= 0) no(`an area at ${area.offset} is empty`)
    if (area.offset < reached) no(`an area at ${area.offset} overlaps the one before, or is out of order`)
    if (to > end && !(end >= size && to <= limit))
      no(`an area at ${area.offset} reaches to ${to}, behind the end at ${Math.min(end, size)}`)
    if (area.offset >= size) no(`an area at ${area.offset} begins behind the end of the disk at ${size}`)
    reached = to
  }
  return {
    offset,
    length: Math.min(end, size) - offset,
    areas: areas.map(area => ({ offset: area.offset, length: Math.min(area.offset + area.length, size) - area.offset })),
  }
}
