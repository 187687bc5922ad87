import { capability } from '../../src/kit/device.ts'
import { freeOn, type Machine, machineNamed } from './machines.ts'
import { OneMachine, spoken } from './params.ts'
import { shown } from './soap.ts'
import { ongoing } from './tasks.ts'
import type { VCenter } from './wire.ts'

/** Of a machine's size, so much must be free beside it: its snapshot grows (devices/vsphere-esxi.md, runbook skeleton: 10 to 20 %). */
const ROOM = 0.2
const OLDEST_HARDWARE = 7

export const protection = capability<VCenter>()({
  summary: 'Check whether a machine is ready for a copy of its changes: tracking, disks, snapshots, room, VMware Tools.',
  examples: ['check protection of web01 on vc01'],
  params: OneMachine,
  says: (vc, { machine }) => `check protection of ${spoken(machine)} on ${vc}`,
  sends: ({ machine }) => [shown(machine, 'RetrievePropertiesEx')],
  effect: 'read',
  perform: async (vcenter, { params, signal }) => {
    const one = await machineNamed(vcenter, params.machine, signal)
    const stores = one.disks.flatMap(({ datastore }) => (datastore ? [datastore] : []))
    const free = await freeOn(vcenter, stores, signal)
    return { machine: one.name, ...judged(one, free) }
  },
  shows: one => [one.ready ? `${one.machine} is ready for a copy of its changes` : `${one.machine} is not ready: ${one.why}`],
})

/** Pure: what stands in the way, and the fields that gates compare. */
export function judged(one: Machine, free: ReadonlyMap<string, number>) {
  const tracked = one.disks.filter(disk => disk.changeId !== undefined).length
  const unprotectable = one.disks.filter(disk => disk.unprotectable !== undefined)
  const room = tightest(one, free)
  const against = [
    one.configured ? undefined : 'its configuration cannot be read',
    one.disks.length > 0 ? undefined : 'it shows no disk',
    one.hardware === undefined ? 'its hardware version is not said' : undefined,
    (one.hardware ?? OLDEST_HARDWARE) < OLDEST_HARDWARE
      ? `its hardware version is ${one.hardware}, and tracking needs ${OLDEST_HARDWARE}`
      : undefined,
    one.trackable === false ? 'it cannot track changes' : undefined,
    one.tracking === true ? undefined : 'change tracking is off',
    one.tracking === true && tracked < one.disks.length && unprotectable.length === 0
      ? 'tracking has not begun on every disk: create a snapshot and remove it, once'
      : undefined,
    ...unprotectable.map(({ label, unprotectable: why }) => `${label}: ${why}`),
    one.snapshots.length > 0 ? `it has ${one.snapshots.length} snapshots` : undefined,
    one.consolidation === true ? 'its disks have to be consolidated' : undefined,
    one.power === 'poweredOn' && one.tools !== 'guestToolsRunning' ? 'VMware Tools do not run' : undefined,
    room === undefined ? 'the room on its datastore is not said' : undefined,
    room !== undefined && room < ROOM
      ? `its datastore has room for ${Math.floor(room * 100)} % of it, and ${ROOM * 100} % are wanted`
      : undefined,
    one.tasks.some(ongoing) ? 'a task goes on' : undefined,
  ].filter(why => why !== undefined)
  return {
    ready: against.length === 0,
    why: against.join('; ') || 'nothing stands in the way',
    power: one.power,
    ...(one.tracking === undefined ? {} : { tracking: one.tracking }),
    tracked,
    disks: one.disks.length,
    unprotectable: unprotectable.length,
    snapshots: one.snapshots.length,
    ...(one.consolidation === undefined ? {} : { consolidationNeeded: one.consolidation }),
    toolsRunning: one.tools === 'guestToolsRunning',
    ...(room === undefined ? {} : { roomPercent: Math.floor(room * 100) }),
    hidesNx: one.hidesNx === true,
  }
}

/** On the datastore where it is tightest: free bytes as a share of what the machine has there. */
function tightest({ disks }: Machine, free: ReadonlyMap<string, number>): number | undefined {
  const used = new Map<string, number>()
  for (const { datastore, bytes } of disks) {
    if (!datastore) return undefined
    used.set(datastore.id, (used.get(datastore.id) ?? 0) + bytes)
  }
  const shares = [...used].map(([id, bytes]) => (free.get(id) ?? Number.NaN) / bytes)
  return shares.length === 0 || shares.some(Number.isNaN) ? undefined : Math.min(...shares)
}
