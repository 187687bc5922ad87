import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Bytes, Millis } from '../domain/ids.ts'
import { CannotStart } from '../store/cannot-start.ts'
import { commandOf, isAlive } from '../store/owner.ts'
import { type Disk, openNbdDisk } from './nbd.ts'
import { liveFile, type Message, type Monitoring, monitoring } from './qmp.ts'

/** A real storage daemon with a real disk, served to whoever writes. */
export interface RealDisk {
  readonly settings: { readonly socket: string }
  readonly images: string // the folder of its image files
  readonly size: Bytes
  readonly node: string // that is served at the start
  readonly spare: string // the name of an image to migrate to
  open(): Promise<Disk>
  stop(): Promise<void>
}

const PROGRAM = 'qemu-storage-daemon'
const SIZE: Bytes = 128 * 1024 * 1024
/** So much of the disk is full; holes are copied in no time. */
const FILLED: Bytes = 96 * 1024 * 1024
const IMAGES = ['disk0.img', 'new0.img', 'new1.img']
const EXPORT = 'lun0'
const WITHIN: Millis = 10_000
const STEP: Millis = 20

/** Is the storage daemon installed here? */
export const installed = (): boolean => spawnSync(PROGRAM, ['--version'], { stdio: 'ignore' }).status === 0

/**
 * Starts the daemon in a folder of the lab. Which image was live when it ended is remembered; a daemon that a killed lab left behind
 * is ended first. Hands on the daemon's events. Throws CannotStart when it does not come up.
 */
export async function startRealDisk(wanted: string, heard: (event: Message) => void = () => {}): Promise<RealDisk> {
  const folder = homeFor(wanted)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const at = (name: string): string => join(folder, name)
  const [socket, own, nbd, pidfile, remembered] = ['qmp.sock', 'own.sock', 'nbd.sock', 'daemon.pid', 'live'].map(at) as [
    string,
    string,
    string,
    string,
    string,
  ]
  await endLeftover(pidfile, folder)
  for (const name of IMAGES) if (!existsSync(at(name))) makeImage(at(name), name === 'disk0.img' ? FILLED : 0)
  const kept = existsSync(remembered) ? readFileSync(remembered, 'utf8') : 'disk0.img'
  const live = IMAGES.includes(kept) ? kept : 'disk0.img'
  for (const file of [socket, own, nbd]) rmSync(file, { force: true })
  const node = live.replace('.img', '')
  const daemon = spawn(
    PROGRAM,
    [
      ...monitorOn('signalbox', socket), // Signalbox has a monitor of its own
      ...monitorOn('lab', own),
      ...['--blockdev', `driver=raw,node-name=${node},file.driver=file,file.filename=${at(live)}`],
      ...['--nbd-server', `addr.type=unix,addr.path=${nbd},max-connections=8`],
      ...['--export', `nbd,id=exp0,node-name=${node},name=${EXPORT},writable=on`],
      ...['--pidfile', pidfile],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: {}, cwd: folder, detached: true }, // Ctrl-C is ours to hear: it is ended in order
  )
  const said: string[] = []
  daemon.stderr?.setEncoding('utf8').on('data', (text: string) => void said.push(text))
  const over = new Promise<void>(resolve => daemon.once('close', () => resolve()).once('error', () => resolve()))
  let monitor: Monitoring | undefined
  const remember = (file: string | undefined): void => {
    const name = file === undefined ? '' : basename(file)
    if (IMAGES.includes(name)) writeFileSync(remembered, name)
  }
  const stop = async (): Promise<void> => {
    remember(await monitor?.live().catch(() => undefined))
    monitor?.close()
    await end(daemon, over)
    for (const file of [socket, own, nbd, pidfile]) rmSync(file, { force: true })
    if (folder !== wanted && !existsSync(wanted)) rmSync(folder, { recursive: true, force: true })
  }
  try {
    monitor = await soon(
      () =>
        monitoring(own, event => {
          heard(event)
          // A job that ended may have been a cutover.
          if (event['event'] === 'JOB_STATUS_CHANGE') monitor?.live().then(remember, () => {})
        }),
      () => daemon.exitCode !== null,
    )
    ;(
      await soon(
        () => openNbdDisk(nbd, EXPORT),
        () => daemon.exitCode !== null,
      )
    ).close()
  } catch (cause) {
    await stop()
    throw new CannotStart(`${PROGRAM} did not come up: ${said.join('').trim().slice(0, 300) || String(cause)}`, { cause })
  }
  return {
    settings: { socket },
    images: folder,
    size: SIZE,
    node,
    spare: IMAGES.find(name => name !== live) ?? 'new0.img',
    open: () => openNbdDisk(nbd, EXPORT),
    stop,
  }
}

const monitorOn = (id: string, path: string): readonly string[] => [
  '--chardev',
  `socket,path=${path},server=on,wait=off,id=${id}`,
  '--monitor',
  `chardev=${id}`,
]

/** The kernel takes no long path of a socket, and a sentence no spaces in a file's: such a folder gets a short one of its own. */
const homeFor = (folder: string): string =>
  /^\/[A-Za-z0-9_.:/-]{1,90}$/.test(folder)
    ? folder
    : join(tmpdir(), `signalbox-lab-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`)

function makeImage(file: string, filled: Bytes): void {
  const handle = openSync(file, 'w', 0o600)
  const mebibyte = randomBytes(1024 * 1024)
  for (let at = 0; at < filled; at += mebibyte.length) writeSync(handle, mebibyte, 0, mebibyte.length, at)
  ftruncateSync(handle, SIZE)
  closeSync(handle)
}

/** A lab that was killed leaves its daemon behind. It is ended only if the process is what the pidfile says: a pid is used again. */
async function endLeftover(pidfile: string, folder: string): Promise<void> {
  if (!existsSync(pidfile)) return
  const pid = Number(readFileSync(pidfile, 'utf8').trim())
  const ours = (): boolean => {
    const command = Number.isInteger(pid) && pid > 1 && isAlive(pid) ? commandOf(pid) : ''
    return command.includes(PROGRAM) && command.includes(`${folder}/daemon.pid`)
  }
  if (ours()) {
    // While it lives it can be asked which image is live: nobody else knows after a kill.
    const file = await liveFile(join(folder, 'own.sock')).catch(() => undefined)
    if (file !== undefined && IMAGES.includes(basename(file))) writeFileSync(join(folder, 'live'), basename(file))
    process.kill(pid, 'SIGTERM')
    for (let left = WITHIN; left > 0 && ours(); left -= STEP) await pause(STEP)
    if (ours()) process.kill(pid, 'SIGKILL')
  }
  rmSync(pidfile, { force: true })
}

/** In order first: it writes out what it holds. */
async function end(daemon: ChildProcess, over: Promise<void>): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null || daemon.pid === undefined) return
  daemon.kill('SIGTERM')
  await Promise.race([over, pause(WITHIN, undefined, { ref: false })])
  daemon.kill('SIGKILL')
  await over
}

/** A socket is there a moment before anybody listens on it. */
async function soon<T>(ask: () => Promise<T>, hopeless: () => boolean): Promise<T> {
  for (let left = WITHIN; ; left -= STEP) {
    try {
      return await ask()
    } catch (error) {
      if (left <= 0 || hopeless()) throw error
      await pause(STEP)
    }
  }
}
