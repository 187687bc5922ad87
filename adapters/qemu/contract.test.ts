import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Bench, Scenario } from '../../src/kit/contract.ts'
import { contract } from '../../src/kit/contract.ts'
import type { Capability } from '../../src/kit/device.ts'
import { parse } from '../../src/language/parse.ts'
import qemu from './index.ts'
import { type Simulation, type State, simulate } from './simulator.ts'

/** The way to a state, in capabilities of the adapter itself. */
const after =
  (...steps: readonly (readonly [keyof typeof qemu.capabilities, Params])[]) =>
  async ({ settings }: Simulation) => {
    const monitor = qemu.connect(settings, 'vm01' as Target)
    for (const [name, params] of steps)
      await (qemu.capabilities[name] as Capability).perform(monitor, {
        intent: 'R1/prepare/1' as IntentId,
        params,
        signal: AbortSignal.timeout(5_000),
        go: () => {},
      })
    await monitor.close()
  }

const mig1 = { job: 'mig1' }
const track = { node: 'disk0', bitmap: 'gen0' }
const file = ['attachFile', { file: '/srv/new0.img', node: 'new0', format: 'raw' }] as const
const overlay = ['attachFile', { file: '/srv/ov0.qcow2', node: 'ov0', format: 'overlay' }] as const
const fleece = ['attachFile', { file: '/srv/fl0.qcow2', node: 'fl0', format: 'overlay', over: 'disk0' }] as const
const mirror = ['mirror', { source: 'disk0', target: 'new0', job: 'mig1', writes: 'blocking' }] as const
const snapshot = ['snapshot', { node: 'disk0', overlay: 'ov0' }] as const
const commit = ['commit', { overlay: 'ov0', job: 'mig1' }] as const
const bitmap = ['addBitmap', { ...track, persistent: false }] as const

const field = (result: unknown, name: string): unknown => (result as Record<string, unknown>)[name]
const stateIn = (seen: unknown): State => seen as State

const reading = (
  params: Params,
  holds: (result: unknown) => boolean,
  prepare?: Scenario<Simulation>['prepare'],
): Scenario<Simulation> => ({
  params,
  ...(prepare ? { prepare } : {}),
  shows: ({ result }) => holds(result),
})
const changing = (
  params: Params,
  holds: (now: State) => boolean,
  prepare?: Scenario<Simulation>['prepare'],
): Scenario<Simulation> => ({ params, ...(prepare ? { prepare } : {}), shows: seen => holds(stateIn(seen.after)) })

const SLOW = ['pause', 'job', 'copy']

