import { rm, stat } from 'node:fs/promises'
import { digestOf } from '../domain/chain.ts'
import type { Bytes } from '../domain/ids.ts'
import { flushing, lastClone, newClone } from './clone.ts'
import { totalOf } from './extents.ts'
import { openFileSource } from './file-source.ts'
import { fill, Written } from './fill.ts'
import { full } from './folder-store.ts'
import { type Applied, findImage, flip, roomFor } from './image.ts'
import { isOf, openJournal } from './journal.ts'
import { layered } from './layers.ts'
import { type Manifest, manifestDigest } from './manifest.ts'
import { type Manner, running, type Tools } from './running.ts'
import { SyncStopped } from './stopped.ts'
import { beginningOf, generations, openStore, type Store, type StorePlace, sinceWhole } from './store.ts'

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
  const base = await baseOf(wanted, store, stored, size)
  if (base?.digest === digest) {
    tools.counts.done = size
    return { generation, digest }
  }
  const chain = sinceWhole(all)
  // An image that is older than the last whole disk, or newer than what is wanted, has nothing that could be kept.
  const keeps = base && base.generation < generation && base.generation >= chain[0]!.generation ? base : undefined
  const pieces = layered(size, chain).flatMap(piece => (piece.from === 'image' ? [] : [piece])) // a chain has every byte

  const path = `${work}/next.img`
  const journalPath = `${work}/journal`
  const request = digestOf({ digest, base: keeps?.point ?? null })
  const goesOn = (await stat(path).catch(() => undefined))?.size === size && (await isOf(journalPath, request))
  if (!goesOn) await rm(journalPath, { force: true })
  const clone = goesOn ? await lastClone(path, keeps !== undefined) : await newClone(path, size, keeps && image)
  const journal = await openJournal(journalPath, request, Written)
  const old = keeps && (await openFileSource(image))
  try {
    const written = new Map(journal.done.map(done => [done[0], done] as const))
    const mustLie = pieces.filter(
      ({ from, offset, generation: of }) =>
        from === 'chunk' && !written.has(offset) && !(clone.shared && of <= keeps!.generation),
    )
    await roomFor(work, totalOf(mustLie))
    const flusher = flushing(clone.file)
    await fill(pieces, { clone, flusher, store, old, upTo: keeps?.generation ?? 0, written, note: journal.note }, tools)
    await flusher.end()
    await old?.unchanged()
  } catch (error) {
    throw full(work, error)
  } finally {
    await old?.close()
    await journal.close()
    await clone.file.close()
  }
  await flip(path, image, work, { disk, generation, digest })
  await rm(journalPath)
  return { generation, digest }
}

function upTo(all: readonly Manifest[], disk: string, generation: number | undefined): readonly Manifest[] {
  const first = all[0]?.generation ?? 0
  const newest = all.at(-1)?.generation ?? 0
  if (all.length === 0 || (generation !== undefined && (generation < first || generation > newest)))
    throw new SyncStopped(
      'gap',
      all.length === 0
        ? `The store has no generation of ${disk}. Push first, or say another store.`
        : `The store has the generations ${first} to ${newest} of ${disk}. Say one of those.`,
    )
  return generation === undefined ? all : all.slice(0, generation - first + 1)
}

/** The generation that the image shows, when it can be built upon. An image that is somebody's is never replaced without a word. */
async function baseOf(
  { image, disk, replace = false }: Pull,
  store: Store,
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
  if (!shown && !replace && !(await beginningOf(store))?.before.includes(applied.digest))
    throw new SyncStopped(
      'other disk',
      `${image} shows a generation that this store never had: it is a copy of another ${disk}. Say another store or image, or --replace if nobody needs it.`,
    )
  return shown?.size === size ? applied : undefined // else it is made anew, from the last whole disk
}
