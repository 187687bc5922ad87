import { type Action, fieldOf, isReference, type Reference } from '../domain/plan.ts'
import type { Run } from '../domain/run.ts'

/** The action with what earlier steps handed out in place of its references; or the first reference that leads nowhere. */
export function resolve(action: Action, run: Run): { readonly action: Action } | { readonly missing: Reference } {
  const params: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(action.params)) {
    const found = isReference(value) ? handedOut(value, run) : value
    if (found === undefined && isReference(value)) return { missing: value }
    params[name] = found
  }
  return { action: { ...action, params } }
}

/** What a step that is done has handed out under this name. */
export function handedOut({ from, field }: Reference, run: Run): unknown {
  const state = run.steps.get(from)
  return state?.is === 'done' ? fieldOf(state.result, field) : undefined
}
