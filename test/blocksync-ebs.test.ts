import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Simulation, simulate } from '../adapters/aws/simulator.ts'
import { readState } from '../src/blocksync/progress.ts'
import { pull } from '../src/blocksync/pull.ts'
import { push } from '../src/blocksync/push.ts'
import { toEbs } from '../src/blocksync/to-ebs.ts'
import { noise, room, stopped } from './fakes/disk.ts'

const BLOCK = 512 * 1024
const CLI = new URL('./fakes/to-ebs-cli.ts', import.meta.url).pathname

let folder: string
let aws: Simulation
const environment = { ...process.env }

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ebs-'))
  aws = await simulate({ folder, moves: 'by looking' })
  process.env['AWS_ACCESS_KEY_ID'] = aws.settings.credentials!.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = aws.settings.credentials!.secretAccessKey
})
afterEach(async () => {
  await aws.stop()
  rmSync(folder, { recursive: true, force: true })
  process.env = { ...environment }
})

/** A disk whose size is no multiple of a block, its store, and the way from there into EBS. */
function house() {
  const at = room()
  const disk = Buffer.concat([noise(3 * BLOCK, 1), Buffer.alloc(2 * BLOCK), noise(BLOCK + 12_345, 2)])
  const place = { store: at.path('store'), disk: 'dc02' }
  const ebs = { endpoint: aws.settings.endpoint, region: aws.settings.region }
  const wish = { ...place, work: at.path('ebs'), ebs, parallel: 3 }
  const save = async (changed?: string): Promise<void> => {
    at.write('disk.img', disk)
    const whole = changed === undefined ? {} : { changed }
    await push({ ...place, source: at.path('disk.img'), work: at.path('work'), blockSize: 4 * BLOCK, ...whole })
  }
  const change = (offset: number, bytes: Buffer): string => {
    bytes.copy(disk, offset)
    return `${offset} ${bytes.length}`
  }
  const image = async (generation: number): Promise<Buffer> => {
    const name = `copy-${generation}.img`
    await pull({ ...place, image: at.path(name), generation })
    return at.read(name)
  }
  return { ...at, disk, place, wish, save, change, image, go: (more: object = {}) => toEbs({ ...wish, ...more }) }
}

/** The bytes of a snapshot, as a volume made of it would show them. */
function bytesOf(snapshot: string, length: number): Buffer {
  const { blocks } = aws.machine.snapshots[snapshot]!
  const bytes = Buffer.alloc(Math.ceil(length / BLOCK) * BLOCK)
  for (const [index, sha256] of Object.entries(blocks)) aws.machine.block(sha256).copy(bytes, Number(index) * BLOCK)
  expect(bytes.subarray(length).every(byte => byte === 0)).toBe(true)
  return bytes.subarray(0, length)
}
const sent = (action: string): number => aws.ledger().filter(one => one.command.startsWith(action)).length

test('three generations are three snapshots with the very bytes of the image, each a child of the one before', async () => {
  const at = house()
  await at.save()
  const first = await at.go()
  expect(first).toMatchObject({ generation: 1, blocks: 5, size: at.disk.length }) // zeros are not sent
  await at.save([at.change(BLOCK + 5, noise(100, 3)), at.change(5 * BLOCK, Buffer.alloc(BLOCK))].join('\n'))
  const second = await at.go({ description: 'after the update' })
  expect(second).toMatchObject({ generation: 2, blocks: 2 }) // one with other bytes, and one that is zeros now and must say so
  await at.save(at.change(at.disk.length - 7, noise(7, 4)))
  const third = await at.go()
  expect(third).toMatchObject({ generation: 3, blocks: 1 })
  for (const { snapshot, generation, size } of [first, second, third])
    expect(bytesOf(snapshot, size).equals(await at.image(generation))).toBe(true)
  const { snapshots } = aws.machine
  expect([snapshots[second.snapshot]?.parent, snapshots[third.snapshot]?.parent]).toEqual([first.snapshot, second.snapshot])
  expect(snapshots[second.snapshot]).toMatchObject({ description: 'after the update', gib: 1, state: 'completed' })
  expect(sent('PutSnapshotBlock')).toBe(8)
  expect(await readState(at.path('ebs'))).toMatchObject({
    what: 'ebs',
    state: 'done',
    generation: 3,
    counts: { total: at.disk.length, done: at.disk.length, sent: BLOCK },
  })
  expect(await at.go()).toEqual(third) // it is there already
  expect(sent('StartSnapshot')).toBe(3)
})

test('an older generation, and two at once, are made of what differs', async () => {
  const at = house()
  await at.save()
  await at.save(at.change(0, noise(10, 5)))
  await at.save(at.change(2 * BLOCK, noise(10, 6)))
  const first = await at.go({ generation: 1 })
  const third = await at.go()
  expect(third.blocks).toBe(2)
  expect(bytesOf(first.snapshot, first.size).equals(await at.image(1))).toBe(true)
  expect(bytesOf(third.snapshot, third.size).equals(await at.image(3))).toBe(true)
  expect(await stopped(at.go({ generation: 4 }))).toMatch(/^gap: The store has 3 generations/)
})

test('a snapshot that is gone is no parent: all of it is sent', async () => {
  const at = house()
  await at.save()
  const first = await at.go()
  await at.save(at.change(0, noise(10, 5)))
  delete aws.machine.snapshots[first.snapshot]
  const second = await at.go()
  expect(second.blocks).toBe(5)
  expect(aws.machine.snapshots[second.snapshot]?.parent).toBeUndefined()
  expect(bytesOf(second.snapshot, second.size).equals(at.disk)).toBe(true)
})

