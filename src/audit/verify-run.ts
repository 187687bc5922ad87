import { moored } from '../domain/anchor.ts'
import { link, ROOT } from '../domain/chain.ts'
import type { RunId } from '../domain/ids.ts'
import type { Verification } from '../domain/record.ts'
import type { Store } from '../ports/store.ts'
import { macReader, type Sign } from './macs.ts'
import { ledgerAnchors } from './verify.ts'

/** The same for one run, as its change record says it: the chain, the MACs where there is a key, and the anchor that covers it. */
export async function verifyRun(store: Pick<Store, 'entries' | 'heads'>, run: RunId, sign?: Sign): Promise<Verification> {
  const anchors = await ledgerAnchors(store)
  const covering = anchors.flatMap(({ anchored }) =>
    anchored.heads
      .filter(head => head.run === run)
      .map(({ seq, hash }) => ({ day: anchored.day, digest: anchored.digest, seq, hash })),
  )
  const bound = (await store.heads()).find(head => head.run === run)
  const macs = sign && macReader(sign)
  let [seq, hash, why]: [number, string, string | undefined] = [0, ROOT, undefined]
  for await (const entry of store.entries(run)) {
    if (entry.run !== run) continue
    const anchor = covering.find(one => one.seq === entry.seq)
    if (entry.seq !== seq + 1) why ??= `entry ${seq + 1} is missing`
    if (entry.hash !== link(hash, entry)) why ??= `entry ${entry.seq} was changed after it was written`
    const forged = macs?.objection(entry)
    if (forged !== undefined) why ??= `entry ${entry.seq}: ${forged}`
    if (anchor && anchor.hash !== entry.hash) why ??= `entry ${entry.seq} is another one than was anchored on ${anchor.day}`
    if (bound?.seq === entry.seq && bound.hash !== entry.hash) why ??= `entry ${entry.seq}: the head of the run says otherwise`
    ;[seq, hash] = [entry.seq, entry.hash]
  }
  const last = covering.at(-1)
  const wanted = Math.max(bound?.seq ?? 0, last?.seq ?? 0)
  if (seq < wanted) why ??= `entry ${seq + 1} is missing; ${wanted} were written`
  const wrong = moored(anchors.map(({ anchored }) => anchored)).bad
  if (wrong) why ??= `the anchor of ${anchors[wrong.index]?.anchored.day} was tampered with: ${wrong.why}`
  return {
    whole: why === undefined,
    ...(why === undefined ? {} : { why }),
    entries: seq,
    head: hash,
    macs: macs
      ? `checked: ${macs.right()} of ${seq} entries have one, and it is right`
      : 'not checked: there was no key to check them with',
    ...(last ? { anchor: { day: last.day, digest: last.digest, upTo: last.seq } } : {}),
  }
}
