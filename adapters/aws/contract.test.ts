import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Params } from '../../src/domain/plan.ts'
import { type Bench, contract, type Scenario } from '../../src/kit/contract.ts'
import { parse } from '../../src/language/parse.ts'
import aws from './index.ts'
import { type Simulation, type State, simulate } from './simulator.ts'
// Loaded here, so that no test spends its time with it: the SDK is large.
import '@aws-sdk/client-ec2'

const GIB = 1024 ** 3

const field = (result: unknown, name: string): unknown => (result as Record<string, unknown>)[name]
const stateIn = (seen: unknown): State => seen as State
const reading = (
  params: Params,
  holds: (result: unknown) => boolean,
  prepare?: Scenario<Simulation>['prepare'],
): Scenario<Simulation> => ({ params, ...(prepare ? { prepare } : {}), shows: ({ result }) => holds(result) })
const changing = (
  params: Params,
  holds: (now: State, before: State) => boolean,
  prepare?: Scenario<Simulation>['prepare'],
): Scenario<Simulation> => ({
  params,
  ...(prepare ? { prepare } : {}),
  shows: seen => holds(stateIn(seen.after), stateIn(seen.before)),
})
/** What is in one and was not in the other; the values of it. */
const fresh = (now: Readonly<Record<string, string>>, before: Readonly<Record<string, string>>): readonly string[] =>
  Object.keys(now)
    .filter(id => !(id in before))
    .map(id => now[id] ?? '')
const one = (made: readonly string[], like: RegExp): boolean => made.length === 1 && like.test(made[0] ?? '')

/** An import or a snapshot with an id that a scenario can name. */
const withTask = ({ machine }: Simulation): void => {
  machine.tasks['import-ami-0a01'] = {
    id: 'import-ami-0a01',
    state: 'active',
    says: 'pending',
    progress: 1,
    source: 's3://b/k.raw',
  }
}
const withSnapshot = ({ machine }: Simulation): void => {
  machine.snapshots['snap-0b02'] = { ...machine.snapshots['snap-0a01']!, id: 'snap-0b02', state: 'pending', progress: 0 }
}

const bench: Bench<Simulation> = {
  target: 'aws01',
  simulate: () => simulate({ folder: mkdtempSync(join(tmpdir(), 'aws-')) }),
  scenarios: {
    instances: reading({}, result => field(result, 'count') === 3 && field(result, 'running') === 2),
    instance: reading(
      { instance: 'dc01' },
      result =>
        field(result, 'instance') === 'i-0a01' &&
        field(result, 'rootVolume') === 'vol-0a01' &&
        field(result, 'deleteOnTermination') === true &&
        field(result, 'systemCheck') === 'ok' &&
        field(result, 'instanceStore') === false,
    ),
    volumes: reading({}, result => field(result, 'count') === 5 && field(result, 'free') === 2),
    volume: reading(
      { volume: 'vol-0a01' },
      result => field(result, 'gib') === 100 && field(result, 'instance') === 'i-0a01' && field(result, 'encrypted') === true,
    ),
    snapshot: {
      ...reading({ snapshot: 'snap-0b02' }, result => field(result, 'gib') === 30, withSnapshot),
      later: one => one.push(),
    },
    images: reading({}, result => field(result, 'count') === 1),
    image: reading({ image: 'ami-0a01' }, result => field(result, 'snapshot') === 'snap-0a01'),
    importTask: {
      ...reading(
        { task: 'import-ami-0a01' },
        result => field(result, 'state') === 'active' && field(result, 'ok') === false,
        withTask,
      ),
      later: simulation => simulation.push(),
    },
    shrinkReady: reading(
      { instance: 'i-0a01', size: 40e9 },
      result => field(result, 'ready') === true && field(result, 'targetGib') === 38 && field(result, 'gib') === 100,
    ),
    stopInstance: changing({ instance: 'dc01' }, now => now.instances['i-0a01']?.startsWith('stopping') === true),
    startInstance: changing({ instance: 'i-0c03' }, now => now.instances['i-0c03']?.startsWith('pending') === true),
    terminateInstance: changing({ instance: 'i-0c03' }, now => now.instances['i-0c03']?.startsWith('shutting-down') === true),
    discardTest: changing(
      { instance: 'i-0c03' },
      now => now.instances['i-0c03']?.startsWith('shutting-down') === true,
      ({ machine }) => {
        machine.instances['i-0c03']!.tags['signalbox:test'] = 'yes'
      },
    ),
    setDeleteOnTermination: changing(
      { instance: 'i-0a01', deletes: false },
      now => now.instances['i-0a01']?.endsWith(' false') === true,
    ),
    tag: changing(
      { resource: 'vol-0d04', key: 'purpose', value: 'web01 (test)' },
      now => now.tags['vol-0d04 purpose'] === 'web01 (test)',
    ),
    launch: changing({ type: 'm5.large', image: 'ami-0a01', name: 'web01-test', where: 'isolated' }, (now, before) =>
      one(fresh(now.instances, before.instances), /^pending m5\.large subnet-0a01/),
    ),
    createVolume: changing({ size: 40 * GIB, zone: 'eu-west-1a', like: 'vol-0a01' }, (now, before) =>
      one(fresh(now.volumes, before.volumes), /^creating 40 eu-west-1a/),
    ),
    attachVolume: changing(
      { volume: 'vol-0d04', instance: 'i-0b02', device: '/dev/sdf' },
      now => now.volumes['vol-0d04'] === 'in-use 40 eu-west-1a i-0b02 /dev/sdf attaching',
    ),
    detachVolume: changing(
      { volume: 'vol-0c03', instance: 'i-0c03' },
      now => now.volumes['vol-0c03']?.endsWith('detaching') === true,
    ),
    deleteVolume: changing(
      { volume: 'vol-0d04', lastCopy: true },
      now => now.volumes['vol-0d04']?.startsWith('deleting') === true,
    ),
    snapshotVolume: changing({ volume: 'vol-0a01' }, (now, before) =>
      one(fresh(now.snapshots, before.snapshots), /^pending vol-0a01/),
    ),
    deleteSnapshot: changing({ snapshot: 'snap-0b02' }, now => !('snap-0b02' in now.snapshots), withSnapshot),
    registerImage: changing({ name: 'web01-dr', snapshot: 'snap-0a01', boot: 'uefi' }, (now, before) =>
      one(fresh(now.images, before.images), /web01-dr \/dev\/sda1=snap-0a01/),
    ),
    deregisterImage: changing({ image: 'ami-0a01' }, now => !('ami-0a01' in now.images)),
    discardTestImage: changing(
      { image: 'ami-0a01' },
      now => !('ami-0a01' in now.images),
      ({ machine }) => {
        machine.images['ami-0a01'] = {
          ...machine.images['ami-0a01']!,
          name: 'web01-test',
          tags: { 'signalbox:intent': 'R1/x/1' },
        }
      },
    ),
    importImage: changing({ source: 's3://b/web01.vmdk', name: 'web01' }, (now, before) =>
      one(fresh(now.tasks, before.tasks), /^active s3:\/\/b\/web01\.vmdk/),
    ),
    cancelImport: changing(
      { task: 'import-ami-0a01' },
      now => now.tasks['import-ami-0a01']?.startsWith('deleting') === true,
      withTask,
    ),
  },
}

contract(aws, bench, sentence => {
  const read = parse(sentence, { targets: new Map([[bench.target, { kind: aws.name }]]) })
  return 'command' in read && read.command.kind === 'act' ? read.command.wish : read
})
