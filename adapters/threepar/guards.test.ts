import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IntentId } from '../../src/domain/ids.ts'
import { Refused } from '../../src/kit/errors.ts'
import { start, stop, switchover, sync } from './changes.ts'
import type { Verb } from './commands.ts'
import * as reads from './reads.ts'
import { type GroupKept, type Kept, replaced } from './simulated/pair.ts'
import { type Simulation, simulate } from './simulator.ts'

const HOUR = 3_600_000
let folder: string
let here: Simulation
let there: Simulation

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'threepar-guards-'))
  here = await simulate({ folder: join(folder, 'array01'), pair: '../pair', side: 'a', syncTime: HOUR })
  there = await simulate({ folder: join(folder, 'array02'), pair: '../pair', side: 'b', syncTime: HOUR })
})
afterEach(async () => {
  await here.stop()
  await there.stop()
})

const call = (group: string) => ({
  intent: 'R1/x/1' as IntentId,
  params: { group },
  signal: AbortSignal.timeout(5_000),
  go: () => {},
})
const VERBS = { start, stop, sync, switchover }
const perform = (verb: Verb, group = 'rcg_sql01', on = here) => VERBS[verb].perform(on.device(), call(group))
const set = (how: Partial<GroupKept>, name = 'rcg_sql01') =>
  here.pair.change(kept => replaced(kept, { ...kept.groups.find(one => one.name === name)!, ...how }))
const pair = (how: Partial<Kept>) => here.pair.change(kept => ({ ...kept, ...how }))
const look = (name: string, on = here) => on.device().find(name, AbortSignal.timeout(5_000))

describe('what is refused, before anything is sent', () => {
  const task = { id: 7, type: 'remote_copy_sync', group: 'rcg_sql01', side: 'a', started: 0 } as const
  test.each<[string, Verb, RegExp, () => void, string?]>([
    ['a group that is not there', 'stop', /there is no remote copy group ghost/, () => {}, 'ghost'],
    ['start of a group that runs', 'start', /started already/, () => {}],
    ['start on the secondary side', 'start', /Secondary here/, () => {}, 'rcg_vdi02.r121650'],
    ['start of a group with a stale volume', 'start', /Stale: call support/, () => set({ status: 'Stopped', stale: true })],
    ['stop of a group that is stopped', 'stop', /Stopped, not Started/, () => set({ status: 'Stopped' })],
    ['stop on the secondary side', 'stop', /Secondary here/, () => set({ primary: 'b' })],
    ['sync of what is synchronous and Synced', 'sync', /nothing to send/, () => {}],
    ['sync of a group that is stopped', 'sync', /not Started/, () => set({ status: 'Stopped' }, 'rcg_files01'), 'rcg_files01'],
    [
      'a second sync on top of the first',
      'sync',
      /syncing now/,
      () => set({ syncingSince: here.pair.now() }, 'rcg_files01'),
      'rcg_files01',
    ],
    ['switchover of a periodic group', 'switchover', /only a synchronous group/, () => {}, 'rcg_files01'],
    ['switchover without path management', 'switchover', /not Peer Persistence/, () => set({ policies: ['auto_recover'] })],
    [
      'switchover while a volume syncs',
      'switchover',
      /2 of 2 volumes are not Synced/,
      () => set({ syncingSince: here.pair.now() }),
    ],
    ['switchover with a link down', 'switchover', /2 of 4 links are not Up/, () => pair({ linksDown: 1 })],
    ['switchover while a task is at work', 'switchover', /1 tasks are at work/, () => pair({ tasks: [task] })],
    [
      'switchover of a volume that no host sees',
      'switchover',
      /1 of its volumes have no path/,
      () => pair({ unseen: ['sql01.log'] }),
    ],
    ['switchover from the secondary side', 'switchover', /Secondary here/, () => set({ primary: 'b' })],
  ])('%s', async (_, verb, why, prepare, group = 'rcg_sql01') => {
    prepare()
    const before = here.pair.read()
    const error = await perform(verb, group).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(Refused)
    expect((error as Error).message).toMatch(why)
    expect(here.ledger()).toEqual([])
    expect(here.pair.read()).toEqual(before)
  })
})

describe('two arrays', () => {
  test('a switchover turns both round, keeps their names, and the way back starts on the other one', async () => {
    expect(await perform('switchover')).toMatchObject({ role: 'Secondary', status: 'Started', synced: 2 })
    expect(await look('rcg_sql01.r121649', there)).toMatchObject({
      role: 'Primary',
      base: 'rcg_sql01',
      sourceSystem: 121_649,
      allSynced: true,
    })
    await expect(perform('switchover')).rejects.toThrow(/Secondary here/)
    expect(await perform('switchover', 'rcg_sql01.r121649', there)).toMatchObject({ role: 'Secondary' })
    expect(await look('rcg_sql01')).toMatchObject({ role: 'Primary' })
    expect([here.ledger().length, there.ledger().length]).toEqual([1, 1])
  })

  test('each sees its own half of the paths, and they turn round', async () => {
    const ready = (name: string, on: Simulation) => reads.switchoverReady.perform(on.device(), call(name))
    expect(await ready('rcg_sql01', here)).toMatchObject({ role: 'Primary', volumesServed: 2, fewestStandby: 0, linksNotUp: 0 })
    expect(await ready('rcg_sql01.r121649', there)).toMatchObject({ role: 'Secondary', volumesServed: 0, fewestStandby: 4 })
    await perform('switchover')
    expect(await ready('rcg_sql01', here)).toMatchObject({ role: 'Secondary', fewestStandby: 4 })
  })

  test('a start syncs in time, is seen from both sides, and survives a restart', async () => {
    set({ status: 'Stopped' })
    expect(await look('rcg_sql01')).toMatchObject({ status: 'Stopped', worst: 'Stopped' })
    await perform('start')
    here.pass(HOUR / 4)
    expect(await look('rcg_sql01.r121649', there)).toMatchObject({ worst: 'Syncing', percent: 25 })
    await here.stop()
    here = await simulate({ folder: join(folder, 'array01'), pair: '../pair', side: 'a', syncTime: HOUR })
    here.pass(HOUR)
    expect(await look('rcg_sql01')).toMatchObject({ allSynced: true, percent: 100 })
  })

  test('a sync of a periodic group moves the time of its last sync', async () => {
    const before = await look('rcg_files01')
    await perform('sync', 'rcg_files01')
    here.pass(HOUR)
    const after = await look('rcg_files01')
    expect(after?.allSynced).toBe(true)
    expect(after?.volumes[0]?.lastSync).not.toBe(before?.volumes[0]?.lastSync)
  })
})
