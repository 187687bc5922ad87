import { setTimeout as pause } from 'node:timers/promises'
import type { z } from 'zod'
import type { exclusive } from '../../src/kit/claims.ts'
import { type Call, capability, type Shown, type Verdict } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { type Machine, machineNamed } from './machines.ts'
import { refIn } from './session.ts'
import { type Fields, type Ref, shown } from './soap.ts'
import { followed, ongoing } from './tasks.ts'
import { beforehand, type VCenter } from './wire.ts'

/** Where the thing stands that a change is about. It is all that a doubt compares. */
export interface Trace<R> {
  readonly stands: string
  readonly about: string // which machine and which snapshot: the same name may come to mean another one
  readonly result?: R // what the change would have come to, where it has been made
}

/** A change of one machine: one method, so that one look can tell whether it was carried out. */
export interface Spec<P extends { readonly machine: string }, R> {
  readonly summary: string
  readonly examples: readonly string[]
  readonly params: z.ZodType<P>
  readonly risk: 'routine' | 'disruptive' | 'destructive'
  readonly takes: Millis
  readonly method: string
  says(target: string, params: Shown<NoInfer<P>>): string
  args(params: Shown<NoInfer<P>>): Fields
  /** The object whose method it is: the machine itself where nothing is said. */
  on?(now: Machine, params: NoInfer<P>): Ref
  claims(params: NoInfer<P>): readonly ReturnType<typeof exclusive>[]
  /** What it comes to where it is so already and nothing needs to be sent. */
  already?(now: Machine, params: NoInfer<P>): R | undefined
  /** Throws Refused unless it may be sent as things are. */
  guard(now: Machine, params: NoInfer<P>): void
  stands(now: Machine, params: NoInfer<P>): string
  /** What must be the same before and after, beside the machine. */
  about?(now: Machine, params: NoInfer<P>): string
  /** The words that mean: it has not happened. */
  readonly from: readonly string[]
  /** The words that mean: it has happened. */
  readonly to: readonly string[]
  /** It sets a state: set again, nothing is different. */
  readonly repeatable?: true
  result(after: Machine, params: NoInfer<P>): R
}

const on = capability<VCenter>()
const LOOKING: Millis = 250
/** How long a doubt waits for tasks that go on: what is on its way is not judged. */
const TRANSIT: Millis = 10_000
const BUSY = 'in the middle of a task'

export const change = <P extends { readonly machine: string }, R>(spec: Spec<P, R>) =>
  on<P, R, Trace<R>>({
    summary: spec.summary,
    examples: spec.examples,
    params: spec.params,
    says: (target, params) => spec.says(target, params),
    sends: params => [shown(String(params.machine), spec.method, spec.args(params))],
    effect: {
      risk: spec.risk,
      takes: spec.takes,
      claims: params => spec.claims(params),
      inDoubt: {
        ask: 'device',
        look: async (vcenter, { params, signal }) => traceOf(spec, await atRest(vcenter, params.machine, signal), params),
        judge: (before, now) => judge(spec, before, now),
      },
    },
    perform: async (vcenter, call) => {
      const { params, signal } = call
      const before = await beforehand(() => machineNamed(vcenter, params.machine, signal))
      const already = spec.already?.(before, params)
      if (already !== undefined) return already
      guardIdle(before)
      spec.guard(before, params)
      const request = { method: spec.method, of: spec.on?.(before, params) ?? before.ref, args: spec.args(params) }
      const answer = await vcenter.change(request, call)
      const { failed, after } = await afterwards(async () => {
        const failed = spec.method.endsWith('_Task') ? await failure(vcenter, answer, signal) : undefined
        return { failed, after: await settled(vcenter, spec, call, failed !== undefined) }
      })
      return outcome(spec, before, after, params, failed)
    },
  })

