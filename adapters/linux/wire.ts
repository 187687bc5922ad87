import type { Device } from '../../src/kit/device.ts'
import { Misread, Refused, Uncertain } from '../../src/kit/errors.ts'
import type { Word } from '../../src/kit/quote.ts'
import { firstWords, type Shell } from '../../src/kit/shell.ts'
import { questionIn } from '../../src/kit/text.ts'
import type { Bytes, Millis } from '../../src/kit/units.ts'
import { type Files, readFiles } from './copies.ts'
import { diskAt, diskOf, type Pins, pinned } from './find.ts'
import { type Disk, readDisks } from './lsblk.ts'
import { type Probe, readProbe } from './probe.ts'
import { NO } from './scripts.ts'
import { readTable, readVerdict, type Table, type Verdict } from './tables.ts'
import { type CopyOrder, type Found, type Saying, words } from './words.ts'

/** A disk that was found by its id, with what stands on it. */
export interface OneDisk extends Probe {
  readonly disk: string // the id that was asked for
  readonly found: Found
  readonly mounts: readonly string[]
  readonly users: readonly string[]
  readonly layout?: Table // where there is a partition table
}

/** The part of a call that the wire needs. */
export interface Sending {
  readonly signal: AbortSignal
  go(): void
}

/** A change that was answered. `no` says that the host refused before it did anything. */
export interface Sent {
  readonly saidYes: boolean
  readonly no?: string
  readonly said: string // for people
}

/** A Linux host, here for its disks. Reads throw Refused or Misread, never half an answer; changes are sent and not judged here. */
export interface LinuxHost extends Device {
  disks(signal: AbortSignal): Promise<readonly Disk[]>
  disk(id: string, signal: AbortSignal): Promise<OneDisk>
  /** The same without the partition table. */
  device(id: string, signal: AbortSignal): Promise<OneDisk>
  /** Where a disk is now that was found earlier: the kernel may have renamed it. */
  relocate(found: Found, signal: AbortSignal): Promise<Found>
  verdict(found: Found, signal: AbortSignal): Promise<Verdict>
  files(copy: string, signal: AbortSignal): Promise<Files>
  start(order: CopyOrder, call: Sending): Promise<Sent>
  verify(copy: string, intent: string, source: Found, target: Found, bytes: Bytes, call: Sending): Promise<Sent>
  stop(copy: string, call: Sending): Promise<Sent>
  forget(copy: string, call: Sending): Promise<Sent>
  set(found: Found, readOnly: boolean, call: Sending): Promise<Sent>
  repair(found: Found, call: Sending): Promise<Sent>
}

/** Where the site file says nothing else; also what the preview of a plan shows. */
export const USUAL: Saying = { sudo: false, folder: '/var/lib/signalbox' }

/** How long one change may live: the locks of a disk may be waited for twice, and a copy has twenty seconds to end. */
export const TAKES: Millis = 60_000

export function linuxHost(shell: Shell, saying: Saying, pins: Pins = {}): LinuxHost {
  const say = words(saying)
  const read = async <T>(words: readonly Word[], reading: (text: string) => T, signal: AbortSignal): Promise<T> => {
    const output = await shell.exec(words, { signal })
    if (output.code !== 0) throw new Refused(firstWords(output))
    const question = questionIn(output.stderr)
    if (question !== undefined) throw new Misread(`it asked a question and nobody answered it: ${question}`, output.stderr)
    return reading(output.stdout)
  }
  const change = async (words: readonly Word[], call: Sending): Promise<Sent> => {
    const output = await shell.exec(words, { signal: call.signal, go: () => call.go(), timeout: TAKES })
    const question = questionIn(`${output.stdout}\n${output.stderr}`)
    if (question !== undefined) throw new Uncertain(`it asked a question and nobody answered it: ${question}`)
    const no = output.code === NO ? /^no: (.{1,300})$/m.exec(output.stdout)?.[1] : undefined
    return { saidYes: output.code === 0, ...(no === undefined ? {} : { no }), said: no ?? firstWords(output) }
  }
  const listed = (signal: AbortSignal) => read(say.disks(), readDisks, signal)
  const locate = async (id: string, pin: string | undefined, signal: AbortSignal) => {
    if (pin === undefined) return diskOf(id, await listed(signal))
    return diskAt(id, pin, await read(say.resolve(pin), readPath, signal), await listed(signal))
  }
  const device = async (id: string, signal: AbortSignal): Promise<OneDisk> => {
    const { disk, found } = await locate(id, pinned(id, pins), signal)
    const probe = await read(say.probe(found.path), readProbe, signal)
    if (probe.bytes !== disk.bytes || probe.readOnly !== disk.readOnly)
      throw new Misread(`${found.path} is another disk than a moment ago, or it changed`, '')
    return { disk: id, found, mounts: disk.mounts, users: disk.users, ...probe }
  }
  return {
    disks: listed,
    device,
    async disk(id, signal) {
      const one = await device(id, signal)
      if (one.table === undefined) return one
      const layout = await read(say.table(one.found.path), readTable, signal)
      if (layout.sectors * layout.sector !== one.bytes)
        throw new Misread(`sgdisk and blockdev do not agree on the size of ${one.found.path}`, '')
      return { ...one, layout }
    },
    relocate: async ({ mark }, signal) => {
      const id = mark.slice(mark.indexOf(':') + 1)
      return (await locate(id, mark.startsWith('path:') ? id : undefined, signal)).found
    },
    verdict: (found, signal) => read(say.verdict(found.path), readVerdict, signal),
    async files(copy, signal) {
      const files = await read(say.look(copy), readFiles, signal)
      if (files.copy !== copy) throw new Misread(`copy ${copy} was asked for, and ${files.copy} answered`, '')
      return files
    },
    start: (order, call) => change(say.start(order), call),
    verify: (copy, intent, source, target, bytes, call) => change(say.verify(copy, intent, source, target, bytes), call),
    stop: (copy, call) => change(say.stop(copy), call),
    forget: (copy, call) => change(say.forget(copy), call),
    set: (found, readOnly, call) => change(say.set(found, readOnly), call),
    repair: (found, call) => change(say.repair(found), call),
    close: () => shell.close(),
  }
}

/** `readlink -e`: one path of a device and nothing else. */
function readPath(text: string): string {
  const found = /^(\/dev\/[A-Za-z0-9_./-]{1,200})\n?$/.exec(text)
  if (!found) throw new Misread('readlink: this is no path of a device', text)
  return found[1]!
}
