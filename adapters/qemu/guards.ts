import { Refused } from '../../src/kit/errors.ts'
import { type Job, jobIn, type Node, type View } from './view.ts'
import type { Command } from './wire.ts'

export type Verb = 'pause' | 'resume' | 'cancel' | 'split' | 'cutOver' | 'rollBack' | 'finishCommit' | 'dismiss'

interface Move {
  readonly from: readonly string[] // the guard: the only states in which it is sent
  readonly to: readonly string[] // what proves that it happened
  readonly otherwise: string // what to do instead
  readonly command: (job: string) => Command
}

/** States of a job that is not over. */
export const LIVE = ['created', 'running', 'ready', 'paused', 'fault', 'standby']
/** States of a copy that comes to its end by itself. */
export const UNDER_WAY = ['created', 'running']

const complete = (job: string): Command => ({ execute: 'job-complete', args: { id: job } })

export const MOVES: Record<Verb, Move> = {
  pause: {
    from: ['created', 'running', 'ready'],
    to: ['paused'],
    otherwise: 'only a job that runs can be paused',
    command: job => ({ execute: 'block-job-pause', args: { device: job } }),
  },
  resume: {
    from: ['paused', 'fault'],
    to: ['running', 'ready', 'done'],
    otherwise: 'only a job that is paused or has a fault can go on',
    command: job => ({ execute: 'block-job-resume', args: { device: job } }),
  },
  cancel: {
    from: LIVE,
    to: ['cancelled'],
    otherwise: 'it has ended already: clean up',
    command: job => ({ execute: 'job-cancel', args: { id: job } }),
  },
  split: {
    from: ['ready'],
    to: ['done'],
    otherwise: 'wait until the target has everything',
    // Without force, a mirror that is ready ends with a target that is complete; job-cancel would throw it away.
    command: job => ({ execute: 'block-job-cancel', args: { device: job } }),
  },
  cutOver: { from: ['ready'], to: ['done'], otherwise: 'wait until the target has everything', command: complete },
  rollBack: {
    from: ['ready'],
    to: ['done'],
    otherwise: 'the old disk lacks what was written since the cutover until the mirror back is ready',
    command: complete,
  },
  finishCommit: { from: ['ready'], to: ['done'], otherwise: 'wait until everything is in the base', command: complete },
  dismiss: {
    from: ['done', 'cancelled', 'failed'],
    to: ['absent'],
    otherwise: 'cancel it or let it end first',
    command: job => ({ execute: 'job-dismiss', args: { id: job } }),
  },
}

/** Where a job may stand after a yes that came to nothing, and what people do then. */
const LIVE_STILL = {
  failed: 'the job ended with an error, and the source is live still: show the job, clean it up and mirror again',
}
export const STUCK: Readonly<Partial<Record<Verb, Readonly<Record<string, string>>>>> = {
  resume: { fault: 'the job stopped at an I/O error again: mend the disk it writes to, and resume then' },
  cutOver: LIVE_STILL,
  rollBack: LIVE_STILL,
  split: LIVE_STILL,
}

export function guardFreeJob(now: View, name: string): void {
  const taken = jobIn(now, name)
  if (taken) throw new Refused(`there is a job ${name} already (${taken.state}): clean it up, or take another name`)
}

/** What must hold before a byte of the target is overwritten. */
export function guardTarget({ jobs, exports, devices, nodes }: View, source: Node, target: Node): void {
  if (source.node === target.node) throw new Refused('a disk cannot be mirrored to itself')
  if (target.bytes < source.bytes)
    throw new Refused(`${target.node} has ${target.bytes} bytes and ${source.node} has ${source.bytes}: the target is too small`)
  if (target.readOnly) throw new Refused(`${target.node} is read-only`)
  const served = exports.find(one => one.node === target.node)
  if (served) throw new Refused(`${target.node} is in use: export ${served.export} serves it, and a mirror would overwrite it`)
  const guest = devices.find(one => one.node === target.node)
  if (guest)
    throw new Refused(`${target.node} is in use: it is the guest's disk ${guest.device}, and a mirror would overwrite it`)
  const above = nodes.find(one => one.backing === target.node)
  if (above) throw new Refused(`${target.node} is in use: ${above.node} stands on it`)
  for (const node of [source, target]) {
    const busy = jobs.find(one => one.source === node.node || one.target === node.node)
    if (busy) throw new Refused(`${node.node} is busy with job ${busy.job} (${busy.type}, ${busy.state})`)
  }
  const over = nodes.find(one => one.backing === source.node)
  if (over)
    throw new Refused(`${source.node} is below ${over.node}: QEMU mirrors only the top of a chain, so mirror ${over.node}`)
}

/**
 * READY alone proves nothing: a mirror that began with sync=none is ready at once and has copied nothing, QEMU calls its cutover
 * a success, and what was written before is lost. Its length gives it away: a full mirror has gone over the whole disk.
 */
export function guardWhole({ nodes }: View, { job, total, source, target }: Job): void {
  if (source === undefined || target === undefined) throw new Refused(`QEMU does not say what job ${job} copies, and to where`)
  const bytes = nodes.find(one => one.node === source)?.bytes
  if (bytes === undefined) throw new Refused(`the source of job ${job} has no name that could be looked up: ${source}`)
  if ((total ?? 0) < bytes)
    throw new Refused(
      `job ${job} is ready and has gone over ${total ?? 0} of ${bytes} bytes: the target does not have the whole disk. ` +
        `Cancel it, and mirror ${source} again`,
    )
}
