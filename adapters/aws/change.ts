import { createHash } from 'node:crypto'
import { exclusive } from '../../src/kit/claims.ts'
import { type Call, capability, type Verdict } from '../../src/kit/device.ts'
import { Misread } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import type { InstanceAnswer } from './answers.ts'
import { isInstanceId, tagOf } from './view.ts'
import type { Region } from './wire.ts'

export const on = capability<Region>()

/**
 * How long a request may live: the wire gives up after half a minute, and EC2 shows some changes only seconds later. A doubt is
 * settled when this is over, so that "not there" is an answer.
 */
export const SETTLED: Millis = 120_000

/** Where the thing stands that a change is about, in one word, and what was made; it is all that a doubt compares. */
export interface Trace {
  readonly stands: string
  readonly made?: string
}

/** Only a way from where it had not happened to where it has proves this request. */
export const moved =
  (from: readonly string[], to: readonly string[]) =>
  <R>(before: Trace, now: Trace): Verdict<R> => {
    if (from.includes(before.stands) && to.includes(now.stands)) return { done: true }
    if (from.includes(before.stands) && from.includes(now.stands)) return { done: false }
    return { done: 'unknown', why: `it stood at ${before.stands}, and stands at ${now.stands} now` }
  }

/** EC2 remembers it, and makes one thing for one token: at most 64 characters. */
export const token = ({ intent }: Pick<Call<unknown>, 'intent'>): string =>
  intent.length <= 64 ? intent : createHash('sha256').update(intent).digest('hex')

/** On everything that is made: it tells whose it is, and where EC2 takes no token, whether a request took effect. */
export const INTENT = 'signalbox:intent'
/** What was launched to be looked at and thrown away. */
export const TEST = 'signalbox:test'
/** Whatever has it, with any value but "no", is not deleted from here. */
export const KEEP = 'signalbox:keep'

type Kind = 'instance' | 'volume' | 'snapshot' | 'image' | 'import-image-task'
/** The tags of what is made, set by the very request that makes it. */
export const tagsFor = (
  region: Region,
  call: Pick<Call<unknown>, 'intent'>,
  name: string | undefined,
  kinds: readonly Kind[],
  more: Readonly<Record<string, string>> = {},
) => ({
  TagSpecifications: kinds.map(ResourceType => ({
    ResourceType,
    Tags: Object.entries({
      ...region.settings.tags,
      ...more,
      ...(name === undefined ? {} : { Name: name }),
      [INTENT]: token(call),
    }).map(([Key, Value]) => ({ Key, Value })),
  })),
})

export const isKept = (one: { readonly Tags: InstanceAnswer['Tags'] }): boolean => !['no', undefined].includes(tagOf(one, KEEP))

/** By name it may be any of them: the run then holds them all, so that one instance is never held under two names. */
export const instanceClaim = (name: string) => (isInstanceId(name) ? exclusive('instance', name) : exclusive('instance'))

/** What EC2 answered is about what was asked for. */
export function about(id: string | undefined, asked: string): void {
  if (id !== asked) throw new Misread(`the answer is about ${id ?? 'nothing'}, and ${asked} was asked for`, id ?? '')
}
