import { escaped, type Ref } from '../soap.ts'
import { child, children, type Element } from '../xml.ts'
import { changeIdOf, type DiskState } from './disks.ts'
import { instant, node, plain, reference, text, typed, value } from './print.ts'
import type { MachineState, SnapshotState, TaskState, VCenterState } from './vcenter.ts'

export const STORE: Ref = { kind: 'Datastore', id: 'datastore-15' }
export const VIEW: Ref = { kind: 'ContainerView', id: 'session[simulated]machines' }
export const vmRef = ({ id }: { readonly id: string }): Ref => ({ kind: 'VirtualMachine', id })

/** The objects that a RetrievePropertiesEx asks for, printed; or the object that there is not. */
export function retrieved(
  center: VCenterState,
  request: Element,
): { readonly objects: readonly string[] } | { readonly missing: Ref } {
  const spec = child(request, 'specSet')
  const start = child(spec, 'objectSet', 'obj')
  const from: Ref = { kind: start?.kind ?? '', id: start?.text ?? '' }
  const along = child(spec, 'objectSet', 'selectSet', 'path')?.text
  const wanted = new Map(
    children(spec ?? request, 'propSet').map(one => [
      child(one, 'type')?.text ?? '',
      children(one, 'pathSet').map(path => path.text),
    ]),
  )
  const itself = child(spec, 'objectSet', 'skip')?.text !== 'true'
  if (!known(center, from)) return { missing: from }
  const refs = [...(itself ? [from] : []), ...(along === undefined ? [] : reached(center, from, along))]
  const objects = refs.map(ref =>
    node(
      'objects',
      reference('obj', ref),
      ...(wanted.get(ref.kind) ?? []).flatMap(path => {
        const printed = property(center, ref, path)
        return printed === undefined ? [] : [node('propSet', text('name', path), printed)]
      }),
    ),
  )
  return { objects }
}

const known = ({ kept }: VCenterState, { kind, id }: Ref): boolean =>
  kind === 'Task'
    ? kept.tasks.some(one => one.id === id)
    : kind === 'VirtualMachine'
      ? kept.machines.some(one => one.id === id)
      : kind === 'VirtualMachineSnapshot'
        ? kept.machines.some(one => one.snapshots.some(it => it.id === id))
        : [VIEW.id, STORE.id, 'TaskManager'].includes(id)

function reached({ kept }: VCenterState, from: Ref, along: string): readonly Ref[] {
  if (along === 'view') return kept.machines.map(vmRef)
  return kept.tasks
    .filter(task => from.kind === 'TaskManager' || task.machine === from.id)
    .map(({ id }): Ref => ({ kind: 'Task', id }))
}

function property(center: VCenterState, { kind, id }: Ref, path: string): string | undefined {
  const { machines, tasks } = center.kept
  const machine = machines.find(one => one.id === id)
  if (machine) return ofMachine(machine, path)
  if (kind === 'Datastore') return path === 'summary.freeSpace' ? plain('long', 64 * 1024 ** 3) : undefined
  const task = tasks.find(one => one.id === id)
  if (task) return value('TaskInfo', ...taskInfo(center, task))
  for (const owner of machines) {
    const snapshot = owner.snapshots.find(one => one.id === id)
    if (snapshot && path === 'config.hardware.device') return devices(owner, snapshot)
  }
  return undefined
}

function ofMachine(machine: MachineState, path: string): string | undefined {
  switch (path) {
    case 'name':
      return plain('string', machine.name)
    case 'runtime.powerState':
      return value('VirtualMachinePowerState', machine.power)
    case 'runtime.bootTime':
      return machine.booted === undefined ? undefined : plain('dateTime', instant(machine.booted))
    case 'runtime.consolidationNeeded':
      return plain('boolean', machine.consolidation)
    case 'config.changeTrackingEnabled':
      return plain('boolean', machine.tracking)
    case 'capability.changeTrackingSupported':
      return plain('boolean', machine.hardware >= 7)
    case 'config.version':
      return plain('string', `vmx-${String(machine.hardware).padStart(2, '0')}`)
    case 'guest.toolsRunningStatus':
      return plain('string', machine.tools && machine.power === 'poweredOn' ? 'guestToolsRunning' : 'guestToolsNotRunning')
    case 'config.cpuFeatureMask':
      return machine.hidesNx ? value('ArrayOfHostCpuIdInfo', typed('HostCpuIdInfo', 'HostCpuIdInfo', ...NX_MASK)) : undefined
    case 'config.hardware.device':
      return devices(machine)
    case 'snapshot':
      return machine.snapshots.length === 0 ? undefined : tree(machine)
    default:
      return undefined
  }
}

