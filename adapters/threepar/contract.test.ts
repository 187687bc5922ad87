import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench, Scenario } from '../../src/kit/contract.ts'
import { contract } from '../../src/kit/contract.ts'
import { parse } from '../../src/language/parse.ts'
import threepar from './index.ts'
import { replaced } from './simulated/pair.ts'
import { type Simulation, type State, simulate } from './simulator.ts'

const HOUR = 3_600_000
const sql = { group: 'rcg_sql01' }
const field = (result: unknown, name: string): unknown => (result as Record<string, unknown>)[name]
const stateOf = (seen: unknown, name: string): State['groups'][number] | undefined =>
  (seen as State).groups.find(one => one.name === name)

const reading = (
  params: object,
  holds: (result: unknown) => boolean,
  more: Partial<Scenario<Simulation>> = {},
): Scenario<Simulation> => ({
  params: { ...params },
  shows: ({ result }) => holds(result),
  ...more,
})

/** Changes a group of the pair without a command. */
const set =
  (name: string, how: object) =>
  ({ pair }: Simulation): void =>
    pair.change(kept => replaced(kept, { ...kept.groups.find(one => one.name === name)!, ...how }))

const bench: Bench<Simulation> = {
  target: 'array01',
  // A sync takes hours, so that it stands still while two answers are compared; `later` moves the clock.
  simulate: () => simulate({ folder: mkdtempSync(join(tmpdir(), 'threepar-')), syncTime: 10 * HOUR }),
  scenarios: {
    remoteCopy: reading({}, result => field(result, 'groupsNotStarted') === 1 && field(result, 'linksNotUp') === 0),
    groups: reading({}, result => field(result, 'count') === 3),
    group: reading(sql, result => field(result, 'role') === 'Primary' && field(result, 'worst') === 'Syncing', {
      prepare: simulation => set('rcg_sql01', { syncingSince: simulation.pair.now() })(simulation),
      later: simulation => simulation.pass(HOUR),
    }),
    targets: reading({}, result => field(result, 'count') === 1),
    links: reading({}, result => field(result, 'count') === 4),
    rcipPorts: reading({}, result => field(result, 'count') === 2 && field(result, 'notReady') === 0),
    hostPaths: reading({}, result => field(result, 'serving') === 16 && field(result, 'standby') === 4),
    hostPathsOf: reading({ host: 'esx01' }, result => field(result, 'total') === 10),
    system: reading({}, result => field(result, 'id') === 121_649 && field(result, 'model') === 'HPE_3PAR 8400'),
    version: reading({}, result => field(result, 'version') === '3.3.1' && field(result, 'update') === 'MU2'),
    nodes: reading({}, result => field(result, 'worst') === 'OK' && field(result, 'count') === 2),
    powerSupplies: reading({}, result => field(result, 'notOk') === 0),
    webApi: reading({}, result => field(result, 'state') === 'Active'),
    tasks: reading({}, result => field(result, 'count') === 0),
    switchoverReady: reading(sql, result => field(result, 'allSynced') === true && field(result, 'volumesServed') === 2),
    start: {
      params: sql,
      prepare: set('rcg_sql01', { status: 'Stopped' }),
      shows: seen => stateOf(seen.after, 'rcg_sql01')?.status === 'Started' && field(seen.result, 'syncing') === 2,
    },
    stop: {
      params: sql,
      shows: seen => stateOf(seen.after, 'rcg_sql01')?.status === 'Stopped' && field(seen.result, 'status') === 'Stopped',
    },
    sync: {
      params: { group: 'rcg_files01' },
      shows: seen => stateOf(seen.after, 'rcg_files01')?.syncing === true && field(seen.result, 'syncing') === 2,
    },
    switchover: {
      params: sql,
      shows: seen => stateOf(seen.after, 'rcg_sql01')?.primary === 'b' && field(seen.result, 'role') === 'Secondary',
    },
  },
}

contract(threepar, bench, sentence => {
  const read = parse(sentence, { targets: new Map([[bench.target, { kind: threepar.name }]]) })
  return 'command' in read && read.command.kind === 'act' ? read.command.wish : read
})
