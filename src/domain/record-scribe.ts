import type { ApprovalRule } from './approval.ts'
import { canonical, digestOf } from './chain.ts'
import type { Instant, Millis } from './ids.ts'
import type { Action } from './plan.ts'
import { fieldOf } from './plan.ts'

/** What the parts of a change record are written with. A log is read here as it lies there: nothing in it is taken for granted. */

/** A line of the log. */
export interface Line {
  readonly entry: number
  readonly at: Instant
  readonly type: string
  readonly says: unknown
  readonly step: string | undefined
}

/** A time by the database's clock. */
export interface When {
  readonly utc: string // ISO 8601
  readonly local?: string // the same by the site's clock on the wall
}

export interface ViaRecord {
  readonly handle?: string // "slack:U042"
  readonly channel?: string
  readonly workspace?: string
}

export interface Scribe {
  when(at: unknown): When
  /** The value where it is small, else how large it is and its digest. */
  small(value: unknown): unknown
  sends(action: Action): readonly string[]
}

/** Characters of a result that a change ticket has room for. */
export const SMALL = 2_000

export function scribe({ zone, sends }: { readonly zone?: string; sends(action: Action): readonly string[] }): Scribe {
  const local = zone === undefined ? undefined : wallClock(zone)
  return {
    sends,
    small: value => {
      const text = canonical(value)
      return text.length <= SMALL ? value : { leftOut: true, characters: text.length, digest: digestOf(value) }
    },
    when: at => {
      if (typeof at !== 'number' || !Number.isFinite(at) || Math.abs(at) > LAST) return { utc: 'not known' }
      const utc = new Date(at).toISOString()
      return local ? { utc, local: local(at) } : { utc }
    },
  }
}

/** What a Date can hold. */
const LAST: Millis = 8.64e15

/** "2026-11-26 12:00:00 GMT+1 (Europe/Berlin)": with the offset, or an hour of autumn would be told twice. Undefined for no zone. */
function wallClock(zone: string): ((at: Instant) => string) | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' },
      hourCycle: 'h23',
      timeZoneName: 'shortOffset',
    })
    return at => {
      const part = new Map<string, string>(format.formatToParts(at).map(({ type, value }) => [type, value]))
      const [date, time] = [
        ['year', 'month', 'day'],
        ['hour', 'minute', 'second'],
      ]
      return `${date.map(it => part.get(it)).join('-')} ${time.map(it => part.get(it)).join(':')} ${part.get('timeZoneName')} (${zone})`
    }
  } catch {
    return undefined
  }
}

export const textOf = (value: unknown, field: string): string | undefined => {
  const found = fieldOf(value, field)
  return typeof found === 'string' ? found : undefined
}
export const countOf = (value: unknown, field: string): number | undefined => {
  const found = fieldOf(value, field)
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined
}
export const listOf = (value: unknown, field: string): readonly unknown[] => {
  const found = fieldOf(value, field)
  return Array.isArray(found) ? found : []
}
/** Those of these fields that are texts, under the names they have. */
export function textsOf<K extends string>(value: unknown, ...fields: readonly K[]): Partial<Record<K, string>> {
  const found: Partial<Record<string, string>> = {}
  for (const field of fields) {
    const text = textOf(value, field)
    if (text !== undefined) found[field] = text
  }
  return found as Partial<Record<K, string>>
}

export function viaOf(value: unknown): ViaRecord | undefined {
  const via = fieldOf(value, 'via')
  const found = textsOf(via, 'handle', 'channel', 'workspace')
  return Object.keys(found).length > 0 ? found : undefined
}

/** What a question wanted before it opened. */
export interface RuleRecord {
  readonly from?: string // the rule of the site file
  readonly needs: readonly { readonly role: string; readonly people: number }[] // of each group so many, and nobody for two
  readonly ownRequest: boolean // may the requester vote?
  readonly within: Millis
  readonly goodFor?: Millis // how old the last yes may be when what it opens is sent
  readonly denies: number // noes that close it
  readonly reason?: string // a pattern that the words of a yes must contain
  readonly secondFactor: boolean
  readonly risk?: string
}

export function ruleOf(rule: ApprovalRule | unknown): RuleRecord {
  const goodFor = countOf(rule, 'goodFor')
  const needs = [rule, ...listOf(rule, 'and')].map(need => ({
    role: textOf(need, 'role') ?? '',
    people: countOf(need, 'quorum') ?? 0,
  }))
  return {
    ...textsOf(rule, 'from'),
    needs,
    ownRequest: fieldOf(rule, 'ownRequest') === true,
    within: countOf(rule, 'within') ?? 0,
    ...(goodFor === undefined ? {} : { goodFor }),
    denies: countOf(rule, 'denies') ?? 1,
    ...textsOf(rule, 'reason'),
    secondFactor: fieldOf(rule, 'stepUp') === true,
    ...textsOf(rule, 'risk'),
  }
}
