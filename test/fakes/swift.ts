import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'

/** Debian's own Python: another one in PATH does not have Debian's modules. */
const PYTHON = '/usr/bin/python3'
const PROGRAMS = [PYTHON, ...['proxy', 'account', 'container', 'object'].map(kind => `/usr/bin/swift-${kind}-server`)]
const SERVERS = fileURLToPath(new URL('./swift-servers.py', import.meta.url))

export const hasSwift = (): boolean => PROGRAMS.every(program => existsSync(program))

export const NO_SWIFT =
  'OpenStack Swift was not found, so NOTHING was proved on a real S3 (apt-get install --no-install-recommends swift-proxy swift-account swift-container swift-object)'

/** Says so where Swift is missing; where everything must be there, the caller's test fails by this answer. */
export function swiftOrSaySo(): boolean {
  const found = hasSwift()
  if (!found && process.env['CI'] !== 'true') console.warn(NO_SWIFT)
  return found
}

export interface Swift {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly folder: string
  /** By process id: the one that holds them together, and the four servers. */
  readonly pids: Readonly<Record<string, number>>
  /** Stands still, as a machine that is overloaded or cut off, until `thaw`. */
  freeze(server: 'account' | 'container' | 'object'): void
  thaw(server: 'account' | 'container' | 'object'): void
  log(): string
  stop(): Promise<void>
}

/**
 * OpenStack Swift with its s3api, from Debian's packages, on loopback: four servers with one disk in a folder of its own, with
 * credentials of its own. It touches neither /etc nor /srv, needs no systemd, no memcached and no root. Its pipeline is the one of
 * Swift's own documentation of s3api.
 */
export async function startSwift(): Promise<Swift> {
  for (let attempt = 1; ; attempt++) {
    const swift = await attemptToStart()
    if (swift) return swift
    if (attempt === 3) throw new Error('Swift lost its ports to somebody else three times.')
  }
}

/** How many keys a page of a listing has: a thousand objects take too long to make for a test of pages. */
export const PAGE = 100
/** It takes 2 s on an idle machine, and most of that is Python loading its modules: where others work too it takes much longer. */
export const STARTS_WITHIN = 90_000
const STOPS_WITHIN = 5_000

async function attemptToStart(): Promise<Swift | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-swift-'))
  const ports = await freePorts(4)
  const secret = randomBytes(12).toString('hex')
  configure(folder, ports, secret)
  const log = join(folder, 'servers.log')
  const child = spawn(PYTHON, [SERVERS, folder, ...ports.map(String)], {
    stdio: ['pipe', 'pipe', openSync(log, 'a')],
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LANG: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' },
  })
  const stop = async (): Promise<void> => {
    await ended(child)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
  const said = new Promise<string>(resolve => child.stdout!.setEncoding('utf8').once('data', resolve))
  const access = {
    endpoint: `http://127.0.0.1:${ports[0]}`,
    region: 'us-east-1',
    accessKeyId: 'test:tester',
    secretAccessKey: secret,
  }
  if (!(await answers(access, ports, child))) {
    const text = readFileSync(log, 'utf8')
    await stop()
    if (/Could not bind|Address already in use/.test(text)) return undefined
    throw new Error(`Swift did not start within ${STARTS_WITHIN} ms:\n${text.slice(-4_000)}`)
  }
  const pids = Object.fromEntries(
    (await said)
      .trim()
      .split(' ')
      .map(pair => pair.split('=')),
  ) as Record<string, string>
  const numbers = Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, Number(pid)]))
  return {
    ...access,
    folder,
    pids: { ...numbers, parent: child.pid! },
    freeze: server => void process.kill(numbers[server]!, 'SIGSTOP'),
    thaw: server => void process.kill(numbers[server]!, 'SIGCONT'),
    log: () => readFileSync(log, 'utf8'),
    stop,
  }
}

/** A real request goes through proxy and account server; the other two are asked whether somebody listens. */
async function answers(
  { endpoint, region, accessKeyId, secretAccessKey }: Pick<Swift, 'endpoint' | 'region' | 'accessKeyId' | 'secretAccessKey'>,
  ports: readonly number[],
  child: ChildProcess,
): Promise<boolean> {
  const client = new S3Client({
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    forcePathStyle: true,
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 5_000 },
  })
  try {
    for (const until = Date.now() + STARTS_WITHIN; Date.now() < until; await delay(50)) {
      if (child.exitCode !== null || child.signalCode !== null) return false
      if (!(await Promise.all(ports.map(listens))).every(Boolean)) continue
      try {
        await client.send(new ListBucketsCommand({}))
        return true
      } catch {
        // It listens a moment before it answers.
      }
    }
    return false
  } finally {
    client.destroy()
  }
}

const listens = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' })
    const end = (answer: boolean): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end(true)).once('error', () => end(false))
  })

/** Its input ends, and so do they all. Whoever does not within the deadline is killed, by process id. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise<void>(resolve => child.once('exit', () => resolve()))
  child.stdin!.end()
  const late = setTimeout(() => child.kill('SIGKILL'), STOPS_WITHIN)
  await exit
  clearTimeout(late)
}

/** Held until all of them are known, so that they differ. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer()
          server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server))
        }),
    ),
  )
  const ports = servers.map(server => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return address.port
  })
  await Promise.all(servers.map(server => new Promise<void>(resolve => server.close(() => resolve()))))
  return ports
}

function configure(folder: string, ports: readonly number[], secret: string): void {
  const [proxy, account, container, object] = ports
  mkdirSync(join(folder, 'disks', 'd1'), { recursive: true })
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  const common = (port: number | undefined): string => `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
bind_timeout = 2
workers = 0
user = ${userInfo().username}
swift_dir = ${folder}
devices = ${folder}/disks
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
log_level = WARNING
`
  write(
    'swift.conf',
    `[swift-hash]
swift_hash_path_suffix = ${randomBytes(8).toString('hex')}
[storage-policy:0]
name = only
default = yes
`,
  )
  for (const [kind, port] of [['account', account] as const, ['container', container] as const, ['object', object] as const])
    write(
      `${kind}-server.conf`,
      `${common(port)}
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`,
    )
  write(
    'proxy-server.conf',
    `${common(proxy)}
[pipeline:main]
pipeline = catch_errors gatekeeper cache listing_formats s3api tempauth bulk copy slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
node_timeout = 3
recoverable_node_timeout = 3
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = ${secret} .admin
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
[filter:s3api]
use = egg:swift#s3api
max_bucket_listing = ${PAGE}
${['catch_errors', 'gatekeeper', 'listing_formats', 'bulk', 'copy', 'slo', 'dlo', 'symlink']
  .map(name => `[filter:${name}]\nuse = egg:swift#${name}\n`)
  .join('')}`,
  )
}
