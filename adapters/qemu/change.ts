import { setTimeout as pause } from 'node:timers/promises'
import type { z } from 'zod'
import type { exclusive } from '../../src/kit/claims.ts'
import { type Call, capability, type Shown, type Verdict } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { type View, view } from './view.ts'
import { type Command, type Monitor, shown } from './wire.ts'

/** Where the thing stands that a change is about, in one word; it is all that a doubt compares. */
export interface Trace {
  readonly stands: string
}

/** A change of QEMU: one command, so that one look can tell whether it happened. */
interface Spec<P, R> {
  readonly summary: string
  readonly examples: readonly string[]
  readonly params: z.ZodType<P>
  readonly risk: 'routine' | 'disruptive' | 'destructive'
  says(target: string, params: Shown<NoInfer<P>>): string
  command(params: Shown<NoInfer<P>>): Command
  /** Where more than the one command belongs to it: all of them for the preview, and how they are sent. */
  readonly more?: {
    commands(params: Shown<NoInfer<P>>): readonly Command[]
    send(monitor: Monitor, call: Call<NoInfer<P>>): Promise<void>
  }
  claims(params: NoInfer<P>): readonly ReturnType<typeof exclusive>[]
  /** Throws Refused unless it may be sent as things are. */
  guard(now: View, params: NoInfer<P>): void
  /** A word of where it stands. */
  stands(now: View, params: NoInfer<P>): string
  /** The words that mean: it has not happened. */
  readonly from: readonly string[]
  /** The words that mean: it has happened. */
  readonly to: readonly string[]
  /** After an answer, how long to wait for one of `to`, because QEMU answers before it is done. */
  readonly settles?: Millis
  /** Where it may stand after a yes that came to nothing, and what people do then. */
  readonly stuck?: Readonly<Record<string, string>>
  result(after: View, params: NoInfer<P>, before: View): R
}

const on = capability<Monitor>()
const STEP: Millis = 25
/** How long a yes of QEMU may take to show: what a lost answer has started is not judged before that. */
const BRIEFLY: Millis = 200
/** How long a doubt waits for a job that is on its way. While QEMU cuts over it halts the disk, and calls the job paused. */
const TRANSIT: Millis = 2_000

/** It has come to where it was meant to go, or to where it goes no further by itself. */
const over = (to: readonly string[], stands: string): boolean =>
  to.includes(stands) || ['done', 'cancelled', 'failed', 'fault', 'absent'].includes(stands)

export const change = <P, R>(spec: Spec<P, R>) =>
  on<P, R, Trace>({
    summary: spec.summary,
    examples: spec.examples,
    params: spec.params,
    says: (target, params) => spec.says(target, params),
    sends: params => (spec.more?.commands(params) ?? [spec.command(params)]).map(shown),
    effect: {
      risk: spec.risk,
      ...(spec.settles === undefined ? {} : { takes: spec.settles + 30_000 }),
      claims: params => spec.claims(params),
      inDoubt: {
        ask: 'device',
        look: async (monitor, call) => {
          const stands = async (): Promise<string> => spec.stands(await view(monitor, call.signal), call.params)
          let now = await stands()
          if (spec.settles === undefined) return { stands: now }
          if (spec.from.includes(now)) {
            await pause(BRIEFLY, undefined, { signal: call.signal })
            now = await stands()
          }
          for (let left = TRANSIT; left > 0 && !spec.from.includes(now) && !over(spec.to, now); left -= STEP) {
            await pause(STEP, undefined, { signal: call.signal })
            now = await stands()
          }
          return { stands: now }
        },
        judge: (before, now) => judge(spec, before, now),
      },
    },
    perform: async (monitor, call) => {
      const before = await view(monitor, call.signal)
      spec.guard(before, call.params)
      await (spec.more?.send(monitor, call) ?? monitor.change(spec.command(call.params), call))
      const after = await afterwards(() => settled(monitor, spec, call))
      const stands = spec.stands(after, call.params)
      const stuck = spec.stuck?.[stands]
      if (stuck !== undefined) throw new Refused(stuck)
      if (!spec.to.includes(stands))
        throw new Uncertain(`QEMU said yes, and it stands at ${stands} instead of ${spec.to.join(' or ')}`)
      return spec.result(after, call.params, before)
    },
  })

/** Only a way from where it had not happened to where it has proves this request. */
function judge<P, R>({ from, to }: Spec<P, R>, before: Trace, now: Trace): Verdict<R> {
  if (from.includes(before.stands) && to.includes(now.stands)) return { done: true }
  if (from.includes(before.stands) && from.includes(now.stands)) return { done: false }
  return { done: 'unknown', why: `it stood at ${before.stands}, and stands at ${now.stands} now` }
}

async function settled<P, R>(monitor: Monitor, spec: Spec<P, R>, { signal, params }: Call<P>): Promise<View> {
  for (let left = spec.settles ?? 0; ; left -= STEP) {
    const now = await view(monitor, signal)
    if (left <= 0 || over(spec.to, spec.stands(now, params))) return now
    await pause(STEP, undefined, { signal })
  }
}

/** Once something was sent, a look that fails must never read as "nothing was sent". */
export async function afterwards<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Uncertain(`it was sent and answered, and what came of it could not be read: ${why}`, { cause })
  }
}
