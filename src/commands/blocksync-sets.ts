import { readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { totalOf } from '../blocksync/extents.ts'
import { manifestDigest } from '../blocksync/manifest.ts'
import { setsOf } from '../blocksync/set.ts'
import { diskToEbs, setToEbs } from '../blocksync/set-ebs.ts'
import { readOrder } from '../blocksync/set-order.ts'
import { pullSet } from '../blocksync/set-pull.ts'
import { pushSet } from '../blocksync/set-push.ts'
import { codeOf, SyncStopped } from '../blocksync/stopped.ts'
import { generations, openStore } from '../blocksync/store.ts'
import { keepResult, statusOf } from './blocksync-kept.ts'
import { atWork, type Beginning, type Done, detachable, ended, inStore, paced, wholeNumber } from './blocksync-work.ts'

interface Common extends Beginning {
  readonly endpoint?: string
  readonly region?: string
  readonly parallel?: number
  readonly limit?: number
  readonly work?: string
}
interface EbsOptions extends Common {
  readonly ebsEndpoint?: string
  readonly ebsRegion?: string
}

const NEWEST = 200 // of a list: whoever reads it gets no more than that

/** The commands for all disks of a machine at once, and those that only look. */
export function setCommands(blocksync: Command, folderFor: (work: string | undefined, name: string) => string, done: Done): void {
  const moving = (command: Command): Command =>
    detachable(paced(inStore(command))).option('--work <folder>', 'where it keeps what it needs to go on')

  moving(blocksync.command('push-set'))
    .description('push all disks of a machine as they were at one moment, and make that a recovery point')
    .argument('<order>', 'a file that says which disks, from where: see docs/blocksync.md')
    .argument('<store>', 'a folder, or s3://bucket/prefix')
    .option('--digest <sha256>', 'of the order: another one is refused')
    .action(async (file: string, store: string, { digest, work, ...options }: Common & { readonly digest?: string }) => {
      // The work folder carries the name of the machine, which is in the order; whatever is wrong with that is said here.
      const known = work ?? (await machineIn(file, digest, done))
      if (known === undefined) return
      await atWork(done, work === undefined ? folderFor(undefined, `push-${known}`) : resolve(work), options, manners => {
        const { endpoint, region, parallel } = options
        const keep = (set: unknown): Promise<void> => keepResult(manners.work, set)
        return pushSet({ store, endpoint, region, parallel, order: resolve(file), digest, now: Date.now, keep, ...manners })
      })
    })

  moving(blocksync.command('pull-set'))
    .description('images of all disks of a machine, as they were at one moment')
    .argument('<store>', 'a folder, or s3://bucket/prefix')
    .argument('<machine>', 'its name')
    .argument('<folder>', 'where the images come to be: DISK.raw for each, and set.json last')
    .option('--set <number>', 'an older one', wholeNumber)
    .option('--replace', 'replace images that are no copies of these disks, or that somebody wrote to')
    .action(
      (
        store: string,
        machine: string,
        folder: string,
        { set, replace, work, ...options }: Common & { readonly set?: number; readonly replace?: boolean },
      ) =>
        atWork(done, folderFor(work, `pull-${machine}`), options, manners => {
          const { endpoint, region, parallel } = options
          const keep = (pulled: unknown): Promise<void> => keepResult(manners.work, pulled)
          const place = { store, machine, endpoint, region, parallel }
          return pullSet({ ...place, folder: resolve(folder), set, replace, keep, ...manners })
        }),
    )

  const toEbs = (command: Command): Command =>
    moving(command)
      .option('--ebs-endpoint <url>', 'of an EBS that is not AWS')
      .option('--ebs-region <name>', 'where the snapshots come to be')

  toEbs(blocksync.command('ebs'))
    .description('make a snapshot in EBS of one generation of a disk')
    .argument('<store>', 'a folder, or s3://bucket/prefix')
    .requiredOption('--disk <name>', 'the name of the disk in the store')
    .option('--generation <number>', 'an older one', wholeNumber)
    .action((store: string, { work, disk, generation, ...options }: EbsOptions & { disk: string; generation?: number }) =>
      atWork(done, folderFor(work, `ebs-${disk}`), options, manners => {
        const { endpoint, region, parallel, ebsEndpoint, ebsRegion } = options
        const keep = (made: unknown): Promise<void> => keepResult(manners.work, made)
        const ebs = { endpoint: ebsEndpoint, region: ebsRegion }
        return diskToEbs({ store, disk, endpoint, region, parallel, generation, ebs, keep, ...manners })
      }),
    )

  toEbs(blocksync.command('ebs-set'))
    .description('make snapshots in EBS of all disks of a machine, as they were at one moment')
    .argument('<store>', 'a folder, or s3://bucket/prefix')
    .argument('<machine>', 'its name')
    .option('--set <number>', 'an older one', wholeNumber)
    .action((store: string, machine: string, { work, set, ...options }: EbsOptions & { set?: number }) =>
      atWork(done, folderFor(work, `ebs-${machine}`), options, manners => {
        const { endpoint, region, parallel, ebsEndpoint, ebsRegion } = options
        const keep = (made: unknown): Promise<void> => keepResult(manners.work, made)
        const ebs = { endpoint: ebsEndpoint, region: ebsRegion }
        return setToEbs({ store, machine, endpoint, region, parallel, set, ebs, keep, ...manners })
      }),
    )

  inStore(blocksync.command('sets'))
    .description('the recovery points of a machine')
    .argument('<store>', 'a folder, or s3://bucket/prefix')
    .argument('<machine>', 'its name')
    .option('--newest <number>', 'no more than these', wholeNumber)
    .action(
      (store: string, machine: string, { newest, endpoint, region }: Pick<Common, 'endpoint' | 'region'> & { newest?: number }) =>
        ended(done, async () => {
          const all = await setsOf({ store, machine, endpoint, region })
          return { machine, count: all.length, sets: newest === undefined ? all : all.slice(-newest) }
        }),
    )

  inStore(blocksync.command('generations'))
    .description('what a store has of a disk')
    .argument('<store>', 'a folder, or s3://bucket/prefix')
    .requiredOption('--disk <name>', 'the name of the disk in the store')
    .action((place: string, { disk, endpoint, region }: Pick<Common, 'endpoint' | 'region'> & { disk: string }) =>
      ended(done, async () => {
        const store = await openStore({ store: place, disk, endpoint, region })
        try {
          const all = await generations(store, disk)
          const shown = all.slice(-NEWEST).map(one => ({
            generation: one.generation,
            digest: manifestDigest(one),
            size: one.size,
            whole: one.whole,
            bytes: totalOf(one.chunks),
          }))
          return { disk, count: all.length, generations: shown }
        } finally {
          store.close()
        }
      }),
    )

  blocksync
    .command('works')
    .description('how the movers stand whose work folders lie in one folder')
    .argument('<folder>', 'the folder of work folders')
    .action((folder: string) =>
      ended(done, async () => {
        const names = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
          if (codeOf(error) === 'ENOENT') return []
          throw error
        })
        const works = []
        for (const name of names
          .filter(one => one.isDirectory())
          .map(one => one.name)
          .sort()) {
          const status = await statusOf(join(folder, name))
          if (status.state !== 'none') works.push({ name, ...status })
        }
        return { folder, count: works.length, works: works.slice(-NEWEST) }
      }),
    )

  blocksync
    .command('forget')
    .description('remove the work folder of a mover that has ended')
    .argument('<work>', 'its work folder')
    .action((work: string) =>
      ended(done, async () => {
        const status = await statusOf(work)
        if (status.alive)
          throw new SyncStopped('taken', `A mover is at work in ${work}. Cancel it, or wait for it, then say this again.`)
        // Only what a mover has made is removed: a slip of the finger must not cost a folder of somebody else's.
        if (status.state !== 'none' && !status.request)
          throw new SyncStopped('bad use', `${work} has no request of a mover in it. Say the folder that --work named.`)
        if (status.request?.words.includes('pull'))
          throw new SyncStopped('bad use', `${work} says what its image shows. Remove it by hand, and the image with it.`)
        if (status.state !== 'none') await rm(work, { recursive: true, force: true })
        return { work, state: 'none', alive: false }
      }),
    )
}

async function machineIn(file: string, digest: string | undefined, done: Done): Promise<string | undefined> {
  let machine: string | undefined
  await ended(done, async () => {
    machine = (await readOrder(resolve(file), digest)).order.machine
  })
  return machine
}
