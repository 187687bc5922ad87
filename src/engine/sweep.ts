import type { Said } from '../domain/chat.ts'
import type { RunId } from '../domain/ids.ts'
import type { Store } from '../ports/store.ts'

export interface Sweeper {
  readonly store: Store
  advance(run: RunId): Promise<void>
  report(run: RunId): Promise<void>
  answer(said: Said): Promise<void>
}

/** A sentence that nobody has answered for so long was heard by a process that died. */
const UNANSWERED = 10_000

/** Finds what time, a lost nudge or a dead worker left behind. With the queue gone altogether, this alone is enough. */
export async function sweep({ store, advance, report, answer }: Sweeper): Promise<void> {
  const overdue = await store.overdue()
  const unanswered = await store.unanswered(UNANSWERED)
  const results = await Promise.allSettled([
    ...overdue.advance.map(advance),
    ...overdue.report.map(report),
    ...unanswered.map(answer),
  ])
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
