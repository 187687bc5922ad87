import type { Instant, Person } from './ids.ts'
import { hours, minutes } from './ids.ts'
import type { Factor, Ledger, LedgerEvent } from './ledger.ts'
import type { Refusal } from './refusal.ts'
import { duration } from './words.ts'

/** How many wrong codes in how long lock a factor, and for how long. The second is for whoever has the patience of a program. */
const LOCKS = [
  { wrong: 5, within: minutes(15), locked: minutes(15) },
  { wrong: 20, within: Infinity, locked: hours(24) },
] as const

/** Failures are counted since the last code that was right. While it is locked nothing is tried, and so nothing is counted. */
export function mayTry(
  { failures }: Pick<Factor, 'failures'>,
  now: Instant,
): { readonly ok: true } | { readonly until: Instant } {
  const last = failures.at(-1)
  if (last === undefined) return { ok: true }
  const until = LOCKS.flatMap(({ wrong, within, locked }) => {
    const first = failures.at(-wrong)
    return failures.length >= wrong && first !== undefined && last - first < within ? [last + locked] : []
  }).reduce((a, b) => Math.max(a, b), 0)
  return until > now ? { until } : { ok: true }
}

/** Why a second factor was not shown. */
export type Lack =
  | { readonly lack: 'factor' }
  | { readonly lack: 'code' }
  | { readonly lack: 'six digits' }
  | { readonly lack: 'right code' }
  | { readonly lack: 'fresh code' }
  | { readonly lack: 'patience'; readonly wait: number }
  | { readonly lack: 'key' }

/** What a code is worth to a factor: the time step that it belongs to, or why it cannot be told. */
export type Tried = { readonly counter: number | undefined } | 'unreadable'

/**
 * What becomes of a try, and what has to be noted of it. A code counts once, and none from before the last that counted: whoever
 * looked over a shoulder has nothing. `try` is called only when a try is allowed.
 */
export function tried(
  ledger: Ledger,
  person: Person,
  now: Instant,
  attempt: (factor: Factor) => Tried,
): { readonly events: readonly LedgerEvent[]; readonly lack?: Lack } {
  const factor = ledger.factors.get(person)
  if (!factor) return { events: [], lack: { lack: 'factor' } }
  const may = mayTry(factor, now)
  if ('until' in may) return { events: [], lack: { lack: 'patience', wait: may.until - now } }
  const found = attempt(factor)
  if (found === 'unreadable') return { events: [], lack: { lack: 'key' } }
  if (found.counter === undefined) return { events: [{ type: 'factor.failed', person }], lack: afterFailure(factor, now) }
  // Not counted as wrong: a second press of the same button must not lock anybody out.
  if (found.counter <= factor.counter) return { events: [], lack: { lack: 'fresh code' } }
  return { events: [{ type: 'factor.used', person, counter: found.counter }] }
}

function afterFailure({ failures }: Factor, now: Instant): Lack {
  const may = mayTry({ failures: [...failures, now] }, now)
  return 'until' in may ? { lack: 'patience', wait: may.until - now } : { lack: 'right code' }
}

/** A code as it may be typed: "123 456" is one too. */
export const looksLikeACode = (code: string): boolean => /^\s*[0-9]{3}[\s-]?[0-9]{3}\s*$/.test(code)

/** The person is sealed with the secret: somebody else's secret, put in a person's place, is not theirs. */
export const bound = (person: Person, secret: string): string => `${person}\n${secret}`
export const secretOf = (person: Person, opened: string): string | undefined =>
  opened.startsWith(`${person}\n`) ? opened.slice(person.length + 1) : undefined

/** A no for want of a second factor. */
export type StepUpRefusal = Extract<Refusal, { readonly no: 'needs a code' }>

export const explainStepUp = (lack: Lack, person: Person): StepUpRefusal => ({ no: 'needs a code', ...wording(lack, person) })

function wording(lack: Lack, person: Person): Pick<StepUpRefusal, 'why' | 'instead'> {
  switch (lack.lack) {
    case 'factor':
      return {
        why: 'this yes wants a code of a second factor, and you have none yet',
        instead: `Whoever runs Signalbox enrols you, once, with \`signalbox step-up enrol ${person}\` at its command line.`,
      }
    case 'code':
      return {
        why: 'this yes wants a code of your second factor',
        instead: 'Press the button on the card: it asks for the code that your app shows. A code never belongs into a channel.',
      }
    case 'six digits':
      return {
        why: 'a code of a second factor has six digits',
        instead: 'Press the button again, and give the six digits that your app shows now.',
      }
    case 'right code':
      return {
        why: 'that code is not right',
        instead:
          'Press the button again, and give the code that your app shows then. Where that is not right either, the clock of your phone may be wrong: let it set itself.',
      }
    case 'fresh code':
      return {
        why: 'that code was used already, and each of them counts once',
        instead: 'Wait until your app shows the next one, press the button again, and give that.',
      }
    case 'patience':
      return {
        why: `too many wrong codes were given for you, and no other is taken for ${duration(lack.wait)}`,
        instead:
          'Wait for that long, then press the button again. If it was not you who gave them, somebody speaks in your name: tell whoever runs Signalbox now.',
      }
    case 'key':
      return {
        why: 'your second factor cannot be read with the key that Signalbox has now',
        instead: `Whoever runs Signalbox puts the seal key back that it had, or enrols you anew with \`signalbox step-up enrol ${person} --replace\`.`,
      }
  }
}
