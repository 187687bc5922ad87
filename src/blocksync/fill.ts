import { z } from 'zod'
import type { Bytes } from '../domain/ids.ts'
import { batches, type Laid, laid, runs } from './batches.ts'
import type { Clone, Flusher } from './clone.ts'
import { fetchChunk, fetchUnseen } from './fetch-chunk.ts'
import { readAll, writeAll } from './file-bytes.ts'
import { allZero } from './hashers.ts'
import type { Piece } from './layers.ts'
import type { Chunk } from './manifest.ts'
import { type Lane, sideBySide, type Tools } from './running.ts'
import type { Source } from './source.ts'
import { SyncStopped } from './stopped.ts'
import type { Store } from './store.ts'

export const Written = z.tuple([z.int(), z.int(), z.string().nullable()]) // offset, length, SHA-256 of what reads back; null: zeros
export type Written = z.infer<typeof Written>

export interface Filling {
  readonly clone: Clone
  readonly flusher: Flusher
  readonly store: Store
  readonly old: Source | undefined // the image before
  readonly upTo: number // the generation that it shows
  readonly written: ReadonlyMap<Bytes, Written> // by a mover that was killed
  note(written: readonly Written[]): Promise<void>
}

/** A stretch of the image of a known generation. */
export type Known = Exclude<Piece, { from: 'image' }>

const MOST: Bytes = 8 << 20 // under way in a lane

/**
 * Makes the clone what the pieces say. Each piece is written, read back, and what was read back is compared with the hash that the
 * manifest gives, so that one look at the bytes proves the store, the way and the file. The zeros too. What is already there is not
 * written again: it is read back all the same.
 */
export async function fill(pieces: readonly Known[], filling: Filling, tools: Tools): Promise<void> {
  await sideBySide(batches(cutZeros(pieces), MOST), tools.parallel, (batch, lane) => fillBatch(laid(batch), filling, tools, lane))
}

/** A stretch of zeros may be as long as the disk. */
function* cutZeros(pieces: readonly Known[]): Generator<Known> {
  for (const piece of pieces)
    if (piece.from === 'chunk') yield piece
    else
      for (let at = 0; at < piece.length; at += MOST)
        yield { ...piece, offset: piece.offset + at, length: Math.min(MOST, piece.length - at) }
}

type Place = Laid<Known>

async function fillBatch(batch: readonly Place[], filling: Filling, tools: Tools, lane: Lane): Promise<void> {
  const { written } = filling
  const { counts } = tools
  for (const { extent } of batch)
    await tools.steering.may(extent.from === 'zeros' || written.has(extent.offset) ? 0 : extent.length)
  const first = batch.filter(({ extent }) => mayBeThere(extent, filling))
  const seen = await look(first, filling, tools, lane)
  let open = batch.filter(place => !first.includes(place) || seen.get(place) !== expected(place.extent, written))
  for (const fromOld of filling.old ? [true, false] : [false]) {
    await bring(open, fromOld, filling, tools, lane)
    const now = await look(open, filling, tools, lane)
    for (const [place, hash] of now) seen.set(place, hash)
    open = open.filter(({ extent }) => extent.from === 'zeros' || whole(extent))
    open = open.filter(place => now.get(place) !== expected(place.extent, NONE))
    if (open.length === 0) break // else the old image has rotted, maybe: what the store has is better
  }
  for (const { extent } of open) await blame(extent, filling, tools)
  await filling.note(
    batch
      .filter(({ extent }) => extent.from === 'chunk')
      .map(place => [place.extent.offset, place.extent.length, seen.get(place)!]),
  )
  for (const { extent } of batch) {
    counts.done += extent.length
    if (extent.from === 'zeros') counts.zero += extent.length
  }
}

const NONE: Filling['written'] = new Map()
const whole = (piece: Known): boolean => piece.from === 'chunk' && piece.length === piece.chunk.length
const kept = (piece: Known, { old, upTo }: Filling): boolean => old !== undefined && piece.generation <= upTo

/** What is worth a look before it is written: zeros, what a killed mover wrote, and what the old image shares with us. */
const mayBeThere = (piece: Known, filling: Filling): boolean =>
  piece.from === 'zeros' || filling.written.has(piece.offset) || (filling.clone.shared && whole(piece) && kept(piece, filling))

