import { capability } from '../../src/kit/device.ts'
import type { Bytes } from '../../src/kit/units.ts'
import { type InstanceAnswer, type SnapshotAnswer, statusesIn, typesIn, type VolumeAnswer } from './answers.ts'
import { bytesOf, Nothing, OneImage, OneInstance, OneSnapshot, OneTask, OneVolume } from './params.ts'
import { Denied } from './trouble.ts'
import { allImages, allInstances, allVolumes, imageOf, instanceOf, nameOf, rootOf, snapshotOf, taskOf, volumeOf } from './view.ts'
import { type Region, request } from './wire.ts'

const on = capability<Region>()

export const instances = on({
  summary: 'Show the instances.',
  examples: ['show instances on aws01'],
  params: Nothing,
  says: target => `show instances on ${target}`,
  sends: () => ['DescribeInstances'],
  effect: 'read',
  perform: async (region, { signal }) => {
    const all = (await allInstances(region, signal)).map(instanceView)
    return { instances: all, count: all.length, running: all.filter(one => one.state === 'running').length }
  },
  shows: ({ instances }) =>
    instances.length === 0
      ? ['no instance']
      : instances.map(
          one => `${one.instance}${one.name === undefined ? '' : ` (${one.name})`}: ${one.state}, ${one.type}, ${one.zone}`,
        ),
})

export const instance = on({
  summary: 'Show one instance, its root volume, its addresses and its status checks.',
  examples: ['show instance i-0abc on aws01', 'show instance web01 on aws01'],
  params: OneInstance,
  says: (target, { instance }) => `show instance ${instance} on ${target}`,
  sends: ({ instance }) => [`DescribeInstances ${instance}`, `DescribeInstanceStatus ${instance}`, 'DescribeInstanceTypes'],
  effect: 'read',
  perform: async (region, { params, signal }) => {
    const one = await instanceOf(region, params.instance, signal)
    const checks = await checksOf(region, one.InstanceId, signal)
    const instanceStore = await hasInstanceStore(region, one.InstanceType, signal)
    return { ...instanceView(one), ...checks, ...(instanceStore === undefined ? {} : { instanceStore }) }
  },
})

export const volumes = on({
  summary: 'Show the volumes.',
  examples: ['show volumes on aws01'],
  params: Nothing,
  says: target => `show volumes on ${target}`,
  sends: () => ['DescribeVolumes'],
  effect: 'read',
  perform: async (region, { signal }) => {
    const all = (await allVolumes(region, signal)).map(volumeView)
    return { volumes: all, count: all.length, free: all.filter(one => one.state === 'available').length }
  },
  shows: ({ volumes }) =>
    volumes.length === 0
      ? ['no volume']
      : volumes.map(
          one =>
            `${one.volume}: ${one.state}, ${one.gib} GiB, ${one.zone}${one.instance === undefined ? '' : `, ${one.instance} ${one.device}`}`,
        ),
})

export const volume = on({
  summary: 'Show one volume, and what it is attached to.',
  examples: ['show volume vol-0abc on aws01'],
  params: OneVolume,
  says: (target, { volume }) => `show volume ${volume} on ${target}`,
  sends: ({ volume }) => [`DescribeVolumes ${volume}`],
  effect: 'read',
  perform: async (region, { params, signal }) => volumeView(await volumeOf(region, params.volume, signal)),
})

export const snapshot = on({
  summary: 'Show one snapshot, and how far it has come.',
  examples: ['show snapshot snap-0abc on aws01'],
  params: OneSnapshot,
  says: (target, { snapshot }) => `show snapshot ${snapshot} on ${target}`,
  sends: ({ snapshot }) => [`DescribeSnapshots ${snapshot}`],
  effect: 'read',
  perform: async (region, { params, signal }) => snapshotView(await snapshotOf(region, params.snapshot, signal)),
  progress: ({ state, done }) => ({ ...(done === undefined ? {} : { done }), note: state }),
})

export const images = on({
  summary: 'Show our own images.',
  examples: ['show images on aws01'],
  params: Nothing,
  says: target => `show images on ${target}`,
  sends: () => ['DescribeImages, our own'],
  effect: 'read',
  perform: async (region, { signal }) => {
    const all = (await allImages(region, signal)).map(imageView)
    return { images: all, count: all.length }
  },
  shows: ({ images }) =>
    images.length === 0 ? ['no image'] : images.map(one => `${one.image}: ${one.state}, ${one.name ?? 'without a name'}`),
})

export const image = on({
  summary: 'Show one image, and the snapshots it is made of.',
  examples: ['show image ami-0abc on aws01'],
  params: OneImage,
  says: (target, { image }) => `show image ${image} on ${target}`,
  sends: ({ image }) => [`DescribeImages ${image}`],
  effect: 'read',
  perform: async (region, { params, signal }) => imageView(await imageOf(region, params.image, signal)),
})

export const importTask = on({
  summary: 'Show an import: its state is completed, or failed when EC2 has deleted it and says why.',
  examples: ['show import import-ami-0abc on aws01'],
  params: OneTask,
  says: (target, { task }) => `show import ${task} on ${target}`,
  sends: ({ task }) => [`DescribeImportImageTasks ${task}`],
  effect: 'read',
  perform: async (region, { params, signal }) => {
    const one = await taskOf(region, params.task, signal)
    const done = shareIn(one.Progress)
    return {
      task: one.ImportTaskId,
      // EC2 has no word for a failure: the task is "deleted", and the message says why.
      state: ['deleted', 'deleting'].includes(one.Status) ? 'failed' : one.Status,
      status: one.Status,
      ok: one.Status === 'completed',
      ...(one.StatusMessage === undefined ? {} : { says: one.StatusMessage }),
      ...(one.ImageId === undefined ? {} : { image: one.ImageId }),
      ...(done === undefined ? {} : { done }),
    }
  },
  progress: ({ state, says, done }) => ({ ...(done === undefined ? {} : { done }), note: says ?? state }),
})

