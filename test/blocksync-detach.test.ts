import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { type Status, statusOf } from '../src/commands/blocksync-kept.ts'
import { noise, room } from './fakes/disk.ts'

const CLI = new URL('./fakes/blocksync-cli.ts', import.meta.url).pathname
const WORDS = ['--import', 'tsx', CLI, 'blocksync'] as const
const MIB = 1 << 20

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
  json(): Record<string, unknown> & {
    readonly work: string
    readonly state: string
    readonly alive: boolean
    readonly already: boolean
  }
}
const say = (...words: readonly string[]): Promise<Said> =>
  new Promise(resolve => {
    const child = execFile(process.execPath, [...WORDS, ...words], { timeout: 90_000 }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err, json: () => JSON.parse(out.trim().split('\n').at(-1) ?? '') }),
    )
  })

// Each word to the command line is a process of its own, and a busy machine takes its time to start one.
vi.setConfig({ testTimeout: 240_000 })

const works: string[] = []
const parents: ChildProcess[] = []
const pidOf = (work: string): number => (JSON.parse(readFileSync(`${work}/lock`, 'utf8')) as { pid: number }).pid
afterEach(() => {
  for (const parent of parents.splice(0)) parent.kill('SIGKILL')
  for (const work of works.splice(0)) if (existsSync(`${work}/lock`)) process.kill(pidOf(work), 'SIGKILL')
})

async function until(work: string, ok: (status: Status) => boolean): Promise<Status> {
  for (const late = performance.now() + 90_000; ; await wait(50)) {
    const status = await statusOf(work)
    if (ok(status)) return status
    if (performance.now() > late) throw new Error(`it never came to that: ${JSON.stringify(status)}`)
  }
}

function house(bytes = 4 * MIB) {
  const at = room()
  at.write('disk.img', noise(bytes, 1))
  const work = at.path('work')
  works.push(work)
  const push = ['push', at.path('disk.img'), at.path('store'), '--disk', 'dc02', '--work', work, '--block', '64KiB']
  return { ...at, work, push: [...push, '--parallel', '2'], slow: [...push, '--parallel', '2', '--limit', '64KiB'] }
}

test('a mover that is started detached outlives a parent that is killed, and its result is found', async () => {
  const at = house(MIB)
  const parent = spawn(
    process.execPath,
    [
      '-e',
      `require('node:child_process').spawn(process.execPath, ${JSON.stringify([...WORDS, ...at.slow, '--detach'])}, { stdio: 'ignore' }); setInterval(() => {}, 1000)`,
    ],
    { stdio: 'ignore' },
  )
  parents.push(parent)
  const over = once(parent, 'exit')
  await until(at.work, ({ alive, state }) => alive && state === 'running')
  parent.kill('SIGKILL')
  await over
  expect((await say('steer', at.work, '--limit', 'none')).code).toBe(0)
  const done = await until(at.work, ({ state }) => state === 'done')
  expect(done).toMatchObject({ alive: false, result: { generation: 1, digest: expect.stringMatching(/^[0-9a-f]{64}$/) } })
  expect(existsSync(at.path('store/dc02/gen/00000001.json'))).toBe(true)
})

test('the same work again is already running, and another request on the same folder is refused', async () => {
  const at = house()
  const first = await say(...at.slow, '--detach', '--intent', 'R1/push/1')
  expect(first.code, first.err).toBe(0)
  expect(first.json()).toMatchObject({
    already: false,
    work: at.work,
    state: 'running',
    alive: true,
    request: { intent: 'R1/push/1' },
  })
  const pid = pidOf(at.work)
  const again = await say(...at.slow, '--detach', '--intent', 'R2/push/1')
  expect(again.code).toBe(0)
  expect(again.json()).toMatchObject({ already: true, alive: true, request: { intent: 'R1/push/1' } })
  const other = await say(...at.push, '--detach')
  expect(other.code).toBe(1)
  expect(other.err).toMatch(/on another request/)
  expect(pidOf(at.work)).toBe(pid)
  expect((await say('forget', at.work)).err).toMatch(/A mover is at work/)

  expect((await say('steer', at.work, '--cancel')).code).toBe(0)
  await until(at.work, ({ state, alive }) => state === 'cancelled' && !alive)
  expect((await say('forget', at.work)).code).toBe(0)
  expect(existsSync(at.work)).toBe(false)
  expect((await say('status', at.work)).code).toBe(1)
  expect((await say('status', at.work, '--or-none')).json()).toMatchObject({ state: 'none' })
})

