import type { z } from 'zod'
import type { Command, Wish } from './domain/command.ts'
import type { Target } from './domain/ids.ts'
import { type Action, actionsOf, isReference, type Params } from './domain/plan.ts'
import type { Refusal } from './domain/refusal.ts'
import type { Planned } from './engine/ears.ts'
import type { Adapter } from './kit/device.ts'
import { type Runbook, single } from './runbooks/build.ts'

/** A command as a plan: a runbook with the site's defaults, or a single change. A read stays a read. */
export function planner(
  adapters: ReadonlyMap<string, Adapter>,
  runbooks: ReadonlyMap<string, Runbook<never>>,
  defaults: Readonly<Record<string, Params>>,
) {
  return (command: Extract<Command, { kind: 'run' | 'act' }>): Planned =>
    command.kind === 'act' ? planAction(command.wish, adapters) : planRunbook(command, runbooks, defaults, adapters)
}

function planAction(wish: Wish, adapters: ReadonlyMap<string, Adapter>): Planned {
  const [kind = '', verb = ''] = wish.capability.split('.')
  const adapter = adapters.get(kind)
  const capability = adapter?.capabilities[verb]
  if (!adapter || !capability) return { refusal: { no: 'bad value', what: wish.capability, why: 'no adapter offers it' } }
  const params = capability.params.safeParse(wish.params)
  if (!params.success)
    return {
      refusal: {
        no: 'bad value',
        what: params.error.issues[0]?.path.join('.') || 'the sentence',
        why: params.error.issues[0]?.message ?? 'it does not fit',
      },
    }
  const action: Action = {
    capability: wish.capability,
    target: wish.target as Target,
    params: params.data as Params,
    risk: capability.effect === 'read' ? 'none' : capability.effect.risk,
  }
  return capability.effect === 'read' ? { read: action } : { plan: single(adapter.capabilities, action), reads: [] }
}

function planRunbook(
  { runbook, params }: Extract<Command, { kind: 'run' }>,
  runbooks: ReadonlyMap<string, Runbook<never>>,
  defaults: Readonly<Record<string, Params>>,
  adapters: ReadonlyMap<string, Adapter>,
): Planned {
  const book = runbooks.get(runbook)
  if (!book) return { refusal: { no: 'bad value', what: runbook, why: 'there is no such runbook' } }
  const parsed = book.params.safeParse({ ...defaults[runbook], ...params })
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    return {
      refusal: { no: 'bad value', what: `${runbook}: ${issue?.path.join('.') ?? ''}`, why: issue?.message ?? 'it does not fit' },
    }
  }
  const plan = { ...book.plan(parsed.data), runbook }
  for (const action of actionsOf(plan)) {
    const unfit = misfit(action, adapters)
    if (unfit) return { refusal: unfit }
  }
  return { plan, reads: actionsOf(plan).filter(action => action.risk === 'none') }
}

/** A value that its device would not take is found before anybody is asked to approve it; a reference is looked at when it is resolved. */
function misfit({ capability: name, params }: Action, adapters: ReadonlyMap<string, Adapter>): Refusal | undefined {
  const [kind = '', verb = ''] = name.split('.')
  const capability = adapters.get(kind)?.capabilities[verb]
  if (!capability) return { no: 'bad value', what: name, why: 'no adapter offers it' }
  const fields = 'shape' in capability.params ? (capability.params.shape as Readonly<Record<string, z.ZodType>>) : {}
  for (const [field, value] of Object.entries(params)) {
    const checked = isReference(value) ? undefined : fields[field]?.safeParse(value)
    if (checked && !checked.success)
      return { no: 'bad value', what: field, why: checked.error.issues[0]?.message ?? 'it does not fit' }
  }
  return undefined
}
