import { type FileHandle, open, rm, stat } from 'node:fs/promises'
import { z } from 'zod'
import { digestOf } from '../domain/chain.ts'
import type { Bytes } from '../domain/ids.ts'
import { cut, totalOf } from './extents.ts'
import { fetchChunk } from './fetch-chunk.ts'
import { openFileSource } from './file-source.ts'
import { full } from './folder-store.ts'
import { type Applied, findImage, flip, readAll, roomFor, writeAll } from './image.ts'
import { openJournal } from './journal.ts'
import { layered, type Piece } from './layers.ts'
import { type Manifest, manifestDigest } from './manifest.ts'
import { type Lane, type Manner, running, sideBySide, type Tools } from './running.ts'
import type { Source } from './source.ts'
import { SyncStopped } from './stopped.ts'
import { generations, openStore, type Store, type StorePlace, sinceWhole } from './store.ts'

export interface Pull extends Omit<Manner, 'work'>, StorePlace {
  readonly image: string
  readonly generation?: number | undefined // the newest, if it is not said
  readonly replace?: boolean | undefined // an image that is there and is not a generation of this disk
}

export interface Pulled {
  readonly generation: number
  readonly digest: string
}

export const workOf = (image: string): string => `${image}.blocksync`
const CHECKED: Bytes = 4 << 20
const Written = z.tuple([z.int(), z.int(), z.string().nullable()]) // offset, length, SHA-256 of what was written; null: zeros
type Written = z.infer<typeof Written>

/**
 * Makes the image what a generation was. It is made beside the image, from the image and all generations since, read back from the
 * disk, and put in its place by a rename: whoever opens the image finds one generation, whole.
 */
export const pull = (wanted: Pull): Promise<Pulled> =>
  running('pull', wanted.disk, { ...wanted, work: workOf(wanted.image) }, async tools => {
    const store = await openStore(wanted)
    try {
      return await pullFrom(wanted, store, tools)
    } finally {
      store.close()
    }
  })

async function pullFrom(wanted: Pull, store: Store, tools: Tools): Promise<Pulled> {
  const { image, disk } = wanted
  const work = workOf(image)
  const stored = await generations(store, disk)
  const all = upTo(stored, disk, wanted.generation)
  const newest = all.at(-1)!
  const { generation, size } = newest
  const digest = manifestDigest(newest)
  tools.about(generation)
  tools.counts.total = size
  const base = await baseOf(wanted, stored, size)
  if (base?.digest === digest) {
    tools.counts.done = size
    return { generation, digest }
  }
  const whole = sinceWhole(all)
  const since = base && base.generation < generation ? all.slice(base.generation) : undefined
  const from = since && since.length < whole.length ? since : whole
  const pieces = layered(size, from)

  const clone = `${work}/next.img`
  const journalPath = `${work}/journal`
  const there = await stat(clone).catch(() => undefined)
  if (there?.size !== size) await rm(journalPath, { force: true })
  const journal = await openJournal(journalPath, digestOf({ digest, base: from === whole ? null : base?.point }), Written)
  const fresh = journal.done.length === 0
  const file = await open(clone, fresh ? 'w+' : 'r+')
  const old = from === whole ? undefined : await openFileSource(image)
  try {
    await file.truncate(size)
    const written = new Map(journal.done.map(done => [done[0], done] as const))
    await roomFor(work, totalOf(pieces.filter(piece => piece.from !== 'zeros' && !written.has(piece.offset))))
    for (const done of await build(pieces, { file, store, old, written, note: journal.note }, tools)) written.set(done[0], done)
    await file.sync()
    await old?.unchanged()
    await check(file, pieces, written, tools).catch(async (error: unknown) => {
      if (error instanceof SyncStopped && error.because === 'target') await rm(journalPath, { force: true })
      throw error
    })
  } catch (error) {
    throw full(work, error)
  } finally {
    await old?.close()
    await journal.close()
    await file.close()
  }
  await flip(clone, image, work, { disk, generation, digest })
  await rm(journalPath)
  return { generation, digest }
}

function upTo(all: readonly Manifest[], disk: string, generation: number | undefined): readonly Manifest[] {
  const wanted = generation === undefined ? all : all.slice(0, generation)
  if (wanted.length === 0 || (generation !== undefined && wanted.length < generation))
    throw new SyncStopped('gap', `The store has ${all.length} generations of ${disk}. Push first, or say one of those.`)
  return wanted
}

