import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { Unreachable } from '../../src/kit/errors.ts'
import { clean } from '../../src/kit/text.ts'
import type { Bytes, Millis } from '../../src/kit/units.ts'

/** One line of QMP, as an object whose strings have no control characters any more. */
export type Message = Readonly<Record<string, unknown>>

/** Why a connection is worth nothing any more. What that means for a command depends on whether it was a change. */
export class Broken extends Error {
  override name = 'Broken'
  readonly how: 'ended' | 'garbled' | 'endless'
  readonly raw: string
  constructor(how: Broken['how'], raw = '') {
    super(how)
    this.how = how
    this.raw = raw
  }
}

/** How the socket of a monitor is reached: on this machine, or on another one through SSH. */
export interface Way {
  readonly where: string // for people: the path, and the machine if it is another one
  /** Throws Unreachable when nothing listens there. */
  open(signal: AbortSignal): Promise<Duplex>
  close(): Promise<void>
}

/** A socket of this machine. */
export const socketHere = (path: string): Way => ({
  where: path,
  open: () =>
    new Promise((resolve, reject) => {
      const socket = connect({ path }, () => resolve(socket))
      socket.once('error', ({ message }) => reject(new Unreachable(`no connection to the monitor: ${message}`)))
    }),
  close: () => Promise.resolve(),
})

/** One connection to a monitor, after its greeting. */
export interface Link {
  alive(): boolean
  /** Writes now, and answers later: nothing stands between a caller's `go()` and the write. */
  say(execute: string, args: object): { readonly answer: Promise<Message>; readonly giveUp: () => void }
  close(): void
}

/** One answer, and so what waits in memory for its end, is at most this long. */
export const LINE_LIMIT: Bytes = 4 * 1024 * 1024
const GREETING: Millis = 10_000

/** Connects, reads the greeting and leaves the negotiation mode. Whatever fails here, nothing was asked for yet. */
export async function openLink(way: Way, asked: AbortSignal, heard: (event: Message) => void): Promise<Link> {
  const socket = await way.open(asked)
  const signal = AbortSignal.any([asked, AbortSignal.timeout(GREETING)])
  const waiting = new Map<number, { readonly resolve: (message: Message) => void; readonly reject: (error: Broken) => void }>()
  let [last, alive, open] = [0, true, false]
  let greeted = (): void => {}
  let failed = (_: Error): void => {}
  const end = (why: Broken): void => {
    alive = false
    socket.destroy()
    failed(new Unreachable(`the monitor at ${way.where} did not greet as QMP does`))
    for (const { reject } of waiting.values()) reject(why)
    waiting.clear()
  }
  const take = (line: string): void => {
    const message = messageIn(line)
    const id = message?.['id']
    if (message && 'event' in message) heard(message)
    else if (message && !open && 'QMP' in message) greeted()
    // An error without an id means that QEMU could not read a line of ours: which one, it does not say.
    else if (!message || typeof id !== 'number' || id > last) end(new Broken('garbled', line.slice(0, 2_000)))
    else {
      waiting.get(id)?.resolve(message)
      waiting.delete(id)
    }
  }
  const decoder = new StringDecoder('utf8')
  let rest = ''
  socket.on('data', bytes => {
    const lines = (rest + decoder.write(bytes)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (alive) take(line.replace(/\r$/, ''))
    if (rest.length > LINE_LIMIT) end(new Broken('endless'))
  })
  socket.on('end', () => end(new Broken('ended')))
  socket.on('close', () => end(new Broken('ended')))
  const say: Link['say'] = (execute, args) => {
    const id = ++last
    const answer = new Promise<Message>((resolve, reject) => {
      if (!alive) return reject(new Broken('ended'))
      waiting.set(id, { resolve, reject })
      socket.write(`${JSON.stringify({ execute, arguments: args, id })}\r\n`)
    })
    return { answer, giveUp: () => void waiting.delete(id) }
  }
  await new Promise<void>((resolve, reject) => {
    failed = reject
    socket.on('error', ({ message }) => reject(new Unreachable(`no connection to the monitor: ${message}`)))
    // A channel may be closed in the same packet that opened it: its 'close' was before anybody listened.
    if (socket.destroyed || socket.readableEnded) end(new Broken('ended'))
    // A monitor talks to one client at a time: a second one is taken on, and hears nothing.
    const silence = `the monitor at ${way.where} did not greet: another client may hold it, so give Signalbox a monitor of its own`
    const giveUp = (): void => {
      reject(new Unreachable(silence))
      end(new Broken('ended'))
    }
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
    greeted = () => {
      open = true
      say('qmp_capabilities', {}).answer.then(
        () => {
          signal.removeEventListener('abort', giveUp)
          resolve()
        },
        () => reject(new Unreachable(`the monitor at ${way.where} ended the connection during the greeting`)),
      )
    }
  })
  return { alive: () => alive, say, close: () => end(new Broken('ended')) }
}

function messageIn(line: string): Message | undefined {
  try {
    const parsed: unknown = JSON.parse(line, (_, value: unknown) => (typeof value === 'string' ? clean(value) : value))
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? { ...parsed } : undefined
  } catch {
    return undefined
  }
}
