import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Bench, Scenario } from '../../src/kit/contract.ts'
import { contract } from '../../src/kit/contract.ts'
import type { Capability } from '../../src/kit/device.ts'
import { parse } from '../../src/language/parse.ts'
import blocksync from './index.ts'
import { type Simulation, type State, simulate } from './simulator.ts'

const MIB = 1 << 20
const call = (params: Params, intent = 'R1/prepare/1') => ({
  intent: intent as IntentId,
  params,
  signal: AbortSignal.timeout(5_000),
  go: () => {},
})
const perform = (device: unknown, name: keyof typeof blocksync.capabilities, params: Params, intent?: string): Promise<unknown> =>
  (blocksync.capabilities[name] as Capability).perform(device, call(params, intent))

const one = { sync: 'web01-1' }
const push = { disk: 'web01-2000', source: '/dev/vg0/web01-snap', sync: 'web01-1' }
const ORDER = '/srv/orders/web01.json'
const order = JSON.stringify({
  machine: 'web01',
  point: 'snap-1',
  taken: 1_700_000_000_000,
  disks: [
    { disk: 'web01-2000', size: 64 * MIB, point: null },
    { disk: 'web01-2001', size: 64 * MIB, point: 'own' },
  ],
})

type Prepare = (simulation: Simulation) => void | Promise<void>
const begun: Prepare = async simulation => void (await perform(simulation.device(), 'push', push))
const and =
  (...steps: readonly Prepare[]): Prepare =>
  async simulation => {
    for (const step of steps) await step(simulation)
  }
const moved: Prepare = ({ move }) => move(1 << 30)
const halfWay: Prepare = ({ move }) => move()
const killed: Prepare = ({ kill }) => kill('web01-1')
const kept: Prepare = ({ host }) => host.keep('web01', 'snap-1', ['web01-2000', 'web01-2001'])
const ordered: Prepare = ({ host }) => host.file(ORDER, order)

const field = (result: unknown, name: string): unknown => (result as Record<string, unknown>)[name]
const work = (seen: unknown, sync = 'web01-1') => (seen as State).works[sync]
const reading = (params: Params, holds: (result: unknown) => boolean, prepare?: Prepare): Scenario<Simulation> => ({
  params,
  ...(prepare ? { prepare } : {}),
  shows: ({ result }) => holds(result),
})
const starting = (params: Params, prepare?: Prepare): Scenario<Simulation> => ({
  params,
  ...(prepare ? { prepare } : {}),
  shows: ({ before, after, result }) =>
    work(before) === undefined && work(after)?.alive === true && field(result, 'state') === 'running',
})

const bench: Bench<Simulation> = {
  target: 'dr',
  simulate: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'blocksync-'))
    const simulation = await simulate({ folder })
    const stop = async (): Promise<void> => {
      await simulation.stop()
      rmSync(folder, { recursive: true, force: true })
    }
    return { ...simulation, stop }
  },
  scenarios: {
    sync: {
      ...reading(one, result => field(result, 'done') === 16 * MIB && field(result, 'state') === 'running', and(begun, halfWay)),
      later: halfWay,
    },
    syncs: reading({}, result => field(result, 'count') === 1 && field(result, 'failed') === 1, and(begun, killed)),
    recoveryPoints: reading(
      { machine: 'web01' },
      result => field(result, 'points') === 1 && JSON.stringify(field(result, 'since')).includes('"web01-2001":"snap-1"'),
      kept,
    ),
    generations: reading({ disk: 'web01-2000' }, result => field(result, 'newest') === 1, kept),
    push: starting(push),
    pushOrder: starting({ order: ORDER, ...one }, ordered),
    pull: starting({ machine: 'web01', ...one }, kept),
    publish: starting({ machine: 'web01', set: 1, ...one }, kept),
    verify: starting({ disk: 'web01-2000', ...one }, kept),
    pause: { params: one, prepare: begun, shows: ({ after }) => work(after)?.state === 'paused' },
    cancel: { params: one, prepare: begun, shows: ({ after }) => work(after)?.state === 'cancelled' },
    limit: { params: { ...one, rate: 5 * MIB }, prepare: begun, shows: ({ after }) => work(after)?.limit === 5 * MIB },
    resume: {
      params: one,
      prepare: and(begun, halfWay, killed),
      shows: ({ after, result }) =>
        work(after)?.alive === true && work(after)?.done === 16 * MIB && field(result, 'state') === 'running',
    },
    halt: { params: one, prepare: begun, shows: ({ after }) => work(after)?.state === 'cancelled' },
    tidy: { params: one, prepare: and(begun, moved), shows: ({ after }) => work(after) === undefined },
    cleanup: { params: one, prepare: and(begun, moved), shows: ({ after }) => work(after) === undefined },
  },
}