const NX_MASK = [text('level', -2_147_483_647), text('edx', '----:----:---0:----:----:----:----:----')]

/** The devices now, or as a snapshot holds them. */
function devices(machine: MachineState, snapshot?: SnapshotState): string {
  const controller = typed('VirtualDevice', 'ParaVirtualSCSIController', text('key', 1000), text('busNumber', 0))
  const disks = snapshot
    ? snapshot.disks.flatMap(held =>
        machine.disks.filter(disk => disk.key === held.key).map(disk => printed(disk, held.file, changeIdOf(held))),
      )
    : machine.disks.map(disk =>
        printed(disk, machine.snapshots.length === 0 ? disk.file : delta(disk, machine), changeIdOf(disk)),
      )
  return value('ArrayOfVirtualDevice', controller, ...disks)
}

const delta = ({ file }: DiskState, { snapshots }: MachineState): string =>
  file.replace(/\.vmdk$/, `-${String(snapshots.length).padStart(6, '0')}.vmdk`)

const printed = (disk: DiskState, file: string, changeId: string | undefined): string =>
  typed(
    'VirtualDevice',
    'VirtualDisk',
    text('key', disk.key),
    typed('deviceInfo', 'Description', text('label', `Hard disk ${disk.key - 1999}`), text('summary', `${disk.bytes / 1024} KB`)),
    typed(
      'backing',
      disk.physical ? 'VirtualDiskRawDiskMappingVer1BackingInfo' : 'VirtualDiskFlatVer2BackingInfo',
      text('fileName', file),
      reference('datastore', STORE),
      text('diskMode', disk.mode),
      ...(disk.physical ? [text('compatibilityMode', 'physicalMode')] : [text('thinProvisioned', true)]),
      ...(changeId === undefined ? [] : [text('changeId', changeId)]),
    ),
    text('controllerKey', 1000),
    text('unitNumber', disk.key - 2000),
    text('capacityInKB', Math.floor(disk.bytes / 1024)),
    text('capacityInBytes', disk.bytes),
  )

function tree(machine: MachineState): string {
  const below = (parent: string | undefined, list: string): readonly string[] =>
    machine.snapshots
      .filter(one => one.parent === parent)
      .map(one =>
        node(
          list,
          reference('snapshot', { kind: 'VirtualMachineSnapshot', id: one.id }),
          reference('vm', vmRef(machine)),
          text('name', one.name),
          text('description', ''),
          text('id', Number(one.id.replace(/\D/g, ''))),
          text('createTime', instant(one.created)),
          text('state', machine.power),
          text('quiesced', one.quiesced),
          ...below(one.id, 'childSnapshotList'),
          text('replaySupported', false),
        ),
      )
  const current =
    machine.current === undefined ? [] : [reference('currentSnapshot', { kind: 'VirtualMachineSnapshot', id: machine.current })]
  return value('VirtualMachineSnapshotInfo', ...current, ...below(undefined, 'rootSnapshotList'))
}

function taskInfo({ kept }: VCenterState, task: TaskState): readonly string[] {
  const name = task.method.replace(/_Task$/, '')
  const done = task.takes === 0 ? 100 : Math.min(99, Math.floor(((kept.now - task.began) / task.takes) * 100))
  const { error, result } = task
  return [
    text('key', task.id),
    reference('task', { kind: 'Task', id: task.id }),
    text('name', name),
    text('descriptionId', `${task.entity.kind}.${name.charAt(0).toLowerCase()}${name.slice(1)}`),
    reference('entity', task.entity),
    text('entityName', kept.machines.find(one => one.id === task.machine)?.name ?? ''),
    text('state', task.state),
    text('cancelled', task.cancelled === true),
    text('cancelable', task.state === 'running'),
    ...(error === undefined ? [] : [node('error', typed('fault', error), text('localizedMessage', `simulated ${error}`))]),
    ...(result === undefined
      ? []
      : [`<result XMLSchema-instance:type="ManagedObjectReference" type="VirtualMachineSnapshot">${escaped(result)}</result>`]),
    ...(task.state === 'running' ? [text('progress', done)] : []),
    typed('reason', 'TaskReasonUser', text('userName', 'signalbox')),
    text('queueTime', instant(task.began)),
    text('eventChainId', 0),
  ]
}
