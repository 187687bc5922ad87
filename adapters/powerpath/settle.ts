import type { Verdict } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import type { Verb } from './commands.ts'
import type { Session } from './powermig.ts'
import type { Sent } from './wire.ts'

/** Where a session stands, as one word; `none` when the list does not have it. */
export interface Standing {
  readonly state: string
}
export const standing = (sessions: readonly Session[], session: number): Standing => ({
  state: sessions.find(one => one.session === session)?.state ?? 'none',
})

interface Move {
  readonly from: readonly string[] // the guard: the only states in which it is sent
  readonly to: readonly string[] // what proves that it happened
  readonly otherwise: string // what to do instead
}

/** devices/powerpath.md section 2, and the guards of its section 5. */
export const MOVES: Record<Verb, Move> = {
  sync: {
    from: ['setup', 'syncFailed'],
    to: ['syncing', 'sourceSelected'],
    otherwise: 'a copy starts from a session that is set up',
  },
  pause: { from: ['syncing'], to: ['paused'], otherwise: 'only a running copy can be paused' },
  resume: { from: ['paused'], to: ['syncing', 'sourceSelected'], otherwise: 'only a paused copy can be resumed' },
  selectTarget: {
    from: ['sourceSelected'],
    to: ['targetSelected'],
    otherwise: 'wait until the copy is complete and the state is sourceSelected',
  },
  selectSource: {
    from: ['targetSelected'],
    to: ['sourceSelected'],
    otherwise: 'the way back exists only while the state is targetSelected',
  },
  commit: { from: ['targetSelected'], to: ['committed'], otherwise: 'select the target first' },
  abort: {
    from: ['setup', 'syncing', 'paused', 'syncFailed', 'sourceSelected'],
    to: ['aborted'],
    otherwise: 'select the source first, if the target is selected',
  },
  cleanup: { from: ['committed', 'aborted'], to: ['none'], otherwise: 'commit or abort it first' },
}

/** Throws Refused unless the session stands where this may be sent. */
export function guardMove(verb: Verb, session: number, { state }: Standing): void {
  const { from, otherwise } = MOVES[verb]
  if (from.includes(state)) return
  throw new Refused(
    state === 'none'
      ? `there is no session ${session} in the list`
      : `session ${session} is ${state}, and ${verb} wants ${from.join(' or ')}: ${otherwise}`,
  )
}

/** After an answer: the state decides, and the exit status only helps where nothing moved. */
export function outcomeOf(
  verb: Verb,
  session: number,
  before: Standing,
  after: Standing,
  sent: Sent,
): Standing & { readonly session: number } {
  if (MOVES[verb].to.includes(after.state)) return { session, state: after.state }
  if (after.state === before.state && !sent.saidYes) throw new Refused(sent.said)
  throw new Uncertain(
    `${verb} was answered ${sent.saidYes ? 'with a yes' : `with "${sent.said}"`}, and session ${session} went from ${before.state} to ${after.state}`,
  )
}

/** Without an answer: only a move from where it stood to where it was meant to go proves that it was this request. */
export function judgeMove(
  verb: Verb,
  session: number,
  before: Standing,
  now: Standing,
): Verdict<Standing & { readonly session: number }> {
  const { from, to } = MOVES[verb]
  if (from.includes(before.state) && to.includes(now.state)) return { done: true, result: { session, state: now.state } }
  if (now.state === before.state) return { done: false }
  return { done: 'unknown', why: `session ${session} went from ${before.state} to ${now.state}, which ${verb} does not do` }
}

export interface Pairs {
  readonly handles: readonly number[] // of sessions on exactly this pair
}
export const pairs = (sessions: readonly Session[], source: string, target: string): Pairs => ({
  handles: sessions.filter(one => one.source === source && one.target === target).map(one => one.session),
})

/** A second `setup` on the same disks is not harmless: it is refused, and so is a doubt about the first one kept decidable. */
export function guardFree(sessions: readonly Session[], source: string, target: string): void {
  const taken = sessions.find(one => [one.source, one.target].some(disk => disk === source || disk === target))
  if (taken)
    throw new Refused(
      `session ${taken.session} is on ${taken.source} and ${taken.target} already (${taken.state}): finish it, or abort it and clean up`,
    )
}

/** A new session on the same pair is ours: a claim on both disks keeps everybody else away, and the guard saw none before. */
export function judgeSetup(before: Pairs, now: Pairs): Verdict<{ readonly session: number }> {
  const fresh = now.handles.filter(handle => !before.handles.includes(handle))
  if (fresh.length === 0)
    return before.handles.every(handle => now.handles.includes(handle))
      ? { done: false }
      : { done: 'unknown', why: 'a session on these disks has gone meanwhile' }
  const [session, ...more] = fresh
  if (session === undefined || more.length > 0)
    return { done: 'unknown', why: `there are ${fresh.length} new sessions on these disks: ${fresh.join(', ')}` }
  return { done: true, result: { session } }
}
