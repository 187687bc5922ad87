import { execFileSync, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Capability } from '../../src/kit/device.ts'
import { Refused } from '../../src/kit/errors.ts'
import linux from './index.ts'
import type { LinuxHost } from './wire.ts'

const ENV = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' }
const run = (program: string, ...args: readonly string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', env: ENV, timeout: 30_000, stdio: ['ignore', 'pipe', 'pipe'] }).trim()

/** Why nothing real can be tried here; undefined where it can. */
function lacking(): string | undefined {
  if (process.getuid?.() !== 0) return "this is not root, and loop devices are root's"
  const missing = ['losetup', 'sgdisk', 'lsblk', 'blkid', 'blockdev', 'flock', 'setsid', 'cmp', 'mkfs.ext4'].filter(
    program => spawnSync('sh', ['-c', `command -v ${program}`], { env: ENV, stdio: 'ignore' }).status !== 0,
  )
  if (missing.length > 0) return `${missing.join(', ')} not found (apt-get install gdisk util-linux e2fsprogs)`
  return spawnSync('losetup', ['-f'], { env: ENV, stdio: 'ignore' }).status === 0 ? undefined : 'there is no loop device'
}
const missing = lacking()
const WHY = `linux: ${missing}: so NOTHING was proved on real block devices`
if (missing !== undefined && process.env['CI'] !== 'true') console.warn(WHY)

test.runIf(process.env['CI'] === 'true')('where everything must be there, real block devices are', () => {
  expect(missing, WHY).toBeUndefined()
})

const MIB = 1024 * 1024
/** Bytes that tell where they belong, so that a block in a wrong place is seen. */
function fill(file: string, from: number, to: number): void {
  const handle = openSync(file, 'r+')
  const block = Buffer.alloc(4096)
  for (let at = from; at < to; at += 4096 * 16) {
    block.fill(at % 251)
    block.writeDoubleBE(at, 0)
    writeSync(handle, block, 0, block.length, at)
  }
  closeSync(handle)
}
function bytesOf(path: string, length: number): Buffer {
  const [handle, bytes] = [openSync(path, 'r'), Buffer.alloc(length)]
  for (let at = 0; at < length; ) at += readSync(handle, bytes, at, length - at, at)
  closeSync(handle)
  return bytes
}

describe.skipIf(missing !== undefined)(
  'on real block devices',
  () => {
    let folder: string
    let loops: string[]
    let host: LinuxHost
    let pins: Record<string, string>

    /** A block device of that size, pinned under a name. */
    const disk = (name: string, bytes: number, prepare?: (file: string) => void): string => {
      const file = join(folder, `${name}.img`)
      writeFileSync(file, '')
      truncateSync(file, bytes)
      prepare?.(file)
      const loop = run('losetup', '-f', '--show', file)
      loops.push(loop)
      run('blockdev', '--setrw', loop) // a loop device keeps that flag when it is used for another file
      pins[name] = loop
      return loop
    }
    const gpt = (file: string): void => {
      run('sgdisk', '-n', '1:2048:20479', '-n', '2:20480:65535', file)
      fill(file, MIB, 32 * MIB)
    }
    const dos = (file: string): void => {
      gpt(file)
      run('sgdisk', '-m', '1:2', file)
    }
    const open = (): void => {
      host = linux.connect(
        linux.settings.parse({ local: true, folder: join(folder, 'state'), disks: pins }),
        'helper01' as Target,
      )
    }
    const perform = (name: keyof typeof linux.capabilities, params: Params, intent = 'R1/real/1') =>
      (linux.capabilities[name] as Capability).perform(host, {
        intent: intent as IntentId,
        params,
        signal: AbortSignal.timeout(60_000),
        go: () => {},
      }) as Promise<Readonly<Record<string, unknown>>>
    const refused = async (name: keyof typeof linux.capabilities, params: Params, intent?: string): Promise<string> => {
      const error = await perform(name, params, intent).then(
        result => result,
        (error: unknown) => error,
      )
      expect(error).toBeInstanceOf(Refused)
      return (error as Refused).message
    }
    const until = async (holds: (copy: Readonly<Record<string, unknown>>) => boolean) => {
      const end = Date.now() + 40_000
      for (;;) {
        const seen = await perform('copyState', c1)
        if (holds(seen)) return seen
        if (Date.now() > end) throw new Error(`it did not come: ${JSON.stringify(seen)}`)
        await delay(50)
      }
    }
    const ended = () => until(copy => copy['state'] !== 'copying')
    const verified = () => until(copy => copy['verification'] !== 'verifying')
    const c1 = { copy: 'c1' }
    const pair = { source: 'vol-A', target: 'vol-B' }
    const order = { ...pair, ...c1 }
    const readOnly = () => perform('setReadOnly', { disk: 'vol-A' })
    const pidFile = () => join(folder, 'state', 'copies', 'c1', 'pid')

    /** The dd that a copy has started, by the kernel's list of its children; undefined as long as there is none. */
    const ddOf = (group: number): number | undefined => {
      const file = `/proc/${group}/task/${group}/children`
      const children = existsSync(file) ? readFileSync(file, 'utf8').trim().split(' ').filter(Boolean).map(Number) : []
      return children.find(pid => existsSync(`/proc/${pid}/comm`) && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'dd')
    }
    /** Starts a large copy, and holds its processes still as soon as dd is at work. */
    const halfWay = async (): Promise<{ readonly group: number; readonly dd: number }> => {
      disk('vol-A', 512 * MIB, file => fill(file, 0, 4 * MIB))
      disk('vol-B', 512 * MIB)
      open()
      await readOnly()
      const starting = perform('copy', order)
      starting.catch(() => {}) // it is looked at below
      const end = Date.now() + 20_000
      while (Date.now() < end && !existsSync(pidFile())) await delay(1)
      if (!existsSync(pidFile())) await starting
      const group = Number(readFileSync(pidFile(), 'utf8'))
      let dd = ddOf(group)
      for (; dd === undefined && Date.now() < end; dd = ddOf(group)) await delay(1)
      if (dd === undefined || group < 2) throw new Error('the copy has not begun')
      process.kill(-group, 'SIGSTOP')
      expect(await starting).toMatchObject({ state: 'copying' })
      return { group, dd }
    }

    /** Only what still runs in that folder: a number may be somebody else's by now, and what ends in this moment is gone. */
    const killLeft = (): void => {
      try {
        const group = Number(readFileSync(pidFile(), 'utf8'))
        if (group > 1 && readlinkSync(`/proc/${group}/cwd`).startsWith(folder)) process.kill(-group, 'SIGKILL')
      } catch (error) {
        if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
      }
    }

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'linux-'))
      loops = []
      pins = {}
    })
    afterEach(async () => {
      killLeft()
      await host.close()
      for (const loop of loops) {
        spawnSync('umount', [loop], { env: ENV, stdio: 'ignore' })
        spawnSync('blockdev', ['--setrw', loop], { env: ENV, stdio: 'ignore' })
        spawnSync('losetup', ['-d', loop], { env: ENV, stdio: 'ignore' })
      }
      rmSync(folder, { recursive: true, force: true })
    })

    test('a GPT disk goes to a smaller one, is equal as far as it is in use, and loses its backup table, which is repaired', async () => {
      const from = disk('vol-A', 64 * MIB, gpt)
      const to = disk('vol-B', 40 * MIB)
      open()
      expect(await perform('copyReady', pair)).toMatchObject({ ready: false, fits: true, sourceReadOnly: false })
      expect(await refused('copy', order)).toContain('read only first')
      await readOnly()
      expect(await perform('copyReady', pair)).toMatchObject({
        ready: true,
        lastUsedSector: 65_535,
        lastSector: 81_919,
        sourceTable: 'gpt',
        targetSmaller: true,
      })
      await perform('copy', order)
      expect(await ended()).toMatchObject({ state: 'copied', copied: 40 * MIB, total: 40 * MIB })
      expect(bytesOf(to, 40 * MIB).equals(bytesOf(from, 64 * MIB).subarray(0, 40 * MIB))).toBe(true)
      await perform('verify', c1)
      expect(await verified()).toMatchObject({ state: 'copied', verification: 'equal', toVerify: 32 * MIB })

      expect(await perform('table', { disk: 'vol-B' })).toMatchObject({ problems: 5, beyond: 0 })
      expect(await perform('repair', { disk: 'vol-B' })).toMatchObject({ problems: 0, repaired: true, partitions: 2 })
      expect(await perform('table', { disk: 'vol-B' })).toMatchObject({ problems: 0 })
      expect(await perform('repair', { disk: 'vol-B' })).toMatchObject({ repaired: false })
      // The repair wrote into the range, so that a verification now says where they differ.
      await perform('verify', c1, 'R1/real/2')
      expect((await verified())['why']).toContain('in the partition table')
      expect(
        bytesOf(to, 32 * MIB)
          .subarray(MIB)
          .equals(bytesOf(from, 32 * MIB).subarray(MIB)),
      ).toBe(true)
      expect(await perform('cleanUp', c1)).toMatchObject({ state: 'absent' })
      expect(existsSync(join(folder, 'state', 'copies', 'c1'))).toBe(false)
    })

    test('an MBR disk, as in the case that this is made for, needs no repair', async () => {
      disk('vol-A', 64 * MIB, dos)
      disk('vol-B', 40 * MIB)
      open()
      await readOnly()
      expect(await perform('copyReady', pair)).toMatchObject({ ready: true, sourceTable: 'dos' })
      await perform('copy', order)
      expect(await ended()).toMatchObject({ state: 'copied' })
      expect(await perform('table', { disk: 'vol-B' })).toMatchObject({ table: 'dos', problems: 0, partitions: 2 })
      expect(await perform('repair', { disk: 'vol-B' })).toMatchObject({ repaired: false })
    })

    test('a target is refused that is smaller than what is in use, or has no room behind it for the backup of the table', async () => {
      disk('vol-A', 64 * MIB, gpt)
      disk('vol-B', 24 * MIB)
      disk('vol-C', 32 * MIB)
      disk('vol-D', 32 * MIB + 33 * 512)
      open()
      await readOnly()
      expect(await refused('copy', order)).toContain('shrink its last partition first')
      expect(await refused('copy', { ...order, target: 'vol-C' })).toContain('more for the backup')
      expect(await perform('copyReady', { ...pair, target: 'vol-D' })).toMatchObject({ ready: true })
      expect(existsSync(join(folder, 'state'))).toBe(false)
    })

    test('source and target the wrong way round are refused, for every reason there is', async () => {
      const from = disk('vol-A', 64 * MIB, gpt)
      disk('vol-B', 64 * MIB)
      open()
      const before = bytesOf(from, 64 * MIB)
      const swapped = { source: 'vol-B', target: 'vol-A' }
      expect(await refused('copy', { ...swapped, ...c1 })).toContain('not empty (gpt with 2 partitions)')
      await perform('setReadOnly', { disk: 'vol-B' })
      expect(await refused('copy', { ...swapped, ...c1 })).toContain('only `overwrite` takes it')
      await readOnly()
      expect(await refused('overwrite', { ...swapped, ...c1 })).toContain('the target is read only')
      expect(bytesOf(from, 64 * MIB).equals(before)).toBe(true)
    })

    test('a target that is not empty is taken by overwrite, and data without any signature is seen too', async () => {
      disk('vol-A', 8 * MIB, file => fill(file, 0, 8 * MIB))
      const to = disk('vol-B', 8 * MIB, file => fill(file, 7 * MIB, 8 * MIB))
      open()
      await readOnly()
      expect(await refused('copy', order)).toContain('data without a signature')
      await perform('overwrite', order)
      expect(await ended()).toMatchObject({ state: 'copied' })
      expect(bytesOf(to, 8 * MIB).equals(bytesOf(join(folder, 'vol-A.img'), 8 * MIB))).toBe(true)
    })

    test('a disk that is mounted is neither copied nor written nor set', async () => {
      const mounted = disk('vol-A', 16 * MIB, file => run('mkfs.ext4', '-q', '-F', file))
      disk('vol-B', 32 * MIB)
      open()
      const at = mkdtempSync(join(folder, 'mnt-'))
      run('mount', mounted, at)
      expect(await perform('copyReady', pair)).toMatchObject({ sourceIdle: false, ready: false })
      expect(await refused('setReadOnly', { disk: 'vol-A' })).toContain('mounted')
      run('umount', at)
      await readOnly()
      await perform('copy', order)
      expect(await ended()).toMatchObject({ state: 'copied', copied: 16 * MIB })
      await perform('verify', c1)
      expect(await verified()).toMatchObject({ verification: 'equal', verified: 16 * MIB })
      expect(run('blkid', '-p', '-s', 'TYPE', '-o', 'value', pins['vol-B']!)).toBe('ext4')
    })

    test('a verification finds one changed byte, whatever the kernel has in its memory', async () => {
      disk('vol-A', 8 * MIB, file => fill(file, 0, 8 * MIB))
      const to = disk('vol-B', 8 * MIB)
      open()
      await readOnly()
      await perform('copy', order)
      await ended()
      const handle = openSync(to, 'r+')
      writeSync(handle, Buffer.from([255]), 0, 1, 5 * MIB + 17)
      closeSync(handle)
      await perform('verify', c1)
      expect(await verified()).toMatchObject({ verification: 'different', why: `the disks differ at byte ${5 * MIB + 18}` })
    })

    test('a copy whose dd is killed half way is a failure', async () => {
      const { group } = await halfWay()
      const children = readFileSync(`/proc/${group}/task/${group}/children`, 'utf8').trim().split(' ').map(Number)
      for (const dd of children) process.kill(dd, 'SIGKILL')
      process.kill(-group, 'SIGCONT')
      const { state, why } = await ended()
      expect(state).toBe('failed')
      expect(why).toContain('dd ended with 137')
      expect(await refused('verify', c1)).toContain('nothing to verify')
    })

    test('a copy whose every process is killed, as by a crash of the host, is a failure and never runs for ever', async () => {
      process.kill(-(await halfWay()).group, 'SIGKILL')
      const { state, why } = await ended()
      expect([state, why]).toEqual(['failed', 'it did not come to its end: it was killed, or the host went down'])
      await perform('cleanUp', c1)
    })

    test('a copy runs in a session of its own, once under one name, once on one disk, and can be stopped', async () => {
      const { group } = await halfWay()
      // pid (comm) state ppid pgrp session
      const [, , pgrp, session] = readFileSync(`/proc/${group}/stat`, 'utf8').split(') ')[1]!.split(' ').map(Number)
      expect([pgrp, session]).toEqual([group, group])
      expect(await refused('copy', order, 'R2/real/1')).toContain('already')
      // The writer in it is not seen by lsblk, and the target may still look empty: the lock of the disk says no.
      expect(await refused('overwrite', { ...order, copy: 'c2' }, 'R2/real/1')).toContain('another copy is at work')
      expect(await refused('setReadWrite', { disk: 'vol-A' })).toContain('a copy is at work')
      expect(await refused('cleanUp', c1)).toContain('still runs')
      expect(await perform('copyState', { copy: 'c2' })).toMatchObject({ state: 'absent' })
      expect(await perform('stopCopy', c1)).toMatchObject({ state: 'stopped' })
      expect(await refused('stopCopy', c1)).toContain('nothing of copy c1 runs')
      expect(await perform('cleanUp', c1)).toMatchObject({ state: 'absent' })
      expect(await perform('setReadWrite', { disk: 'vol-A' })).toMatchObject({ readOnly: false })
    })

    test('two requests under one name in the same moment start one copy, and each learns by its files which one it was', async () => {
      disk('vol-A', 8 * MIB, file => fill(file, 0, 8 * MIB))
      disk('vol-B', 8 * MIB)
      open()
      await readOnly()
      const { inDoubt } = linux.capabilities.copy.effect as Exclude<typeof linux.capabilities.copy.effect, 'read'>
      if (inDoubt.ask !== 'device') throw new Error('a copy asks its host')
      const call = (intent: string) => ({
        intent: intent as IntentId,
        params: order,
        signal: AbortSignal.timeout(20_000),
        go: () => {},
      })
      const ids = ['R1/a/1', 'R2/b/1']
      const before = await Promise.all(ids.map(id => inDoubt.look(host, call(id))))
      const results = await Promise.allSettled(ids.map(id => perform('copy', order, id)))
      expect(results.filter(one => one.status === 'fulfilled').length).toBe(1)
      await ended()
      const verdicts = await Promise.all(
        ids.map(async (id, at) => inDoubt.judge(before[at]!, await inDoubt.look(host, call(id)), order)),
      )
      expect(verdicts.map(one => one.done)).toEqual(results.map(one => (one.status === 'fulfilled' ? true : 'unknown')))
      expect(run('ls', '-A', join(folder, 'state', 'copies'))).toBe('c1')
    })

    test('the host itself looks once more, in one breath with the write: what changed since the look is refused there', async () => {
      const from = disk('vol-A', 8 * MIB, file => fill(file, 0, 8 * MIB))
      const to = disk('vol-B', 8 * MIB, file => run('mkfs.ext4', '-q', '-F', file))
      const other = disk('vol-C', 8 * MIB)
      open()
      const good = {
        copy: 'c1',
        intent: 'R1/real/1',
        source: { path: from, mark: `path:${from}` },
        target: { path: to, mark: `path:${to}` },
        sourceBytes: 8 * MIB,
        targetBytes: 8 * MIB,
        sector: 512,
        needs: 8 * MIB,
      }
      const call = () => ({ signal: AbortSignal.timeout(30_000), go: () => {} })
      const no = async (changed: Partial<typeof good>): Promise<string> =>
        (await host.start({ ...good, ...changed }, call())).no ?? 'yes'
      expect(await no({})).toBe(`the source ${from} is not read only`)
      await readOnly()
      const before = bytesOf(to, 8 * MIB)
      expect(await no({ target: { path: other, mark: `path:${to}` } })).toContain(`is not the disk path:${to} any more`)
      expect(await no({ source: { path: from, mark: 'serial:vol0a' } })).toContain('is not the disk serial:vol0a any more')
      expect(await no({ source: { path: from, mark: from } })).toContain('is not the disk')
      expect(await no({ target: good.source })).toBe('source and target are one disk')
      expect(await no({ sourceBytes: 9 * MIB })).toBe(`the size of ${from} changed`)
      expect(await no({ targetBytes: 7 * MIB })).toBe(`the size of ${to} changed`)
      const at = mkdtempSync(join(folder, 'mnt-'))
      run('mount', '-o', 'ro', to, at)
      expect(await no({})).toBe(`${to} is mounted`)
      run('umount', at)
      run('blockdev', '--setro', to)
      expect(await no({})).toBe(`the target ${to} is read only`)
      run('blockdev', '--setrw', to)
      expect(bytesOf(to, 8 * MIB).equals(before)).toBe(true)
      expect(run('ls', '-A', join(folder, 'state', 'copies'))).toBe('')
      expect(await no({})).toBe('yes')
      expect(await ended()).toMatchObject({ state: 'copied' })
    })

    test('a disk without a serial number is not guessed, and a pin that leads nowhere is an error', async () => {
      disk('vol-A', 8 * MIB)
      pins['vol-gone'] = '/dev/disk/by-id/nothing-of-the-kind'
      open()
      expect(await refused('disk', { disk: 'vol-0123456789abcdef0' })).toMatch(/cannot be told|has the serial number/)
      await refused('disk', { disk: 'vol-gone' })
      expect(await perform('disk', { disk: 'vol-A' })).toMatchObject({ empty: true, table: 'none', bytes: 8 * MIB })
    })
  },
  120_000,
)
