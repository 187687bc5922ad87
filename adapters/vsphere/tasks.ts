import { setTimeout as pause } from 'node:timers/promises'
import { Misread, Refused, Uncertain } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { type Found, retrieve } from './properties.ts'
import { refIn } from './session.ts'
import { faultOf, type Ref } from './soap.ts'
import { booleanIn, instantIn, needed, oneOf, textIn, wholeIn } from './values.ts'
import { said, type VCenter } from './wire.ts'
import { child, type Element } from './xml.ts'

/** Something that vCenter does for a while (TaskInfo). It forgets them: the VirtualCenter after some minutes, a host sooner. */
export interface Task {
  readonly task: string // task-86
  readonly what: string // VirtualMachine.createSnapshot
  readonly of?: string // the name of the machine
  readonly entity?: string // vm-69
  readonly state: 'queued' | 'running' | 'success' | 'error'
  readonly progress?: number // percent
  readonly cancelable: boolean
  readonly cancelled: boolean
  readonly error?: string
  readonly queued?: Millis
}

export const ongoing = ({ state }: Task): boolean => state === 'queued' || state === 'running'

/** The value of `info`. */
export function taskIn(value: Element | undefined): Task {
  if (value?.is !== 'TaskInfo') throw new Misread('this is not a task', '')
  const state = oneOf(child(value, 'state'), ['queued', 'running', 'success', 'error'] as const, 'the state of a task')
  const [of, entity] = [textIn(child(value, 'entityName')), textIn(child(value, 'entity'))]
  const progress = wholeIn(child(value, 'progress'), 'the progress of a task')
  const error = child(value, 'error')
  const queued = instantIn(child(value, 'queueTime'), 'when a task was queued')
  const { kind, says } = error ? faultOf(error) : { kind: '', says: '' }
  return {
    task: refIn(child(value, 'task'), 'task').id,
    what: textIn(child(value, 'descriptionId')) || textIn(child(value, 'name')) || 'a task',
    ...(of ? { of } : {}),
    ...(entity ? { entity } : {}),
    state: needed(state, 'the state of a task'),
    ...(progress === undefined ? {} : { progress: Math.min(100, progress) }),
    cancelable: booleanIn(child(value, 'cancelable'), 'whether a task can be cancelled') ?? false,
    cancelled: booleanIn(child(value, 'cancelled'), 'whether a task was cancelled') ?? false,
    ...(error ? { error: said(kind, says) } : {}),
    ...(queued === undefined ? {} : { queued }),
  }
}

export const tasksAmong = (found: readonly Found[]): readonly Task[] =>
  found.filter(({ ref }) => ref.kind === 'Task').map(({ values }) => taskIn(values.get('info')))

/** One task. Refused when vCenter does not know it any more. */
export async function taskNamed(vcenter: VCenter, task: string, signal: AbortSignal): Promise<Task> {
  const found = await retrieve(
    vcenter,
    { from: () => ({ kind: 'Task', id: task }), itself: true, properties: { Task: ['info'] } },
    signal,
  )
  const [one, ...more] = tasksAmong(found)
  if (!one || more.length > 0 || one.task !== task) throw new Misread(`this is not the task ${task}`, '')
  return one
}

export async function recentTasks(vcenter: VCenter, signal: AbortSignal): Promise<readonly Task[]> {
  const along = {
    from: known => known.taskManager,
    along: 'recentTask',
    itself: false,
    properties: { Task: ['info'] },
  } as const satisfies Parameters<typeof retrieve>[1]
  return tasksAmong(await retrieve(vcenter, along, signal))
}

const SOON: Millis = 50
const LATER: Millis = 2_000
const PATIENCE = 4

/**
 * Follows a task that a change has begun until it is over. A look that fails is made again, because the task goes on without us; what
 * vCenter has forgotten is Uncertain, and so is everything else that is not its end: the machine is to be looked at.
 */
export async function followed(vcenter: VCenter, { id }: Ref, signal: AbortSignal): Promise<Task> {
  let failures = 0
  for (let wait = SOON; ; wait = Math.min(LATER, wait * 1.5)) {
    try {
      const now = await taskNamed(vcenter, id, signal)
      if (!ongoing(now)) return now
      failures = 0
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      if (signal.aborted || cause instanceof Refused || ++failures >= PATIENCE)
        throw new Uncertain(`task ${id} was begun, and its end was not seen: ${why}`, { cause })
    }
    await pause(wait, undefined, { signal }).catch(() => {})
    if (signal.aborted) throw new Uncertain(`task ${id} was begun, and was not over in time`)
  }
}
