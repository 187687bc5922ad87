import type { Bytes } from '../domain/ids.ts'
import type { Hashers } from './hashers.ts'
import type { Chunk, Pack } from './manifest.ts'
import { SyncStopped } from './stopped.ts'
import type { Store } from './store.ts'

/** The bytes of a chunk, if the store still has what was put there. */
export async function fetchChunk(store: Store, hashers: Hashers, chunk: Omit<Chunk, 'offset'>): Promise<Uint8Array<ArrayBuffer>> {
  const into = new Uint8Array(chunk.length)
  await fetchUnseen(store, chunk.pack, chunk.at, into)
  const hashed = await hashers.hash(into)
  if (hashed.sha256 !== chunk.sha256)
    throw new SyncStopped('rot', `The chunk ${chunk.sha256.slice(0, 12)} has rotted in the store. ${AS_IT_WAS}`)
  return hashed.bytes
}

/** The same without looking at the hash: for whoever hashes later what became of the bytes. Fills `into`. */
export async function fetchUnseen(store: Store, pack: Pack, at: Bytes, into: Uint8Array): Promise<void> {
  const found = await store.read(pack, at, into)
  if (found === 'missing') throw rotten(pack, 'is missing in the store')
  if (found === 'another length') throw rotten(pack, 'has another length in the store')
}

const AS_IT_WAS = 'The image is as it was. Push the whole disk again.'
const rotten = ({ name }: Pack, what: string): SyncStopped =>
  new SyncStopped('rot', `The pack ${name.slice(0, 12)} ${what}. ${AS_IT_WAS}`)
