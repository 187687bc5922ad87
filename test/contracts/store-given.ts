import { digestOf } from '../../src/domain/chain.ts'
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
import type { Act, Plan, Step } from '../../src/domain/plan.ts'
import type { Event, Intent, Run } from '../../src/domain/run.ts'
import type { Store } from '../../src/ports/store.ts'

export interface Opened {
  readonly store: Store
  /** The same runs, seen by another process. */
  readonly other: Store
  pushClock(by: Millis): Promise<void>
  /** What the inbox says came of a delivery. */
  outcomeOf(delivery: string): Promise<string | undefined>
  stop(): Promise<void>
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
export const gate: Step = {
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
}

export function givenBy(opened: Opened): Given {
  const { store } = opened
  let count = 0
  return {
    ...opened,
    run: (...stages) => store.create(`slack:C1:${++count}`, place, started(...stages)),
    async typesOf(id) {
      const types: string[] = []
      for await (const entry of store.entries(id)) types.push(entry.type)
      return types
    },
  }
}
