import { z } from 'zod'
import { canonical, digestOf } from '../domain/chain.ts'
import type { Bytes, Digest } from '../domain/ids.ts'
import { type Extent, endOf, merge, totalOf } from './extents.ts'
import { SyncStopped } from './stopped.ts'

/** An object in the store: the chunks that were put there together, one after the other. Its name comes from their hashes. */
export interface Pack {
  readonly name: string
  readonly length: Bytes
}

/** Some bytes of the disk, and where in the store they lie. What they are, their hash says, not their place. */
export interface Chunk extends Extent {
  readonly sha256: string
  readonly pack: Pack
  readonly at: Bytes // in the pack
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
const VERSION = 2
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
  packs: z.array(z.tuple([Hash, Count.min(1)])),
  chunks: z.array(z.tuple([Count, Count.min(1), Hash, Count, Count])), // offset, length, hash, which pack, where in it
  zeros: z.array(z.tuple([Count, Count.min(1)])),
})

const Versioned = z.object({ format: z.literal(FORMAT), version: z.int() })

/** As the store keeps it: canonical JSON, which also makes the digest. */
export const manifestText = (manifest: Manifest): string => canonical(written(manifest))
export const manifestDigest = (manifest: Manifest): Digest => digestOf(written(manifest))

/** The packs that some chunks lie in, each once, in order of first use. */
export const packsOf = (chunks: readonly Chunk[]): readonly Pack[] => [
  ...new Map(chunks.map(({ pack }) => [pack.name, pack] as const)).values(),
]

function written(manifest: Manifest) {
  const packs = packsOf(manifest.chunks)
  const number = new Map(packs.map(({ name }, index) => [name, index]))
  return {
    ...manifest,
    format: FORMAT,
    version: VERSION,
    parent: manifest.parent ?? null,
    packs: packs.map(({ name, length }) => [name, length]),
    chunks: manifest.chunks.map(({ offset, length, sha256, pack, at }) => [offset, length, sha256, number.get(pack.name), at]),
    zeros: manifest.zeros.map(({ offset, length }) => [offset, length]),
  }
}

/** What the store gave, if it is a manifest that keeps its own promises; else the store has rotted. */
export function parseManifest(text: string, name: string): Manifest {
  let manifest: Manifest
  const read = readJson(text)
  const { version } = Versioned.safeParse(read).data ?? {}
  if (version !== undefined && version !== VERSION)
    throw new SyncStopped(
      'store',
      `The manifest ${name} is of version ${version} of the format, and this mover reads version ${VERSION} only. Use the mover that wrote it, or push the whole disk to another store.`,
    )
  try {
    const { format: _, version: __, parent, packs: pairs, chunks, zeros, ...rest } = Written.parse(read)
    const packs = pairs.map(([name, length]): Pack => ({ name, length }))
    manifest = {
      ...rest,
      parent: parent === null ? undefined : (parent as Digest),
      chunks: chunks.map(([offset, length, sha256, number, at]) => {
        const pack = packs[number]
        if (!pack || at + length > pack.length) throw new Error(`A chunk lies in no pack: ${offset}.`)
        return { offset, length, sha256, pack, at }
      }),
      zeros: zeros.map(([offset, length]) => ({ offset, length })),
    }
  } catch (error) {
    throw rotten(name, 'It is not a manifest.', error)
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

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
