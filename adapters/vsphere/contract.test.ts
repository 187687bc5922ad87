import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Bench, Scenario } from '../../src/kit/contract.ts'
import { contract } from '../../src/kit/contract.ts'
import type { Capability } from '../../src/kit/device.ts'
import { parse } from '../../src/language/parse.ts'
import vsphere from './index.ts'
import { type MachineInState, type Simulation, type State, simulate } from './simulator.ts'

/** The way to a state, in capabilities of the adapter itself. */
const after =
  (...steps: readonly (readonly [keyof typeof vsphere.capabilities, Params])[]) =>
  async ({ settings }: Simulation) => {
    const vcenter = vsphere.connect(vsphere.settings.parse(settings), 'vc01' as Target)
    for (const [name, params] of steps)
      await (vsphere.capabilities[name] as Capability).perform(vcenter, {
        intent: 'R1/prepare/1' as IntentId,
        params,
        signal: AbortSignal.timeout(5_000),
        go: () => {},
      })
    await vcenter.close()
  }

const web01 = { machine: 'web01' }
const signalbox = { ...web01, snapshot: 'signalbox' }
const created = ['createSnapshot', { ...signalbox, quiesce: false }] as const
const removed = ['removeSnapshot', signalbox] as const
const MIB = 1024 * 1024

const field = (result: unknown, name: string): unknown => (result as Record<string, unknown>)[name]
const has = (fields: Readonly<Record<string, unknown>>) => (result: unknown) =>
  Object.entries(fields).every(([name, value]) => JSON.stringify(field(result, name)) === JSON.stringify(value))

const reading = (
  params: Params,
  holds: (result: unknown) => boolean,
  prepare?: Scenario<Simulation>['prepare'],
): Scenario<Simulation> => ({ params, ...(prepare ? { prepare } : {}), shows: ({ result }) => holds(result) })
const changing = (
  params: Params,
  holds: (web01: MachineInState, state: State) => boolean,
  prepare?: Scenario<Simulation>['prepare'],
): Scenario<Simulation> => ({
  params,
  ...(prepare ? { prepare } : {}),
  shows: ({ after: state }) => holds((state as State).machines['web01']!, state as State),
})

/** A task that goes on until somebody pushes the clock, and whoever began it does not wait for its end. */
const snapshotting = async ({ settings, center }: Simulation): Promise<void> => {
  center.pace(60_000)
  const vcenter = vsphere.connect(vsphere.settings.parse(settings), 'vc01' as Target)
  const leave = new AbortController()
  const params = { ...signalbox, quiesce: false }
  const begun = vsphere.capabilities.createSnapshot
    .perform(vcenter, { intent: 'R1/prepare/1' as IntentId, params, signal: leave.signal, go: () => {} })
    .catch(() => {})
  await vi.waitUntil(() => center.kept.tasks.length > 0, { timeout: 5_000, interval: 5 })
  leave.abort()
  await begun
  await vcenter.close()
}
/** The first task of a simulator: it counts from vm-69 on, and there are two machines. */
const task = { task: 'task-71' }

const bench: Bench<Simulation> = {
  target: 'vc01',
  patience: 1_000, // a change follows a login and two looks, five requests in all
  simulate: () => simulate({ folder: mkdtempSync(join(tmpdir(), 'vsphere-')) }),
  scenarios: {
    machines: reading({}, has({ count: 2, poweredOn: 2 })),
    machine: reading(web01, has({ power: 'poweredOn', disks: 2, snapshots: 0, hardware: 13, hidesNx: false })),
    disks: reading(
      web01,
      result => field(result, 'count') === 2 && field(result, 'tracked') === 2,
      ({ center }) => center.track('web01'),
    ),
    snapshots: reading(web01, has({ count: 1 }), after(created)),
    tasks: reading({}, has({ count: 2, ongoing: 0, failed: 0 }), after(created, removed)),
    task: { ...reading(task, has({ state: 'running', of: 'web01' }), snapshotting), later: ({ center }) => center.push(20_000) },
    protection: reading(
      web01,
      has({ ready: true, tracked: 2, snapshots: 0 }),
      after(['enableTracking', web01], created, removed),
    ),
    listChanges: reading(
      { ...signalbox, since: {} },
      has({ disks: 2, wholeDisks: 2, changedBytes: 0, wholeBytes: 19 * MIB }),
      async simulation => {
        simulation.center.track('web01')
        simulation.center.write('web01', 2000, 0, 5 * MIB)
        await after(created)(simulation)
      },
    ),
    enableTracking: changing(web01, now => now.tracking && now.begun === 'not'),
    disableTracking: changing(
      web01,
      now => !now.tracking,
      ({ center }) => center.track('web01'),
    ),
    createSnapshot: changing({ ...signalbox, quiesce: true }, now => now.snapshots.join() === 'signalbox quiesced'),
    removeSnapshot: changing(
      { ...web01, snapshot: 'parent' },
      now => now.snapshots.join() === 'signalbox',
      after(['createSnapshot', { ...web01, snapshot: 'parent', quiesce: false }], created),
    ),
    dropSnapshot: changing(
      { ...web01, snapshot: 'signalbox-protect' },
      now => now.snapshots.length === 0,
      after(['createSnapshot', { ...web01, snapshot: 'signalbox-protect', quiesce: false }]),
    ),
    consolidate: changing(
      web01,
      now => !now.consolidation,
      ({ center }) => {
        center.machine('web01').consolidation = true
      },
    ),
    powerOn: changing(web01, now => now.power === 'poweredOn', after(['powerOff', web01])),
    powerOff: changing(web01, now => now.power === 'poweredOff'),
    shutDown: changing(web01, now => now.power === 'poweredOff'),
    cancelTask: changing(task, (now, state) => state.cancelled === 1 && now.snapshots.length === 0, snapshotting),
  },
}

contract(vsphere, bench, sentence => {
  const read = parse(sentence, { targets: new Map([[bench.target, { kind: vsphere.name }]]) })
  return 'command' in read && read.command.kind === 'act' ? read.command.wish : read
})
