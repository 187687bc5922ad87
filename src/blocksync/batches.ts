import type { Bytes } from '../domain/ids.ts'
import { type Extent, endOf } from './extents.ts'

const MANY = 2_048 // however small they are

/** As many as fit, in order: what is read, hashed and put together. One that is larger than that comes alone. */
export function* batches<T extends Extent>(extents: Iterable<T>, most: Bytes): Generator<readonly T[]> {
  let batch: T[] = []
  let total = 0
  for (const extent of extents) {
    if (batch.length === MANY || (batch.length > 0 && total + extent.length > most)) {
      yield batch
      batch = []
      total = 0
    }
    batch.push(extent)
    total += extent.length
  }
  if (batch.length > 0) yield batch
}

/** Where the bytes of one extent lie, when those of all of them lie one after the other. */
export interface Laid<T extends Extent> {
  readonly extent: T
  readonly at: Bytes
}

export function laid<T extends Extent>(extents: readonly T[]): readonly Laid<T>[] {
  let at = 0
  return extents.map(extent => {
    const place = { extent, at }
    at += extent.length
    return place
  })
}

/** Neighbours joined, where `follows` agrees: what can be read or written in one go. */
export function* runs<T extends Extent>(
  all: readonly Laid<T>[],
  follows: (before: T, after: T) => boolean = () => true,
): Generator<Extent & { readonly at: Bytes; readonly first: T }> {
  let run: { offset: Bytes; length: Bytes; at: Bytes; first: T; last: T } | undefined
  for (const { extent, at } of all) {
    if (run && endOf(run) === extent.offset && run.at + run.length === at && follows(run.last, extent)) {
      run.length += extent.length
      run.last = extent
    } else {
      if (run) yield run
      run = { offset: extent.offset, length: extent.length, at, first: extent, last: extent }
    }
  }
  if (run) yield run
}
