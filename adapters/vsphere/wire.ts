import type { Device } from '../../src/kit/device.ts'
import { Misread, Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { type Address, Broken, post } from './link.ts'
import { type Content, contentIn, type Login, loginRequest, logoutRequest, machinesRequest, ROOT, viewIn } from './session.ts'
import { answerIn, envelope, Fault, type Ref, type Request } from './soap.ts'
import type { Element } from './xml.ts'

/** What a login has shown: the objects everything begins at, and a view of all machines that lives as long as the session. */
export interface Known extends Content {
  readonly machines: Ref
}

/** The part of a call that the wire needs. */
export interface Sending {
  readonly signal: AbortSignal
  go(): void
}

/** A vCenter or an ESXi. Reads throw Misread rather than half an answer; changes are sent and not judged here. */
export interface VCenter extends Device {
  readonly settings: Settings
  ask<T>(request: (known: Known) => Request, reading: (answer: readonly Element[]) => T, signal: AbortSignal): Promise<T>
  /** The single value of the answer, if the method has one: a task. */
  change(request: Request, call: Sending): Promise<Element | undefined>
}

/** What the reads need to know beside the address. */
export interface Settings {
  readonly lists: string // the folder for lists of changed blocks and for orders
  readonly nbd?: string | undefined
  readonly vddk?:
    | {
        readonly libdir: string
        readonly thumbprint: string
        readonly passwordFile: string
        readonly transports?: string | undefined
      }
    | undefined
  readonly host: string
  readonly username: string
}

interface Session {
  readonly known: Known
  readonly cookie: string | undefined
}

const ANSWER: Millis = 60_000
const GOODBYE: Millis = 3_000

/**
 * Logs in when it is first needed, and keeps the session. When vCenter has forgotten it, it logs in again, once: a method that is
 * answered with NotAuthenticated has not been carried out, so that even a change may be sent again, after another `go`.
 */
export function vcenterAt(address: Address, login: Login, settings: Settings): VCenter {
  let session: Promise<Session> | undefined
  const logIn = async (signal: AbortSignal): Promise<Session> => {
    const { answer } = await exchange(address, { method: 'RetrieveServiceContent', of: ROOT, args: [] }, undefined, signal)
    const content = contentIn(answer)
    const { cookie } = await exchange(address, loginRequest(content, login), undefined, signal)
    const { answer: view } = await exchange(address, machinesRequest(content), cookie, signal)
    return { known: { ...content, machines: viewIn(view) }, cookie }
  }
  const loggedIn = (signal: AbortSignal): Promise<Session> => {
    const mine = session ?? logIn(signal)
    session = mine
    mine.catch(() => {
      if (session === mine) session = undefined
    })
    return mine
  }
  const send = async (make: (known: Known) => Request, asked: AbortSignal, go?: () => void): Promise<readonly Element[]> => {
    const signal = AbortSignal.any([asked, AbortSignal.timeout(ANSWER)])
    if (signal.aborted) throw new Unreachable('it was too late to send')
    for (let again = false; ; again = true) {
      const old = await (go ? beforehand(() => loggedIn(signal)) : loggedIn(signal))
      try {
        return (await exchange(address, make(old.known), old.cookie, signal, go)).answer
      } catch (error) {
        if (!(error instanceof Fault && ended(error, old.known)) || again) throw error
        if ((await session?.catch(() => undefined)) === old) session = undefined
      }
    }
  }
  return {
    settings,
    ask: async (make, reading, signal) => {
      try {
        return reading(await send(make, signal))
      } catch (error) {
        throw error instanceof Fault ? refusal(error) : error
      }
    },
    change: async (request, call) => {
      try {
        const [value, ...more] = await send(
          () => request,
          call.signal,
          () => call.go(),
        )
        if (more.length > 0) throw new Uncertain(`${request.method} was sent, and answered with more than one value`)
        return value
      } catch (error) {
        throw error instanceof Fault ? noToChange(error, request.method) : error
      }
    },
    close: async () => {
      const old = await session?.catch(() => undefined)
      session = undefined
      // A session that cannot be ended ends by itself, half an hour later.
      if (old) await exchange(address, logoutRequest(old.known), old.cookie, AbortSignal.timeout(GOODBYE)).catch(() => {})
    },
  }
}

/** The session is over. Its view of the machines dies with it, and some notice that first (vcsim does). */
const ended = ({ kind, object }: Fault, { machines }: Known): boolean =>
  kind === 'NotAuthenticated' || (kind === 'ManagedObjectNotFound' && object === machines.id)

/** One question and its answer. Only a change has a `go`, and only a change that came to nothing readable is Uncertain. */
async function exchange(
  address: Address,
  request: Request,
  cookie: string | undefined,
  signal: AbortSignal,
  go?: () => void,
): Promise<{ readonly answer: readonly Element[]; readonly cookie?: string }> {
  const { method } = request
  try {
    const { status, text, cookie: set } = await post(address, { body: envelope(request), cookie }, signal, go)
    if (status !== 200 && status !== 500) throw new Misread(`${method} was answered with HTTP ${status}`, text.slice(0, 2_000))
    const answer = answerIn(text, method)
    if (status !== 200) throw new Misread(`${method} was answered with HTTP ${status} and no fault`, text.slice(0, 2_000))
    return { answer, ...(set === undefined ? {} : { cookie: set }) }
  } catch (error) {
    if (error instanceof Broken) throw broken(error, method, go !== undefined)
    if (error instanceof Misread && go) throw new Uncertain(`${method} was sent, and its answer cannot be read: ${error.message}`)
    // The answer to a login holds the key of the session: nobody is to read it in a log.
    if (error instanceof Misread && /^Log/.test(method)) throw new Misread(error.message, '')
    throw error
  }
}

function broken({ how }: Broken, method: string, change: boolean): Error {
  switch (how) {
    case 'ended':
      return new Uncertain(`${method} was sent, and the connection ended before its answer`)
    case 'late':
      return new Uncertain(`${method} was sent, and nothing answered in time`)
    case 'endless':
    case 'garbled': {
      const what = how === 'endless' ? 'the answer did not end' : 'the answer is not UTF-8'
      return change ? new Uncertain(`${method} was sent, and ${what}`) : new Misread(`${method}: ${what}`, '')
    }
  }
}

/** A look or a login before a change has sent nothing of the change. */
export async function beforehand<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look()
  } catch (cause) {
    if (!(cause instanceof Uncertain)) throw cause instanceof Fault ? refusal(cause) : cause
    throw new Unreachable(`nothing was sent, because a question before it got no answer: ${cause.message}`, { cause })
  }
}

/** Faults after which nobody knows whether the host has done it. */
const DOUBTFUL = ['SystemError', 'HostCommunication', 'HostNotReachable', 'Timedout', 'unnamed']

const refusal = ({ kind, message }: Fault): Refused =>
  new Refused(
    kind === 'InvalidLogin'
      ? 'vCenter does not take this user name with this password'
      : `vCenter said no: ${said(kind, message)}`,
  )

const noToChange = (fault: Fault, method: string): Error =>
  DOUBTFUL.includes(fault.kind)
    ? new Uncertain(`${method} was sent, and ended in ${said(fault.kind, fault.message)}`)
    : refusal(fault)

export const said = (kind: string, message: string): string => (message === '' ? kind : `${kind}: ${message}`)
