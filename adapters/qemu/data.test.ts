import { mkdtempSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Capability } from '../../src/kit/device.ts'
import { Misread, Refused, Unreachable } from '../../src/kit/errors.ts'
import { HOSTILE } from '../../src/kit/spoilt.ts'
import qemu from './index.ts'
import { type Simulation, simulate } from './simulator.ts'
import type { Monitor } from './wire.ts'

const GRANULE = 65_536
const filled = (byte: number): Buffer => Buffer.alloc(GRANULE, byte)
const mig1 = { job: 'mig1' }

describe('data survives, on the simulator', () => {
  let folder: string
  let simulation: Simulation
  let monitor: Monitor
  const connect = (): Monitor => qemu.connect(simulation.settings, 'vm01' as Target)
  const perform = (name: keyof typeof qemu.capabilities, params: Params): Promise<Readonly<Record<string, unknown>>> =>
    (qemu.capabilities[name] as Capability).perform(monitor, {
      intent: 'R1/data/1' as IntentId,
      params,
      signal: AbortSignal.timeout(5_000),
      go: () => {},
    })
  const attach = () => perform('attachFile', { file: '/srv/new0.img', node: 'new0', format: 'raw' })
  const mirror = () => perform('mirror', { source: 'disk0', target: 'new0', job: 'mig1', writes: 'blocking' })
  const write = (granule: number, byte: number) => simulation.machine.write('exp0', granule, filled(byte))
  const read = (granule: number): number => simulation.machine.read('exp0', granule)[0] ?? -1

  const restart = async (): Promise<void> => {
    await monitor.close()
    simulation = await simulate({ folder })
    monitor = connect()
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'qemu-'))
    simulation = await simulate({ folder })
    monitor = connect()
  })
  afterEach(async () => {
    await monitor.close()
    await simulation.stop()
  })

  test('what was written before, during and after a migration is on the target', async () => {
    simulation.machine.pace(4)
    write(0, 1)
    await attach()
    await mirror()
    write(9, 2)
    for (let n = 0; n < 5; n++) simulation.machine.push()
    write(1, 3)
    expect(await perform('cutOver', mig1)).toMatchObject({ state: 'done', live: 'new0', exportsLeft: 0 })
    write(2, 4)
    expect([0, 9, 1, 2].map(read)).toEqual([1, 2, 3, 4])
  })

  test('a cutover before the target has everything is refused, and sends nothing', async () => {
    simulation.machine.pace(4)
    await attach()
    await mirror()
    const taken = simulation.ledger().length
    await expect(perform('cutOver', mig1)).rejects.toThrow(/mig1 is running.*wait until the target has everything/)
    expect(simulation.ledger()).toHaveLength(taken)
  })

  test('a roll back by a mirror that copied nothing is refused, though QEMU calls it ready', async () => {
    await attach()
    await mirror()
    await perform('cutOver', mig1)
    write(5, 7)
    simulation.machine.begin({ id: 'back1', type: 'mirror', source: 'new0', target: 'disk0', speed: 0 }, [])
    simulation.machine.push()
    expect(await perform('cutoverReady', { job: 'back1' })).toMatchObject({ ready: true, whole: false })
    const refused = perform('rollBack', { job: 'back1' })
    await expect(refused).rejects.toBeInstanceOf(Refused)
    await expect(refused).rejects.toThrow(/the target does not have the whole disk/)
    expect(read(5)).toBe(7)
  })

  test('a target that fails stops the job, people see why, and resume goes on', async () => {
    simulation.machine.pace(4)
    await attach()
    await mirror()
    simulation.machine.breakTarget('new0')
    simulation.machine.push()
    expect(await perform('jobs', {})).toMatchObject({ faults: 1, jobs: [{ state: 'fault', fault: 'failed' }] })
    expect(await perform('events', {})).toMatchObject({ errors: 1 })
    write(15, 9)
    await expect(perform('resume', mig1)).rejects.toThrow(/mend the disk/)
    simulation.machine.breakTarget(undefined)
    await perform('resume', mig1)
    for (let n = 0; n < 5; n++) simulation.machine.push()
    await perform('cutOver', mig1)
    expect(read(15)).toBe(9)
  })

  test('a target that is too small, served to others, or below another disk is refused', async () => {
    simulation.machine.files.create('/srv/small.img', GRANULE)
    await perform('attachFile', { file: '/srv/small.img', node: 'small', format: 'raw' })
    await expect(perform('mirror', { source: 'disk0', target: 'small', job: 'mig1', writes: 'blocking' })).rejects.toThrow(
      'too small',
    )
    await attach()
    await perform('exportNode', { node: 'new0', export: 'other' })
    await expect(mirror()).rejects.toThrow('export other serves it')
  })

  test('a snapshot keeps what was there, and a commit brings what was written since', async () => {
    write(1, 1)
    await perform('attachFile', { file: '/srv/ov0.qcow2', node: 'ov0', format: 'overlay' })
    await perform('snapshot', { node: 'disk0', overlay: 'ov0' })
    write(1, 2)
    expect(simulation.machine.files.read(simulation.machine.disks, 'disk0', 1)[0]).toBe(1)
    await expect(perform('mirror', { source: 'disk0', target: 'ov0', job: 'm', writes: 'blocking' })).rejects.toBeInstanceOf(
      Refused,
    )
    await perform('commit', { overlay: 'ov0', job: 'cm1' })
    await perform('finishCommit', { job: 'cm1' })
    expect([read(1), simulation.machine.exports.get('exp0')]).toEqual([2, 'disk0'])
  })

  test('a frozen point in time stays as it was, and the new bitmap has exactly what came after', async () => {
    write(3, 1)
    await perform('addBitmap', { node: 'disk0', bitmap: 'gen0', persistent: false })
    write(4, 1)
    await perform('attachFile', { file: '/srv/fl0.qcow2', node: 'fl0', format: 'overlay', over: 'disk0' })
    const frozen = await perform('freeze', { node: 'disk0', into: 'fl0', job: 'pit0', bitmap: 'gen1', after: 'gen0' })
    expect(frozen).toMatchObject({ since: 'gen0', dirty: GRANULE })
    write(3, 2)
    expect([simulation.machine.files.read(simulation.machine.disks, 'fl0', 3)[0], read(3)]).toEqual([1, 2])
    expect(simulation.state().bitmaps).toEqual({ 'disk0/gen0': 'still 1', 'disk0/gen1': 'recording 1' })
  })

  test('a bitmap that records is not cleared or removed: what it knows would be forgotten', async () => {
    await perform('addBitmap', { node: 'disk0', bitmap: 'gen0', persistent: false })
    write(4, 1)
    for (const name of ['clearBitmap', 'removeBitmap'] as const)
      await expect(perform(name, { node: 'disk0', bitmap: 'gen0' })).rejects.toThrow(/would be forgotten/)
  })

  test('after a crash a persistent bitmap is useless, and says that a full sync is due', async () => {
    await perform('addBitmap', { node: 'disk0', bitmap: 'gen0', persistent: true })
    await perform('attachFile', { file: '/srv/fl0.qcow2', node: 'fl0', format: 'overlay', over: 'disk0' })
    await simulation.kill()
    await restart()
    expect(await perform('bitmaps', { node: 'disk0' })).toMatchObject({ unusable: 1 })
    const freeze = { node: 'disk0', into: 'fl0', job: 'pit0', bitmap: 'gen1', after: 'gen0' }
    await expect(perform('freeze', freeze)).rejects.toThrow(/was in use when QEMU died.*full sync/)
    await perform('removeBitmap', { node: 'disk0', bitmap: 'gen0' })
  })

  test('an orderly restart keeps a persistent bitmap', async () => {
    await perform('addBitmap', { node: 'disk0', bitmap: 'gen0', persistent: true })
    write(2, 2)
    await simulation.stop()
    await restart()
    expect(await perform('bitmaps', { node: 'disk0' })).toMatchObject({
      unusable: 0,
      bitmaps: [{ dirty: GRANULE, recording: true }],
    })
  })
})

