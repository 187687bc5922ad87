import { type CommandSimulator, simulateCommands } from '../../src/kit/simulate.ts'
import type { Bytes, Millis } from '../../src/kit/units.ts'
import { commandsOf } from './simulated/commands.ts'
import { SECTOR, type SimulatedDisk } from './simulated/disks.ts'
import { type Machine, machineIn } from './simulated/machine.ts'
import { type LinuxHost, linuxHost, USUAL } from './wire.ts'

export interface Options {
  readonly folder: string // disks, state, host key and ledger; a second start in it is a restart of the host
  readonly port?: number
  readonly disks?: readonly SimulatedDisk[] // by default a source of 4 MiB with a GPT and an empty target of 2 MiB
  readonly pace?: Bytes // how far a copy goes at each push; infinity by default: it is done when it begins
  readonly latency?: Millis
  readonly username?: string
  readonly password?: string
  readonly sudo?: boolean
}

/** As the site file has it. */
export interface SiteSettings {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly hostKey: string
  readonly sudo: boolean
}

/** What a test looks at: no clock and no counter in it. */
export interface State {
  readonly disks: Readonly<Record<string, { readonly readOnly: boolean; readonly sectors: number | undefined }>>
  readonly copies: Readonly<Record<string, { readonly running: boolean; readonly exit: string; readonly verify: string }>>
}

export interface Simulation extends Pick<CommandSimulator, 'ledger' | 'misbehave' | 'heal' | 'stop'> {
  readonly settings: SiteSettings
  state(): State
  /** The adapter's device on the same interpreter without the network: for crash matrices. */
  device(): LinuxHost
  /** The machine itself: its disks and their bytes, and the hand that moves a copy on. */
  readonly machine: Machine
}

const MIB = 1024 * 1024
export const SOURCE = 'vol-0aaaa1111bbbb2222'
export const TARGET = 'vol-0cccc3333dddd4444'
const PAIR: readonly SimulatedDisk[] = [
  { path: '/dev/nvme1n1', bytes: 4 * MIB, serial: 'vol0aaaa1111bbbb2222', link: '/dev/disk/by-id/nvme-source' },
  { path: '/dev/nvme2n1', bytes: 2 * MIB, serial: 'vol0cccc3333dddd4444', link: '/dev/disk/by-id/nvme-target' },
]

/** A Linux host on the loopback, as a Nitro instance shows its EBS volumes. */
export async function simulate(options: Options): Promise<Simulation> {
  const [username, password, sudo] = [options.username ?? 'admin', options.password ?? 'lab-only-linux', options.sudo ?? false]
  const machine = machineIn(options.folder, options.disks ?? PAIR, options.pace ?? Number.POSITIVE_INFINITY)
  if (options.disks === undefined && machine.at('/dev/nvme1n1') && machine.bits('/dev/nvme1n1').label().table === undefined)
    fill(machine, '/dev/nvme1n1')
  const { folder, port, latency } = options
  let front: CommandSimulator
  try {
    front = await simulateCommands({
      folder,
      port,
      latency,
      dialect: 'posix',
      username,
      password,
      understand: commandsOf(machine, sudo),
    })
  } catch (error) {
    machine.close()
    throw error
  }
  return {
    settings: { host: front.host, port: front.port, username, password, hostKey: front.hostKey, sudo },
    state: () => stateOf(machine),
    device: () => linuxHost(front.shell(), { ...USUAL, sudo }),
    machine,
    ledger: front.ledger,
    misbehave: front.misbehave,
    heal: front.heal,
    async stop() {
      await front.stop()
      machine.close()
    },
  }
}

/** Two partitions that end in the first half of the disk, with bytes in them that tell where they belong. */
function fill(machine: Machine, path: string): void {
  const [bits, sectors] = [machine.bits(path), (machine.at(path)?.bytes ?? 0) / SECTOR]
  const [middle, end] = [Math.floor(sectors / 4), Math.floor((sectors * 3) / 8)]
  for (let sector = 40; sector < end; sector += 7) bits.write(sector * SECTOR, Buffer.alloc(16, 1 + (sector % 250)))
  bits.setLabel({
    table: 'gpt',
    sectors,
    partitions: [
      { number: 1, first: 40, last: middle - 1 },
      { number: 2, first: middle, last: end - 1 },
    ],
  })
}

const stateOf = (machine: Machine): State => ({
  disks: Object.fromEntries(
    machine
      .disks()
      .map(disk => [
        disk.serial ?? disk.path,
        { readOnly: disk.readOnly ?? false, sectors: machine.bits(disk.path).label().sectors },
      ]),
  ),
  copies: Object.fromEntries(
    machine.copies().map(copy => [
      copy.name,
      {
        running: copy.running,
        exit: copy.exit ?? (copy.stopped ? 'stopped' : ''),
        verify: copy.verify?.exit ?? (copy.verify?.running ? 'running' : ''),
      },
    ]),
  ),
})
