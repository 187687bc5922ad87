import { type CommandSimulator, simulateCommands } from '../../src/kit/simulate.ts'
import type { Bytes, BytesPerSecond, Millis } from '../../src/kit/units.ts'
import { USUAL } from './commands.ts'
import { commandsOf } from './simulated/commands.ts'
import type { Lun } from './simulated/disks.ts'
import { type Host, hostIn } from './simulated/host.ts'
import type { Migration } from './simulated/migration.ts'
import { type PowerPathHost, powerPathHost } from './wire.ts'

export interface Options {
  readonly folder: string // disks, state, host key and ledger; a second start in it goes on where the first one was
  readonly port?: number
  readonly os?: 'windows' | 'linux' // windows by default
  readonly disks?: readonly Lun[] // two of 64 MiB by default: harddisk5 and harddisk8, or emcpowera and emcpowerb
  readonly size?: Bytes // of the two
  readonly rate?: BytesPerSecond // of a copy at throttle 0; Infinity copies at once
  readonly latency?: Millis
  readonly username?: string
  readonly password?: string
}

/** As the site file has it. */
export interface SiteSettings {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly hostKey: string
  readonly os: 'windows' | 'linux'
}

/** What a test looks at after a change: no clock in it, so that two equal states are equal. */
export interface State {
  readonly migrations: readonly Pick<Migration, 'handle' | 'source' | 'target' | 'state' | 'throttle'>[]
  readonly behind: Readonly<Record<string, string>>
}

export interface Simulation
  extends Pick<CommandSimulator, 'ledger' | 'misbehave' | 'heal' | 'stop'>,
    Pick<Host, 'read' | 'write' | 'raw' | 'setPaths'> {
  readonly settings: SiteSettings
  readonly source: string // the pseudo names of the two disks
  readonly target: string
  state(): State
  migrations(): readonly Migration[]
  /** The adapter's device on the same interpreter without the network: for crash matrices. */
  device(): PowerPathHost
  /** The machine itself, for preparing a state without commands. */
  readonly machine: Host
}

const MIB = 1024 * 1024

/** A host with PowerPath on the loopback. `rate` is 22.2 MiB/s by default, so that 64 MiB take 8 s at throttle 2. */
export async function simulate(options: Options): Promise<Simulation> {
  const os = options.os ?? 'windows'
  const disks = options.disks ?? pairOf(os, options.size ?? 64 * MIB)
  const machine = hostIn(options.folder, disks, options.rate ?? Math.round(22.2 * MIB))
  const [username, password] = [options.username ?? 'storage', options.password ?? 'lab-only-powerpath']
  const dialect = os === 'windows' ? 'cmd' : 'posix'
  const { folder, port, latency } = options
  let front: CommandSimulator
  try {
    front = await simulateCommands({ folder, port, latency, dialect, username, password, understand: commandsOf(machine, os) })
  } catch (error) {
    machine.stop()
    throw error
  }
  return {
    settings: { host: front.host, port: front.port, username, password, hostKey: front.hostKey, os },
    source: disks[0]!.name,
    target: disks[1]!.name,
    state: () => ({
      migrations: machine
        .migrations()
        .map(({ handle, source, target, state, throttle }) => ({ handle, source, target, state, throttle })),
      behind: Object.fromEntries(machine.pseudos().map(pseudo => [pseudo, machine.lunOf(pseudo)?.name ?? ''])),
    }),
    migrations: machine.migrations,
    device: () => powerPathHost(front.shell(), os, USUAL),
    machine,
    read: machine.read,
    write: machine.write,
    raw: machine.raw,
    setPaths: machine.setPaths,
    ledger: front.ledger,
    misbehave: front.misbehave,
    heal: front.heal,
    async stop() {
      await front.stop()
      machine.stop()
    },
  }
}

/** A disk of an old array and a new, larger one of another. */
function pairOf(os: 'windows' | 'linux', bytes: Bytes): readonly Lun[] {
  const windows = os === 'windows'
  const paths = (at: number, ports: readonly string[]) =>
    ports.map((port, n) => ({
      hba: windows ? 5 : n % 2,
      hardware: windows ? `port5\\path0\\tgt${at + n}\\lun1` : 'qla2xxx',
      name: windows ? `c5t${at + n}d1` : `sd${String.fromCharCode(97 + at + n)}`,
      interface: port,
    }))
  return [
    {
      name: windows ? 'harddisk5' : 'emcpowera',
      bytes,
      product: 'Symmetrix',
      array: '000187490076',
      device: '0720',
      initialised: true,
      paths: paths(4, ['FA 7eC', 'FA 8eC', 'FA 9eC', 'FA 10eC']),
    },
    {
      name: windows ? 'harddisk8' : 'emcpowerb',
      bytes: bytes + MIB,
      product: 'VNX',
      array: 'APM00122204204',
      device: '600601603BC12D00C4CECB092F1FE311',
      lun: 'LUN 11',
      paths: paths(10, ['SP A0', 'SP A1', 'SP B0', 'SP B1']),
    },
  ]
}

/** The hosts of this kind that the lab has, and what is different about each. */
export const lab: Readonly<Record<string, Omit<Options, 'folder'>>> = {
  sql01: { os: 'windows' },
  db02: { os: 'windows' },
  web01: { os: 'linux' },
  erp01: { os: 'windows' },
  vault01: { os: 'windows' },
  office01: { os: 'windows' },
}
