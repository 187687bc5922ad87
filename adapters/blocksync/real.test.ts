import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { makeFolder } from '../../src/blocksync/durable-file.ts'
import { writeWish } from '../../src/blocksync/steering.ts'
import { type Status, statusOf } from '../../src/commands/blocksync-kept.ts'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Capability } from '../../src/kit/device.ts'
import { Refused, Uncertain } from '../../src/kit/errors.ts'
import { noise, room } from '../../test/fakes/disk.ts'
import type { Sync } from './answers.ts'
import blocksync from './index.ts'
import type { Trace } from './starts.ts'
import { ownCommand } from './wire.ts'

/** The real mover, as processes of its own: each word to it is a process too, and a busy machine takes its time to start one. */
vi.setConfig({ testTimeout: 300_000 })

const MIB = 1 << 20
const LOADER = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const CLI = fileURLToPath(new URL('../../test/fakes/blocksync-cli.ts', import.meta.url))
const works: string[] = []
const pidOf = (work: string): number => (JSON.parse(readFileSync(`${work}/lock`, 'utf8')) as { pid: number }).pid
afterEach(() => {
  for (const work of works.splice(0)) if (existsSync(`${work}/lock`)) process.kill(pidOf(work), 'SIGKILL')
})

function house(bytes: number) {
  const at = room()
  const disk = noise(bytes, 1)
  at.write('disk.img', disk)
  const site = {
    store: at.path('store'),
    work: at.path('works'),
    images: at.path('images'),
    command: [process.execPath, '--import', LOADER, CLI],
  }
  const mover = blocksync.connect(blocksync.settings.parse(site), 'dr' as Target)
  const call = (params: Params, intent = 'R1/start/1', signal = AbortSignal.timeout(150_000)) => ({
    intent: intent as IntentId,
    params,
    signal,
    go: () => {},
  })
  const capability = (name: keyof typeof blocksync.capabilities) => blocksync.capabilities[name] as Capability
  const does = (name: keyof typeof blocksync.capabilities, params: Params): Promise<unknown> =>
    capability(name).perform(mover, call(params))
  works.push(at.path('works/a1'), at.path('works/a2'))
  return {
    ...at,
    disk,
    site,
    mover,
    call,
    capability,
    does,
    pid: () => pidOf(at.path('works/a1')),
    /** A limit outlives the movers that it was said to, so it can be there before the first one. */
    slowly: async (limit: number): Promise<void> => {
      await makeFolder(at.path('works/a1'))
      await writeWish(at.path('works/a1'), { paused: false, cancelled: false, limit })
    },
    until: async (ok: (status: Status) => boolean, name = 'a1'): Promise<void> => {
      for (const late = performance.now() + 120_000; ; await wait(50)) {
        const status = await statusOf(at.path(`works/${name}`))
        if (ok(status)) return
        if (performance.now() > late) throw new Error(`it never came to that: ${JSON.stringify(status)}`)
      }
    },
    order: (point: string) =>
      at.write(
        'order.json',
        JSON.stringify({
          ...{ format: 'signalbox-order', version: 1, machine: 'web01', point, taken: 1_700_000_000_000 },
          disks: ['web01-2000', 'web01-2001'].map(name => ({
            ...{ disk: name, size: disk.length, source: at.path('disk.img'), changed: null, point: null },
          })),
        }),
      ),
  }
}

const sync = 'a1'

