import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Capability } from '../../src/kit/device.ts'
import { Refused } from '../../src/kit/errors.ts'
import { parse } from '../../src/language/parse.ts'
import { type Files, readFiles } from './copies.ts'
import linux, { Settings } from './index.ts'
import { copyOf } from './outcome.ts'
import { type Options, type Simulation, SOURCE, simulate, TARGET } from './simulator.ts'
import type { LinuxHost } from './wire.ts'

const MIB = 1024 * 1024
const [FROM, TO] = ['/dev/nvme1n1', '/dev/nvme2n1']
const pair = { source: SOURCE, target: TARGET }
const c1 = { copy: 'shrink1' }
const order = { ...pair, ...c1 }

let simulation: Simulation
let host: LinuxHost
const open = async (options: Partial<Options> = {}): Promise<void> => {
  simulation = await simulate({ folder: mkdtempSync(join(tmpdir(), 'linux-')), ...options })
  host = simulation.device()
}
const perform = (name: keyof typeof linux.capabilities, params: Params, go = () => {}) =>
  (linux.capabilities[name] as Capability).perform(host, {
    intent: 'R1/data/1' as IntentId,
    params,
    signal: AbortSignal.timeout(5_000),
    go,
  }) as Promise<Readonly<Record<string, unknown>>>
const refused = async (name: keyof typeof linux.capabilities, params: Params, go?: () => void): Promise<string> => {
  const taken = simulation.ledger().length
  const error = await perform(name, params, go).then(
    result => result,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(Refused)
  expect(simulation.ledger().length).toBe(taken)
  return (error as Refused).message
}

describe('on the simulator', () => {
  beforeEach(() => open())
  afterEach(() => simulation.stop())

  test('a boot disk is shrunk: copied, verified, repaired, and every byte in use is on the new one', async () => {
    await perform('setReadOnly', { disk: SOURCE })
    expect(await perform('copy', order)).toMatchObject({ state: 'copied', copied: 2 * MIB })
    expect(await perform('verify', c1)).toMatchObject({ verification: 'equal', verified: 3072 * 512 })
    expect(await perform('repair', { disk: TARGET })).toMatchObject({ repaired: true, problems: 0 })
    expect(await perform('table', { disk: TARGET })).toMatchObject({ problems: 0, partitions: 2 })
    const used = (path: string) => simulation.machine.bits(path).read(512, 3071 * 512)
    expect(used(TO).equals(used(FROM))).toBe(true)
  })

  test('a disk that gets another name between the look and the write is not written', async () => {
    await perform('setReadOnly', { disk: SOURCE })
    // The host starts anew right before the command arrives, and the kernel gives the two names the other way round.
    const swap = (): void => {
      const [source, target] = [simulation.machine.at(FROM)!, simulation.machine.at(TO)!]
      simulation.machine.detach(FROM)
      simulation.machine.detach(TO)
      simulation.machine.attach({ ...source, path: TO })
      simulation.machine.attach({ ...target, path: FROM })
    }
    expect(await refused('copy', order, swap)).toContain(`is not the disk serial:vol0aaaa1111bbbb2222 any more`)
  })

  test.each([
    ['set read write', { readOnly: false }, FROM, 'is not read only'],
    ['mounted', { mount: '/mnt' }, TO, 'is mounted'],
    ['taken by LVM', { user: 'lvm data' }, TO, 'something else sits on'],
  ] as const)('a disk that is %s between the look and the write is not copied', async (_, changed, path, why) => {
    await perform('setReadOnly', { disk: SOURCE })
    expect(await refused('copy', order, () => simulation.machine.set(path, changed))).toContain(why)
  })

  test('a disk that something else sits on is not copied', async () => {
    simulation.machine.set(FROM, { user: 'crypt secret', readOnly: true })
    expect(await perform('copyReady', pair)).toMatchObject({ ready: false, sourceIdle: false })
    expect(await refused('copy', order)).toContain('crypt secret')
  })

  test('without serial numbers, or with two that are the same, no disk is guessed', async () => {
    simulation.machine.detach(TO)
    simulation.machine.attach({ path: '/dev/nvme3n1', bytes: 4 * MIB, serial: 'vol0aaaa1111bbbb2222' })
    expect(await refused('disk', { disk: SOURCE })).toContain('/dev/nvme1n1 and /dev/nvme3n1 both say')
    for (const path of [FROM, '/dev/nvme3n1']) simulation.machine.detach(path)
    simulation.machine.attach({ path: '/dev/xvdf', bytes: 4 * MIB })
    expect(await refused('disk', { disk: SOURCE })).toContain('as on a Xen instance')
  })

  test('a copy that nobody sees end because the host went down is a failure after it came up', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'linux-'))
    await simulation.stop()
    await open({ folder, pace: 300_000 })
    await perform('setReadOnly', { disk: SOURCE })
    expect(await perform('copy', order)).toMatchObject({ state: 'copying' })
    simulation.machine.push()
    await simulation.stop()
    await open({ folder, pace: 300_000 })
    expect(await perform('copyState', c1)).toMatchObject({
      state: 'failed',
      why: expect.stringContaining('did not come to its end'),
    })
    expect(await refused('copy', order)).toContain('already (failed)')
    expect(await perform('disk', { disk: SOURCE })).toMatchObject({ readOnly: false })
  })

  test('a verification tells the first byte that is another', async () => {
    await perform('setReadOnly', { disk: SOURCE })
    await perform('copy', order)
    simulation.machine.bits(TO).write(MIB, Buffer.from([1, 2, 3]))
    const { verification, why } = await perform('verify', c1)
    expect([verification, why]).toEqual(['different', `the disks differ at byte ${MIB + 1}`])
  })

  test('sudo stands in front of every command', async () => {
    await simulation.stop()
    await open({ sudo: true })
    host = linux.connect(Settings.parse(simulation.settings), 'helper01' as Target)
    expect(await perform('setReadOnly', { disk: SOURCE })).toMatchObject({ readOnly: true })
    await host.close()
    host = linux.connect(Settings.parse({ ...simulation.settings, sudo: false }), 'helper01' as Target)
    expect(await refused('disks', {})).toContain('not found')
    await host.close()
  })
})

