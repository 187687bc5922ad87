import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Call } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import powerpath from './index.ts'
import { type Simulation, simulate } from './simulator.ts'

const MIB = 1024 * 1024
const capabilities = powerpath.capabilities
const call = <P>(params: P): Call<P> => ({
  intent: 'R1/x/1' as IntentId,
  params,
  signal: AbortSignal.timeout(10_000),
  go: () => {},
})
const first = { session: 1 }

/** An application that never stops writing, all over the disk, and remembers what it wrote. */
function writer(host: Simulation) {
  const expected = host.read(host.source, 0, SIZE)
  let seed = 42
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed % below
  }
  const write = (): void => {
    const length = 1 + random(20_000)
    const offset = random(SIZE - length)
    const bytes = Buffer.alloc(length, 1 + random(255))
    host.write(host.source, offset, bytes)
    bytes.copy(expected, offset)
  }
  const timer = setInterval(() => {
    for (let n = 0; n < 20; n++) write()
  }, 1)
  return { expected, stop: () => clearInterval(timer) }
}

const SIZE = 4 * MIB
let folder: string
let host: Simulation
const open = (rate: number) => simulate({ folder, size: SIZE, rate })
const until = async (state: string): Promise<void> => {
  for (let n = 0; n < 200 && host.state().migrations[0]?.state !== state; n++)
    await new Promise(resolve => setTimeout(resolve, 20))
  expect(host.state().migrations[0]?.state).toBe(state)
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'powerpath-'))
  host = await open(8 * MIB)
})
afterEach(() => host.stop())

describe('a migration under a running application', () => {
  test('leaves the target equal to the source, byte for byte, and loses no write at the cutover or after it', async () => {
    const device = host.device()
    const application = writer(host)
    await capabilities.setup.perform(device, call({ source: host.source, target: host.target }))
    await capabilities.throttle.perform(device, call({ ...first, level: 0 }))
    await capabilities.sync.perform(device, call(first))
    await until('sourceSelected')
    expect(host.raw(host.target).subarray(0, SIZE).equals(host.raw(host.source))).toBe(true)
    await capabilities.selectTarget.perform(device, call(first))
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(host.raw(host.target).subarray(0, SIZE).equals(host.raw(host.source))).toBe(true)
    await capabilities.commit.perform(device, call(first))
    const atCommit = host.raw(host.source)
    await new Promise(resolve => setTimeout(resolve, 50))
    application.stop()
    expect(host.read(host.source, 0, SIZE).equals(application.expected)).toBe(true)
    expect(host.raw(host.target).subarray(0, SIZE).equals(application.expected)).toBe(true)
    expect(host.raw(host.source).equals(atCommit)).toBe(true)
    await capabilities.cleanup.perform(device, call(first))
    expect(host.read(host.source, 0, SIZE).equals(application.expected)).toBe(true)
  })

  test('that is rolled back has lost nothing', async () => {
    const device = host.device()
    const application = writer(host)
    await capabilities.setup.perform(device, call({ source: host.source, target: host.target }))
    await capabilities.throttle.perform(device, call({ ...first, level: 0 }))
    await capabilities.sync.perform(device, call(first))
    await until('sourceSelected')
    await capabilities.selectTarget.perform(device, call(first))
    await new Promise(resolve => setTimeout(resolve, 50))
    await capabilities.selectSource.perform(device, call(first))
    await capabilities.abort.perform(device, call(first))
    await capabilities.cleanup.perform(device, call(first))
    await new Promise(resolve => setTimeout(resolve, 20))
    application.stop()
    expect(host.raw(host.source).equals(application.expected)).toBe(true)
    expect(host.state().migrations).toEqual([])
  })

  test('goes on where it was after the host restarted', async () => {
    host.write(host.source, 3 * MIB, Buffer.alloc(MIB, 7))
    const device = host.device()
    await capabilities.setup.perform(device, call({ source: host.source, target: host.target }))
    await capabilities.sync.perform(device, call(first))
    await new Promise(resolve => setTimeout(resolve, 300))
    const { copied } = host.migrations()[0]!
    const pin = host.settings.hostKey
    await host.stop()
    host = await open(Number.POSITIVE_INFINITY)
    expect(host.settings.hostKey).toBe(pin)
    expect(host.migrations()[0]!.copied).toBeGreaterThanOrEqual(copied)
    expect(copied).toBeGreaterThan(0)
    await until('sourceSelected')
    expect(host.raw(host.target).subarray(0, SIZE).equals(host.raw(host.source))).toBe(true)
  })

  test('copies at the rate of its throttle', async () => {
    const { machine } = host
    machine.setup(host.source, host.target)
    machine.throttle(1, 9)
    machine.move(1, 'sync')
    await new Promise(resolve => setTimeout(resolve, 400))
    const slow = host.migrations()[0]!.copied
    machine.throttle(1, 0)
    await new Promise(resolve => setTimeout(resolve, 400))
    expect(host.migrations()[0]!.copied - slow).toBeGreaterThan(slow * 10)
  })
})

