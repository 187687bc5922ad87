import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { exclusive } from '../../src/kit/claims.ts'
import { type Call, capability } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { afterwards } from './change.ts'
import { guardFreeJob, guardTarget, LIVE, MOVES, STUCK } from './guards.ts'
import { Mirror, mirrorClaims, mirroring } from './mirroring.ts'
import { Id, OneJob, OneNode } from './params.ts'
import { ASKS, type Job, jobIn, type Node, nodeIn, type View, view } from './view.ts'
import { type Monitor, shown } from './wire.ts'

/**
 * What a runbook needs beside the single changes. Each of these brings something about, whatever was there before: it does
 * nothing where that is so already, so that a plan can say it again after people have mended what failed, and on its way back.
 */
const on = capability<Monitor>()
const looks = (): readonly string[] => [ASKS.nodes, ASKS.exports, ASKS.blockJobs, ASKS.jobs, ASKS.graph].map(shown)
const STEP: Millis = 25
const ENDS: Millis = 15_000

export const preflight = on({
  summary: 'Check what must hold before a mirror: size, who uses the disks, other jobs on them.',
  examples: ['check mirror from disk0 to new0 on vm01'],
  params: z.object({ source: Id, target: Id }),
  says: (host, { source, target }) => `check mirror from ${source} to ${target} on ${host}`,
  sends: looks,
  effect: 'read',
  perform: async (monitor, { params, signal }) => {
    const now = await view(monitor, signal)
    const [source, target] = [nodeIn(now, params.source), nodeIn(now, params.target)]
    guardTarget(now, source, target)
    const exports = now.exports.filter(one => one.node === source.node).length
    return {
      sourceIs: described(source),
      sourceBytes: source.bytes,
      targetIs: described(target),
      targetBytes: target.bytes,
      exports,
    }
  },
  shows: ({ sourceIs, targetIs }) => [`from ${sourceIs}`, `to ${targetIs}`],
})

const described = ({ driver, bytes, file }: Node): string => `${file === '' ? 'no file' : file}, ${driver}, ${bytes} bytes`

export const copy = on({
  summary: 'Show how far a copy has come, and what stops it.',
  examples: ['show copy of job mig1 on vm01'],
  params: OneJob,
  says: (host, { job }) => `show copy of job ${job} on ${host}`,
  sends: looks,
  effect: 'read',
  perform: async (monitor, { params: { job }, signal }) => {
    const found = jobIn(await view(monitor, signal), job)
    const trouble = troubleOf(job, found)
    return { state: found?.state ?? 'absent', ...found, ...(trouble === undefined ? {} : { trouble }) }
  },
  shows: ({ state, trouble, copied, total }) => [
    `${state}${copied === undefined || total === undefined ? '' : `, ${copied} of ${total} bytes`}`,
    ...(trouble === undefined ? [] : [trouble]),
  ],
  // The total grows while people write, so that the share may fall: the engine keeps the highest mark.
  progress: ({ copied, total, state }) => ({
    ...(copied !== undefined && total !== undefined && total > 0 ? { done: Math.min(1, copied / total), copied, total } : {}),
    note: state,
  }),
})

/** Why it will not come to its end by itself, as people have to read it; nothing while it will. */
function troubleOf(name: string, job: Job | undefined): string | undefined {
  switch (job?.state) {
    case undefined:
      return `there is no job ${name}: whoever restarted QEMU lost it, and what it had copied is worth nothing`
    case 'fault': {
      const why = job.fault === 'nospace' ? 'no space left' : 'an I/O error'
      return `job ${name} stopped at ${why}, from ${job.source ?? 'its source'} to ${job.target ?? 'its target'}; nothing changes for who writes. Mend the disk, and retry`
    }
    case 'cancelled':
      return `somebody cancelled job ${name}, and what it had copied is worth nothing`
    case 'failed':
      return `job ${name} ended with an error: ${job.error ?? 'QEMU does not say which'}`
    case 'done':
      return `job ${name} has ended already: somebody cut it over or split it`
    default:
      return undefined
  }
}

export const goOn = on({
  summary: 'See that a job goes on: one that stopped at an I/O error or was paused is resumed, and one that runs is left alone.',
  examples: ['go on with job mig1 on vm01'],
  params: OneJob,
  says: (host, { job }) => `go on with job ${job} on ${host}`,
  sends: ({ job }) => [shown(MOVES.resume.command(String(job)))],
  effect: { risk: 'routine', claims: ({ job }) => [exclusive('job', job, 'state')], inDoubt: { ask: 'nobody' } },
  perform: async (monitor, call) => {
    const { job } = call.params
    const found = jobIn(await view(monitor, call.signal), job)
    const still = MOVES.resume.from.includes(found?.state ?? '')
    if (!still) {
      const trouble = troubleOf(job, found)
      if (trouble !== undefined) throw new Refused(trouble)
      return { job, state: found?.state ?? 'absent', resumed: false }
    }
    await monitor.change(MOVES.resume.command(job), call)
    const after = await afterwards(async () => jobIn(await view(monitor, call.signal), job))
    if (after?.state === 'fault') throw new Refused(STUCK.resume?.['fault'] ?? 'it stopped again')
    return { job, state: after?.state ?? 'absent', resumed: true }
  },
})

