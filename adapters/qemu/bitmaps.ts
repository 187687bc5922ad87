import { z } from 'zod'
import { exclusive } from '../../src/kit/claims.ts'
import { capability } from '../../src/kit/device.ts'
import { Refused } from '../../src/kit/errors.ts'
import { change } from './change.ts'
import { guardFreeJob, guardTarget } from './guards.ts'
import { Id, OneBitmap } from './params.ts'
import { type Bitmap, bitmapIn, jobIn, nodeIn, type View, view } from './view.ts'
import { type Command, type Monitor, shown } from './wire.ts'

type Named = z.infer<typeof OneBitmap>

const mine = ({ node, bitmap }: Named) => [exclusive('bitmap', node, bitmap)]
const presence = (now: View, { node, bitmap }: Named): string => (bitmapIn(now, node, bitmap) ? 'there' : 'absent')

/** The bitmap, if it tells the truth: after a crash it does not, and what it lacks would be lost without a word. */
function usable(now: View, node: string, bitmap: string): Bitmap {
  const found = present(now, node, bitmap)
  if (!found.usable)
    throw new Refused(
      `bitmap ${bitmap} was in use when QEMU died, so it lacks changes: remove it and do a full sync with a new one`,
    )
  return found
}

function present(now: View, node: string, bitmap: string): Bitmap {
  const found = bitmapIn(now, node, bitmap)
  if (!found) throw new Refused(`there is no bitmap ${bitmap} on ${node}`)
  if (found.busy) throw new Refused(`bitmap ${bitmap} is in use by a job or an export`)
  return found
}

function guardNew(now: View, node: string, bitmap: string, persistent: boolean): void {
  const { driver } = nodeIn(now, node)
  if (bitmapIn(now, node, bitmap)) throw new Refused(`there is a bitmap ${bitmap} on ${node} already: take another name`)
  if (persistent && driver !== 'qcow2') throw new Refused(`${node} is ${driver}: only qcow2 keeps a bitmap over a restart`)
}

export const addBitmap = change({
  summary: 'Track the changes of a disk from now on. A persistent bitmap outlives an orderly restart; it takes a qcow2 disk.',
  examples: ['track changes of disk0 in bitmap gen0 on vm01', 'track changes of disk0 in persistent bitmap gen0 on vm01'],
  params: OneBitmap.extend({ persistent: z.boolean() }),
  risk: 'routine',
  says: (host, { node, bitmap, persistent }) =>
    `track changes of ${node} in ${persistent === true ? 'persistent ' : ''}bitmap ${bitmap} on ${host}`,
  command: ({ node, bitmap, persistent }) => ({
    execute: 'block-dirty-bitmap-add',
    args: { node, name: bitmap, granularity: 65_536, persistent },
  }),
  claims: mine,
  guard: (now, { node, bitmap, persistent }) => guardNew(now, node, bitmap, persistent),
  stands: presence,
  from: ['absent'],
  to: ['there'],
  result: (_, { node, bitmap }) => ({ node, bitmap }),
})

const off = ({ node, bitmap }: { readonly node: string; readonly bitmap: string }): Command => ({
  execute: 'block-dirty-bitmap-disable',
  args: { node, name: bitmap },
})

export const disableBitmap = capability<Monitor>()({
  summary: 'Stop tracking in a bitmap. What it has recorded stays; what is written later is not in it.',
  examples: ['disable bitmap gen0 of disk0 on vm01'],
  params: OneBitmap,
  says: (host, { node, bitmap }) => `disable bitmap ${bitmap} of ${node} on ${host}`,
  sends: params => [shown(off(params))],
  effect: { risk: 'disruptive', claims: mine, inDoubt: { ask: 'nobody' } }, // setting a state: twice is as good as once
  perform: async (monitor, call) => {
    const { node, bitmap } = call.params
    usable(await view(monitor, call.signal), node, bitmap)
    await monitor.change(off(call.params), call)
    return { node, bitmap, recording: false }
  },
})

/** One that records can be cleared only at the very moment of a copy, and that is what `freeze` does. */
function guardStill({ node, bitmap, recording }: Bitmap): void {
  if (recording)
    throw new Refused(
      `bitmap ${bitmap} of ${node} is recording: what was written since the last copy would be forgotten. Disable it first`,
    )
}

