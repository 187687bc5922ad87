import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Simulation as Aws, simulate as simulateAws } from '../adapters/aws/simulator.ts'
import { simulate as simulateVsphere, type Simulation as Vsphere } from '../adapters/vsphere/simulator.ts'
import { plainConsole } from '../src/chat/console/plain.ts'
import { openBot } from '../src/commands/bot.ts'
import type { Handle } from '../src/domain/ids.ts'
import type { Run } from '../src/domain/run.ts'
import type { House } from '../src/house.ts'
import { labSite } from '../src/lab/site.ts'
import { loadAdapters } from '../src/registry.ts'
import { environment } from '../src/site/environment.ts'
import { parseSite } from '../src/site/site.ts'
import { noise } from './fakes/disk.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

/**
 * The way of a virtual machine into the cloud and up there, as administrators walk it by hand: changed blocks of a snapshot, a store,
 * EBS snapshots, an image, an instance. vCenter and AWS are the adapters' simulators; the mover is the real one, in processes of its own,
 * and reads the disks from a real NBD server.
 */
const MIB = 1 << 20
const SIZES = { 'web01-2000': 16 * MIB, 'web01-2001': 3 * MIB }
const LOADER = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const CLI = fileURLToPath(new URL('./fakes/blocksync-cli.ts', import.meta.url))
const hasNbdkit = spawnSync('nbdkit', ['--version'], { stdio: 'ignore' }).status === 0
const WHY = 'nbdkit was not found, so NOTHING was proved about the way into the cloud (apt-get install nbdkit)'
if (!hasNbdkit && process.env['CI'] !== 'true') console.warn(WHY)
test.runIf(process.env['CI'] === 'true')('where everything must be there, nbdkit is', () => {
  expect(hasNbdkit, WHY).toBe(true)
})

