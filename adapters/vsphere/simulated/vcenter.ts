import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bytes, Millis } from '../../../src/kit/units.ts'
import { beginTracking, type DiskState, diskOf, held, write } from './disks.ts'

export interface SnapshotState {
  readonly id: string
  readonly name: string
  readonly created: Millis
  readonly quiesced: boolean
  parent?: string
  readonly disks: readonly { readonly key: number; readonly file: string; readonly tracking?: string; readonly count: number }[]
}

export interface MachineState {
  readonly id: string
  readonly name: string
  power: 'poweredOn' | 'poweredOff' | 'suspended'
  tools: boolean
  hardware: number
  tracking: boolean
  begun: 'not' | 'armed' | 'yes' // armed: a snapshot was created since tracking was turned on, and not removed yet
  consolidation: boolean
  hidesNx: boolean
  booted?: Millis
  readonly disks: DiskState[]
  snapshots: SnapshotState[]
  current?: string
}

export interface TaskState {
  readonly id: string
  readonly method: string
  readonly machine: string
  readonly entity: { readonly kind: string; readonly id: string }
  readonly args: Readonly<Record<string, string>>
  readonly began: Millis
  readonly takes: Millis
  state: 'running' | 'success' | 'error'
  error?: string
  cancelled?: true
  result?: string
}

interface Kept {
  machines: MachineState[]
  tasks: TaskState[]
  next: number
  now: Millis
}

/** What a simulated vCenter has, kept in its folder, and the knobs that only tests turn. Time stands still but for `push`. */
export interface VCenterState {
  readonly kept: Kept
  readonly window: Bytes // how much of a disk one answer of QueryChangedDiskAreas covers
  readonly failing: Map<string, string> // method -> the fault its next task ends in
  id(kind: string): string
  machine(name: string): MachineState
  /** How long tasks take from now on. */
  pace(takes: Millis): void
  takes(): Millis
  push(by: Millis): void
  /** Tracking on, and begun: as after the first snapshot. */
  track(name: string): void
  /** Tracking begins anew, as after a crash of the host. */
  reset(name: string): void
  write(name: string, key: number, offset: Bytes, length: Bytes): void
  /** Tasks are forgotten from now on as soon as they are over. */
  forget(): void
  forgets(): boolean
  keep(): void
}

const BEGAN: Millis = Date.UTC(2026, 0, 5, 8)

export function vcenterIn(folder: string, machines: Readonly<Record<string, readonly Bytes[]>>, window: Bytes): VCenterState {
  const file = join(folder, 'vcenter.json')
  const kept: Kept = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as Kept)
    : { machines: [], tasks: [], next: 69, now: BEGAN }
  const id = (kind: string): string => `${kind}-${kept.next++}`
  const keep = (): void => {
    writeFileSync(`${file}.draft`, JSON.stringify(kept))
    renameSync(`${file}.draft`, file)
  }
  if (kept.machines.length === 0)
    for (const [name, sizes] of Object.entries(machines)) kept.machines.push(newMachine(id('vm'), name, sizes))
  let [pace, forgets] = [0, false]
  const machine = (name: string): MachineState => {
    const one = kept.machines.find(it => it.name === name)
    if (!one) throw new Error(`the simulator has no machine ${name}`)
    return one
  }
  keep()
  return {
    kept,
    window,
    failing: new Map(),
    id,
    machine,
    pace: takes => {
      pace = takes
    },
    takes: () => pace,
    push: by => {
      kept.now += by
    },
    track: name => {
      machine(name).tracking = true
      begin(machine(name), id('t'))
      keep()
    },
    reset: name => {
      begin(machine(name), id('t'))
      keep()
    },
    write: (name, key, offset, length) => {
      const disk = machine(name).disks.find(it => it.key === key)
      if (!disk) throw new Error(`${name} has no disk ${key}`)
      write(disk, offset, length)
      keep()
    },
    forget: () => {
      forgets = true
      kept.tasks = kept.tasks.filter(task => task.state === 'running')
    },
    forgets: () => forgets,
    keep,
  }
}

const newMachine = (id: string, name: string, sizes: readonly Bytes[]): MachineState => ({
  id,
  name,
  power: 'poweredOn',
  tools: true,
  hardware: 13,
  tracking: false,
  begun: 'not',
  consolidation: false,
  hidesNx: false,
  booted: BEGAN,
  disks: sizes.map((bytes, at) => diskOf(name, 2000 + at, bytes)),
  snapshots: [],
})

export function begin(machine: MachineState, seed: string): void {
  machine.begun = 'yes'
  for (const disk of machine.disks) if (held(disk)) beginTracking(disk, `${machine.id} ${seed}`)
}
