import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bytes } from '../../../src/kit/units.ts'

/** One work folder: what was asked for, and how far it is. All of it SYNTHETIC: no byte is moved. */
export interface Work {
  readonly words: readonly string[]
  readonly verb: string
  readonly about: string
  readonly end: 'generation' | 'set' | 'images' | 'snapshots' | 'verified'
  start: string
  intent: string | undefined
  state: 'running' | 'paused' | 'done' | 'failed' | 'cancelled'
  alive: boolean
  done: Bytes
  total: Bytes
  limit: Bytes | undefined
  error: string | undefined
  result: Readonly<Record<string, unknown>> | undefined
}

export interface Member {
  readonly disk: string
  readonly generation: number
  readonly digest: string
  readonly size: Bytes
  readonly point: string
}
export interface Kept {
  readonly set: number
  readonly point: string
  readonly taken: number
  readonly pushed: number
  readonly disks: readonly Member[]
}

interface State {
  works: Record<string, Work>
  generations: Record<string, Omit<Member, 'disk'>[]>
  sets: Record<string, Kept[]>
}

/** The mover's host and its store, as a file in the simulator's folder: a second start goes on where the first one was. */
export function hostIn(folder: string) {
  const file = join(folder, 'mover.json')
  mkdirSync(folder, { recursive: true })
  const state: State = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as State)
    : { works: {}, generations: {}, sets: {} }
  const save = (): void => {
    writeFileSync(`${file}.part`, JSON.stringify(state))
    renameSync(`${file}.part`, file)
  }
  const onDisk = (path: string): string => join(folder, 'files', path)

  /** The list under that name, begun if there is none. */
  const listIn = <T>(lists: Record<string, T[]>, name: string): T[] => {
    const list = lists[name] ?? []
    lists[name] = list
    return list
  }
  const pushed = (disk: string, size: Bytes, point: string): Member => {
    const all = listIn(state.generations, disk)
    const generation = all.length + 1
    const digest = createHash('sha256').update(`${disk} ${generation} ${point}`).digest('hex')
    all.push({ generation, digest, size, point })
    return { disk, generation, digest, size, point }
  }
  const SIZE = 64 << 20

  /** What is there once all bytes have moved. */
  const finish = (work: Work): void => {
    const { words } = work
    const option = (name: string): string | undefined => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined)
    const newest = (): Kept | undefined => {
      const all = state.sets[work.about] ?? []
      const number = option('--set')
      return number === undefined ? all.at(-1) : all[Number(number) - 1]
    }
    switch (work.end) {
      case 'generation': {
        const { generation, digest } = pushed(work.about, SIZE, option('--point') ?? randomUUID())
        work.result = { generation, digest }
        break
      }
      case 'set': {
        const order = orderAt(words[words.indexOf('push-set') + 1] ?? '')!
        const sets = listIn(state.sets, order.machine)
        const disks = order.disks.map(({ disk, size, point }) => pushed(disk, size, point ?? order.point))
        const set = { set: sets.length + 1, point: order.point, taken: order.taken, pushed: Date.now(), disks }
        sets.push(set)
        work.result = { machine: order.machine, ...set }
        break
      }
      case 'images': {
        const at = words[words.indexOf('pull-set') + 3] ?? ''
        const set = newest()!
        work.result = { ...set, images: Object.fromEntries(set.disks.map(({ disk }) => [disk, `${at}/${disk}.raw`])) }
        break
      }
      case 'snapshots': {
        const { set, taken, disks } = newest()!
        const snapshots = Object.fromEntries(disks.map(({ disk, digest }) => [disk, `snap-${digest.slice(0, 17)}`]))
        const [root, ...others] = Object.values(snapshots)
        work.result = { machine: work.about, set, taken, root, others, snapshots }
        break
      }
      case 'verified':
        work.result = { generations: state.generations[work.about]?.length ?? 0, chunks: 16, bytes: SIZE, bad: 0, worst: [] }
        break
    }
    work.state = 'done'
    work.alive = false
  }

  const orderAt = (path: string) =>
    existsSync(onDisk(path))
      ? (JSON.parse(readFileSync(onDisk(path), 'utf8')) as {
          machine: string
          point: string
          taken: number
          disks: { disk: string; size: Bytes; point: string | null }[]
        })
      : undefined

  return {
    size: SIZE,
    works: (): Readonly<Record<string, Work>> => state.works,
    generations: (disk: string) => state.generations[disk] ?? [],
    sets: (machine: string): readonly Kept[] => state.sets[machine] ?? [],
    orderAt,
    pushed,
    begin(path: string, work: Work): void {
      state.works[path] = work
      save()
    },
    change(path: string, change: (work: Work) => void): void {
      const work = state.works[path]
      if (work) change(work)
      save()
    },
    forget(path: string): void {
      delete state.works[path]
      save()
    },
    /** So many bytes of each sync that moves, and no more than its limit. */
    move(bytes: Bytes): void {
      for (const work of Object.values(state.works)) {
        if (!work.alive || work.state !== 'running') continue
        work.done = Math.min(work.total, work.done + Math.min(bytes, work.limit ?? bytes))
        if (work.done === work.total) finish(work)
      }
      save()
    },
    /** A file of the host, such as an order. */
    file(path: string, text: string): void {
      mkdirSync(join(onDisk(path), '..'), { recursive: true })
      writeFileSync(onDisk(path), text)
    },
    keep(machine: string, point: string, disks: readonly string[]): void {
      const sets = listIn(state.sets, machine)
      const members = disks.map(disk => pushed(disk, SIZE, point))
      sets.push({ set: sets.length + 1, point, taken: 1_700_000_000_000, pushed: 1_700_000_100_000, disks: members })
      save()
    },
  }
}
export type Host = ReturnType<typeof hostIn>
