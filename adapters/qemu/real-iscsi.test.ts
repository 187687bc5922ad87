import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Refused, Unreachable } from '../../src/kit/errors.ts'
import {
  absent,
  answersOn,
  freePort,
  type Nbd,
  nbd,
  performer,
  processes,
  storageDaemon,
  TARGET,
  until,
  writer,
} from '../../test/real-disks.ts'
import qemu from './index.ts'
import type { Monitor } from './wire.ts'

const MODULES = '/usr/lib'
const iscsiDriver = (): boolean =>
  existsSync(MODULES) && readdirSync(MODULES).some(name => existsSync(join(MODULES, name, 'qemu', 'block-iscsi.so')))
const missing = [
  ...absent(['qemu-storage-daemon', 'tgtd', 'tgtadm', 'iscsi-inq']),
  ...(iscsiDriver() ? [] : ['the iSCSI driver of QEMU']),
  ...(process.getuid?.() === 0 ? [] : ['root, for tgtd']),
]
const WHY = `qemu: ${missing.join(', ')} not found, so NOTHING was proved on iSCSI arrays (apt-get install qemu-system-common qemu-block-extra tgt libiscsi-bin)`
if (missing.length > 0 && process.env['CI'] !== 'true') console.warn(WHY)

test.runIf(process.env['CI'] === 'true')('where everything must be there, two iSCSI arrays are', () => {
  expect(missing, WHY).toEqual([])
})

const SIZE = 32 * 1024 * 1024
const OURS = 'iqn.2026-01.lab:vm01'
const SECRET = 'chapsecret-canary'
const [LUN_A, LUN_B] = ['iqn.2026-01.lab:luna', 'iqn.2026-01.lab:lunb']

/** One array in user space, with one target and one LUN. */
interface Array_ {
  readonly port: number
  readonly portal: string
  readonly file: string
  admin(...words: readonly string[]): string
}

