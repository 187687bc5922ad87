import { z } from 'zod'
import { canonical } from '../domain/chain.ts'
import { SyncStopped } from './stopped.ts'

/**
 * Where the generations of a disk begin, when older ones were removed: at a whole one, known by its digest. Of those before it only
 * the digests are kept, so that an image which shows one of them is known as a copy of this disk.
 */
export interface Base {
  readonly generation: number
  readonly digest: string
  readonly before: readonly string[] // oldest first, and not more than REMEMBERED
}

const FORMAT = 'signalbox-blocksync-base'
const REMEMBERED = 10_000
const Hash = z.string().regex(/^[0-9a-f]{64}$/)
const Written = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(1),
  generation: z.int().min(1),
  digest: Hash,
  before: z.array(Hash),
})

export const baseText = (base: Base): string =>
  canonical({ ...base, before: base.before.slice(-REMEMBERED), format: FORMAT, version: 1 })

export function parseBase(text: string): Base {
  try {
    const { format: _, version: __, ...base } = Written.parse(JSON.parse(text))
    return base
  } catch (error) {
    throw new SyncStopped(
      'rot',
      'The note base.json in the store, which says where its generations begin, cannot be read. Bring it back from a copy of the store.',
      error,
    )
  }
}