describe('a guard is code', () => {
  const stages = [[], ['sync'], ['sync', 'selectTarget'], ['sync', 'selectTarget', 'commit']] as const
  const names = ['setup', 'sourceSelected', 'targetSelected', 'committed']
  const allowed = {
    commit: ['targetSelected'],
    cleanup: ['committed'],
    selectTarget: ['sourceSelected'],
    selectSource: ['targetSelected'],
    abort: ['setup', 'sourceSelected'],
  } as const

  test.each(['commit', 'cleanup', 'selectTarget', 'selectSource', 'abort'] as const)(
    '%s is sent only where it belongs',
    async verb => {
      const belongs: readonly string[] = allowed[verb]
      for (const [at, stage] of stages.entries()) {
        await host.stop()
        folder = mkdtempSync(join(tmpdir(), 'powerpath-'))
        host = await open(Number.POSITIVE_INFINITY)
        host.machine.setup(host.source, host.target)
        for (const step of stage) host.machine.move(1, step)
        expect(host.state().migrations[0]?.state).toBe(names[at])
        const outcome = capabilities[verb].perform(host.device(), call(first))
        if (belongs.includes(names[at]!)) await outcome
        else await expect(outcome).rejects.toBeInstanceOf(Refused)
        expect(host.ledger().length).toBe(belongs.includes(names[at]!) ? 1 : 0)
      }
    },
  )

  test('a second setup, a target that is too small, and one disk twice are refused before anything is sent', async () => {
    const setup = (source: string, target: string) => capabilities.setup.perform(host.device(), call({ source, target }))
    await expect(setup(host.target, host.source)).rejects.toThrow(/too small/)
    await expect(setup(host.source, host.source)).rejects.toThrow(/same disk/)
    host.setPaths(host.target, 'dead', 4)
    await expect(setup(host.source, host.target)).rejects.toThrow(/no path that is alive/)
    host.setPaths(host.target, 'alive', 4)
    host.machine.setup(host.source, host.target)
    await expect(setup(host.source, host.target)).rejects.toThrow(/session 1 is on harddisk5 and harddisk8 already/)
    expect(host.ledger()).toEqual([])
  })

  test('on Windows nothing but harddiskNN is sent', async () => {
    for (const name of ['0720', 'LUN11', 'emcpowera', 'harddisk']) {
      await expect(capabilities.setup.perform(host.device(), call({ source: name, target: host.target }))).rejects.toThrow(
        /harddiskNN/,
      )
    }
  })

  test('a question is never answered: without -no the command ends as a doubt, and nothing happened', async () => {
    const asking = powerpath.connect(powerpath.settings.parse({ ...host.settings, noPrompt: 'none' }), 'sql01' as Target)
    const error = await capabilities.setup
      .perform(asking, call({ source: host.source, target: host.target }))
      .catch((error: unknown) => error)
    await asking.close()
    expect(error).toBeInstanceOf(Uncertain)
    expect(String(error)).toMatch(/asked a question/)
    expect(host.state().migrations).toEqual([])
  })

  test('a dead path shows at the gate, whatever the device as a whole is called', async () => {
    host.machine.setup(host.source, host.target)
    host.setPaths(host.target, 'dead', 1)
    const ready = await capabilities.cutoverReady.perform(host.device(), call(first))
    expect(ready).toMatchObject({ targetPathsAlive: 3, targetPathsDead: 1, state: 'setup', sourceSelected: false })
  })
})

describe('doubt', () => {
  test('a yes that changed nothing is not believed', async () => {
    host.machine.setup(host.source, host.target)
    const device = { ...host.device(), send: async () => ({ saidYes: true, said: '' }) }
    await expect(capabilities.sync.perform(device, call(first))).rejects.toBeInstanceOf(Uncertain)
  })

  test('a look that fails after the sending is a doubt, and never "nothing was sent"', async () => {
    host.machine.setup(host.source, host.target)
    const real = host.device()
    let looks = 0
    const device = {
      ...real,
      sessions: (signal: AbortSignal) => {
        if (++looks === 2) host.misbehave({ how: 'vanish' })
        return real.sessions(signal)
      },
    }
    await expect(capabilities.sync.perform(device, call(first))).rejects.toBeInstanceOf(Uncertain)
    host.heal()
    expect(host.state().migrations[0]?.state).toBe('syncing')
  })

  test('a state that the request does not lead to leaves the doubt to people', () => {
    const { inDoubt } = capabilities.selectTarget.effect as Exclude<typeof capabilities.selectTarget.effect, 'read'>
    if (inDoubt.ask !== 'device') throw new Error('it asks the device')
    expect(inDoubt.judge({ state: 'sourceSelected' }, { state: 'targetSelected' }, first)).toEqual({
      done: true,
      result: { session: 1, state: 'targetSelected' },
    })
    expect(inDoubt.judge({ state: 'sourceSelected' }, { state: 'sourceSelected' }, first)).toEqual({ done: false })
    for (const state of ['committed', 'none', 'aborted', 'syncFailed'])
      expect(inDoubt.judge({ state: 'sourceSelected' }, { state }, first).done).toBe('unknown')
  })

  test('a command goes on at the device when its connection is lost', async () => {
    const device = powerpath.connect(powerpath.settings.parse(host.settings), 'sql01' as Target)
    host.misbehave({ how: 'lose answer', to: 'changes' })
    await expect(capabilities.setup.perform(device, call({ source: host.source, target: host.target }))).rejects.toBeInstanceOf(
      Uncertain,
    )
    expect((await capabilities.sessions.perform(device, call({}))).sessions).toMatchObject([{ session: 1, state: 'setup' }])
    await device.close()
  })
})

test.each(['modern', 'script'] as const)('both spellings of powermig reach the device: %s', async spelling => {
  const device = powerpath.connect(powerpath.settings.parse({ ...host.settings, spelling }), 'sql01' as Target)
  await capabilities.setup.perform(device, call({ source: host.source, target: host.target }))
  await capabilities.throttle.perform(device, call({ ...first, level: 7 }))
  expect(await capabilities.session.perform(device, call(first))).toMatchObject({ session: 1, state: 'setup', throttle: 7 })
  await device.close()
  expect(host.ledger()[0]?.command).toBe(
    spelling === 'modern'
      ? 'powermig setup -src harddisk5 -tgt harddisk8 -techType hostcopy -no'
      : 'powermig setup -tt hostcopy -src harddisk5 -tgt harddisk8 -no',
  )
})
