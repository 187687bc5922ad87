import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IntentId } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Call, Change } from '../../src/kit/device.ts'
import { Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import { performer, TARGET } from '../../test/real-disks.ts'
import { nodesIn } from './answers.ts'
import qemu from './index.ts'
import { lunsIn } from './luns.ts'
import { type Simulation, simulate } from './simulator.ts'
import type { Monitor } from './wire.ts'

const SECRET = 'chapsecret12' // what the simulated array knows
const LUN = { target: 'iqn.2026-01.lab:lunb', lun: 1, portal: '192.0.2.7:3260', node: 'new0', account: 'lunb' }

describe('a LUN with a CHAP account, on the simulator', () => {
  let simulation: Simulation
  let monitor: Monitor
  const { perform } = performer(qemu, () => monitor)
  const commands = (): readonly string[] =>
    simulation.ledger().map(one => String(Object.values(one).find(it => /-add|-del/.test(String(it)))))
  const effect = qemu.capabilities.attachIscsi.effect as Change<Monitor, Params, unknown, unknown>
  const call = (more: Partial<Call<Params>> = {}): Call<Params> => ({
    intent: 'R1/iscsi/1' as IntentId,
    params: LUN,
    signal: AbortSignal.timeout(5_000),
    go: () => {},
    ...more,
  })
  const verdict = async (spoil: () => void): Promise<unknown> => {
    if (effect.inDoubt.ask !== 'device') throw new Error('the device is not asked')
    const before = await effect.inDoubt.look(monitor, call())
    spoil()
    await expect(perform('attachIscsi', LUN)).rejects.toBeInstanceOf(Uncertain)
    return effect.inDoubt.judge(before, await effect.inDoubt.look(monitor, call()), LUN).done
  }

  beforeEach(async () => {
    simulation = await simulate({ folder: mkdtempSync(join(tmpdir(), 'qemu-')) })
    const chap = { lunb: { user: 'chapu', password: SECRET } }
    monitor = qemu.connect(qemu.settings.parse({ ...simulation.settings, chap }), TARGET)
  })
  afterEach(async () => {
    await monitor.close()
    await simulation.stop()
  })

  test('is attached by three commands, and no secret is left in QEMU or was in the preview', async () => {
    expect(await perform('attachIscsi', LUN)).toMatchObject({ node: 'new0' })
    expect(commands().map(one => one.split(' ')[0])).toEqual(['object-add', 'blockdev-add', 'object-del'])
    expect([...simulation.machine.secrets]).toEqual([])
    const preview = qemu.capabilities.attachIscsi.sends(LUN)
    expect(preview.map(one => one.split(' ')[0])).toEqual(['object-add', 'blockdev-add', 'object-del'])
    expect(preview.join('')).not.toContain(SECRET)
  })

  test.each([
    ['the secret', 1, false],
    ['the LUN', 2, true],
    ['the end of the secret', 3, true],
  ])(
    'when the answer about %s is lost, the device tells, and the next attempt finds nothing in its way',
    async (_, nth, done) => {
      let taken = 0
      const judged = await verdict(() => {
        const lose = (): void => simulation.misbehave({ how: 'lose answer', to: 'changes' })
        if (nth === 1) return lose()
        const change = monitor.change
        // The knob is turned right before the request that it is for.
        monitor = {
          ...monitor,
          change: (command, sending) => {
            if (++taken === nth) lose()
            return change(command, sending)
          },
        }
      })
      expect(judged).toBe(done)
      if (!done) {
        expect(await perform('attachIscsi', LUN)).toMatchObject({ node: 'new0' })
        expect([...simulation.machine.secrets]).toEqual([])
      } else expect(simulation.state().nodes).toHaveProperty('new0')
    },
  )

  test('that was refused leaves no secret, and the words do not have it', async () => {
    const other = qemu.connect(
      qemu.settings.parse({ ...simulation.settings, chap: { lunb: { user: 'chapu', password: 'another-canary' } } }),
      TARGET,
    )
    const error = await performer(qemu, () => other)
      .perform('attachIscsi', LUN)
      .catch((error: unknown) => error)
    await other.close()
    expect(error).toBeInstanceOf(Refused)
    expect(String((error as Error).stack)).not.toContain('canary')
    expect([[...simulation.machine.secrets], simulation.state().nodes]).toEqual([[], { disk0: '' }])
  })

  test('is not sent when it became too late after the secret: what is left is removed by the next', async () => {
    let asked = 0
    const go = (): void => {
      if (++asked > 1) throw new Unreachable('it was too late to send')
    }
    await expect(qemu.capabilities.attachIscsi.perform(monitor, { ...call({ go }), params: LUN })).rejects.toThrow('too late')
    expect([[...simulation.machine.secrets.keys()], simulation.state().nodes]).toEqual([['signalbox.new0'], { disk0: '' }])
    await perform('attachIscsi', LUN)
    expect([...simulation.machine.secrets]).toEqual([])
  })
})

describe('which LUN a node is on', () => {
  // As QEMU 7.2.22 names them in query-named-block-nodes.
  const options = '"portal": "127.0.0.1:13261", "driver": "iscsi", "transport": "tcp", "target": "iqn.2026-01.lab:luna"'
  test.each([
    [`json:{"lun": 1, ${options}}`, [{ target: 'iqn.2026-01.lab:luna', lun: 1 }]],
    [`json:{"driver": "raw", "file": {"lun": 2, ${options}}}`, [{ target: 'iqn.2026-01.lab:luna', lun: 2 }]],
    [`json:{${options}}`, [{ target: 'iqn.2026-01.lab:luna', lun: 0 }]],
    ['iscsi://192.0.2.7:3260/IQN.2026-01.lab:luna/1', [{ target: 'iqn.2026-01.lab:luna', lun: 1 }]],
    ['/srv/disk0.img', []],
    ['json:{"driver": "raw"', []],
  ])('%s', (file, luns) => {
    expect(lunsIn(file)).toEqual(luns)
  })

  test('a password in the URL of somebody else is not shown', () => {
    const node = { 'node-name': 'disk0', drv: 'raw', ro: false, image: { 'virtual-size': 1 } }
    const [read] = nodesIn([{ ...node, file: 'iscsi://chapu%chapsecret-canary@192.0.2.7:3260/iqn.2026-01.lab:luna/1' }])
    expect(read?.file).toBe('iscsi://chapu%[redacted]@192.0.2.7:3260/iqn.2026-01.lab:luna/1')
    expect(lunsIn(read?.file ?? '')).toEqual([{ target: 'iqn.2026-01.lab:luna', lun: 1 }])
  })
})
