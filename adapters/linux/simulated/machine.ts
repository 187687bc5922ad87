import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Bytes } from '../../../src/kit/units.ts'
import { outOfSpace } from '../dd.ts'
import { type Bits, bitsIn, SECTOR, type SimulatedDisk } from './disks.ts'

/** One process that copies or compares, as its files have it. */
export interface Process {
  readonly by: string
  readonly running: boolean
  readonly done: Bytes
  readonly exit?: string
  readonly error?: string // of dd
  readonly compared?: string
  readonly stopped?: boolean
}
export interface SimulatedCopy extends Process {
  readonly name: string
  readonly source: string // paths
  readonly sourceMark: string
  readonly target: string
  readonly targetMark: string
  readonly sourceBytes: Bytes
  readonly targetBytes: Bytes
  readonly needs: Bytes
  readonly verify?: Process
}

/** The simulated host: its disks, and what copies between them. No commands. */
export interface Machine {
  disks(): readonly SimulatedDisk[]
  at(path: string): SimulatedDisk | undefined
  bits(path: string): Bits
  attach(disk: SimulatedDisk): void
  detach(path: string): void
  set(path: string, changed: Partial<SimulatedDisk>): void
  copies(): readonly SimulatedCopy[]
  start(copy: Omit<SimulatedCopy, 'running' | 'done'>): void
  verify(name: string, by: string): void
  stop(name: string): void
  forget(name: string): void
  repair(path: string): void
  /** Moves what runs on by so many bytes. */
  push(bytes?: Bytes): void
  /** Kills the processes of a copy, as a crash of the host or the kernel's out-of-memory killer does. */
  kill(name: string, only?: 'dd'): void
  close(): void
}

interface Kept {
  readonly disks: readonly SimulatedDisk[]
  readonly copies: readonly SimulatedCopy[]
}

/** `pace` is how far a copy goes at each push; with infinity it is done when it begins. */
export function machineIn(folder: string, attached: readonly SimulatedDisk[], pace: Bytes): Machine {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'state.json')
  const fresh: Kept = { disks: attached, copies: [] }
  const found = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kept) : fresh
  // A second start is a restart of the host: nothing that ran goes on, and disks can be written again.
  let kept: Kept = {
    disks: found.disks.map(disk => ({ ...disk, readOnly: found === fresh && (disk.readOnly ?? false) })),
    copies: found.copies.map(copy => ({
      ...copy,
      running: false,
      ...(copy.verify ? { verify: { ...copy.verify, running: false } } : {}),
    })),
  }
  const open = new Map<string, Bits>()
  const save = (changed: Partial<Kept>): void => {
    kept = { ...kept, ...changed }
    const handle = openSync(`${file}.new`, 'w')
    writeSync(handle, JSON.stringify(kept))
    fsyncSync(handle)
    closeSync(handle)
    renameSync(`${file}.new`, file)
  }
  const at = (path: string) => kept.disks.find(disk => disk.path === path)
  const bits = (path: string): Bits => {
    const disk = at(path)
    if (!disk) throw new Error(`no disk at ${path}`)
    const name = disk.serial ?? path.replaceAll('/', '_')
    const known = open.get(name) ?? bitsIn(folder, name, disk.bytes)
    open.set(name, known)
    return known
  }
  const change = (name: string, how: (copy: SimulatedCopy) => SimulatedCopy): void =>
    save({ copies: kept.copies.map(copy => (copy.name === name ? how(copy) : copy)) })

  const copied = (copy: SimulatedCopy, step: Bytes): SimulatedCopy => {
    const end = Math.min(copy.sourceBytes, copy.targetBytes)
    const length = Math.min(step, end - copy.done)
    bits(copy.target).write(copy.done, bits(copy.source).read(copy.done, length))
    const done = copy.done + length
    if (done < end) return { ...copy, done }
    const full = copy.targetBytes < copy.sourceBytes
    return {
      ...copy,
      done,
      running: false,
      exit: `dd=${full ? 1 : 0} sync=0`,
      ...(full ? { error: outOfSpace(copy.target) } : {}),
    }
  }
  const compared = (copy: SimulatedCopy, one: Process, step: Bytes): Process => {
    const done = Math.min(copy.needs, one.done + step)
    const [a, b] = [bits(copy.source), bits(copy.target)].map(disk => disk.read(one.done, done - one.done))
    const place = a!.findIndex((byte, at) => byte !== b![at])
    if (place >= 0)
      return {
        ...one,
        done,
        running: false,
        exit: 'dd=141 cmp=1 flush=0',
        compared: `- ${copy.target} differ: char ${one.done + place + 1}, line 1`,
      }
    return done < copy.needs ? { ...one, done } : { ...one, done, running: false, exit: 'dd=0 cmp=0 flush=0' }
  }
  const push = (bytes: Bytes = pace): void => {
    for (const copy of kept.copies) {
      if (copy.running) change(copy.name, now => copied(now, bytes))
      else if (copy.verify?.running) change(copy.name, now => ({ ...now, verify: compared(now, now.verify!, bytes) }))
    }
  }
  const settle = (): void => {
    if (pace === Number.POSITIVE_INFINITY) push()
  }
  save({})
  return {
    disks: () => kept.disks,
    at,
    bits,
    attach: disk => save({ disks: [...kept.disks.filter(one => one.path !== disk.path), disk] }),
    detach: path => save({ disks: kept.disks.filter(one => one.path !== path) }),
    set: (path, changed) => save({ disks: kept.disks.map(disk => (disk.path === path ? { ...disk, ...changed } : disk)) }),
    copies: () => kept.copies,
    start(copy) {
      save({ copies: [...kept.copies, { ...copy, running: true, done: 0 }] })
      settle()
    },
    verify(name, by) {
      change(name, copy => ({ ...copy, verify: { by, running: true, done: 0 } }))
      settle()
    },
    stop: name =>
      change(name, copy =>
        copy.running
          ? { ...copy, running: false, stopped: true }
          : { ...copy, verify: { ...copy.verify!, running: false, stopped: true } },
      ),
    forget: name => save({ copies: kept.copies.filter(copy => copy.name !== name) }),
    repair(path) {
      const [disk, label] = [bits(path), bits(path).label()]
      disk.setLabel({ ...label, sectors: (at(path)?.bytes ?? 0) / SECTOR })
    },
    push,
    kill: (name, only) =>
      change(name, copy => ({ ...copy, running: false, ...(only === 'dd' ? { exit: 'dd=137 sync=0' } : {}) })),
    close() {
      for (const one of open.values()) one.close()
    },
  }
}
