import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { makeFolder } from '../blocksync/durable-file.ts'
import { readState, type State } from '../blocksync/progress.ts'
import { pull, workOf } from '../blocksync/pull.ts'
import { push } from '../blocksync/push.ts'
import { readWish, type Wish, writeWish } from '../blocksync/steering.ts'
import { SyncStopped } from '../blocksync/stopped.ts'
import { verify } from '../blocksync/verify.ts'
import { dataFolder, type Environment } from '../site/site.ts'
import { BadUse } from './bad-use.ts'

interface Common {
  readonly disk: string
  readonly endpoint?: string
  readonly region?: string
  readonly parallel?: number
  readonly limit?: number
}
interface PushOptions extends Common {
  readonly changed?: string
  readonly point?: string
  readonly block?: number
  readonly work?: string
}
interface PullOptions extends Common {
  readonly generation?: number
  readonly replace?: boolean
}
interface SteerOptions {
  readonly pause?: boolean
  readonly go?: boolean
  readonly cancel?: boolean
  readonly limit?: number | 'none'
}

const STATUS = { done: 0, stopped: 1, cancelled: 3 } as const
const MOST_BLOCK = 64 << 20

/** The mover, for people and for whoever starts it: progress as JSON lines on stdout, what went wrong as a sentence on stderr. */
export function blocksyncCommands(program: Command, settings: () => Environment, done: (status: number) => void): void {
  const blocksync = program
    .command('blocksync')
    .description('move the blocks of a disk: to a store, generation by generation, and back into an image')

  placed(blocksync.command('push'))
    .description('make one more generation of a disk in a store')
    .argument(
      '<source>',
      'a file, a block device, nbd://host:port/export or nbd+unix:///export?socket=/path; it must stand still',
    )
    .argument('<store>', 'a folder, or s3://bucket/prefix')
    .option(
      '--changed <file>',
      'send only what this list names: lines "offset length" in bytes, or a dirty bitmap from nbdinfo --map --json',
    )
    .option(
      '--point <name>',
      'what the source shows, e.g. the name of the snapshot: with it a push goes on where a killed one was',
    )
    .option('--block <size>', 'the largest chunk (4MiB)', sizeOf)
    .option('--work <folder>', 'where it keeps what it needs to go on')
    .action((source: string, store: string, { changed, block, work, limit, ...options }: PushOptions) =>
      ended(done, async signal => {
        if (block !== undefined && (block < 4096 || block > MOST_BLOCK))
          throw new BadUse('A chunk is between 4KiB and 64MiB. Say --block 4MiB, or leave it out.')
        const folder = work ?? join(dataFolder(settings()), 'blocksync', options.disk)
        await limited(folder, limit)
        const list = changed === undefined ? undefined : await listOf(changed)
        return push({ ...options, source, store, changed: list, blockSize: block, work: folder, tell, signal })
      }),
    )

  placed(blocksync.command('pull'))
    .description('make an image what the newest generation was')
    .argument('<store>', 'a folder, or s3://bucket/prefix')
    .argument('<image>', 'a file; the new one is made beside it and put in its place at the end')
    .option('--generation <number>', 'an older one', wholeNumber)
    .option('--replace', 'replace an image that is not a copy of this disk, or that somebody wrote to')
    .action((store: string, image: string, { limit, ...options }: PullOptions) =>
      ended(done, async signal => {
        await limited(workOf(image), limit)
        return pull({ ...options, store, image, tell, signal })
      }),
    )

  placed(blocksync.command('verify'))
    .description('read all that a store has of a disk, and say what is bad')
    .argument('<store>', 'a folder, or s3://bucket/prefix')
    .action((store: string, { limit: _, parallel, ...options }: Common) =>
      ended(done, async () => {
        const found = await verify({ ...options, store }, parallel)
        if (found.bad.length === 0) return found
        console.log(JSON.stringify(found))
        throw new SyncStopped('rot', `${found.bad.length} of ${found.chunks} chunks are bad. Push the whole disk again.`)
      }),
    )

  blocksync
    .command('status')
    .description('how far a mover is, or how it ended')
    .argument('<work>', 'its work folder; of a pull, the name of the image with .blocksync behind it')
    .action((work: string) =>
      ended(done, async () => {
        const seen = await readState(work)
        if (!seen) throw new BadUse(`No mover has worked in ${work}. Say the folder that --work named.`)
        return seen
      }),
    )

  blocksync
    .command('steer')
    .description('pause, slow down or cancel a mover that runs')
    .argument('<work>', 'its work folder')
    .option('--pause', 'stand still')
    .option('--go', 'go on')
    .option('--cancel', 'end; started again, it goes on from there')
    .option('--limit <rate>', 'so many bytes a second, e.g. 20MiB, or none', text => (text === 'none' ? text : sizeOf(text)))
    .action((work: string, { pause = false, go = false, cancel = false, limit }: SteerOptions) =>
      ended(done, async () => {
        if (pause && go) throw new BadUse('--pause and --go say the opposite. Say one.')
        if ((await readState(work)) === undefined)
          throw new BadUse(`No mover has worked in ${work}. Say the folder that --work named.`)
        const { limit: now, ...wish } = await readWish(work)
        const rate = limit === 'none' ? undefined : (limit ?? now)
        const next: Wish = {
          paused: pause || (wish.paused && !go),
          cancelled: cancel,
          ...(rate === undefined ? {} : { limit: rate }),
        }
        await writeWish(work, next)
        return next
      }),
    )
}

const placed = (command: Command): Command =>
  command
    .requiredOption('--disk <name>', 'the name of the disk in the store')
    .option('--endpoint <url>', 'of an S3 that is not AWS')
    .option('--region <name>', 'of the bucket')
    .option('--parallel <number>', 'pieces under way at once (6)', wholeNumber)
    .option('--limit <rate>', 'so many bytes a second, e.g. 20MiB', sizeOf)

const tell = (state: State): void => console.log(JSON.stringify(state))

/** SIGINT and SIGTERM cancel: what is under way is finished and written down. The second one ends it at once. */
async function ended(done: (status: number) => void, go: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const asked = new AbortController()
  const cancel = (): void => asked.abort()
  process.once('SIGINT', cancel).once('SIGTERM', cancel)
  try {
    console.log(JSON.stringify(await go(asked.signal)))
    done(STATUS.done)
  } catch (error) {
    if (!(error instanceof SyncStopped)) throw error
    console.error(error.message)
    done(error.because === 'cancelled' ? STATUS.cancelled : STATUS.stopped)
  } finally {
    process.off('SIGINT', cancel).off('SIGTERM', cancel)
  }
}

async function limited(work: string, limit: number | undefined): Promise<void> {
  if (limit === undefined) return
  await makeFolder(work)
  await writeWish(work, { ...(await readWish(work)), limit })
}

async function listOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new SyncStopped('bad list', `The list ${file} cannot be read. Say one that is there.`, error)
  }
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new BadUse(`${JSON.stringify(text)} is no number that can be used here. Say a whole number from 1.`)
  return Number(text)
}

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 1 << 10, MiB: 1 << 20, GiB: 1 << 30 }

function sizeOf(text: string): number {
  const [, number = '', unit = ''] = /^([1-9]\d{0,11})(|B|KiB|MiB|GiB)$/.exec(text) ?? []
  if (number === '') throw new BadUse(`${JSON.stringify(text)} is no size. Say one like 4MiB or 4194304.`)
  return Number(number) * UNITS[unit]!
}
