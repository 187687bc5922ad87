import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bytes, BytesPerSecond, Millis } from '../../../src/kit/units.ts'
import { type Disk, type Files, filesIn, GRANULE } from './disks.ts'

export interface Job {
  readonly id: string
  readonly type: 'mirror' | 'commit' | 'backup'
  readonly source: string
  readonly target: string
  status: 'running' | 'ready' | 'paused' | 'standby' | 'concluded'
  todo: number[] // granules
  total: number // granules gone over, with what was written meanwhile
  speed: number
  fault: boolean
  error?: string
}

/** The state of a storage daemon, with real bytes behind it. Disks, exports and persistent bitmaps are kept; jobs die with it. */
export interface Machine {
  readonly disks: Map<string, Disk>
  readonly exports: Map<string, string>
  readonly jobs: Map<string, Job>
  readonly secrets: Map<string, string>
  readonly files: Files
  /** A copy does so many granules when it is pushed; infinitely many at once by default. */
  pace(granules: number): void
  push(): void
  /** So much time goes by for the copies: each goes as fast as `rate` and its own limit let it, in bytes per second. */
  pass(ms: Millis, rate: BytesPerSecond): void
  /** Writes to a target fail from here on, as on a broken array. */
  breakTarget(node: string | undefined): void
  /** An application's write and read, through an export. */
  write(id: string, granule: number, data: Buffer): void
  read(id: string, granule: number): Buffer
  begin(job: Pick<Job, 'id' | 'type' | 'source' | 'target' | 'speed'>, todo: readonly number[]): void
  move(from: string, to: string): void
  say(event: string, fields: object): void
  hear(listener: (event: object) => void): void
  keep(clean: boolean): void
}

interface Kept {
  readonly clean: boolean
  readonly disks: readonly Disk[]
  readonly exports: readonly (readonly [string, string])[]
}

export const granulesOf = (bytes: Bytes): readonly number[] =>
  Array.from({ length: Math.ceil(bytes / GRANULE) }, (_, granule) => granule)

export function machineIn(folder: string): Machine {
  const files = filesIn(folder)
  const file = join(folder, 'daemon.json')
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kept) : { clean: true, disks: [], exports: [] }
  // A bitmap that was not closed in order lacks changes: it comes back as inconsistent, and one that is not persistent not at all.
  const disks = new Map(
    kept.disks.map(disk => [
      disk.node,
      {
        ...disk,
        bitmaps: disk.bitmaps
          .filter(one => one.persistent)
          .map(one => (kept.clean ? one : { ...one, inconsistent: true, recording: false })),
      },
    ]),
  )
  const exports = new Map(kept.exports)
  const jobs = new Map<string, Job>()
  let [pace, broken] = [Number.POSITIVE_INFINITY, undefined as string | undefined]
  let listeners: ((event: object) => void)[] = []
  const say: Machine['say'] = (event, data) => {
    const now = Date.now()
    const timestamp = { seconds: Math.floor(now / 1_000), microseconds: (now % 1_000) * 1_000 }
    for (const listener of listeners) listener({ timestamp, event, data })
  }
  const fail = (job: Job): void => {
    job.fault = true
    job.status = 'paused'
    say('BLOCK_JOB_ERROR', { device: job.id, operation: 'write', action: 'stop' })
  }
  const step = (job: Job, most: number): void => {
    if (job.status !== 'running' || job.type === 'backup') return
    if (job.target === broken && job.todo.length > 0) {
      fail(job)
      return
    }
    const now = job.todo.splice(0, Math.min(most, job.todo.length))
    for (const granule of now) files.write(disks, job.target, granule, files.read(disks, job.source, granule))
    if (job.todo.length > 0) return
    job.status = 'ready'
    say('BLOCK_JOB_READY', { device: job.id, type: job.type })
  }
  const write: Machine['write'] = (id, granule, data) => {
    const node = exports.get(id)
    if (node === undefined) throw new Error(`no export ${id}`)
    const old = files.read(disks, node, granule)
    const touched = [...jobs.values()].filter(job => job.source === node && job.status !== 'concluded')
    for (const job of touched)
      if (job.type === 'backup' && !disks.get(job.target)?.holds?.includes(granule)) files.write(disks, job.target, granule, old)
    files.write(disks, node, granule, data)
    for (const job of touched) {
      if (job.type === 'backup') continue
      if (job.status === 'paused' || job.target === broken) {
        if (!job.todo.includes(granule)) job.todo.push(granule)
        if (job.status !== 'paused') fail(job)
      } else files.write(disks, job.target, granule, data)
      job.total++
    }
  }
  return {
    disks,
    exports,
    jobs,
    secrets: new Map(),
    files,
    pace: granules => {
      pace = granules
    },
    push: () => {
      for (const job of jobs.values()) step(job, pace)
    },
    pass: (ms, rate) => {
      for (const job of jobs.values())
        step(job, Math.max(1, Math.floor((Math.min(rate, job.speed || rate) * ms) / 1_000 / GRANULE)))
    },
    breakTarget: node => {
      broken = node
    },
    write,
    read: (id, granule) => files.read(disks, exports.get(id) ?? '', granule),
    begin: (job, todo) => {
      const begun: Job = { ...job, status: 'running', todo: [...todo], total: todo.length, fault: false }
      jobs.set(job.id, begun)
      say('JOB_STATUS_CHANGE', { id: job.id, status: 'running' })
      if (pace === Number.POSITIVE_INFINITY) step(begun, pace)
    },
    move: (from, to) => {
      for (const [id, node] of exports) if (node === from) exports.set(id, to)
    },
    say,
    hear: listener => {
      listeners = [...listeners, listener]
    },
    keep: clean =>
      writeFileSync(file, JSON.stringify({ clean, disks: [...disks.values()], exports: [...exports] } satisfies Kept)),
  }
}
