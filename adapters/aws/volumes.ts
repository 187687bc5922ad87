import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { exclusive, shared } from '../../src/kit/claims.ts'
import type { Call } from '../../src/kit/device.ts'
import { Misread, Refused } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { attachmentIn, type VolumeAnswer, volumeIn, yesIn } from './answers.ts'
import { about, instanceClaim, isKept, moved, on, SETTLED, type Trace, tagsFor, token } from './change.ts'
import { bytesOf, DeviceName, gibOf, InstanceName, Size, SnapshotId, sized, VolumeId, VolumeType, Zone } from './params.ts'
import { findVolume, instanceOf, rootOf, snapshotOf, snapshotsBy, volumeOf } from './view.ts'
import { type Region, request, shown } from './wire.ts'

const Creating = z.object({
  size: Size,
  zone: Zone,
  type: VolumeType.optional(),
  like: VolumeId.optional(), // type, speed, encryption and key are this volume's
  snapshot: SnapshotId.optional(),
})

export const createVolume = on({
  summary: 'Create a volume, empty or from a snapshot. Its size is rounded up to whole GiB: 40GB is 38GiB.',
  examples: [
    'create volume of 40GB in zone eu-west-1a like vol-0abc on aws01',
    'create volume of 40GiB in zone eu-west-1a on aws01',
    'create volume of 40GiB in zone eu-west-1a as gp3 from snap-0abc on aws01',
  ],
  params: Creating,
  says: (target, { size, zone, type, like, snapshot }) =>
    `create volume of ${sized(size)} in zone ${zone}${type === undefined ? '' : ` as ${type}`}${like === undefined ? '' : ` like ${like}`}${snapshot === undefined ? '' : ` from ${snapshot}`} on ${target}`,
  sends: ({ size, zone, type, like, snapshot }) => [
    `CreateVolume ${typeof size === 'number' ? gibOf(size) : size} GiB in ${zone}${type === undefined ? '' : `, ${type}`}${like === undefined ? '' : `, like ${like}`}${snapshot === undefined ? '' : `, from ${snapshot}`}`,
  ],
  effect: {
    risk: 'routine',
    claims: ({ like, snapshot }) => [
      ...(like === undefined ? [] : [shared('volume', like)]),
      ...(snapshot === undefined ? [] : [shared('snapshot', snapshot)]),
    ],
    inDoubt: { ask: 'nobody' }, // EC2 remembers the token, and answers with the same volume
  },
  perform: async (region, call) => {
    const { size, zone, snapshot } = call.params
    const gib = gibOf(size)
    const model = call.params.like === undefined ? undefined : await volumeOf(region, call.params.like, call.signal)
    if (snapshot !== undefined) {
      const from = await snapshotOf(region, snapshot, call.signal)
      if (from.State !== 'completed')
        throw new Refused(`${snapshot} is ${from.State ?? 'of no known state'}, and this wants completed`)
      if (from.VolumeSize > gib) throw new Refused(`${snapshot} is of ${from.VolumeSize} GiB, and ${gib} GiB cannot hold it`)
    }
    const asked = request('CreateVolume', {
      ClientToken: token(call),
      AvailabilityZone: zone,
      Size: gib,
      ...(snapshot === undefined ? {} : { SnapshotId: snapshot }),
      ...modelled(call.params.type, model),
      ...tagsFor(region, call, undefined, ['volume']),
    })
    const made = await region.change(asked, volumeIn, call)
    return {
      volume: made.VolumeId,
      state: made.State,
      gib: made.Size,
      bytes: bytesOf(made.Size),
      zone: made.AvailabilityZone,
      encrypted: made.Encrypted === true,
    }
  },
})

/** Another type has another speed, so only of the same type it is taken over; gp2 and the older ones have none to say. */
function modelled(type: string | undefined, model: VolumeAnswer | undefined) {
  const wanted = (type ?? model?.VolumeType) as z.infer<typeof VolumeType> | undefined
  const fast = model !== undefined && wanted === model.VolumeType && ['gp3', 'io1', 'io2'].includes(wanted ?? '')
  return {
    ...(wanted === undefined ? {} : { VolumeType: wanted }),
    ...(fast && model.Iops !== undefined ? { Iops: model.Iops } : {}),
    ...(fast && wanted === 'gp3' && model.Throughput !== undefined ? { Throughput: model.Throughput } : {}),
    ...(model?.Encrypted === true ? { Encrypted: true } : {}),
    ...(model?.Encrypted === true && model.KmsKeyId !== undefined ? { KmsKeyId: model.KmsKeyId } : {}),
  }
}

