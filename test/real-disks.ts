import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { IntentId, Target } from '../src/domain/ids.ts'
import type { Params } from '../src/domain/plan.ts'
import type { Adapter, Capability, Device } from '../src/kit/device.ts'

/** What tests on real disks need: programs, an NBD client, a writer that remembers, and ends of processes that are certain. */
export const BLOCK = 4096

/** Which of these programs are not installed here. */
export const absent = (programs: readonly string[]): readonly string[] =>
  programs.filter(
    program => ![...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'].some(folder => runs(join(folder, program))),
  )

function runs(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Asks until it is so. A wait without an end is a test that hangs. */
export async function until(what: string, holds: () => unknown, within = 20_000): Promise<void> {
  const end = Date.now() + within
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${within} ms`)
    await delay(20)
  }
}

/** A socket is there a moment before anybody listens on it. */
export const listens = (socket: string): boolean =>
  existsSync(socket) &&
  (!existsSync('/proc/net/unix') ||
    readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .some(line => line.endsWith(` ${socket}`) && line.split(' ')[3] === '00010000'))

export const answersOn = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })

/** A port of the loopback that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))))
    })
  })

/** Processes of one test: each is killed at its end, the last first, and whatever happens a minute later. */
export function processes() {
  const children: { readonly child: ChildProcess; readonly deadline: NodeJS.Timeout }[] = []
  const kill = async (child: ChildProcess | undefined): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  return {
    start(program: string, words: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
      const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`
      const child = spawn(program, words, { stdio: 'ignore', env: { ...process.env, PATH: path, ...env } })
      child.on('error', () => {}) // what it should have opened never comes, and the test says so
      children.push({ child, deadline: setTimeout(() => child.kill('SIGKILL'), 60_000) })
      return child
    },
    kill,
    async end(): Promise<void> {
      for (const { child, deadline } of children.splice(0).reverse()) {
        clearTimeout(deadline)
        await kill(child)
      }
    },
  }
}

/** A storage daemon with a monitor, an NBD server and these options, in this folder. */
export async function storageDaemon(
  start: ReturnType<typeof processes>['start'],
  folder: string,
  options: readonly string[] = [],
): Promise<ChildProcess> {
  const at = (name: string): string => join(folder, name)
  for (const name of ['qmp.sock', 'nbd.sock']) rmSync(at(name), { force: true })
  const child = start('qemu-storage-daemon', [
    ...['--chardev', `socket,path=${at('qmp.sock')},server=on,wait=off,id=q`, '--monitor', 'chardev=q'],
    ...['--nbd-server', `addr.type=unix,addr.path=${at('nbd.sock')},max-connections=8`],
    ...options,
  ])
  await until('the storage daemon listens', () => listens(at('nbd.sock')) && listens(at('qmp.sock')))
  return child
}

/** The options that make one raw file the disk0 of a storage daemon, served as lun0. */
export const serving = (file: string): readonly string[] => [
  ...['--blockdev', `driver=file,filename=${file},node-name=disk0-file`],
  ...['--blockdev', 'driver=raw,file=disk0-file,node-name=disk0'],
  ...['--export', 'nbd,id=exp0,node-name=disk0,name=lun0,writable=on'],
]

/** Performs capabilities of an adapter as the engine would, and waits for jobs. */
export function performer(adapter: Adapter, device: () => Device) {
  const perform = (
    name: string,
    params: Params,
    signal = AbortSignal.timeout(30_000),
  ): Promise<Readonly<Record<string, unknown>>> =>
    (adapter.capabilities as Readonly<Record<string, Capability>>)[name]!.perform(device(), {
      intent: 'R1/real/1' as IntentId,
      params,
      signal,
      go: () => {},
    })
  return {
    perform,
    async job(job: string, ...states: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
      let seen: Readonly<Record<string, unknown>> = {}
      await until(`job ${job} comes to ${states.join(' or ')}`, async () => {
        seen = await perform('job', { job })
        return states.includes(String(seen['state']))
      })
      return seen
    },
  }
}

export const TARGET = 'vm01' as Target

/** As much of NBD as a writer needs: one request at a time. */
export interface Nbd {
  write(at: number, data: Buffer): Promise<void>
  read(at: number, bytes: number): Promise<Buffer>
  close(): void
}

/** The server listens a moment before it has its export. */
export async function nbd(path: string, name: string): Promise<Nbd> {
  let found: Nbd | undefined
  await until(`NBD export ${name} is served`, async () => {
    found = await dial(path, name).catch(() => undefined)
    return found
  })
  return found!
}

async function dial(path: string, name: string): Promise<Nbd> {
  const socket: Socket = connect({ path })
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let rest = Buffer.alloc(0)
  const take = async (bytes: number): Promise<Buffer> => {
    while (rest.length < bytes) {
      const { value, done } = await chunks.next()
      if (done) throw new Error('NBD: the connection ended')
      rest = Buffer.concat([rest, value])
    }
    const taken = rest.subarray(0, bytes)
    rest = rest.subarray(bytes)
    return taken
  }
  await take(18)
  const option = Buffer.alloc(20 + name.length)
  option.writeUInt32BE(3, 0) // fixed newstyle, no zeroes
  option.write('IHAVEOPT', 4)
  option.writeUInt32BE(1, 12)
  option.writeUInt32BE(name.length, 16)
  option.write(name, 20)
  socket.write(option)
  await take(10)
  let handle = 0n
  const request = async (type: number, at: number, bytes: number, data?: Buffer): Promise<Buffer> => {
    const header = Buffer.alloc(28)
    header.writeUInt32BE(0x25609513, 0)
    header.writeUInt16BE(type, 6)
    header.writeBigUInt64BE(++handle, 8)
    header.writeBigUInt64BE(BigInt(at), 16)
    header.writeUInt32BE(bytes, 24)
    socket.write(data ? Buffer.concat([header, data]) : header)
    const error = (await take(16)).readUInt32BE(4)
    if (error !== 0) throw new Error(`NBD: error ${error}`)
    return type === 0 ? Buffer.from(await take(bytes)) : rest.subarray(0, 0)
  }
  return {
    write: async (at, data) => void (await request(1, at, data.length, data)),
    read: (at, bytes) => request(0, at, bytes),
    close: () => socket.destroy(),
  }
}

/** Writes without a pause, keeps what was acknowledged, and reads all of it again. */
export function writer(disk: Nbd, size: number) {
  const shadow = new Map<number, number>()
  let [going, stamp] = [true, 0]
  const errors: unknown[] = []
  const run = (async () => {
    while (going) {
      const block = (stamp * 7919) % (size / BLOCK)
      const now = ++stamp
      const data = Buffer.alloc(BLOCK)
      data.writeUInt32BE(now, 0)
      data.writeUInt32BE(now, BLOCK - 4)
      try {
        await disk.write(block * BLOCK, data)
        shadow.set(block, now)
      } catch (error) {
        errors.push(error)
        going = false
      }
      await delay(0)
    }
  })()
  return {
    errors,
    writes: () => stamp,
    blocks: () => shadow.size,
    async stop(): Promise<void> {
      going = false
      await run
    },
    /** How many acknowledged blocks read back as something else. */
    async bad(read: (at: number, bytes: number) => Promise<Buffer> | Buffer): Promise<number> {
      let bad = 0
      for (const [block, now] of shadow) {
        const data = await read(block * BLOCK, BLOCK)
        if (data.readUInt32BE(0) !== now || data.readUInt32BE(BLOCK - 4) !== now) bad++
      }
      return bad
    },
  }
}
