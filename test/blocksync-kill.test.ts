import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readState } from '../src/blocksync/progress.ts'
import { pull } from '../src/blocksync/pull.ts'
import { writeWish } from '../src/blocksync/steering.ts'
import { verify } from '../src/blocksync/verify.ts'
import { noise, room } from './fakes/disk.ts'

const CLI = new URL('./fakes/blocksync-cli.ts', import.meta.url).pathname
const start = (...words: readonly string[]): ChildProcess =>
  spawn(process.execPath, ['--import', 'tsx', CLI, 'blocksync', ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
const ended = async (child: ChildProcess): Promise<number | null> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode
}
const MIB = 1 << 20

/** A mover that is killed when it has so many lines in its journal, or at the end of it all; whether it was. */
async function killedAt(child: ChildProcess, journal: string, lines: number): Promise<boolean> {
  const over = once(child, 'exit')
  const count = (): number => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').length : 0)
  while (child.exitCode === null && child.signalCode === null) {
    if (count() >= lines) child.kill('SIGKILL')
    await new Promise(done => setImmediate(done))
  }
  await over
  return child.signalCode === 'SIGKILL'
}

test('a push and a pull that are killed again and again end with the very disk, and send little twice', async () => {
  const at = room()
  const disk = Buffer.concat([noise(5 * MIB, 1), Buffer.alloc(MIB), noise(2 * MIB + 333, 2)])
  at.write('disk.img', disk)
  const pushing = [
    'push',
    at.path('disk.img'),
    at.path('store'),
    '--disk',
    'dc02',
    '--work',
    at.path('work'),
    '--block',
    '64KiB',
    '--parallel',
    '3',
  ]
  const pulling = ['pull', at.path('store'), at.path('copy.img'), '--disk', 'dc02', '--parallel', '3']
  let kills = 0
  for (const lines of [2, 60, 61, 120]) if (await killedAt(start(...pushing), at.path('work/journal'), lines)) kills++
  expect(kills).toBeGreaterThan(2)
  expect(existsSync(at.path('store/dc02/gen/00000001.json'))).toBe(false)
  const last = start(...pushing)
  const told: string[] = []
  last.stdout!.on('data', text => told.push(String(text)))
  expect(await ended(last)).toBe(0)
  const final = JSON.parse(told.join('').trim().split('\n').at(-2)!) as {
    counts: { sent: number; done: number; total: number; zero: number }
  }
  expect(final.counts).toMatchObject({ done: disk.length, total: disk.length, zero: MIB })
  expect(final.counts.sent).toBeLessThan(2 * MIB) // 120 of 129 pieces were done before

  for (const lines of [2, 60]) {
    if (await killedAt(start(...pulling), at.path('copy.img.blocksync/journal'), lines))
      expect(existsSync(at.path('copy.img'))).toBe(false)
  }
  await pull({ store: at.path('store'), disk: 'dc02', image: at.path('copy.img') })
  expect(at.read('copy.img').equals(disk)).toBe(true)
  expect((await verify({ store: at.path('store'), disk: 'dc02' })).bad).toEqual([])
}, 240_000)

test('a mover is paused, limited and cancelled from outside, and goes on from there', async () => {
  const at = room()
  const disk = noise(4 * MIB, 1)
  at.write('disk.img', disk)
  const pushing = [
    'push',
    at.path('disk.img'),
    at.path('store'),
    '--disk',
    'dc02',
    '--work',
    at.path('work'),
    '--block',
    '64KiB',
    '--parallel',
    '2',
  ]
  const slow = start(...pushing, '--limit', '256KiB')
  while (!existsSync(at.path('work/journal'))) await new Promise(done => setImmediate(done))
  expect((await readState(at.path('work')))?.alive).toBe(true)
  slow.kill('SIGTERM')
  expect(await ended(slow)).toBe(3)
  expect(await readState(at.path('work'))).toMatchObject({ state: 'cancelled', alive: false })
  const before = (await readState(at.path('work')))!.counts
  expect(before.done).toBeLessThan(disk.length)

  const steer = async (...words: readonly string[]) => expect(await ended(start('steer', at.path('work'), ...words))).toBe(0)
  await writeWish(at.path('work'), { paused: true, cancelled: false })
  const paused = start(...pushing)
  while ((await readState(at.path('work')))?.state !== 'paused') await new Promise(done => setTimeout(done, 50))
  expect(paused.exitCode).toBe(null)
  await steer('--go')
  expect(await ended(paused)).toBe(0)
  await pull({ store: at.path('store'), disk: 'dc02', image: at.path('copy.img') })
  expect(at.read('copy.img').equals(disk)).toBe(true)
})