/** The generation that the image shows, when it can be built upon. An image that is somebody's is never replaced without a word. */
async function baseOf(
  { image, disk, replace = false }: Pull,
  all: readonly Manifest[],
  size: Bytes,
): Promise<Applied | undefined> {
  const found = await findImage(image, workOf(image))
  if (!found) return undefined
  const { applied } = found
  if (!applied) {
    if (found.size < size && found.size > 0)
      throw new SyncStopped(
        'target',
        `${image} is ${found.size} bytes, and the disk is ${size}: it is another disk, or too small. Say another image.`,
      )
    if (!replace)
      throw new SyncStopped(
        'target',
        `${image} is there, and somebody else made it or wrote to it since. Say another image, or --replace if nobody needs it.`,
      )
    return undefined
  }
  if (applied.disk !== disk && !replace)
    throw new SyncStopped(
      'other disk',
      `${image} is a copy of ${applied.disk}, not of ${disk}. Say another image, or --replace if nobody needs it.`,
    )
  const shown = all.find(one => manifestDigest(one) === applied.digest)
  if (!shown && !replace)
    throw new SyncStopped(
      'other disk',
      `${image} shows a generation that this store never had: it is a copy of another ${disk}. Say another store or image, or --replace if nobody needs it.`,
    )
  return shown?.size === size ? applied : undefined // of another size it is made anew, from the last whole disk
}

interface Parts {
  readonly file: FileHandle
  readonly store: Store
  readonly old: Source | undefined
  readonly written: ReadonlyMap<Bytes, Written>
  note(written: Written): Promise<void>
}

async function build(
  pieces: readonly Piece[],
  parts: Parts,
  { steering, hashers, counts, parallel }: Tools,
): Promise<readonly Written[]> {
  const { file, store, old, written, note } = parts
  const made: Written[] = []
  /** Holes are what a fresh file is made of, so zeros are not written. */
  const put = async (piece: Piece, bytes: Uint8Array<ArrayBuffer>, lane: Lane): Promise<Written> => {
    const hashed = await hashers.hash(bytes)
    if (!hashed.zero) {
      await writeAll(file, hashed.bytes, piece.offset)
      counts.sent += piece.length
    }
    lane.back(hashed.bytes)
    return [piece.offset, piece.length, hashed.zero ? null : hashed.sha256]
  }
  await sideBySide(pieces, parallel, async (piece, lane) => {
    const { offset, length } = piece
    if (piece.from === 'zeros') counts.zero += length
    else if (!written.has(offset)) {
      await steering.may(length)
      let done: Written
      if (piece.from === 'image') {
        const lent = lane.lend(length)
        await old!.read(offset, lent)
        done = await put(piece, lent, lane)
      } else {
        const { chunk } = piece
        const bytes = await fetchChunk(store, hashers, chunk)
        if (length === chunk.length) {
          await writeAll(file, bytes, offset)
          counts.sent += length
          done = [offset, length, chunk.sha256]
        } else done = await put(piece, bytes.slice(offset - chunk.offset, offset - chunk.offset + length), lane)
        counts.changed += length
      }
      counts.read += length
      await note(done)
      made.push(done)
    }
    counts.done += length
  })
  return made
}

/** Reads all of it back, the zeros too. */
async function check(
  file: FileHandle,
  pieces: readonly Piece[],
  written: ReadonlyMap<Bytes, Written>,
  { steering, hashers, parallel }: Tools,
): Promise<void> {
  const parts = pieces.flatMap((piece): readonly Written[] =>
    piece.from === 'zeros'
      ? [...cut([piece], CHECKED)].map(({ offset, length }) => [offset, length, null])
      : [written.get(piece.offset) ?? [piece.offset, piece.length, 'nothing']],
  )
  await sideBySide(parts, parallel, async ([offset, length, sha256], lane) => {
    await steering.may(0)
    const lent = lane.lend(length)
    const whole = await readAll(file, lent, offset)
    const hashed = await hashers.hash(lent)
    lane.back(hashed.bytes)
    if (!whole || (sha256 === null ? !hashed.zero : hashed.sha256 !== sha256))
      throw new SyncStopped(
        'target',
        `What was written at ${offset} reads back as something else. The image is as it was. See to the disk, then start again.`,
      )
  })
}
