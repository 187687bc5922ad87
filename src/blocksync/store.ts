import type { Bytes } from '../domain/ids.ts'
import { type Base, parseBase } from './base.ts'
import { openFolderStore } from './folder-store.ts'
import { type Manifest, manifestDigest, type Pack, parseManifest } from './manifest.ts'
import type { S3Place } from './s3-store.ts'
import { SyncStopped } from './stopped.ts'

/** Where the generations of one disk lie: packs of chunks, under the hash of their content, and a manifest for each generation. */
export interface Store {
  /** The largest pack that goes down in one go. */
  readonly most: Bytes
  /**
   * `parts`, one after the other, as one object. Replaces what is there under that name, so that pushing the whole disk again heals
   * what has rotted. Its bytes are durable when this returns, and its name after `settle`.
   */
  put(name: string, parts: readonly Uint8Array[]): Promise<void>
  /** Fills `into` with what lies in the pack from `at` on: whether it is right, the caller sees. */
  read(pack: Pack, at: Bytes, into: Uint8Array): Promise<'filled' | 'missing' | 'another length'>
  /** Returns when all of them are durable; throws when one is not there with its length. */
  settle(packs: readonly Pack[]): Promise<void>
  manifest(generation: number): Promise<string | undefined>
  /** The generations that are listed, in order. A listing may lag behind, so there may be more. */
  listed(): Promise<readonly number[]>
  /** Durable when it returns, and never in the place of another one. */
  publish(generation: number, text: string): Promise<void>
  /** What says where the generations begin, when older ones were removed. */
  base(): Promise<string | undefined>
  /** Durable when it returns; replaces the one before. */
  rebase(text: string): Promise<void>
  /** Gone when it returns; it is no error if they were not there. */
  removePack(name: string): Promise<void>
  removeManifest(generation: number): Promise<void>
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
export const packName = (name: string): string => `packs/${name}`
export const BASE = 'base.json'
export const generationOf = (name: string): number => Number(/(\d{8})\.json$/.exec(name)?.[1] ?? 0)

export async function beginningOf(store: Store): Promise<Base | undefined> {
  const text = await store.base()
  return text === undefined ? undefined : parseBase(text)
}

const AT_ONCE = 16 // manifests asked for together

/**
 * All generations, oldest first: from 1 on, or from where a prune said that they begin. One that is missing between others, or does not
 * follow from the one before, ends it all.
 */
export async function generations(store: Store, disk: string): Promise<readonly Manifest[]> {
  const [base, listed] = await Promise.all([beginningOf(store), store.listed()])
  const newest = Math.max(base?.generation ?? 0, ...listed)
  const found: Manifest[] = []
  for (let next = base?.generation ?? 1; ; ) {
    const count = Math.max(1, Math.min(AT_ONCE, newest - next + 1))
    const texts = await Promise.all(Array.from({ length: count }, (_, nth) => store.manifest(next + nth)))
    for (const text of texts) {
      if (text === undefined && next > newest) return found
      if (text === undefined)
        throw new SyncStopped(
          'gap',
          `Generation ${next} of ${disk} is missing in the store, and ${newest} is there. Bring it back from a copy of the store; without it nothing after it means anything.`,
        )
      const manifest = parseManifest(text, String(next))
      fits(manifest, { disk, generation: next, before: found.at(-1), base })
      found.push(manifest)
      next++
    }
  }
}

interface Expected {
  readonly disk: string
  readonly generation: number
  readonly before: Manifest | undefined
  readonly base: Base | undefined
}

function fits(manifest: Manifest, { disk, generation, before, base }: Expected): void {
  if (manifest.disk !== disk)
    throw new SyncStopped(
      'other disk',
      `Generation ${generation} in the store is of the disk ${manifest.disk}, not of ${disk}. Say the store of ${disk}.`,
    )
  const follows =
    !before && base
      ? manifest.whole && manifestDigest(manifest) === base.digest
      : manifest.parent === (before && manifestDigest(before))
  if (manifest.generation !== generation || !follows)
    throw new SyncStopped(
      'gap',
      `Generation ${generation} of ${disk} does not follow from the one before it. Somebody mixed two stores: say one that is whole.`,
    )
}

/** What it takes to make the newest one: from the last whole disk on. */
export const sinceWhole = (all: readonly Manifest[]): readonly Manifest[] => all.slice(all.findLastIndex(({ whole }) => whole))
