import { capability } from '../../src/kit/device.ts'
import { Refused } from '../../src/kit/errors.ts'
import { versionIn } from './answers.ts'
import { ASK_DEVICES } from './devices.ts'
import { Nothing, OneJob, OneNode } from './params.ts'
import { ASKS, type Bitmap, type Job, jobIn, nodeIn, type View, view } from './view.ts'
import { type Monitor, shown } from './wire.ts'

const on = capability<Monitor>()
const looks = (): readonly string[] => [ASKS.nodes, ASKS.exports, ASK_DEVICES, ASKS.blockJobs, ASKS.jobs, ASKS.graph].map(shown)

export const nodes = on({
  summary: 'Show the disks and files that QEMU has open.',
  examples: ['show nodes on vm01'],
  params: Nothing,
  says: host => `show nodes on ${host}`,
  sends: looks,
  effect: 'read',
  perform: async (monitor, { signal }) => {
    const { nodes } = await view(monitor, signal)
    return { nodes, count: nodes.length }
  },
  shows: ({ nodes }) =>
    nodes.length === 0
      ? ['no node']
      : nodes.map(
          one =>
            `${one.node}: ${one.driver}, ${one.bytes} bytes${one.readOnly ? ', read-only' : ''}${one.backing === undefined ? '' : `, on ${one.backing}`}${one.file === '' ? '' : `, ${one.file}`}`,
        ),
})

export const exports = on({
  summary: 'Show what is served, and from which node.',
  examples: ['show exports on vm01'],
  params: Nothing,
  says: host => `show exports on ${host}`,
  sends: looks,
  effect: 'read',
  perform: async (monitor, { signal }) => {
    const { exports } = await view(monitor, signal)
    return { exports, count: exports.length }
  },
  shows: ({ exports }) => (exports.length === 0 ? ['no export'] : exports.map(one => `${one.export} (${one.type}): ${one.node}`)),
})

export const jobs = on({
  summary: 'Show the jobs: mirrors, commits, frozen copies.',
  examples: ['show jobs on vm01'],
  params: Nothing,
  says: host => `show jobs on ${host}`,
  sends: looks,
  effect: 'read',
  perform: async (monitor, { signal }) => {
    const { jobs } = await view(monitor, signal)
    return { jobs, count: jobs.length, faults: jobs.filter(one => one.state === 'fault' || one.state === 'failed').length }
  },
  shows: ({ jobs }) => (jobs.length === 0 ? ['no job'] : jobs.map(line)),
})

export const job = on({
  summary: 'Show one job, and how far it has come.',
  examples: ['show job mig1 on vm01'],
  params: OneJob,
  says: (host, { job }) => `show job ${job} on ${host}`,
  sends: looks,
  effect: 'read',
  perform: async (monitor, { params, signal }) => found(await view(monitor, signal), params.job),
  shows: one => [line(one)],
  // The total grows while people write, so that the share may fall: the engine keeps the highest mark.
  progress: ({ copied, total, state }) => ({
    ...(copied !== undefined && total !== undefined && total > 0 ? { done: Math.min(1, copied / total), copied, total } : {}),
    note: state,
  }),
})

export const cutoverReady = on({
  summary: 'Check what must hold before a cutover or a roll back: the mirror is ready and has gone over the whole disk.',
  examples: ['check cutover of job mig1 on vm01'],
  params: OneJob,
  says: (host, { job }) => `check cutover of job ${job} on ${host}`,
  sends: looks,
  effect: 'read',
  perform: async (monitor, { params, signal }) => {
    const now = await view(monitor, signal)
    const one = found(now, params.job)
    const bytes = now.nodes.find(node => node.node === one.source)?.bytes
    return {
      ...one,
      mirror: one.type === 'mirror',
      ready: one.state === 'ready',
      whole: bytes !== undefined && (one.total ?? 0) >= bytes,
      exports: now.exports.filter(it => it.node === one.source).length,
      devices: now.devices.filter(it => it.node === one.source).length,
    }
  },
  shows: one => [
    line(one),
    one.whole ? 'it has gone over the whole disk' : 'it has not gone over the whole disk: a cutover would lose data',
  ],
})

export const bitmaps = on({
  summary: 'Show the bitmaps that track the changes of a disk.',
  examples: ['show bitmaps of disk0 on vm01'],
  params: OneNode,
  says: (host, { node }) => `show bitmaps of ${node} on ${host}`,
  sends: looks,
  effect: 'read',
  perform: async (monitor, { params, signal }) => {
    const { bitmaps } = nodeIn(await view(monitor, signal), params.node)
    return { bitmaps, count: bitmaps.length, unusable: bitmaps.filter(one => !one.usable).length }
  },
  shows: ({ bitmaps }) => (bitmaps.length === 0 ? ['no bitmap'] : bitmaps.map(tracked)),
})

export const events = on({
  summary: 'Show what QEMU said unasked since Signalbox connected, the latest last.',
  examples: ['show block events on vm01'],
  params: Nothing,
  says: host => `show block events on ${host}`,
  sends: () => [shown(ASKS.version)],
  effect: 'read',
  perform: async (monitor, { signal }) => {
    await monitor.ask(ASKS.version, versionIn, signal)
    const events = monitor.heard().slice(-50)
    return { events, count: events.length, errors: events.filter(one => one.event.endsWith('_ERROR')).length }
  },
  shows: ({ events }) =>
    events.length === 0
      ? ['nothing yet']
      : events.map(one => `${new Date(one.at).toISOString()} ${one.event} ${one.about} ${one.says}`.trim()),
})

export const version = on({
  summary: 'Show the version of QEMU.',
  examples: ['show version of qemu on vm01'],
  params: Nothing,
  says: host => `show version of qemu on ${host}`,
  sends: () => [shown(ASKS.version)],
  effect: 'read',
  perform: async (monitor, { signal }) => {
    const { qemu, package: build } = await monitor.ask(ASKS.version, versionIn, signal)
    return { version: `${qemu.major}.${qemu.minor}.${qemu.micro}`, build }
  },
})

function found(now: View, name: string): Job {
  const one = jobIn(now, name)
  if (one) return one
  throw new Refused(`there is no job ${name}; there are ${now.jobs.map(it => it.job).join(', ') || 'none'}`)
}

const line = (one: Job): string =>
  [
    `job ${one.job}: ${one.type}, ${one.state}`,
    ...(one.source === undefined || one.target === undefined ? [] : [`${one.source} to ${one.target}`]),
    ...(one.copied === undefined || one.total === undefined ? [] : [`${one.copied} of ${one.total} bytes`]),
    ...(one.fault === undefined ? [] : [one.fault === 'nospace' ? 'no space left' : 'an I/O error stopped it']),
    ...(one.error === undefined ? [] : [one.error]),
  ].join(', ')

const tracked = (one: Bitmap): string =>
  one.usable
    ? `${one.bitmap}: ${one.dirty} bytes changed${one.recording ? '' : ', not recording'}${one.persistent ? ', persistent' : ''}${one.busy ? ', in use' : ''}`
    : `${one.bitmap}: it was in use when QEMU died and lacks changes: remove it and do a full sync`
