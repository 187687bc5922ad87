import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Capability } from '../../src/kit/device.ts'
import { Misread, Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import aws from './index.ts'
import { type Simulation, simulate } from './simulator.ts'
import type { Access, Region } from './wire.ts'
import '@aws-sdk/client-ec2'

type Name = keyof typeof aws.capabilities

let folder: string
let simulation: Simulation
let region: Region
let intents = 0

const connect = (more: Partial<Access> = {}): Region =>
  aws.connect(aws.settings.parse({ ...simulation.settings, ...more }), 'aws01' as Target)
const call = (params: Params, intent = `R1/step-${++intents}/1`) => ({
  intent: intent as IntentId,
  params,
  signal: AbortSignal.timeout(20_000),
  go: () => {},
})
const perform = (name: Name, params: Params, intent?: string): Promise<Readonly<Record<string, unknown>>> =>
  (aws.capabilities[name] as Capability).perform(region, call(params, intent))
const refused = async (name: Name, params: Params, why: RegExp): Promise<void> => {
  const taken = simulation.ledger().length
  const error = await perform(name, params).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(Refused)
  expect(String(error)).toMatch(why)
  expect(simulation.ledger()).toHaveLength(taken)
}
const settle = (): void => {
  for (let n = 0; n < 3; n++) simulation.push()
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'aws-'))
  simulation = await simulate({ folder })
  region = connect()
})
afterEach(async () => {
  await region.close()
  await simulation.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('volumes', () => {
  test('the root of an instance is exchanged for a smaller one, by ids that hand themselves on', async () => {
    const check = await perform('shrinkReady', { instance: 'dc01', size: 40e9 })
    expect(check).toMatchObject({ ready: true, volume: 'vol-0a01', device: '/dev/sda1', targetGib: 38, zone: 'eu-west-1a' })
    expect(check['risks']).toMatch(/public address changes/)
    const { snapshot } = await perform('snapshotVolume', { volume: 'vol-0a01' })
    await perform('stopInstance', { instance: 'i-0a01' })
    await refused(
      'detachVolume',
      { volume: 'vol-0a01', instance: 'i-0a01' },
      /the root of i-0a01, which is stopping: stop it first/,
    )
    settle()
    await perform('detachVolume', { volume: 'vol-0a01', instance: 'i-0a01' })
    const { volume, encrypted } = await perform('createVolume', { size: 40e9, zone: 'eu-west-1a', like: 'vol-0a01' })
    expect(encrypted).toBe(true)
    settle()
    await perform('attachVolume', { volume, instance: 'i-0a01', device: '/dev/sda1' } as Params)
    await perform('startInstance', { instance: 'i-0a01' })
    settle()
    expect(await perform('instance', { instance: 'i-0a01' })).toMatchObject({ rootVolume: volume, ok: true, state: 'running' })
    expect(await perform('snapshot', { snapshot } as Params)).toMatchObject({ state: 'completed', done: 1 })
    expect(simulation.machine.volumes[volume as string]?.key).toBe(simulation.machine.volumes['vol-0a01']?.key)
    expect(await perform('deleteVolume', { volume: 'vol-0a01', lastCopy: false })).toMatchObject({ snapshots: 1 })
  })

  test('a device that is taken, by whatever of its names, a volume elsewhere and another zone are refused', async () => {
    for (const device of ['/dev/sda1', 'xvda', 'sda'])
      await refused('attachVolume', { volume: 'vol-0d04', instance: 'i-0b02', device }, /is taken: vol-0b02/)
    await refused(
      'attachVolume',
      { volume: 'vol-0a01', instance: 'i-0b02', device: '/dev/sdf' },
      /attached to i-0a01 as \/dev\/sda1/,
    )
    await refused('attachVolume', { volume: 'vol-0e05', instance: 'i-0b02', device: '/dev/sdf' }, /stays in its zone/)
    await refused('detachVolume', { volume: 'vol-0a01', instance: 'i-0b02' }, /not attached to i-0b02 \(elsewhere\)/)
  })

  test('the only copy, what is attached and what is to be kept are not deleted', async () => {
    await refused('deleteVolume', { volume: 'vol-0d04', lastCopy: false }, /no completed snapshot.*only copy/)
    await refused('deleteVolume', { volume: 'vol-0a01', lastCopy: true }, /attached to i-0a01/)
    await perform('tag', { resource: 'vol-0d04', key: 'signalbox:keep', value: 'yes' })
    await refused('deleteVolume', { volume: 'vol-0d04', lastCopy: true }, /signalbox:keep/)
    await perform('tag', { resource: 'vol-0d04', key: 'signalbox:keep', value: 'no' })
    await perform('snapshotVolume', { volume: 'vol-0d04' })
    await refused('deleteVolume', { volume: 'vol-0d04', lastCopy: false }, /no completed snapshot/)
    settle()
    await perform('deleteVolume', { volume: 'vol-0d04', lastCopy: false })
  })

  test('a volume too small for its snapshot is refused', () =>
    refused('createVolume', { size: 1e9, zone: 'eu-west-1a', snapshot: 'snap-0a01' }, /30 GiB, and 1 GiB cannot hold it/))
})

describe('one effect', () => {
  test('after a lost answer the same intent makes no second volume, and another intent does', async () => {
    const params = { size: 40e9, zone: 'eu-west-1a' }
    simulation.misbehave({ how: 'lose answer', to: /^CreateVolume/ })
    await expect(perform('createVolume', params, 'R7/create/1')).rejects.toBeInstanceOf(Uncertain)
    const { volume } = await perform('createVolume', params, 'R7/create/1')
    expect(Object.keys(simulation.state().volumes)).toHaveLength(6)
    expect((await perform('createVolume', params, 'R7/create/1'))['volume']).toBe(volume)
    expect((await perform('createVolume', params, 'R8/create/1'))['volume']).not.toBe(volume)
    await expect(perform('createVolume', { ...params, size: 50e9 }, 'R8/create/1')).rejects.toThrow(/IdempotentParameterMismatch/)
  })

  test.each([
    ['snapshotVolume', { volume: 'vol-0a01' }, 'CreateSnapshot', 'snapshot'],
    ['registerImage', { name: 'web01-dr', snapshot: 'snap-0a01' }, 'RegisterImage', 'image'],
  ] as const)(
    'an error after %s took effect leaves a doubt that its tag settles, with the id',
    async (name, params, action, field) => {
      const { effect } = aws.capabilities[name] as Capability
      if (effect === 'read' || effect.inDoubt.ask !== 'device') throw new Error('it asks the device')
      const asked = call(params)
      const before = await effect.inDoubt.look(region, asked)
      simulation.fail({ to: new RegExp(action), code: 'InternalError', status: 500, after: true })
      await expect((aws.capabilities[name] as Capability).perform(region, asked)).rejects.toBeInstanceOf(Uncertain)
      const verdict = effect.inDoubt.judge(before, await effect.inDoubt.look(region, asked), params)
      expect(verdict).toMatchObject({ done: true, result: { [field]: expect.stringMatching(/^(snap|ami)-/) } })
      const other = call(params)
      expect((await effect.inDoubt.look(region, other)).stands).toBe(name === 'registerImage' ? 'of others' : 'absent')
    },
  )

  test.each([
    ['RequestLimitExceeded', 503, Unreachable],
    ['RequestExpired', 400, Unreachable],
    ['InsufficientInstanceCapacity', 500, Refused],
    ['IncorrectState', 400, Refused],
    ['VolumeInUse', 400, Refused],
    ['InternalError', 500, Uncertain],
    ['Unavailable', 503, Uncertain],
  ] as const)('%s with status %i is %o', async (code, status, kind) => {
    simulation.fail({ to: /StopInstances/, code, status })
    const error = await perform('stopInstance', { instance: 'i-0a01' }).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(kind)
    expect(String(error)).toContain(code)
  })

  test('expired credentials send nothing, and new ones go on', async () => {
    simulation.expire()
    await expect(perform('stopInstance', { instance: 'i-0a01' })).rejects.toThrow(/credentials have expired and nothing was done/)
    simulation.renew()
    expect(await perform('stopInstance', { instance: 'i-0a01' })).toEqual({ instance: 'i-0a01', state: 'stopping' })
  })

  test('credentials that are not known are a no, and their secret is nowhere in it', async () => {
    await region.close()
    const secretAccessKey = 'not-the-secret-of-anybody'
    region = connect({ credentials: { accessKeyId: 'AKIAI44QH8DHBEXAMPLE', secretAccessKey } })
    const error = await perform('instances', {}).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(Refused)
    expect(JSON.stringify([String(error), (error as Error).stack])).not.toContain(secretAccessKey)
  })

  test('a profile that is not there sends nothing', async () => {
    await region.close()
    region = connect({ credentials: undefined, profile: 'signalbox-test-that-is-not-there' })
    await expect(perform('instances', {})).rejects.toBeInstanceOf(Unreachable)
  })
})

describe('what EC2 shows', () => {
  test('two instances with one name are told apart by people', async () => {
    await perform('tag', { resource: 'i-0c03', key: 'Name', value: 'dc01' })
    await refused('stopInstance', { instance: 'dc01' }, /2 instances are named dc01: say which, i-0a01 or i-0c03/)
    expect(await perform('stopInstance', { instance: 'i-0a01' })).toMatchObject({ instance: 'i-0a01' })
  })

  test('what was made a moment ago is not said to be missing', async () => {
    simulation.machine.lag(2)
    const { volume } = await perform('createVolume', { size: 40e9, zone: 'eu-west-1a' })
    expect(await perform('volume', { volume } as Params)).toMatchObject({ volume, state: 'creating' })
    await refused('volume', { volume: 'vol-0fff' }, /there is no volume vol-0fff in eu-west-1/)
  })

  test('an import that EC2 gave up is failed, with its words; one that ends names its image', async () => {
    const { task } = await perform('importImage', { source: 's3://gdh-vmimport/dc02.raw', name: 'dc02' })
    const seen = async () => perform('importTask', { task } as Params)
    expect(await seen()).toMatchObject({ state: 'active', ok: false, says: 'pending' })
    for (let n = 0; n < 6; n++) simulation.push()
    const { image, ...ended } = await seen()
    expect(ended).toMatchObject({ state: 'completed', ok: true })
    expect(await perform('image', { image } as Params)).toMatchObject({ state: 'available' })
    const other = simulation.machine.tasks[task as string]!
    Object.assign(other, { state: 'deleted', says: 'ClientError: Unknown OS / Missing OS files.' })
    expect(await seen()).toMatchObject({ state: 'failed', ok: false, says: 'ClientError: Unknown OS / Missing OS files.' })
    await refused('importImage', { source: 's3://gdh-vmimport/dc02', name: 'dc02' }, /does not tell its format/)
  })

  test('an isolated launch is refused where the subnet has a way out, and says when nobody could look', async () => {
    const wish = { type: 'm5.large', image: 'ami-0a01', name: 'web01-test', where: 'isolated' }
    const made = await perform('launch', wish)
    expect(made).toMatchObject({ state: 'pending', isolation: 'seen', subnet: 'subnet-0a01' })
    expect(simulation.machine.instances[made['instance'] as string]?.publicIp).toBeUndefined()
    simulation.fail({ to: /DescribeRouteTables/, code: 'UnauthorizedOperation', status: 403 })
    expect(await perform('launch', wish)).toMatchObject({ isolation: 'not seen' })
    await region.close()
    region = connect({ isolated: { subnet: 'subnet-0b02', securityGroups: ['sg-0a01'] } })
    await refused('launch', wish, /subnet-0b02 is not isolated: rtb-0a01 has a route to igw-0a01/)
    await region.close()
    region = connect({ isolated: undefined })
    await refused('launch', wish, /names no isolated subnet/)
  })

  test.each([
    ['an instance-store root', { rootType: 'instance-store', rootDevice: '/dev/none' }, /not an EBS volume/],
    ['an instance that is on its way', { state: 'stopping' }, /it is stopping/],
    ['an image of the marketplace', { marketplace: true }, /marketplace/],
    ['an Auto Scaling group', { tags: { 'aws:autoscaling:groupName': 'web' } }, /Auto Scaling group web/],
  ])('%s is not ready to shrink, and it says why', async (_, more, why) => {
    Object.assign(simulation.machine.instances['i-0a01']!, more)
    const check = await perform('shrinkReady', { instance: 'i-0a01', size: 40e9 })
    expect(check['ready']).toBe(false)
    expect(check['why']).toMatch(why)
  })

  test('nor is a root that is not larger, and instance store is named as a risk', async () => {
    expect(await perform('shrinkReady', { instance: 'i-0a01', size: 107_374_182_400 })).toMatchObject({ ready: false })
    Object.assign(simulation.machine.instances['i-0a01']!, { type: 'm5d.large' })
    const check = await perform('shrinkReady', { instance: 'i-0a01', size: 40e9 })
    expect(check).toMatchObject({ ready: true, instanceStore: true })
    expect(check['risks']).toMatch(/lost when it stops/)
  })

  test('an instance of an Auto Scaling group is not stopped', async () => {
    Object.assign(simulation.machine.instances['i-0a01']!, { tags: { 'aws:autoscaling:groupName': 'web' } })
    await refused('stopInstance', { instance: 'i-0a01' }, /Auto Scaling group web, which terminates what is stopped/)
  })

  test('a snapshot that an image uses is not deleted, and the image is found by its name', async () => {
    await expect(perform('deleteSnapshot', { snapshot: 'snap-0a01' })).rejects.toThrow(/InvalidSnapshot.InUse/)
    await refused('registerImage', { name: 'web01-golden', snapshot: 'snap-0a01' }, /an image web01-golden already, ami-0a01/)
  })

  test('a boolean that is none, and text with control characters in entities, do not get through', async () => {
    const spoil = (from: string, to: string) =>
      simulation.misbehave({ how: 'garble', to: /^DescribeVolumes/, spoil: answer => answer.replaceAll(from, to) })
    spoil('<encrypted>true', '<encrypted>maybe')
    await expect(perform('volume', { volume: 'vol-0a01' })).rejects.toBeInstanceOf(Misread)
    spoil('<size>100', '<size>1oo')
    await expect(perform('volume', { volume: 'vol-0a01' })).rejects.toBeInstanceOf(Misread)
    spoil('<volumeId>vol-0a01', '<volumeId>vol-0b02')
    await expect(perform('volume', { volume: 'vol-0a01' })).rejects.toThrow(/the answer is about vol-0b02/)
    spoil('gp3', 'gp3&#27;[2J&#7;')
    expect(await perform('volume', { volume: 'vol-0a01' }).catch(() => ({ type: 'gp3' }))).toMatchObject({ type: 'gp3' })
  })

  test('all of it is there after a restart', async () => {
    const { volume } = await perform('createVolume', { size: 40e9, zone: 'eu-west-1a' })
    const before = simulation.state()
    await region.close()
    await simulation.stop()
    simulation = await simulate({ folder })
    region = connect()
    expect(simulation.state()).toEqual(before)
    expect(await perform('volume', { volume } as Params)).toMatchObject({ gib: 38 })
  })
})

test('what the aws command line prints is understood, and half of it is not', () => {
  const text = JSON.stringify({
    Volumes: [{ VolumeId: 'vol-0a01', Size: 40, AvailabilityZone: 'eu-west-1a', State: 'available', SnapshotId: '' }],
  })
  expect(aws.readings['volumes']?.read(text)).toMatchObject({ Volumes: [{ Size: 40, Attachments: [] }] })
  for (const bad of [text.slice(0, -4), '{}', '<html>', text.replace('40', '"40"')])
    expect(() => aws.readings['volumes']?.read(bad)).toThrow(Misread)
})
