import { z } from 'zod'
import { adapter } from '../../src/kit/device.ts'
import { redactor, secretsIn } from '../../src/kit/redact.ts'
import { canLogIn, NO_LOGIN, sshFields } from '../../src/kit/ssh-settings.ts'
import { sshSocket } from '../../src/kit/ssh-socket.ts'
import { blockJobsIn, devicesIn, exportsIn, graphIn, jobsIn, nodesIn, pasted, versionIn } from './answers.ts'
import * as bitmaps from './bitmaps.ts'
import { devices } from './devices.ts'
import * as disks from './disks.ts'
import * as iscsi from './iscsi.ts'
import * as jobs from './jobs.ts'
import { socketHere } from './link.ts'
import * as migration from './migration.ts'
import { Iqn } from './params.ts'
import * as reads from './reads.ts'
import { monitorAt } from './wire.ts'

/** An array's name for an initiator that may log in. RFC 7143 wants secrets of 12 characters and more; some arrays take fewer. */
const Account = z.strictObject({ user: z.string().min(1).max(223), password: z.string().min(4).max(255) })

/** How the site file describes a QEMU or a storage daemon, on this machine or on one that SSH reaches. */
export const Settings = z.strictObject({
  // The kernel takes no longer path of a socket.
  socket: z.string().regex(/^\/[^\0-\x1f]{1,106}$/, 'the path of the QMP socket'),
  ssh: z.strictObject(sshFields).refine(canLogIn, NO_LOGIN).optional(), // the machine that the socket is on
  initiator: Iqn.optional(), // who QEMU is to iSCSI arrays; masking goes by it
  chap: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,30}$/, 'a short name'), Account).optional(), // by the names sentences use
})

export default adapter({
  name: 'qemu',
  summary: 'QEMU and its storage daemon: live mirrors, snapshots, changed-block tracking.',
  settings: Settings,
  connect: settings => {
    const { socket, ssh, initiator, chap } = settings
    const way = ssh === undefined ? socketHere(socket) : sshSocket({ ...ssh, dialect: 'posix' }, socket)
    return monitorAt(way, { initiator, accounts: chap ?? {} }, redactor(secretsIn(settings)))
  },
  capabilities: { ...reads, devices, ...jobs, ...migration, ...disks, ...iscsi, ...bitmaps },
  readings: {
    nodes: { summary: 'query-named-block-nodes', read: pasted(nodesIn) },
    blockJobs: { summary: 'query-block-jobs', read: pasted(blockJobsIn) },
    jobs: { summary: 'query-jobs', read: pasted(jobsIn) },
    exports: { summary: 'query-block-exports', read: pasted(exportsIn) },
    devices: { summary: 'query-block', read: pasted(devicesIn) },
    graph: { summary: 'x-debug-query-block-graph', read: pasted(graphIn) },
    version: { summary: 'query-version', read: pasted(versionIn) },
  },
  cannot: [
    {
      what: 'see whether a LUN is in use by another host',
      why: 'an array shows it to everybody whom it is not masked from: masking, not QEMU, keeps two hosts apart',
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
