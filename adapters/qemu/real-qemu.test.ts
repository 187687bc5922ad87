import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { absent, listens, nbd, performer, processes, TARGET, until } from '../../test/real-disks.ts'
import qemu from './index.ts'
import type { Monitor } from './wire.ts'

const missing = absent(['qemu-system-x86_64', 'qemu-img'])
const WHY = `qemu: ${missing.join(', ')} not found, so NOTHING was proved on a running guest (apt-get install qemu-system-x86 qemu-utils)`
if (missing.length > 0 && process.env['CI'] !== 'true') console.warn(WHY)

test.runIf(process.env['CI'] === 'true')('where everything must be there, a real QEMU is', () => {
  expect(missing, WHY).toEqual([])
})

/** A guest that knows of no write cache, as the BIOS, has each of its writes on the disk at once: on a slow disk that takes long. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
const SECTOR = 512
const SIZE = 4 * 1024 * 1024

/**
 * A guest of 512 bytes. It stamps one sector after the other with a number that grows, through the BIOS and the disk it was
 * booted from, and says each number on the debug port (0xe9) once the write was acknowledged; 0xffffffff is a failed write.
 */
const GUEST = [
  'fa 31c0 8ed8 8ec0 8ed0', // cli; ds = es = ss = 0
  'bc0070 fb fc', // sp = 0x7000; sti; cld
  '8816fd7d', // [0x7dfd] = dl, the disk
  '6631db', // ebx = 0
  '6643', // again (0x15): ebx = ebx + 1, the stamp
  'bf0080 6689d8 b98000 66f3ab', // fill the sector at 0x8000 with it
  '6689d8 6669c0ef1e0000', // eax = stamp * 7919
  '6625ff0f0000 6683c040', // and 0x0fff, plus 64: the sector
  '66a3757c', // [packet + 8] = eax
  'be6d7c 8a16fd7d b80043', // si = packet, dl = the disk, ah = 0x43: extended write
  '6653 cd13 665b', // int 0x13, ebx kept
  '7212', // on an error to broken
  '6689d8 b90400 bae900', // four bytes
  'ee 66c1e808 e2f9', // of the stamp to the port
  'ebb6', // to again
  'bae900 b0ff b90400 ee e2fd', // broken (0x5f): four times 0xff
  'f4 ebf2', // halt
  '1000 0100 0080 0000 0000000000000000', // packet (0x6d): one sector, from 0000:8000
].join('')
const sectorOf = (stamp: number): number => 64 + (Number((BigInt(stamp) * 7919n) & 0x0fffn) >>> 0)

