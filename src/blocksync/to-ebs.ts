import { createHash } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { digestOf } from '../domain/chain.ts'
import type { Bytes, Millis } from '../domain/ids.ts'
import { readIfThere, writeDurably } from './durable-file.ts'
import { EBS_BLOCK, type EbsBlock, ebsBlocks, gibFor } from './ebs-blocks.ts'
import { mayBeSealed } from './ebs-trouble.ts'
import { type Ebs, type EbsPlace, openEbs } from './ebs-wire.ts'
import { fetchChunk } from './fetch-chunk.ts'
import { openJournal } from './journal.ts'
import { layered } from './layers.ts'
import { type Chunk, type Manifest, manifestDigest } from './manifest.ts'
import { type Manner, running, sideBySide, type Tools } from './running.ts'
import { SyncStopped } from './stopped.ts'
import { generations, openStore, type Store, type StorePlace, sinceWhole } from './store.ts'

export interface ToEbs extends Manner, StorePlace {
  readonly generation?: number | undefined // the newest, if it is not said
  readonly ebs?: EbsPlace | undefined // region and endpoint; else as the SDK finds them
  readonly description?: string | undefined
}

export interface InEbs {
  readonly snapshot: string
  readonly generation: number
  readonly blocks: number // that were written, of 512 KiB each
  readonly size: Bytes // of the disk; the snapshot is whole GiB
}

const Made = z.object({ generation: z.int(), digest: z.string(), snapshot: z.string(), blocks: z.int(), size: z.int() })
const Begun = z.object({
  digest: z.string(),
  attempt: z.int(),
  parent: z.string().optional(), // the snapshot, and the generation that it shows
  after: z.int().optional(),
  snapshot: z.string().optional(),
})
const Known = z.object({ made: z.array(Made), attempts: z.int(), begun: Begun.optional() })
type Made = z.infer<typeof Made>
type Begun = z.infer<typeof Begun>
type Known = z.infer<typeof Known>
const Put = z.tuple([z.int(), z.string().nullable()]) // the index of a block and its SHA-256; null: zeros, which were not sent

const LOOK: Millis = 500
const SELDOM: Millis = 15_000
const LOST = 3 // snapshots that went away while they were written, until people must look
const UNSEEN = 20 // looks at a snapshot that is not there, or not sealed, until that counts

/**
 * Puts one generation of a disk into an EBS snapshot, without an image or an import between. Only the blocks that differ from the
 * newest snapshot which this work folder made of an earlier generation, and which is still there, are sent; without one, all that are
 * not zeros. Killed at any time, it goes on with the same snapshot.
 */
export const toEbs = (wanted: ToEbs): Promise<InEbs> =>
  running('ebs', wanted.disk, wanted, async tools => {
    const store = await openStore(wanted)
    try {
      const ebs = await openEbs(wanted.ebs ?? {}, () => tools.steering.may(0))
      try {
        return await sendTo(ebs, wanted, store, tools)
      } finally {
        ebs.close()
      }
    } finally {
      store.close()
    }
  })

