import type { Claim } from '../domain/claim.ts'
import { type Action, stepsOf, undoActions } from '../domain/plan.ts'
import type { Run } from '../domain/run.ts'
import type { Capability } from '../kit/device.ts'
import type { Engine } from './engine.ts'
import { resolve } from './resolve.ts'

/**
 * Everything the run's changes take hold of, undos included, as far as their parameters are known by now. Asked for before
 * each send, all or none: what a device hands out later (a session number) is claimed before the first change that uses it.
 */
export function claimsOf(run: Run, engine: Pick<Engine, 'find' | 'root'>): readonly Claim[] {
  const actions = stepsOf(run.plan).flatMap((step): readonly Action[] =>
    step.kind === 'act' ? [step.action, ...undoActions(step)] : [],
  )
  const claims = new Map<string, Claim>()
  for (const action of actions) {
    const effect = effectOf(action, engine)
    if (effect === undefined || effect === 'read') continue
    const known = resolve(action, run)
    if ('missing' in known) continue
    for (const claim of effect.claims(known.action.params)) {
      const path = claim.path === '' ? engine.root(action.target) : `${engine.root(action.target)}/${claim.path}`
      if (claims.get(path)?.mode !== 'exclusive') claims.set(path, { path, mode: claim.mode })
    }
  }
  return [...claims.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Undefined for a target that the site has lost: that is told when its step comes. */
function effectOf(action: Action, engine: Pick<Engine, 'find'>): Capability['effect'] | undefined {
  try {
    return engine.find(action).capability.effect
  } catch {
    return undefined
  }
}
