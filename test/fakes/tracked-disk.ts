import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import qemu from '../../adapters/qemu/index.ts'
import type { Monitor } from '../../adapters/qemu/wire.ts'
import type { IntentId, Target } from '../../src/domain/ids.ts'
import type { Params } from '../../src/domain/plan.ts'
import type { Capability } from '../../src/kit/device.ts'
import { type NbdDisk, openNbdDisk } from './nbd-writer.ts'

const PROGRAMS = ['qemu-storage-daemon', 'qemu-img', 'nbdinfo', 'nbdcopy']
export const missingQemu = (): readonly string[] =>
  PROGRAMS.filter(program => spawnSync(program, ['--version'], { stdio: 'ignore' }).status !== 0)

/** A frozen point in time, exported with the bitmap of what changed since the one before. */
export interface Frozen {
  readonly uri: string
  readonly changed: string | undefined // what nbdinfo says of the bitmap; undefined for a first one
  readonly sha256: string // of the whole disk at that moment
  release(): Promise<void>
}

/** A disk of a real storage daemon, whose changes are tracked by the qemu adapter. */
export interface TrackedDisk {
  readonly disk: NbdDisk
  perform(name: keyof typeof qemu.capabilities, params: Params): Promise<Readonly<Record<string, unknown>>>
  freeze(generation: number, after?: string): Promise<Frozen>
  /** Exports a node with one of its bitmaps, which the adapter has no sentence for yet. */
  exportTracked(node: string, name: string, bitmap: string): Promise<void>
  liveSha256(): string
  restart(how: 'in order' | 'kill'): Promise<void>
  stop(): Promise<void>
}

/** A socket is there a moment before anybody listens on it. */
const listens = (socket: string): boolean =>
  existsSync(socket) &&
  readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .some(line => line.endsWith(` ${socket}`) && line.split(' ')[3] === '00010000')

const sha256Of = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex')

export { sha256Of }

export async function trackedDisk(folder: string, size: number, format: 'raw' | 'qcow2'): Promise<TrackedDisk> {
  const at = (name: string): string => join(folder, name)
  const image = (name: string, as: 'raw' | 'qcow2'): void =>
    void execFileSync('qemu-img', ['create', '-q', '-f', as, at(name), String(size)], { timeout: 60_000 })
  const uri = (name: string): string => `nbd+unix:///${name}?socket=${at('nbd.sock')}`
  const read = (name: string): string => {
    const into = at(`${name}.read`)
    rmSync(into, { force: true })
    execFileSync('nbdcopy', [uri(name), into], { timeout: 60_000 })
    const sha256 = sha256Of(into)
    rmSync(into)
    return sha256
  }
  let daemon: ChildProcess
  let monitor: Monitor
  let disk: NbdDisk
  const sending = () => ({ signal: AbortSignal.timeout(60_000), go: () => {} })
  const perform: TrackedDisk['perform'] = (name, params) =>
    (qemu.capabilities[name] as Capability).perform(monitor, { intent: 'R1/cycle/1' as IntentId, params, ...sending() })
  const exportTracked = (node: string, name: string, bitmap: string): Promise<void> =>
    monitor.change(
      { execute: 'block-export-add', args: { type: 'nbd', id: name, 'node-name': node, name, bitmaps: [bitmap] } },
      sending(),
    )
  const start = async (): Promise<void> => {
    for (const name of ['qmp.sock', 'nbd.sock']) rmSync(at(name), { force: true })
    const options = [
      ['--chardev', `socket,path=${at('qmp.sock')},server=on,wait=off,id=q`, '--monitor', 'chardev=q'],
      ['--blockdev', `driver=file,filename=${at('disk0.img')},node-name=disk0-file`],
      ['--blockdev', `driver=${format},file=disk0-file,node-name=disk0`],
      ['--nbd-server', `addr.type=unix,addr.path=${at('nbd.sock')},max-connections=32`],
      ['--export', 'nbd,id=exp0,node-name=disk0,name=lun0,writable=on'],
    ].flat()
    daemon = spawn('qemu-storage-daemon', options, { stdio: 'ignore' })
    for (let n = 0; n < 1_200 && !(listens(at('nbd.sock')) && listens(at('qmp.sock'))); n++) await delay(25)
    monitor = qemu.connect({ socket: at('qmp.sock') }, 'vm01' as Target)
    // The server listens a moment before it has its export.
    for (let n = 0; ; n++) {
      try {
        disk = await openNbdDisk(at('nbd.sock'), 'lun0')
        return
      } catch (error) {
        if (n === 200) throw error
        await delay(25)
      }
    }
  }
  const end = async (how: 'in order' | 'kill'): Promise<void> => {
    const ended = new Promise<void>(resolve => daemon.once('exit', () => resolve()))
    const over = daemon.exitCode !== null || daemon.signalCode !== null
    if (how === 'in order' && !over) await monitor.change({ execute: 'quit', args: {} }, sending()).catch(() => {})
    else daemon.kill('SIGKILL')
    const late = setTimeout(() => daemon.kill('SIGKILL'), 20_000)
    if (!over) await ended
    clearTimeout(late)
    disk.close()
    await monitor.close()
  }
  image('disk0.img', format)
  await start()
  return {
    get disk() {
      return disk
    },
    perform,
    exportTracked,
    async freeze(generation, after) {
      const [node, job, name] = [`fl${generation}`, `pit${generation}`, `pit${generation}`]
      image(`${node}.qcow2`, 'qcow2')
      await perform('attachFile', { file: at(`${node}.qcow2`), node, format: 'overlay', over: 'disk0' })
      await perform('freeze', {
        node: 'disk0',
        into: node,
        job,
        bitmap: `gen${generation}`,
        ...(after === undefined ? {} : { after }),
      })
      if (after === undefined) await perform('exportNode', { node, export: name })
      else await exportTracked(node, name, after)
      const changed =
        after === undefined
          ? undefined
          : execFileSync('nbdinfo', [`--map=qemu:dirty-bitmap:${after}`, '--json', uri(name)], { timeout: 60_000 }).toString()
      return {
        uri: uri(name),
        changed,
        sha256: read(name),
        async release() {
          await perform('stopExport', { export: name })
          await perform('cancel', { job })
          await perform('dismiss', { job })
          await perform('detach', { node })
          if (after !== undefined) await perform('removeBitmap', { node: 'disk0', bitmap: after })
          rmSync(at(`${node}.qcow2`))
        },
      }
    },
    liveSha256: () => read('lun0'),
    async restart(how) {
      await end(how)
      await start()
    },
    stop: () => end('kill'),
  }
}
