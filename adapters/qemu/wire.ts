import type { Device } from '../../src/kit/device.ts'
import { Misread, Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { Broken, type Link, type Message, openLink, type Way } from './link.ts'

/** A QMP command: what the preview of a plan shows, and what is sent. */
export interface Command {
  readonly execute: string
  readonly args: Readonly<Record<string, unknown>>
}

/** The part of a call that the wire needs. */
export interface Sending {
  readonly signal: AbortSignal
  go(): void
}

export interface Heard {
  readonly at: Millis // by the clock of the machine QEMU runs on
  readonly event: string
  readonly about: string // the id of a job or an export, or the name of a node
  readonly says: string
}

/** Who QEMU is to an iSCSI array: a name that masking knows, and CHAP accounts by the names that sentences use. */
export interface Initiator {
  readonly initiator?: string | undefined // an IQN; without it QEMU makes one up
  readonly accounts: Readonly<Record<string, { readonly user: string; readonly password: string }>>
}

/** QEMU or its storage daemon. Reads throw Misread rather than half an answer; changes are sent and not judged here. */
export interface Monitor extends Device {
  readonly iscsi: Initiator
  ask<T>(command: Command, reading: (value: unknown) => T, signal: AbortSignal): Promise<T>
  change(command: Command, call: Sending): Promise<void>
  /** What it said unasked while we were connected, oldest first: an event may be in the past when somebody asks for it. */
  heard(): readonly Heard[]
}

const ANSWER: Millis = 30_000
const MOST_EVENTS = 500

/**
 * The monitor behind a socket. It connects when it is needed, and again after the connection broke.
 * `redact` takes the secrets of the site file out of everything that people may come to read.
 */
export function monitorAt(way: Way, iscsi: Initiator, redact: (text: string) => string): Monitor {
  const events: Heard[] = []
  let link: Promise<Link> | undefined
  const hear = (message: Message): void => {
    events.push(heardIn(message, redact))
    if (events.length > MOST_EVENTS) events.shift()
  }
  const linked = async (signal: AbortSignal): Promise<Link> => {
    const old = await link?.catch(() => undefined)
    if (old?.alive()) return old
    link = openLink(way, signal, hear)
    return link
  }
  const send = async ({ execute, args }: Command, asked: AbortSignal, go?: () => void): Promise<unknown> => {
    const signal = AbortSignal.any([asked, AbortSignal.timeout(ANSWER)])
    if (signal.aborted) throw new Unreachable('it was too late to send')
    const to = await linked(signal)
    if (signal.aborted) throw new Unreachable('it was too late to send')
    go?.()
    const { answer, giveUp } = to.say(execute, args)
    try {
      return returned(await Promise.race([answer, late(signal)]), redact)
    } catch (error) {
      giveUp()
      if (error instanceof Broken) to.close()
      throw error instanceof Broken ? broken(error, execute, go !== undefined, redact) : error
    }
  }
  return {
    iscsi,
    ask: async (command, reading, signal) => reading(await send(command, signal)),
    change: async (command, call) => void (await send(command, call.signal, () => call.go())),
    heard: () => [...events],
    close: async () => {
      const old = await link?.catch(() => undefined)
      old?.close()
      await way.close()
    },
  }
}

/** The command as people read it in a plan. */
export const shown = ({ execute, args }: Command): string =>
  Object.keys(args).length === 0 ? execute : `${execute} ${JSON.stringify(args)}`

/** The answer's value. An error is a no: QEMU either does a command, or says why not and leaves everything as it was. */
function returned(message: Message, redact: (text: string) => string): unknown {
  if ('return' in message) return message['return']
  const error = message['error']
  if (typeof error !== 'object' || error === null || !('desc' in error)) throw new Broken('garbled', JSON.stringify(message))
  throw new Refused(`QEMU said no: ${redact(String(error.desc)).replace(/\s+/g, ' ').trim().slice(0, 300)}`)
}

function broken({ how, raw }: Broken, execute: string, change: boolean, redact: (text: string) => string): Error {
  if (how === 'ended') return new Uncertain(`${execute} was sent, and the connection ended before its answer`)
  const what = how === 'endless' ? 'the answer did not end' : 'the answer is not QMP'
  return change ? new Uncertain(`${execute} was sent, and ${what}`) : new Misread(`${execute}: ${what}`, redact(raw))
}

const late = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const giveUp = (): void => reject(new Uncertain('it was sent, and nothing answered in time'))
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  })

const text = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')

function heardIn(message: Message, redact: (text: string) => string): Heard {
  const fields = Object(message['data']) as Readonly<Record<string, unknown>>
  const time = Object(message['timestamp']) as Readonly<Record<string, unknown>>
  const about = text(fields['device'] ?? fields['id'] ?? fields['node-name'])
  const says = ['status', 'operation', 'action', 'error', 'reason'].map(name => text(fields[name])).filter(Boolean)
  return {
    at: Number(time['seconds'] ?? 0) * 1_000,
    event: text(message['event']),
    about,
    says: redact(says.join(' ')).slice(0, 200),
  }
}
