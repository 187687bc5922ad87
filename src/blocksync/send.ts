import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Bytes } from '../domain/ids.ts'
import { batches, laid, runs } from './batches.ts'
import { cut, type Extent, subtract } from './extents.ts'
import type { Journal } from './journal.ts'
import type { Manifest, Pack } from './manifest.ts'
import { type Lane, sideBySide, type Tools } from './running.ts'
import type { Source } from './source.ts'
import type { Store } from './store.ts'

/** Offset, length, and where the bytes lie: SHA-256, name of the pack, its length, where in it. Null: all zeros. */
const Count = z.int().min(0)
export const Done = z.tuple([Count, Count, z.tuple([z.string(), z.string(), Count, Count]).nullable()])
export type Done = z.infer<typeof Done>
type Lies = NonNullable<Done[2]>

export interface Sending {
  readonly extents: readonly Extent[]
  readonly blockSize: Bytes
  readonly journal: Journal<Done> & { readonly other: readonly Done[] }
}

const BLOCKS = 16 // in a pack, at least where they are small: what a kill makes us send again stays in proportion
const READS = 4 // of one lane, where the disk was changed here and there

/**
 * Puts what the extents hold in the store, many pieces together as one pack, and says where each of them lies. A lane has one pack in
 * hand: with the number of lanes that bounds the memory. What is noted in the journal is in the store.
 */
export async function send(source: Source, store: Store, tools: Tools, sending: Sending): Promise<readonly Done[]> {
  const { extents, blockSize, journal } = sending
  const { counts, parallel } = tools
  const settled: Done[] = []
  const settle = (done: Done): void => {
    const [, length, lies] = done
    settled.push(done)
    counts.done += length
    if (lies === null) counts.zero += length
    else counts.changed += length
  }
  const zeros: Extent[] = []
  for (const extent of extents) zeros.push(...(await source.zeros(extent)))
  for (const { offset, length } of zeros) settle([offset, length, null])
  const known = new Map(journal.done.map(done => [`${done[0]} ${done[1]}`, done]))
  const stored: Stored = new Map()
  for (const [, , lies] of [...journal.done, ...journal.other]) if (lies) stored.set(lies[0], Promise.resolve(lies))

  const size = Math.max(blockSize, Math.min(store.most, BLOCKS * blockSize))
  await sideBySide(batches(cut(subtract(extents, zeros), blockSize), size), parallel, async (batch, lane) => {
    const found = batch.map(({ offset, length }) => known.get(`${offset} ${length}`)).filter(done => done !== undefined)
    found.forEach(settle)
    const open = found.length === 0 ? batch : batch.filter(({ offset, length }) => !known.has(`${offset} ${length}`))
    if (open.length === 0) return
    const done = await sendBatch(open, { source, store, stored }, tools, lane)
    await journal.note(done)
    done.forEach(settle)
  })
  return settled
}

/** By the hash of the content: the same content is sent once, and whoever has it too waits for that. */
type Stored = Map<string, Promise<Lies>>

interface Ends {
  readonly source: Source
  readonly store: Store
  readonly stored: Stored
}

async function sendBatch(
  batch: readonly Extent[],
  { source, store, stored }: Ends,
  { steering, hashers, counts }: Tools,
  lane: Lane,
): Promise<readonly Done[]> {
  const places = laid(batch)
  const last = places.at(-1)!
  for (const { length } of batch) await steering.may(length)
  const lent = lane.lend(last.at + last.extent.length)
  await sideBySide(runs(places), READS, async ({ offset, at, length }) => {
    await source.read(offset, lent.subarray(at, at + length))
    counts.read += length
  })
  const { bytes, hashes } = await hashers.hashParts(
    lent,
    places.map(({ at, extent: { length } }) => ({ at, length })),
  )
  const packing = packed(
    places.map(({ at, extent: { length } }, nth) => ({ sha256: hashes[nth] ?? null, bytes: bytes.subarray(at, at + length) })),
    stored,
  )
  const put = async (): Promise<void> => {
    if (packing.parts.length === 0) return
    await store.put(packing.pack.name, packing.parts)
    counts.sent += packing.pack.length
  }
  const putting = put()
  for (const lies of packing.lies) {
    const there = putting.then(() => lies)
    there.catch(() => {}) // thrown below; whoever waits for it too hears it as well
    stored.set(lies[0], there)
  }
  await putting // before the wait for others, who may wait for us
  lane.back(bytes)
  return Promise.all(
    batch.map(async ({ offset, length }, nth): Promise<Done> => {
      const sha256 = hashes[nth] ?? null
      return [offset, length, sha256 === null ? null : await stored.get(sha256)!]
    }),
  )
}

interface Packing {
  readonly pack: Pack
  readonly parts: readonly Uint8Array[]
  readonly lies: readonly Lies[]
}

/** What is not yet stored, each content once. Equal content in equal order has an equal name, whoever packs it. */
function packed(pieces: readonly { readonly sha256: string | null; readonly bytes: Uint8Array }[], stored: Stored): Packing {
  const fresh = new Map<string, Uint8Array>()
  for (const { sha256, bytes } of pieces) if (sha256 !== null && !stored.has(sha256)) fresh.set(sha256, bytes)
  const parts = [...fresh.values()]
  const pack = {
    name: createHash('sha256')
      .update([...fresh.keys()].join('\n'))
      .digest('hex'),
    length: parts.reduce((sum, { length }) => sum + length, 0),
  }
  let at = 0
  const lies = [...fresh].map(([sha256, { length }]): Lies => {
    at += length
    return [sha256, pack.name, pack.length, at - length]
  })
  return { pack, parts, lies }
}

export function manifestOf(head: Omit<Manifest, 'chunks' | 'zeros'>, settled: readonly Done[]): Manifest {
  const sorted = settled.toSorted(([a], [b]) => a - b)
  const packs = new Map<string, Pack>()
  return {
    ...head,
    chunks: sorted.flatMap(([offset, length, lies]) => {
      if (lies === null) return []
      const [sha256, name, total, at] = lies
      const pack = packs.get(name) ?? { name, length: total }
      packs.set(name, pack)
      return [{ offset, length, sha256, pack, at }]
    }),
    zeros: sorted.flatMap(([offset, length, lies]) => (lies === null ? [{ offset, length }] : [])),
  }
}
