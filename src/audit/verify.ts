import { type Entry, link, ROOT } from '../domain/chain.ts'
import type { RunId } from '../domain/ids.ts'
import type { Store } from '../ports/store.ts'

/** What the verifier says of a log: how much it read, and the first entry that is not what was written. */
export type Verified =
  | { readonly ok: true; readonly runs: number; readonly entries: number }
  | { readonly ok: false; readonly run: RunId; readonly seq: number; readonly why: string; readonly entries: number }

type Head = Awaited<ReturnType<Store['heads']>>[number]

/**
 * Recomputes every link. Entries come in order of run and seq; each run's head says where its chain must have come to when we
 * began. Runs may go on meanwhile: what lies beyond that is held against the head of now.
 */
export async function verify({ entries, heads }: Pick<Store, 'entries' | 'heads'>): Promise<Verified> {
  const began = new Map((await heads()).map(head => [head.run, head]))
  let latest = began
  const seen = new Map<RunId, { seq: number; hash: string }>()
  let count = 0
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
    const head = began.get(entry.run)
    if (head?.seq === entry.seq && head.hash !== entry.hash)
      return bad(entry.run, entry.seq, 'the head of the run says otherwise')
    seen.set(entry.run, { seq: entry.seq, hash: entry.hash })
  }
  for (const { run, seq } of began.values()) {
    const last = seen.get(run)?.seq ?? 0
    if (last < seq) return bad(run, last + 1, `it is missing; ${seq} entries were written`)
  }
  return { ok: true, runs: new Set([...began.keys(), ...seen.keys()]).size, entries: count }
}

const reaches = (head: Head | undefined, entry: Entry): boolean => head !== undefined && head.seq >= entry.seq

/** One line of JSON for each entry: what an auditor takes away. */
export async function* exported(entries: AsyncIterable<Entry>): AsyncIterable<string> {
  for await (const entry of entries) yield JSON.stringify({ ...entry, at: new Date(entry.at).toISOString() })
}
