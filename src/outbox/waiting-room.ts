import { LANES, type Lane } from '../domain/chat.ts'
import type { Instant } from '../domain/ids.ts'
import type { Budget } from './lanes.ts'

/** A call that waits for its turn. */
export interface Waiting {
  readonly lane: Lane
  readonly budgets: Readonly<Record<string, Budget>>
  readonly since: Instant
  send(signal: AbortSignal): Promise<void>
  refuse(why: Error): void
}

export interface WaitingRoom {
  enter(waiting: Waiting): void
  leave(waiting: Waiting): void
  /** The calls that may be next: of those that need the same budgets the first, higher lanes first, then as they came. */
  heads(): readonly Waiting[]
  newest(lane: Lane): Waiting | undefined
  oldest(lane: Lane): Instant | undefined
  size(lane: Lane): number
  /** Everyone leaves. */
  clear(): readonly Waiting[]
}

/**
 * Calls of one lane that need the same budgets wait in one queue: if its first cannot go, none of them can. So looking for the next
 * call costs as much as there are different sets of budgets, however many calls wait.
 */
export function waitingRoom(): WaitingRoom {
  const lanes = new Map<Lane, Map<string, Set<Waiting>>>(LANES.map(lane => [lane, new Map()]))
  const tickets = new Map<Waiting, number>() // in the order in which they came
  let last = 0
  const queues = (lane: Lane): Map<string, Set<Waiting>> => lanes.get(lane)!
  const ticket = (waiting: Waiting): number => tickets.get(waiting) ?? 0
  const of = (lane: Lane): readonly Waiting[] => [...queues(lane).values()].flatMap(queue => [...queue])
  return {
    enter(waiting) {
      const key = keyOf(waiting)
      const queue = queues(waiting.lane).get(key) ?? new Set()
      queues(waiting.lane).set(key, queue.add(waiting))
      tickets.set(waiting, ++last)
    },
    leave(waiting) {
      const key = keyOf(waiting)
      const queue = queues(waiting.lane).get(key)
      queue?.delete(waiting)
      if (queue?.size === 0) queues(waiting.lane).delete(key)
      tickets.delete(waiting)
    },
    heads: () =>
      LANES.flatMap(lane =>
        [...queues(lane).values()].flatMap(([first]) => (first ? [first] : [])).sort((a, b) => ticket(a) - ticket(b)),
      ),
    newest: lane => of(lane).reduce<Waiting | undefined>((a, b) => (a && ticket(a) > ticket(b) ? a : b), undefined),
    oldest: lane => of(lane).reduce<Instant | undefined>((soonest, { since }) => Math.min(soonest ?? since, since), undefined),
    size: lane => [...queues(lane).values()].reduce((sum, queue) => sum + queue.size, 0),
    clear() {
      const all = LANES.flatMap(of)
      for (const lane of LANES) queues(lane).clear()
      tickets.clear()
      return all
    },
  }
}

const keyOf = ({ budgets }: Waiting): string => JSON.stringify(Object.keys(budgets).sort())