describe('how a copy ended', () => {
  /** A copy from 64 MiB to 40 MiB that ended well. */
  const GOOD = [
    'copy=present',
    'by=R1/x/1',
    'source=serial:vol0a',
    'sourcePath=/dev/nvme1n1',
    'target=serial:vol0b',
    'targetPath=/dev/nvme2n1',
    'sourceBytes=67108864',
    'targetBytes=41943040',
    'sector=512',
    'needs=33554432',
    'running=no',
    'exit=dd=1 sync=0',
    "log=dd: error writing '/dev/nvme2n1': No space left on device",
    'log=41+0 records in',
    'log=40+0 records out',
    'log=41943040 bytes (42 MB, 40 MiB) copied, 0.15919 s, 263 MB/s',
    'last=copy',
    'end=c1',
  ].join('\n')
  const end = (from: string | RegExp, to: string, text = GOOD) => {
    expect(text).toMatch(from)
    return copyOf(readFiles(text.replace(from, to)))
  }

  test('a smaller target ends well when all the signs are there', () => {
    expect(copyOf(readFiles(GOOD))).toMatchObject({ state: 'copied', source: 'vol0a', target: 'vol0b', copied: 41_943_040 })
  })

  test.each([
    ['it ended with 0, as if the target were as large', 'dd=1', 'dd=0', 'dd ended with 0 and not with 1'],
    ['the text is not there', /log=dd: error.*\n/, '', 'did not say that the target is full'],
    ['another file is full', "'/dev/nvme2n1'", "'/dev/nvme9n1'", 'did not say that the target is full'],
    ['fewer bytes than the target has', '41943040 bytes', '41942528 bytes', '41942528 bytes were written, and not 41943040'],
    ['the source is in use behind the end', 'needs=33554432', 'needs=41943552', 'behind the end of the target'],
    ['it could not be flushed', 'sync=0', 'sync=1', 'could not be flushed'],
    [
      'the source could not be read',
      'log=41+0',
      "log=dd: error reading '/dev/nvme1n1': Input/output error\nlog=41+0",
      'Input/output error',
    ],
    ['the report has no end', /log=40.*\n/, '', 'did not report how much'],
    ['a shell had a word in it', 'log=41+0', 'log=Killed\nlog=41+0', 'Killed'],
    ['there is no exit status', /exit=.*\n/, '', 'did not come to its end'],
  ])('a smaller target is a failure when %s', (_, from, to, why) => {
    const copy = end(from, to)
    expect(copy.state).toBe('failed')
    expect(copy.why).toContain(why)
  })

  test('a target that is large enough ends with 0 and all of the source, and "no space left" is a failure there', () => {
    const large = GOOD.replace('targetBytes=41943040', 'targetBytes=67108864')
    expect(copyOf(readFiles(large))).toMatchObject({ state: 'failed' })
    const whole = large
      .replace('dd=1', 'dd=0')
      .replace(/log=dd: error.*\n/, '')
      .replace('41943040 bytes', '67108864 bytes')
    expect(copyOf(readFiles(whole))).toMatchObject({ state: 'copied', copied: 67_108_864 })
    expect(copyOf(readFiles(whole.replace('67108864 bytes (', '67108863 bytes (')))).toMatchObject({ state: 'failed' })
  })

  test('a copy is stopped only when somebody stopped it and it did not end by itself before', () => {
    expect(end('running=no\nexit=dd=1 sync=0', 'running=no\nstopped=yes').state).toBe('stopped')
    expect(end('running=no\nexit=dd=1 sync=0', 'running=no\nexit=dd=143 sync=0\nstopped=yes').state).toBe('stopped')
    expect(end('running=no', 'running=no\nstopped=yes').state).toBe('copied')
  })

  test('a verification that was not asked of the disks themselves is not equal', () => {
    const with_ = (exit: string) =>
      copyOf(
        readFiles(
          GOOD.replace(
            'end=c1',
            `by=R1/x/2\nbytes=33554432\nrunning=no\nexit=${exit}\nlog=32+0 records in\nlog=32+0 records out\nlog=33554432 bytes (34 MB, 32 MiB) copied, 0.1 s, 300 MB/s\nlast=verify\nend=c1`,
          ),
        ) as Files,
      ).verification
    expect(with_('dd=0 cmp=0 flush=0')).toBe('equal')
    for (const exit of ['dd=0 cmp=0 flush=1', 'dd=1 cmp=0 flush=0', 'dd=0 cmp=2 flush=0']) expect(with_(exit)).toBe('failed')
  })
})

describe('sentences and settings', () => {
  const read = (sentence: string) => parse(sentence, { targets: new Map([['helper01', { kind: 'linux' }]]) })

  test('the names that the kernel gives to disks are not taken, and the refusal says what is', () => {
    for (const sentence of ['show disk /dev/sdf on helper01', 'copy disk /dev/sdf to /dev/sdg as copy c1 on helper01'])
      expect(JSON.stringify(read(sentence))).toContain('the kernel gives names like /dev/sdb anew')
  })

  test('a host is this machine or one that is logged in to, and a disk is pinned below /dev', () => {
    expect(Settings.safeParse({ local: true }).success).toBe(true)
    expect(Settings.safeParse({ local: true, host: 'helper01' }).success).toBe(false)
    expect(Settings.safeParse({ host: 'helper01', username: 'admin' }).success).toBe(false)
    expect(Settings.safeParse({ local: true, disks: { 'vol-A': '/etc/passwd' } }).success).toBe(false)
  })
})
