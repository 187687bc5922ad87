import { rm } from 'node:fs/promises'
import { makeFolder, syncFolder, writeDurably } from './durable-file.ts'
import { pull } from './pull.ts'
import type { Manner } from './running.ts'
import { checkSet, type MachineSet, oneSet } from './set.ts'
import { runningSet } from './set-running.ts'
import type { ShelfPlace } from './set-shelf.ts'

export interface PullSet extends Manner, ShelfPlace {
  readonly folder: string // where the images come to be
  readonly set?: number | undefined // the newest, if it is not said
  readonly replace?: boolean | undefined
  /** Called with the result when all images are there, before the state says that it is done. */
  readonly keep: (pulled: PulledSet) => Promise<void>
}

export interface PulledSet extends MachineSet {
  readonly images: Readonly<Record<string, string>> // disk: path
}

/**
 * Images of all disks of one set, each read back and compared. A set that is not whole in the store is refused before anything is
 * written. `set.json` says what the images are: it goes first and comes last, so that where it lies they all show the same moment.
 */
export const pullSet = (wanted: PullSet): Promise<PulledSet> =>
  runningSet('pull', wanted.machine, wanted, async (tools, totalIs) => {
    const { folder, store, endpoint, region, parallel, replace } = wanted
    const set = await oneSet(wanted, wanted.set)
    await checkSet(wanted, set)
    tools.about(set.set)
    totalIs(set.disks.reduce((sum, { size }) => sum + size, 0))
    await makeFolder(folder)
    await rm(`${folder}/set.json`, { force: true })
    await syncFolder(folder)
    const images: Record<string, string> = {}
    for (const { disk, generation } of set.disks) {
      const image = `${folder}/${disk}.raw`
      // The mover of an image keeps its work beside it.
      await tools.each(`${image}.blocksync`, ({ tell, signal }) =>
        pull({ store, endpoint, region, parallel, replace, disk, generation, image, tell, signal }),
      )
      images[disk] = image
    }
    const pulled = { ...set, images }
    await writeDurably(`${folder}/set.json`, JSON.stringify(pulled))
    await wanted.keep(pulled)
    return pulled
  })