describe('the real mover', () => {
  test('is limited, paused, killed and resumed, and what it pushed is in the store once', async () => {
    const at = house(12 * MIB)
    await at.slowly(128 << 10)
    const push = { disk: 'web01-2000', source: at.path('disk.img'), point: 'snap-1', sync }
    expect(await at.does('push', push)).toEqual({ sync, state: 'running' })
    expect(await at.does('pause', { sync })).toEqual({ sync, asked: 'paused' })
    await at.until(({ state }) => state === 'paused')
    process.kill(at.pid(), 'SIGKILL')
    await at.until(({ alive }) => !alive)
    const dead = (await at.does('sync', { sync })) as Sync
    expect(dead).toMatchObject({ state: 'dead', total: 12 * MIB, limit: 128 << 10 })
    expect(dead.done).toBeLessThan(12 * MIB)
    await expect(at.does('push', { ...push, point: 'snap-2' })).rejects.toThrow(Refused)
    await at.does('limit', { sync, rate: 0 })
    expect(await at.does('resume', { sync })).toMatchObject({ sync })
    await at.until(({ state }) => state === 'done')
    const done = (await at.does('sync', { sync })) as Sync
    expect(done).toMatchObject({ state: 'done', generation: 1, done: 12 * MIB, total: 12 * MIB })
    expect(await at.does('generations', { disk: 'web01-2000' })).toMatchObject({ count: 1, digest: done.digest })
    expect(await at.does('cleanup', { sync })).toEqual({ sync, state: 'none' })
    expect(existsSync(at.path('works/a1'))).toBe(false)
    await at.mover.close()
  })

  test('goes on when the one who started it is killed: the doubt is settled by its folder, and its result is found', async () => {
    const at = house(12 * MIB)
    const digest = createHash('sha256')
      .update(readFileSync(at.order('snap-1')))
      .digest('hex')
    await at.slowly(128 << 10)
    const { effect, perform } = at.capability('pushOrder')
    if (effect === 'read' || effect.inDoubt.ask !== 'device') throw new Error('a start asks the device')
    const params = { order: at.path('order.json'), digest, sync }
    const impatient = new AbortController()
    const call = at.call(params, 'R7/push/1', impatient.signal)
    const before = await effect.inDoubt.look(at.mover, at.call(params, 'R7/push/1'))
    expect(effect.inDoubt.judge(before, before, params)).toEqual({ done: false })
    const asked = perform(at.mover, call).then(
      () => 'answered',
      (error: unknown) => error,
    )
    await at.until(({ request, alive }) => request !== undefined && alive)
    impatient.abort() // the shell kills the one that started it, with a signal that cannot be caught
    const answer = await asked
    if (answer !== 'answered') expect(answer).toBeInstanceOf(Uncertain)
    const now = (await effect.inDoubt.look(at.mover, at.call(params, 'R7/push/1'))) as Trace
    expect(now).toMatchObject({ there: true, ours: true })
    expect(effect.inDoubt.judge(before, now, params)).toEqual({ done: true })

    await writeWish(at.path('works/a1'), { paused: false, cancelled: false })
    await at.until(({ state }) => state === 'done')
    expect(await at.does('sync', { sync })).toMatchObject({ state: 'done', about: 'web01', set: 1, disks: 2, done: 24 * MIB })
    expect(await at.does('recoveryPoints', { machine: 'web01' })).toMatchObject({
      points: 1,
      newest: 1,
      taken: 1_700_000_000_000,
      since: { 'web01-2000': 'snap-1', 'web01-2001': 'snap-1' },
    })
    expect(await at.does('pull', { machine: 'web01', sync: 'a2' })).toMatchObject({ sync: 'a2' })
    await at.until(({ state }) => state === 'done', 'a2')
    const pulled = (await at.does('sync', { sync: 'a2' })) as Sync
    expect(Object.keys(pulled.images ?? {})).toEqual(['web01-2000', 'web01-2001'])
    for (const image of Object.values(pulled.images ?? {})) expect(readFileSync(image).equals(at.disk)).toBe(true)
    expect(await at.does('syncs', {})).toMatchObject({ count: 2, running: 0, failed: 0 })
    await at.mover.close()
  })

  test('is this installation, where the site file names no other', async () => {
    const at = room()
    const [program = '', ...words] = ownCommand()
    const said = await new Promise<string>((resolve, reject) =>
      execFile(
        program,
        [...words, 'blocksync', 'works', at.path('nothing')],
        { cwd: at.folder, timeout: 250_000 },
        (error, out) => (error ? reject(error) : resolve(out)),
      ),
    )
    expect(JSON.parse(said)).toMatchObject({ count: 0, works: [] })
  })
})