export const clearBitmap = change({
  summary: 'Empty a bitmap that does not record any more.',
  examples: ['clear bitmap gen0 of disk0 on vm01'],
  params: OneBitmap,
  risk: 'destructive',
  says: (host, { node, bitmap }) => `clear bitmap ${bitmap} of ${node} on ${host}`,
  command: ({ node, bitmap }) => ({ execute: 'block-dirty-bitmap-clear', args: { node, name: bitmap } }),
  claims: mine,
  guard: (now, { node, bitmap }) => {
    const found = usable(now, node, bitmap)
    guardStill(found)
    if (found.dirty === 0) throw new Refused(`bitmap ${bitmap} of ${node} is empty already`)
  },
  // It does not record, so nothing but a clear can change it.
  stands: (now, { node, bitmap }) => {
    const found = bitmapIn(now, node, bitmap)
    return found === undefined ? 'absent' : found.recording ? 'recording' : found.dirty === 0 ? 'empty' : 'dirty'
  },
  from: ['dirty'],
  to: ['empty'],
  result: (_, { node, bitmap }) => ({ node, bitmap, dirty: 0 }),
})

export const removeBitmap = change({
  summary: 'Remove a bitmap that does not record any more, or that a crash made useless.',
  examples: ['remove bitmap gen0 of disk0 on vm01'],
  params: OneBitmap,
  risk: 'destructive',
  says: (host, { node, bitmap }) => `remove bitmap ${bitmap} of ${node} on ${host}`,
  command: ({ node, bitmap }) => ({ execute: 'block-dirty-bitmap-remove', args: { node, name: bitmap } }),
  claims: mine,
  guard: (now, { node, bitmap }) => {
    const found = present(now, node, bitmap)
    if (found.usable) guardStill(found)
  },
  stands: presence,
  from: ['there'],
  to: ['absent'],
  result: (_, { node, bitmap }) => ({ node, bitmap }),
})

export const freeze = change({
  summary: 'Freeze a point in time into an overlay, and begin a new bitmap at that very moment: all of it, or nothing.',
  examples: [
    'freeze disk0 into fl0 as job pit0 with bitmap gen0 on vm01',
    'freeze disk0 into fl0 as job pit0 with bitmap gen1 after gen0 on vm01',
  ],
  params: z.object({ node: Id, into: Id, job: Id, bitmap: Id, after: Id.optional() }),
  risk: 'routine',
  says: (host, { node, into, job, bitmap, after }) =>
    `freeze ${node} into ${into} as job ${job} with bitmap ${bitmap}${after === undefined ? '' : ` after ${after}`} on ${host}`,
  command: ({ node, into, job, bitmap, after }) => ({
    execute: 'transaction',
    args: {
      actions: [
        ...(after === undefined ? [] : [{ type: 'block-dirty-bitmap-disable', data: { node, name: after } }]),
        { type: 'block-dirty-bitmap-add', data: { node, name: bitmap, granularity: 65_536 } },
        { type: 'blockdev-backup', data: { 'job-id': job, device: node, target: into, sync: 'none', 'auto-dismiss': false } },
      ],
      properties: { 'completion-mode': 'individual' },
    },
  }),
  claims: ({ node, into, job }) => [exclusive('bitmap', node), exclusive('node', into), exclusive('job', job)],
  guard: (now, { node, into, job, bitmap, after }) => {
    guardFreeJob(now, job)
    guardNew(now, node, bitmap, false)
    if (after !== undefined && !usable(now, node, after).recording)
      throw new Refused(`bitmap ${after} does not record: it lacks what was written since, so do a full sync`)
    const target = nodeIn(now, into)
    if (target.backing !== node) throw new Refused(`${into} does not stand on ${node}: attach it as an overlay over ${node}`)
    guardTarget({ ...now, nodes: now.nodes.filter(one => one.node !== into) }, nodeIn(now, node), target)
  },
  stands: (now, { node, job, bitmap }) => {
    const [copies, tracks] = [jobIn(now, job) !== undefined, bitmapIn(now, node, bitmap) !== undefined]
    return copies && tracks ? 'frozen' : copies || tracks ? 'half' : 'none'
  },
  from: ['none'],
  to: ['frozen'],
  result: (now, { node, into, job, bitmap, after }) => ({
    job,
    frozen: into,
    bitmap,
    ...(after === undefined ? {} : { since: after, dirty: bitmapIn(now, node, after)?.dirty ?? 0 }),
  }),
})