describe('a monitor that does not behave', () => {
  test('one that never greets is unreachable, and the words say who may hold it', async () => {
    const socket = join(mkdtempSync(join(tmpdir(), 'qemu-')), 'busy.sock')
    const server = createServer(() => {})
    await new Promise<void>(resolve => server.listen(socket, resolve))
    const monitor = qemu.connect({ socket }, 'vm01' as Target)
    const asked = qemu.capabilities.version.perform(monitor, {
      intent: 'R1/x/1' as IntentId,
      params: {},
      signal: AbortSignal.timeout(150),
      go: () => {},
    })
    await expect(asked).rejects.toBeInstanceOf(Unreachable)
    await expect(asked).rejects.toThrow(/another client may hold it/)
    await monitor.close()
    server.close()
  })
})

describe('a pasted answer', () => {
  // Captured from the storage daemon of QEMU 7.2.22 (qmp-migrate-back-mirror.jsonl).
  const captured =
    '{"return":[{"auto-finalize":true,"io-status":"ok","device":"mig1","auto-dismiss":false,"busy":false,"len":537939968,"offset":51400704,"status":"running","paused":false,"speed":20971520,"ready":false,"type":"mirror"}],"id":"c3"}\n'
  const reading = qemu.readings['blockJobs']

  test('of the real daemon is read', () => {
    expect(reading?.read(captured)).toMatchObject([{ device: 'mig1', len: 537_939_968, offset: 51_400_704, 'io-status': 'ok' }])
  })

  test.each(HOSTILE)('that is %s is an error or the same answer', (_, spoil) => {
    try {
      expect(reading?.read(spoil(captured))).toEqual(reading?.read(captured))
    } catch (error) {
      expect(error).toBeInstanceOf(Misread)
    }
  })
})
