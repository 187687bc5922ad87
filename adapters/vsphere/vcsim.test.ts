import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Capability } from '../../src/kit/device.ts'
import { Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import { changedAreas } from './areas.ts'
import vsphere from './index.ts'
import { machineNamed } from './machines.ts'
import { refIn } from './session.ts'
import { followed } from './tasks.ts'
import type { VCenter } from './wire.ts'

/** vcsim is a library in Debian; its program is the few lines in vcsim/main.go. */
const LIBRARY = '/usr/share/gocode/src/github.com/vmware/govmomi/simulator'
const missing = [
  ...(spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0 ? [] : ['go']),
  ...(existsSync(LIBRARY) ? [] : [LIBRARY]),
]
const WHY = `vsphere: ${missing.join(', ')} not found, so NOTHING was proved on a vCenter simulator of others (apt-get install golang-github-vmware-govmomi-dev golang-go)`
if (missing.length > 0 && process.env['CI'] !== 'true') console.warn(WHY)

test.runIf(process.env['CI'] === 'true')('where everything must be there, the vCenter simulator of govmomi is', () => {
  expect(missing, WHY).toEqual([])
})

/** On a machine with nothing else to do it takes 11 seconds. */
const BUILDING = 280_000

/** The program, built from Debian's library without a network. It is kept beside other temporary files, by what it is built from. */
async function built(): Promise<string> {
  const source = fileURLToPath(new URL('vcsim/main.go', import.meta.url))
  const version = execFileSync('go', ['version'])
  const key = createHash('sha256').update(readFileSync(source)).update(version).digest('hex').slice(0, 16)
  const program = join(tmpdir(), `signalbox-vcsim-${key}`)
  if (existsSync(program)) {
    console.log(`vsphere: ${program} was built before from the same source, and is used again`)
    return program
  }
  const gopath = mkdtempSync(join(tmpdir(), 'vcsim-build-'))
  try {
    const folder = join(gopath, 'src', 'signalbox-vcsim')
    mkdirSync(folder, { recursive: true })
    copyFileSync(source, join(folder, 'main.go'))
    await promisify(execFile)('go', ['build', '-o', join(gopath, 'vcsim'), 'signalbox-vcsim'], {
      env: {
        PATH: process.env['PATH'],
        HOME: gopath,
        GO111MODULE: 'off',
        GOPATH: `${gopath}:/usr/share/gocode`,
        GOPROXY: 'off',
        GOFLAGS: '',
        GOCACHE: join(tmpdir(), 'signalbox-vcsim-cache'), // a build that was too slow goes on where it was
      },
      timeout: BUILDING,
      killSignal: 'SIGKILL',
    })
    // Two test runs at once build twice, and the later one is the same program again.
    copyFileSync(join(gopath, 'vcsim'), `${program}.${process.pid}`)
    renameSync(`${program}.${process.pid}`, program)
    return program
  } finally {
    rmSync(gopath, { recursive: true, force: true })
  }
}

interface Running {
  readonly url: string
  stop(): Promise<void>
}

const PASSWORD = 'a-password-of-vcsim'

async function vcsim(program: string, ...flags: readonly string[]): Promise<Running> {
  const child: ChildProcess = spawn(program, ['-l', '127.0.0.1:0', '-u', 'signalbox', '-p', PASSWORD, ...flags], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 280_000,
    killSignal: 'SIGKILL',
  })
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const url = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stdout?.on('data', (part: Buffer) => {
      said += part.toString()
      if (said.includes('\n')) resolve(said.trim())
    })
    child.once('exit', code => reject(new Error(`vcsim ended at once with ${code}`)))
  })
  return {
    url,
    async stop() {
      child.stdin?.end()
      const impatient = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await ended
      clearTimeout(impatient)
    },
  }
}

