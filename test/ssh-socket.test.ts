import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import ssh2, { type Connection } from 'ssh2'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Unreachable } from '../src/kit/errors.ts'
import { fingerprint } from '../src/kit/ssh-connection.ts'
import { type FarSocket, sshSocket } from '../src/kit/ssh-socket.ts'

const SECRET = 'hunter2-canary'
let folder: string
let server: InstanceType<typeof ssh2.Server>
let connections: Connection[]
let settings: Parameters<typeof sshSocket>[0]
let opened: FarSocket[]
let mute: boolean

const freshKey = (): string => {
  for (;;) {
    const key = ssh2.utils.generateKeyPairSync('ed25519').private
    if (!(ssh2.utils.parseKey(key) instanceof Error)) return key // ssh2 1.17 writes about one in a hundred that it cannot read
  }
}
const soon = (): AbortSignal => AbortSignal.timeout(5_000)
const to = (path: string, more: object = {}): FarSocket => {
  const socket = sshSocket({ ...settings, ...more }, path)
  opened.push(socket)
  return socket
}
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => Promise.reject(new Error('it was opened')),
    error => error,
  )

/** An SSH server that forwards to the unix sockets of this machine, as sshd does; it says whose software it is. */
async function serve(ident: string): Promise<void> {
  const key = freshKey()
  const parsed = ssh2.utils.parseKey(key)
  if (parsed instanceof Error) throw parsed
  server = new ssh2.Server({ hostKeys: [key], ident }, connection => {
    connections.push(connection)
    connection.on('error', () => {})
    connection.on('authentication', login =>
      login.method === 'password' && login.password === SECRET ? login.accept() : login.reject(['password']),
    )
    connection.on('openssh.streamlocal', (accept, reject, { socketPath }) => {
      if (mute) return
      if (socketPath !== join(folder, 'echo.sock')) return void reject()
      const channel: Duplex = accept()
      channel.on('error', () => {})
      channel.on('data', (bytes: Buffer) => channel.write(bytes))
      channel.on('end', () => channel.end())
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const hostKey = fingerprint((Array.isArray(parsed) ? parsed[0]! : parsed).getPublicSSH())
  const { port } = server.address() as AddressInfo
  settings = { host: '127.0.0.1', port, hostKey, username: 'ops', password: SECRET, dialect: 'posix' }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'far-'))
  ;[connections, opened, mute] = [[], [], false]
  await serve('OpenSSH_9.2p1')
})
afterEach(async () => {
  for (const one of opened) await one.close()
  for (const one of connections) one.end()
  await new Promise<void>(resolve => server.close(() => resolve()))
  rmSync(folder, { recursive: true, force: true })
})

describe('a socket of another machine', () => {
  test('is a stream in both directions, and two are apart from each other', async () => {
    const socket = to(join(folder, 'echo.sock'))
    const [one, two] = [await socket.open(soon()), await socket.open(soon())]
    one.end('first')
    two.end('second')
    expect([await text(one), await text(two)]).toEqual(['first', 'second'])
    expect(connections).toHaveLength(1)
  })

  test('that is not there is unreachable, with the path, the host and what to look at', async () => {
    const error = await failure(to('/run/nobody.sock').open(soon()))
    expect(error).toBeInstanceOf(Unreachable)
    expect(error.message).toMatch(
      /no connection to \/run\/nobody.sock on 127.0.0.1: nothing listens .*AllowStreamLocalForwarding/,
    )
  })

  test('behind a server that is not OpenSSH, or a host with another key or login, is unreachable', async () => {
    for (const [more, why] of [
      [{ hostKey: `SHA256:${'A'.repeat(43)}` }, /either it was reinstalled or somebody stands in between/],
      [{ hostKey: undefined }, /pins none/],
      [{ password: 'wrong-canary' }, /does not accept the login of ops/],
    ] as const) {
      const error = await failure(to(join(folder, 'echo.sock'), more).open(soon()))
      expect(error).toBeInstanceOf(Unreachable)
      expect(error.message).toMatch(why)
      expect(`${error.stack}`).not.toContain('canary')
    }
    await new Promise<void>(resolve => server.close(() => resolve()))
    await serve('appliance')
    const error = await failure(to(join(folder, 'echo.sock')).open(soon()))
    expect(error).toBeInstanceOf(Unreachable)
    expect(error.message).toContain('only OpenSSH forwards sockets')
  })

  test('that is not opened in time is given up, and one that is asked for too late is not asked for', async () => {
    mute = true
    const socket = to(join(folder, 'echo.sock'))
    const late = await failure(socket.open(AbortSignal.timeout(300)))
    expect(late).toBeInstanceOf(Unreachable)
    expect(await failure(socket.open(AbortSignal.abort()))).toBeInstanceOf(Unreachable)
  })

  test('ends when the connection breaks, and is reached again over a new one', async () => {
    const socket = to(join(folder, 'echo.sock'))
    const stream = await socket.open(soon())
    const ended = new Promise(resolve => stream.resume().once('close', resolve))
    for (const one of connections) one.end()
    await ended
    const again = await socket.open(soon())
    again.end('again')
    expect(await text(again)).toBe('again')
    expect(connections).toHaveLength(2)
  })
})