test('one that goes away while it is written is begun anew', async () => {
  const at = house()
  await at.save()
  aws.fail({ to: /PutSnapshotBlock/, code: 'AccessDeniedException', status: 403 })
  expect(await stopped(at.go({ parallel: 1 }))).toMatch(/^target: EBS cannot be used\. It does not let us do that/)
  const [begun] = Object.values(aws.machine.snapshots).filter(one => one.open)
  delete aws.machine.snapshots[begun!.id]
  const made = await at.go()
  expect(made.snapshot).not.toBe(begun!.id)
  expect(bytesOf(made.snapshot, made.size).equals(at.disk)).toBe(true)
})

test('credentials that expire half way stop it with a sentence, and it goes on with the same snapshot', async () => {
  const at = house()
  await at.save()
  aws.expire(3) // the begin and two blocks
  const said = await stopped(at.go({ parallel: 1 }))
  expect(said).toMatch(/^target: EBS cannot be used\. The credentials have expired\. Get new ones, then start again/)
  expect(said).not.toContain(aws.settings.credentials!.secretAccessKey)
  expect(sent('PutSnapshotBlock')).toBe(2)
  aws.renew()
  const made = await at.go()
  expect([sent('StartSnapshot'), sent('PutSnapshotBlock')]).toEqual([1, 5])
  expect(bytesOf(made.snapshot, made.size).equals(at.disk)).toBe(true)
})

test.each([
  ['RequestThrottledException', 400, false],
  ['InternalServerException', 500, true],
  ['ResourceNotFoundException', 404, false], // right after it was begun
] as const)('%s slows it down and does not end it', async (code, status, after) => {
  const at = house()
  await at.save()
  aws.fail({ to: /PutSnapshotBlock/, code, status, after, times: 3 })
  aws.fail({ to: /CompleteSnapshot/, code: 'InternalServerException', status: 500, after: true })
  const made = await at.go()
  expect(made.blocks).toBe(5)
  expect(bytesOf(made.snapshot, made.size).equals(at.disk)).toBe(true)
})

test('a lost answer to the begin makes no second snapshot', async () => {
  const at = house()
  await at.save()
  aws.misbehave({ how: 'lose answer', to: /^StartSnapshot/ })
  aws.misbehave({ how: 'lose answer', to: /^CompleteSnapshot/ })
  const made = await at.go()
  expect(sent('StartSnapshot')).toBe(1)
  expect(Object.values(aws.machine.snapshots).filter(one => one.open)).toEqual([])
  expect(bytesOf(made.snapshot, made.size).equals(at.disk)).toBe(true)
})

test('what EBS refuses for its checksum, or for the sum of all, is never called done', async () => {
  const at = house()
  await at.save()
  aws.fail({ to: /CompleteSnapshot/, code: 'ValidationException', status: 400 })
  expect(await stopped(at.go())).toMatch(/^target: EBS cannot be used\. It says: ValidationException/)
  expect(JSON.parse(readFileSync(at.path('ebs/ebs.json'), 'utf8')).made).toEqual([])
  const [open] = Object.values(aws.machine.snapshots).filter(one => one.open)
  open!.written[0] = 'ff'.repeat(32) // a block that is not what was sent
  expect(await stopped(at.go())).toMatch(/The checksum does not match the blocks/)
})

test('a chunk that rotted in the store stops it, and nothing is completed', async () => {
  const at = house()
  await at.save()
  const packs = at.path('store/dc02/packs')
  let spoilt = 0
  for (const name of readdirSync(packs, { recursive: true, encoding: 'utf8' }))
    if (statSync(join(packs, name)).isFile()) {
      writeFileSync(join(packs, name), noise(statSync(join(packs, name)).size, 99))
      spoilt++
    }
  expect(spoilt).toBeGreaterThan(0)
  expect(await stopped(at.go())).toMatch(/^rot: The chunk/)
  expect(sent('CompleteSnapshot')).toBe(0)
})

test('killed again and again it ends with one snapshot, and sends little twice', async () => {
  const at = house()
  const large = Buffer.concat([noise(40 * BLOCK, 7), Buffer.alloc(BLOCK), noise(4_321, 8)])
  at.write('disk.img', large)
  await push({ ...at.place, source: at.path('disk.img'), work: at.path('work'), blockSize: 4 * BLOCK })
  const wish = JSON.stringify({ ...at.wish, parallel: 2 })
  const start = (): ChildProcess =>
    spawn(process.execPath, ['--import', 'tsx', CLI, wish], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 50_000 })
  const journal = at.path('ebs/ebs-journal')
  const lines = (): number => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').length : 0)
  let kills = 0
  for (const most of [3, 20]) {
    const child = start()
    const over = once(child, 'exit')
    while (child.exitCode === null && child.signalCode === null) {
      if (lines() >= most) child.kill('SIGKILL')
      await new Promise(done => setTimeout(done, 2))
    }
    await over
    if (child.signalCode === 'SIGKILL') kills++
  }
  expect(kills).toBe(2)
  const made = await at.go()
  expect(bytesOf(made.snapshot, made.size).equals(large)).toBe(true)
  expect(made.blocks).toBe(41)
  expect(sent('StartSnapshot')).toBe(1)
  expect(sent('PutSnapshotBlock')).toBeLessThanOrEqual(41 + kills * 3) // a block may have arrived without its line
}, 120_000)

test('a cancel stops it, and it goes on from there', async () => {
  const at = house()
  await at.save()
  expect(await stopped(at.go({ signal: AbortSignal.abort() }))).toMatch(/^cancelled: It was cancelled/)
  const made = await at.go()
  expect(bytesOf(made.snapshot, made.size).equals(at.disk)).toBe(true)
})
