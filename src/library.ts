import { openDevices } from './devices.ts'
import type { IntentId, Millis, Person, Target } from './domain/ids.ts'
import type { Action, Params } from './domain/plan.ts'
import { permit } from './domain/policy.ts'
import { explain, type Refusal } from './domain/refusal.ts'
import { callFor, messageOf } from './engine/call.ts'
import { systemClock } from './engine/system-clock.ts'
import type { Adapter, Capability } from './kit/device.ts'
import { Misread, Refused, Uncertain, Unreachable } from './kit/errors.ts'
import { redactedValue, redactor } from './kit/redact.ts'
import { planner } from './planning.ts'
import { loadAdapters } from './registry.ts'
import { type Environment, environment } from './site/environment.ts'
import { BadSite, parseSite, readSite, type Site } from './site/site.ts'
import { languageOf } from './spoken.ts'

/**
 * The devices of a site as a library, without chat, database or runs: the same settings, the same policy, the same redaction
 * and the same errors as the bot. It reads and it understands; it changes nothing, because a change needs a run, with its
 * approvals and its log.
 *
 * ```ts
 * import { openSite } from 'signalbox/adapters'
 * import powerpath from 'signalbox/adapters/powerpath'
 *
 * await using site = await openSite('site.yaml', { as: 'ann' })
 * const answer = await site.read('show paths on sql01')            // a sentence, as in the chat
 * const paths = await site.ask(powerpath, 'paths', 'sql01', {})    // typed: paths.devices[0].alive
 * const sessions = site.understand('powerpath', 'sessions', text)  // output that was kept somewhere
 * ```
 */
export interface OpenSite extends AsyncDisposable {
  readonly name: string
  readonly targets: readonly { readonly name: string; readonly kind: string }[]
  readonly adapters: readonly AdapterCard[]
  /**
   * What a device answers to a question, asked as a sentence or by capability. Throws Declined for a sentence that is not
   * understood, is a change, or is not permitted; Refused, Unreachable, Uncertain or Misread for what the device did.
   */
  read(question: string | Question, options?: ReadOptions): Promise<unknown>
  /** The same with the types of the adapter. */
  ask<A extends Adapter, V extends keyof A['capabilities'] & string>(
    adapter: A,
    capability: V,
    target: string,
    params: ParamsOf<A['capabilities'][V]>,
    options?: ReadOptions,
  ): Promise<ResultOf<A['capabilities'][V]>>
  /** What Signalbox makes of a device's output. Throws Misread, with the raw text in it, rather than half an answer. */
  understand(kind: string, reading: string, text: string): unknown
  close(): Promise<void>
}

/** One capability of one target: `{ capability: 'powerpath.paths', target: 'sql01' }`. */
export interface Question {
  readonly capability: string
  readonly target: string
  readonly params?: Params
}

export interface ReadOptions {
  readonly timeout?: Millis // 30 s
  readonly signal?: AbortSignal
}

/** What one kind of device can do, and how its output is read. */
export interface AdapterCard {
  readonly kind: string
  readonly summary: string
  readonly capabilities: readonly {
    readonly name: string
    readonly summary: string
    readonly effect: 'read' | 'change'
    readonly examples: readonly string[]
  }[]
  readonly readings: readonly { readonly name: string; readonly summary: string }[]
  readonly cannot: Adapter['cannot']
}

export interface OpenOptions {
  /** On whose behalf: a person of the site file, whose roles decide. Whoever of the site may, by default. */
  readonly as?: string
  /** What `{ env: NAME }` in the settings means; the environment of the process by default. */
  readonly variables?: Environment['variables']
}

type ParamsOf<C> = C extends Capability<never, infer P> ? P : never
type ResultOf<C> = C extends { perform(...args: never[]): Promise<infer R> } ? R : never

/** A no that is not a device's: `refusal` says which, and the message what to do. */
export class Declined extends Error {
  override name = 'Declined'
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(explain(refusal).join(' '))
    this.refusal = refusal
  }
}

export type { Refusal }
export { BadSite, Misread, Refused, Uncertain, Unreachable }

