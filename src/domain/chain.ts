import { createHash } from 'node:crypto'
import type { Digest, Instant, RunId } from './ids.ts'

/** One line of a run's log, as the database holds it. */
export interface Entry {
  readonly run: RunId
  readonly seq: number
  readonly at: Instant
  readonly type: string
  readonly data: unknown
  readonly hash: string
  readonly mac?: string // of the hash, with a key that is not in the database; absent from what was written before there was one
}

/** JSON with sorted keys and no undefined: equal values, equal text. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(item => canonical(item ?? null)).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).filter(([, item]) => item !== undefined)
    return `{${pairs
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`)
      .join(',')}}`
  }
  return JSON.stringify(value ?? null)
}

export const digestOf = (value: unknown): Digest => createHash('sha256').update(canonical(value)).digest('hex') as Digest

/** Each hash covers the one before: an entry that is edited, removed or moved breaks every later link. */
export const link = (before: string, entry: Omit<Entry, 'hash' | 'mac'>): string =>
  createHash('sha256')
    .update(canonical([before, entry.run, entry.seq, entry.at, entry.type, entry.data]))
    .digest('hex')

/** What the first link of a run hangs from. */
export const ROOT = ''

/** Whose entries the ledger's are: it is chained as a run is. */
export const HOUSE = 'house' as RunId
