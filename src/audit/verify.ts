import { type Anchored, anchoredOf, moored } from '../domain/anchor.ts'
import { type Entry, HOUSE, link, ROOT } from '../domain/chain.ts'
import type { RunId } from '../domain/ids.ts'
import type { Store } from '../ports/store.ts'
import { macReader, type Sign } from './macs.ts'

/** What the verifier says of a log: how much it read, and the first entry that is not what was written. */
export type Verified =
  | {
      readonly ok: true
      readonly runs: number
      readonly entries: number
      readonly macs?: number // entries whose MAC was found right; absent: there was no key to check them with
      readonly anchor?: Anchored // the latest of the ledger
    }
  | { readonly ok: false; readonly run: RunId; readonly seq: number; readonly why: string; readonly entries: number }

type Head = Awaited<ReturnType<Store['heads']>>[number]
type Log = Pick<Store, 'entries' | 'heads'>

/**
 * Recomputes every link. Entries come in order of run and seq; each run's head says where its chain must have come to when we
 * began. Runs may go on meanwhile: what lies beyond that is held against the head of now. With `sign`, each entry's MAC is checked
 * too. What the ledger's anchors have fixed, and those that were kept `outside` the database, must be there as it was.
 */
export async function verify({ entries, heads }: Log, sign?: Sign, outside: readonly Anchored[] = []): Promise<Verified> {
  const anchors = await ledgerAnchors({ entries })
  const fixed = fixedBy([...anchors.map(({ anchored }) => anchored), ...outside])
  const began = new Map((await heads()).map(head => [head.run, head]))
  let latest = began
  const seen = new Map<RunId, { seq: number; hash: string }>()
  const macs = sign && macReader(sign)
  let count = 0
  let ledger: Verified | undefined
  const bad = (run: RunId, seq: number, why: string): Verified => ({ ok: false, run, seq, why, entries: count })
  for await (const entry of entries()) {
    count++
    const before = seen.get(entry.run) ?? { seq: 0, hash: ROOT }
    if (!reaches(latest.get(entry.run), entry)) latest = new Map((await heads()).map(head => [head.run, head]))
    const end = latest.get(entry.run)
    if (!end) return bad(entry.run, entry.seq, 'the run it belongs to is gone')
    if (entry.seq !== before.seq + 1) return bad(entry.run, before.seq + 1, `it is missing; the next one there is ${entry.seq}`)
    if (!reaches(end, entry)) return bad(entry.run, entry.seq, `it was not written by Signalbox; ${end.seq} entries were`)
    if (entry.hash !== link(before.hash, entry))
      return bad(entry.run, entry.seq, 'it was changed after it was written, or what stands before it was')
    const forged = macs?.objection(entry)
    if (forged !== undefined) return bad(entry.run, entry.seq, forged)
    const anchor = fixed.get(entry.run)?.get(entry.seq)
    if (anchor && anchor.hash !== entry.hash) {
      const found = bad(
        entry.run,
        entry.seq,
        `it is another one than was anchored on ${anchor.day}; what it belongs to was written anew`,
      )
      if (entry.run !== HOUSE) return found
      // The ledger is read last: that it is another one says less than which runs are gone.
      ledger ??= found
    }
    const head = began.get(entry.run)
    if (head?.seq === entry.seq && head.hash !== entry.hash)
      return bad(entry.run, entry.seq, 'the head of the run says otherwise')
    seen.set(entry.run, { seq: entry.seq, hash: entry.hash })
  }
  for (const { run, seq } of began.values()) {
    const last = seen.get(run)?.seq ?? 0
    if (last < seq) return bad(run, last + 1, `it is missing; ${seq} entries were written`)
  }
  for (const [run, anchored] of fixed) {
    const last = seen.get(run)?.seq ?? 0
    const [seq, { day }] = furthest(anchored)
    if (last < seq)
      return bad(
        run,
        last + 1,
        `it is missing${last === 0 ? ', and so is the whole run' : ''}; ${seq} entries were anchored on ${day}`,
      )
  }
  if (ledger) return ledger
  const objection = objectionTo(anchors, outside)
  if (objection) return bad(HOUSE, objection.seq, objection.why)
  const runs = new Set([...began.keys(), ...seen.keys()].filter(run => run !== HOUSE)).size
  const last = anchors.at(-1)
  return { ok: true, runs, entries: count, ...(macs ? { macs: macs.right() } : {}), ...(last ? { anchor: last.anchored } : {}) }
}

const reaches = (head: Head | undefined, entry: Entry): boolean => head !== undefined && head.seq >= entry.seq

/** An anchor of the ledger, and where it stands in it. */
export interface LedgerAnchor {
  readonly seq: number
  readonly anchored: Anchored
}

/** The anchors of the ledger in order. One that is none is left out here: the one after it hangs from nothing then. */
export async function ledgerAnchors({ entries }: Pick<Store, 'entries'>): Promise<readonly LedgerAnchor[]> {
  const found: LedgerAnchor[] = []
  for await (const { run, seq, type, data } of entries(HOUSE)) {
    const anchored = run === HOUSE && type === 'anchored' ? anchoredOf(data) : undefined
    if (anchored) found.push({ seq, anchored })
  }
  return found
}

type Fixed = ReadonlyMap<RunId, ReadonlyMap<number, { readonly hash: string; readonly day: string }>>

/** Every head that any of the anchors names; where two contradict each other, the log can be only one of them. */
function fixedBy(anchors: readonly Anchored[]): Fixed {
  const found = new Map<RunId, Map<number, { readonly hash: string; readonly day: string }>>()
  for (const { day, heads } of anchors)
    for (const { run, seq, hash } of heads) {
      const known = found.get(run) ?? new Map<number, { readonly hash: string; readonly day: string }>()
      found.set(run, known.set(seq, { hash, day }))
    }
  return found
}

/** The furthest place of a run that was anchored. */
const furthest = <T>(anchored: ReadonlyMap<number, T>): readonly [number, T] =>
  [...anchored].reduce((far, next) => (next[0] > far[0] ? next : far))

/** Why the ledger's own anchors are not what they must be, or are not those that were kept outside. */
function objectionTo(anchors: readonly LedgerAnchor[], outside: readonly Anchored[]) {
  const { bad, anchorage } = moored(anchors.map(({ anchored }) => anchored))
  const wrong = bad && anchors[bad.index]
  if (bad && wrong) return { seq: wrong.seq, why: `the anchor of ${wrong.anchored.day} was tampered with: ${bad.why}` }
  const first = anchors[0]
  if (first?.anchored.before !== undefined) return { seq: first.seq, why: 'the anchors before it are missing' }
  const known = new Set(anchors.map(({ anchored }) => anchored.digest))
  const missing = outside.find(({ digest }) => !known.has(digest))
  if (!missing) return undefined
  const same = anchors.find(({ anchored }) => anchored.day === missing.day)
  return {
    seq: same?.seq ?? (anchorage.heads.get(HOUSE)?.seq ?? 0) + 1,
    why: `the anchor of ${missing.day} that was kept outside the database is not in the ledger`,
  }
}

/** One line of JSON for each entry: what an auditor takes away. */
export async function* exported(entries: AsyncIterable<Entry>): AsyncIterable<string> {
  for await (const entry of entries) yield JSON.stringify({ ...entry, at: new Date(entry.at).toISOString() })
}