/** The hash that must read back; undefined where only the bytes themselves can tell. */
function expected(piece: Known, written: Filling['written']): string | null | undefined {
  if (piece.from === 'zeros') return null
  if (whole(piece)) return piece.chunk.sha256
  const noted = written.get(piece.offset)
  return noted?.[1] === piece.length ? noted[2] : undefined
}

/** Reads back what is in the clone. */
async function look(
  places: readonly Place[],
  { clone }: Filling,
  { hashers }: Tools,
  lane: Lane,
): Promise<Map<Place, string | null>> {
  if (places.length === 0) return new Map()
  const lent = lane.lend(sizeOf(places))
  for (const { offset, length, at } of runs(places))
    if (!(await readAll(clone.file, lent.subarray(at, at + length), offset))) throw otherwise(offset)
  const parts = places.map(({ at, extent: { length } }) => ({ at, length }))
  const { bytes, hashes } = await hashers.hashParts(lent, parts)
  lane.back(bytes)
  return new Map(places.map((place, nth) => [place, hashes[nth] ?? null]))
}

const sizeOf = (places: readonly Place[]): Bytes => Math.max(...places.map(({ at, extent }) => at + extent.length))

/** Writes the places, each from where its bytes are nearest. */
async function bring(places: readonly Place[], fromOld: boolean, filling: Filling, tools: Tools, lane: Lane): Promise<void> {
  if (places.length === 0) return
  const { clone, flusher, store, old } = filling
  const lent = lane.lend(sizeOf(places))
  const of = ({ extent, at }: Place): Uint8Array => lent.subarray(at, at + extent.length)
  const near = places.filter(({ extent }) => extent.from === 'chunk' && fromOld && kept(extent, filling))
  const far = places.filter(place => !near.includes(place))
  for (const { offset, length, at } of runs(near)) await old!.read(offset, lent.subarray(at, at + length))
  for (const { first, length, at } of runs(
    far.filter(({ extent }) => whole(extent)),
    together,
  ))
    if (first.from === 'chunk') await fetchUnseen(store, first.chunk.pack, first.chunk.at, lent.subarray(at, at + length))
  let last: { readonly chunk: Chunk; readonly bytes: Uint8Array } | undefined
  for (const place of far) {
    const { extent } = place
    if (extent.from === 'zeros') of(place).fill(0)
    else {
      tools.counts.changed += extent.length
      if (whole(extent)) continue
      const { chunk } = extent
      if (last?.chunk !== chunk) last = { chunk, bytes: await fetchChunk(store, tools.hashers, chunk) }
      of(place).set(last.bytes.subarray(extent.offset - chunk.offset, extent.offset - chunk.offset + extent.length))
    }
  }
  const parts = places.filter(({ extent }) => extent.from === 'chunk' && !whole(extent))
  const right = async (place: Place): Promise<boolean> => {
    const there = new Uint8Array(place.extent.length)
    return (await readAll(clone.file, there, place.extent.offset)) && Buffer.compare(there, of(place)) === 0
  }
  const same = new Set<Place>() // a part that is there already, or that a hole is enough for
  for (const place of parts) if (clone.empty ? allZero(of(place)) : await right(place)) same.add(place)
  for (const { offset, length, at } of runs(places.filter(place => !same.has(place)))) {
    await writeAll(clone.file, lent.subarray(at, at + length), offset)
    flusher.wrote(length)
    tools.counts.sent += length
  }
  for (const place of parts) if (!(await right(place))) throw otherwise(place.extent.offset)
  for (const { extent } of places) if (extent.from === 'chunk') tools.counts.read += extent.length
  lane.back(lent)
}

/** Chunks that lie in the store as they lie in the image come in one go. */
const together = (before: Known, after: Known): boolean =>
  before.from === 'chunk' &&
  after.from === 'chunk' &&
  before.chunk.pack.name === after.chunk.pack.name &&
  before.chunk.at + before.length === after.chunk.at

/** It was written and reads back as something else: the store gave something else, or the disk did. */
async function blame(piece: Known, { store }: Filling, { hashers }: Tools): Promise<never> {
  if (piece.from === 'chunk') await fetchChunk(store, hashers, piece.chunk)
  throw otherwise(piece.offset)
}

const otherwise = (offset: Bytes): SyncStopped =>
  new SyncStopped(
    'target',
    `What was written at ${offset} reads back as something else. The image is as it was. See to the disk, then start again.`,
  )
