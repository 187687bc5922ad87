import type { Bytes } from '../domain/ids.ts'
import { fetchChunk } from './fetch-chunk.ts'
import { openHashers } from './hashers.ts'
import type { Chunk } from './manifest.ts'
import { sideBySide } from './running.ts'
import { SyncStopped } from './stopped.ts'
import { generations, openStore, type StorePlace } from './store.ts'

export interface Verified {
  readonly generations: number
  readonly chunks: number
  readonly bytes: Bytes
  readonly bad: readonly { readonly sha256: string; readonly generations: readonly number[]; readonly why: string }[]
}

/** Reads all that the store has of a disk: each manifest, and each chunk that one of them names. All that is bad, not only the first. */
export async function verify(place: StorePlace, parallel = 4): Promise<Verified> {
  const store = await openStore(place)
  const hashers = openHashers(2)
  try {
    const all = await generations(store, place.disk)
    if (all.length === 0)
      throw new SyncStopped('gap', `The store has no generation of ${place.disk}. Push first, or say another store.`)
    const named = new Map<string, { readonly chunk: Chunk; readonly in: Set<number> }>()
    for (const { chunks, generation } of all)
      for (const chunk of chunks) {
        const place = `${chunk.pack.name} ${chunk.at}`
        if (!named.has(place)) named.set(place, { chunk, in: new Set() })
        named.get(place)!.in.add(generation)
      }
    const bad: Verified['bad'][number][] = []
    let bytes = 0
    await sideBySide(named.values(), parallel, async ({ chunk, in: of }) => {
      try {
        await fetchChunk(store, hashers, chunk)
        bytes += chunk.length
      } catch (error) {
        if (!(error instanceof SyncStopped) || error.because !== 'rot') throw error
        bad.push({ sha256: chunk.sha256, generations: [...of], why: error.message })
      }
    })
    return { generations: all.length, chunks: named.size, bytes, bad }
  } finally {
    await hashers.close()
    store.close()
  }
}
