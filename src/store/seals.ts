import { timingSafeEqual } from 'node:crypto'
import { canonical, type Entry, HOUSE, link, ROOT } from '../domain/chain.ts'
import type { RunId } from '../domain/ids.ts'

/** Makes a MAC of a hash, with a key that is kept outside the database. */
export type Sign = (hash: string) => string

/** How far a log has come: what the next entry hangs from. */
export interface End {
  readonly seq: number
  readonly hash: string
}

export const BEGINNING: End = { seq: 0, hash: ROOT }

/**
 * Why these entries, as they lie there, are not what Signalbox wrote after `from`: one sentence for people, or undefined. A hash
 * covers everything before it, its run and its place; the MAC says that whoever wrote it had the key. So an entry that was made
 * up, edited, copied from elsewhere or taken out of the middle is found by whoever has the key.
 *
 * What remains to those who may write anything into the database: cutting off the end, for what is left is what Signalbox once
 * wrote. That is found by holding the heads against those that were posted elsewhere (the anchors), and by nothing in here.
 */
export function forgery(
  run: RunId,
  entries: readonly Entry[],
  sign: Sign | undefined,
  from: End = BEGINNING,
): string | undefined {
  let before = from
  for (const entry of entries) {
    const seq = before.seq + 1
    if (entry.seq > seq) return `entry ${seq} of ${named(run)} is missing`
    const linked = entry.seq === seq && entry.run === run && entry.hash === link(before.hash, entry)
    if (!linked || !(sign === undefined || isSealed(entry, sign)))
      return `entry ${entry.seq} of ${named(run)} was not written by Signalbox`
    before = { seq, hash: entry.hash }
  }
  return undefined
}

/** The same of a whole log, which must also come to where its head says. */
export function forgeryUpTo(head: End, run: RunId, entries: readonly Entry[], sign: Sign | undefined): string | undefined {
  const found = forgery(run, entries, sign)
  if (found !== undefined) return found
  const last = entries.at(-1) ?? BEGINNING
  if (head.seq > last.seq) return `entry ${last.seq + 1} of ${named(run)} is missing`
  if (head.seq < last.seq) return `entry ${head.seq + 1} of ${named(run)} was not written by Signalbox`
  return head.hash === last.hash ? undefined : `the head of ${named(run)} was not written by Signalbox`
}

const named = (run: RunId): string => (run === HOUSE ? 'the ledger' : run)

const isSealed = ({ hash, mac }: Entry, sign: Sign): boolean => mac !== undefined && same(sign(hash), mac)

/** Takes as long wherever the two differ. */
export function same(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** What is signed to show which key a database is sealed with. No entry's hash can be this text. */
export const sealOf = (since: number): string => canonical({ sealed: since })
