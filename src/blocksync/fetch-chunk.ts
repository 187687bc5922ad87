import type { Hashers } from './hashers.ts'
import { SyncStopped } from './stopped.ts'
import type { Store } from './store.ts'

type Named = { readonly sha256: string; readonly length: number }

/** The bytes of a chunk, if the store still has what was put there. */
export async function fetchChunk(store: Store, hashers: Hashers, chunk: Named): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await store.get(chunk.sha256, chunk.length)
  if (!bytes) throw rotten(chunk, 'is missing in the store')
  if (bytes.length !== chunk.length) throw rotten(chunk, 'has another length in the store')
  const hashed = await hashers.hash(bytes)
  if (hashed.sha256 !== chunk.sha256) throw rotten(chunk, 'has rotted in the store')
  return hashed.bytes
}

const rotten = ({ sha256 }: Named, what: string): SyncStopped =>
  new SyncStopped('rot', `The chunk ${sha256.slice(0, 12)} ${what}. The image is as it was. Push the whole disk again.`)
