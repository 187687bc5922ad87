import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { parseChanged } from '../../src/blocksync/changed-list.ts'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Call, Capability } from '../../src/kit/device.ts'
import { Misread, Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import vsphere from './index.ts'
import { allMachines, machineNamed } from './machines.ts'
import { type Options, type Simulation, simulate } from './simulator.ts'
import type { VCenter } from './wire.ts'

const MIB = 1024 * 1024
const K = 65_536
let folder: string
let simulation: Simulation
let vcenter: VCenter

const start = async (more: Omit<Options, 'folder'> = {}): Promise<void> => {
  simulation = await simulate({ folder, ...more })
  vcenter = vsphere.connect(vsphere.settings.parse(simulation.settings), 'vc01' as Target)
}
const restart = async (more: Omit<Options, 'folder'> = {}): Promise<void> => {
  await vcenter.close()
  await simulation.stop()
  rmSync(folder, { recursive: true })
  await start(more)
}
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vsphere-'))
  await start()
})
afterEach(async () => {
  await vcenter.close()
  await simulation.stop()
  rmSync(folder, { recursive: true, force: true })
})

const call = (params: Params): Call<Params> => ({
  intent: 'R1/test/1' as IntentId,
  params,
  signal: AbortSignal.timeout(10_000),
  go: () => {},
})
const perform = (name: keyof typeof vsphere.capabilities, params: Params = {}, more: Partial<Call<Params>> = {}) =>
  (vsphere.capabilities[name] as Capability).perform(vcenter, { ...call(params), ...more })
const failure = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: unknown) => error)
const web01 = { machine: 'web01' }
const snapshot = (name: string) => perform('createSnapshot', { ...web01, snapshot: name, quiesce: false })
const remove = (name: string) => perform('removeSnapshot', { ...web01, snapshot: name })
const list = (name: string, since: Params = {}) => perform('listChanges', { ...web01, snapshot: name, since })
const orderOf = (listed: { readonly order: string }) => JSON.parse(readFileSync(listed.order, 'utf8'))

test('a second copy lists what was written between two snapshots, over all windows, and nothing else', async () => {
  await perform('enableTracking', web01)
  await snapshot('cycle')
  await remove('cycle')
  simulation.center.write('web01', 2000, 0, 16 * MIB)
  const first = await snapshot('gen0')
  const whole = await list('gen0')
  expect(whole).toMatchObject({
    disks: 2,
    wholeDisks: 2,
    areas: 0,
    changedBytes: 0,
    whole: [{ allocated: 16 * MIB }, { allocated: 0 }],
  })
  expect(orderOf(whole)).toMatchObject({ taken: first.created, point: first.ref, disks: [{ changed: null }, { changed: null }] })
  await remove('gen0')
  simulation.center.write('web01', 2000, 3 * K, 2 * K)
  simulation.center.write('web01', 2000, 4 * MIB - K, 2 * K) // over the end of the first window
  simulation.center.write('web01', 2000, 16 * MIB - 1, 1)
  await snapshot('gen1')
  simulation.center.write('web01', 2000, 3 * K, K) // again, after the snapshot: the first time still counts
  simulation.center.write('web01', 2000, 100 * K, K) // only after the snapshot
  const listed = await list('gen1', whole.points)
  expect(listed).toMatchObject({ disks: 2, wholeDisks: 0, areas: 4, changedBytes: 5 * K })
  const text = readFileSync(listed.order)
  expect(listed.digest).toBe(createHash('sha256').update(text).digest('hex'))
  const [disk, other] = orderOf(listed).disks
  expect(disk).toEqual({
    disk: 'web01-2000',
    size: 16 * MIB,
    source: 'nbd://127.0.0.1:10809/web01-2000',
    changed: expect.stringMatching(/^\/.*web01-2000-[0-9a-f]{16}\.txt$/),
    point: listed.points['web01-2000'],
  })
  // What copies the blocks reads the very same list: neighbours in two windows are one to it.
  expect(parseChanged(readFileSync(disk.changed, 'utf8'), disk.size)).toEqual([
    { offset: 3 * K, length: 2 * K },
    { offset: 4 * MIB - K, length: 2 * K },
    { offset: 16 * MIB - K, length: K },
  ])
  expect(readFileSync(other.changed, 'utf8')).toBe('')
  expect(
    readdirSync(join(folder, 'lists', 'web01'), { recursive: true }).filter(name => String(name).endsWith('.draft')),
  ).toEqual([])
})

