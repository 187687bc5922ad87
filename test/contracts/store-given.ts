import { createHmac } from 'node:crypto'
import { digestOf, type Entry, link, ROOT } from '../../src/domain/chain.ts'
import type { Place } from '../../src/domain/chat.ts'
import {
  hours,
  type IntentId,
  type Millis,
  minutes,
  type Person,
  type RunId,
  type StepId,
  seconds,
  type Target,
} from '../../src/domain/ids.ts'
import type { Act, Gate, Plan, Step } from '../../src/domain/plan.ts'
import type { Event, Intent, Run } from '../../src/domain/run.ts'
import type { Store } from '../../src/ports/store.ts'

export interface Opened {
  readonly store: Store
  /** The same runs, seen by another process. */
  readonly other: Store
  pushClock(by: Millis): Promise<void>
  /** What the inbox says came of a delivery. */
  outcomeOf(delivery: string): Promise<string | undefined>
  /** What somebody does who may write anything into the database: other entries for a run or the ledger, and a head that fits. */
  rewrite(run: RunId, how: (entries: readonly Entry[]) => readonly Entry[]): Promise<void>
  stop(): Promise<void>
}

/** The key of these tests. */
export const sign = (hash: string): string =>
  createHmac('sha256', 'a key that is not in the database').update(hash).digest('base64url')

/** Numbers and hashes as they have to be. Who has no key can do this too; the MACs stay what they are. */
export const chained = (entries: readonly Entry[]): readonly Entry[] => {
  let before = ROOT
  return entries.map((entry, n) => {
    const moved = { ...entry, seq: n + 1 }
    before = link(before, moved)
    return { ...moved, hash: before }
  })
}

export const LEASE = minutes(1)
export const place: Place = { chat: 'slack', channel: 'C1' }
export const ann = 'ann' as Person
export const cutover = 'cutover' as StepId
export const act: Act = {
  id: cutover,
  says: 'select target on sql01',
  kind: 'act',
  action: { capability: 'powerpath.select-target', target: 'sql01' as Target, params: {}, risk: 'disruptive' },
  timeout: seconds(10),
  tries: 1,
  every: seconds(1),
}
export const gate: Gate = {
  id: 'approval' as StepId,
  says: 'approval',
  kind: 'gate',
  asks: 'May it begin?',
  for: 'approval',
  rule: { role: 'storage', quorum: 2, ownRequest: false, within: hours(1) },
  facts: [],
}
export const intent: Intent = { id: 'R/cutover/1' as IntentId, at: 0, action: act.action }
export const sent: Event = { type: 'step.intended', step: cutover, intent }
export const done: Event = { type: 'step.done', step: cutover, how: 'seen' }
export const cancelled: Event = { type: 'run.turned', to: 'stopping', by: ann }

export const started = (...stages: Step[]): Event => {
  const plan: Plan = { title: 'cut over', stages: stages.map(step => [step]), onFailure: 'hold' }
  return { type: 'run.started', by: ann, plan, digest: digestOf(plan), said: 'cut over sql01' }
}

/** What the tests of a contract share: one store, seen from two processes. */
export interface Given extends Opened {
  run(...stages: Step[]): Promise<Run>
  typesOf(id: RunId): Promise<readonly string[]>
  entriesOf(id: RunId): Promise<readonly Entry[]>
  /** What a worker finds wrong with the log of a run before it sends anything. */
  forged(id: RunId): Promise<string | undefined>
}

export function givenBy(opened: Opened): Given {
  const { store, other } = opened
  let count = 0
  const entriesOf = async (id: RunId) => {
    const entries: Entry[] = []
    for await (const entry of store.entries(id)) entries.push(entry)
    return entries
  }
  return {
    ...opened,
    run: (...stages) => store.create(`slack:C1:${++count}`, place, started(...stages)),
    entriesOf,
    typesOf: async id => (await entriesOf(id)).map(entry => entry.type),
    async forged(id) {
      const found = await other.hold(id, LEASE, async hold => ({ why: await hold.forged() }))
      if (!found) throw new Error(`${id} is held`)
      return found.why
    },
  }
}
