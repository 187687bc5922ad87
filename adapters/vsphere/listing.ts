import { join } from 'node:path'
import { z } from 'zod'
import { capability } from '../../src/kit/device.ts'
import { Misread, Refused } from '../../src/kit/errors.ts'
import { ALLOCATED, type Area, changedAreas, type Question } from './areas.ts'
import { type Disk, disksIn, pointIn } from './disks.ts'
import { machineNamed } from './machines.ts'
import { type Order, sourceOf, writeList, writeOrder } from './order.ts'
import { Name, Points, spoken } from './params.ts'
import { retrieve } from './properties.ts'
import { type Snapshot, snapshotNamed } from './snapshots.ts'
import { shown } from './soap.ts'
import type { VCenter } from './wire.ts'

/** What is to be copied of one disk. */
interface Part {
  readonly disk: string
  readonly bytes: number
  readonly point?: string
  readonly areas?: readonly Area[] // absent: the whole disk
  readonly why?: string // it is the whole disk
  readonly allocated?: number // bytes of a whole disk that are worth copying, as far as vCenter tells
}

export const listChanges = capability<VCenter>()({
  summary:
    'List what changed on the disks of a machine, up to a snapshot and since the points of the last copy, and write an order for a push.',
  examples: [
    'list changes of web01 in snapshot signalbox on vc01',
    'list changes of web01 in snapshot signalbox since "web01-2000=52 de c0 d9 b9 43 9d 10-61 d5 4c 1b e9 7b 65 63/4" on vc01',
  ],
  params: z.object({ machine: Name, snapshot: Name, since: Points }),
  says: (vc, { machine, snapshot, since }) =>
    `list changes of ${spoken(machine)} in snapshot ${spoken(snapshot)}${points(since)} on ${vc}`,
  sends: ({ machine, snapshot }) => [shown(String(machine), 'QueryChangedDiskAreas', [['snapshot', snapshot]])],
  effect: 'read',
  perform: async (vcenter, { params, signal }) => {
    const machine = await machineNamed(vcenter, params.machine, signal)
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$/.test(machine.name))
      throw new Refused(`a copy names its disks for the machine, and takes letters, digits and _.- only: rename ${machine.name}`)
    const snapshot = snapshotNamed(machine.snapshots, params.snapshot)
    const disks = await disksAt(vcenter, snapshot, signal)
    const parts: Part[] = []
    for (const disk of disks) {
      const question = { machine: machine.ref, snapshot: snapshot.ref, key: disk.key, bytes: disk.bytes }
      const name = `${machine.name}-${disk.key}`
      parts.push(await partOf(vcenter, question, name, disk, params.since[name], signal))
    }
    const folder = join(vcenter.settings.lists, machine.name, snapshot.ref.id.replace(/[^A-Za-z0-9_-]/g, '_'))
    const written: Order['disks'][number][] = []
    for (const [at, part] of parts.entries())
      written.push({
        disk: part.disk,
        size: part.bytes,
        source: sourceOf(vcenter.settings, machine.ref, snapshot.ref, part.disk, disks[at] as Disk),
        changed: part.areas === undefined ? null : await writeList(folder, part.disk, part.areas),
        point: part.point ?? null,
      })
    const order = {
      format: 'signalbox-order',
      version: 1,
      machine: machine.name,
      point: snapshot.ref.id,
      taken: snapshot.created,
    } as const
    const { path, digest } = await writeOrder(folder, { ...order, disks: written })
    return { order: path, digest, machine: machine.name, snapshot: snapshot.ref.id, taken: snapshot.created, ...summed(parts) }
  },
  shows: one => [
    `${one.disks} disks, ${one.wholeDisks} of them whole; ${one.changedBytes} bytes changed in ${one.areas} areas`,
    ...one.whole.map(({ disk, why }) => `${disk} whole: ${why}`),
    `order ${one.order}, SHA-256 ${one.digest}`,
  ],
})

/** The disks as they were at the snapshot. One that the snapshot leaves out would be missing from the copy, so it stops everything. */
async function disksAt(vcenter: VCenter, { ref, name }: Snapshot, signal: AbortSignal): Promise<readonly Disk[]> {
  const properties = { VirtualMachineSnapshot: ['config.hardware.device'] }
  const [found, ...more] = await retrieve(vcenter, { from: () => ref, itself: true, properties }, signal)
  const devices = found?.values.get('config.hardware.device')
  if (!found || more.length > 0 || found.ref.id !== ref.id || !devices) throw new Misread(`this is not the snapshot ${name}`, '')
  const disks = disksIn(devices)
  const left = disks.find(one => one.unprotectable !== undefined)
  if (left) throw new Refused(`${left.label} cannot be copied from a snapshot: ${left.unprotectable}`)
  if (disks.length === 0) throw new Refused(`snapshot ${name} holds no disk`)
  return disks
}

async function partOf(
  vcenter: VCenter,
  question: Omit<Question, 'since'>,
  disk: string,
  { bytes, changeId }: Disk,
  since: string | undefined,
  signal: AbortSignal,
): Promise<Part> {
  if (changeId !== undefined && pointIn(changeId) === undefined)
    throw new Misread(`the change id of ${disk} is no change id`, changeId)
  const part = { disk, bytes, ...(changeId === undefined ? {} : { point: changeId }) }
  const why = whyWhole(changeId, since)
  if (why === undefined && since !== undefined)
    return { ...part, areas: await changedAreas(vcenter, { ...question, since }, signal) }
  // What is allocated says how much a whole copy holds, and is no list to copy by: what lies between may have been something before.
  const allocated =
    changeId === undefined ? undefined : sum(await changedAreas(vcenter, { ...question, since: ALLOCATED }, signal))
  return { ...part, why: why ?? 'no point was given', ...(allocated === undefined ? {} : { allocated }) }
}

/** devices/vsphere-esxi.md A3 to A5: why changes cannot be told, or undefined when they can. */
export function whyWhole(changeId: string | undefined, since: string | undefined): string | undefined {
  if (changeId === undefined) return 'its changes are not tracked yet'
  if (since === undefined) return 'no point was given'
  const [now, then] = [pointIn(changeId), pointIn(since)]
  if (!now || !then || now.tracking !== then.tracking) return 'its tracking was begun anew since'
  if (now.count < then.count) return 'it was reverted since'
  return undefined
}

const sum = (areas: readonly Area[]): number => areas.reduce((bytes, { length }) => bytes + length, 0)

const summed = (parts: readonly Part[]) => {
  const areas = parts.flatMap(part => part.areas ?? [])
  const whole = parts.filter(part => part.areas === undefined)
  return {
    disks: parts.length,
    areas: areas.length,
    changedBytes: sum(areas),
    wholeDisks: whole.length,
    wholeBytes: whole.reduce((bytes, part) => bytes + part.bytes, 0),
    whole: whole.map(({ disk, why = '', allocated }) => ({ disk, why, ...(allocated === undefined ? {} : { allocated }) })),
    points: Object.fromEntries(parts.flatMap(({ disk, point }) => (point === undefined ? [] : [[disk, point]]))),
  }
}

/** `since "web01-2000=52 .../4, web01-2001=52 .../9"`, and nothing when no disk has a point. */
function points(since: unknown): string {
  if (typeof since === 'string') return ` since ${since}`
  const named = Object.entries(Object(since) as Readonly<Record<string, unknown>>)
  return named.length === 0 ? '' : ` since "${named.map(([disk, point]) => `${disk}=${String(point)}`).join(', ')}"`
}
