import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IntentId } from '../../src/domain/ids.ts'
import { Misread, Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import { argumentsOf } from '../../src/kit/quote.ts'
import type { Output } from '../../src/kit/shell.ts'
import type { Answer } from '../../src/kit/simulate.ts'
import { stop } from './changes.ts'
import { judgeMove, type Standing } from './settle.ts'
import { commandsOf } from './simulated/commands.ts'
import { type Simulation, simulate } from './simulator.ts'
import { storeServ } from './wire.ts'

const one = (role: string, status: string, ...volumes: Standing['volumes']): Standing => ({
  role,
  status,
  mode: 'Periodic',
  volumes,
})
const at = (status: string, lastSync?: string) => ({ volume: '1', status, ...(lastSync ? { lastSync } : {}) })

describe('without an answer', () => {
  test('only the move that was meant proves it; a role in between is not known', () => {
    const primary = one('Primary', 'Started', at('Synced'))
    expect(judgeMove('switchover', 'g', primary, one('Secondary', 'Started', at('Synced')))).toMatchObject({ done: true })
    expect(judgeMove('switchover', 'g', primary, primary)).toEqual({ done: false })
    for (const now of [
      one('Secondary-Rev', 'Started', at('Synced')),
      one('Secondary', 'Stopped', at('Stopped')),
      one('none', 'none'),
    ])
      expect(judgeMove('switchover', 'g', primary, now).done).toBe('unknown')
    expect(judgeMove('switchover', 'g', { ...primary, tasks: 0 }, { ...primary, tasks: 1 }).done).toBe('unknown')
    expect(judgeMove('stop', 'g', primary, one('Primary', 'Failsafe', at('Stopped'))).done).toBe('unknown')
  })

  test('a sync is proved by every volume that is newer, and by none that is on the way to somewhere else', () => {
    const before = one('Primary', 'Started', at('Synced', 'T1'))
    const judged = (...now: Parameters<typeof at>) => judgeMove('sync', 'g', before, one('Primary', 'Started', at(...now)))
    expect(judged('Synced', 'T2')).toMatchObject({ done: true })
    expect(judged('Syncing', 'T1')).toMatchObject({ done: true, result: { syncing: 1 } })
    expect(judged('Synced', 'T1')).toEqual({ done: false })
    expect(judged('NotSynced', 'T1').done).toBe('unknown')
    expect(judgeMove('sync', 'g', before, one('Primary', 'Stopped', at('Stopped', 'T1'))).done).toBe('unknown')
    const syncing = one('Primary', 'Started', at('Syncing', 'T1'))
    expect(judgeMove('sync', 'g', syncing, one('Primary', 'Started', at('Synced', 'T2'))).done).toBe('unknown')
  })
})

describe('with an answer', () => {
  let array: Simulation
  beforeEach(async () => {
    array = await simulate({ folder: mkdtempSync(join(tmpdir(), 'threepar-answers-')) })
  })
  afterEach(() => array.stop())

  /** The array's own answers, of which some are put in another way; `nth` counts those to the same line. */
  const deviceThat = (says: (line: string, answer: Answer, nth: number) => Partial<Output>) => {
    const asked: string[] = []
    const understand = commandsOf(array.pair, 'a')
    return storeServ({
      async exec(words) {
        const line = argumentsOf(words).join(' ')
        asked.push(line)
        const handling = understand(argumentsOf(words))
        const answer = handling.changes ? { stdout: '', code: 0 } : await handling.run(() => {})
        return { stderr: '', ...answer, ...says(line, answer, asked.filter(it => it === line).length) }
      },
      close: () => Promise.resolve(),
    })
  }
  const call = { intent: 'R1/x/1' as IntentId, params: { group: 'rcg_sql01' }, signal: AbortSignal.timeout(5_000), go: () => {} }
  const stopped = (says: Parameters<typeof deviceThat>[0]) =>
    stop.perform(deviceThat(says), call).catch((cause: unknown) => cause)
  const toTheStop = (answer: Partial<Output>) => stopped(line => (line.startsWith('stop') ? answer : {}))

  test('an array without a place for another command did not run it', async () => {
    expect(await toTheStop({ stderr: 'Too many local CLI connections.', code: 1 })).toBeInstanceOf(Unreachable)
  })

  test('where nothing moved a no is a no, a yes is a doubt, and so is a question', async () => {
    expect(await toTheStop({ stderr: 'Error: group is busy' })).toBeInstanceOf(Refused)
    expect(await toTheStop({ code: 1 })).toBeInstanceOf(Refused)
    expect(await toTheStop({})).toBeInstanceOf(Uncertain)
    expect(await toTheStop({ stdout: 'Are you sure you want to stop?\nselect q=quit y=yes n=no: ' })).toBeInstanceOf(Uncertain)
  })

  test('a look that fails after it was sent is never "nothing was sent"', async () => {
    for (const answer of [{ stderr: 'Too many local CLI connections.', code: 1 }, { code: 1 }, { stdout: '' }])
      expect(await stopped((line, _, nth) => (line === 'showrcopy groups rcg_sql01' && nth === 2 ? answer : {}))).toBeInstanceOf(
        Uncertain,
      )
  })

  test('two answers that disagree on the volumes are not believed', async () => {
    const cut = await stopped((line, { stdout }) =>
      line === 'showrcopy' ? { stdout: stdout.replace(/^ +sql01\.log .*\n/m, '') } : {},
    )
    expect(cut).toBeInstanceOf(Misread)
    expect((cut as Error).message).toMatch(/168, 169, and 168/)
  })

  test('a node that is missing from its list shows', async () => {
    const device = deviceThat((line, { stdout }) =>
      line === 'shownode -state' ? { stdout: stdout.replace(/^1 OK.*\n/m, '') } : {},
    )
    await expect(device.nodes(call.signal)).rejects.toThrow(/2 nodes, and 1 are listed/)
  })

  test('another group than the one that was asked for is an error', async () => {
    const device = deviceThat((line, { stdout }) =>
      line.endsWith('rcg_sql01') ? { stdout: stdout.replaceAll('rcg_sql01', 'rcg_sql...') } : {},
    )
    await expect(device.find('rcg_sql01', call.signal)).rejects.toThrow(/rcg_sql01 was asked for, and rcg_sql\.\.\. answered/)
  })
})
