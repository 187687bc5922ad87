import { createHash } from 'node:crypto'
import type { Bytes } from '../../../src/kit/units.ts'

/** A disk without its bytes: what is kept is which block was written after which snapshot. */
export interface DiskState {
  readonly key: number
  readonly bytes: Bytes
  readonly file: string
  mode: string
  physical?: true
  tracking?: string // the part before the slash, while changes are tracked
  count: number // the part behind it
  readonly written: Record<number, number[]> // block -> the counts at which it was written
}

export const BLOCK: Bytes = 65_536

export const diskOf = (machine: string, key: number, bytes: Bytes): DiskState => ({
  key,
  bytes,
  file: `[datastore1] ${machine}/${machine}${key === 2000 ? '' : `_${key - 2000}`}.vmdk`,
  mode: 'persistent',
  count: 0,
  written: {},
})

/** Whether a snapshot holds the disk, and so whether its changes are tracked. */
export const held = ({ mode, physical }: DiskState): boolean => mode === 'persistent' && !physical

export const changeIdOf = ({ tracking, count }: Pick<DiskState, 'tracking' | 'count'>): string | undefined =>
  tracking === undefined ? undefined : `${tracking}/${count}`

/** Begins anew: whoever has an id from before can do nothing with it. */
export function beginTracking(disk: DiskState, seed: string): void {
  const hex = createHash('sha256').update(`${seed} ${disk.key}`).digest('hex').slice(0, 30)
  const pairs = ['52', ...(hex.match(/../g) ?? [])]
  disk.tracking = `${pairs.slice(0, 8).join(' ')}-${pairs.slice(8).join(' ')}`
  disk.count = 1
}

export function write(disk: DiskState, offset: Bytes, length: Bytes): void {
  for (let block = Math.floor(offset / BLOCK); block * BLOCK < offset + length; block++) {
    const times = disk.written[block] ?? []
    disk.written[block] = times
    if (!times.includes(disk.count)) times.push(disk.count)
  }
}

export interface Stretch {
  readonly start: Bytes
  readonly length: Bytes
}

/** What was written from one count on and before another, inside a window; neighbours are one stretch. */
export function stretches(disk: DiskState, from: number, before: number, window: Stretch): readonly Stretch[] {
  const found: { start: Bytes; length: Bytes }[] = []
  for (let block = Math.floor(window.start / BLOCK); block * BLOCK < window.start + window.length; block++) {
    if (!disk.written[block]?.some(count => count >= from && count < before)) continue
    const [start, last] = [block * BLOCK, found.at(-1)]
    const length = Math.min(BLOCK, disk.bytes - start)
    if (last && last.start + last.length === start) last.length += length
    else found.push({ start, length })
  }
  return found
}
