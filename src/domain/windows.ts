import { clockOf, nextAt, openUntil, type Span, spans, wallClock } from './calendar.ts'
import type { Until } from './command.ts'
import { hours, type Instant, type Millis, minutes } from './ids.ts'
import type { Freeze } from './ledger.ts'
import { type Action, atLeast, type Risk } from './plan.ts'
import { labelled, matches, type Policy } from './policy.ts'
import { HOUSE_TARGET, type Labels, type Window } from './rulebook.ts'
import { duration } from './words.ts'

/** What keeps a change from starting. */
export type Shut =
  | { readonly by: 'freeze'; readonly freeze: Freeze }
  | { readonly by: 'window'; readonly windows: readonly string[]; readonly opens?: Instant }
  | {
      readonly by: 'too long'
      readonly window: string // the one that closes last
      readonly closes: Instant
      readonly takes: Millis
      readonly opens?: Instant // the next opening that is long enough
    }

/** Further than this nobody plans by the clock on the wall. */
const AHEAD = hours(24 * 370)

/**
 * Is this change, which takes so long, kept from starting now? A read never is, nor is a change of the house itself: a freeze that
 * covered it could not be thawed, and a window that was closed for it would keep everybody from freezing anything.
 */
export function shut(policy: Policy, action: Action, takes: Millis, now: Instant): Shut | undefined {
  if (action.risk === 'none') return undefined
  const freeze = frozen(policy, action.target, now)
  if (freeze) return { by: 'freeze', freeze }
  const windows = (policy.windows ?? []).filter(
    window => isFor(window, action.target, policy.labels?.get(action.target)) && atLeast(action.risk, window.from),
  )
  return windows.length === 0 ? undefined : closed(windows, takes, now)
}

/** When it could start, now at the earliest, if nothing changes but the time. Undefined: not within a year. */
export function opensAgain(policy: Policy, action: Action, takes: Millis, now: Instant): Instant | undefined {
  for (let at = now; at <= now + AHEAD; ) {
    const why = shut(policy, action, takes, at)
    if (!why) return at
    const then = why.by === 'freeze' ? why.freeze.until : why.opens
    if (then === undefined) return undefined
    at = then
  }
  return undefined
}

/** Is a target in the scope of a freeze: everything, its name, a pattern of names, or the value of one of its labels? */
export function coversTarget(scope: string, target: string, labels: Labels | undefined): boolean {
  if (target.toLowerCase() === HOUSE_TARGET) return false
  const wanted = scope.toLowerCase()
  return (
    wanted === 'everything' || matches(scope, target) || Object.values(labels ?? {}).some(value => value.toLowerCase() === wanted)
  )
}

/** One line for people, without a full stop. */
export function saysShut(why: Shut, target: string, zone: string, now: Instant): string {
  switch (why.by) {
    case 'freeze': {
      const { scope } = why.freeze
      const plain = ['everything', target.toLowerCase()].includes(scope.toLowerCase())
      return `${saysFreeze(why.freeze, zone, now)}${plain ? '' : ` (this covers ${target})`}`
    }
    case 'window': {
      const one = why.windows.length === 1
      const names = `the change ${one ? 'window' : 'windows'} ${listed(why.windows)} ${one ? 'is' : 'are'} closed`
      const opens = why.opens === undefined ? undefined : wallClock(why.opens, zone, now)
      return `${names}; ${opens === undefined ? 'nothing opens within a year' : `${one ? 'it' : 'the next one'} opens ${opens}`}`
    }
    case 'too long': {
      const { window, closes, takes, opens } = why
      const when = closes - now < hours(24) ? `at ${clockOf(closes, zone)}` : wallClock(closes, zone, now)
      const next =
        opens === undefined
          ? 'no opening within a year is long enough'
          : `the next one long enough opens ${wallClock(opens, zone, now)}`
      return `the change window ${window} closes ${when}, in ${duration(closes - now)}, and this needs ${duration(takes)}; ${next}`
    }
  }
}