/** What became of it: the machine decides, and not what vCenter says of its task. */
function outcome<P extends { readonly machine: string }, R>(
  spec: Spec<P, R>,
  before: Machine,
  after: Machine,
  params: P,
  failed: string | undefined,
): R {
  const stands = spec.stands(after, params)
  if (after.ref.id !== before.ref.id) throw new Uncertain(`${params.machine} is another machine than before`)
  if (failed !== undefined && spec.from.includes(stands)) throw new Refused(`vCenter could not do it: ${failed}`)
  if (failed !== undefined) throw new Uncertain(`vCenter says that it could not do it (${failed}), and it stands at ${stands}`)
  if (!spec.to.includes(stands))
    throw new Uncertain(`vCenter says that it is done, and it stands at ${stands} instead of ${spec.to.join(' or ')}`)
  return spec.result(after, params)
}

/** Why the task failed that a method answered with, or undefined when it did not. */
async function failure(vcenter: VCenter, answer: Parameters<typeof refIn>[0], signal: AbortSignal): Promise<string | undefined> {
  const { state, error, cancelled } = await followed(vcenter, refIn(answer, 'task'), signal)
  if (state === 'success') return undefined
  return error ?? (cancelled ? 'the task was cancelled' : 'the task failed, and does not say why')
}

function guardIdle({ name, tasks }: Machine): void {
  const busy = tasks.find(ongoing)
  if (busy) throw new Refused(`${name} is busy with ${busy.task} (${busy.what}): wait for its end, or cancel it`)
}

function traceOf<P extends { readonly machine: string }, R>(spec: Spec<P, R>, now: Machine, params: P): Trace<R> {
  const stands = now.tasks.some(ongoing) ? BUSY : spec.stands(now, params)
  const about = `${now.ref.id} ${spec.about?.(now, params) ?? ''}`.trim()
  return { stands, about, ...(spec.to.includes(stands) ? { result: spec.result(now, params) } : {}) }
}

/** Only a way from where it had not happened to where it has proves this request. */
export function judge<R>(
  { from, to, repeatable }: Pick<Spec<never, R>, 'from' | 'to' | 'repeatable'>,
  before: Trace<R>,
  now: Trace<R>,
): Verdict<R> {
  const same = before.about.split(' ')[0] === now.about.split(' ')[0]
  const done = { done: true as const, ...(now.result === undefined ? {} : { result: now.result }) }
  if (same && from.includes(before.stands) && to.includes(now.stands)) return done
  if (same && repeatable && to.includes(before.stands) && to.includes(now.stands)) return done
  if (before.about === now.about && from.includes(before.stands) && from.includes(now.stands)) return { done: false }
  return {
    done: 'unknown',
    why: `it stood at ${before.stands} (${before.about}), and stands at ${now.stands} (${now.about}) now`,
  }
}

/** The machine once nothing goes on about it, or as it is when that takes too long. */
async function atRest(vcenter: VCenter, name: string, signal: AbortSignal): Promise<Machine> {
  for (let left = TRANSIT; ; left -= LOOKING) {
    const now = await machineNamed(vcenter, name, signal)
    if (left <= 0 || !now.tasks.some(ongoing)) return now
    await pause(LOOKING, undefined, { signal })
  }
}

/** A method without a task has only been taken on: a guest takes its time to shut down. */
async function settled<P extends { readonly machine: string }, R>(
  vcenter: VCenter,
  spec: Spec<P, R>,
  { params, signal }: Call<P>,
  failed: boolean,
): Promise<Machine> {
  for (;;) {
    const now = await machineNamed(vcenter, params.machine, signal)
    const over = failed || spec.method.endsWith('_Task') || spec.to.includes(spec.stands(now, params))
    if (over) return now
    await pause(LOOKING, undefined, { signal })
  }
}

/** Once something was sent, a look that fails must never read as "nothing was sent", nor as a no. */
export async function afterwards<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (cause) {
    if (cause instanceof Uncertain) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Uncertain(`it was sent and answered, and what came of it could not be read: ${why}`, { cause })
  }
}
