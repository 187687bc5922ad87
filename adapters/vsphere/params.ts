import { z } from 'zod'
import { pointIn } from './disks.ts'

export const Nothing = z.object({})
/** A name as vCenter shows it: anything that people can read, but for what would end a quoted word. */
export const Name = z
  .string()
  .max(80)
  .regex(
    /^[^\s\0-\x1f\x7f-\x9f"](?:[^\0-\x1f\x7f-\x9f"]*[^\s\0-\x1f\x7f-\x9f"])?$/,
    'a name of at most 80 characters, without quotes',
  )
export const TaskId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/, 'the id of a task: task-86')
export const OneMachine = z.object({ machine: Name })
export const OneSnapshot = z.object({ machine: Name, snapshot: Name })
export const OneTask = z.object({ task: TaskId })

/** What an order calls a disk: the machine's name and the disk's key. */
export const DiskName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}-\d{1,10}$/, 'a disk: the machine, a dash and its key')
export const ChangeId = z.string().refine(id => pointIn(id) !== undefined, 'a change id: "52 de c0 d9 .../4"')
/** Where each disk stood at the last copy. A disk that is not named is copied whole. */
export const Points = z.record(DiskName, ChangeId)

/** Words that introduce the next part of a sentence: a name like one of them needs its quotes. */
const JOINTS = ['as', 'at', 'because', 'did', 'from', 'happened', 'not', 'of', 'on', 'over', 'soak', 'to', 'with']

/** A name as a sentence has it. */
export const spoken = (name: string): string =>
  /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,79}$/.test(name) && !JOINTS.includes(name.toLowerCase()) ? name : `"${name}"`
