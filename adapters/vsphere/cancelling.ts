import { setTimeout as pause } from 'node:timers/promises'
import { exclusive } from '../../src/kit/claims.ts'
import { capability } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { afterwards, judge, type Trace } from './change.ts'
import { OneTask } from './params.ts'
import { shown } from './soap.ts'
import { ongoing, type Task, taskNamed } from './tasks.ts'
import { beforehand, type VCenter } from './wire.ts'

const LOOKING: Millis = 250
const MOVES = { from: ['queued', 'running'], to: ['cancelled'] }

/** A task that was cancelled ends in an error, and says in one of two ways that it was cancelled. */
const stands = ({ state, cancelled, error }: Task): string =>
  state === 'error' && (cancelled || error?.startsWith('RequestCanceled')) ? 'cancelled' : state

export interface Cancelled {
  readonly task: string
  readonly state: string
}

export const cancelTask = capability<VCenter>()<{ task: string }, Cancelled, Trace<Cancelled>>({
  summary: 'Ask a task to stop, and wait until it has.',
  examples: ['cancel task task-86 on vc01'],
  params: OneTask,
  says: (vc, { task }) => `cancel task ${task} on ${vc}`,
  sends: ({ task }) => [shown(task, 'CancelTask')],
  effect: {
    risk: 'disruptive',
    takes: 5 * 60_000,
    claims: ({ task }) => [exclusive('task', task)],
    inDoubt: {
      ask: 'device',
      look: async (vcenter, { params, signal }) => {
        const now = await taskNamed(vcenter, params.task, signal)
        const result = { task: now.task, state: stands(now) }
        return { stands: result.state, about: now.task, ...(result.state === 'cancelled' ? { result } : {}) }
      },
      judge: (before, now) => judge(MOVES, before, now),
    },
  },
  perform: async (vcenter, call) => {
    const { params, signal } = call
    const before = await beforehand(() => taskNamed(vcenter, params.task, signal))
    if (!ongoing(before)) throw new Refused(`${before.task} is over already (${before.state})`)
    if (!before.cancelable) throw new Refused(`vCenter says that ${before.task} (${before.what}) cannot be cancelled`)
    await vcenter.change({ method: 'CancelTask', of: { kind: 'Task', id: before.task }, args: [] }, call)
    return afterwards(async () => {
      for (;;) {
        const now = await taskNamed(vcenter, params.task, signal)
        if (stands(now) === 'cancelled') return { task: now.task, state: 'cancelled' }
        if (!ongoing(now)) throw new Uncertain(`${now.task} was to be cancelled, and ended: ${now.error ?? now.state}`)
        await pause(LOOKING, undefined, { signal })
      }
    })
  },
})
