import { type Millis, seconds } from '../domain/ids.ts'
import { kept } from '../domain/kept.ts'
import type { Gate } from '../domain/plan.ts'
import { currentStage, opening, stepsBehind } from '../domain/program.ts'
import { type Run, stateOf } from '../domain/run.ts'
import type { Hold } from '../ports/store.ts'
import type { Engine } from './engine.ts'

/** How often a closed calendar is looked at: a freeze may end before its time. */
const LOOK_AGAIN: Millis = seconds(30)

/** Opens a gate that goes by the calendar, once what is behind it may be done; until then the run waits, and says for what. */
export async function open(run: Run, step: Gate, hold: Hold, engine: Engine): Promise<void> {
  const policy = await engine.policy()
  const now = await engine.store.now()
  const shut = kept(run, stepsBehind(run, step), policy, now)
  if (shut)
    return void (await hold.waitFor({ shut: shut.says, next: Math.min(shut.opens ?? now + LOOK_AGAIN, now + LOOK_AGAIN) }))
  await hold.record((run, now) =>
    !run.outcome && stateOf(run, step).is === 'pending' && currentStage(run).some(other => other.id === step.id)
      ? [opening(run, step, now)]
      : [],
  )
  if (run.waitsFor) await hold.waitFor(undefined)
}
