import { mkdirSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { type Accepted, ledgerIn } from '../../src/kit/ledger.ts'
import { cutInTheMiddle, type Misbehave, mischief } from '../../src/kit/misbehave.ts'
import type { Bytes, BytesPerSecond, Millis } from '../../src/kit/units.ts'
import { createLuns } from './simulated/array.ts'
import { understand } from './simulated/commands.ts'
import { type Machine, machineIn } from './simulated/machine.ts'

export interface Options {
  readonly folder: string // images, state, socket and ledger; a second start in it is a restart
  readonly size?: Bytes // of disk0; 1 MiB by default
  readonly rate?: BytesPerSecond // copies go on by themselves, at most as fast; without it they are there at once, or when they are pushed
}

/** The lab has it where the real storage daemon is not installed. */
export const lab = { vm01: { size: 64 * 1024 * 1024, rate: 200_000_000 } }

/** Between two steps of a copy that goes on by itself. */
const TICK: Millis = 50

/** What a test looks at after a change: no clock and no counter in it, so that two equal states are equal. */
export interface State {
  readonly nodes: Readonly<Record<string, string>> // what each stands on, or ''
  readonly exports: Readonly<Record<string, string>>
  readonly jobs: Readonly<Record<string, string>>
  readonly speeds: Readonly<Record<string, number>>
  readonly bitmaps: Readonly<Record<string, string>>
}

export interface Simulation {
  readonly settings: { readonly socket: string }
  readonly machine: Machine
  state(): State
  ledger(): readonly Accepted[]
  misbehave(knob: Misbehave): void
  heal(): void
  /** Closes its bitmaps in order. */
  stop(): Promise<void>
  /** Dies as with kill -9. */
  kill(): Promise<void>
}

const MIB = 1024 * 1024

/** A storage daemon with disk0 behind export exp0, spare images to attach, and a monitor on a socket. */
export async function simulate({ folder, size = MIB, rate }: Options): Promise<Simulation> {
  mkdirSync(folder, { recursive: true })
  const machine = machineIn(folder)
  for (const name of ['disk0.img', 'new0.img', 'new1.img', 'ov0.qcow2', 'fl0.qcow2']) machine.files.create(`/srv/${name}`, size)
  machine.files.create('nbd:/run/array2.sock', size)
  createLuns(machine.files, size)
  if (machine.disks.size === 0) {
    machine.disks.set('disk0', { node: 'disk0', driver: 'qcow2', file: '/srv/disk0.img', bytes: size, bitmaps: [] })
    machine.exports.set('exp0', 'disk0')
  }
  machine.keep(false)
  if (rate !== undefined) machine.pace(0)
  const going = rate === undefined ? undefined : setInterval(() => machine.pass(TICK, rate), TICK)
  const ledger = ledgerIn(folder)
  const sockets = new Set<Socket>()
  const hangUpAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const trouble = mischief(hangUpAll)
  machine.hear(event => {
    for (const socket of sockets) socket.write(`${JSON.stringify(event)}\r\n`)
  })

  const meet = (socket: Socket, line: string): void => {
    const {
      execute,
      arguments: args = {},
      id,
    } = JSON.parse(line) as {
      readonly execute: string
      readonly arguments?: Readonly<Record<string, unknown>>
      readonly id: unknown
    }
    const answer = (outcome: object): string => `${JSON.stringify({ ...outcome, id })}\n`
    if (execute === 'qmp_capabilities') {
      socket.write(answer({ return: {} }))
      return
    }
    const command = `${execute} ${JSON.stringify(args)}`
    const handling = understand(execute, args, machine)
    const knob = trouble.next(command, handling.changes)
    if (knob?.how === 'hang') return
    if (knob?.how === 'lose request') {
      socket.destroy()
      return
    }
    if (knob?.how === 'refuse') {
      socket.write(answer({ error: { class: 'GenericError', desc: 'simulator: refused' } }))
      return
    }
    const said = answer(handling.run(() => ledger.accept(command)))
    if (knob?.how === 'lose answer') {
      socket.destroy()
      return
    }
    if (knob?.how === 'talk forever') {
      talk(socket)
      return
    }
    const text = knob ? (knob.spoil ?? cutInTheMiddle)(said) : said
    socket.write(text.endsWith('\n') ? text : `${text}\n`)
  }

  const server = createServer(socket => {
    if (trouble.gone()) {
      socket.destroy()
      return
    }
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    let rest = ''
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) if (line.trim() !== '' && !socket.destroyed) meet(socket, line)
    })
    const version = { qemu: { micro: 22, minor: 2, major: 7 }, package: 'Signalbox simulator of 7.2' }
    socket.write(`${JSON.stringify({ QMP: { version, capabilities: ['oob'] } })}\r\n`)
  })
  const socket = join(folder, 'qmp.sock')
  rmSync(socket, { force: true })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socket, resolve))
  const close = async (): Promise<void> => {
    clearInterval(going)
    hangUpAll()
    await new Promise<void>(resolve => server.close(() => resolve()))
    ledger.close()
  }
  return {
    settings: { socket },
    machine,
    state: () => stateOf(machine),
    ledger: ledger.all,
    misbehave: trouble.add,
    heal: trouble.heal,
    async stop() {
      await close()
      machine.keep(true)
    },
    kill: close,
  }
}

function talk(socket: Socket): void {
  const noise = 'x'.repeat(65_536)
  const more = (): void => {
    if (socket.destroyed) return
    if (socket.write(noise)) setImmediate(more)
    else socket.once('drain', more)
  }
  more()
}

const stateOf = ({ disks, exports, jobs }: Machine): State => ({
  nodes: Object.fromEntries([...disks.values()].map(({ node, backing }) => [node, backing ?? ''])),
  exports: Object.fromEntries(exports),
  jobs: Object.fromEntries([...jobs.values()].map(job => [job.id, job.error ?? job.status])),
  speeds: Object.fromEntries([...jobs.values()].map(job => [job.id, job.speed])),
  bitmaps: Object.fromEntries(
    [...disks.values()].flatMap(({ node, bitmaps }) =>
      bitmaps.map(one => [`${node}/${one.name}`, `${one.recording ? 'recording' : 'still'} ${one.dirty.length}`]),
    ),
  ),
})
