import { capability } from '../../src/kit/device.ts'
import { allMachines, type Machine, machineNamed } from './machines.ts'
import { Nothing, OneMachine, OneTask, spoken } from './params.ts'
import type { Snapshot } from './snapshots.ts'
import { shown } from './soap.ts'
import { ongoing, recentTasks, type Task, taskNamed } from './tasks.ts'
import type { VCenter } from './wire.ts'

const on = capability<VCenter>()
const look = ({ machine }: { readonly machine: string }): readonly string[] => [shown(machine, 'RetrievePropertiesEx')]

export const machines = on({
  summary: 'Show the machines.',
  examples: ['show vms on vc01'],
  params: Nothing,
  says: vc => `show vms on ${vc}`,
  sends: () => [shown('machines', 'RetrievePropertiesEx')],
  effect: 'read',
  perform: async (vcenter, { signal }) => {
    const all = await allMachines(vcenter, signal)
    const machines = all.map(({ ref, ...one }) => ({ ...one, ref: ref.id }))
    return { machines, count: all.length, poweredOn: all.filter(one => one.power === 'poweredOn').length }
  },
  shows: ({ machines }) =>
    machines.length === 0
      ? ['no machine']
      : machines.map(one => `${one.name}: ${one.power}${one.tracking === true ? ', changes are tracked' : ''}`),
})

export const machine = on({
  summary: 'Show one machine.',
  examples: ['show vm web01 on vc01'],
  params: OneMachine,
  says: (vc, { machine }) => `show vm ${spoken(machine)} on ${vc}`,
  sends: look,
  effect: 'read',
  perform: async (vcenter, { params, signal }) => described(await machineNamed(vcenter, params.machine, signal)),
  shows: one => [
    `${one.machine} (${one.ref}): ${one.power}${one.hardware === undefined ? '' : `, hardware version ${one.hardware}`}`,
    `VMware Tools: ${one.tools ?? 'not said'}`,
    `change tracking: ${one.tracking === undefined ? 'not said' : one.tracking ? `on, ${one.tracked} of ${one.disks} disks are tracked` : 'off'}`,
    `${one.disks} disks of ${one.bytes} bytes, ${one.snapshots} snapshots`,
    ...(one.consolidationNeeded === true ? ['its disks have to be consolidated'] : []),
    ...one.unprotectable,
    ...(one.hidesNx ? ['a CPU mask hides NX from the guest'] : []),
    ...one.ongoing.map(task => `going on: ${task}`),
  ],
})

/** A machine in fields that a gate can compare. */
function described(one: Machine) {
  return {
    machine: one.name,
    ref: one.ref.id,
    power: one.power,
    ...(one.tools === undefined ? {} : { tools: one.tools, toolsRunning: one.tools === 'guestToolsRunning' }),
    ...(one.hardware === undefined ? {} : { hardware: one.hardware }),
    ...(one.tracking === undefined ? {} : { tracking: one.tracking }),
    ...(one.trackable === undefined ? {} : { trackable: one.trackable }),
    tracked: one.disks.filter(disk => disk.changeId !== undefined).length,
    disks: one.disks.length,
    bytes: one.disks.reduce((bytes, disk) => bytes + disk.bytes, 0),
    snapshots: one.snapshots.length,
    ...(one.consolidation === undefined ? {} : { consolidationNeeded: one.consolidation }),
    unprotectable: one.disks.flatMap(disk => (disk.unprotectable === undefined ? [] : [`${disk.label}: ${disk.unprotectable}`])),
    hidesNx: one.hidesNx === true,
    ongoing: one.tasks.filter(ongoing).map(task => task.task),
  }
}

export const disks = on({
  summary: 'Show the disks of a machine: key, capacity, file, mode and change id.',
  examples: ['show disks of web01 on vc01'],
  params: OneMachine,
  says: (vc, { machine }) => `show disks of ${spoken(machine)} on ${vc}`,
  sends: look,
  effect: 'read',
  perform: async (vcenter, { params, signal }) => {
    const one = await machineNamed(vcenter, params.machine, signal)
    const disks = one.disks.map(({ datastore, ...disk }) => ({ ...disk, ...(datastore ? { datastore: datastore.id } : {}) }))
    return { disks, count: disks.length, tracked: disks.filter(disk => disk.changeId !== undefined).length }
  },
  shows: ({ disks }) =>
    disks.length === 0
      ? ['no disk']
      : disks.map(
          one =>
            `${one.key} ${one.label}: ${one.bytes} bytes${one.file === undefined ? '' : `, ${one.file}`}${one.mode === undefined ? '' : `, ${one.mode}`}${one.changeId === undefined ? ', no change id' : `, ${one.changeId}`}`,
        ),
})

export const snapshots = on({
  summary: 'Show the snapshots of a machine, children below their parents.',
  examples: ['show snapshots of web01 on vc01'],
  params: OneMachine,
  says: (vc, { machine }) => `show snapshots of ${spoken(machine)} on ${vc}`,
  sends: look,
  effect: 'read',
  perform: async (vcenter, { params, signal }) => {
    const one = await machineNamed(vcenter, params.machine, signal)
    return { snapshots: one.snapshots.map(({ ref, ...it }) => ({ ...it, ref: ref.id })), count: one.snapshots.length }
  },
  shows: ({ snapshots }) => (snapshots.length === 0 ? ['no snapshot'] : snapshots.map(branch)),
})

const branch = ({ name, ref, created, quiesced, depth, current }: Omit<Snapshot, 'ref'> & { readonly ref: string }): string =>
  `${'  '.repeat(depth)}${name} (${ref}), ${new Date(created).toISOString()}${quiesced ? ', quiesced' : ''}${current ? ', current' : ''}`

export const tasks = on({
  summary: 'Show the tasks that go on or have ended a moment ago.',
  examples: ['show tasks on vc01'],
  params: Nothing,
  says: vc => `show tasks on ${vc}`,
  sends: () => [shown('TaskManager', 'RetrievePropertiesEx')],
  effect: 'read',
  perform: async (vcenter, { signal }) => {
    const tasks = await recentTasks(vcenter, signal)
    return {
      tasks,
      count: tasks.length,
      ongoing: tasks.filter(ongoing).length,
      failed: tasks.filter(one => one.state === 'error').length,
    }
  },
  shows: ({ tasks }) => (tasks.length === 0 ? ['no task'] : tasks.map(inLine)),
})

export const task = on({
  summary: 'Show one task, and how far it has come.',
  examples: ['show task task-86 on vc01'],
  params: OneTask,
  says: (vc, { task }) => `show task ${task} on ${vc}`,
  sends: ({ task }) => [shown(task, 'RetrievePropertiesEx')],
  effect: 'read',
  perform: (vcenter, { params, signal }) => taskNamed(vcenter, params.task, signal),
  shows: one => [inLine(one)],
  progress: ({ state, progress }) => ({
    ...(state === 'success' ? { done: 1 } : progress === undefined ? {} : { done: progress / 100 }),
    note: state,
  }),
})

const inLine = (one: Task): string =>
  `${one.task} ${one.what}${one.of === undefined ? '' : ` of ${one.of}`}: ${one.state}${one.progress === undefined ? '' : `, ${one.progress} %`}${one.error === undefined ? '' : `, ${one.error}`}`
