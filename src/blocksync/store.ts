import type { Bytes } from '../domain/ids.ts'
import { openFolderStore } from './folder-store.ts'
import { type Manifest, manifestDigest, parseManifest } from './manifest.ts'
import type { S3Place } from './s3-store.ts'
import { SyncStopped } from './stopped.ts'

/** Where the generations of one disk lie: chunks under the hash of their content, and a manifest for each generation. */
export interface Store {
  /** Replaces what is there under that name, so that pushing the whole disk again heals what has rotted. */
  put(sha256: string, bytes: Uint8Array): Promise<void>
  /** At most one byte more than `length`: whether it is right, the caller sees. Undefined if it is not there. */
  get(sha256: string, length: Bytes): Promise<Uint8Array<ArrayBuffer> | undefined>
  /** Returns when all of them are durable; throws when one is not there with its length. */
  settle(chunks: readonly { readonly sha256: string; readonly length: Bytes }[]): Promise<void>
  manifest(generation: number): Promise<string | undefined>
  /** The highest that is listed. A listing may lag behind, so there may be more. */
  listed(): Promise<number>
  /** Durable when it returns, and never in the place of another one. */
  publish(generation: number, text: string): Promise<void>
  /** Keeps other movers out, as far as the store can. What it returns lets them in again. */
  hold(): Promise<() => Promise<void>>
  close(): void
}

export interface StorePlace {
  readonly store: string // a folder, or s3://bucket/prefix
  readonly disk: string
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
}

export async function openStore({ store, disk, endpoint, region }: StorePlace): Promise<Store> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(disk))
    throw new SyncStopped(
      'bad use',
      'The name of a disk is made of letters, digits, dots, dashes and underscores. Say another one.',
    )
  const s3 = s3Place(store, disk)
  if (!s3) return openFolderStore(`${store}/${disk}`)
  const { openS3Store } = await import('./s3-store.ts') // the SDK is large: only who needs it waits for it
  return openS3Store({ ...s3, endpoint, region })
}

function s3Place(store: string, disk: string): S3Place | undefined {
  if (!/^[a-z0-9+]+:\/\//.test(store)) return undefined
  const [, bucket, prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]+)(?:\/(.*))?$/.exec(store) ?? []
  if (bucket === undefined) throw new SyncStopped('bad use', 'A store is a folder or s3://bucket/prefix. Say one of them.')
  const folder = prefix.replace(/\/+$/, '')
  return { bucket, prefix: folder === '' ? disk : `${folder}/${disk}` }
}

export const manifestName = (generation: number): string => `gen/${String(generation).padStart(8, '0')}.json`
export const chunkName = (sha256: string): string => `chunks/${sha256.slice(0, 2)}/${sha256}`
export const generationOf = (name: string): number => Number(/(\d{8})\.json$/.exec(name)?.[1] ?? 0)

/** All generations, oldest first. One that is missing between others, or does not follow from the one before, ends it all. */
export async function generations(store: Store, disk: string): Promise<readonly Manifest[]> {
  const listed = await store.listed()
  const found: Manifest[] = []
  for (let generation = 1; ; generation++) {
    const text = await store.manifest(generation)
    if (text === undefined && generation > listed) return found
    if (text === undefined)
      throw new SyncStopped(
        'gap',
        `Generation ${generation} of ${disk} is missing in the store, and ${listed} is there. Bring it back from a copy of the store; without it nothing after it means anything.`,
      )
    const manifest = parseManifest(text, String(generation))
    const before = found.at(-1)
    if (manifest.disk !== disk)
      throw new SyncStopped(
        'other disk',
        `Generation ${generation} in the store is of the disk ${manifest.disk}, not of ${disk}. Say the store of ${disk}.`,
      )
    if (manifest.generation !== generation || manifest.parent !== (before && manifestDigest(before)))
      throw new SyncStopped(
        'gap',
        `Generation ${generation} of ${disk} does not follow from the one before it. Somebody mixed two stores: say one that is whole.`,
      )
    found.push(manifest)
  }
}

/** What it takes to make the newest one: from the last whole disk on. */
export const sinceWhole = (all: readonly Manifest[]): readonly Manifest[] => all.slice(all.findLastIndex(({ whole }) => whole))
