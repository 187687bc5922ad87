import { cliLines, count, misread, whole } from './cli-text.ts'
import { type Shape, tableIn } from './table.ts'

/** One row of `showtask`. */
export interface Task {
  readonly task: number
  readonly type: string // remote_copy_sync, remote_copy_swover
  readonly name: string // of the group, for the tasks of remote copy
  readonly status: string // active, done, failed, cancelled
}

export interface Tasks {
  readonly tasks: readonly Task[]
  readonly count: number
  readonly active: number
}

const TASK: Shape = { needs: ['Id', 'Type', 'Name', 'Status', 'StartTime', 'FinishTime', 'User'], open: 'Name' }

export function readTasks(text: string): Tasks {
  const no = misread('showtask', text)
  const lines = cliLines(text, no)
  const none = lines.length === 1 && /^(?:there are )?no (?:active )?tasks\b/i.test(lines[0]!.trim())
  const tasks = (none ? [] : tableIn(lines, TASK, no)).map(row => ({
    task: count(row.get('Id'), 'the id of a task', no) ?? no('a task has no id'),
    type: row.get('Type')!,
    name: row.get('Name')!,
    status: whole(row.get('Status')!, ['active', 'done', 'failed', 'cancelled'], 'the status of a task', no),
  }))
  if (!none && tasks.length === 0) no('there is a heading and nothing below it: it is cut off')
  return { tasks, count: tasks.length, active: tasks.filter(one => one.status === 'active').length }
}

/** The tasks of remote copy that are at work on this group; a name that the array shortened may be the group's. */
export const atWork = ({ tasks }: Tasks, group: string): readonly Task[] =>
  tasks.filter(
    ({ status, type, name }) =>
      status === 'active' &&
      type.startsWith('remote_copy') &&
      (name === group || (name.endsWith('...') && group.startsWith(name.slice(0, -3)))),
  )