async function sendTo(ebs: Ebs, wanted: ToEbs, store: Store, tools: Tools): Promise<InEbs> {
  const { disk, work, description } = wanted
  const stored = await generations(store, disk)
  // A store that was pruned does not begin at 1.
  const all = stored.filter(one => wanted.generation === undefined || one.generation <= wanted.generation)
  const newest = all.at(-1)
  if (!newest || (wanted.generation !== undefined && newest.generation !== wanted.generation))
    throw new SyncStopped('gap', `The store has ${stored.length} generations of ${disk}. Push first, or say one of those.`)
  const { generation, size } = newest
  const digest = manifestDigest(newest)
  tools.about(generation)
  tools.counts.total = size

  for (let lost = 0; lost < LOST; lost++) {
    const known = await readKnown(work)
    const already = known.made.find(one => one.digest === digest)
    if (already && (await ebs.state(already.snapshot)) === 'completed') {
      tools.counts.done = size
      return { snapshot: already.snapshot, generation, blocks: already.blocks, size }
    }
    const begun = await begin(ebs, work, known, all, digest)
    if (begun.after !== undefined && !all.some(one => one.generation === begun.after)) {
      // What it was built on was pruned since: what differs cannot be told any more, so it is begun anew, without a parent.
      await writeKnown(work, { made: known.made, attempts: begun.attempt })
      continue
    }
    const again = async (): Promise<void> => writeKnown(work, { ...known, attempts: begun.attempt })
    const token = createHash('sha256')
      .update(JSON.stringify([digest, generation, resolve(work), begun.attempt]))
      .digest('hex')
    const about = description ?? `${disk}, generation ${generation}`
    const snapshot = begun.snapshot ?? (await ebs.start({ token, gib: gibFor(size), parent: begun.parent, description: about }))
    if (snapshot === undefined) {
      await again() // its parent went away just now
      continue
    }
    await writeKnown(work, { ...known, begun: { ...begun, snapshot } })
    const before = begun.after === undefined ? undefined : sinceWhole(upTo(all, begun.after))
    const written = await write(ebs, work, store, tools, snapshot, all, before, digest)
    if (written === 'lost') {
      await again()
      continue
    }
    await finish(ebs, snapshot, written, tools)
    const made: Made = { generation, digest, snapshot, blocks: written.size, size }
    await writeKnown(work, { made: [...known.made.filter(one => one.digest !== digest), made], attempts: begun.attempt })
    await rm(`${work}/ebs-journal`, { force: true })
    return { snapshot, generation, blocks: written.size, size }
  }
  throw new SyncStopped(
    'target',
    `EBS lost the snapshot ${LOST} times while it was written. Look there for who deletes it, then start again.`,
  )
}

/** Goes on with what was begun, if that still can be written to; else says anew on which parent to build. Noted before it is asked for. */
async function begin(ebs: Ebs, work: string, known: Known, all: readonly Manifest[], digest: string): Promise<Begun> {
  const { begun } = known
  if (begun?.digest === digest) {
    const state = begun.snapshot === undefined ? 'pending' : await ebs.state(begun.snapshot)
    // Completed: it was killed between that and the note of it.
    if (state === 'pending' || state === 'completed') return begun
  }
  const parent = await parentOf(ebs, known, all)
  const next: Begun = {
    digest,
    attempt: Math.max(known.attempts, begun?.attempt ?? 0) + 1,
    ...(parent ? { parent: parent.snapshot, after: parent.generation } : {}),
  }
  await writeKnown(work, { ...known, begun: next })
  return next
}

/** The newest snapshot of an earlier generation of this very chain. A disk of another size is made anew. */
async function parentOf(ebs: Ebs, { made }: Known, all: readonly Manifest[]): Promise<Made | undefined> {
  const newest = all.at(-1)
  for (const one of made.toSorted((a, b) => b.generation - a.generation)) {
    const its = all.find(({ generation }) => generation === one.generation)
    if (!its || its === newest || manifestDigest(its) !== one.digest || its.size !== newest?.size) continue
    if ((await ebs.state(one.snapshot)) === 'completed') return one
  }
  return undefined
}

async function write(
  ebs: Ebs,
  work: string,
  store: Store,
  { steering, hashers, counts, parallel }: Tools,
  snapshot: string,
  all: readonly Manifest[],
  before: readonly Manifest[] | undefined,
  digest: string,
): Promise<ReadonlyMap<number, string> | 'lost'> {
  const { size } = all.at(-1)!
  const journal = await openJournal(`${work}/ebs-journal`, digestOf({ digest, snapshot }), Put)
  const known = new Map<number, string | null>(journal.done)
  const written = new Map<number, string>()
  let lost = false
  const chunks = recently(parallel + 1, chunk => fetchChunk(store, hashers, chunk))
  const settle = ({ index, length }: EbsBlock, sha256: string | null): void => {
    if (sha256 === null) counts.zero += length
    else {
      written.set(index, sha256)
      counts.changed += length
    }
    counts.done += length
  }
  Object.assign(counts, { done: 0, zero: 0, changed: 0 }) // a snapshot that was lost is begun anew, and so is the count
  try {
    const blocks = ebsBlocks(layered(size, sinceWhole(all)), before && layered(size, before))
    await sideBySide(blocks, parallel, async (block, lane) => {
      if (lost) return
      if (!block.differs) {
        counts.done += block.length
        return
      }
      const found = known.get(block.index)
      if (found !== undefined) return settle(block, found)
      await steering.may(block.length)
      const lent = lane.lend(EBS_BLOCK).fill(0)
      for (const { offset, length, chunk } of block.parts) {
        const bytes = await chunks(chunk)
        lent.set(bytes.subarray(offset - chunk.offset, offset - chunk.offset + length), offset - block.index * EBS_BLOCK)
        counts.read += length
      }
      const { bytes, sha256, zero } = await hashers.hash(lent)
      // Where a parent has other bytes, zeros are bytes like any other.
      const sends = !zero || before !== undefined
      if (sends && !(await ebs.put(snapshot, block.index, bytes, sha256, sent => (counts.sent += sent)))) {
        lost = true
        return
      }
      lane.back(bytes)
      await journal.note([[block.index, sends ? sha256 : null]])
      settle(block, sends ? sha256 : null)
    })
  } finally {
    await journal.close()
  }
  return lost ? 'lost' : written
}

