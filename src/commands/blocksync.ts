import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import { manifestDigest } from '../blocksync/manifest.ts'
import { readState } from '../blocksync/progress.ts'
import { prune } from '../blocksync/prune.ts'
import { pull, workOf } from '../blocksync/pull.ts'
import { push } from '../blocksync/push.ts'
import { running } from '../blocksync/running.ts'
import { generationOf } from '../blocksync/set.ts'
import { readWish, type Wish, writeWish } from '../blocksync/steering.ts'
import { SyncStopped } from '../blocksync/stopped.ts'
import type { StorePlace } from '../blocksync/store.ts'
import { type Verified, verify } from '../blocksync/verify.ts'
import { dataFolder, type Environment } from '../site/environment.ts'
import { BadUse } from './bad-use.ts'
import { endedBefore, keepResult, statusOf } from './blocksync-kept.ts'
import { setCommands } from './blocksync-sets.ts'
import { resumed } from './blocksync-start.ts'
import {
  atWork,
  type Beginning,
  detachable,
  ended,
  inStore,
  type Manners,
  paced,
  STATUS,
  sizeOf,
  wholeNumber,
} from './blocksync-work.ts'

interface Common extends Beginning {
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
interface PruneOptions extends Common {
  readonly keep: number
  readonly work?: string
}
interface PullOptions extends Common {
  readonly generation?: number
  readonly replace?: boolean
}
interface VerifyOptions extends Common {
  readonly work?: string
}
interface SteerOptions {
  readonly pause?: boolean
  readonly go?: boolean
  readonly cancel?: boolean
  readonly limit?: number | 'none'
}

const MOST_BLOCK = 64 << 20

/** The mover, for people and for whoever starts it: progress as JSON lines on stdout, what went wrong as a sentence on stderr. */
export function blocksyncCommands(program: Command, settings: () => Environment, done: (status: number) => void): void {
  const blocksync = program
    .command('blocksync')
    .description('move the blocks of a disk: to a store, generation by generation, and back into an image')

  const folderFor = (work: string | undefined, name: string): string =>
    resolve(work ?? join(dataFolder(settings()), 'blocksync', name))

  detachable(placed(blocksync.command('push')))
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
    .action(async (source: string, store: string, { changed, block, work, point, ...options }: PushOptions) => {
      const { disk, endpoint, region, parallel } = options
      if (block !== undefined && (block < 4096 || block > MOST_BLOCK))
        throw new BadUse('A chunk is between 4KiB and 64MiB. Say --block 4MiB, or leave it out.')
      await atWork(done, folderFor(work, disk), options, async manners => {
        const place = { store, disk, endpoint, region }
        const list = changed === undefined ? undefined : await listOf(changed)
        const result =
          (await finishedBy(manners, place)) ??
          (await push({ ...place, ...manners, source, point, parallel, changed: list, blockSize: block }))
        await keepResult(manners.work, result)
        return result
      })
    })

  detachable(placed(blocksync.command('pull')))
    .description('make an image what the newest generation was')
    .argument('<store>', 'a folder, or s3://bucket/prefix')
    .argument('<image>', 'a file; the new one is made beside it and put in its place at the end')
    .option('--generation <number>', 'an older one', wholeNumber)
    .option('--replace', 'replace an image that is not a copy of this disk, or that somebody wrote to')
    .action((store: string, image: string, { generation, replace, ...options }: PullOptions) =>
      atWork(done, resolve(workOf(image)), options, async ({ tell, signal, work }) => {
        const { disk, endpoint, region, parallel } = options
        const result = await pull({ store, disk, endpoint, region, parallel, image, generation, replace, tell, signal })
        await keepResult(work, result)
        return result
      }),
    )

  detachable(placed(blocksync.command('verify')))
    .description('read all that a store has of a disk, and say what is bad')
    .argument('<store>', 'a folder, or s3://bucket/prefix')
    .option('--work <folder>', 'where it says how it stands; needed to let it go on by itself')
    .action(async (store: string, { work, parallel, ...options }: VerifyOptions) => {
      const { disk, endpoint, region, detach = false } = options
      const place = { store, disk, endpoint, region }
      if (work === undefined && detach)
        throw new BadUse('Say --work FOLDER with --detach, so that you can find out how it ended.')
      if (work !== undefined) {
        let status: number | undefined
        const noted = (code: number): void => {
          status = code
          done(code)
        }
        await atWork(noted, resolve(work), options, manners => verified(manners, place, parallel))
        if (status === STATUS.cancelled) process.exit(status) // it would read on, for nothing
        return
      }
      await ended(done, async () => {
        const found = await verify(place, parallel)
        if (found.bad.length === 0) return found
        console.log(JSON.stringify(found))
        throw rotten(found)
      })
    })

  placed(blocksync.command('prune'))
    .description('remove the generations that the newest ones do not need')
    .argument('<store>', 'a folder, or s3://bucket/prefix')
    .requiredOption('--keep <number>', 'how many of the newest must stay; those that they lie upon stay too', wholeNumber)
    .option('--work <folder>', 'the work folder of the push of this disk: with it the two keep each other out')
    .action((store: string, { keep, work, disk, endpoint, region, parallel }: PruneOptions) =>
      ended(done, () => prune({ store, disk, endpoint, region, parallel, keep, work: folderFor(work, disk) })),
    )

  setCommands(blocksync, folderFor, done)

  blocksync
    .command('status')
    .description('how far a mover is, or how it ended, and what came of it')
    .argument('<work>', 'its work folder; of a pull, the name of the image with .blocksync behind it')
    .option('--or-none', 'say that the state is none where no mover has worked')
    .action((work: string, { orNone = false }: { readonly orNone?: boolean }) =>
      ended(done, async () => {
        const seen = await statusOf(work)
        if (seen.state === 'none' && !orNone)
          throw new BadUse(`No mover has worked in ${work}. Say the folder that --work named.`)
        return seen
      }),
    )

  blocksync
    .command('resume')
    .description('go on: with a mover that stands still, or with what one that died, failed or was cancelled was asked for')
    .argument('<work>', 'its work folder')
    .action((work: string) => ended(done, () => resumed(resolve(work))))

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
  paced(inStore(command.requiredOption('--disk <name>', 'the name of the disk in the store')))

/** A mover that died when its generation was there and its result was not yet written down has done its work. */
async function finishedBy(
  { work, request }: Manners,
  place: StorePlace,
): Promise<{ readonly generation: number; readonly digest: string } | undefined> {
  const generation = await endedBefore(work, request)
  const found = generation === undefined ? undefined : await generationOf(place, place.disk, generation)
  return found && { generation: found.generation, digest: manifestDigest(found) }
}

const MOST_BAD = 100

/** As a mover of its own it has a state, but nothing to steer: it only reads, and a cancel ends it. */
async function verified(manners: Manners, place: StorePlace, parallel: number | undefined): Promise<unknown> {
  const { work, tell, signal } = manners
  return running('pull', place.disk, { work, tell, signal, parallel: 1 }, async ({ steering }) => {
    const over = new AbortController()
    const cancelled = (async () => {
      while (!over.signal.aborted) {
        await steering.may(0)
        await wait(200, undefined, { signal: over.signal }).catch(() => {})
      }
    })()
    try {
      const found = await Promise.race([verify(place, parallel), cancelled])
      if (!found) throw new Error('nobody cancelled it, and nobody verified')
      const kept = { ...found, bad: found.bad.length, worst: found.bad.slice(0, MOST_BAD) }
      await keepResult(work, kept)
      if (found.bad.length > 0) throw rotten(found)
      return kept
    } finally {
      over.abort()
      steering.cancel() // wakes the one that looks while somebody pauses
    }
  })
}

const rotten = ({ bad, chunks }: Verified): SyncStopped =>
  new SyncStopped('rot', `${bad.length} of ${chunks} chunks are bad. Push the whole disk again.`)

async function listOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new SyncStopped('bad list', `The list ${file} cannot be read. Say one that is there.`, error)
  }
}
