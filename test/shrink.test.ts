import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Simulation as Aws, simulate as simulateAws } from '../adapters/aws/simulator.ts'
import { serialOf } from '../adapters/linux/find.ts'
import { type Simulation as Linux, simulate as simulateLinux } from '../adapters/linux/simulator.ts'
import { plainConsole } from '../src/chat/console/plain.ts'
import { openBot } from '../src/commands/bot.ts'
import type { Handle } from '../src/domain/ids.ts'
import type { Run } from '../src/domain/run.ts'
import type { House } from '../src/house.ts'
import { labSite } from '../src/lab/site.ts'
import { loadAdapters } from '../src/registry.ts'
import { environment } from '../src/site/environment.ts'
import { parseSite } from '../src/site/site.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

/**
 * A boot disk is put on a smaller volume: EC2 and the helper are the adapters' simulators, and what EC2 attaches to the helper's instance
 * is what the helper finds, under whatever name its kernel gives.
 */
const MIB = 1 << 20
const SECTOR = 512
const ROOT = 'vol-0a01'
const HELPER = 'i-0b02'

describe('a boot disk', () => {
  let postgres: TestPostgres
  let folder: string
  let aws: Aws
  let helper: Linux
  let house: House
  let cabling: NodeJS.Timeout
  let turn = 0
  /** How far the last partition reaches. */
  let used = 1.5 * MIB
  const shown: string[] = []
  beforeAll(async () => {
    postgres = await testPostgres()
  })
  afterAll(() => postgres.stop())

  /** What is attached to the helper's instance is one of its disks, and what is not is none. */
  function cable(): void {
    const there = Object.values(aws.machine.volumes).filter(
      ({ id, attachment }) => id !== 'vol-0b02' && attachment?.instance === HELPER && attachment.state === 'attached',
    )
    const serials = there.map(({ id }) => serialOf(id))
    for (const disk of helper.machine.disks()) if (!serials.includes(disk.serial ?? '')) helper.machine.detach(disk.path)
    there.forEach(({ id }, n) => {
      const serial = serialOf(id)
      if (helper.machine.disks().some(disk => disk.serial === serial)) return
      // The kernel gives its own names, and not those that EC2 was told.
      const path = `/dev/nvme${7 - n}n1`
      helper.machine.attach({ path, bytes: id === ROOT ? 4 * MIB : 2 * MIB, serial, link: `/dev/disk/by-id/nvme-${serial}` })
      if (id === ROOT && helper.machine.bits(path).label().table === undefined) fill(path)
    })
  }
  function fill(path: string): void {
    const bits = helper.machine.bits(path)
    const end = used / SECTOR
    for (let sector = 40; sector < end; sector += 7) bits.write(sector * SECTOR, Buffer.alloc(16, 1 + (sector % 250)))
    bits.setLabel({ table: 'gpt', sectors: (4 * MIB) / SECTOR, partitions: [{ number: 1, first: 40, last: end - 1 }] })
  }

  beforeEach(async () => {
    used = 1.5 * MIB
    folder = mkdtempSync(join(tmpdir(), 'signalbox-shrink-'))
    aws = await simulateAws({ folder: join(folder, 'aws'), moves: 'by looking' })
    helper = await simulateLinux({ folder: join(folder, 'helper'), disks: [] })
    cabling = setInterval(cable, 20)
    const targets = {
      aws01: { kind: 'aws', settings: aws.settings },
      helper01: { kind: 'linux', settings: helper.settings },
    }
    const text = labSite(targets)
      .replace('before: { from: disruptive', 'before: { from: destructive')
      .replace('runbooks:\n', 'runbooks:\n  shrink: { look: 200 }\n')
    const adapters = await loadAdapters()
    const name = `shrink_${++turn}`
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
    clearInterval(cabling)
    await house.stop()
    await helper.stop()
    await aws.stop()
    rmSync(folder, { recursive: true, force: true })
  }, 60_000)

  const say = async (who: string, text: string): Promise<Run> => {
    const at = { chat: 'console', channel: 'ops' }
    await house.say({ id: `${who} ${text} ${Math.random()}`, text, by: `console:${who}` as Handle, at })
    await house.quiet()
    return (await house.runs())[0]!
  }
  const stuck = (run: Run): unknown => [...run.steps].filter(([, state]) => state.is !== 'done' && state.is !== 'pending')

  test('moves to a smaller volume that boots, and the old one goes only when two people let it go', async () => {
    await say('operator', 'shrink boot disk of dc01 to 40GiB on aws01 with helper01')
    const copied = await say('operator', 'confirm R1 smaller-inside')
    expect(stuck(copied)).toEqual([['delete-approval', expect.objectContaining({ is: 'open' })]])
    const state = aws.state()
    const [created] = Object.keys(state.volumes).filter(
      id => !['vol-0a01', 'vol-0b02', 'vol-0c03', 'vol-0d04', 'vol-0e05'].includes(id),
    )
    expect(state.volumes[created!]).toMatch(/^in-use 40 eu-west-1a i-0a01 \/dev\/sda1 attached/)
    expect(state.volumes[ROOT]).toMatch(/^available 100/)
    expect(state.instances['i-0a01']).toMatch(/^running/)
    expect(shown.join('\n')).toMatch(/Out of service: /)
    expect((await say('lead', 'approve R1 delete-approval')).outcome).toBeUndefined()
    const done = await say('deputy', 'approve R1 delete-approval')
    expect(done.outcome).toBe('succeeded')
    expect(aws.state().volumes[ROOT] ?? 'deleting').toMatch(/^deleting/)
    expect(Object.values(aws.state().snapshots).some(one => one.includes(ROOT))).toBe(true)
  }, 120_000)

  test('whose last partition reaches beyond the new size is not written anywhere, and comes back with a roll back', async () => {
    used = 3 * MIB
    await say('operator', 'shrink boot disk of dc01 to 40GiB on aws01 with helper01')
    const held = await say('operator', 'confirm R1 smaller-inside')
    expect(stuck(held)).toEqual([['fits', expect.objectContaining({ is: 'failed' })]])
    expect(helper.machine.copies()).toEqual([])
    const back = await say('operator', 'roll back R1')
    expect([back.outcome, stuck(back)]).toEqual(['rolled back', expect.anything()])
    expect(aws.state().volumes[ROOT]).toMatch(/^in-use 100 eu-west-1a i-0a01 \/dev\/sda1/)
    expect(aws.state().instances['i-0a01']).toMatch(/^(pending|running)/)
    expect(Object.keys(aws.state().volumes).filter(id => aws.state().volumes[id]?.startsWith('available 40'))).toEqual([
      'vol-0d04',
      'vol-0e05',
    ])
  }, 120_000)
})
