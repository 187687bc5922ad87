import type { Instant, Millis } from './ids.ts'
import type { Act, Step } from './plan.ts'
import { type Policy, ruleFor } from './policy.ts'
import type { Run } from './run.ts'
import { opensAgain, saysShut, shut } from './windows.ts'

export interface Kept {
  readonly says: string
  readonly opens?: Instant
}

/** What keeps these steps of a run from being begun now: a freeze, a window that is closed, or one that closes too soon. */
export function kept(run: Pick<Run, 'course'>, steps: readonly Step[], policy: Policy, now: Instant): Kept | undefined {
  // The way back is always open: a freeze is there to keep things as they were.
  if (run.course !== 'forward') return undefined
  for (const step of steps) {
    if (step.kind !== 'act') continue
    const needs = takes(step, policy)
    const why = shut(policy, step.action, needs, now)
    if (!why) continue
    const opens = opensAgain(policy, step.action, needs, now)
    return { says: saysShut(why, step.action.target, policy.zone ?? 'UTC', now), ...(opens === undefined ? {} : { opens }) }
  }
  return undefined
}

/** How long a change needs the window: what its rule says, else as long as its request may live. */
const takes = (step: Act, policy: Policy): Millis => ruleFor(policy, step.action)?.takes ?? step.timeout
