import { canonical, digestOf, HOUSE } from './chain.ts'
import type { Digest, Instant, RunId } from './ids.ts'
import type { LedgerEvent } from './ledger.ts'
import { fieldOf } from './plan.ts'

/** Where a run's chain has come to; the ledger has one as well. */
export interface ChainHead {
  readonly run: RunId
  readonly seq: number
  readonly hash: string
}

/**
 * An anchor names the heads that moved since the one before it and hangs from that one's digest, so that the digest of a day is
 * worth all days before it. Where a great many heads have moved, a day has several anchors, one hanging from the other.
 */
export type Anchored = Extract<LedgerEvent, { type: 'anchored' }>

/** Heads in one anchor, at most: an event stays small enough for a line of a file. */
export const MOST_HEADS = 1_000

/** What the anchors so far have fixed. */
export interface Anchorage {
  readonly heads: ReadonlyMap<RunId, ChainHead> // the furthest of each run
  readonly day: string // '' before the first
  readonly digest?: Digest
}

export const ADRIFT: Anchorage = { heads: new Map(), day: '' }

/** What an anchor has fixed and is not there any more. */
export interface Adrift {
  readonly run: RunId
  readonly anchored: number // entries
  readonly now: number
}

/** The day of an instant, in UTC. */
export const dayOf = (at: Instant): string => new Date(at).toISOString().slice(0, 10)

/** The anchors of a day. A head that went back is never anchored anew: that would make what is left of a run look whole. */
export function anchorsOf(heads: readonly ChainHead[], day: string, known: Anchorage = ADRIFT): readonly Anchored[] {
  const moved = heads.filter(({ run, seq }) => seq > (known.heads.get(run)?.seq ?? 0))
  const parts = Math.max(1, Math.ceil(moved.length / MOST_HEADS))
  const anchors: Anchored[] = []
  const total = counter(known.heads)
  for (let part = 0; part < parts; part++) {
    const some = moved.slice(part * MOST_HEADS, (part + 1) * MOST_HEADS).map(({ run, seq, hash }) => ({ run, seq, hash }))
    for (const head of some) total.add(head)
    const before = anchors.at(-1)?.digest ?? known.digest
    const says = { day, runs: total.runs(), entries: total.entries(), heads: some, ...(before === undefined ? {} : { before }) }
    anchors.push({ type: 'anchored', ...says, digest: digestOf(says) })
  }
  return anchors
}

/** The runs that have fewer entries than were anchored, or another one at that place. */
export function adrift(heads: readonly ChainHead[], { heads: anchored }: Anchorage): readonly Adrift[] {
  const there = new Map(heads.map(head => [head.run, head]))
  return [...anchored.values()].flatMap(({ run, seq, hash }) => {
    const now = there.get(run)
    const whole = now !== undefined && (now.seq > seq || (now.seq === seq && now.hash === hash))
    return whole ? [] : [{ run, anchored: seq, now: now?.seq ?? 0 }]
  })
}

/** The anchors of a ledger or a file, oldest first, as one: and the first that is not what it must be, with the reason. */
export function moored(anchors: readonly Anchored[]): {
  readonly anchorage: Anchorage
  readonly bad?: { readonly index: number; readonly why: string }
} {
  const heads = new Map<RunId, ChainHead>()
  const total = counter(heads)
  const whole = anchors[0]?.before === undefined
  let [day, digest]: [string, Digest | undefined] = ['', anchors[0]?.before]
  for (const [index, anchored] of anchors.entries()) {
    const bad = (why: string) => ({ anchorage: { heads, day, ...(digest === undefined ? {} : { digest }) }, bad: { index, why } })
    const { type: _, digest: own, ...says } = anchored
    if (digestOf(says) !== own) return bad('its digest is not that of what it says')
    if (says.before !== digest) return bad('it does not hang from the anchor before it')
    if (says.day < day) return bad('it is of an earlier day than the anchor before it')
    if (says.heads.some(({ run, seq }) => seq <= (heads.get(run)?.seq ?? 0))) return bad('a run in it goes back')
    for (const head of says.heads) {
      total.add(head)
      heads.set(head.run, head)
    }
    if (whole && (says.runs !== total.runs() || says.entries !== total.entries())) return bad('it miscounts the runs or entries')
    ;[day, digest] = [says.day, own]
  }
  return { anchorage: { heads, day, ...(digest === undefined ? {} : { digest }) } }
}

/** Counts runs and entries as heads come in, without going through all of them for each anchor. */
function counter(known: ReadonlyMap<RunId, ChainHead>) {
  const seqs = new Map([...known.values()].map(({ run, seq }) => [run, seq]))
  let entries = [...seqs.values()].reduce((sum, seq) => sum + seq, 0)
  return {
    add({ run, seq }: ChainHead): void {
      entries += seq - (seqs.get(run) ?? 0)
      seqs.set(run, seq)
    },
    runs: () => seqs.size - (seqs.has(HOUSE) ? 1 : 0),
    entries: () => entries,
  }
}

/** One anchor as a line of a file. */
export const anchorLine = (anchored: Anchored): string => canonical(anchored)

/** The anchors of a file, each once. What is no anchor is left out: a line that a crash cut short was written again. */
export function anchorsIn(lines: readonly string[]): readonly Anchored[] {
  const found = new Map<Digest, Anchored>()
  for (const line of lines) {
    const anchored = anchoredOf(readLine(line))
    if (anchored) found.set(anchored.digest, anchored)
  }
  return [...found.values()]
}

function readLine(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** An anchor as a ledger or a file has it; undefined for anything else. Whether it is true is for `moored` to say. */
export function anchoredOf(value: unknown): Anchored | undefined {
  const [day, runs, entries] = [fieldOf(value, 'day'), fieldOf(value, 'runs'), fieldOf(value, 'entries')]
  const [heads, before, digest] = [fieldOf(value, 'heads'), fieldOf(value, 'before'), fieldOf(value, 'digest')]
  if (!isDay(day) || !isCount(runs) || !isCount(entries) || !isDigest(digest)) return undefined
  if (before !== undefined && !isDigest(before)) return undefined
  if (!Array.isArray(heads) || !heads.every(isHead)) return undefined
  const some = heads.map(({ run, seq, hash }) => ({ run, seq, hash }))
  return { type: 'anchored', day, runs, entries, heads: some, ...(before === undefined ? {} : { before }), digest }
}

const isDay = (value: unknown): value is string => typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value)
const isDigest = (value: unknown): value is Digest => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)
const isCount = (value: unknown): value is number => Number.isSafeInteger(value)
const isHead = (value: unknown): value is ChainHead =>
  typeof fieldOf(value, 'run') === 'string' && isCount(fieldOf(value, 'seq')) && isDigest(fieldOf(value, 'hash'))
