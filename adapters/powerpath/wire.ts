import type { Device } from '../../src/kit/device.ts'
import { Misread, Refused, Uncertain } from '../../src/kit/errors.ts'
import type { Word } from '../../src/kit/quote.ts'
import { firstWords, type Output, type Shell } from '../../src/kit/shell.ts'
import { questionIn } from '../../src/kit/text.ts'
import type { Bytes } from '../../src/kit/units.ts'
import { type Dialing, powermig, powermt, probes, type Verb } from './commands.ts'
import { readSession, readSessions, readSetup, type Session } from './powermig.ts'
import { type MultipathDevice, type Multipaths, readPaths } from './powermt.ts'
import { type Hbas, readHbas, readVersion, type Version } from './powermt-summary.ts'
import { readBlkid, readSize, readWmic } from './probes.ts'

export type Platform = 'windows' | 'linux' | 'aix' | 'hpux'

export interface Layout {
  readonly bytes?: Bytes
  readonly empty?: boolean // no partition table, no signature: as far as the platform can tell
}

/** The part of a call that the wire needs. */
export interface Sending {
  readonly signal: AbortSignal
  go(): void
}

/** A host with PowerPath on it. Reads throw Misread rather than half an answer; changes are sent and not judged here. */
export interface PowerPathHost extends Device {
  readonly platform: Platform
  hbas(signal: AbortSignal): Promise<Hbas>
  paths(signal: AbortSignal): Promise<Multipaths>
  device(name: string, signal: AbortSignal): Promise<MultipathDevice>
  version(signal: AbortSignal): Promise<Version>
  sessions(signal: AbortSignal): Promise<readonly Session[]>
  session(session: number, signal: AbortSignal): Promise<Session>
  layout(disk: string, signal: AbortSignal): Promise<Layout>
  setup(source: string, target: string, call: Sending): Promise<Sent>
  throttle(session: number, level: number, call: Sending): Promise<Sent>
  send(verb: Verb, session: number, call: Sending): Promise<Sent>
}

/** A change that was answered. Exit codes of PowerPath are documented nowhere: they are a hint, and the state is the verdict. */
export interface Sent {
  readonly saidYes: boolean
  readonly said: string // for people, when it said no
  readonly session?: number // the handle that `setup` printed
}

export function powerPathHost(shell: Shell, platform: Platform, dialing: Dialing): PowerPathHost {
  const [mt, mig] = [powermt(dialing), powermig(dialing)]
  const read = async <T>(words: readonly Word[], reading: (text: string) => T, signal: AbortSignal): Promise<T> => {
    const { stdout, stderr, code } = await shell.exec(words, { signal })
    if (code !== 0) throw new Refused(firstWords({ stdout, stderr, code }))
    const question = questionIn(stderr)
    if (question !== undefined) throw new Misread(`it asked a question and nobody answered it: ${question}`, stderr)
    return reading(stdout)
  }
  const change = async (words: readonly Word[], call: Sending): Promise<Output> => {
    const output = await shell.exec(words, { signal: call.signal, go: () => call.go() })
    const question = questionIn(`${output.stdout}\n${output.stderr}`)
    if (question !== undefined) throw new Uncertain(`it asked a question and nobody answered it: ${question}`)
    return output
  }
  const sent = (output: Output): Sent => ({ saidYes: output.code === 0, said: firstWords(output) })
  return {
    platform,
    hbas: signal => read(mt.summary(), readHbas, signal),
    paths: signal => read(mt.all(), readPaths, signal),
    device: async (name, signal) => only(name, await read(mt.device(named(name, platform)), readPaths, signal)),
    version: signal => read(mt.version(), readVersion, signal),
    sessions: async signal => (await read(mig.list(), readSessions, signal)).sessions,
    session: async (session, signal) => {
      const found = await read(mig.session(session), readSession, signal)
      if (found.session !== session)
        throw new Misread(`session ${session} was asked for, and session ${found.session} answered`, '')
      return found
    },
    layout: (disk, signal) => layoutOf(shell, platform, named(disk, platform), signal),
    async setup(source, target, call) {
      const output = await change(mig.setup(named(source, platform), named(target, platform)), call)
      return output.code === 0 ? { ...sent(output), ...readSetup(output.stdout) } : sent(output)
    },
    throttle: async (session, level, call) => sent(await change(mig.throttle(session, level), call)),
    send: async (verb, session, call) => sent(await change(mig.verb(verb, session), call)),
    close: () => shell.close(),
  }
}

/** On Windows powermig takes harddiskNN and nothing else: not the symdev, the LUN name, its id or its UID (seed 000). */
export function named(disk: string, platform: Platform): string {
  if (platform === 'windows' && !/^harddisk\d{1,4}$/.test(disk)) {
    throw new Refused(
      `${disk} is not a disk name that PowerPath takes on Windows: use harddiskNN, where NN is the PHYSICALDRIVE number`,
    )
  }
  return disk
}

/** A device is asked for by its pseudo name; a native one (HP-UX) by the name of one of its paths. */
function only(name: string, { devices }: Multipaths): MultipathDevice {
  const [device] = devices
  if (!device || devices.length > 1 || (device.pseudo ?? name) !== name) {
    throw new Misread(`${name} was asked for, and ${devices.map(one => one.pseudo ?? one.device).join(', ')} answered`, '')
  }
  return device
}

async function layoutOf(shell: Shell, platform: Platform, disk: string, signal: AbortSignal): Promise<Layout> {
  switch (platform) {
    case 'linux': {
      const size = await shell.exec(probes.linux.size(disk), { signal })
      const signature = await shell.exec(probes.linux.signature(disk), { signal })
      return { ...readSize(size, 1), ...readBlkid(signature) }
    }
    case 'windows':
      return readWmic(await shell.exec(probes.windows.size(disk), { signal }))
    case 'aix':
      return readSize(await shell.exec(probes.aix.size(disk), { signal }), 1024 * 1024)
    case 'hpux':
      return readSize(await shell.exec(probes.hpux.size(disk), { signal }), 1024)
  }
}