/** Opens a site, from its file or from an object of the same shape. Connects to nothing yet. Throws BadSite. */
export async function openSite(
  site: string | object,
  { as, variables = environment().variables }: OpenOptions = {},
): Promise<OpenSite> {
  const adapters = await loadAdapters()
  const known =
    typeof site === 'string'
      ? readSite(site, adapters, variables)
      : parseSite(JSON.stringify(site, undefined, 2), 'site', adapters, variables)
  if (as !== undefined && !known.policy.people.has(as as Person))
    throw new BadSite(`The site knows no ${as}. It knows ${[...known.policy.people.keys()].join(', ')}.`)
  const devices = openDevices(known, adapters)
  const redact = redactor(known.secrets)
  const plan = planner(adapters, new Map(), {})
  const language = languageOf(known, adapters)

  const actionOf = (question: string | Question): Action => {
    const heard = typeof question === 'string' ? language.parse(question) : { command: wishOf(question, known) }
    if ('refusal' in heard) throw new Declined(heard.refusal)
    const said = typeof question === 'string' ? question : `${question.capability} on ${question.target}`
    if (heard.command.kind !== 'act')
      throw new Declined({ no: 'not planned', why: `\`${said}\` is no question to a device`, instead: RUNS })
    const planned = plan(heard.command)
    if ('refusal' in planned) throw new Declined(planned.refusal)
    if (!('read' in planned)) throw new Declined({ no: 'not planned', why: `\`${said}\` changes something`, instead: RUNS })
    const refusal = forbidden(planned.read, as as Person | undefined, known)
    if (refusal) throw new Declined(refusal)
    return planned.read
  }

  const read = async (
    question: string | Question,
    { timeout = 30_000, signal = new AbortController().signal }: ReadOptions = {},
  ): Promise<unknown> => {
    const action = actionOf(question)
    try {
      const { device, capability } = devices.find(action)
      const call = callFor(
        'read' as IntentId,
        action,
        timeout,
        systemClock.now(),
        { signal },
        { clock: systemClock, find: devices.find },
      )
      return devices.redact(await capability.perform(device, call))
    } catch (error) {
      throw cleaned(error, redact)
    }
  }

  return {
    name: known.name,
    targets: [...known.targets].map(([name, { kind }]) => ({ name, kind })),
    adapters: [...adapters.values()].map(cardOf),
    read,
    async ask(adapter, capability, target, params, options) {
      const result = await read({ capability: `${adapter.name}.${capability}`, target, params: params as Params }, options)
      return result as ResultOf<(typeof adapter)['capabilities'][typeof capability]>
    },
    understand(kind, reading, text) {
      const found = adapters.get(kind)?.readings[reading]
      if (!found)
        throw new Declined({
          no: 'bad value',
          what: `${kind} ${reading}`,
          why: 'no adapter has such a reading; `adapters` lists them',
        })
      try {
        return redactedValue(found.read(text), redact)
      } catch (error) {
        throw cleaned(error, redact)
      }
    },
    close: devices.close,
    [Symbol.asyncDispose]: devices.close,
  }
}

const RUNS = 'Changes go through runs: say it in the chat, or see what it would do with `signalbox plan`.'

function wishOf({ capability, target, params }: Question, site: Site) {
  const [kind = ''] = capability.split('.')
  const found = site.targets.get(target as Target)
  if (!found) throw new Declined({ no: 'unknown target', target, known: [...site.targets.keys()] })
  if (found.kind !== kind) throw new Declined({ no: 'wrong kind', target, kind: found.kind, wants: [kind] })
  return { kind: 'act', wish: { capability, target, params: params ?? {} } } as const
}

/** No rule, no read: the first refusal when nobody in question may. */
function forbidden(action: Action, as: Person | undefined, { policy }: Site): Refusal | undefined {
  const people = as === undefined ? [...policy.people.keys()] : [as]
  const refusals = people.map(person => permit(policy, person, [action]))
  return refusals.some(refusal => refusal === undefined)
    ? undefined
    : (refusals[0] ?? { no: 'not permitted', person: 'nobody', what: action.capability, because: 'the site has no people' })
}

/** The same error without secrets; what came with it as a cause stays behind. */
function cleaned(error: unknown, redact: (text: string) => string): Error {
  const message = redact(messageOf(error))
  if (error instanceof Misread) return new Misread(message, redact(error.raw))
  if (error instanceof Refused) return new Refused(message)
  if (error instanceof Unreachable) return new Unreachable(message)
  if (error instanceof Uncertain) return new Uncertain(message)
  return new Error(message)
}

const cardOf = (adapter: Adapter): AdapterCard => ({
  kind: adapter.name,
  summary: adapter.summary,
  capabilities: Object.entries<Capability>(adapter.capabilities).map(([name, { summary, effect, examples }]) => ({
    name,
    summary,
    effect: effect === 'read' ? 'read' : 'change',
    examples,
  })),
  readings: Object.entries(adapter.readings).map(([name, { summary }]) => ({ name, summary })),
  cannot: adapter.cannot,
})
