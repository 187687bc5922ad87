import type { Bytes } from '../domain/ids.ts'
import { type Base, baseText } from './base.ts'
import { makeFolder } from './durable-file.ts'
import { takeLock } from './lock.ts'
import { type Manifest, manifestDigest, type Pack, packsOf, parseManifest } from './manifest.ts'
import { sideBySide } from './running.ts'
import { SyncStopped } from './stopped.ts'
import { beginningOf, generations, openStore, type Store, type StorePlace } from './store.ts'

export interface Prune extends StorePlace {
  readonly keep: number // of the newest generations, at least 1; those that they lie upon stay too
  /** The work folder of the push of this disk: a bucket has no lock, and with this they keep each other out. */
  readonly work?: string | undefined
  readonly parallel?: number | undefined
}

export interface Pruned {
  readonly removed: readonly number[] // generations
  readonly first: number // that is left
  readonly newest: number
  readonly packs: number // that were removed
  readonly bytes: Bytes // in them
}

/**
 * Removes the generations that the newest `keep` do not need: all before the whole one that the oldest of these lies upon. Nothing is
 * copied. First the note where the generations begin now is made durable; from then on nobody reads an older one. Then their packs
 * go, and last each manifest, which says which packs they were: whenever it is killed, the store can be read, and the next prune
 * removes what was left over.
 */
export async function prune({ keep, work, parallel = 8, ...place }: Prune): Promise<Pruned> {
  if (!Number.isInteger(keep) || keep < 1)
    throw new SyncStopped('bad use', 'At least one generation must stay. Say how many to keep, from 1.')
  const store = await openStore(place)
  try {
    return await alone(work, store, () => pruneIn(store, place.disk, keep, parallel))
  } finally {
    store.close()
  }
}

async function alone<T>(work: string | undefined, store: Store, go: () => Promise<T>): Promise<T> {
  if (work !== undefined) await makeFolder(work)
  const leave = work === undefined ? undefined : await takeLock(`${work}/lock`, work)
  try {
    const release = await store.hold()
    try {
      return await go()
    } finally {
      await release()
    }
  } finally {
    await leave?.()
  }
}

async function pruneIn(store: Store, disk: string, keep: number, parallel: number): Promise<Pruned> {
  const all = await generations(store, disk)
  const kept = needed(all, keep)
  const first = kept[0]
  const newest = all.at(-1)
  if (!first || !newest) throw new SyncStopped('gap', `The store has no generation of ${disk}. Push first, or say another store.`)
  const going = all.slice(0, all.length - kept.length)
  const base = await beginningOf(store)
  if (going.length > 0) await store.rebase(baseText(baseAt(first, going, base)))

  const old = [...(await leftovers(store, base)), ...going.map(oldOf)]
  const used = new Set(kept.flatMap(({ chunks }) => packsOf(chunks)).map(({ name }) => name))
  const packs = new Map<string, Pack>()
  for (const pack of old.flatMap(one => one.packs)) if (!used.has(pack.name)) packs.set(pack.name, pack)
  await sideBySide(packs.values(), parallel, ({ name }) => store.removePack(name))
  await sideBySide(old, parallel, ({ generation }) => store.removeManifest(generation))
  return {
    removed: old.map(({ generation }) => generation),
    first: first.generation,
    newest: newest.generation,
    packs: packs.size,
    bytes: [...packs.values()].reduce((sum, { length }) => sum + length, 0),
  }
}

interface Old {
  readonly generation: number
  readonly packs: readonly Pack[]
}
const oldOf = ({ generation, chunks }: Manifest): Old => ({ generation, packs: packsOf(chunks) })

/** The newest so many, and what they lie upon. */
export function needed(all: readonly Manifest[], keep: number): readonly Manifest[] {
  const oldest = Math.max(0, all.length - keep)
  const whole = all.findLastIndex((manifest, at) => manifest.whole && at <= oldest)
  return all.slice(Math.max(0, whole))
}

const baseAt = (first: Manifest, going: readonly Manifest[], base: Base | undefined): Base => ({
  generation: first.generation,
  digest: manifestDigest(first),
  before: [...(base?.before ?? []), ...going.map(manifestDigest)],
})

/**
 * Of a prune that was killed: manifests from before the beginning. One that cannot be read names no pack that we could remove; it goes
 * all the same, for nobody needs it.
 */
async function leftovers(store: Store, base: Base | undefined): Promise<readonly Old[]> {
  if (!base) return []
  const found: Old[] = []
  for (const generation of await store.listed()) {
    if (generation >= base.generation) break
    const text = await store.manifest(generation)
    if (text !== undefined) found.push({ generation, packs: packsNamed(text) })
  }
  return found
}

function packsNamed(text: string): readonly Pack[] {
  try {
    return packsOf(parseManifest(text, '').chunks)
  } catch {
    return []
  }
}
