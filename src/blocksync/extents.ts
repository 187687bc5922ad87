import type { Bytes } from '../domain/ids.ts'

/** A stretch of a disk, byte exact. Nothing here rounds: a tail that is no multiple of anything is a tail like any other. */
export interface Extent {
  readonly offset: Bytes
  readonly length: Bytes
}

export const endOf = (extent: Extent): Bytes => extent.offset + extent.length
export const totalOf = (extents: readonly Extent[]): Bytes => extents.reduce((sum, { length }) => sum + length, 0)

/** Sorted by number, never by name, and joined where they touch or overlap: no byte is in it twice. */
export function merge(extents: readonly Extent[]): readonly Extent[] {
  const merged: { offset: Bytes; length: Bytes }[] = []
  for (const { offset, length } of extents.filter(extent => extent.length > 0).sort((a, b) => a.offset - b.offset)) {
    const last = merged.at(-1)
    if (last && offset <= endOf(last)) last.length = Math.max(endOf(last), offset + length) - last.offset
    else merged.push({ offset, length })
  }
  return merged
}

/** What of `extents` is not in `without`; both merged. */
export function subtract(extents: readonly Extent[], without: readonly Extent[]): readonly Extent[] {
  const left: Extent[] = []
  let next = 0
  for (const extent of extents) {
    let offset = extent.offset
    while (next < without.length && endOf(without[next]!) <= offset) next++
    for (let at = next; at < without.length && without[at]!.offset < endOf(extent); at++) {
      if (without[at]!.offset > offset) left.push({ offset, length: without[at]!.offset - offset })
      offset = Math.max(offset, endOf(without[at]!))
    }
    if (offset < endOf(extent)) left.push({ offset, length: endOf(extent) - offset })
  }
  return left
}

/** Cut where the grid of `size` runs, so that the same blocks make the same pieces whatever list they came in. */
export function* cut(extents: Iterable<Extent>, size: Bytes): Generator<Extent> {
  for (const extent of extents)
    for (let offset = extent.offset; offset < endOf(extent); ) {
      const length = Math.min(endOf(extent), (Math.floor(offset / size) + 1) * size) - offset
      yield { offset, length }
      offset += length
    }
}
