import { randomUUID } from 'node:crypto'
import { type Command, Option } from 'commander'
import { makeFolder } from '../blocksync/durable-file.ts'
import type { State } from '../blocksync/progress.ts'
import { readWish, writeWish } from '../blocksync/steering.ts'
import { SyncStopped } from '../blocksync/stopped.ts'
import { BadUse } from './bad-use.ts'
import { begins, type Request } from './blocksync-kept.ts'
import { detached, EndedWith } from './blocksync-start.ts'

export const STATUS = { done: 0, stopped: 1, cancelled: 3 } as const
export type Done = (status: number) => void

/** What a command that may go on by itself is given. */
export interface Beginning {
  readonly detach?: boolean
  readonly intent?: string
  readonly started?: string
}

export interface Manners {
  readonly work: string
  readonly tell: (state: State) => void
  readonly signal: AbortSignal
  readonly request: Request
}

export const detachable = (command: Command): Command =>
  command
    .option('--detach', 'go on as a process of its own; says its work folder and how it stands')
    .addOption(new Option('--intent <id>', 'kept beside the request: who asked').hideHelp())
    .addOption(new Option('--started <id>').hideHelp())

export const inStore = (command: Command): Command =>
  command.option('--endpoint <url>', 'of an S3 that is not AWS').option('--region <name>', 'of the bucket')

export const paced = (command: Command): Command =>
  command
    .option('--parallel <number>', 'pieces under way at once (6)', wholeNumber)
    .option('--limit <rate>', 'so many bytes a second, e.g. 20MiB', sizeOf)

/** Here, or as a process of its own. `work` is a whole path. */
export async function atWork(
  done: Done,
  work: string,
  { detach = false, intent, started, limit }: Beginning & { readonly limit?: number | undefined },
  go: (manners: Manners) => Promise<unknown>,
): Promise<void> {
  const request: Request = {
    words: [...wordsOf(process.argv.slice(2))],
    cwd: process.cwd(),
    start: started ?? randomUUID(),
    ...(intent === undefined ? {} : { intent }),
  }
  await ended(done, async signal => {
    if (detach) return detached(work, request)
    // Nobody reads what a process of its own prints: how far it is stands in its state.
    const tell = begins(work, request, started === undefined ? state => console.log(JSON.stringify(state)) : () => {})
    if (limit !== undefined) await limited(work, limit)
    return go({ work, tell, signal, request })
  })
}

/** What was asked, without how it was to be started. */
export const wordsOf = (argv: readonly string[]): readonly string[] =>
  argv.filter((word, at) => word !== '--detach' && !OURS.includes(word) && !OURS.includes(argv[at - 1] ?? ''))
const OURS = ['--intent', '--started']

/** SIGINT and SIGTERM cancel: what is under way is finished and written down. The second one ends it at once. */
export async function ended(done: Done, go: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const asked = new AbortController()
  const cancel = (): void => asked.abort()
  process.once('SIGINT', cancel).once('SIGTERM', cancel)
  try {
    const said = await go(asked.signal)
    if (said !== undefined) console.log(JSON.stringify(said))
    done(STATUS.done)
  } catch (error) {
    if (!(error instanceof SyncStopped) && !(error instanceof EndedWith)) throw error
    console.error(error.message)
    if (error instanceof EndedWith) done(error.status)
    else done(error.because === 'cancelled' ? STATUS.cancelled : STATUS.stopped)
  } finally {
    process.off('SIGINT', cancel).off('SIGTERM', cancel)
  }
}

async function limited(work: string, limit: number): Promise<void> {
  await makeFolder(work)
  await writeWish(work, { ...(await readWish(work)), limit })
}

export function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new BadUse(`${JSON.stringify(text)} is no number that can be used here. Say a whole number from 1.`)
  return Number(text)
}

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 1 << 10, MiB: 1 << 20, GiB: 1 << 30 }

export function sizeOf(text: string): number {
  const [, number = '', unit = ''] = /^([1-9]\d{0,11})(|B|KiB|MiB|GiB)$/.exec(text) ?? []
  if (number === '') throw new BadUse(`${JSON.stringify(text)} is no size. Say one like 4MiB or 4194304.`)
  return Number(number) * UNITS[unit]!
}