describe.skipIf(!hasNbdkit)('a virtual machine', () => {
  let postgres: TestPostgres
  let folder: string
  let center: Vsphere
  let aws: Aws
  let nbd: ChildProcess
  let house: House
  let turn = 0
  const shown: string[] = []
  beforeAll(async () => {
    postgres = await testPostgres()
  })
  afterAll(() => postgres.stop())

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'signalbox-dr-'))
    const at = (name: string): string => join(folder, name)
    mkdirSync(at('disks'))
    for (const [disk, size] of Object.entries(SIZES)) writeFileSync(at(`disks/${disk}`), noise(size, size))
    center = await simulateVsphere({ folder: at('vc') })
    center.center.track('web01')
    aws = await simulateAws({ folder: at('aws'), moves: 'by looking' })
    const { accessKeyId, secretAccessKey } = aws.settings.credentials ?? { accessKeyId: '', secretAccessKey: '' }
    writeFileSync(at('credentials'), `[default]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`)
    nbd = spawn('nbdkit', ['-f', '-r', '--exit-with-parent', '-U', at('nbd.sock'), 'file', `dir=${at('disks')}`], {
      stdio: 'ignore',
    })
    for (let n = 0; n < 200 && !existsSync(at('nbd.sock')); n++) await wait(25)
    const { endpoint, region } = aws.settings
    const dr01 = {
      store: at('store'),
      work: at('works'),
      images: at('images'),
      command: [process.execPath, '--import', LOADER, CLI],
      ebs: { endpoint, region },
      environment: { AWS_SHARED_CREDENTIALS_FILE: at('credentials') },
    }
    const targets = {
      vc01: { kind: 'vsphere', settings: { ...center.settings, nbd: `nbd+unix:///{disk}?socket=${at('nbd.sock')}` } },
      dr01: { kind: 'blocksync', settings: dr01 },
      aws01: { kind: 'aws', settings: aws.settings },
    }
    const quick = 'look: 1500'
    const text = labSite(targets).replace(
      'runbooks:\n',
      `runbooks:\n  protect: { ${quick}, quiesce: false }\n  test-failover: { ${quick} }\n  fail-over: { ${quick} }\n`,
    )
    const adapters = await loadAdapters()
    const name = `disaster_${++turn}`
    shown.length = 0
    house = await openBot({
      environment: { ...environment({}, folder), databaseUrl: postgres.url },
      adapters,
      site: parseSite(text, 'the test', adapters, {}),
      chats: [plainConsole(line => void shown.push(line))],
      folder,
      schema: name,
      queue: `${name}_queue`,
    })
    await house.start()
  }, 120_000)
  afterEach(async () => {
    await house.stop()
    nbd.kill('SIGKILL')
    await center.stop()
    await aws.stop()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  const say = (who: string, text: string): Promise<void> =>
    house.say({
      id: `${who} ${text} ${Math.random()}`,
      text,
      by: `console:${who}` as Handle,
      at: { chat: 'console', channel: 'ops' },
    })
  const newest = async (): Promise<Run> => (await house.runs())[0]!
  const asked = async (text: string): Promise<Run> => {
    await say('operator', text)
    await house.quiet()
    return newest()
  }
  const stepsOf = (run: Run): Readonly<Record<string, unknown>> =>
    Object.fromEntries([...run.steps].map(([id, state]) => [id, state.is === 'done' ? state.result : state]))
  const succeeded = (run: Run): void => expect([run.outcome, shown.slice(-25)]).toEqual(['succeeded', expect.anything()])
  /** What a guest does: it writes, and its hypervisor notes where. */
  const writes = (disk: keyof typeof SIZES, offset: number, bytes: Buffer): void => {
    const file = openSync(join(folder, 'disks', disk), 'r+')
    writeSync(file, bytes, 0, bytes.length, offset)
    center.center.write('web01', Number(disk.split('-')[1]), offset, bytes.length)
  }
  const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
  const onDisk = (disk: string): string => sha(readFileSync(join(folder, 'disks', disk)))

  test('is protected whole at first and then by what changed, tested beside itself, and fails over to what it was', async () => {
    const first = await asked('protect web01 on vc01 to dr01')
    succeeded(first)
    expect(stepsOf(first)['changes']).toMatchObject({ wholeDisks: 2, disks: 2 })
    expect(center.state().machines['web01']?.snapshots).toEqual([])

    writes('web01-2000', 5 * MIB, noise(64 * 1024, 7))
    writes('web01-2001', 0, noise(64 * 1024, 8))
    const second = await asked('protect web01 on vc01 to dr01')
    succeeded(second)
    expect(stepsOf(second)['changes']).toMatchObject({ wholeDisks: 0, changedBytes: 128 * 1024 })
    expect(stepsOf(second)['pushed']).toMatchObject({ set: 2, disks: 2 })
    expect(shown.join('\n')).toMatch(/Recovery point: \d{4}-\d\d-\d\d/)

    const trial = await asked('test failover of web01 from dr01 to aws01')
    await say('lead', `approve ${trial.id}`)
    await house.quiet()
    const tested = await newest()
    succeeded(tested)
    const { root, others } = stepsOf(tested)['published'] as { readonly root: string; readonly others: readonly string[] }
    for (const [snapshot, disk] of [
      [root, 'web01-2000'],
      [others[0]!, 'web01-2001'],
    ] as const) {
      const { blocks } = aws.machine.snapshots[snapshot]!
      const size = SIZES[disk]
      const bytes = Buffer.alloc(size)
      for (const [index, block] of Object.entries(blocks)) aws.machine.block(block).copy(bytes, Number(index) * 512 * 1024)
      expect(sha(bytes), disk).toBe(onDisk(disk))
    }
    const { instance } = stepsOf(tested)['launch'] as { readonly instance: string }
    expect(aws.state().instances[instance]).toMatch(/^(shutting-down|terminated)/)
    expect(Object.values(aws.state().images).filter(one => one.includes('web01-test'))).toEqual([])
    expect(shown.join('\n')).toMatch(/Recovery time: /)

    const over = await asked('fail over web01 from dr01 to aws01 because "the site is lost"')
    expect(over.outcome).toBeUndefined()
    await say('operator', `approve ${over.id} fail-over`)
    await house.quiet()
    expect((await newest()).outcome).toBeUndefined() // nobody approves what they asked for
    await say('operator', `confirm ${over.id} original-is-off`)
    await say('lead', `approve ${over.id} fail-over`)
    await house.quiet()
    for (const gate of ['approve-launch']) await say('lead', `approve ${over.id} ${gate}`)
    await house.quiet()
    await say('operator', `confirm ${over.id} works`)
    await house.quiet()
    succeeded(await newest())
  }, 240_000)

  test('whose changes cannot be pushed is left without a snapshot, and nothing of it counts', async () => {
    nbd.kill('SIGKILL')
    const run = await asked('protect web01 on vc01 to dr01')
    expect(run.outcome).toBe('failed')
    expect(center.state().machines['web01']?.snapshots).toEqual([])
    // A mover that fails at once is heard of when it is started, and otherwise when it is looked at.
    expect(['push', 'pushed'].map(id => stepsOf(run)[id])).toContainEqual(expect.objectContaining({ is: 'failed' }))
    const looked = shown.length
    await say('operator', 'show recovery points of web01 on dr01')
    expect(shown.slice(looked).join('\n')).toContain('web01 has no recovery point')
  }, 120_000)

  test('that is protected every 15 minutes has a point for each turn, and nobody hears of it', async () => {
    await say('operator', 'protect web01 on vc01 to dr01 every 15m')
    await house.quiet()
    await postgres.pushClock(`disaster_${turn}`, 15 * 60_000)
    await house.quiet()
    const runs = (await house.runs()).filter(run => run.schedule === 'S1')
    expect(runs.map(({ outcome }) => outcome)).toEqual(['succeeded', 'succeeded'])
    expect(runs.map(run => (stepsOf(run)['pushed'] as { readonly set: number }).set)).toEqual([2, 1])
    expect(shown.join('\n')).not.toContain(`${runs[0]?.id} succeeded`)
    expect(shown.join('\n')).not.toContain('the snapshot')
    const looked = shown.length
    await say('operator', 'show schedules')
    expect(shown.slice(looked).join('\n')).toContain('every 15 min: protect web01 on vc01 to dr01')
  }, 180_000)
})
