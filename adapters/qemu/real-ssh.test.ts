import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IntentId } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Call, Change } from '../../src/kit/device.ts'
import { Uncertain, Unreachable } from '../../src/kit/errors.ts'
import { fingerprint } from '../../src/kit/ssh-connection.ts'
import {
  absent,
  answersOn,
  freePort,
  listens,
  nbd,
  performer,
  processes,
  serving,
  storageDaemon,
  TARGET,
  until,
  writer,
} from '../../test/real-disks.ts'
import qemu from './index.ts'
import type { Monitor } from './wire.ts'

const missing = absent(['qemu-storage-daemon', 'nbdkit', 'sshd', 'ssh-keygen'])
const WHY = `qemu: ${missing.join(', ')} not found, so NOTHING was proved over SSH (apt-get install qemu-system-common nbdkit openssh-server)`
if (missing.length > 0 && process.env['CI'] !== 'true') console.warn(WHY)

test.runIf(process.env['CI'] === 'true')('where everything must be there, a real sshd is', () => {
  expect(missing, WHY).toEqual([])
})

const SIZE = 16 * 1024 * 1024

describe.skipIf(missing.length > 0)('a monitor on the other side of a real sshd', () => {
  const { start, end } = processes()
  let folder: string
  let monitor: Monitor
  let cable: Server
  let sockets: Set<Socket>
  let port: number
  let servers: Server[]
  const { perform, job } = performer(qemu, () => monitor)
  const at = (name: string): string => join(folder, name)
  const failed = (promise: Promise<unknown>): Promise<Error> =>
    promise.then(
      value => Promise.reject(new Error(`it came to ${JSON.stringify(value)}`)),
      error => error,
    )
  const keyOf = (name: string): string =>
    fingerprint(Buffer.from(readFileSync(at(`${name}.pub`), 'utf8').split(' ')[1] ?? '', 'base64'))
  const monitorBy = (more: object = {}, socket = at('qmp.sock')): Monitor => {
    const ssh = { host: '127.0.0.1', port, username: userInfo().username, key: at('user'), hostKey: keyOf('host'), ...more }
    return qemu.connect(qemu.settings.parse({ socket, ssh }), TARGET)
  }
  const ask = async (other: Monitor): Promise<unknown> => {
    try {
      return await performer(qemu, () => other).perform('version', {})
    } finally {
      await other.close()
    }
  }
  const sshd = async (name: string, forwarding: 'yes' | 'no'): Promise<number> => {
    const listening = await freePort()
    const lines = [
      `Port ${listening}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('user.pub')}`,
      'StrictModes no', // the folder is below one that everybody may write to
      'UsePAM no',
      `PidFile ${at(`${name}.pid`)}`,
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      `AllowStreamLocalForwarding ${forwarding}`,
    ]
    writeFileSync(at(name), `${lines.join('\n')}\n`)
    start('/usr/sbin/sshd', ['-D', '-f', at(name), '-E', at(`${name}.log`)])
    await until('sshd listens', () => answersOn(listening))
    return listening
  }
  /** Like a cable that is pulled between here and sshd; it is whole again for the next connection. */
  const pull = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const serve = async (server: Server, where: string | number): Promise<Server> => {
    servers.push(server)
    await new Promise<void>(resolve =>
      typeof where === 'string' ? server.listen(where, resolve) : server.listen(where, '127.0.0.1', resolve),
    )
    return server
  }
  const joined = (one: Socket, other: Socket): void => {
    for (const socket of [one, other]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        one.destroy()
        other.destroy()
      })
    }
    one.pipe(other).pipe(one)
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sshd-'))
    ;[sockets, servers] = [new Set(), []]
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true }) // as Debian's service does
    for (const name of ['host', 'other', 'user']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)])
    chmodSync(at('user'), 0o600)
    for (const name of ['disk0.img', 'new0.img']) {
      writeFileSync(at(name), '')
      truncateSync(at(name), SIZE)
    }
    await storageDaemon(start, folder, serving(at('disk0.img')))
    const far = await sshd('sshd', 'yes')
    cable = await serve(
      createServer(socket => joined(socket, connect({ port: far, host: '127.0.0.1' }))),
      0,
    )
    port = (cable.address() as AddressInfo).port
    monitor = monitorBy()
  })
  afterEach(async () => {
    await monitor?.close()
    pull()
    for (const server of servers) server.close()
    await end()
    rmSync(folder, { recursive: true, force: true })
  })

  test('a disk migrates under a writer and cuts over, with events heard and every acknowledged write there', async () => {
    const disk = await nbd(at('nbd.sock'), 'lun0')
    const app = writer(disk, SIZE)
    await perform('attachFile', { file: at('new0.img'), node: 'new0', format: 'raw' })
    await perform('mirror', { source: 'disk0', target: 'new0', job: 'mig1', writes: 'blocking' })
    await job('mig1', 'ready')
    expect(await perform('cutoverReady', { job: 'mig1' })).toMatchObject({ ready: true, whole: true, exports: 1, devices: 0 })
    expect(await perform('cutOver', { job: 'mig1' })).toMatchObject({ state: 'done', live: 'new0', exportsLeft: 0 })
    const cut = app.writes()
    await until('it writes on', () => app.writes() > cut + 50 || app.errors.length > 0)
    await app.stop()
    expect([app.errors, await app.bad(disk.read)]).toEqual([[], 0])
    disk.close()
    expect(JSON.stringify(await perform('events', {}))).toContain('BLOCK_JOB_READY')
  })

  test('a host that shows another key, or for which none is pinned, is not asked, and the words name the keys', async () => {
    const other = await failed(ask(monitorBy({ hostKey: keyOf('other') })))
    expect(other).toBeInstanceOf(Unreachable)
    expect(other.message).toContain(keyOf('host'))
    expect(other.message).toContain(keyOf('other'))
    const none = await failed(ask(monitorBy({ hostKey: undefined })))
    expect(none).toBeInstanceOf(Unreachable)
    expect(none.message).toMatch(/the site file pins none/)
  })

  test('a login that is not accepted, a socket that is not there and a forwarding that is not allowed say what to look at', async () => {
    const login = await failed(ask(monitorBy({ key: at('other') })))
    const socket = await failed(ask(monitorBy({}, at('nobody.sock'))))
    const strict = await sshd('strict', 'no')
    const forbidden = await failed(ask(monitorBy({ port: strict })))
    for (const error of [login, socket, forbidden]) expect(error).toBeInstanceOf(Unreachable)
    expect(login.message).toBe(`127.0.0.1 does not accept the login of ${userInfo().username}`)
    const look = 'nothing listens on the socket, the login may not open it, or sshd does not forward sockets'
    expect(socket.message).toContain(`no connection to ${at('nobody.sock')} on 127.0.0.1: ${look}`)
    expect(forbidden.message).toContain(`no connection to ${at('qmp.sock')} on 127.0.0.1: ${look}`)
  })

  test('a connection that broke before a change is unreachable while nobody answers, and comes back by itself', async () => {
    await perform('nodes', {})
    pull()
    cable.close()
    const attach = { file: at('new0.img'), node: 'new0', format: 'raw' }
    await until('the break is noticed', async () => (await failed(perform('version', {}))) instanceof Unreachable)
    expect(await failed(perform('attachFile', attach))).toBeInstanceOf(Unreachable)
    await new Promise<void>(resolve => cable.listen(port, '127.0.0.1', resolve))
    expect(await perform('nodes', {})).toMatchObject({ count: 2 })
    expect(await perform('attachFile', attach)).toMatchObject({ node: 'new0' })
  })

  test.each([
    ['did not happen', false],
    ['happened', true],
  ])(
    'a connection that broke in the middle of a change that %s is uncertain, and the device tells afterwards',
    async (_, done) => {
      start('nbdkit', ['-f', '-U', at('kit.sock'), 'memory', String(SIZE)])
      await until('nbdkit listens', () => listens(at('kit.sock')))
      // The change is in the daemon, and no answer can come yet, from the moment the daemon asks this array until it is answered.
      let asked: Socket | undefined
      const array = createServer(socket => {
        socket.on('error', () => {})
        if (asked) return joined(socket, connect({ path: at('kit.sock') }))
        asked = socket
      })
      await serve(array, at('array.sock'))
      const params: Params = { where: at('array.sock'), node: 'new0' }
      const effect = qemu.capabilities.attachNbd.effect as Change<Monitor, Params, unknown, unknown>
      if (effect.inDoubt.ask !== 'device') throw new Error('the device is not asked')
      const call = (): Call<Params> => ({
        intent: 'R1/real/1' as IntentId,
        params,
        signal: AbortSignal.timeout(20_000),
        go: () => {},
      })
      const before = await effect.inDoubt.look(monitor, call())
      const lost = failed(perform('attachNbd', params))
      await until('the daemon asks the array', () => asked)
      pull()
      const error = await lost
      expect(error).toBeInstanceOf(Uncertain)
      expect(error.message).toBe('blockdev-add was sent, and the connection ended before its answer')
      if (done) joined(asked!, connect({ path: at('kit.sock') }))
      else asked!.destroy()
      const now = await effect.inDoubt.look(monitor, call())
      expect(effect.inDoubt.judge(before, now, params)).toEqual({ done })
    },
  )
})
