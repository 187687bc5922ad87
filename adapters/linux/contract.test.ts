import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { IntentId } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import { type Bench, contract, type Scenario } from '../../src/kit/contract.ts'
import type { Capability } from '../../src/kit/device.ts'
import { parse } from '../../src/language/parse.ts'
import linux from './index.ts'
import { type Simulation, SOURCE, type State, simulate, TARGET } from './simulator.ts'

const pair = { source: SOURCE, target: TARGET }
const c1 = { copy: 'shrink1' }
const order = { ...pair, ...c1 }
type Step = readonly [keyof typeof linux.capabilities, Params]

/** Brings the host to where the scenario begins, by the adapter's own changes. */
const after =
  (...steps: readonly Step[]) =>
  async (simulation: Simulation): Promise<void> => {
    for (const [name, params] of steps)
      await (linux.capabilities[name] as Capability).perform(simulation.device(), {
        intent: 'R1/before/1' as IntentId,
        params,
        signal: AbortSignal.timeout(5_000),
        go: () => {},
      })
  }
const readOnly: Step = ['setReadOnly', { disk: SOURCE }]
const copied: readonly Step[] = [readOnly, ['copy', order]]

const field = (result: unknown, name: string): unknown => (result as Record<string, unknown>)[name]
const copyIn = (state: unknown) => (state as State).copies['shrink1']
const sourceIn = (state: unknown) => (state as State).disks['vol0aaaa1111bbbb2222']
const reading = (
  params: Params,
  holds: (result: unknown) => boolean,
  prepare?: Scenario<Simulation>['prepare'],
): Scenario<Simulation> => ({ params, ...(prepare ? { prepare } : {}), shows: ({ result }) => holds(result) })
const changing = (
  params: Params,
  holds: (state: unknown) => boolean,
  prepare?: Scenario<Simulation>['prepare'],
): Scenario<Simulation> => ({ params, ...(prepare ? { prepare } : {}), shows: seen => holds(seen.after) })

/** Here the copy has to be under way; everywhere else it is done at once. */
const SLOW = ['stopCopy', 'endCopy', 'copyState']

const bench: Bench<Simulation> = {
  target: 'helper01',
  simulate: capability =>
    simulate({ folder: mkdtempSync(join(tmpdir(), 'linux-')), ...(SLOW.includes(capability) ? { pace: 300_000 } : {}) }),
  scenarios: {
    disks: reading({}, result => field(result, 'count') === 2 && field(result, 'withSerial') === 2),
    disk: reading(
      { disk: SOURCE },
      result => field(result, 'path') === '/dev/nvme1n1' && field(result, 'lastUsedSector') === 3071,
    ),
    copyReady: reading(
      pair,
      result => field(result, 'ready') === true && field(result, 'targetEmpty') === true && field(result, 'fits') === true,
      after(readOnly),
    ),
    table: reading(
      { disk: TARGET },
      result => field(result, 'problems') === 5 && field(result, 'beyond') === 0,
      after(...copied),
    ),
    copyState: {
      ...reading(c1, result => field(result, 'total') === 2 * 1024 * 1024, after(...copied)),
      later: ({ machine }) => machine.push(),
    },
    setReadOnly: changing({ disk: SOURCE }, state => sourceIn(state)?.readOnly === true),
    setReadWrite: changing({ disk: SOURCE }, state => sourceIn(state)?.readOnly === false, after(readOnly)),
    copy: changing(order, state => copyIn(state)?.exit === 'dd=1 sync=0', after(readOnly)),
    overwrite: changing(
      order,
      state => copyIn(state)?.exit === 'dd=1 sync=0',
      async simulation => {
        simulation.machine.bits('/dev/nvme2n1').setLabel({ holds: 'ext4' })
        await after(readOnly)(simulation)
      },
    ),
    stopCopy: changing(c1, state => copyIn(state)?.exit === 'stopped', after(...copied)),
    endCopy: changing(c1, state => copyIn(state)?.exit === 'stopped', after(...copied)),
    verify: changing(c1, state => copyIn(state)?.verify === 'dd=0 cmp=0 flush=0', after(...copied)),
    cleanUp: changing(c1, state => copyIn(state) === undefined, after(...copied)),
    repair: changing(
      { disk: TARGET },
      state => (state as State).disks['vol0cccc3333dddd4444']?.sectors === 4096,
      after(...copied),
    ),
  },
}

contract(linux, bench, sentence => {
  const read = parse(sentence, { targets: new Map([[bench.target, { kind: linux.name }]]) })
  return 'command' in read && read.command.kind === 'act' ? read.command.wish : read
})
