import { held } from './disks.ts'
import { begin, type MachineState, type SnapshotState, type TaskState, type VCenterState } from './vcenter.ts'

/** What each task comes to once it is over: a result, or the name of a fault. */
type Outcome = { readonly result?: string } | { readonly fault: string }

const OK: Outcome = {}
const no = (fault: string): Outcome => ({ fault })

/** The methods that answer with a task. Whether one is possible shows at its end, as in the captures (20-PowerOffVM_Task-again-task). */
export const EFFECTS: Readonly<Record<string, (center: VCenterState, machine: MachineState, task: TaskState) => Outcome>> = {
  ReconfigVM_Task(_, machine, { args }) {
    const wanted = args['changeTrackingEnabled'] === 'true'
    if (wanted === machine.tracking) return OK
    machine.tracking = wanted
    machine.begun = 'not'
    for (const disk of machine.disks) delete disk.tracking
    return OK
  },
  CreateSnapshot_Task(center, machine, { args }) {
    if (args['quiesce'] === 'true' && machine.power === 'poweredOn' && !machine.tools) return no('ApplicationQuiesceFault')
    if (machine.snapshots.length >= 32) return no('TooManySnapshots')
    const disks = machine.disks.filter(held)
    for (const disk of disks) if (disk.tracking !== undefined) disk.count++
    const snapshot: SnapshotState = {
      id: center.id('snapshot'),
      name: args['name'] ?? '',
      created: center.kept.now,
      quiesced: args['quiesce'] === 'true',
      ...(machine.current === undefined ? {} : { parent: machine.current }),
      disks: disks.map(({ key, file, tracking, count }) => ({
        key,
        file,
        count,
        ...(tracking === undefined ? {} : { tracking }),
      })),
    }
    machine.snapshots.push(snapshot)
    machine.current = snapshot.id
    if (machine.tracking && machine.begun === 'not') machine.begun = 'armed'
    return { result: snapshot.id }
  },
  RemoveSnapshot_Task(center, machine, { entity }) {
    const gone = machine.snapshots.find(one => one.id === entity.id)
    if (!gone) return no('ManagedObjectNotFound')
    machine.snapshots = machine.snapshots.filter(one => one !== gone)
    for (const one of machine.snapshots)
      if (one.parent === gone.id) {
        if (gone.parent === undefined) delete one.parent
        else one.parent = gone.parent
      }
    if (machine.current === gone.id) {
      if (gone.parent === undefined) delete machine.current
      else machine.current = gone.parent
    }
    if (machine.begun === 'armed') begin(machine, center.id('t'))
    return OK
  },
  ConsolidateVMDisks_Task(_, machine) {
    machine.consolidation = false
    return OK
  },
  PowerOnVM_Task(center, machine) {
    if (machine.power === 'poweredOn') return no('InvalidPowerState')
    machine.power = 'poweredOn'
    machine.booted = center.kept.now
    if (machine.tracking && machine.begun !== 'yes') begin(machine, center.id('t'))
    return OK
  },
  PowerOffVM_Task(_, machine) {
    if (machine.power !== 'poweredOn') return no('InvalidPowerState')
    machine.power = 'poweredOff'
    delete machine.booted
    return OK
  },
}

/** Ends every task whose time has come. */
export function settle(center: VCenterState): void {
  const { kept } = center
  const before = kept.tasks.filter(task => task.state === 'running').length
  for (const task of kept.tasks) {
    if (task.state !== 'running' || kept.now < task.began + task.takes) continue
    const machine = kept.machines.find(one => one.id === task.machine)
    const failing = center.failing.get(task.method)
    center.failing.delete(task.method)
    const outcome =
      failing !== undefined || !machine ? no(failing ?? 'ManagedObjectNotFound') : EFFECTS[task.method]!(center, machine, task)
    task.state = 'fault' in outcome ? 'error' : 'success'
    if ('fault' in outcome) task.error = outcome.fault
    else if (outcome.result !== undefined) task.result = outcome.result
  }
  if (center.forgets()) kept.tasks = kept.tasks.filter(task => task.state === 'running')
  if (before > 0) center.keep()
}
