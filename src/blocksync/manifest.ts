import { z } from 'zod'
import { canonical, digestOf } from '../domain/chain.ts'
import type { Bytes, Digest } from '../domain/ids.ts'
import { type Extent, endOf, merge, totalOf } from './extents.ts'
import { SyncStopped } from './stopped.ts'

/** Some bytes of the disk that lie in the store under the name of their content. */
export interface Chunk extends Extent {
  readonly sha256: string
}

/**
 * One generation: all that differs from the one before it, or the whole disk. It is written last, so a generation that can be read is
 * whole. `parent` is the digest of the manifest before it: generations of two disks, or of two beginnings, never fit together.
 */
export interface Manifest {
  readonly disk: string
  readonly size: Bytes
  readonly blockSize: Bytes
  readonly generation: number // 1, 2, 3 ...
  readonly parent: Digest | undefined
  readonly whole: boolean
  readonly chunks: readonly Chunk[] // sorted, as the zeros are; nothing lies in two of them
  readonly zeros: readonly Extent[]
}

const FORMAT = 'signalbox-blocksync'
const VERSION = 1
const Count = z.int().min(0)
const Hash = z.string().regex(/^[0-9a-f]{64}$/)
const Written = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  disk: z.string().min(1),
  size: Count,
  blockSize: Count.min(1),
  generation: Count.min(1),
  parent: Hash.nullable(),
  whole: z.boolean(),
  chunks: z.array(z.tuple([Count, Count.min(1), Hash])),
  zeros: z.array(z.tuple([Count, Count.min(1)])),
})

/** As the store keeps it: canonical JSON, which also makes the digest. */
export const manifestText = (manifest: Manifest): string => canonical(written(manifest))
export const manifestDigest = (manifest: Manifest): Digest => digestOf(written(manifest))

const written = (manifest: Manifest) => ({
  ...manifest,
  format: FORMAT,
  version: VERSION,
  parent: manifest.parent ?? null,
  chunks: manifest.chunks.map(({ offset, length, sha256 }) => [offset, length, sha256]),
  zeros: manifest.zeros.map(({ offset, length }) => [offset, length]),
})

/** What the store gave, if it is a manifest that keeps its own promises; else the store has rotted. */
export function parseManifest(text: string, name: string): Manifest {
  let manifest: Manifest
  try {
    const { format: _, version: __, parent, chunks, zeros, ...rest } = Written.parse(JSON.parse(text))
    manifest = {
      ...rest,
      parent: parent === null ? undefined : (parent as Digest),
      chunks: chunks.map(([offset, length, sha256]) => ({ offset, length, sha256 })),
      zeros: zeros.map(([offset, length]) => ({ offset, length })),
    }
  } catch (error) {
    throw rotten(name, 'It is not a manifest of this version.', error)
  }
  const all = [...manifest.chunks, ...manifest.zeros]
  const merged = merge(all)
  if (totalOf(merged) !== totalOf(all)) throw rotten(name, 'It names some bytes twice.')
  if (merged.some(extent => endOf(extent) > manifest.size)) throw rotten(name, 'It names bytes behind the end of the disk.')
  if (manifest.whole && totalOf(merged) !== manifest.size)
    throw rotten(name, 'It says that it is the whole disk, and lacks some of it.')
  return manifest
}

const rotten = (name: string, why: string, cause?: unknown): SyncStopped =>
  new SyncStopped('rot', `The manifest ${name} cannot be used. ${why} Push the whole disk again.`, cause)
