import { execFileSync, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { absent, nbd, performer, processes, serving, storageDaemon, TARGET, until } from '../../test/real-disks.ts'
import qemu from './index.ts'
import type { Monitor } from './wire.ts'

const PROGRAMS = ['qemu-storage-daemon', 'nbdfuse', 'losetup', 'mkfs.ext4', 'e2fsck', 'debugfs', 'mount', 'umount']
const missing = [
  ...absent(PROGRAMS),
  ...(process.getuid?.() === 0 ? [] : ['root']),
  ...['/dev/fuse', '/dev/loop-control'].filter(name => !existsSync(name)),
  ...(existsSync('/proc/filesystems') && /\bext4\b/.test(readFileSync('/proc/filesystems', 'utf8'))
    ? []
    : ['ext4 in the kernel']),
]
const WHY = `qemu: ${missing.join(', ')} not found, so NOTHING was proved on a mounted file system (root; apt-get install qemu-system-common libnbd-bin e2fsprogs)`
if (missing.length > 0 && process.env['CI'] !== 'true') console.warn(WHY)

test.runIf(process.env['CI'] === 'true')('where everything must be there, a file system can be mounted', () => {
  expect(missing, WHY).toEqual([])
})

const SIZE = 64 * 1024 * 1024
/** Whose mounts and loops these are: the number is the process that made them. */
const PREFIX = 'signalbox-ext4-'
const OURS = new RegExp(`/${PREFIX}(\\d+)-`)
const run = (program: string, ...words: readonly string[]): string =>
  execFileSync(program, words, {
    encoding: 'utf8',
    timeout: 20_000,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  })
const attempt = (program: string, ...words: readonly string[]): void =>
  void spawnSync(program, words, { stdio: 'ignore', timeout: 20_000, env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' } })

/** True for what this process made, and for what a run that died has left. */
function abandoned(path: string): boolean {
  const pid = Number(OURS.exec(path)?.[1])
  return Number.isInteger(pid) && (pid === process.pid || !existsSync(`/proc/${pid}`))
}
const mounts = (): readonly string[] =>
  readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map(line => line.split(' ')[1] ?? '')
    .filter(abandoned)
const loops = (): readonly string[] =>
  readdirSync('/sys/block')
    .filter(name => name.startsWith('loop') && existsSync(`/sys/block/${name}/loop/backing_file`))
    .filter(name => abandoned(readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8')))
    .map(name => `/dev/${name}`)

/** The file system first, then the loop below it, then the FUSE file below that: the last that was mounted goes first. */
function sweep(): void {
  for (const loop of loops()) for (const path of mountsOf(loop)) attempt('umount', '-l', path)
  for (const loop of loops()) attempt('losetup', '-d', loop)
  for (const path of [...mounts()].reverse()) attempt('umount', '-l', path)
  for (const name of readdirSync(tmpdir()))
    if (abandoned(`/${name}`)) rmSync(join(tmpdir(), name), { recursive: true, force: true })
}
const mountsOf = (loop: string): readonly string[] =>
  readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter(line => line.startsWith(`${loop} `))
    .map(line => line.split(' ')[1] ?? '')

/** Appends records to a file, each on the disk before the next; what was acknowledged is what must be there. */
function journal(file: string) {
  let [going, records] = [true, 0]
  const errors: unknown[] = []
  const done = (async () => {
    const handle = await open(file, 'a')
    while (going) {
      try {
        await handle.write(`record ${records + 1} of the journal\n`)
        await handle.sync()
        records++
      } catch (error) {
        errors.push(error)
        going = false
      }
    }
    await handle.close().catch(error => errors.push(error))
  })()
  return {
    errors,
    records: () => records,
    async stop(): Promise<void> {
      going = false
      await done
    },
  }
}

describe.skipIf(missing.length > 0)('on a mounted ext4', () => {
  const { start, end } = processes()
  let folder: string
  let monitor: Monitor
  let loop: string
  const { perform, job } = performer(qemu, () => monitor)
  const at = (name: string): string => join(folder, name)
  const image = (name: string): void => {
    writeFileSync(at(name), '')
    truncateSync(at(name), SIZE)
  }

  beforeEach(async () => {
    sweep()
    folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`))
    for (const name of ['fuse', 'mnt']) mkdirSync(at(name))
    image('disk0.img')
    await storageDaemon(start, folder, serving(at('disk0.img')))
    ;(await nbd(at('nbd.sock'), 'lun0')).close()
    start('nbdfuse', [at('fuse/disk'), `nbd+unix:///lun0?socket=${at('nbd.sock')}`])
    await until('the disk is a file', () => existsSync(at('fuse/disk')))
    loop = run('losetup', '-f', '--show', at('fuse/disk')).trim()
    run('mkfs.ext4', '-q', loop)
    run('mount', loop, at('mnt'))
    monitor = qemu.connect(qemu.settings.parse({ socket: at('qmp.sock') }), TARGET)
  })
  afterEach(async () => {
    await monitor?.close()
    sweep()
    await end()
    sweep() // a server that was killed leaves its mount
    expect([mounts(), loops()]).toEqual([[], []])
  })

  test('it survives the cutover below it: every record of its journal, every byte of its files, and a clean check', async () => {
    for (let n = 0; n < 10; n++) writeFileSync(at(`mnt/file${n}`), randomBytes(700_000))
    const sum = (): string => {
      const hash = createHash('sha256')
      for (let n = 0; n < 10; n++) hash.update(readFileSync(at(`mnt/file${n}`)))
      return hash.digest('hex')
    }
    const before = sum()
    const app = journal(at('mnt/journal'))
    const writesOn = async (by: number): Promise<void> => {
      const goal = app.records() + by
      await until(`the journal grows by ${by}`, () => app.records() >= goal || app.errors.length > 0)
    }
    await writesOn(5)
    image('new0.img')
    await perform('attachFile', { file: at('new0.img'), node: 'new0', format: 'raw' })
    await perform('mirror', { source: 'disk0', target: 'new0', job: 'mig1', writes: 'blocking' })
    await job('mig1', 'ready')
    await writesOn(5)
    expect(await perform('cutOver', { job: 'mig1' })).toMatchObject({ state: 'done', live: 'new0', exportsLeft: 0 })
    await perform('dismiss', { job: 'mig1' })
    const cut = app.records()
    await writesOn(10)
    await app.stop()
    const wanted = Array.from({ length: app.records() }, (_, n) => `record ${n + 1} of the journal\n`).join('')
    expect([app.errors, (await readFile(at('mnt/journal'), 'utf8')) === wanted]).toEqual([[], true])
    // Past the page cache, which would answer for a disk that has lost everything.
    run('umount', at('mnt'))
    run('mount', loop, at('mnt'))
    expect([sum(), (await readFile(at('mnt/journal'), 'utf8')) === wanted]).toEqual([before, true])
    run('umount', at('mnt'))
    run('losetup', '-d', loop)
    // And by what QEMU has no part in: the file of the new disk.
    expect(run('e2fsck', '-fn', at('new0.img'))).toMatch(/Pass 5: Checking group summary information/)
    expect(run('debugfs', '-R', 'cat /journal', at('new0.img')) === wanted).toBe(true)
    const old = readFileSync(at('disk0.img')).includes(`record ${app.records()} of the journal\n`)
    expect([cut < app.records(), old]).toEqual([true, false])
  })
})