describe.skipIf(missing.length > 0)('on a running guest', () => {
  const { start, end } = processes()
  let folder: string
  let monitor: Monitor
  const { perform, job } = performer(qemu, () => monitor)
  const at = (name: string): string => join(folder, name)
  const image = (name: string, format: 'raw' | 'qcow2'): void =>
    void execFileSync('qemu-img', ['create', '-q', '-f', format, at(name), String(SIZE)])

  /** The last write that the guest was told is done. */
  const acknowledged = (): number => (existsSync(at('said')) ? Math.floor(statSync(at('said')).size / 4) : 0)
  const broken = (): boolean => existsSync(at('said')) && readFileSync(at('said')).includes(Buffer.from('ffffffff', 'hex'))
  const writesOn = async (by: number): Promise<void> => {
    const goal = acknowledged() + by
    await until(`the guest writes ${by} sectors more`, () => acknowledged() >= goal || broken())
    expect(broken()).toBe(false)
  }
  /** How many of the guest's writes up to this one a disk lacks. The one after it may have been under way. */
  const lacks = async (upTo: number, read: (at: number, bytes: number) => Promise<Buffer> | Buffer): Promise<number> => {
    const shadow = new Map<number, number>()
    for (let stamp = 1; stamp <= upTo; stamp++) shadow.set(sectorOf(stamp), stamp)
    const next = { sector: sectorOf(upTo + 1), stamp: upTo + 1 }
    let bad = 0
    for (const [sector, stamp] of shadow) {
      const data = await read(sector * SECTOR, SECTOR)
      const [first, last] = [data.readUInt32LE(0), data.readUInt32LE(SECTOR - 4)]
      const fits = (wanted: number): boolean => first === wanted && last === wanted
      if (!fits(stamp) && !(sector === next.sector && fits(next.stamp))) bad++
    }
    return bad
  }
  const inFile = (name: string): ((at: number, bytes: number) => Buffer) => {
    const bytes = readFileSync(at(name))
    return (from, length) => bytes.subarray(from, from + length)
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(MEMORY, 'guest-'))
    image('disk0.img', 'raw')
    const disk = readFileSync(at('disk0.img'))
    disk.write(GUEST.replaceAll(' ', ''), 'hex')
    disk.write('55aa', 510, 'hex')
    writeFileSync(at('disk0.img'), disk)
    start('qemu-system-x86_64', [
      ...['-machine', 'q35,accel=tcg', '-m', '32', '-nodefaults', '-display', 'none', '-no-reboot'],
      ...['-blockdev', `driver=file,filename=${at('disk0.img')},node-name=disk0-file`],
      ...['-blockdev', 'driver=raw,file=disk0-file,node-name=disk0', '-device', 'virtio-blk-pci,drive=disk0,id=vda'],
      ...['-qmp', `unix:${at('qmp.sock')},server=on,wait=off`, '-debugcon', `file:${at('said')}`],
    ])
    await until('QEMU listens', () => listens(at('qmp.sock')))
    monitor = qemu.connect(qemu.settings.parse({ socket: at('qmp.sock') }), TARGET)
    await writesOn(50)
  })
  afterEach(async () => {
    await monitor?.close()
    await end()
    rmSync(folder, { recursive: true, force: true })
  })

  test('its disk migrates while it writes, cuts over and rolls back, and no acknowledged write is lost', async () => {
    image('new0.img', 'raw')
    expect(await perform('devices', {})).toEqual({ devices: [{ device: 'vda', node: 'disk0' }], count: 1 })
    await perform('attachFile', { file: at('new0.img'), node: 'new0', format: 'raw' })
    await perform('mirror', { source: 'disk0', target: 'new0', job: 'mig1', writes: 'blocking' })
    await job('mig1', 'ready')
    expect(await perform('cutoverReady', { job: 'mig1' })).toMatchObject({ ready: true, whole: true, devices: 1, exports: 0 })
    const cutover = await perform('cutOver', { job: 'mig1' })
    expect(cutover).toEqual({ job: 'mig1', state: 'done', live: 'new0', exportsLeft: 0, devicesLeft: 0 })
    expect(await perform('devices', {})).toMatchObject({ devices: [{ device: 'vda', node: 'new0' }] })
    await perform('dismiss', { job: 'mig1' })
    const then = acknowledged()
    await writesOn(200)
    // What it wrote since is on the new disk, and not on the old one: nothing is mirrored any more.
    const later = acknowledged()
    expect(await lacks(later, inFile('disk0.img'))).toBeGreaterThan(later - then - 50)
    await perform('mirror', { source: 'new0', target: 'disk0', job: 'back1', writes: 'blocking' })
    await job('back1', 'ready')
    expect(await perform('rollBack', { job: 'back1' })).toMatchObject({ state: 'done', live: 'disk0', devicesLeft: 0 })
    await writesOn(50)
    await perform('dismiss', { job: 'back1' })
    await monitor.close()
    await end()
    expect([broken(), await lacks(acknowledged(), inFile('disk0.img'))]).toEqual([false, 0])
  })

  test("the guest's disk is never overwritten by a mirror, and is not detached", async () => {
    image('new0.img', 'raw')
    await perform('attachFile', { file: at('new0.img'), node: 'new0', format: 'raw' })
    const onto = { source: 'new0', target: 'disk0', job: 'mig1', writes: 'blocking' }
    await expect(perform('mirror', onto)).rejects.toThrow(/disk0 is in use: it is the guest's disk vda/)
    await expect(perform('detach', { node: 'disk0' })).rejects.toThrow(/in use/)
    await writesOn(20)
  })

  test('a frozen point in time has what was acknowledged before and nothing from after, and the bitmap counts what came since', async () => {
    image('fl0.qcow2', 'qcow2')
    await perform('addBitmap', { node: 'disk0', bitmap: 'gen0', persistent: false })
    await writesOn(50)
    await perform('attachFile', { file: at('fl0.qcow2'), node: 'fl0', format: 'overlay', over: 'disk0' })
    const before = acknowledged()
    const frozen = await perform('freeze', { node: 'disk0', into: 'fl0', job: 'pit0', bitmap: 'gen1', after: 'gen0' })
    const after = acknowledged()
    expect(Number(frozen['dirty'])).toBeGreaterThan(0)
    await writesOn(100)
    const address = { type: 'unix', data: { path: at('nbd.sock') } }
    await monitor.change(
      { execute: 'nbd-server-start', args: { addr: address } },
      { signal: AbortSignal.timeout(5_000), go: () => {} },
    )
    await perform('exportNode', { node: 'fl0', export: 'pit0' })
    const then = await nbd(at('nbd.sock'), 'pit0')
    const all = await then.read(0, SIZE)
    then.close()
    let newest = 0
    for (let sector = 64; sector < 64 + 4_096; sector++) newest = Math.max(newest, all.readUInt32LE(sector * SECTOR))
    expect(newest).toBeGreaterThanOrEqual(before)
    expect(newest).toBeLessThanOrEqual(after + 1)
    expect(await lacks(newest, (from, bytes) => all.subarray(from, from + bytes))).toBe(0)
    expect(await perform('bitmaps', { node: 'disk0' })).toMatchObject({ count: 2, unusable: 0 })
    await perform('stopExport', { export: 'pit0' })
    await perform('cancel', { job: 'pit0' })
    await perform('dismiss', { job: 'pit0' })
    await perform('clearBitmap', { node: 'disk0', bitmap: 'gen0' })
    await writesOn(20)
  })
})
