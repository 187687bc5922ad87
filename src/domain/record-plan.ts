import { digestOf } from './chain.ts'
import type { Millis } from './ids.ts'
import { type Action, type Step, wanted } from './plan.ts'
import { type RuleRecord, ruleOf } from './record-scribe.ts'
import type { Run } from './run.ts'

/** What was going to be done, as it was approved: a plan never changes once a run has it. */
export interface PlanRecord {
  readonly title: string
  readonly runbook?: string
  readonly digest: string // SHA-256 of its canonical JSON; what people approved names it
  readonly digestFits: boolean // the plan in the log has this digest
  readonly onFailure: string
  readonly notes: readonly string[]
  readonly stages: readonly (readonly PlannedStep[])[] // in order, the steps of a stage side by side
}

export interface PlannedStep {
  readonly id: string
  readonly kind: string // act, watch, gate, wait
  readonly says: string
  readonly always?: true // runs even after a failure or a cancel
  readonly final?: true // the point of no return
  readonly action?: ActionRecord // of an act or a watch
  readonly undo?: readonly ActionRecord[]
  readonly until?: string // of a watch
  readonly asks?: string // of a gate
  readonly rule?: RuleRecord
  readonly facts?: readonly { readonly label: string; readonly wants: string; readonly commands: readonly string[] }[]
  readonly waits?: Millis
}

export interface ActionRecord {
  readonly says?: string
  readonly capability: string
  readonly target: string
  readonly risk: string
  readonly commands: readonly string[] // as this version of Signalbox sends them
}

type Sends = (action: Action) => readonly string[]

export function planRecord({ plan, digest }: Run, sends: Sends): PlanRecord {
  return {
    title: plan.title,
    ...(plan.runbook === undefined ? {} : { runbook: plan.runbook }),
    digest,
    digestFits: digestOf(plan) === digest,
    onFailure: plan.onFailure,
    notes: plan.notes ?? [],
    stages: plan.stages.map(stage => stage.map(step => planned(step, sends))),
  }
}

function planned(step: Step, sends: Sends): PlannedStep {
  const { id, kind, says } = step
  const base = { id, kind, says, ...(step.always ? { always: true as const } : {}) }
  switch (step.kind) {
    case 'act': {
      const undo = (step.undo ?? []).map(one => ({ says: one.says, ...actionRecord(one.action, sends) }))
      return {
        ...base,
        ...(step.final ? { final: true as const } : {}),
        action: actionRecord(step.action, sends),
        ...(undo.length > 0 ? { undo } : {}),
      }
    }
    case 'watch':
      return { ...base, action: actionRecord(step.read, sends), until: wanted(step.until) }
    case 'gate': {
      const facts = step.facts.map(({ label, read, expect }) => ({ label, wants: wanted(expect), commands: sends(read) }))
      return { ...base, asks: step.asks, rule: ruleOf(step.rule), ...(facts.length > 0 ? { facts } : {}) }
    }
    case 'wait':
      return { ...base, waits: step.for }
  }
}

const actionRecord = (action: Action, sends: Sends): ActionRecord => ({
  capability: action.capability,
  target: action.target,
  risk: action.risk,
  commands: sends(action),
})
