import type { Image, Instance, Machine, Snapshot, Task, Volume } from './machine.ts'
import type { Xml } from './query.ts'

const CODES: Readonly<Record<string, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
}
export const stateXml = (name: string): Xml => ({ code: CODES[name] ?? 0, name })
const tagSet = (tags: Readonly<Record<string, string>>): Xml => Object.entries(tags).map(([key, value]) => ({ key, value }))
const WHEN = '2026-11-20T10:28:00.000Z'

export function instanceXml(machine: Machine, one: Instance): Xml {
  const attached = Object.values(machine.volumes).filter(it => it.attachment?.instance === one.id)
  return {
    instanceId: one.id,
    imageId: one.image,
    instanceState: stateXml(one.state),
    instanceType: one.type,
    placement: { availabilityZone: one.zone, tenancy: 'default' },
    platformDetails: 'Linux/UNIX',
    subnetId: one.subnet,
    privateIpAddress: '10.0.1.5',
    ipAddress: one.publicIp,
    architecture: 'x86_64',
    rootDeviceType: one.rootType,
    rootDeviceName: one.rootDevice,
    virtualizationType: 'hvm',
    launchTime: WHEN,
    blockDeviceMapping: attached.map(it => ({
      deviceName: it.attachment?.device,
      ebs: { volumeId: it.id, status: it.attachment?.state, attachTime: WHEN, deleteOnTermination: one.deletes[it.id] === true },
    })),
    networkInterfaceSet:
      one.publicIp === undefined
        ? []
        : [{ association: { publicIp: one.publicIp, ipOwnerId: one.elastic ? '123456789012' : 'amazon' } }],
    productCodes: one.marketplace ? [{ productCode: 'abcdefghijk', type: 'marketplace' }] : [],
    tagSet: tagSet(one.tags),
  }
}

export const attachmentXml = (one: Volume): Xml =>
  one.attachment && {
    volumeId: one.id,
    instanceId: one.attachment.instance,
    device: one.attachment.device,
    status: one.attachment.state,
    attachTime: WHEN,
    deleteOnTermination: false,
  }

export const volumeXml = (one: Volume) => ({
  volumeId: one.id,
  size: one.gib,
  snapshotId: one.snapshot ?? '',
  availabilityZone: one.zone,
  status: one.state,
  createTime: WHEN,
  attachmentSet: one.attachment ? [attachmentXml(one)] : [],
  volumeType: one.type,
  iops: one.iops,
  throughput: one.throughput,
  encrypted: one.encrypted,
  kmsKeyId: one.key,
  multiAttachEnabled: false,
  tagSet: tagSet(one.tags),
})

export const snapshotXml = (one: Snapshot) => ({
  snapshotId: one.id,
  volumeId: one.volume ?? 'vol-ffffffff', // what EC2 shows where there is no volume
  status: one.state,
  startTime: WHEN,
  progress: one.progress === 0 ? '' : `${one.progress}%`,
  ownerId: '123456789012',
  volumeSize: one.gib,
  description: one.description,
  encrypted: false,
  tagSet: tagSet(one.tags),
})

export const imageXml = (one: Image): Xml => ({
  imageId: one.id,
  name: one.name,
  imageState: one.state,
  imageOwnerId: '123456789012',
  architecture: one.architecture,
  bootMode: one.boot,
  rootDeviceType: 'ebs',
  rootDeviceName: '/dev/sda1',
  virtualizationType: 'hvm',
  enaSupport: true,
  blockDeviceMapping: one.disks.map(({ device, snapshot }) => ({
    deviceName: device,
    ebs: { snapshotId: snapshot, deleteOnTermination: true },
  })),
  tagSet: tagSet(one.tags),
})

export const taskXml = (one: Task) => ({
  importTaskId: one.id,
  imageId: one.image,
  status: one.state,
  statusMessage: one.says === '' ? undefined : one.says,
  progress: one.progress === 0 || one.progress === 100 ? undefined : String(one.progress), // without a % sign, and not at the end
})