test('a disk is copied whole when it has no point, when its tracking was begun anew, and before tracking begins', async () => {
  await perform('enableTracking', web01)
  await snapshot('cycle')
  expect(await list('cycle')).toMatchObject({
    wholeDisks: 2,
    points: {},
    whole: [{ why: 'its changes are not tracked yet' }, {}],
  })
  await remove('cycle')
  await snapshot('gen0')
  const { points } = await list('gen0')
  await remove('gen0')
  simulation.center.reset('web01')
  await snapshot('gen1')
  expect(await list('gen1', points)).toMatchObject({ wholeDisks: 2, whole: [{ why: 'its tracking was begun anew since' }, {}] })
  const { points: renewed } = await list('gen1')
  await remove('gen1')
  await snapshot('gen2')
  const { 'web01-2000': one } = renewed
  expect(await list('gen2', { 'web01-2000': one })).toMatchObject({
    wholeDisks: 1,
    whole: [{ disk: 'web01-2001', why: 'no point was given' }],
  })
})

test.each([
  ['no progress', (xml: string) => xml.replace(/<length>\d+<\/length>/, '<length>0</length>')],
  ['another beginning', (xml: string) => xml.replace('<startOffset>0<', '<startOffset>65536<')],
  ['an area behind the end', (xml: string) => xml.replace('<start>0</start>', '<start>17000000</start>')],
  ['no length at all', (xml: string) => xml.replace(/<length>\d+<\/length>/, '')],
  ['the same area twice', (xml: string) => xml.replace(/(<changedArea>.*<\/changedArea>)/, '$1$1')],
])('a list with %s writes no order', async (_, spoil) => {
  simulation.center.track('web01')
  simulation.center.write('web01', 2000, 0, MIB)
  await snapshot('gen0')
  simulation.misbehave({ how: 'garble', to: /^QueryChangedDiskAreas/, spoil })
  expect(await failure(list('gen0'))).toBeInstanceOf(Misread)
  expect(() => readdirSync(join(folder, 'lists'))).toThrow()
})

test('a disk that a snapshot leaves out stops the list and the protection', async () => {
  simulation.center.machine('web01').disks[1]!.mode = 'independent_persistent'
  simulation.center.track('web01')
  expect(await perform('protection', web01)).toMatchObject({
    ready: false,
    unprotectable: 1,
    why: expect.stringContaining('a snapshot leaves it out'),
  })
})

test('an order for VDDK names the file of the snapshot, and no password', async () => {
  const vddk = {
    libdir: '/opt/vddk',
    thumbprint: '00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:00:11:22:33',
    passwordFile: '/etc/signalbox/vc01',
  }
  const { nbd: _, ...settings } = simulation.settings
  const own = vsphere.connect(vsphere.settings.parse({ ...settings, vddk }), 'vc01' as Target)
  const { ref } = await snapshot('gen0')
  const listed = await (vsphere.capabilities.listChanges as Capability).perform(
    own,
    call({ ...web01, snapshot: 'gen0', since: {} }),
  )
  expect(orderOf(listed).disks[0].source).toEqual({
    nbdkit: [
      'vddk',
      'vm=moref=vm-69',
      `snapshot=${ref}`,
      'file=[datastore1] web01/web01.vmdk',
      'server=127.0.0.1',
      'user=signalbox@vsphere.local',
      'password=+/etc/signalbox/vc01',
      `thumbprint=${vddk.thumbprint}`,
      'libdir=/opt/vddk',
    ],
  })
  expect(readFileSync(listed.order, 'utf8')).not.toContain('lab-only-vsphere')
  await own.close()
})

test('a name that two machines or two snapshots have is refused, and nothing is sent', async () => {
  await snapshot('gen0')
  simulation.center.machine('web01').snapshots.push({ ...simulation.center.machine('web01').snapshots[0]!, id: 'snapshot-999' })
  const before = simulation.ledger().length
  await expect(remove('gen0')).rejects.toThrow('2 snapshots have the name gen0')
  simulation.center.kept.machines.push({ ...simulation.center.machine('db01'), id: 'vm-999' })
  await expect(perform('powerOff', { machine: 'db01' })).rejects.toThrow('2 machines have the name db01')
  expect(simulation.ledger().length).toBe(before)
})

test('a thousand machines come in pages, and each of them once', async () => {
  await restart({ machines: Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`vm${at}`, [MIB]])) })
  const all = await allMachines(vcenter, AbortSignal.timeout(20_000))
  expect(new Set(all.map(one => one.ref.id)).size).toBe(1_000)
  expect((await machineNamed(vcenter, 'vm999', AbortSignal.timeout(20_000))).disks).toHaveLength(1)
})

test('one session serves everything, and ends with the connection', async () => {
  await perform('machines')
  await Promise.all([perform('tasks'), perform('disks', web01), perform('powerOff', web01)])
  expect([simulation.sessions.logins(), simulation.sessions.open()]).toEqual([1, 1])
  await vcenter.close()
  expect(simulation.sessions.open()).toBe(0)
})

test('a session that is lost right before a change is begun again, and the change is sent once, after a second go', async () => {
  await perform('machines')
  let asked = 0
  const go = (): void => {
    if (++asked === 1) simulation.sessions.drop()
  }
  expect(await perform('powerOff', web01, { go })).toMatchObject({ power: 'poweredOff' })
  expect([asked, simulation.ledger().length, simulation.sessions.logins()]).toEqual([2, 1, 2])
})

