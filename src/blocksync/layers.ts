import type { Bytes } from '../domain/ids.ts'
import { cut, type Extent, endOf, merge, subtract } from './extents.ts'
import type { Chunk, Manifest } from './manifest.ts'

/** A stretch of the image and where its bytes come from. */
export type Piece = Extent &
  (
    | { readonly from: 'chunk'; readonly chunk: Chunk; readonly generation: number }
    | { readonly from: 'zeros'; readonly generation: number }
    | { readonly from: 'image' }
  )

/**
 * Generations in order, seen from above: each byte of the image once, from the newest generation that has it. So an older block cannot
 * lie over a newer one, in whatever order pieces are written. What no generation has comes from the image before them; without one,
 * `generations` begins with a whole disk, which has every byte.
 */
export function layered(size: Bytes, generations: readonly Manifest[]): readonly Piece[] {
  const pieces: Piece[] = []
  let covered: readonly Extent[] = []
  for (const { chunks, zeros, generation } of generations.toReversed()) {
    const open = subtract([{ offset: 0, length: size }], covered)
    for (const [chunk, seen] of within(chunks, open)) pieces.push({ ...seen, from: 'chunk', chunk, generation })
    for (const [, seen] of within(zeros, open)) pieces.push({ ...seen, from: 'zeros', generation })
    covered = merge([...covered, ...chunks, ...zeros])
  }
  for (const kept of cut(subtract([{ offset: 0, length: size }], covered), KEPT)) pieces.push({ ...kept, from: 'image' })
  return pieces.sort((a, b) => a.offset - b.offset)
}

const KEPT: Bytes = 4 << 20 // of the image before: as much as is copied at once

/** What of each is in `open`; both sorted, and nothing in them twice. */
function* within<T extends Extent>(extents: readonly T[], open: readonly Extent[]): Generator<readonly [T, Extent]> {
  let next = 0
  for (const extent of extents) {
    while (next < open.length && endOf(open[next]!) <= extent.offset) next++
    for (let at = next; at < open.length && open[at]!.offset < endOf(extent); at++) {
      const offset = Math.max(extent.offset, open[at]!.offset)
      yield [extent, { offset, length: Math.min(endOf(extent), endOf(open[at]!)) - offset }]
    }
  }
}
