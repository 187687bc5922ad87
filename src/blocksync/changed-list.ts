import { z } from 'zod'
import type { Bytes } from '../domain/ids.ts'
import { type Extent, endOf, merge } from './extents.ts'
import { SyncStopped } from './stopped.ts'

/**
 * The changed blocks of a disk, as people and tools write them: a line "offset length" for each (seed 003), or what
 * `nbdinfo --map=qemu:dirty-bitmap:NAME --json` prints. A line that cannot be read is an error, never left out: a list that has lost
 * a line makes a copy that lacks a change. An extent that runs over the end is cut there (trackers count in 64 KiB); one that begins
 * behind the end is of another disk.
 */
export function parseChanged(text: string, size: Bytes): readonly Extent[] {
  const extents = text.trimStart().startsWith('[') ? fromMap(text) : fromLines(text)
  for (const { offset, length } of extents)
    if (length > 0 && offset >= size)
      throw bad(
        `It names ${length} bytes at ${offset}, and the disk ends at ${size}. It is the list of another disk, or the disk was resized.`,
      )
  return merge(extents.map(extent => ({ offset: extent.offset, length: Math.min(endOf(extent), size) - extent.offset })))
}

function fromLines(text: string): readonly Extent[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return []
    const [, offset, length] = /^\s*(\d+)\s+(\d+)\s*$/.exec(line) ?? []
    const extent = { offset: Number(offset), length: Number(length) }
    if (!Number.isSafeInteger(endOf(extent)))
      throw bad(`Line ${index + 1} is not "offset length" in bytes: ${JSON.stringify(line.slice(0, 80))}.`)
    return [extent]
  })
}

const DirtyMap = z.array(z.object({ offset: z.int().min(0), length: z.int().min(0), description: z.enum(['dirty', 'clean']) }))

function fromMap(text: string): readonly Extent[] {
  try {
    return DirtyMap.parse(JSON.parse(text)).filter(({ description }) => description === 'dirty')
  } catch (error) {
    throw bad('It begins like a map of nbdinfo, and is not one of a dirty bitmap.', error)
  }
}

const bad = (why: string, cause?: unknown): SyncStopped =>
  new SyncStopped('bad list', `The list of changed blocks cannot be used. ${why} Get a new one, or push the whole disk.`, cause)