export const mirrorBack = on({
  summary: 'Keep the old disk equal after a cutover, so that there is a way back: a mirror the other way, unless there is one.',
  examples: [
    'mirror new0 back to disk0 as job back1 on vm01',
    'mirror new0 back to disk0 as job back1 with speed 50MB/s on vm01',
  ],
  params: Mirror,
  says: (host, { source, target, job, speed }) =>
    `mirror ${source} back to ${target} as job ${job}${speed === undefined ? '' : ` with speed ${speed}B/s`} on ${host}`,
  sends: params => [shown(mirroring(params))],
  effect: { risk: 'routine', claims: mirrorClaims, inDoubt: { ask: 'nobody' } },
  perform: async (monitor, call) => {
    const { job, source, target } = call.params
    const now = await view(monitor, call.signal)
    const known = jobIn(now, job)
    if (known?.type === 'mirror' && LIVE.includes(known.state) && known.source === source && known.target === target)
      return { job, state: known.state, began: false }
    guardFreeJob(now, job)
    guardTarget(now, nodeIn(now, source), nodeIn(now, target))
    await monitor.change(mirroring(call.params), call)
    const after = await afterwards(async () => jobIn(await view(monitor, call.signal), job))
    return { job, state: after?.state ?? 'absent', began: true }
  },
})

export const abandon = on({
  summary: 'See that a job has ended: one that is under way is given up. The source stays live.',
  examples: ['abandon job mig1 on vm01'],
  params: OneJob,
  says: (host, { job }) => `abandon job ${job} on ${host}`,
  sends: ({ job }) => [shown(MOVES.cancel.command(String(job)))],
  effect: {
    risk: 'disruptive',
    takes: ENDS + 30_000,
    claims: ({ job }) => [exclusive('job', job, 'state')],
    inDoubt: { ask: 'nobody' },
  },
  perform: async (monitor, call) => {
    const { job } = call.params
    const now = jobIn(await view(monitor, call.signal), job)
    if (!now || !LIVE.includes(now.state)) return { job, state: now?.state ?? 'absent' }
    await monitor.change(MOVES.cancel.command(job), call)
    const after = await afterwards(() => ends(monitor, call))
    return { job, state: after?.state ?? 'absent' }
  },
})

export const forget = on({
  summary: 'See that there is no record of a job that has ended.',
  examples: ['forget job mig1 on vm01'],
  params: OneJob,
  says: (host, { job }) => `forget job ${job} on ${host}`,
  sends: ({ job }) => [shown(MOVES.dismiss.command(String(job)))],
  effect: { risk: 'routine', claims: ({ job }) => [exclusive('job', job, 'state')], inDoubt: { ask: 'nobody' } },
  perform: async (monitor, call) => {
    const { job } = call.params
    const now = jobIn(await view(monitor, call.signal), job)
    if (now && LIVE.includes(now.state)) throw new Refused(`job ${job} is ${now.state}: ${MOVES.dismiss.otherwise}`)
    if (now) await monitor.change(MOVES.dismiss.command(job), call)
    return { job, state: 'absent' }
  },
})

/** The job once it has ended, or nothing when it is gone. */
async function ends(monitor: Monitor, { params, signal }: Call<{ readonly job: string }>): Promise<Job | undefined> {
  for (let left = ENDS; ; left -= STEP) {
    const now = jobIn(await view(monitor, signal), params.job)
    if (!now || MOVES.dismiss.from.includes(now.state)) return now
    if (left <= 0) throw new Uncertain(`job ${params.job} was given up, and is ${now.state} still`)
    await pause(STEP, undefined, { signal })
  }
}

export const release = on({
  summary: 'See that a node is closed, if nothing uses it. The file stays.',
  examples: ['release node new0 on vm01'],
  params: OneNode,
  says: (host, { node }) => `release node ${node} on ${host}`,
  sends: ({ node }) => [shown(closing(String(node)))],
  effect: { risk: 'routine', claims: ({ node }) => [exclusive('node', node)], inDoubt: { ask: 'nobody' } },
  perform: async (monitor, call) => {
    const { node } = call.params
    const now = await view(monitor, call.signal)
    if (!now.nodes.some(one => one.node === node)) return { node, closed: false }
    guardUnused(now, node)
    await monitor.change(closing(node), call)
    return { node, closed: true }
  },
})

const closing = (node: string) => ({ execute: 'blockdev-del', args: { 'node-name': node } })

function guardUnused({ nodes, exports, jobs }: View, node: string): void {
  const user =
    exports.find(one => one.node === node)?.export ??
    nodes.find(one => one.backing === node)?.node ??
    jobs.find(one => one.source === node || one.target === node)?.job
  if (user !== undefined) throw new Refused(`${node} is in use: ${user} stands on it`)
}
