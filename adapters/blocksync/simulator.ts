import { type CommandSimulator, simulateCommands } from '../../src/kit/simulate.ts'
import type { Bytes } from '../../src/kit/units.ts'
import { commandsOf } from './simulated/commands.ts'
import { type Host, hostIn, type Work } from './simulated/works.ts'
import { type Mover, moverOn } from './wire.ts'

export interface Options {
  readonly folder: string // syncs, store, host key and ledger; a second start in it goes on where the first one was
  readonly port?: number
  readonly username?: string
  readonly password?: string
}

/** What a test looks at after a change: no clock and no chance in it. */
export interface State {
  readonly works: Readonly<Record<string, Pick<Work, 'state' | 'alive' | 'limit' | 'done'>>>
}

export interface Simulation extends Pick<CommandSimulator, 'ledger' | 'misbehave' | 'heal' | 'stop'> {
  readonly settings: {
    readonly store: string
    readonly work: string
    readonly images: string
    readonly command: readonly string[]
    readonly ssh: {
      readonly host: string
      readonly port: number
      readonly username: string
      readonly password: string
      readonly hostKey: string
    }
  }
  state(): State
  /** The clock of the mover: each sync that moves does so by as many bytes, or by its limit. */
  move(bytes?: Bytes): void
  /** The mover of a sync is gone, without a word. */
  kill(sync: string): void
  /** The adapter's device on the same interpreter without the network: for crash matrices. */
  device(): Mover
  readonly host: Host
}

/** A mover's host on the loopback. Nothing moves until `move` is called. */
export async function simulate(options: Options): Promise<Simulation> {
  const host = hostIn(options.folder)
  const [username, password] = [options.username ?? 'mover', options.password ?? 'lab-only-mover']
  const { folder, port } = options
  const front = await simulateCommands({ folder, port, dialect: 'posix', username, password, understand: commandsOf(host) })
  const place = { store: '/backup', work: '/srv/mover', images: '/srv/images', command: ['signalbox'] }
  return {
    settings: { ...place, ssh: { host: front.host, port: front.port, username, password, hostKey: front.hostKey } },
    state: () => ({
      works: Object.fromEntries(
        Object.entries(host.works()).map(([path, { state, alive, limit, done }]) => [
          path.slice('/srv/mover/'.length),
          { state, alive, limit, done },
        ]),
      ),
    }),
    move: (bytes = 16 << 20) => host.move(bytes),
    kill: sync => host.change(`/srv/mover/${sync}`, work => (work.alive = false)),
    device: () => moverOn(front.shell(), place),
    host,
    ledger: front.ledger,
    misbehave: front.misbehave,
    heal: front.heal,
    stop: front.stop,
  }
}
