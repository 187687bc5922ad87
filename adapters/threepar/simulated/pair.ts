import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Millis } from '../../../src/kit/units.ts'

export type Side = 'a' | 'b'
export const other = (side: Side): Side => (side === 'a' ? 'b' : 'a')

/** One array of the two. */
export interface Described {
  readonly name: string
  readonly id: number
  readonly serial: string
}

export interface VolumeKept {
  readonly name: string
  readonly ids: Readonly<Record<Side, number>>
}

/** A group as both arrays have it: one of them made it, and one of them is its primary now. */
export interface GroupKept {
  readonly name: string
  readonly madeOn: Side
  readonly primary: Side
  readonly status: 'Started' | 'Stopped'
  readonly mode: 'Sync' | 'Periodic'
  readonly policies: readonly string[]
  readonly volumes: readonly VolumeKept[]
  readonly syncingSince?: Millis // absent when nothing is on its way
  readonly lastSync: Millis
  readonly stale?: true
}

export interface TaskKept {
  readonly id: number
  readonly type: string
  readonly group: string
  readonly side: Side
  readonly started: Millis
  readonly ended?: Millis // absent while it is at work
}

export interface Kept {
  readonly systems: Readonly<Record<Side, Described>>
  readonly groups: readonly GroupKept[]
  readonly tasks: readonly TaskKept[]
  readonly linksDown: number // how many of the two links
  readonly unseen: readonly string[] // volumes that no host sees
  readonly ahead: Millis // what a test has moved the clock on by
}

/**
 * What two arrays have in common, in one file that either of them reads before each command and writes after each change. There
 * is no copying in the background: how far a sync has come follows from when it began.
 */
export interface Pair {
  read(): Kept
  change(how: (kept: Kept) => Kept): void
  now(): Millis
  /** From 0 to 1; undefined when nothing is on its way. */
  share(group: GroupKept): number | undefined
}

export function pairIn(folder: string, first: Omit<Kept, 'ahead'>, syncTime: Millis): Pair {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'pair.json')
  const save = (kept: Kept): void => {
    const handle = openSync(`${file}.new`, 'w')
    writeSync(handle, JSON.stringify(kept))
    fsyncSync(handle)
    closeSync(handle)
    renameSync(`${file}.new`, file)
  }
  if (!existsSync(file)) save({ ...first, ahead: 0 })
  const read = (): Kept => JSON.parse(readFileSync(file, 'utf8')) as Kept
  const now = (): Millis => Date.now() + read().ahead
  return {
    read,
    change: how => save(how(read())),
    now,
    share({ syncingSince }) {
      if (syncingSince === undefined) return undefined
      const share = syncTime === 0 ? 1 : (now() - syncingSince) / syncTime
      return share >= 1 ? undefined : Math.max(0, share)
    },
  }
}

export const replaced = (kept: Kept, group: GroupKept): Kept => ({
  ...kept,
  groups: kept.groups.map(one => (one.name === group.name ? group : one)),
})

/** On the array that did not make it, a group has the other's system id in its name. */
export const nameOn = (side: Side, group: GroupKept, { systems }: Kept): string =>
  side === group.madeOn ? group.name : `${group.name}.r${systems[group.madeOn].id}`

/** What happens to a group. Undefined is a no. */
export function moved(
  group: GroupKept,
  verb: 'start' | 'stop' | 'sync' | 'switchover',
  side: Side,
  now: Millis,
): GroupKept | undefined {
  const here = group.primary === side
  const { syncingSince: _, ...still } = group
  switch (verb) {
    case 'start':
      return here && group.status === 'Stopped' ? { ...group, status: 'Started', syncingSince: now } : undefined
    case 'stop':
      return here && group.status === 'Started' ? { ...still, status: 'Stopped' } : undefined
    case 'sync':
      return here && group.status === 'Started' ? { ...group, syncingSince: now, lastSync: now } : undefined
    case 'switchover':
      return here && group.status === 'Started' && group.mode === 'Sync' ? { ...group, primary: other(side) } : undefined
  }
}