/** Seals it, and waits until it can be used. */
async function finish(ebs: Ebs, snapshot: string, written: ReadonlyMap<number, string>, { steering }: Tools): Promise<void> {
  // One that was sealed before a kill may say no to being sealed again: whether it was, its state shows.
  let no: unknown
  if ((await ebs.state(snapshot)) !== 'completed')
    await ebs.complete(snapshot, written.size, aggregate(written)).catch((error: unknown) => {
      if (error instanceof SyncStopped && error.because === 'cancelled') throw error
      no = error
    })
  let [unseen, time] = [0, LOOK]
  for (;;) {
    const state = await ebs.state(snapshot)
    if (state === 'completed') return
    if (state === undefined || no !== undefined) unseen++
    if (no !== undefined && (unseen >= UNSEEN || !mayBeSealed(no))) throw no
    if (unseen >= UNSEEN || (state !== undefined && state !== 'pending'))
      throw new SyncStopped(
        'target',
        `EBS says that the snapshot ${snapshot} is ${state ?? 'not there'}. Start again: a new one is begun.`,
      )
    await steering.may(0)
    await wait(time)
    time = Math.min(SELDOM, time * 1.5)
  }
}

/** The linear aggregate: the SHA-256 of the SHA-256s of all blocks that were written, as bytes, in the order of their index. */
function aggregate(written: ReadonlyMap<number, string>): string {
  const hash = createHash('sha256')
  for (const [, sha256] of [...written].sort(([a], [b]) => a - b)) hash.update(Buffer.from(sha256, 'hex'))
  return hash.digest('base64')
}

/** Blocks that lie beside each other come from one chunk: the last few are kept, so that each is fetched about once. */
function recently(
  most: number,
  fetch: (chunk: Chunk) => Promise<Uint8Array<ArrayBuffer>>,
): (chunk: Chunk) => Promise<Uint8Array<ArrayBuffer>> {
  const kept = new Map<string, Promise<Uint8Array<ArrayBuffer>>>()
  return chunk => {
    const found = kept.get(chunk.sha256) ?? fetch(chunk)
    kept.delete(chunk.sha256)
    kept.set(chunk.sha256, found)
    for (const [oldest] of kept) {
      if (kept.size <= most) break
      kept.delete(oldest)
    }
    return found
  }
}

const upTo = (all: readonly Manifest[], last: number): readonly Manifest[] => all.filter(({ generation }) => generation <= last)

const file = (work: string): string => `${work}/ebs.json`
const writeKnown = (work: string, known: Known): Promise<void> => writeDurably(file(work), `${JSON.stringify(known)}\n`)

async function readKnown(work: string): Promise<Known> {
  const text = await readIfThere(file(work))
  if (text === undefined) return { made: [], attempts: 0 }
  try {
    return Known.parse(JSON.parse(text))
  } catch (error) {
    throw new SyncStopped(
      'bad use',
      `The file ${file(work)} cannot be read. Delete it: the next snapshot is then a whole one.`,
      error,
    )
  }
}
