import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Capability } from '../../src/kit/device.ts'
import { Refused } from '../../src/kit/errors.ts'
import qemu from './index.ts'
import type { Monitor } from './wire.ts'

const PROGRAMS = ['qemu-storage-daemon', 'qemu-img', 'nbdkit']
/** A socket is there a moment before anybody listens on it. */
const listens = (socket: string): boolean =>
  existsSync(socket) &&
  (!existsSync('/proc/net/unix') ||
    readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .some(line => line.endsWith(` ${socket}`) && line.split(' ')[3] === '00010000'))
const missing = PROGRAMS.filter(program => spawnSync(program, ['--version'], { stdio: 'ignore' }).status !== 0)
const WHY = `qemu: ${missing.join(', ')} not found, so NOTHING was proved on real disks (apt-get install qemu-system-common qemu-utils nbdkit)`
if (missing.length > 0 && process.env['CI'] !== 'true') console.warn(WHY)

const BLOCK = 4096
const SIZE = 32 * 1024 * 1024

test.runIf(process.env['CI'] === 'true')('where everything must be there, the real storage daemon is', () => {
  expect(missing, WHY).toEqual([])
})

/** As much of NBD as a writer needs: one request at a time. */
interface Nbd {
  write(at: number, data: Buffer): Promise<void>
  read(at: number, bytes: number): Promise<Buffer>
  close(): void
}