/** Every window by the clock on its own wall, and every freeze that is in force, with the targets that it is for. */
export function windowLines(policy: Policy, targets: readonly string[], now: Instant): readonly string[] {
  const labels = (target: string) => policy.labels?.get(target)
  const windows = (policy.windows ?? []).map(window => {
    const bound = targets.filter(target => isFor(window, target, labels(target)))
    return `${window.name}: ${stands(window, now)}; for ${RISKY[window.from]} of ${some(bound)}`
  })
  const freezes = inForce(policy, now).map(freeze => {
    const covered = targets.filter(target => coversTarget(freeze.scope, target, labels(target)))
    return `${saysFreeze(freeze, policy.zone ?? 'UTC', now)} (this covers ${some(covered)})`
  })
  const lines = [...windows, ...freezes]
  return lines.length > 0 ? lines : ['No change windows and no freezes: the calendar keeps nothing from starting.']
}

/** The moment that a sentence means, by the clock on the wall of the zone. */
export function untilOf(until: Until, zone: string, now: Instant): Instant {
  if ('for' in until) return now + until.for
  const minute = until.hour * 60 + until.minute
  if (until.day === undefined) return nextAt({ minute }, zone, now)
  const day = DAYS.indexOf(until.day)
  if (day < 0) throw new Error(`${until.day} is no day of the week`)
  return nextAt({ day, minute }, zone, now)
}

const DAYS: readonly string[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const RISKY: Readonly<Record<Risk, string>> = {
  none: 'all changes',
  routine: 'all changes',
  disruptive: 'disruptive and destructive changes',
  destructive: 'destructive changes',
}

const inForce = ({ freezes }: Policy, now: Instant): readonly Freeze[] => (freezes ?? []).filter(freeze => freeze.until > now)

/** The freeze that keeps a target longest. */
const frozen = (policy: Policy, target: string, now: Instant): Freeze | undefined =>
  inForce(policy, now)
    .filter(freeze => coversTarget(freeze.scope, target, policy.labels?.get(target)))
    .sort((a, b) => b.until - a.until)[0]

const isFor = (window: Window, target: string, labels: Labels | undefined): boolean =>
  target.toLowerCase() !== HOUSE_TARGET && matches(window.target ?? '*', target) && labelled(window.where, labels)

/** Windows that touch or overlap are one: what starts in the first may end in the second. */
function closed(windows: readonly Window[], takes: Millis, now: Instant): Shut | undefined {
  let open: Span | undefined
  for (const span of spans(windows, now)) {
    const long = span.to - Math.max(span.from, now) >= takes
    if (span.from <= now && long) return undefined
    if (span.from <= now) open = span
    else if (!open) return { by: 'window', windows: windows.map(window => window.name), opens: span.from }
    else if (long) return { ...tooLong(windows, open.to, takes), opens: span.from }
  }
  return open ? tooLong(windows, open.to, takes) : { by: 'window', windows: windows.map(window => window.name) }
}

/** Of several windows the one that is open to the end is named: when it closes, all of them are closed. */
function tooLong(windows: readonly Window[], closes: Instant, takes: Millis) {
  const ends = ({ open, zone }: Window): Instant => openUntil(open, zone, closes - minutes(1)) ?? 0
  const last = windows.reduce((a, b) => (ends(b) > ends(a) ? b : a))
  return { by: 'too long', window: last.name, closes, takes } as const
}

function stands(window: Window, now: Instant): string {
  const [first] = spans([window], now)
  if (!first) return 'it never opens'
  if (first.from > now) return `closed, opens ${wallClock(first.from, window.zone, now)}`
  return first.to === Number.POSITIVE_INFINITY ? 'always open' : `open until ${wallClock(first.to, window.zone, now)}`
}

const saysFreeze = ({ scope, until, by, because }: Freeze, zone: string, now: Instant): string =>
  `${scope} is frozen until ${wallClock(until, zone, now)} by ${by}: ${because.replace(/\s+/g, ' ').trim()}`

const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`

/** As many names as one line has room for. */
const MANY = 12

const some = (names: readonly string[]): string => {
  if (names.length === 0) return 'no target'
  return names.length <= MANY ? names.join(', ') : `${names.slice(0, MANY).join(', ')} and ${names.length - MANY} more`
}