const LOOKING: Millis = 2_000
const LEAVES: Millis = 60_000

/** A volume that was detached a moment ago is on its way for some seconds: then it is waited for, and not taken for a no. */
async function settledVolume(region: Region, volume: string, signal: AbortSignal): Promise<VolumeAnswer> {
  for (let waited = 0; ; waited += LOOKING) {
    const disk = await volumeOf(region, volume, signal)
    const there = disk.Attachments.filter(one => one.State !== 'detached')
    const leaves = there.length > 0 && there.every(one => one.State === 'detaching')
    if (!leaves || waited >= LEAVES) return disk
    await pause(LOOKING, undefined, { signal })
  }
}

/** Where a volume is, seen from one instance: `leaving` and `coming` are on their way. */
function standing(volume: VolumeAnswer | undefined, instance: string): string {
  if (!volume) return 'absent'
  const there = volume.Attachments.filter(one => one.State !== 'detached')
  if (there.length === 0) return 'free'
  const here = there.find(one => one.InstanceId === instance)
  if (!here || there.length > 1) return 'elsewhere'
  return here.State === 'detaching' ? 'leaving' : here.State === 'busy' ? 'busy' : 'here'
}

const Where = z.object({ volume: VolumeId, instance: InstanceName })
const look = async (region: Region, { params, signal }: Call<z.infer<typeof Where>>): Promise<Trace> => {
  const { InstanceId } = await instanceOf(region, params.instance, signal)
  return { stands: standing(await findVolume(region, params.volume, signal), InstanceId), made: InstanceId }
}

export const attachVolume = on({
  summary: 'Attach a volume to an instance, by its id; the device must be free.',
  examples: ['attach volume vol-0abc to i-0abc as /dev/sdf on aws01', 'attach volume vol-0abc to web01 as /dev/sdf on aws01'],
  params: Where.extend({ device: DeviceName }),
  says: (target, { volume, instance, device }) => `attach volume ${volume} to ${instance} as ${device} on ${target}`,
  sends: ({ volume, instance, device }) => [
    shown(request('AttachVolume', { VolumeId: volume, InstanceId: instance, Device: device })),
  ],
  effect: {
    risk: 'disruptive',
    takes: SETTLED,
    claims: ({ volume, instance }) => [exclusive('volume', volume), instanceClaim(instance)],
    inDoubt: { ask: 'device', look: (region, call) => look(region, call), judge: moved(['free'], ['here']) },
  },
  perform: async (region, call) => {
    const { volume, device } = call.params
    const one = await instanceOf(region, call.params.instance, call.signal)
    const disk = await settledVolume(region, volume, call.signal)
    const at = disk.Attachments.find(it => it.State !== 'detached')
    if (at)
      throw new Refused(`${volume} is attached to ${at.InstanceId ?? 'something'} as ${at.Device ?? 'something'} (${at.State})`)
    if (disk.State !== 'available') throw new Refused(`${volume} is ${disk.State}, and this wants available`)
    if (disk.AvailabilityZone !== one.Placement.AvailabilityZone)
      throw new Refused(
        `${volume} is in ${disk.AvailabilityZone} and ${one.InstanceId} in ${one.Placement.AvailabilityZone}: a volume stays in its zone`,
      )
    if (!['running', 'stopped'].includes(one.State.Name))
      throw new Refused(`${one.InstanceId} is ${one.State.Name}, and this wants running or stopped`)
    const taken = one.BlockDeviceMappings.find(it => plainDevice(it.DeviceName) === plainDevice(device))
    if (taken)
      throw new Refused(
        `${device} of ${one.InstanceId} is taken: ${taken.Ebs?.VolumeId ?? 'a device'} is ${taken.DeviceName} there`,
      )
    const asked = request('AttachVolume', { VolumeId: volume, InstanceId: one.InstanceId, Device: device })
    const now = await region.change(asked, answered(volume, one.InstanceId, ['attaching', 'attached']), call)
    return { volume, instance: one.InstanceId, device, state: now }
  },
})

