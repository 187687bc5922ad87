import type { Image, Instance, Machine, Volume } from './machine.ts'
import { No, type Query, tagsIn, type Xml } from './query.ts'
import { attachmentXml, instanceXml, snapshotXml, stateXml, taskXml, volumeXml } from './views.ts'

/** Checks, calls `accept`, takes effect, answers. A no comes before `accept`. */
export type Doing = (query: Query, machine: Machine, accept: () => void) => Xml

const required = (query: Query, name: string): string => {
  const value = query.get(name)
  if (value === undefined) throw new No('MissingParameter', `The request must contain the parameter ${name}`)
  return value
}
const found = <T>(one: T | undefined, code: string, id: string): T => {
  if (one === undefined) throw new No(code, `The ID '${id}' does not exist`)
  return one
}
const instanceIn = (machine: Machine, id: string): Instance => found(machine.instances[id], 'InvalidInstanceID.NotFound', id)
const volumeIn = (machine: Machine, id: string): Volume => found(machine.volumes[id], 'InvalidVolume.NotFound', id)
const snapshotIn = (machine: Machine, id: string) => found(machine.snapshots[id], 'InvalidSnapshot.NotFound', id)
const YES: Xml = { return: true }

/** Setting the same state again is a yes, as EC2 has it. */
const moving =
  (from: readonly string[], to: string, already: readonly string[]): Doing =>
  (query, machine, accept) => {
    const one = instanceIn(machine, required(query, 'InstanceId.1'))
    if (!from.includes(one.state) && !already.includes(one.state))
      throw new No('IncorrectInstanceState', `The instance '${one.id}' is not in a state from which it can be ${to}.`)
    if (to === 'stopping' && one.rootType === 'instance-store')
      throw new No(
        'UnsupportedOperation',
        `The instance '${one.id}' does not have an 'ebs' root device type and cannot be stopped`,
      )
    accept()
    const before = one.state
    if (from.includes(before)) one.state = to
    if (to === 'pending') one.checks = 'initializing'
    if (to === 'shutting-down')
      for (const it of Object.values(machine.volumes))
        if (it.attachment?.instance === one.id) {
          delete it.attachment
          it.state = one.deletes[it.id] ? 'deleting' : 'available'
        }
    return { instancesSet: [{ instanceId: one.id, currentState: stateXml(one.state), previousState: stateXml(before) }] }
  }

