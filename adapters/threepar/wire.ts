import type { Device } from '../../src/kit/device.ts'
import { Misread, Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import type { Word } from '../../src/kit/quote.ts'
import { firstWords, type Output, type Shell } from '../../src/kit/shell.ts'
import { questionIn } from '../../src/kit/text.ts'
import type { Millis } from '../../src/kit/units.ts'
import { complaintIn } from './cli-text.ts'
import { cli, type Verb } from './commands.ts'
import { type HostPaths, readHostPaths } from './hosts.ts'
import { type Nodes, type PowerSupplies, readNodes, readPowerSupplies, readWebApi, type WebApi } from './nodes.ts'
import { type RcipPorts, readRcipPorts } from './ports.ts'
import { type Link, type RemoteCopy, readGroups, readLinks, readRemoteCopy, readTargets, type Target } from './rcopy.ts'
import type { Group } from './rcopy-groups.ts'
import { readSystem, readVersion, type System, type Version } from './system.ts'
import { readTasks, type Tasks } from './tasks.ts'

/** The part of a call that the wire needs. */
export interface Sending {
  readonly signal: AbortSignal
  go(): void
}

/** A change that was answered. Nobody documents the exit codes: they are a hint, and the state is the verdict. */
export interface Sent {
  readonly saidYes: boolean
  readonly said: string
}

/** One 3PAR, Primera or Alletra array. Reads throw Misread rather than half an answer; changes are sent and not judged here. */
export interface StoreServ extends Device {
  remoteCopy(signal: AbortSignal): Promise<RemoteCopy>
  groups(signal: AbortSignal): Promise<{ readonly groups: readonly Group[]; readonly count: number }>
  /** Undefined when the array says in words that it has no such group. */
  find(group: string, signal: AbortSignal): Promise<Group | undefined>
  targets(signal: AbortSignal): Promise<{ readonly targets: readonly Target[]; readonly count: number }>
  links(signal: AbortSignal): Promise<{ readonly links: readonly Link[]; readonly count: number }>
  system(signal: AbortSignal): Promise<System>
  version(signal: AbortSignal): Promise<Version>
  hostPaths(signal: AbortSignal, host?: string): Promise<HostPaths>
  rcipPorts(signal: AbortSignal): Promise<RcipPorts>
  nodes(signal: AbortSignal): Promise<Nodes>
  powerSupplies(signal: AbortSignal): Promise<PowerSupplies>
  webApi(signal: AbortSignal): Promise<WebApi>
  tasks(signal: AbortSignal): Promise<Tasks>
  send(verb: Verb, group: string, call: Sending): Promise<Sent>
}

/** A switchover waits for its tasks; everything else comes back at once. */
export const SWITCHOVER: Millis = 10 * 60_000

export function storeServ(shell: Shell): StoreServ {
  const ask = async (words: readonly Word[], signal: AbortSignal): Promise<Output> => {
    const output = await shell.exec(words, { signal })
    busy(output)
    return output
  }
  const read = async <T>(words: readonly Word[], reading: (text: string) => T, signal: AbortSignal): Promise<T> =>
    understood(await ask(words, signal), reading)
  return {
    remoteCopy: signal => read(cli.remoteCopy(), readRemoteCopy, signal),
    groups: signal => read(cli.groups(), readGroups, signal),
    async find(group, signal) {
      const output = await ask(cli.group(group), signal)
      if (saysNoSuchGroup(output, group)) return undefined
      const { groups } = understood(output, readGroups)
      const [only] = groups
      if (!only || groups.length > 1 || only.group !== group)
        throw new Misread(
          `${group} was asked for, and ${groups.map(one => one.group).join(', ') || 'nothing'} answered`,
          output.stdout,
        )
      return only
    },
    targets: signal => read(cli.targets(), readTargets, signal),
    links: signal => read(cli.links(), readLinks, signal),
    system: signal => read(cli.system(), readSystem, signal),
    version: signal => read(cli.version(), readVersion, signal),
    hostPaths: (signal, host) => read(host === undefined ? cli.hostPaths() : cli.hostPathsOf(host), readHostPaths, signal),
    rcipPorts: signal => read(cli.rcipPorts(), readRcipPorts, signal),
    async nodes(signal) {
      const found = await read(cli.nodes(), readNodes, signal)
      // No total ends this table: the system says how many rows there are to be.
      const { nodes } = await read(cli.system(), readSystem, signal)
      if (found.count !== nodes) throw new Misread(`the system has ${nodes} nodes, and ${found.count} are listed`, '')
      return found
    },
    powerSupplies: signal => read(cli.powerSupplies(), readPowerSupplies, signal),
    webApi: signal => read(cli.webApi(), readWebApi, signal),
    tasks: signal => read(cli.tasks(), readTasks, signal),
    async send(verb, group, call) {
      const timeout = verb === 'switchover' ? { timeout: SWITCHOVER } : {}
      const output = await shell.exec(cli.change(verb, group), { signal: call.signal, go: () => call.go(), ...timeout })
      busy(output)
      const question = questionIn(`${output.stdout}\n${output.stderr}`)
      if (question !== undefined) throw new Uncertain(`it asked a question and nobody answered it: ${question}`)
      return { saidYes: output.code === 0 && complaintOf(output) === undefined, said: wordsOf(output) }
    },
    close: () => shell.close(),
  }
}

/** An array has few places for commands; one that finds none was not run at all, and may be sent again. */
function busy(output: Output): void {
  if (/too many local cli connections/i.test(`${output.stderr}\n${output.stdout}`))
    throw new Unreachable('the array had no place for another command: too many local CLI connections')
}

function understood<T>(output: Output, reading: (text: string) => T): T {
  const { stdout, stderr, code } = output
  if (code !== 0) throw new Refused(wordsOf(output))
  const complaint = complaintIn(stderr)
  if (complaint !== undefined) throw new Misread(complaint, `${stdout}\n${stderr}`)
  return reading(stdout)
}

/** "Error: group matching rcg_x does not exist", beside an answer without groups in it. */
const saysNoSuchGroup = ({ stdout, stderr }: Output, group: string): boolean =>
  `${stderr}\n${stdout}`.split('\n').some(line => /^\s*error:.*\bgroup\b.*\bdoes not exist\b/i.test(line) && line.includes(group))

/** "Error: ...", or a task that ended in another way than done. */
const complaintOf = ({ stdout, stderr }: Output): string | undefined =>
  complaintIn(`${stderr}\n${stdout}`) ?? /^\s*Task \d+ (?!done\b).*$/m.exec(stdout)?.[0].trim()

const wordsOf = (output: Output): string => {
  const complaint = complaintOf(output)
  return firstWords(complaint === undefined ? output : { ...output, stdout: complaint, stderr: '' })
}