contract(blocksync, bench, sentence => {
  const read = parse(sentence, { targets: new Map([[bench.target, { kind: blocksync.name }]]) })
  return 'command' in read && read.command.kind === 'act' ? read.command.wish : read
})

describe('a sync', () => {
  async function house(prepare: Prepare = () => {}) {
    const simulation = await bench.simulate('push')
    await prepare(simulation)
    const mover = blocksync.connect(blocksync.settings.parse(simulation.settings), 'dr' as Target)
    return {
      simulation,
      does: (name: keyof typeof blocksync.capabilities, params: Params, intent?: string) => perform(mover, name, params, intent),
      mover,
    }
  }

  test('keeps its name: another request under it is refused, and the same one is found at work', async () => {
    const { simulation, does, mover } = await house()
    await does('push', push)
    const sent = simulation.ledger().length
    expect(await does('push', push, 'R2/push/1')).toEqual({ sync: 'web01-1', state: 'running' })
    await expect(does('push', { ...push, disk: 'web01-2001' })).rejects.toThrow(/is the name of another request/)
    expect(simulation.ledger().length).toBe(sent)
    await expect(does('cleanup', one)).rejects.toThrow(/sync web01-1 is running/)
    await mover.close()
    await simulation.stop()
  })

  test('of a machine gives the point from which the next one goes on, and what its snapshots are', async () => {
    const { simulation, does, mover } = await house(ordered)
    expect(await does('recoveryPoints', { machine: 'web01' })).toEqual({ machine: 'web01', points: 0, disks: 0, since: {} })
    await does('pushOrder', { order: ORDER, ...one })
    simulation.move(1 << 30)
    expect(await does('sync', one)).toMatchObject({ state: 'done', set: 1, disks: 2, taken: 1_700_000_000_000, total: 128 * MIB })
    expect(await does('recoveryPoints', { machine: 'web01' })).toMatchObject({
      points: 1,
      newest: 1,
      taken: 1_700_000_000_000,
      disks: 2,
      since: { 'web01-2000': 'snap-1', 'web01-2001': 'own' },
    })
    await does('publish', { machine: 'web01', sync: 'ebs-1' })
    simulation.move(1 << 30)
    const shown = (await does('sync', { sync: 'ebs-1' })) as { root: string; others: string[] }
    expect([shown.root, ...shown.others].every(it => /^snap-[0-9a-f]{17}$/.test(it))).toBe(true)
    await mover.close()
    await simulation.stop()
  })

  test('that died is dead, not running, and only what makes sense may be said to it', async () => {
    const { simulation, does, mover } = await house(and(begun, halfWay, killed))
    expect(await does('sync', one)).toMatchObject({ state: 'dead', done: 16 * MIB })
    await expect(does('pause', one)).rejects.toThrow(/sync web01-1 is dead, and this wants running or paused/)
    await expect(does('pause', { sync: 'nobody' })).rejects.toThrow(/there is no sync nobody/)
    await does('resume', one)
    expect(await does('sync', one)).toMatchObject({ state: 'running' })
    await mover.close()
    await simulation.stop()
  })

  test('carries no secret and no option in what people say', () => {
    const { settings } = blocksync
    const site = { store: 's3://vault/dr', work: '/srv/w', images: '/srv/i' }
    expect(settings.safeParse(site).success).toBe(true)
    expect(settings.safeParse({ ...site, endpoint: 'https://user:pass@s3.example' }).success).toBe(false)
    expect(settings.safeParse({ ...site, environment: { AWS_SECRET_ACCESS_KEY: 'x' } }).success).toBe(false)
    for (const source of ['--limit=1', 'file', '/a\nb', '/a"b'])
      expect(blocksync.capabilities.push.params.safeParse({ ...push, source }).success, source).toBe(false)
  })
})
