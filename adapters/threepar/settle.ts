import type { Verdict } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import type { Verb } from './commands.ts'
import type { Group } from './rcopy-groups.ts'
import type { Sent } from './wire.ts'

/** Where a group stands; it is kept in the intent, so it is plain data. The role is `none` when the array has no such group. */
export interface Standing {
  readonly role: string
  readonly status: string
  readonly mode: string
  readonly tasks?: number // of the array at work on it, where that was asked
  readonly volumes: readonly { readonly volume: string; readonly status: string; readonly lastSync?: string }[]
}

export const standing = (group: Group | undefined, tasks?: number): Standing =>
  group === undefined
    ? { role: 'none', status: 'none', mode: 'none', volumes: [] }
    : {
        role: group.role,
        status: group.status,
        mode: group.mode,
        ...(tasks === undefined ? {} : { tasks }),
        // By its id, which is never shortened.
        volumes: group.volumes.map(({ id, volume, status, lastSync }) => ({
          volume: id === undefined ? volume : String(id),
          status,
          ...(lastSync === undefined ? {} : { lastSync }),
        })),
      }

export interface Outcome {
  readonly group: string
  readonly role: string
  readonly status: string
  readonly syncing: number // volumes on their way
  readonly synced: number
}

const outcome = (group: string, { role, status, volumes }: Standing): Outcome => ({
  group,
  role,
  status,
  syncing: volumes.filter(one => one.status === 'Syncing').length,
  synced: volumes.filter(one => one.status === 'Synced').length,
})

const at = ({ role, status }: Standing): string => `${role}/${status}`

/** Only from here, and proved by this. */
const MOVES: Record<
  Exclude<Verb, 'sync'>,
  { readonly from: (one: Standing) => boolean; readonly to: (one: Standing) => boolean }
> = {
  start: {
    from: one => one.role === 'Primary' && (one.status === 'Stopped' || one.status === 'New'),
    to: one => at(one) === 'Primary/Started',
  },
  stop: { from: one => at(one) === 'Primary/Started', to: one => at(one) === 'Primary/Stopped' },
  switchover: { from: one => at(one) === 'Primary/Started', to: one => at(one) === 'Secondary/Started' },
}

/**
 * Only a move from where it stood to where it was meant to go proves that it was this request. A sync has no state of its own:
 * the volumes do not sync when it is looked at before, so that whatever is synced afterwards is at least as new as the request,
 * even if it was the period that did it.
 */
export function judgeMove(verb: Verb, group: string, before: Standing, now: Standing): Verdict<Outcome> {
  const unknown = (): Verdict<Outcome> => ({
    done: 'unknown',
    why: `${group} went from ${said(before)} to ${said(now)}, which ${verb} does not do`,
  })
  if (now.tasks) return { done: 'unknown', why: `${now.tasks} tasks are at work on ${group}: what it shows is not the end of it` }
  if (same(before, now)) return { done: false }
  if (verb !== 'sync') {
    if (MOVES[verb].from(before) && MOVES[verb].to(now)) return { done: true, result: outcome(group, now) }
    return at(before) === at(now) ? { done: false } : unknown()
  }
  const still = before.volumes.every(one => one.status !== 'Syncing')
  const begun = now.volumes.length > 0 && now.volumes.every(one => isNewer(one, before))
  return still && begun && at(before) === at(now) ? { done: true, result: outcome(group, now) } : unknown()
}

function isNewer(volume: Standing['volumes'][number], before: Standing): boolean {
  const was = before.volumes.find(one => one.volume === volume.volume)
  if (was === undefined) return false
  if (volume.status === 'Syncing') return true
  return volume.status === 'Synced' && (was.status !== 'Synced' || was.lastSync !== volume.lastSync)
}

/** After an answer: the state decides, and what the array said only helps where nothing moved. */
export function outcomeOf(verb: Verb, group: string, before: Standing, now: Standing, sent: Sent): Outcome {
  const verdict = judgeMove(verb, group, before, now)
  if (verdict.done === true) return outcome(group, now)
  if (verdict.done === false && !sent.saidYes) throw new Refused(sent.said)
  throw new Uncertain(
    `${verb} was answered ${sent.saidYes ? 'with a yes' : `with "${sent.said}"`}, and ${group} went from ${said(before)} to ${said(now)}`,
  )
}

const same = (a: Standing, b: Standing): boolean => JSON.stringify(a) === JSON.stringify(b)

const said = (one: Standing): string => {
  const words = one.volumes.map(({ status }) => status)
  return `${at(one)} (${[...new Set(words)].join(', ') || 'no volumes'})`
}
