import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bench, Scenario } from '../../src/kit/contract.ts'
import { contract } from '../../src/kit/contract.ts'
import { parse } from '../../src/language/parse.ts'
import powerpath from './index.ts'
import type { Verb } from './simulated/migration.ts'
import { type Simulation, type State, simulate } from './simulator.ts'

const MIB = 1024 * 1024
const pair = { source: 'harddisk5', target: 'harddisk8' }
const first = { session: 1 }

/** A session that has been taken so far. The copy is done at once, but for the scenarios that need it running. */
const after =
  (...verbs: readonly Verb[]) =>
  ({ machine, source, target }: Simulation) => {
    const handle = machine.setup(source, target)
    for (const verb of verbs) machine.move(handle, verb)
  }

const field = (result: unknown, name: string): unknown => (result as Record<string, unknown>)[name]
const stateOf = (seen: unknown): string | undefined => (seen as State).migrations[0]?.state

const reading = (
  params: object,
  holds: (result: unknown) => boolean,
  prepare?: Scenario<Simulation>['prepare'],
): Scenario<Simulation> => ({
  params: { ...params },
  ...(prepare ? { prepare } : {}),
  shows: ({ result }) => holds(result),
})
const moving = (to: readonly (string | undefined)[], ...before: readonly Verb[]): Scenario<Simulation> => ({
  params: first,
  prepare: after(...before),
  shows: seen => to.includes(stateOf(seen.after)) && field(seen.result, 'session') === 1,
})

/** Here the copy has to be under way; everywhere else it is done at once. */
const COPYING = ['pause', 'resume', 'session']

const bench: Bench<Simulation> = {
  target: 'sql01',
  simulate: capability => {
    const rate = COPYING.includes(capability) ? MIB / 2 : Number.POSITIVE_INFINITY
    return simulate({ folder: mkdtempSync(join(tmpdir(), 'powerpath-')), size: MIB, rate })
  },
  scenarios: {
    hbas: reading({}, result => field(result, 'worst') === 'optimal'),
    paths: reading({}, result => field(result, 'total') === 8),
    pathsOf: reading({ device: 'harddisk5' }, result => field(result, 'alive') === 4),
    sessions: reading({}, result => field(result, 'count') === 1, after()),
    session: {
      ...reading(first, result => field(result, 'source') === 'harddisk5', after('sync')),
      later: () => new Promise(resolve => setTimeout(resolve, 60)),
    },
    version: reading({}, result => field(result, 'version') === '5.7'),
    preflight: reading(
      pair,
      result =>
        field(result, 'targetBigEnough') === true &&
        field(result, 'targetEmpty') === true &&
        field(result, 'sessionsOnDisks') === 0,
    ),
    cutoverReady: reading(
      first,
      result => field(result, 'targetPathsAlive') === 4 && field(result, 'targetPathsDead') === 0,
      after(),
    ),
    setup: { params: pair, shows: seen => stateOf(seen.after) === 'setup' && field(seen.result, 'session') === 1 },
    throttle: {
      params: { session: 1, level: 5 },
      prepare: after(),
      shows: seen => (seen.after as State).migrations[0]?.throttle === 5,
    },
    sync: moving(['syncing', 'sourceSelected']),
    pause: moving(['paused'], 'sync'),
    resume: moving(['syncing', 'sourceSelected'], 'sync', 'pause'),
    selectTarget: moving(['targetSelected'], 'sync'),
    selectSource: moving(['sourceSelected'], 'sync', 'selectTarget'),
    commit: moving(['committed'], 'sync', 'selectTarget'),
    abort: moving(['aborted'], 'sync'),
    cleanup: moving([undefined], 'abort'),
  },
}

contract(powerpath, bench, sentence => {
  const read = parse(sentence, { targets: new Map([[bench.target, { kind: powerpath.name }]]) })
  return 'command' in read && read.command.kind === 'act' ? read.command.wish : read
})