export const CHANGES: Readonly<Record<string, Doing>> = {
  StopInstances: moving(['running'], 'stopping', ['stopping', 'stopped']),
  StartInstances: moving(['stopped'], 'pending', ['pending', 'running']),
  TerminateInstances: moving(['pending', 'running', 'stopping', 'stopped'], 'shutting-down', ['shutting-down', 'terminated']),

  ModifyInstanceAttribute(query, machine, accept) {
    const one = instanceIn(machine, required(query, 'InstanceId'))
    const device = required(query, 'BlockDeviceMapping.1.DeviceName')
    const at = Object.values(machine.volumes).find(it => it.attachment?.instance === one.id && it.attachment.device === device)
    if (!at) throw new No('InvalidInstanceAttributeValue', `No device is currently mapped at ${device}`)
    accept()
    one.deletes[at.id] = query.get('BlockDeviceMapping.1.Ebs.DeleteOnTermination') === 'true'
    return YES
  },

  CreateTags(query, machine, accept) {
    const [id, key] = [required(query, 'ResourceId.1'), required(query, 'Tag.1.Key')]
    const one = machine.instances[id] ?? machine.volumes[id] ?? machine.snapshots[id] ?? machine.images[id]
    if (!one) throw new No('InvalidID', `The ID '${id}' is not valid`)
    accept()
    one.tags[key] = query.get('Tag.1.Value') ?? ''
    return YES
  },

  RunInstances(query, machine, accept) {
    const image = found(machine.images[required(query, 'ImageId')], 'InvalidAMIID.NotFound', query.get('ImageId') ?? '')
    const subnet = query.get('SubnetId') ?? query.get('NetworkInterface.1.SubnetId') ?? 'subnet-0b02'
    const id = machine.once(query.get('ClientToken'), query.text, () => {
      accept()
      const made = machine.next('i')
      const deletes: Record<string, boolean> = {}
      for (const { device, snapshot } of image.disks) {
        const volume = fromSnapshot(machine, machine.next('vol'), snapshot, 'eu-west-1a', tagsIn(query, 'volume'))
        machine.volumes[volume.id] = { ...volume, state: 'in-use', attachment: { instance: made, device, state: 'attached' } }
        deletes[volume.id] = true
      }
      const isPublic = subnet === 'subnet-0b02' && query.get('NetworkInterface.1.AssociatePublicIpAddress') !== 'false'
      machine.instances[made] = {
        id: made,
        state: 'pending',
        type: required(query, 'InstanceType'),
        zone: 'eu-west-1a',
        image: image.id,
        subnet,
        rootDevice: '/dev/sda1',
        rootType: 'ebs',
        ...(isPublic ? { publicIp: '203.0.113.99' } : {}),
        checks: 'initializing',
        deletes,
        tags: tagsIn(query, 'instance'),
      }
      return made
    })
    return { reservationId: 'r-0b02', instancesSet: [instanceXml(machine, instanceIn(machine, id))] }
  },

  CreateVolume(query, machine, accept) {
    const zone = required(query, 'AvailabilityZone')
    if (!/^eu-west-1[a-c]$/.test(zone)) throw new No('InvalidZone.NotFound', `The zone '${zone}' does not exist.`)
    const from = query.get('SnapshotId')
    if (from !== undefined) snapshotIn(machine, from)
    const id = machine.once(query.get('ClientToken'), query.text, () => {
      accept()
      const made = machine.next('vol')
      const key = query.get('KmsKeyId')
      machine.volumes[made] = {
        ...(from === undefined ? blank : fromSnapshot(machine, made, from, zone, {})),
        id: made,
        state: 'creating',
        gib: Number(required(query, 'Size')),
        zone,
        type: query.get('VolumeType') ?? 'gp2',
        iops: Number(query.get('Iops') ?? 3_000),
        throughput: Number(query.get('Throughput') ?? 125),
        encrypted: query.get('Encrypted') === 'true',
        ...(key === undefined ? {} : { key }),
        tags: tagsIn(query, 'volume'),
      }
      return made
    })
    return volumeXml(volumeIn(machine, id))
  },

  AttachVolume(query, machine, accept) {
    const [volume, instance] = [
      volumeIn(machine, required(query, 'VolumeId')),
      instanceIn(machine, required(query, 'InstanceId')),
    ]
    const device = required(query, 'Device')
    if (volume.state !== 'available') throw new No('VolumeInUse', `${volume.id} is already attached to an instance`)
    if (volume.zone !== instance.zone)
      throw new No('InvalidVolume.ZoneMismatch', `The volume '${volume.id}' is not in the same availability zone`)
    if (Object.values(machine.volumes).some(it => it.attachment?.instance === instance.id && it.attachment.device === device))
      throw new No(
        'InvalidParameterValue',
        `Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`,
      )
    if (!['running', 'stopped'].includes(instance.state))
      throw new No('IncorrectState', `Instance '${instance.id}' is not 'running' or 'stopped'.`)
    accept()
    volume.attachment = { instance: instance.id, device, state: 'attaching' }
    volume.state = 'in-use'
    return attachmentXml(volume)
  },

  DetachVolume(query, machine, accept) {
    const volume = volumeIn(machine, required(query, 'VolumeId'))
    if (!volume.attachment) throw new No('IncorrectState', `Volume '${volume.id}' is in the 'available' state.`)
    const instance = instanceIn(machine, volume.attachment.instance)
    if (volume.attachment.device === instance.rootDevice && instance.state !== 'stopped')
      throw new No('OperationNotPermitted', `Unable to detach root volume '${volume.id}' from instance '${instance.id}'`)
    accept()
    volume.attachment.state = 'detaching'
    return attachmentXml(volume)
  },

  DeleteVolume(query, machine, accept) {
    const volume = volumeIn(machine, required(query, 'VolumeId'))
    if (volume.attachment)
      throw new No('VolumeInUse', `Volume ${volume.id} is currently attached to ${volume.attachment.instance}`)
    accept()
    volume.state = 'deleting'
    return YES
  },

  CreateSnapshot(query, machine, accept) {
    const volume = volumeIn(machine, required(query, 'VolumeId'))
    accept()
    const id = machine.next('snap')
    machine.snapshots[id] = {
      id,
      state: 'pending',
      progress: 0,
      gib: volume.gib,
      volume: volume.id,
      description: query.get('Description') ?? '',
      tags: tagsIn(query, 'snapshot'),
      blocks: { ...volume.blocks },
      written: {},
      open: false,
    }
    return snapshotXml(machine.snapshots[id])
  },

  DeleteSnapshot(query, machine, accept) {
    const one = snapshotIn(machine, required(query, 'SnapshotId'))
    const user = Object.values(machine.images).find(it => it.disks.some(disk => disk.snapshot === one.id))
    if (user) throw new No('InvalidSnapshot.InUse', `The snapshot ${one.id} is currently in use by ${user.id}`)
    accept()
    delete machine.snapshots[one.id]
    return YES
  },

  RegisterImage(query, machine, accept) {
    const name = required(query, 'Name')
    if (Object.values(machine.images).some(it => it.name === name))
      throw new No('InvalidAMIName.Duplicate', `AMI name ${name} is already in use by AMI`)
    const disks = Array.from({ length: query.count('BlockDeviceMapping') }, (_, at) => ({
      device: required(query, `BlockDeviceMapping.${at + 1}.DeviceName`),
      snapshot: snapshotIn(machine, required(query, `BlockDeviceMapping.${at + 1}.Ebs.SnapshotId`)).id,
    }))
    accept()
    const [id, boot] = [machine.next('ami'), query.get('BootMode')]
    const architecture = query.get('Architecture') ?? 'i386'
    const image: Image = { id, name, state: 'pending', architecture, disks, tags: tagsIn(query, 'image') }
    machine.images[id] = boot === undefined ? image : { ...image, boot }
    return { imageId: id }
  },

  DeregisterImage(query, machine, accept) {
    const id = required(query, 'ImageId')
    found(machine.images[id], 'InvalidAMIID.NotFound', id)
    accept()
    delete machine.images[id]
    return YES
  },

  ImportImage(query, machine, accept) {
    const source = `s3://${required(query, 'DiskContainer.1.UserBucket.S3Bucket')}/${required(query, 'DiskContainer.1.UserBucket.S3Key')}`
    const id = machine.once(query.get('ClientToken'), query.text, () => {
      accept()
      const made = machine.next('import-ami')
      machine.tasks[made] = { id: made, state: 'active', says: 'pending', progress: 1, source }
      return made
    })
    return taskXml(found(machine.tasks[id], 'InvalidConversionTaskId', id))
  },

  CancelImportTask(query, machine, accept) {
    const id = required(query, 'ImportTaskId')
    const one = found(machine.tasks[id], 'InvalidConversionTaskId', id)
    if (one.state !== 'active') throw new No('IncorrectState', `The task ${id} is ${one.state}`)
    accept()
    Object.assign(one, { state: 'deleting', says: 'User initiated task cancelation' })
    return { importTaskId: id, previousState: 'active', state: 'deleting' }
  },
}

const blank = { blocks: {} }

function fromSnapshot(machine: Machine, id: string, from: string, zone: string, tags: Record<string, string>): Volume {
  const { gib, blocks } = snapshotIn(machine, from)
  return { id, state: 'creating', gib, zone, type: 'gp3', snapshot: from, encrypted: false, blocks: { ...blocks }, tags }
}