describe.skipIf(missing.length > 0)('on two real iSCSI arrays', () => {
  const { start, end } = processes()
  let folder: string
  let monitor: Monitor
  let disk: Nbd | undefined
  let [a, b]: readonly Array_[] = []
  const { perform, job } = performer(qemu, () => monitor)
  const at = (name: string): string => join(folder, name)
  const settings = (more: object = {}) =>
    qemu.settings.parse({
      socket: at('qmp.sock'),
      initiator: OURS,
      chap: { lunb: { user: 'chapu', password: SECRET }, wrong: { user: 'chapu', password: 'another-canary' } },
      ...more,
    })
  const as = async (more: object): Promise<void> => {
    await monitor.close()
    monitor = qemu.connect(settings(more), TARGET)
  }
  const failed = (promise: Promise<unknown>): Promise<Error> =>
    promise.then(
      value => Promise.reject(new Error(`it came to ${JSON.stringify(value)}`)),
      error => error,
    )
  /** Everything that an attach could have left in QEMU. */
  const left = async () => ({
    nodes: (await perform('nodes', {}))['count'],
    objects: await monitor
      .ask({ execute: 'qom-list', args: { path: '/objects' } }, text => JSON.stringify(text), soon())
      .catch(String),
  })
  const soon = (): AbortSignal => AbortSignal.timeout(5_000)

  const array = async (name: string, target: string): Promise<Array_> => {
    const port = await freePort()
    const control = String(1_000 + (port % 30_000))
    const env = { TGT_IPC_SOCKET: at(`${name}.ipc`) }
    const file = at(`${name}.img`)
    writeFileSync(file, '')
    truncateSync(file, SIZE)
    start('tgtd', ['-f', '-C', control, '--iscsi', `portal=127.0.0.1:${port}`], env)
    await until(`array ${name} listens`, () => answersOn(port))
    const admin = (...words: readonly string[]): string =>
      execFileSync('/usr/sbin/tgtadm', ['-C', control, '--lld', 'iscsi', ...words], {
        env: { ...process.env, ...env },
        encoding: 'utf8',
        timeout: 10_000,
      })
    admin('--mode', 'target', '--op', 'new', '--tid', '1', '--targetname', target)
    admin('--mode', 'logicalunit', '--op', 'new', '--tid', '1', '--lun', '1', '--backing-store', file)
    admin('--mode', 'target', '--op', 'bind', '--tid', '1', '--initiator-name', OURS)
    return { port, portal: `127.0.0.1:${port}`, file, admin }
  }
  const lunA = () => ({ target: LUN_A, lun: 1, portal: a!.portal, node: 'disk0' })
  const lunB = (more: object = { account: 'lunb' }) => ({ target: LUN_B, lun: 1, portal: b!.portal, node: 'new0', ...more })
  const inquiry = (url: string): string => execFileSync('iscsi-inq', ['-i', OURS, url], { encoding: 'utf8', timeout: 10_000 })

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'iscsi-'))
    ;[a, b] = [await array('a', LUN_A), await array('b', LUN_B)]
    b.admin('--mode', 'account', '--op', 'new', '--user', 'chapu', '--password', SECRET)
    b.admin('--mode', 'account', '--op', 'bind', '--tid', '1', '--user', 'chapu')
    await storageDaemon(start, folder)
    monitor = qemu.connect(settings(), TARGET)
  })
  afterEach(async () => {
    disk?.close()
    disk = undefined
    await monitor?.close()
    await end()
    rmSync(folder, { recursive: true, force: true })
  })

  test('a LUN migrates live from one array to the other, and every acknowledged write is in the file behind LUN B', async () => {
    expect(inquiry(`iscsi://${a!.portal}/${LUN_A}/1`)).toContain('Peripheral Device Type:DIRECT_ACCESS')
    expect(await perform('attachIscsi', lunA())).toEqual({ node: 'disk0', bytes: SIZE, driver: 'iscsi' })
    expect(await perform('attachIscsi', lunB())).toEqual({ node: 'new0', bytes: SIZE, driver: 'iscsi' })
    await monitor.change(
      { execute: 'block-export-add', args: { type: 'nbd', id: 'exp0', 'node-name': 'disk0', name: 'lun0', writable: true } },
      { signal: soon(), go: () => {} },
    )
    disk = await nbd(at('nbd.sock'), 'lun0')
    const app = writer(disk, SIZE)
    await until('it writes', () => app.writes() > 50 || app.errors.length > 0)
    await perform('mirror', { source: 'disk0', target: 'new0', job: 'mig1', writes: 'blocking' })
    await job('mig1', 'ready')
    expect(await perform('cutoverReady', { job: 'mig1' })).toMatchObject({ ready: true, whole: true, exports: 1 })
    expect(await perform('cutOver', { job: 'mig1' })).toMatchObject({ state: 'done', live: 'new0', exportsLeft: 0 })
    await perform('dismiss', { job: 'mig1' })
    const cut = app.writes()
    await until('it writes on after the cutover', () => app.writes() > cut + 100 || app.errors.length > 0)
    await app.stop()
    expect([app.errors, await app.bad(disk.read)]).toEqual([[], 0])
    // The old array lets go of the disk, and the new one has it without any help of QEMU.
    await perform('detach', { node: 'disk0' })
    const file = openSync(b!.file, 'r')
    const independent = (from: number, bytes: number): Buffer => {
      const data = Buffer.alloc(bytes)
      readSync(file, data, 0, bytes, from)
      return data
    }
    expect(await app.bad(independent)).toBe(0)
    closeSync(file)
    // And the counter-proof: what came after the cutover is not on LUN A.
    const old = readFileSync(a!.file)
    expect(await app.bad((from, bytes) => old.subarray(from, from + bytes))).toBeGreaterThan(0)
    expect(JSON.stringify([await perform('nodes', {}), await perform('events', {})])).not.toContain('canary')
  })

  test('the secret is in QEMU only while the array is asked, also after one that a crash left there', async () => {
    const stale = { execute: 'object-add', args: { 'qom-type': 'secret', id: 'signalbox.new0', data: 'stale-canary' } }
    await monitor.change(stale, { signal: soon(), go: () => {} })
    await perform('attachIscsi', lunB())
    const now = await left()
    expect(now.nodes).toBe(1)
    expect(now.objects).not.toContain('signalbox')
  })

  test('a wrong CHAP secret, none and an account that the site file lacks are told apart, and leave nothing behind', async () => {
    const before = await left()
    const wrong = await failed(perform('attachIscsi', lunB({ account: 'wrong' })))
    const none = await failed(perform('attachIscsi', lunB({})))
    const unknown = await failed(perform('attachIscsi', lunB({ account: 'lunc' })))
    for (const error of [wrong, none, unknown]) {
      expect(error).toBeInstanceOf(Refused)
      expect(`${error.stack}${JSON.stringify(error)}`).not.toContain('canary')
    }
    expect(wrong.message).toMatch(/lunb does not accept CHAP account wrong: .*Authentication failure\(513\)/)
    expect(none.message).toMatch(/lunb wants a CHAP account, and none was said: .*Authentication failure\(513\)/)
    expect(unknown.message).toBe('the site file has no CHAP account lunc for this target; it has lunb, wrong')
    expect((await left()).nodes).toBe(before.nodes)
    expect((await left()).objects).not.toContain('signalbox')
    expect(await perform('attachIscsi', lunB())).toMatchObject({ node: 'new0' })
  })

  test('a masked initiator, a target and a LUN that are not there are refused with whom the array would have to let in', async () => {
    await as({ initiator: 'iqn.2026-01.lab:other' })
    const masked = await failed(perform('attachIscsi', lunA()))
    expect(masked).toBeInstanceOf(Refused)
    expect(masked.message).toMatch(
      new RegExp(
        `${a!.portal} has no ${LUN_A} for iqn.2026-01.lab:other: it is not there, or it is masked: .*Target not found\\(515\\)`,
      ),
    )
    expect((await left()).nodes).toBe(0)
    a!.admin('--mode', 'target', '--op', 'bind', '--tid', '1', '--initiator-name', 'iqn.2026-01.lab:other')
    expect(await perform('attachIscsi', lunA())).toMatchObject({ node: 'disk0', bytes: SIZE })
    await as({})
    const absentLun = await failed(perform('attachIscsi', { ...lunA(), node: 'new1', lun: 7 }))
    expect(absentLun).toBeInstanceOf(Refused)
    expect(absentLun.message).toMatch(/luna has no LUN 7 for iqn.2026-01.lab:vm01/)
  })

  test('a portal where nobody is, and one that takes the connection and says nothing, are unreachable in time', async () => {
    const port = await freePort()
    const away = await failed(perform('attachIscsi', { ...lunA(), portal: `127.0.0.1:${port}` }))
    expect(away).toBeInstanceOf(Unreachable)
    expect(away.message).toMatch(new RegExp(`no array answers at 127.0.0.1:${port}, and nothing was attached`))
    const mute = createServer(() => {})
    await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
    const { port: silent } = mute.address() as { readonly port: number }
    const late = await failed(perform('attachIscsi', { ...lunA(), portal: `127.0.0.1:${silent}` }))
    mute.close()
    expect(late).toBeInstanceOf(Unreachable)
    expect((await left()).nodes).toBe(0)
  })

  test('a LUN that is open is not opened again, whatever portal it is behind: QEMU itself would do it', async () => {
    await perform('attachIscsi', lunA())
    const again = { ...lunA(), node: 'new0', portal: a!.portal.replace('127.0.0.1', 'localhost') }
    await expect(perform('attachIscsi', again)).rejects.toThrow(/LUN 1 of iqn.2026-01.lab:luna is open already, as node disk0/)
    const sending = { signal: soon(), go: () => {} }
    const options = { transport: 'tcp', portal: a!.portal, target: LUN_A, lun: 1, 'initiator-name': OURS }
    const foreign = { execute: 'blockdev-add', args: { driver: 'iscsi', 'node-name': 'twice', ...options } }
    await monitor.change(foreign, sending)
    expect(await perform('nodes', {})).toMatchObject({ count: 2 })
  })
})
