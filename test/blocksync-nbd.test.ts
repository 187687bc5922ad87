import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { openFileSource } from '../src/blocksync/file-source.ts'
import { parseNbdUri } from '../src/blocksync/nbd-uri.ts'
import { pull } from '../src/blocksync/pull.ts'
import { push } from '../src/blocksync/push.ts'
import { openSource } from '../src/blocksync/source.ts'
import { noise, room, stopped } from './fakes/disk.ts'

const servers: ChildProcess[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.kill('SIGKILL')
})
const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0
const NBDKIT = has('nbdkit')
const QEMU = has('qemu-nbd')
if (!NBDKIT || !QEMU) console.warn('NOT TESTED against real NBD servers: apt-get install nbdkit qemu-utils')

async function serve(socket: string, program: string, ...words: readonly string[]): Promise<string> {
  servers.push(spawn(program, words, { stdio: 'ignore' }))
  while (!listens(socket)) await new Promise(done => setTimeout(done, 20))
  return socket
}

/** A socket is there a moment before anybody listens on it, and qemu-nbd takes a connection that only tries for its one client. */
const listens = (socket: string): boolean =>
  existsSync(socket) &&
  (!existsSync('/proc/net/unix') ||
    readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .some(line => line.endsWith(` ${socket}`) && line.split(' ')[3] === '00010000'))

describe('an address of an NBD export', () => {
  test.each([
    ['nbd://backup/disk0', { connect: { host: 'backup', port: 10_809 }, exportName: 'disk0' }],
    ['nbd://[::1]:10810', { connect: { host: '::1', port: 10_810 }, exportName: '' }],
    ['nbd+unix:///lun%200?socket=/run/a.sock', { connect: { path: '/run/a.sock' }, exportName: 'lun 0' }],
  ])('%s is understood', (uri, place) => expect(parseNbdUri(uri)).toEqual(place))
  test.each(['nbd+unix:///x', 'nbds://host/x', 'nbd:', 'http://host/'])('%s is refused', uri =>
    expect(() => parseNbdUri(uri)).toThrow(/mover speaks no TLS|no NBD address/),
  )
})

test.runIf(process.env['CI'] === 'true')('where everything must be there, the real NBD servers are', () => {
  expect({ NBDKIT, QEMU }).toEqual({ NBDKIT: true, QEMU: true })
})

test.skipIf(!QEMU)('a qcow2 behind qemu-nbd is copied, and what it does not hold is not even read', async () => {
  const at = room()
  const disk = Buffer.alloc(8 << 20)
  noise(300_000, 1).copy(disk, 1 << 20)
  noise(700, 2).copy(disk, disk.length - 700)
  execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', at.write('disk.img', disk), at.path('disk.qcow2')])
  const socket = await serve(
    at.path('s'),
    'qemu-nbd',
    '-r',
    '-t',
    '-e',
    '8',
    '-x',
    'lun0',
    '-k',
    at.path('s'),
    '-f',
    'qcow2',
    at.path('disk.qcow2'),
  )
  const read: number[] = []
  await push({
    source: `nbd+unix:///lun0?socket=${socket}`,
    store: at.path('store'),
    disk: 'a',
    work: at.path('work'),
    blockSize: 65_536,
    tell: ({ counts }) => read.push(counts.read),
  })
  expect(read.at(-1)).toBeLessThan(1 << 20)
  await pull({ store: at.path('store'), disk: 'a', image: at.path('copy.img') })
  expect(at.read('copy.img').equals(disk)).toBe(true)
})

describe.skipIf(!NBDKIT)('nbdkit', () => {
  test.each([[[]], [['--no-sr']]])('is read with %s, side by side, with a tail that is no block', async words => {
    const at = room()
    const disk = noise(3_000_001, 1)
    const socket = await serve(at.path('s'), 'nbdkit', '-f', '-U', at.path('s'), ...words, 'file', at.write('disk.img', disk))
    const source = await openSource(`nbd+unix:///?socket=${socket}`)
    const into = Buffer.alloc(disk.length)
    await Promise.all(
      Array.from({ length: 31 }, (_, at) =>
        source.read(at * 100_000, into.subarray(at * 100_000, Math.min((at + 1) * 100_000, disk.length))),
      ),
    )
    expect(into.equals(disk)).toBe(true)
    await source.close()
  })

  test('with a disk that gives EIO makes no generation, and says where', async () => {
    const at = room()
    const socket = await serve(
      at.path('s'),
      'nbdkit',
      '-f',
      '-U',
      at.path('s'),
      '--filter=error',
      'pattern',
      '1M',
      'error-pread=EIO',
      'error-pread-rate=100%',
      `error-file=${at.path('fault')}`,
    )
    const wanted = {
      source: `nbd+unix:///?socket=${socket}`,
      store: at.path('store'),
      disk: 'a',
      work: at.path('work'),
      changed: undefined,
    }
    await push(wanted)
    writeFileSync(at.path('fault'), '')
    expect(await stopped(push({ ...wanted, changed: '4096 4096' }))).toMatch(
      /^source: The source cannot be read at 4096. The server says EIO. Nothing of this generation counts/,
    )
    expect(existsSync(at.path('store/a/gen/00000002.json'))).toBe(false)
  })

  test('that dies in the middle is said, and the next push goes on', async () => {
    const at = room()
    const disk = noise(4 << 20, 1)
    at.write('disk.img', disk)
    const words = ['-f', '-U', at.path('s'), 'file', at.path('disk.img')]
    const socket = await serve(at.path('s'), 'nbdkit', '--filter=rate', ...words, 'rate=8M')
    const wanted = {
      source: `nbd+unix:///?socket=${socket}`,
      store: at.path('store'),
      disk: 'a',
      work: at.path('work'),
      blockSize: 65_536,
      point: 'snapshot-1',
    }
    const pushing = stopped(push(wanted))
    while (!existsSync(at.path('work/journal')) || at.read('work/journal').length < 800)
      await new Promise(done => setTimeout(done, 5))
    servers[0]!.kill('SIGKILL')
    expect(await pushing).toMatch(/^source: The source cannot be read at \d+/)
    execFileSync('rm', ['-f', at.path('s')])
    await serve(at.path('s'), 'nbdkit', ...words)
    const read: number[] = []
    await push({ ...wanted, tell: ({ counts }) => read.push(counts.read) })
    expect(read.at(-1)).toBeLessThan(disk.length)
    await pull({ store: at.path('store'), disk: 'a', image: at.path('copy.img') })
    expect(at.read('copy.img').equals(disk)).toBe(true)
  })
})

test('a server that is none, or is not there, is said in words', async () => {
  const at = room()
  expect(await stopped(openSource(`nbd+unix:///?socket=${at.path('nobody')}`))).toMatch(
    /^source: The NBD server of the source cannot be used/,
  )
  const server = createServer(socket => socket.end('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n')).listen(at.path('ssh'))
  expect(await stopped(openSource(`nbd+unix:///?socket=${at.path('ssh')}`))).toMatch(/does not speak the fixed newstyle/)
  server.close()
})

test('a block device is as large as the kernel says', async context => {
  const at = room()
  const disk = at.write('disk.img', noise(1 << 20, 1))
  const made = spawnSync('losetup', ['-f', '--show', '-r', disk], { encoding: 'utf8' })
  if (made.status !== 0) context.skip('this machine does not let us make a loop device')
  try {
    const source = await openFileSource(made.stdout.trim())
    expect([source.size, source.point]).toEqual([1 << 20, undefined])
    await source.close()
  } finally {
    spawnSync('losetup', ['-d', made.stdout.trim()])
  }
})