async function nbd(path: string, name: string): Promise<Nbd> {
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
function writer(disk: Nbd) {
  const shadow = new Map<number, number>()
  let [going, stamp] = [true, 0]
  const errors: unknown[] = []
  const run = (async () => {
    while (going) {
      const block = (stamp * 7919) % (SIZE / BLOCK)
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
    writes: () => shadow.size,
    async stop() {
      going = false
      await run
    },
    /** How many acknowledged blocks read back as something else. */
    async bad(from: Nbd): Promise<number> {
      let bad = 0
      for (const [block, now] of shadow) {
        const data = await from.read(block * BLOCK, BLOCK)
        if (data.readUInt32BE(0) !== now || data.readUInt32BE(BLOCK - 4) !== now) bad++
      }
      return bad
    },
  }
}

describe.skipIf(missing.length > 0)('on the real storage daemon', () => {
  let folder: string
  let daemon: ChildProcess | undefined
  let kit: ChildProcess | undefined
  let monitor: Monitor
  let disk: Nbd
  const at = (name: string): string => join(folder, name)
  const perform = (name: keyof typeof qemu.capabilities, params: Params): Promise<Readonly<Record<string, unknown>>> =>
    (qemu.capabilities[name] as Capability).perform(monitor, {
      intent: 'R1/real/1' as IntentId,
      params,
      signal: AbortSignal.timeout(30_000),
      go: () => {},
    })
  const image = (name: string, format: 'raw' | 'qcow2'): void =>
    void execFileSync('qemu-img', ['create', '-q', '-f', format, at(name), String(SIZE)])
  const until = async (name: string, ...states: readonly string[]): Promise<Readonly<Record<string, unknown>>> => {
    for (let n = 0; n < 400; n++) {
      const job = await perform('job', { job: name })
      if (states.includes(String(job['state']))) return job
      await delay(25)
    }
    throw new Error(`job ${name} never came to ${states.join(' or ')}`)
  }
  /** The server listens a moment before it has its export. */
  const served = async (): ReturnType<typeof nbd> => {
    for (let n = 0; n < 100; n++) {
      try {
        return await nbd(at('nbd.sock'), 'lun0')
      } catch {
        await delay(25)
      }
    }
    return nbd(at('nbd.sock'), 'lun0')
  }
  const appears = async (file: string): Promise<void> => {
    for (let n = 0; n < 400 && !listens(file); n++) await delay(25)
  }
  const kill = async (child: ChildProcess | undefined): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  const start = async (driver: 'raw' | 'qcow2'): Promise<void> => {
    for (const name of ['qmp.sock', 'nbd.sock']) rmSync(at(name), { force: true })
    const options = [
      ['--chardev', `socket,path=${at('qmp.sock')},server=on,wait=off,id=q`, '--monitor', 'chardev=q'],
      ['--blockdev', `driver=file,filename=${at('disk0.img')},node-name=disk0-file`],
      ['--blockdev', `driver=${driver},file=disk0-file,node-name=disk0`],
      ['--nbd-server', `addr.type=unix,addr.path=${at('nbd.sock')},max-connections=8`],
      ['--export', 'nbd,id=exp0,node-name=disk0,name=lun0,writable=on'],
    ].flat()
    daemon = spawn('qemu-storage-daemon', options, { stdio: 'ignore' })
    await appears(at('nbd.sock'))
    await appears(at('qmp.sock'))
    monitor = qemu.connect({ socket: at('qmp.sock') }, 'vm01' as Target)
    disk = await served()
  }
  const migrateTo = async (target: string): Promise<void> => {
    await perform('mirror', { source: 'disk0', target, job: 'mig1', writes: 'blocking' })
    await until('mig1', 'ready')
  }
  const moved = async () => {
    image('new0.img', 'raw')
    await start('raw')
    const app = writer(disk)
    await perform('attachFile', { file: at('new0.img'), node: 'new0', format: 'raw' })
    await migrateTo('new0')
    await delay(200)
    expect(await perform('cutOver', { job: 'mig1' })).toMatchObject({ state: 'done', live: 'new0', exportsLeft: 0 })
    await perform('dismiss', { job: 'mig1' })
    await delay(200)
    return app
  }

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'qsd-'))
    image('disk0.img', 'raw')
  })
  afterEach(async () => {
    disk?.close()
    await monitor?.close()
    await kill(daemon)
    await kill(kit)
    rmSync(folder, { recursive: true, force: true })
  })

  test('a disk migrates under a writer, cuts over and rolls back, and every acknowledged write is there', async () => {
    const app = await moved()
    await perform('mirror', { source: 'new0', target: 'disk0', job: 'back1', writes: 'blocking' })
    await until('back1', 'ready')
    expect(await perform('rollBack', { job: 'back1' })).toMatchObject({ state: 'done', live: 'disk0' })
    await delay(200)
    await app.stop()
    const other = await nbd(at('nbd.sock'), 'lun0')
    expect([app.errors, await app.bad(other)]).toEqual([[], 0])
    expect(app.writes()).toBeGreaterThan(100)
    other.close()
  })

  test('a roll back by sync=none, which QEMU itself calls a success and which loses writes, is refused', async () => {
    const app = await moved()
    const foreign = {
      execute: 'blockdev-mirror',
      args: { 'job-id': 'back1', device: 'new0', target: 'disk0', sync: 'none', 'auto-dismiss': false },
    }
    const sending = { signal: AbortSignal.timeout(5_000), go: () => {} }
    await monitor.change(foreign, sending)
    await until('back1', 'ready')
    await expect(perform('rollBack', { job: 'back1' })).rejects.toThrow(/does not have the whole disk/)
    // The wrong way all the same, to show why.
    await monitor.change({ execute: 'job-complete', args: { id: 'back1' } }, sending)
    await until('back1', 'done')
    await app.stop()
    expect(app.errors).toEqual([])
    expect(await app.bad(disk)).toBeGreaterThan(0)
  })

  test('speed, pause, resume and cancel: the source stays live and whole', async () => {
    image('new0.img', 'raw')
    await start('raw')
    const app = writer(disk)
    await perform('attachFile', { file: at('new0.img'), node: 'new0', format: 'raw' })
    await perform('mirror', { source: 'disk0', target: 'new0', job: 'mig1', writes: 'background' })
    await perform('setSpeed', { job: 'mig1', speed: 1024 * 1024 })
    const before = await perform('job', { job: 'mig1' })
    expect(before).toMatchObject({ source: 'disk0', target: 'new0', speed: 1024 * 1024 })
    if (before['state'] === 'running') {
      expect(await perform('pause', { job: 'mig1' })).toMatchObject({ state: 'paused' })
      await perform('resume', { job: 'mig1' })
    }
    expect(await perform('cancel', { job: 'mig1' })).toMatchObject({ state: 'cancelled' })
    await perform('dismiss', { job: 'mig1' })
    await perform('detach', { node: 'new0' })
    await app.stop()
    expect([app.errors, await app.bad(disk)]).toEqual([[], 0])
  })

  test('a split leaves the source live, and the target is the disk as it was at that moment', async () => {
    image('new0.img', 'raw')
    await start('raw')
    const app = writer(disk)
    await perform('attachFile', { file: at('new0.img'), node: 'new0', format: 'raw' })
    await migrateTo('new0')
    await app.stop()
    expect(await perform('split', { job: 'mig1' })).toEqual({ job: 'mig1', state: 'done' })
    await perform('exportNode', { node: 'new0', export: 'copy0' })
    await disk.write(0, Buffer.alloc(BLOCK, 9))
    const copy = await nbd(at('nbd.sock'), 'copy0')
    expect([app.errors, await app.bad(copy), (await disk.read(0, BLOCK))[0]]).toEqual([[], 0, 9])
    expect((await copy.read(0, BLOCK))[0]).not.toBe(9)
    copy.close()
  })

  test('a target that fails stops the job and not the writer; when it is mended, resume and cut over lose nothing', async () => {
    const fault = at('FAULT')
    const errors = ['--filter=error', 'error=EIO', 'error-pwrite-rate=100%', `error-file=${fault}`]
    kit = spawn('nbdkit', ['-f', '-U', at('array2.sock'), errors[0]!, 'memory', String(SIZE), ...errors.slice(1)], {
      stdio: 'ignore',
    })
    await appears(at('array2.sock'))
    await start('raw')
    const app = writer(disk)
    expect(await perform('attachNbd', { where: at('array2.sock'), node: 'new0' })).toMatchObject({ bytes: SIZE, driver: 'nbd' })
    writeFileSync(fault, '')
    await perform('mirror', { source: 'disk0', target: 'new0', job: 'mig1', writes: 'blocking' })
    expect(await until('mig1', 'fault')).toMatchObject({ fault: 'failed' })
    expect(await perform('jobs', {})).toMatchObject({ faults: 1 })
    expect(Number((await perform('events', {}))['errors'])).toBeGreaterThan(0)
    await expect(perform('cutOver', { job: 'mig1' })).rejects.toBeInstanceOf(Refused)
    rmSync(fault)
    await perform('resume', { job: 'mig1' })
    await until('mig1', 'ready')
    expect(await perform('cutOver', { job: 'mig1' })).toMatchObject({ state: 'done', live: 'new0' })
    await delay(100)
    await app.stop()
    expect([app.errors, await app.bad(disk)]).toEqual([[], 0])
  })

  test('kill -9 in the middle of a migration: the job is gone, the source has every acknowledged write, and it can begin again', async () => {
    image('new0.img', 'raw')
    await start('raw')
    const app = writer(disk)
    await perform('attachFile', { file: at('new0.img'), node: 'new0', format: 'raw' })
    await perform('mirror', { source: 'disk0', target: 'new0', job: 'mig1', writes: 'blocking' })
    await delay(150)
    await kill(daemon)
    await app.stop()
    await monitor.close()
    await start('raw')
    expect(await perform('jobs', {})).toMatchObject({ count: 0 })
    expect(await app.bad(disk)).toBe(0)
    await perform('attachFile', { file: at('new0.img'), node: 'new0', format: 'raw' })
    await migrateTo('new0')
    await perform('cutOver', { job: 'mig1' })
    expect(await app.bad(disk)).toBe(0)
  })

  test('snapshot and commit under a writer', async () => {
    image('ov0.qcow2', 'qcow2')
    await start('raw')
    const app = writer(disk)
    await perform('attachFile', { file: at('ov0.qcow2'), node: 'ov0', format: 'overlay' })
    await perform('snapshot', { node: 'disk0', overlay: 'ov0' })
    await expect(perform('mirror', { source: 'disk0', target: 'ov0', job: 'm', writes: 'blocking' })).rejects.toBeInstanceOf(
      Refused,
    )
    await delay(150)
    await perform('commit', { overlay: 'ov0', job: 'cm1' })
    await until('cm1', 'ready')
    await perform('finishCommit', { job: 'cm1' })
    await perform('dismiss', { job: 'cm1' })
    await perform('detach', { node: 'ov0' })
    expect(await perform('exports', {})).toMatchObject({ exports: [{ node: 'disk0' }] })
    await app.stop()
    expect([app.errors, await app.bad(disk)]).toEqual([[], 0])
  })

  test('a frozen point in time does not move while the disk does, and the next bitmap begins at that moment', async () => {
    image('fl0.qcow2', 'qcow2')
    await start('raw')
    await disk.write(0, Buffer.alloc(BLOCK, 1))
    await perform('addBitmap', { node: 'disk0', bitmap: 'gen0', persistent: false })
    await disk.write(BLOCK, Buffer.alloc(BLOCK, 2))
    await perform('attachFile', { file: at('fl0.qcow2'), node: 'fl0', format: 'overlay', over: 'disk0' })
    const frozen = await perform('freeze', { node: 'disk0', into: 'fl0', job: 'pit0', bitmap: 'gen1', after: 'gen0' })
    expect(frozen).toMatchObject({ frozen: 'fl0', since: 'gen0', dirty: 65_536 })
    await perform('exportNode', { node: 'fl0', export: 'pit0' })
    await disk.write(BLOCK, Buffer.alloc(BLOCK, 3))
    const then = await nbd(at('nbd.sock'), 'pit0')
    expect([(await then.read(BLOCK, BLOCK))[0], (await disk.read(BLOCK, BLOCK))[0]]).toEqual([2, 3])
    then.close()
    await perform('stopExport', { export: 'pit0' })
    await perform('cancel', { job: 'pit0' })
    await perform('dismiss', { job: 'pit0' })
    await perform('clearBitmap', { node: 'disk0', bitmap: 'gen0' })
    await perform('removeBitmap', { node: 'disk0', bitmap: 'gen0' })
    expect(await perform('bitmaps', { node: 'disk0' })).toMatchObject({
      count: 1,
      bitmaps: [{ bitmap: 'gen1', recording: true }],
    })
  })

  test('a persistent bitmap that was in use at a kill -9 is useless, and only a full sync will do', async () => {
    image('disk0.img', 'qcow2')
    image('fl0.qcow2', 'qcow2')
    await start('qcow2')
    await perform('addBitmap', { node: 'disk0', bitmap: 'gen0', persistent: true })
    // Only a bitmap that the file knows of can be found in use: an orderly end writes it, the next start takes it into use.
    await monitor.change({ execute: 'quit', args: {} }, { signal: AbortSignal.timeout(5_000), go: () => {} })
    await new Promise(resolve => daemon?.once('exit', resolve))
    disk.close()
    await monitor.close()
    await start('qcow2')
    expect(await perform('bitmaps', { node: 'disk0' })).toMatchObject({ unusable: 0, count: 1 })
    await disk.write(0, Buffer.alloc(BLOCK, 1))
    await kill(daemon)
    disk.close()
    await monitor.close()
    await start('qcow2')
    expect(await perform('bitmaps', { node: 'disk0' })).toMatchObject({ unusable: 1, bitmaps: [{ usable: false }] })
    await perform('attachFile', { file: at('fl0.qcow2'), node: 'fl0', format: 'overlay', over: 'disk0' })
    const freeze = { node: 'disk0', into: 'fl0', job: 'pit0', bitmap: 'gen1', after: 'gen0' }
    await expect(perform('freeze', freeze)).rejects.toThrow(/was in use when QEMU died.*full sync/)
    await perform('removeBitmap', { node: 'disk0', bitmap: 'gen0' })
    await perform('addBitmap', { node: 'disk0', bitmap: 'gen1', persistent: true })
  })
})
