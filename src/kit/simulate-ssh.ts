import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo, Socket } from 'node:net'
import { dirname } from 'node:path'
import ssh2, { type Connection, type ServerChannel } from 'ssh2'
import type { Answer, Fate } from './simulate.ts'
import { fingerprint } from './ssh-connection.ts'

interface Options {
  readonly username: string
  readonly password: string
  readonly port?: number | undefined
  readonly keyFile: string
  meet(line: string): Promise<Fate>
  gone(): boolean
}

interface Served {
  readonly address: { readonly host: string; readonly port: number; readonly hostKey: string }
  readonly hangUpAll: () => void
  stop(): Promise<void>
}

const HOST = '127.0.0.1'

/** An SSH server on the loopback for a simulated device. A command that was started runs to its end, whoever hung up. */
export async function serve({ username, password, port, keyFile, meet, gone }: Options): Promise<Served> {
  const hostKey = keyIn(keyFile)
  const parsed = ssh2.utils.parseKey(hostKey)
  if (parsed instanceof Error) throw parsed
  const public_ = (Array.isArray(parsed) ? parsed[0]! : parsed).getPublicSSH()
  const connections = new Set<Connection>()
  const talking = new Set<AbortController>()

  const server = new ssh2.Server({ hostKeys: [hostKey] }, connection => {
    socketOf(connection)?.setNoDelay(true)
    connection.on('error', () => {}) // a client that goes away in the middle is what the tests are for
    if (gone()) return void drop(connection)
    connections.add(connection)
    connection.on('close', () => connections.delete(connection))
    connection.on('authentication', login => {
      if (login.method === 'password' && login.username === username && login.password === password) login.accept()
      else login.reject(['password'])
    })
    connection.on('ready', () => {
      connection.on('session', accept => {
        accept().on('exec', (acceptExec, _reject, { command }) => {
          const channel = acceptExec()
          channel.on('error', () => {})
          channel.resume()
          void meet(command).then(fate => tell(channel, connection, fate, talking))
        })
      })
    })
  })
  server.on('error', () => {})
  await new Promise<void>((resolve, reject) => server.listen(port ?? 0, HOST, resolve).once('error', reject))
  const hangUpAll = (): void => {
    for (const connection of connections) drop(connection)
  }
  return {
    address: { host: HOST, port: (server.address() as AddressInfo).port, hostKey: fingerprint(public_) },
    hangUpAll,
    async stop() {
      for (const one of talking) one.abort()
      hangUpAll()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

function tell(channel: ServerChannel, connection: Connection, fate: Fate, talking: Set<AbortController>): void {
  switch (fate.is) {
    case 'answered':
      answer(channel, fate.answer)
      break
    case 'cut off':
      drop(connection)
      break
    case 'endless':
      void babble(channel, talking)
      break
    case 'silent':
      break
  }
}

function answer(channel: ServerChannel, { stdout, stderr, code }: Answer): void {
  if (channel.destroyed) return
  channel.stderr.write(stderr ?? '')
  channel.write(stdout, () => {
    channel.exit(code)
    channel.end()
  })
}

async function babble(channel: ServerChannel, talking: Set<AbortController>): Promise<void> {
  const enough = new AbortController()
  talking.add(enough)
  channel.once('close', () => enough.abort())
  const noise = Buffer.alloc(64 * 1024, 'and on and on and on. ')
  while (!enough.signal.aborted && channel.writable) {
    // A window that never opens again must not hold the simulator: the end of the channel counts too.
    if (!channel.write(noise))
      await new Promise<void>(resolve => {
        channel.once('drain', resolve)
        enough.signal.addEventListener('abort', () => resolve(), { once: true })
      })
    await new Promise(setImmediate)
  }
  talking.delete(enough)
}

/** Like a cable that is pulled: no goodbye. */
function drop(connection: Connection): void {
  const socket = socketOf(connection)
  if (socket) socket.destroy()
  else connection.end()
}

/** The types of ssh2 leave out what its server's connections share with its clients. */
const socketOf = (connection: Connection): Socket | undefined => (connection as unknown as { readonly _sock?: Socket })._sock

/** A restart in the same folder shows the same host key, so that the pin still holds. */
function keyIn(file: string): string {
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, freshKey(), { mode: 0o600 })
  }
  return readFileSync(file, 'utf8')
}

/** ssh2 1.17 writes about one key in a hundred so that it cannot read it again: "Malformed OpenSSH private key". */
function freshKey(): string {
  for (;;) {
    const key = ssh2.utils.generateKeyPairSync('ed25519').private
    if (!(ssh2.utils.parseKey(key) instanceof Error)) return key
  }
}
