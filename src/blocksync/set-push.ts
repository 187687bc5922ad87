import { z } from 'zod'
import { makeFolder, readIfThere, writeDurably } from './durable-file.ts'
import { manifestDigest } from './manifest.ts'
import { startNbdkit } from './nbdkit.ts'
import { push } from './push.ts'
import type { Manner } from './running.ts'
import { generationOf, type MachineSet, type Member, setsOn, setText } from './set.ts'
import { type Order, type Part, readOrder } from './set-order.ts'
import { runningSet, type SetTools } from './set-running.ts'
import { openShelf, type ShelfPlace } from './set-shelf.ts'
import { openSource } from './source.ts'
import { SyncStopped } from './stopped.ts'

export interface PushSet extends Manner, Omit<ShelfPlace, 'machine'> {
  readonly order: string // the file
  readonly digest?: string | undefined // its SHA-256
  readonly blockSize?: number | undefined
  readonly now: () => number // milliseconds since 1970
  /** Called with the set when it is in the store, before the state says that it is done. */
  readonly keep: (set: MachineSet) => Promise<void>
}

const Pushed = z.object({ disk: z.string(), generation: z.int(), digest: z.string(), size: z.int(), point: z.string() })

/**
 * Pushes each disk of an order, one after the other, and publishes the set last. Started again, it pushes no disk whose generation
 * for this point is there; and for a point whose set is there it pushes nothing.
 */
export async function pushSet(wanted: PushSet): Promise<MachineSet> {
  const { order, parts } = await readOrder(wanted.order, wanted.digest)
  return runningSet('push', order.machine, wanted, async (tools, totalIs) => {
    const total = parts.reduce((sum, { bytes }) => sum + bytes, 0)
    totalIs(total)
    const shelf = await openShelf({ ...wanted, machine: order.machine })
    try {
      const same = (await setsOn(shelf, order.machine)).findLast(one => fits(one, order, parts))
      if (same) tools.count(total)
      const set = same ?? (await publish(wanted, order, await members(wanted, parts, tools), shelf))
      tools.about(set.set)
      await wanted.keep(set)
      return set
    } finally {
      shelf.close()
    }
  })
}

const fits = (set: MachineSet, order: Order, parts: readonly Part[]): boolean =>
  set.point === order.point &&
  set.disks.length === parts.length &&
  set.disks.every(({ disk, point, size }, at) => {
    const part = parts[at]
    return part?.disk === disk && part.point === point && part.size === size
  })

async function members(wanted: PushSet, parts: readonly Part[], tools: SetTools): Promise<readonly Member[]> {
  const all: Member[] = []
  for (const part of parts) {
    const { disk, size, point, bytes } = part
    const folder = `${wanted.work}/disks/${disk}`
    const there = await pushedBefore(wanted, folder, part)
    if (there) {
      tools.count(bytes)
      all.push(there)
      continue
    }
    const pushed = await tools.each(folder, within =>
      fromSource(part, `${wanted.work}/nbd.sock`, within.signal, async source => {
        const { store, endpoint, region, parallel, blockSize } = wanted
        return push({ store, endpoint, region, parallel, blockSize, disk, source, changed: part.list, point, ...within })
      }),
    )
    const member = { disk, ...pushed, size, point }
    await makeFolder(folder)
    await writeDurably(`${folder}/pushed.json`, JSON.stringify(member))
    all.push(member)
  }
  return all
}

/** What an earlier start of the same order has pushed, if the store still has it. */
async function pushedBefore(wanted: PushSet, folder: string, part: Part): Promise<Member | undefined> {
  const text = await readIfThere(`${folder}/pushed.json`)
  if (text === undefined) return undefined
  const last = Pushed.parse(JSON.parse(text))
  if (last.disk !== part.disk || last.point !== part.point || last.size !== part.size) return undefined
  const found = await generationOf(wanted, part.disk, last.generation)
  return found && manifestDigest(found) === last.digest ? last : undefined
}

/** The disk as something that can be read, of the size that the order says. */
async function fromSource<T>(
  { disk, size, source }: Part,
  socket: string,
  signal: AbortSignal,
  go: (source: string) => Promise<T>,
): Promise<T> {
  const served = typeof source === 'string' ? undefined : await startNbdkit(source.nbdkit, socket, signal)
  try {
    const name = typeof source === 'string' ? source : served!.uri
    const opened = await openSource(name)
    await opened.close()
    if (opened.size !== size)
      throw new SyncStopped(
        'source',
        `The order says that ${disk} is ${size} bytes, and its source is ${opened.size}. No set was made. Write a new order, then push that.`,
      )
    return await go(name)
  } finally {
    await served?.stop()
  }
}

/** The next number that nobody has. Two machines of one name would meet here, and each gets a number of its own. */
async function publish(
  { now }: PushSet,
  { machine, point, taken }: Order,
  disks: readonly Member[],
  shelf: Awaited<ReturnType<typeof openShelf>>,
): Promise<MachineSet> {
  for (let tries = 0; tries < 100; tries++) {
    const number = ((await setsOn(shelf, machine)).at(-1)?.set ?? 0) + 1
    const set: MachineSet = {
      format: 'signalbox-set',
      version: 1,
      machine,
      set: number,
      point,
      taken,
      pushed: now(),
      disks: [...disks],
    }
    if (await shelf.put(number, setText(set))) return set
  }
  throw new SyncStopped('taken', `Others publish sets of ${machine} all the time. See that only one does, then start again.`)
}