/** Hands bytes on, and cuts the connection instead of handing on the answer to a request that holds a word. */
async function cutting(url: string, word: string): Promise<{ readonly url: string; cuts(): number; stop(): Promise<void> }> {
  const to = new URL(url)
  let cuts = 0
  const server: Server = createServer(near => {
    const far = connect({ host: to.hostname, port: Number(to.port) })
    let asked = ''
    near.on('data', part => {
      asked += part.toString()
      far.write(part)
    })
    far.on('data', part => {
      if (!asked.includes(word) || cuts > 0) return void near.write(part)
      cuts++
      near.destroy()
      far.destroy()
    })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/sdk`,
    cuts: () => cuts,
    stop: () => new Promise<void>(resolve => server.close(() => resolve())),
  }
}

describe.runIf(missing.length === 0)('against the vCenter simulator of govmomi', () => {
  let [program, folder] = ['', '']
  let server: Running
  const open: VCenter[] = []

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vcsim-'))
    program = await built()
    server = await vcsim(program)
  }, BUILDING + 10_000)
  afterAll(async () => {
    await Promise.all(open.map(one => one.close()))
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const to = (more: Readonly<Record<string, unknown>> = {}): VCenter => {
    const settings = {
      url: server.url,
      username: 'signalbox',
      password: PASSWORD,
      lists: folder,
      nbd: 'nbd://127.0.0.1',
      ...more,
    }
    const vcenter = vsphere.connect(vsphere.settings.parse(settings), 'vc01' as Target)
    open.push(vcenter)
    return vcenter
  }
  const call = <P>(params: P) => ({ intent: 'R1/vcsim/1' as IntentId, params, signal: AbortSignal.timeout(20_000), go: () => {} })
  const perform = (vcenter: VCenter, name: keyof typeof vsphere.capabilities, params: Params = {}) =>
    (vsphere.capabilities[name] as Capability).perform(vcenter, call(params))
  const signal = AbortSignal.timeout(280_000)

  test('a login with a wrong password is refused, and nobody reads the password', async () => {
    const error = await perform(to({ password: 'quite-wrong-12' }), 'machines').catch((it: unknown) => it)
    expect(error).toBeInstanceOf(Refused)
    expect(String(error)).toContain('does not take this user name with this password')
    expect(String(error)).not.toContain('quite-wrong-12')
  })

  test('its four machines are read, with their disks', async () => {
    const vcenter = to()
    const { machines, count } = await perform(vcenter, 'machines')
    expect(machines.map((one: { name: string }) => one.name)).toEqual([
      'DC0_C0_RP0_VM0',
      'DC0_C0_RP0_VM1',
      'DC0_H0_VM0',
      'DC0_H0_VM1',
    ])
    expect(count).toBe(4)
    expect(await perform(vcenter, 'machine', { machine: 'DC0_H0_VM1' })).toMatchObject({
      power: 'poweredOn',
      disks: 1,
      snapshots: 0,
    })
    const { disks } = await perform(vcenter, 'disks', { machine: 'DC0_H0_VM1' })
    expect(disks).toMatchObject([{ bytes: expect.any(Number), mode: 'persistent', file: '[LocalDS_0] DC0_H0_VM1/disk1.vmdk' }])
    await expect(perform(vcenter, 'machine', { machine: 'web01' })).rejects.toThrow('there is no machine web01')
  })

  test('change tracking is turned on and off, and protection says what is still missing', async () => {
    const [vcenter, machine] = [to(), { machine: 'DC0_H0_VM0' }]
    expect(await perform(vcenter, 'enableTracking', machine)).toMatchObject({ tracking: true, tracked: 0 })
    expect(await perform(vcenter, 'protection', machine)).toMatchObject({
      ready: false,
      tracking: true,
      why: expect.stringContaining('tracking has not begun on every disk'),
    })
    expect(await perform(vcenter, 'disableTracking', machine)).toMatchObject({ tracking: false })
  })

  test('a snapshot is created once and removed once, and its name is taken in between', async () => {
    const [vcenter, params] = [to(), { machine: 'DC0_C0_RP0_VM0', snapshot: 'Karma Sync' }]
    const created = await perform(vcenter, 'createSnapshot', { ...params, quiesce: false })
    expect(created).toMatchObject({ snapshot: 'Karma Sync', ref: expect.stringMatching(/^snapshot-\d+$/), quiesced: false })
    await expect(perform(vcenter, 'createSnapshot', { ...params, quiesce: false })).rejects.toThrow(
      'has a snapshot Karma Sync already',
    )
    expect(await perform(vcenter, 'snapshots', { machine: 'DC0_C0_RP0_VM0' })).toMatchObject({
      count: 1,
      snapshots: [{ name: 'Karma Sync', ref: created.ref, created: created.created, current: true, depth: 0 }],
    })
    expect(await perform(vcenter, 'removeSnapshot', params)).toMatchObject({ snapshots: 0 })
    await expect(perform(vcenter, 'removeSnapshot', params)).rejects.toThrow('there is no snapshot Karma Sync')
  })

  test('power goes off and on, and what cannot be done ends in the typed fault of its task', async () => {
    const [vcenter, machine] = [to(), { machine: 'DC0_H0_VM0' }]
    expect(await perform(vcenter, 'powerOff', machine)).toMatchObject({ power: 'poweredOff' })
    await expect(perform(vcenter, 'powerOff', machine)).rejects.toThrow('is poweredOff already')
    const { ref } = await machineNamed(vcenter, 'DC0_H0_VM0', signal)
    const answer = await vcenter.change({ method: 'PowerOffVM_Task', of: ref, args: [] }, call({}))
    expect(await followed(vcenter, refIn(answer, 'task'), signal)).toMatchObject({
      state: 'error',
      error: expect.stringMatching(/^InvalidPowerState/),
    })
    expect(await perform(vcenter, 'powerOn', machine)).toMatchObject({ power: 'poweredOn' })
    const { count, failed, ongoing } = await perform(vcenter, 'tasks')
    expect(count).toBeGreaterThanOrEqual(3)
    expect({ failed, ongoing }).toEqual({ failed: 1, ongoing: 0 })
  })

  test('it does not implement QueryChangedDiskAreas, and says so as a refusal', async () => {
    const vcenter = to()
    const { ref, disks } = await machineNamed(vcenter, 'DC0_C0_RP0_VM0', signal)
    const [disk] = disks
    const snapshot = { kind: 'VirtualMachineSnapshot', id: 'snapshot-1' }
    const asked = changedAreas(vcenter, { machine: ref, snapshot, key: disk!.key, bytes: disk!.bytes, since: '*' }, signal)
    await expect(asked).rejects.toThrow(Refused)
    await expect(asked).rejects.toThrow('MethodNotFound')
  })

  test('a disk without a change id comes out whole', async () => {
    const [vcenter, params] = [to(), { machine: 'DC0_C0_RP0_VM1', snapshot: 'signalbox' }]
    const created = await perform(vcenter, 'createSnapshot', { ...params, quiesce: false })
    const listed = await perform(vcenter, 'listChanges', { ...params, since: {} })
    expect(listed).toMatchObject({ disks: 1, wholeDisks: 1, areas: 0, points: {}, taken: created.created })
    expect(JSON.parse(readFileSync(listed.order, 'utf8'))).toMatchObject({
      format: 'signalbox-order',
      version: 1,
      machine: 'DC0_C0_RP0_VM1',
      point: created.ref,
      disks: [{ changed: null, point: null, source: expect.stringMatching(/^nbd:\/\/127\.0\.0\.1\/DC0_C0_RP0_VM1-\d+$/) }],
    })
  })

  test('a session that was ended elsewhere is begun again, for a read and for a change', async () => {
    const [vcenter, machine] = [to(), { machine: 'DC0_C0_RP0_VM0' }]
    const end = () =>
      vcenter.ask(
        ({ sessionManager }) => ({ method: 'Logout', of: sessionManager, args: [] }),
        () => {},
        signal,
      )
    await perform(vcenter, 'machines')
    await end()
    expect(await perform(vcenter, 'machines')).toMatchObject({ count: 4 })
    await end()
    expect(await perform(vcenter, 'enableTracking', machine)).toMatchObject({ tracking: true })
  })

  test('an answer that is lost after the snapshot was created is found by looking', async () => {
    const proxy = await cutting(server.url, 'CreateSnapshot_Task')
    const vcenter = to({ url: proxy.url })
    const params = { machine: 'DC0_H0_VM1', snapshot: 'lost', quiesce: false }
    const { inDoubt } = (vsphere.capabilities.createSnapshot as Capability).effect as Exclude<Capability['effect'], 'read'>
    if (inDoubt.ask !== 'device') throw new Error('it must ask the device')
    const before = await inDoubt.look(vcenter, call(params))
    await expect(perform(vcenter, 'createSnapshot', params)).rejects.toThrow(Uncertain)
    expect(proxy.cuts()).toBe(1)
    const verdict = inDoubt.judge(before, await inDoubt.look(vcenter, call(params)), params)
    expect(verdict).toMatchObject({ done: true, result: { snapshot: 'lost', ref: expect.stringMatching(/^snapshot-/) } })
    await vcenter.close()
    await proxy.stop()
  })

  test('over TLS only the certificate of the settings is spoken to', async () => {
    const secure = await vcsim(program, '-tls')
    try {
      const unpinned = await perform(to({ url: secure.url }), 'machines').catch((it: unknown) => it)
      expect(unpinned).toBeInstanceOf(Unreachable)
      const thumbprint = /certificate ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})/.exec(String(unpinned))?.[1] ?? ''
      const another = thumbprint.replace(/^../, it => (it === '00' ? '01' : '00'))
      const wrong = await perform(to({ url: secure.url, thumbprint: another }), 'machines').catch((it: unknown) => it)
      expect(wrong).toBeInstanceOf(Unreachable)
      expect(String(wrong)).toContain('nothing was sent')
      const vcenter = to({ url: secure.url, thumbprint })
      expect(await perform(vcenter, 'machines')).toMatchObject({ count: 4 })
      await vcenter.close()
    } finally {
      await secure.stop()
    }
  })
})
