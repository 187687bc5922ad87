import { z } from 'zod'
import { canonical } from '../domain/chain.ts'
import { type Manifest, manifestDigest } from './manifest.ts'
import { openShelf, type Shelf, type ShelfPlace } from './set-shelf.ts'
import { SyncStopped } from './stopped.ts'
import { generations, openStore } from './store.ts'

const Member = z.strictObject({
  disk: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/),
  generation: z.int().min(1),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  size: z.int().min(1),
  point: z.string().min(1).max(400),
})
export type Member = Readonly<z.infer<typeof Member>>

/** A recovery point of a machine: which generation of each of its disks shows the same moment. */
const MachineSet = z.strictObject({
  format: z.literal('signalbox-set'),
  version: z.literal(1),
  machine: z.string(),
  set: z.int().min(1), // 1, 2, 3 ...
  point: z.string().min(1).max(400),
  taken: z.int().min(0), // when the machine was as the disks show it
  pushed: z.int().min(0), // when the last of them was in the store
  disks: z.array(Member).min(1).max(256),
})
export type MachineSet = Readonly<z.infer<typeof MachineSet>>

/** All sets of a machine, oldest first. One that is missing between others means that somebody took it away. */
export async function setsOn(shelf: Shelf, machine: string): Promise<readonly MachineSet[]> {
  const listed = await shelf.listed()
  const found: MachineSet[] = []
  for (let number = 1; ; number++) {
    const text = await shelf.read(number)
    if (text !== undefined) found.push(parseSet(text, machine, number))
    else if (number > listed) return found
    else
      throw new SyncStopped(
        'gap',
        `Set ${number} of ${machine} is missing in the store, and ${listed} is there. Bring it back from a copy of the store.`,
      )
  }
}

export async function setsOf(place: ShelfPlace): Promise<readonly MachineSet[]> {
  const shelf = await openShelf(place)
  try {
    return await setsOn(shelf, place.machine)
  } finally {
    shelf.close()
  }
}

/** The one that is asked for, or the newest. */
export async function oneSet(place: ShelfPlace, number?: number): Promise<MachineSet> {
  const all = await setsOf(place)
  const found = number === undefined ? all.at(-1) : all[number - 1]
  if (found) return found
  throw new SyncStopped(
    'gap',
    `The store has ${all.length} sets of ${place.machine}${number === undefined ? '' : `, and no set ${number}`}. Push one first, or say another.`,
  )
}

function parseSet(text: string, machine: string, number: number): MachineSet {
  try {
    const set = MachineSet.parse(JSON.parse(text))
    if (set.machine === machine && set.set === number) return set
  } catch (error) {
    throw rotten(machine, number, error)
  }
  throw rotten(machine, number)
}

const rotten = (machine: string, number: number, cause?: unknown): SyncStopped =>
  new SyncStopped('rot', `Set ${number} of ${machine} cannot be read any more. Say another set, or push a new one.`, cause)

export const setText = (set: MachineSet): string => canonical(set)

/** Every generation that the set names is in the store and is the very one. Throws before anybody writes anything. */
export async function checkSet(place: ShelfPlace, set: MachineSet): Promise<void> {
  for (const { disk, generation, digest, size } of set.disks) {
    const found = await generationOf(place, disk, generation)
    if (!found || manifestDigest(found) !== digest || found.size !== size)
      throw new SyncStopped(
        'gap',
        `Set ${set.set} of ${set.machine} needs generation ${generation} of ${disk}, and the store ${found ? 'has another one under that number' : 'does not have it'}. Nothing was written. Say another set, or bring it back.`,
      )
  }
}

export async function generationOf(
  place: Omit<ShelfPlace, 'machine'>,
  disk: string,
  generation: number,
): Promise<Manifest | undefined> {
  const store = await openStore({ ...place, disk })
  try {
    return (await generations(store, disk)).find(one => one.generation === generation)
  } finally {
    store.close()
  }
}
