import { z } from 'zod'
import { adapter } from '../../src/kit/device.ts'
import { windowIn } from './areas.ts'
import { cancelTask } from './cancelling.ts'
import { disksIn } from './disks.ts'
import { listChanges } from './listing.ts'
import { machineIn, summaryIn } from './machines.ts'
import { answered, foundAnywhere } from './pasted.ts'
import * as power from './power.ts'
import { pageIn } from './properties.ts'
import { protection } from './protection.ts'
import * as reads from './reads.ts'
import { contentIn } from './session.ts'
import { consolidate, createSnapshot, dropSnapshot, removeSnapshot } from './snapshotting.ts'
import { tasksAmong } from './tasks.ts'
import { disableTracking, enableTracking } from './tracking.ts'
import { vcenterAt } from './wire.ts'

/** SHA-1 or SHA-256 in hex digits, with colons or without. */
const thumbprint = (digits: number, what: string) =>
  z.string().regex(new RegExp(`^(?:[0-9A-Fa-f]{2}:?){${digits / 2 - 1}}[0-9A-Fa-f]{2}$`), what)
const path = z.string().regex(/^\/[^\0-\x1f]{1,254}$/, 'a whole path')
const LOOPBACK = /^http:\/\/(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|localhost|\[::1\])[:/]/

/** How the site file describes a vCenter or an ESXi. */
export const Settings = z
  .strictObject({
    url: z
      .url()
      .regex(/^https?:\/\/[A-Za-z0-9.:[\]-]+(?:\/[A-Za-z0-9/_-]*)?$/, 'https://host/sdk')
      .refine(url => url.startsWith('https:') || LOOPBACK.test(`${url}/`), 'https, because the password is sent to it'),
    username: z.string().regex(/^[^\s\0-\x1f\x7f]{1,128}$/, 'a login name: backup@vsphere.local'),
    password: z.string().min(4).max(256),
    thumbprint: thumbprint(64, 'the SHA-256 thumbprint of its certificate').optional(),
    vddk: z
      .strictObject({
        libdir: path,
        thumbprint: thumbprint(40, 'the SHA-1 thumbprint of the certificate, as VDDK wants it'),
        passwordFile: path,
        transports: z
          .string()
          .regex(/^[a-z0-9]+(?::[a-z0-9]+){0,7}$/, 'for example file:san:hotadd:nbdssl:nbd')
          .optional(),
      })
      .optional(),
    lists: z.string().min(1).default('.signalbox/changed'),
    nbd: z
      .string()
      .regex(/^nbds?(?:\+unix)?:\/\/[!-~]{1,300}$/, 'nbd://host, or nbd+unix:///{disk}?socket=/path')
      .optional(),
  })
  .refine(({ nbd, vddk }) => nbd === undefined || vddk === undefined, 'give it vddk or nbd, and not both')

export default adapter({
  name: 'vsphere',
  summary: 'VMware vCenter and ESXi: machines, snapshots, change tracking and what changed on their disks.',
  settings: Settings,
  connect: ({ url, username, password, thumbprint, lists, nbd, vddk }) => {
    const to = new URL(url)
    if (to.pathname === '/') to.pathname = '/sdk'
    return vcenterAt({ url: to, thumbprint }, { username, password }, { lists, nbd, vddk, host: to.hostname, username })
  },
  capabilities: {
    ...reads,
    protection,
    listChanges,
    enableTracking,
    disableTracking,
    createSnapshot,
    removeSnapshot,
    dropSnapshot,
    consolidate,
    ...power,
    cancelTask,
  },
  readings: {
    content: { summary: 'RetrieveServiceContent', read: answered('RetrieveServiceContent', contentIn) },
    machines: {
      summary: 'RetrievePropertiesEx of machines, as `show vms` asks for it',
      read: answered('RetrievePropertiesEx', answer => pageIn(answer).found.map(summaryIn)),
    },
    machine: { summary: 'RetrievePropertiesEx of one machine', read: text => foundAnywhere(text).map(machineIn) },
    disks: {
      summary: 'config.hardware.device of a machine or a snapshot',
      read: text => foundAnywhere(text).flatMap(({ values }) => disksIn(values.get('config.hardware.device'))),
    },
    tasks: { summary: 'info of tasks', read: text => tasksAmong(foundAnywhere(text)) },
    areas: { summary: 'QueryChangedDiskAreas', read: answered('QueryChangedDiskAreas', windowIn) },
  },
  cannot: [
    {
      what: 'say what changed when tracking was begun anew',
      why: 'the change id has another tracking before its slash: the disk is copied whole',
    },
    {
      what: 'notice that a disk was enlarged since the last copy',
      why: 'a change id says nothing of the size: whoever pushes compares the size of the order with the one of its store',
    },
    {
      what: 'copy independent disks and raw devices in physical mode',
      why: 'a snapshot leaves them out, and an order without them would look whole',
    },
    {
      what: 'undo a consolidated or removed snapshot',
      why: 'the moment it held is gone',
    },
    {
      what: 'tell whether a method was carried out that vCenter has forgotten the task of',
      why: 'tasks are kept for minutes only: the machine itself is looked at instead',
    },
    {
      what: 'read or write blocks',
      why: 'blocks go through VDDK or NBD: the order names where from',
    },
  ],
})