const bench: Bench<Simulation> = {
  target: 'vm01',
  simulate: async capability => {
    const simulation = await simulate({ folder: mkdtempSync(join(tmpdir(), 'qemu-')) })
    // Here the copy has to be under way; everywhere else it is done at once.
    if (SLOW.includes(capability)) simulation.machine.pace(3)
    return simulation
  },
  scenarios: {
    nodes: reading({}, result => field(result, 'count') === 1),
    exports: reading({}, result => field(result, 'count') === 1),
    devices: reading({}, result => field(result, 'count') === 0),
    jobs: reading({}, result => field(result, 'count') === 1 && field(result, 'faults') === 0, after(file, mirror)),
    job: {
      ...reading(mig1, result => field(result, 'source') === 'disk0' && field(result, 'target') === 'new0', after(file, mirror)),
      later: ({ machine }) => machine.push(),
    },
    cutoverReady: reading(
      mig1,
      result => field(result, 'ready') === true && field(result, 'whole') === true && field(result, 'exports') === 1,
      after(file, mirror),
    ),
    preflight: reading(
      { source: 'disk0', target: 'new0' },
      result => field(result, 'sourceBytes') === 1024 * 1024 && field(result, 'exports') === 1,
      after(file),
    ),
    copy: {
      ...reading(
        mig1,
        result => field(result, 'state') === 'running' && field(result, 'trouble') === undefined,
        after(file, mirror),
      ),
      later: ({ machine }) => machine.push(),
    },
    goOn: changing(mig1, now => now.jobs['mig1'] === 'ready', after(file, mirror, ['pause', mig1])),
    mirrorBack: changing(
      { source: 'new0', target: 'disk0', job: 'back1' },
      now => now.jobs['back1'] === 'ready',
      after(file, mirror, ['cutOver', mig1]),
    ),
    abandon: changing(
      mig1,
      now => now.jobs['mig1'] === 'Operation canceled' && now.exports['exp0'] === 'disk0',
      after(file, mirror),
    ),
    forget: changing(mig1, now => !('mig1' in now.jobs), after(file, mirror, ['cancel', mig1])),
    release: changing({ node: 'new0' }, now => !('new0' in now.nodes), after(file)),
    bitmaps: reading({ node: 'disk0' }, result => field(result, 'count') === 1 && field(result, 'unusable') === 0, after(bitmap)),
    events: reading({}, result => field(result, 'errors') === 0),
    version: reading({}, result => field(result, 'version') === '7.2.22'),
    mirror: changing(mirror[1], now => now.jobs['mig1'] === 'ready', after(file)),
    setSpeed: changing({ ...mig1, speed: 50_000_000 }, now => now.speeds['mig1'] === 50_000_000, after(file, mirror)),
    pause: changing(mig1, now => now.jobs['mig1'] === 'paused', after(file, mirror)),
    resume: changing(mig1, now => now.jobs['mig1'] === 'ready', after(file, mirror, ['pause', mig1])),
    cancel: changing(
      mig1,
      now => now.jobs['mig1'] === 'Operation canceled' && now.exports['exp0'] === 'disk0',
      after(file, mirror),
    ),
    split: changing(mig1, now => now.jobs['mig1'] === 'concluded' && now.exports['exp0'] === 'disk0', after(file, mirror)),
    cutOver: changing(mig1, now => now.jobs['mig1'] === 'concluded' && now.exports['exp0'] === 'new0', after(file, mirror)),
    rollBack: changing(
      { job: 'back1' },
      now => now.jobs['back1'] === 'concluded' && now.exports['exp0'] === 'disk0',
      after(
        file,
        mirror,
        ['cutOver', mig1],
        ['dismiss', mig1],
        ['mirror', { source: 'new0', target: 'disk0', job: 'back1', writes: 'blocking' }],
      ),
    ),
    finishCommit: changing(
      mig1,
      now => now.jobs['mig1'] === 'concluded' && now.exports['exp0'] === 'disk0',
      after(overlay, snapshot, commit),
    ),
    dismiss: changing(mig1, now => !('mig1' in now.jobs), after(file, mirror, ['cancel', mig1])),
    attachFile: changing(file[1], now => now.nodes['new0'] === ''),
    attachNbd: changing({ where: '/run/array2.sock', node: 'new0' }, now => now.nodes['new0'] === ''),
    attachIscsi: changing(
      { target: 'iqn.2026-01.lab:luna', lun: 1, portal: '192.0.2.7:3260', node: 'new0' },
      now => now.nodes['new0'] === '',
    ),
    detach: changing({ node: 'new0' }, now => !('new0' in now.nodes), after(file)),
    snapshot: changing(snapshot[1], now => now.nodes['ov0'] === 'disk0' && now.exports['exp0'] === 'ov0', after(overlay)),
    commit: changing(commit[1], now => now.jobs['mig1'] === 'ready', after(overlay, snapshot)),
    exportNode: changing({ node: 'fl0', export: 'pit0' }, now => now.exports['pit0'] === 'fl0', after(fleece)),
    stopExport: changing(
      { export: 'pit0' },
      now => !('pit0' in now.exports),
      after(fleece, ['exportNode', { node: 'fl0', export: 'pit0' }]),
    ),
    addBitmap: changing(bitmap[1], now => now.bitmaps['disk0/gen0'] === 'recording 0'),
    disableBitmap: changing(track, now => now.bitmaps['disk0/gen0'] === 'still 0', after(bitmap)),
    clearBitmap: changing(
      track,
      now => now.bitmaps['disk0/gen0'] === 'still 0',
      async simulation => {
        await after(bitmap)(simulation)
        simulation.machine.write('exp0', 3, Buffer.alloc(65_536, 1))
        await after(['disableBitmap', track])(simulation)
      },
    ),
    removeBitmap: changing(track, now => !('disk0/gen0' in now.bitmaps), after(bitmap, ['disableBitmap', track])),
    freeze: changing(
      { node: 'disk0', into: 'fl0', job: 'pit0', bitmap: 'gen1', after: 'gen0' },
      now =>
        now.jobs['pit0'] === 'running' && now.bitmaps['disk0/gen0'] === 'still 0' && now.bitmaps['disk0/gen1'] === 'recording 0',
      after(fleece, bitmap),
    ),
  },
}

contract(qemu, bench, sentence => {
  const read = parse(sentence, { targets: new Map([[bench.target, { kind: qemu.name }]]) })
  return 'command' in read && read.command.kind === 'act' ? read.command.wish : read
})