export const detachVolume = on({
  summary: 'Detach a volume from an instance; a root volume only while the instance is stopped. Unmount it in the guest first.',
  examples: ['detach volume vol-0abc from i-0abc on aws01', 'detach volume vol-0abc from web01 on aws01'],
  params: Where,
  says: (target, { volume, instance }) => `detach volume ${volume} from ${instance} on ${target}`,
  sends: ({ volume, instance }) => [shown(request('DetachVolume', { VolumeId: volume, InstanceId: instance }))],
  effect: {
    risk: 'disruptive',
    takes: SETTLED,
    claims: ({ volume, instance }) => [exclusive('volume', volume), instanceClaim(instance)],
    inDoubt: { ask: 'device', look, judge: moved(['here'], ['free', 'leaving', 'busy']) },
  },
  perform: async (region, call) => {
    const { volume } = call.params
    const one = await instanceOf(region, call.params.instance, call.signal)
    const disk = await volumeOf(region, volume, call.signal)
    const stands = standing(disk, one.InstanceId)
    if (stands !== 'here') throw new Refused(`${volume} is not attached to ${one.InstanceId} (${stands})`)
    if (rootOf(one)?.VolumeId === volume && one.State.Name !== 'stopped')
      throw new Refused(`${volume} is the root of ${one.InstanceId}, which is ${one.State.Name}: stop it first`)
    const device = disk.Attachments.find(it => it.InstanceId === one.InstanceId)?.Device
    const asked = request('DetachVolume', { VolumeId: volume, InstanceId: one.InstanceId })
    const now = await region.change(asked, answered(volume, one.InstanceId, ['detaching', 'detached', 'busy']), call)
    return { volume, instance: one.InstanceId, ...(device === undefined ? {} : { device }), state: now }
  },
})

export const deleteVolume = on({
  summary: 'Delete a volume that nothing uses. Without a snapshot of it only when that is said, and never when it is to be kept.',
  examples: ['delete volume vol-0abc on aws01', 'delete volume vol-0abc without a snapshot on aws01'],
  params: z.object({ volume: VolumeId, lastCopy: z.boolean() }),
  says: (target, { volume, lastCopy }) => `delete volume ${volume}${lastCopy === true ? ' without a snapshot' : ''} on ${target}`,
  sends: ({ volume }) => [shown(request('DeleteVolume', { VolumeId: volume }))],
  effect: {
    risk: 'destructive',
    takes: SETTLED,
    claims: ({ volume }) => [exclusive('volume', volume)],
    inDoubt: {
      ask: 'device',
      look: async (region, { params, signal }): Promise<Trace> => ({
        stands: (await findVolume(region, params.volume, signal))?.State ?? 'absent',
      }),
      judge: moved(['available', 'error'], ['deleting', 'deleted', 'absent']),
    },
  },
  perform: async (region, call) => {
    const { volume, lastCopy } = call.params
    const disk = await volumeOf(region, volume, call.signal)
    const at = disk.Attachments.find(it => it.State !== 'detached')
    if (at) throw new Refused(`${volume} is attached to ${at.InstanceId ?? 'something'}: detach it first`)
    if (!['available', 'error'].includes(disk.State)) throw new Refused(`${volume} is ${disk.State}, and this wants available`)
    if (isKept(disk)) throw new Refused(`${volume} has the tag signalbox:keep`)
    const copies = await snapshotsBy(region, 'volume-id', [volume], call.signal)
    const whole = copies.filter(one => one.State === 'completed' && one.VolumeId === volume)
    if (whole.length === 0 && !lastCopy)
      throw new Refused(`${volume} has no completed snapshot, so it may be the only copy: take one, or say "without a snapshot"`)
    await region.change(request('DeleteVolume', { VolumeId: volume }), yesIn('delete-volume'), call)
    return { volume, state: 'deleting', gib: disk.Size, snapshots: whole.length }
  },
})

/** The kernel calls /dev/sdf xvdf, and /dev/sda1 and /dev/sda are one disk: what meets in it is refused. */
const plainDevice = (device: string): string =>
  device
    .replace(/^\/dev\//, '')
    .replace(/^xvd/, 'sd')
    .replace(/\d+$/, '')

const answered =
  (volume: string, instance: string, states: readonly string[]) =>
  (answer: unknown): string => {
    const one = attachmentIn(answer)
    about(one.VolumeId, volume)
    about(one.InstanceId, instance)
    if (states.includes(one.State)) return one.State
    throw new Misread(`EC2 said yes, and the attachment is ${one.State}`, JSON.stringify(one))
  }
