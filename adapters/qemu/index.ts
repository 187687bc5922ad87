import { z } from 'zod'
import { adapter } from '../../src/kit/device.ts'
import { blockJobsIn, exportsIn, graphIn, jobsIn, nodesIn, pasted, versionIn } from './answers.ts'
import * as bitmaps from './bitmaps.ts'
import * as disks from './disks.ts'
import * as jobs from './jobs.ts'
import * as reads from './reads.ts'
import { monitorAt } from './wire.ts'

/** How the site file describes a QEMU or a storage daemon on this machine. */
export const Settings = z.strictObject({
  // The kernel takes no longer path of a socket.
  socket: z.string().regex(/^\/[^\0-\x1f]{1,106}$/, 'the path of the QMP socket'),
})

export default adapter({
  name: 'qemu',
  summary: 'QEMU and its storage daemon: live mirrors, snapshots, changed-block tracking.',
  settings: Settings,
  connect: ({ socket }) => monitorAt(socket),
  capabilities: { ...reads, ...jobs, ...disks, ...bitmaps },
  readings: {
    nodes: { summary: 'query-named-block-nodes', read: pasted(nodesIn) },
    blockJobs: { summary: 'query-block-jobs', read: pasted(blockJobsIn) },
    jobs: { summary: 'query-jobs', read: pasted(jobsIn) },
    exports: { summary: 'query-block-exports', read: pasted(exportsIn) },
    graph: { summary: 'x-debug-query-block-graph', read: pasted(graphIn) },
    version: { summary: 'query-version', read: pasted(versionIn) },
  },
  cannot: [
    {
      what: 'reach a monitor on another machine',
      why: 'QMP knows no login: forward its socket through SSH, and name the local end',
    },
    {
      what: 'make an image file',
      why: 'a monitor writes into files that exist: qemu-img creates them, with the size of the disk',
    },
    {
      what: 'cut over a mirror whose length is less than its disk',
      why: 'QEMU does not say how a mirror began, and one with sync=none has copied nothing: the length is the only sign',
    },
    {
      what: 'roll back without copying the whole disk',
      why: 'a node takes one job at a time, so no bitmap can bring the old disk up first',
    },
    {
      what: 'hear what happened while it was not connected',
      why: 'QEMU tells events to who is there: jobs are never dismissed by themselves, so how they ended can be read later',
    },
    { what: 'use a bitmap that was in use at a crash', why: 'it lacks changes: a full sync is the only right answer' },
  ],
})
