import { z } from 'zod'
import { readIfThere, writeDurably } from './durable-file.ts'
import type { Manner } from './running.ts'
import { checkSet, oneSet } from './set.ts'
import { runningSet, type SetTools } from './set-running.ts'
import type { ShelfPlace } from './set-shelf.ts'

export interface EbsPlace {
  readonly endpoint?: string | undefined
  readonly region?: string | undefined
}

interface Common<T> extends Manner, Omit<ShelfPlace, 'machine'> {
  readonly ebs: EbsPlace
  /** Called with the result before the state says that it is done. */
  readonly keep: (made: T) => Promise<void>
}
export interface DiskToEbs extends Common<MadeSnapshot> {
  readonly disk: string
  readonly generation?: number | undefined
}
export interface SetToEbs extends Common<MadeSnapshots> {
  readonly machine: string
  readonly set?: number | undefined
}

const Made = z.object({ snapshot: z.string(), generation: z.int(), blocks: z.int(), size: z.int() })
export type MadeSnapshot = Readonly<z.infer<typeof Made>>

export interface MadeSnapshots {
  readonly machine: string
  readonly set: number
  readonly taken: number
  readonly root: string // the snapshot of the first disk
  readonly others: readonly string[]
  readonly snapshots: Readonly<Record<string, string>>
}

/** One generation of one disk as an EBS snapshot. */
export const diskToEbs = (wanted: DiskToEbs): Promise<MadeSnapshot> =>
  runningSet('pull', wanted.disk, wanted, async (tools, totalIs) => {
    const { disk, generation, work } = wanted
    const made = await snapshotOf(wanted, tools, `${work}/disks/${disk}`, disk, generation, undefined, totalIs)
    tools.about(made.generation)
    await wanted.keep(made)
    return made
  })

/** A set as snapshots, one for each disk. A disk whose snapshot was made by an earlier start gets no second one. */
export const setToEbs = (wanted: SetToEbs): Promise<MadeSnapshots> =>
  runningSet('pull', wanted.machine, wanted, async (tools, totalIs) => {
    const { machine, work } = wanted
    const set = await oneSet(wanted, wanted.set)
    await checkSet(wanted, set)
    tools.about(set.set)
    totalIs(set.disks.reduce((sum, { size }) => sum + size, 0))
    const snapshots: Record<string, string> = {}
    for (const { disk, generation, digest, size } of set.disks) {
      const folder = `${work}/disks/${disk}`
      const before = await madeBefore(folder, digest)
      const made = before ?? (await snapshotOf(wanted, tools, folder, disk, generation, `${machine} set ${set.set} ${disk}`))
      if (before) tools.count(size)
      await writeDurably(`${folder}/made.json`, JSON.stringify({ ...made, digest }))
      snapshots[disk] = made.snapshot
    }
    const [root = '', ...others] = set.disks.map(({ disk }) => snapshots[disk] ?? '')
    const made = { machine, set: set.set, taken: set.taken, root, others, snapshots }
    await wanted.keep(made)
    return made
  })

async function snapshotOf(
  { store, endpoint, region, parallel, ebs }: Omit<Common<never>, 'keep'>,
  tools: SetTools,
  folder: string,
  disk: string,
  generation: number | undefined,
  description: string | undefined,
  totalIs?: (bytes: number) => void,
): Promise<MadeSnapshot> {
  const { toEbs } = await import('./to-ebs.ts') // the SDK is large: only who needs it waits for it
  return tools.each(folder, ({ work, tell, signal }) =>
    toEbs({
      ...{ store, endpoint, region, parallel, disk, ebs, work, signal },
      ...(generation === undefined ? {} : { generation }),
      ...(description === undefined ? {} : { description }),
      tell: state => {
        totalIs?.(state.counts.total)
        tell(state)
      },
    }),
  )
}

async function madeBefore(folder: string, digest: string): Promise<MadeSnapshot | undefined> {
  const text = await readIfThere(`${folder}/made.json`)
  if (text === undefined) return undefined
  const { digest: of, ...made } = Made.extend({ digest: z.string() }).parse(JSON.parse(text))
  return of === digest ? made : undefined
}
