import type { Bytes } from '../domain/ids.ts'
import { type Extent, endOf } from './extents.ts'
import type { Piece } from './layers.ts'
import type { Chunk } from './manifest.ts'

/** EBS knows a disk as blocks of 512 KiB (EBS User Guide, "Use EBS direct APIs"). */
export const EBS_BLOCK: Bytes = 512 * 1024
const GIB: Bytes = 1024 ** 3

/** A volume is whole GiB, and at least one. */
export const gibFor = (size: Bytes): number => Math.max(1, Math.ceil(size / GIB))

/** Where a stretch of a block lies in the store; what no part names is zeros. */
export interface Part extends Extent {
  readonly chunk: Chunk
}

export interface EbsBlock {
  readonly index: number
  readonly length: Bytes // of the disk's own bytes; the rest of the last block is zeros
  readonly parts: readonly Part[]
  readonly differs: boolean // from the same block before, or from zeros where there is no before
}

/**
 * The blocks of a disk as `now` has it, in order, each with where its bytes come from. Two blocks are the same when they come from the
 * same bytes of the same chunks: one that was written anew with other cuts counts as different, which costs a block and no truth.
 */
export function* ebsBlocks(now: readonly Piece[], before: readonly Piece[] | undefined): Generator<EbsBlock> {
  const old = before && blocksOf(before)
  for (const block of blocksOf(now)) {
    const was = old?.next().value
    yield { ...block, differs: signature(block.parts) !== signature(was?.parts ?? []) }
  }
}

function* blocksOf(pieces: readonly Piece[]): Generator<Omit<EbsBlock, 'differs'>> {
  let [index, length, parts]: [number, Bytes, Part[]] = [0, 0, []]
  for (const piece of pieces) {
    for (let offset = piece.offset; offset < endOf(piece); ) {
      const end = Math.min(endOf(piece), (index + 1) * EBS_BLOCK)
      if (piece.from === 'chunk') parts.push({ offset, length: end - offset, chunk: piece.chunk })
      length += end - offset
      offset = end
      if (end === (index + 1) * EBS_BLOCK) {
        yield { index, length, parts }
        ;[index, length, parts] = [index + 1, 0, []]
      }
    }
  }
  if (length > 0) yield { index, length, parts }
}

const signature = (parts: readonly Part[]): string =>
  parts.map(({ offset, length, chunk }) => `${offset} ${length} ${chunk.sha256} ${offset - chunk.offset}`).join(',')
