import type { Verdict } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import type { Files } from './copies.ts'
import { type Copy, copyOf } from './outcome.ts'
import type { Sent } from './wire.ts'

/** Where a copy stands, and which requests its files name: all that a doubt compares. It has to survive JSON. */
export interface Trace {
  readonly copy: string
  readonly state: string
  readonly verification: string
  readonly startedByUs: boolean // the intent of this very request stands in its files
  readonly verifiedByUs: boolean
}

export function traceOf(files: Files, intent: string): Trace {
  const { copy, state, verification } = copyOf(files)
  return {
    copy,
    state,
    verification,
    startedByUs: files.there && files.request.by === intent,
    verifiedByUs: files.there && files.verify?.by === intent,
  }
}

type Judge = (before: Trace, now: Trace) => Verdict<{ readonly copy: string }>

export const judgeStart: Judge = (before, now) => {
  if (now.startedByUs) return { done: true, result: { copy: now.copy } }
  if (now.state === 'absent') return { done: false }
  return same(before, now)
    ? { done: false }
    : { done: 'unknown', why: `copy ${now.copy} is there, and another request started it` }
}

export const judgeVerify: Judge = (before, now) => {
  if (now.verifiedByUs) return { done: true, result: { copy: now.copy } }
  return same(before, now) ? { done: false } : moved(before, now)
}

export const judgeStop: Judge = (before, now) => {
  if (stoppable(before) === undefined) return same(before, now) ? { done: false } : moved(before, now)
  if (same(before, now)) return { done: false }
  const ended = before.verification === 'verifying' ? now.verification : now.state
  return ended === 'stopped' ? { done: true, result: { copy: now.copy } } : moved(before, now)
}

export const judgeForget: Judge = (before, now) => {
  if (now.state === 'absent' && before.state !== 'absent') return { done: true, result: { copy: now.copy } }
  return same(before, now) ? { done: false } : moved(before, now)
}

const same = (before: Trace, now: Trace): boolean => before.state === now.state && before.verification === now.verification
const moved = (before: Trace, now: Trace) => ({
  done: 'unknown' as const,
  why: `copy ${now.copy} went from ${standing(before)} to ${standing(now)}`,
})
const standing = ({ state, verification }: Trace): string => (verification === 'none' ? state : `${state}, ${verification}`)

/** What of it runs. */
export const stoppable = ({ state, verification }: Pick<Trace, 'state' | 'verification'>): 'copy' | 'verification' | undefined =>
  state === 'copying' ? 'copy' : verification === 'verifying' ? 'verification' : undefined

/** After an answer: the files decide, and the answer only helps where nothing moved. */
export function outcomeOf(verb: string, judge: Judge, before: Trace, after: Trace, sent: Sent, now: Copy): Copy {
  const verdict = judge(before, after)
  if (verdict.done === true) return now
  if (sent.no !== undefined || (verdict.done === false && !sent.saidYes)) throw new Refused(sent.said)
  throw new Uncertain(
    `${verb} was answered ${sent.saidYes ? 'with a yes' : `with "${sent.said}"`}, and copy ${after.copy} went from ${standing(before)} to ${standing(after)}`,
  )
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