test('a mover that is killed is resumed from its kept request, and sends little twice', async () => {
  // Chunks that are sent together are noted together: of so many the first ones are by then.
  const at = house(8 * MIB)
  expect((await say(...at.push, '--limit', '1MiB', '--detach')).code).toBe(0)
  await until(at.work, ({ counts }) => (counts as { sent: number }).sent > 3 * MIB)
  process.kill(pidOf(at.work), 'SIGKILL')
  const dead = await until(at.work, ({ alive }) => !alive)
  expect(dead.state).toBe('running')
  await say('steer', at.work, '--limit', 'none')
  const resumed = await say('resume', at.work)
  expect(resumed.code, resumed.err).toBe(0)
  const done = await until(at.work, ({ state }) => state === 'done')
  expect(done).toMatchObject({ result: { generation: 1 }, counts: { done: 8 * MIB, total: 8 * MIB } })
  expect((done['counts'] as { sent: number }).sent).toBeLessThan(6.5 * MIB)
  expect((await say('resume', at.work)).json()).toMatchObject({ already: true, state: 'done' })
})

test('a mover that died between its end and its result finds what it had made, and makes no second generation', async () => {
  const at = house(MIB)
  expect((await say(...at.push)).code).toBe(0)
  const { result } = await statusOf(at.work)
  rmSync(`${at.work}/result.json`)
  expect(await statusOf(at.work)).toMatchObject({ state: 'running', alive: false })
  expect((await say('resume', at.work)).code).toBe(0)
  expect((await until(at.work, ({ state }) => state === 'done'))['result']).toEqual(result)
  expect(existsSync(at.path('store/dc02/gen/00000002.json'))).toBe(false)
})

test('what fails at once is said at once, in its own words and with its own status', async () => {
  const at = house()
  const said = await say('push', at.path('nothing.img'), at.path('store'), '--disk', 'dc02', '--work', at.work, '--detach')
  const status = await until(at.work, ({ alive }) => !alive)
  expect(status).toMatchObject({ state: 'failed', error: expect.stringContaining('cannot be opened') })
  if (said.code !== 0) expect(said.err).toContain('cannot be opened')
  const early = await say(...at.push, '--changed', at.path('nowhere.txt'), '--detach')
  expect(early.code).toBe(1)
  expect(early.err).toMatch(/^The list .* cannot be read\. Say one that is there\.$/m)
})

test('a verify goes on by itself too, and what is bad is in its result', async () => {
  const at = house(MIB)
  await say(...at.push)
  const work = at.path('verify')
  works.push(work)
  const verify = ['verify', at.path('store'), '--disk', 'dc02', '--work', work, '--detach']
  expect((await say(...verify)).code).toBe(0)
  expect(await until(work, ({ alive }) => !alive)).toMatchObject({ state: 'done', result: { bad: 0, chunks: 16 } })
  const manifest = JSON.parse(readFileSync(at.path('store/dc02/gen/00000001.json'), 'utf8')) as {
    packs: [string, number][]
    chunks: [number, number, string, number, number][]
  }
  const [, , sha256, pack, place] = manifest.chunks[3]!
  const packs = at.path('store/dc02/packs')
  const file = readdirSync(packs, { recursive: true, encoding: 'utf8' }).find(name => name.endsWith(manifest.packs[pack]![0]))!
  const bytes = readFileSync(join(packs, file))
  bytes.write('rot', place)
  writeFileSync(join(packs, file), bytes)
  await say(...verify)
  expect(await until(work, ({ alive }) => !alive)).toMatchObject({
    state: 'failed',
    error: '1 of 16 chunks are bad. Push the whole disk again.',
    result: { bad: 1, worst: [{ sha256 }] },
  })
})
