import { resolve } from 'node:path'
import { type CommandSimulator, simulateCommands } from '../../src/kit/simulate.ts'
import type { Millis } from '../../src/kit/units.ts'
import { commandsOf } from './simulated/commands.ts'
import { type GroupKept, type Kept, type Pair, pairIn, type Side } from './simulated/pair.ts'
import { type StoreServ, storeServ } from './wire.ts'

export interface Options {
  readonly folder: string // host key and ledger; and what the pair has in common, unless `pair` says where
  readonly pair?: string // relative to the folder: two arrays with the same one are partners
  readonly side?: Side // which of the two; a by default
  readonly syncTime?: Millis // of a whole group; 0 syncs at once
  readonly groups?: readonly GroupKept[]
  readonly port?: number
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
}

/** What a test looks at after a change: no clock in it, so that two equal states are equal. */
export interface State {
  readonly groups: readonly (Pick<GroupKept, 'name' | 'primary' | 'status' | 'mode'> & { readonly syncing: boolean })[]
}

export interface Simulation extends Pick<CommandSimulator, 'ledger' | 'misbehave' | 'heal' | 'stop'> {
  readonly settings: SiteSettings
  state(): State
  /** The adapter's device on the same interpreter without the network: for crash matrices. */
  device(): StoreServ
  /** What the two arrays have in common, for preparing a state without commands. */
  readonly pair: Pair
  /** Moves the clock of the pair on. */
  pass(time: Millis): void
}

/** One array of a pair, on the loopback. The other one is a second start with the same `pair` and the other side. */
export async function simulate(options: Options): Promise<Simulation> {
  const { folder, port, latency, side = 'a' } = options
  const pair = pairIn(
    resolve(folder, options.pair ?? '.'),
    { ...USUAL, groups: options.groups ?? USUAL.groups },
    options.syncTime ?? 20_000,
  )
  const [username, password] = [options.username ?? '3paradm', options.password ?? 'lab-only-threepar']
  const understand = commandsOf(pair, side)
  const front = await simulateCommands({ folder, port, latency, dialect: 'appliance', username, password, understand })
  return {
    settings: { host: front.host, port: front.port, username, password, hostKey: front.hostKey },
    state: () => ({
      groups: pair.read().groups.map(group => ({
        ...{ name: group.name, primary: group.primary, status: group.status, mode: group.mode },
        syncing: pair.share(group) !== undefined,
      })),
    }),
    device: () => storeServ(front.shell()),
    pair,
    pass: time => pair.change(kept => ({ ...kept, ahead: kept.ahead + time })),
    ledger: front.ledger,
    misbehave: front.misbehave,
    heal: front.heal,
    stop: front.stop,
  }
}

const volumes = (names: readonly string[], a: number, b: number): GroupKept['volumes'] =>
  names.map((name, at) => ({ name, ids: { a: a + at, b: b + at } }))
const LAST_SYNC: Millis = Date.UTC(2024, 0, 15, 2, 0, 0)
const PEER_PERSISTENCE = ['auto_failover', 'path_management', 'auto_recover']

const USUAL: Omit<Kept, 'ahead'> = {
  systems: {
    a: { name: 'array01', id: 121_649, serial: '4C17401649' },
    b: { name: 'array02', id: 121_650, serial: '4C17401650' },
  },
  groups: [
    {
      ...{ name: 'rcg_sql01', madeOn: 'a', primary: 'a', status: 'Started', mode: 'Sync', lastSync: LAST_SYNC },
      ...{ policies: PEER_PERSISTENCE, volumes: volumes(['sql01.data', 'sql01.log'], 168, 83) },
    },
    {
      ...{ name: 'rcg_files01', madeOn: 'a', primary: 'a', status: 'Started', mode: 'Periodic', lastSync: LAST_SYNC },
      ...{ policies: ['auto_recover', 'over_per_alert'], volumes: volumes(['files01.home', 'files01.scratch'], 190, 97) },
    },
    {
      ...{ name: 'rcg_vdi02', madeOn: 'b', primary: 'b', status: 'Stopped', mode: 'Sync', lastSync: LAST_SYNC },
      ...{ policies: PEER_PERSISTENCE, volumes: volumes(['vdi02.0'], 201, 110) },
    },
  ],
  tasks: [],
  linksDown: 0,
  unseen: [],
}

/** The arrays of this kind that the lab has: two that are partners. */
export const lab: Readonly<Record<string, Omit<Options, 'folder'>>> = {
  array01: { side: 'a', pair: '../array01-array02' },
  array02: { side: 'b', pair: '../array01-array02' },
}
