import type { z } from 'zod'
import type { Claim } from '../domain/claim.ts'
import type { IntentId, Millis, Target } from '../domain/ids.ts'
import type { Action, Params, Reference, Risk } from '../domain/plan.ts'
import type { Progress } from '../domain/progress.ts'

/** One kind of device: a folder under adapters/. */
// biome-ignore lint/suspicious/noExplicitAny: an adapter of any kind; each folder names its own types
export interface Adapter<D extends Device = any, C extends Capabilities<D> = any, S = any> {
  readonly name: string // the folder's name, and the prefix of its grammar rules
  readonly summary: string
  readonly settings: z.ZodType<S> // how the site file describes one such device
  connect(settings: S, target: Target): D
  readonly capabilities: C
  /** Every parser of this device's output, for `signalbox understand`; each throws Misread for what it does not fully understand. */
  readonly readings: Readonly<Record<string, Reading>>
  /** What this device cannot do or tell, with the reason; printed by the contract suite and the reference. */
  readonly cannot: readonly { readonly what: string; readonly why: string }[]
}

export interface Device {
  close(): Promise<void>
}

export interface Reading {
  readonly summary: string // which command's output it reads
  read(text: string): unknown
}

export type Capabilities<D> = Readonly<Record<string, Capability<D>>>

/** One thing a device can do. */
// biome-ignore lint/suspicious/noExplicitAny: a capability of any kind; `capability` below names the types
export interface Capability<D = any, P = any, R = any, B = any> {
  readonly summary: string
  readonly examples: readonly string[] // sentences; help shows them, the contract parses them
  readonly params: z.ZodType<P>
  /** The canonical sentence: parse(says(a)) is a. A parameter may still be a reference, printed with `show`. */
  says(target: string, params: Shown<P>): string
  /** The commands it would send, for the preview of a plan; already free of secrets. */
  sends(params: Shown<P>): readonly string[]
  readonly effect: 'read' | Change<D, P, R, B>
  /** The answer of a read as lines of plain text; without it the fields are listed. */
  shows?(result: R): readonly string[]
  /** How far a long operation has come, if this reading tells. */
  progress?(result: R): Progress
  perform(device: D, call: Call<P>): Promise<R>
}

/** Parameters as a plan prints them: a reference that is not resolved yet is text. */
export type Shown<P> = { readonly [K in keyof P]: P[K] | string }

export interface Change<D, P, R, B> {
  readonly risk: Exclude<Risk, 'none'>
  /** How long one request may live, on the wire and in the device: 30 seconds where nothing is said. */
  readonly takes?: Millis
  /** What it takes hold of, as paths below the target: ["disk/harddisk5"]. */
  claims(params: P): readonly Claim[]
  readonly inDoubt: InDoubt<D, P, R, B>
}

/** How to learn whether a request that got no answer took effect. There is no default: somebody must think. */
export type InDoubt<D, P, R, B> =
  | { readonly ask: 'nobody' } // twice is as good as once: send it again
  | { readonly ask: 'device'; look(device: D, call: Call<P>): Promise<B>; judge(before: B, now: B, params: P): Verdict<R> }
  | { readonly ask: 'person' } // only someone on site can tell

export type Verdict<R> =
  | { readonly done: true; readonly result?: R }
  | { readonly done: false }
  | { readonly done: 'unknown'; readonly why: string }

export interface Call<P> {
  readonly intent: IntentId // give it to a device that remembers ids
  readonly params: P
  readonly signal: AbortSignal // timeout, lost lease or shutdown
  go(): void // call it right before the write: throws Unreachable if it is too late
}

type AllowReferences<P> = { readonly [K in keyof P]: P[K] | Reference }

/** Typed makers of actions, one for each capability: `powerpath.act.sync('sql01', { session: 1 })`. */
type Acts<C> = {
  readonly [K in keyof C]: (
    target: string,
    params: C[K] extends Capability<never, infer P> ? AllowReferences<P> : never,
  ) => Action
}

export function adapter<D extends Device, C extends Capabilities<D>, S>(
  spec: Adapter<D, C, S>,
): Adapter<D, C, S> & { readonly act: Acts<C> } {
  const act = Object.fromEntries(
    Object.entries(spec.capabilities).map(([verb, { effect }]) => [
      verb,
      (target: string, params: Params): Action => ({
        capability: `${spec.name}.${verb}`,
        target: target as Target,
        params,
        risk: effect === 'read' ? 'none' : effect.risk,
      }),
    ]),
  )
  return { ...spec, act: act as object as Acts<C> }
}

/** Names the types once: `capability<PowerPathHost>()({ ... })`. */
export const capability =
  <D>() =>
  <P, R, B = never>(spec: Capability<D, P, R, B>): Capability<D, P, R, B> =>
    spec