export function instanceView(one: InstanceAnswer) {
  const root = rootOf(one)
  const addresses = one.NetworkInterfaces.flatMap(it => (it.Association ? [it.Association] : []))
  // An address that Amazon lends is owned by "amazon"; an Elastic IP by an account.
  const elastic = addresses.find(it => it.IpOwnerId !== undefined && it.IpOwnerId !== 'amazon')?.PublicIp
  return given({
    instance: one.InstanceId,
    name: nameOf(one),
    state: one.State.Name,
    type: one.InstanceType,
    zone: one.Placement.AvailabilityZone,
    image: one.ImageId,
    rootDevice: one.RootDeviceName,
    rootType: one.RootDeviceType,
    rootVolume: root?.VolumeId,
    deleteOnTermination: root?.DeleteOnTermination,
    volumes: one.BlockDeviceMappings.flatMap(it => (it.Ebs ? [it.Ebs.VolumeId] : [])).length,
    virtualization: one.VirtualizationType,
    platform: one.PlatformDetails ?? one.Platform,
    publicIp: one.PublicIpAddress,
    elasticIp: elastic,
    privateIp: one.PrivateIpAddress,
    subnet: one.SubnetId,
    autoScaling: one.Tags.find(it => it.Key === 'aws:autoscaling:groupName')?.Value,
  })
}

function volumeView(one: VolumeAnswer) {
  const attachments = one.Attachments.filter(it => it.State !== 'detached').map(it =>
    given({ instance: it.InstanceId, device: it.Device, state: it.State }),
  )
  return given({
    volume: one.VolumeId,
    state: one.State,
    gib: one.Size,
    bytes: bytesOf(one.Size) as Bytes,
    zone: one.AvailabilityZone,
    type: one.VolumeType,
    attachments: attachments.length,
    // A multi-attach volume may have more of them; the first is named, and the count tells.
    instance: attachments[0]?.instance,
    device: attachments[0]?.device,
    attachment: attachments[0]?.state ?? 'none',
    snapshot: one.SnapshotId === '' ? undefined : one.SnapshotId,
    encrypted: one.Encrypted,
    key: one.KmsKeyId,
  })
}

function snapshotView(one: SnapshotAnswer) {
  return given({
    snapshot: one.SnapshotId,
    state: one.State ?? 'not said',
    done: shareIn(one.Progress),
    says: one.StateMessage === '' ? undefined : one.StateMessage,
    gib: one.VolumeSize,
    bytes: bytesOf(one.VolumeSize) as Bytes,
    volume: one.VolumeId,
    description: one.Description === '' ? undefined : one.Description,
    encrypted: one.Encrypted,
  })
}

function imageView(one: Awaited<ReturnType<typeof imageOf>>) {
  const snapshots = one.BlockDeviceMappings.flatMap(it => (it.Ebs?.SnapshotId === undefined ? [] : [it.Ebs.SnapshotId]))
  const root = one.BlockDeviceMappings.find(it => it.DeviceName === one.RootDeviceName)?.Ebs?.SnapshotId
  return given({
    image: one.ImageId,
    name: one.Name,
    state: one.State,
    says: one.StateReason?.Message,
    architecture: one.Architecture,
    boot: one.BootMode,
    rootDevice: one.RootDeviceName,
    snapshot: root,
    snapshots: snapshots.length,
  })
}

/** "ok" only where EC2 says so: a stopped instance has no checks, and one that is starting is "initializing". */
async function checksOf(region: Region, id: string, signal: AbortSignal) {
  const asked = request('DescribeInstanceStatus', { InstanceIds: [id], IncludeAllInstances: true })
  const one = (await region.ask(asked, statusesIn, signal)).InstanceStatuses.find(it => it.InstanceId === id)
  const [system, guest] = [one?.SystemStatus.Status, one?.InstanceStatus.Status]
  return { ...given({ systemCheck: system, instanceCheck: guest }), ok: system === 'ok' && guest === 'ok' }
}

/** Whether its type has disks that forget; undefined where we may not ask, or EC2 does not say. */
export async function hasInstanceStore(region: Region, type: string, signal: AbortSignal): Promise<boolean | undefined> {
  try {
    const asked = request('DescribeInstanceTypes', { InstanceTypes: [type as never] }) // the SDK lists those of its day
    const { InstanceTypes } = await region.ask(asked, typesIn, signal)
    return InstanceTypes.find(it => it.InstanceType === type)?.InstanceStorageSupported
  } catch (error) {
    if (error instanceof Denied) return undefined
    throw error
  }
}

/** "2", "100%" or nothing at all: a share, if it is one. */
export function shareIn(progress: string | undefined): number | undefined {
  const [, percent] = /^\s*(\d{1,3}(?:\.\d+)?)\s*%?\s*$/.exec(progress ?? '') ?? []
  const share = percent === undefined ? Number.NaN : Number(percent) / 100
  return share >= 0 && share <= 1 ? share : undefined
}

/** What EC2 did not say is absent. */
type Given<T> = { readonly [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> } & {
  readonly [K in keyof T as undefined extends T[K] ? never : K]: T[K]
}
const given = <T extends object>(fields: T): Given<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>