test('a session that is lost while a task goes on is begun again, and the task followed to its end', async () => {
  simulation.center.pace(1_000)
  const begun = snapshot('gen0')
  await vi.waitUntil(() => simulation.center.kept.tasks.length > 0, { timeout: 5_000, interval: 5 })
  simulation.sessions.drop()
  simulation.center.push(1_000)
  expect(await begun).toMatchObject({ snapshot: 'gen0' })
})

test('a task that vCenter has forgotten is a doubt, and the machine settles it', async () => {
  const { effect } = vsphere.capabilities.createSnapshot as Capability
  if (effect === 'read' || effect.inDoubt.ask !== 'device') throw new Error('it must ask the device')
  const params = { ...web01, snapshot: 'gen0', quiesce: false }
  const before = await effect.inDoubt.look(vcenter, call(params))
  simulation.center.forget()
  const error = await failure(snapshot('gen0'))
  expect(error).toBeInstanceOf(Uncertain)
  expect(String(error)).toContain('its end was not seen')
  expect(effect.inDoubt.judge(before, await effect.inDoubt.look(vcenter, call(params)), params)).toMatchObject({
    done: true,
    result: { snapshot: 'gen0' },
  })
})

test('a doubt is not judged while a task goes on about the machine', async () => {
  const { effect } = vsphere.capabilities.createSnapshot as Capability
  if (effect === 'read' || effect.inDoubt.ask !== 'device') throw new Error('it must ask the device')
  const params = { ...web01, snapshot: 'gen0', quiesce: false }
  const before = await effect.inDoubt.look(vcenter, call(params))
  simulation.center.pace(1_000)
  simulation.misbehave({ how: 'lose answer', to: 'changes' })
  await failure(snapshot('gen0'))
  const looking = effect.inDoubt.look(vcenter, call(params))
  simulation.center.push(1_000)
  expect(effect.inDoubt.judge(before, await looking, params)).toMatchObject({ done: true })
  await expect(snapshot('gen0')).rejects.toThrow(Refused)
})

test.each(['TooManySnapshots', 'ApplicationQuiesceFault', 'InvalidPowerState'])(
  'a task that ends in %s and changed nothing is a no',
  async fault => {
    simulation.center.failing.set('CreateSnapshot_Task', fault)
    const error = await failure(snapshot('gen0'))
    expect(error).toBeInstanceOf(Refused)
    expect(String(error)).toContain(fault)
  },
)

test('what cannot be done is refused before it is sent', async () => {
  const { center } = simulation
  const no = async (promise: Promise<unknown>, says: string): Promise<void> => {
    await expect(promise).rejects.toThrow(says)
  }
  center.machine('web01').tools = false
  await no(perform('createSnapshot', { ...web01, snapshot: 'q', quiesce: true }), 'VMware Tools do not run')
  await no(perform('shutDown', web01), 'VMware Tools do not run')
  await no(perform('consolidate', web01), 'needs no consolidation')
  await no(perform('powerOn', web01), 'powered on already')
  center.machine('web01').power = 'poweredOff'
  center.machine('web01').hidesNx = true
  await no(perform('powerOn', web01), '0x000000C4')
  center.machine('web01').hardware = 4
  await no(perform('enableTracking', web01), 'cannot track changes')
  center.machine('web01').hardware = 13
  center.machine('web01').consolidation = true
  await no(snapshot('gen0'), 'have to be consolidated')
  expect(simulation.ledger()).toEqual([])
})

test('tracking is not turned on above a snapshot', async () => {
  await snapshot('gen0')
  await expect(perform('enableTracking', web01)).rejects.toThrow('remove them first')
})

test('over TLS a certificate that is not the pinned one gets no password', async () => {
  await restart({ tls: true })
  expect(await perform('machines')).toMatchObject({ count: 2 })
  const thumbprint = `${simulation.settings['thumbprint']}`.replace(/^../, it => (it === '00' ? '01' : '00'))
  const wrong = vsphere.connect(vsphere.settings.parse({ ...simulation.settings, thumbprint }), 'vc01' as Target)
  const logins = simulation.sessions.logins()
  const error = await failure((vsphere.capabilities.machines as Capability).perform(wrong, call({})))
  expect(error).toBeInstanceOf(Unreachable)
  expect(String(error)).toContain(`${simulation.settings['thumbprint']}`)
  expect(simulation.sessions.logins()).toBe(logins)
})

test('what it has, it has again after a restart; sessions it has not', async () => {
  await snapshot('gen0')
  await vcenter.close()
  await simulation.stop()
  await start()
  expect(await perform('snapshots', web01)).toMatchObject({ count: 1, snapshots: [{ name: 'gen0' }] })
})
