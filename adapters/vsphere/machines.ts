import { Misread, Refused } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { type Disk, disksIn } from './disks.ts'
import { nxHidden } from './nx.ts'
import { type Found, retrieve } from './properties.ts'
import { type Snapshot, snapshotsIn } from './snapshots.ts'
import type { Ref } from './soap.ts'
import { type Task, tasksAmong } from './tasks.ts'
import { booleanIn, instantIn, needed, oneOf, textIn } from './values.ts'
import type { VCenter } from './wire.ts'

export type Power = 'poweredOn' | 'poweredOff' | 'suspended'

/** A machine in one line. What vCenter does not say about it is absent: a machine that cannot be reached has no configuration. */
export interface Summary {
  readonly ref: Ref
  readonly name: string
  readonly power: Power
  readonly tracking?: boolean
  readonly tools?: string // guestToolsRunning, guestToolsNotRunning, guestToolsExecutingScripts
}

export interface Machine extends Summary {
  readonly hardware?: number // its virtual hardware: 13 for vmx-13
  readonly trackable?: boolean // the hardware can track changes
  readonly disks: readonly Disk[]
  readonly snapshots: readonly Snapshot[]
  readonly consolidation?: boolean // whether disks have to be consolidated
  readonly booted?: Millis
  readonly hidesNx?: true // a CPU mask hides NX from the guest
  readonly configured: boolean // its configuration can be read
  readonly tasks: readonly Task[] // that go on, or did a moment ago
}

const SUMMARY = ['name', 'runtime.powerState', 'config.changeTrackingEnabled', 'guest.toolsRunningStatus']
/** `config.extraConfig` is left out on purpose: people keep passwords in it. */
const ALL = [
  ...SUMMARY,
  'config.version',
  'capability.changeTrackingSupported',
  'config.hardware.device',
  'config.cpuFeatureMask',
  'snapshot',
  'runtime.consolidationNeeded',
  'runtime.bootTime',
]

export async function allMachines(vcenter: VCenter, signal: AbortSignal): Promise<readonly Summary[]> {
  const found = await retrieve(vcenter, everyone(SUMMARY), signal)
  return found.map(summaryIn).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

/** The one machine of this name, with the tasks that go on about it, all from one moment. */
export async function machineNamed(vcenter: VCenter, name: string, signal: AbortSignal): Promise<Machine> {
  const named = (await retrieve(vcenter, everyone(['name']), signal)).filter(({ values }) => textIn(values.get('name')) === name)
  const [one, ...more] = named
  if (!one) throw new Refused(`there is no machine ${name}`)
  if (more.length > 0)
    throw new Refused(
      `${more.length + 1} machines have the name ${name} (${named.map(({ ref }) => ref.id).join(', ')}): rename one of them`,
    )
  const found = await retrieve(
    vcenter,
    { from: () => one.ref, along: 'recentTask', itself: true, properties: { VirtualMachine: ALL, Task: ['info'] } },
    signal,
  )
  const [machine, ...others] = found.filter(({ ref }) => ref.kind === 'VirtualMachine')
  if (!machine || others.length > 0 || machine.ref.id !== one.ref.id) throw new Misread(`this is not the machine ${name}`, '')
  return { ...machineIn(machine), tasks: tasksAmong(found) }
}

const everyone = (paths: readonly string[]) =>
  ({
    from: (known: { readonly machines: Ref }) => known.machines,
    along: 'view',
    itself: false,
    properties: { VirtualMachine: paths },
  }) as const

export function summaryIn({ ref, values }: Found): Summary {
  if (ref.kind !== 'VirtualMachine') throw new Misread(`${ref.kind} is not a machine`, '')
  const tracking = booleanIn(values.get('config.changeTrackingEnabled'), 'whether changes are tracked')
  const tools = textIn(values.get('guest.toolsRunningStatus'))
  const power = oneOf(
    values.get('runtime.powerState'),
    ['poweredOn', 'poweredOff', 'suspended'] as const,
    'whether a machine is on',
  )
  return {
    ref,
    name: needed(textIn(values.get('name')), 'the name of a machine'),
    power: needed(power, 'whether a machine is on'),
    ...(tracking === undefined ? {} : { tracking }),
    ...(tools ? { tools } : {}),
  }
}

export function machineIn(found: Found): Omit<Machine, 'tasks'> {
  const { values } = found
  const [, version] = /^vmx-(\d{1,3})$/.exec(values.get('config.version')?.text ?? '') ?? []
  const trackable = booleanIn(values.get('capability.changeTrackingSupported'), 'whether changes can be tracked')
  const consolidation = booleanIn(values.get('runtime.consolidationNeeded'), 'whether disks have to be consolidated')
  const booted = instantIn(values.get('runtime.bootTime'), 'when a machine was started')
  return {
    ...summaryIn(found),
    ...(version === undefined ? {} : { hardware: Number(version) }),
    ...(trackable === undefined ? {} : { trackable }),
    disks: disksIn(values.get('config.hardware.device')),
    snapshots: snapshotsIn(values.get('snapshot')),
    ...(consolidation === undefined ? {} : { consolidation }),
    ...(booted === undefined ? {} : { booted }),
    ...(nxHidden(values.get('config.cpuFeatureMask')) ? { hidesNx: true as const } : {}),
    configured: values.has('config.hardware.device'),
  }
}

/** The free bytes of these datastores, by their id. A datastore that does not say is left out. */
export async function freeOn(
  vcenter: VCenter,
  stores: readonly Ref[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const free = new Map<string, number>()
  for (const store of new Map(stores.map(one => [one.id, one])).values()) {
    const found = await retrieve(
      vcenter,
      { from: () => store, itself: true, properties: { Datastore: ['summary.freeSpace'] } },
      signal,
    )
    const value = found.find(({ ref }) => ref.id === store.id)?.values.get('summary.freeSpace')
    const bytes = value === undefined || !/^\d{1,16}$/.test(value.text) ? undefined : Number(value.text)
    if (bytes !== undefined) free.set(store.id, bytes)
  }
  return free
}
