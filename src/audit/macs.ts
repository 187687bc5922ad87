import type { Entry } from '../domain/chain.ts'

/** The MAC of a hash, made with a key that is not in the database. */
export type Sign = (hash: string) => string

/**
 * Checks the MACs of a log. There is none without one: what was written before there was a key was sealed, as it lay there, when
 * Signalbox was first started with it.
 */
export function macReader(sign: Sign): { objection(entry: Entry): string | undefined; right(): number } {
  let right = 0
  return {
    objection({ hash, mac }) {
      if (mac === undefined) return 'it was not written by Signalbox: it has no MAC, and there is a key'
      if (mac !== sign(hash)) return 'it was not written by Signalbox: its MAC was not made with this key'
      right++
      return undefined
    },
    right: () => right,
  }
}
