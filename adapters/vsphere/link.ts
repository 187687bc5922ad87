import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { Unreachable } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { ANSWER_LIMIT } from './xml.ts'

/** Where a vCenter is, and by which certificate it is known. */
export interface Address {
  readonly url: URL
  readonly thumbprint?: string | undefined // SHA-256 of its certificate, hex digits
}

export interface Answer {
  readonly status: number
  readonly text: string
  readonly cookie?: string // name=value, if the answer sets one
}

/** Why an answer is worth nothing. What that means for the request depends on whether it was a change. */
export class Broken extends Error {
  override name = 'Broken'
  readonly how: 'ended' | 'late' | 'endless' | 'garbled'
  constructor(how: Broken['how']) {
    super(how)
    this.how = how
  }
}

const CONNECTING: Millis = 10_000

/**
 * Sends one SOAP message over a connection of its own. Until the connection stands and is the right one, nothing has been sent, so
 * that everything that fails before is Unreachable; afterwards it is Broken. `go` is asked right before the write.
 */
export async function post(
  to: Address,
  { body, cookie }: { readonly body: string; readonly cookie?: string | undefined },
  signal: AbortSignal,
  go?: () => void,
): Promise<Answer> {
  if (signal.aborted) throw new Unreachable('it was too late to send')
  const socket = await connected(to, signal)
  const sending = request({
    createConnection: () => socket,
    method: 'POST',
    path: to.url.pathname,
    headers: {
      host: to.url.host,
      'content-type': 'text/xml; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      soapaction: '"urn:vim25/6.0"', // without a version, vCenter speaks its oldest dialect
      'user-agent': 'Signalbox',
      connection: 'close',
      ...(cookie === undefined ? {} : { cookie }),
    },
  })
  const answer = new Promise<Answer>((resolve, reject) => {
    const late = (): void => reject(new Broken('late'))
    signal.addEventListener('abort', late, { once: true })
    sending.on('error', () => reject(new Broken('ended')))
    sending.on('response', response => {
      const parts: Buffer[] = []
      let bytes = 0
      response.on('data', (part: Buffer) => {
        bytes += part.length
        if (bytes > ANSWER_LIMIT) reject(new Broken('endless'))
        else parts.push(part)
      })
      response.on('error', () => reject(new Broken('ended')))
      response.on('end', () => {
        if (!response.complete) return reject(new Broken('ended'))
        const set = cookieIn(response.headers['set-cookie'])
        const text = textOf(Buffer.concat(parts))
        if (text === undefined) return reject(new Broken('garbled'))
        resolve({ status: response.statusCode ?? 0, text, ...(set === undefined ? {} : { cookie: set }) })
      })
    })
  })
  // Whatever happens below, a broken connection is somebody's to hear of.
  answer.catch(() => {})
  try {
    if (signal.aborted) throw new Unreachable('it was too late to send')
    go?.()
    sending.end(body)
    return await answer
  } finally {
    sending.destroy()
    socket.destroy()
  }
}

async function connected({ url, thumbprint }: Address, asked: AbortSignal): Promise<Socket> {
  const signal = AbortSignal.any([asked, AbortSignal.timeout(CONNECTING)])
  const secure = url.protocol === 'https:'
  const at = { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || (secure ? 443 : 80)) }
  // The pin below is stricter than any chain of trust, and most vCenters sign their certificates themselves.
  const socket = secure ? connectTls({ ...at, rejectUnauthorized: false, minVersion: 'TLSv1.2' }) : connect(at)
  try {
    await new Promise<void>((resolve, reject) => {
      const no = (why: string): void => reject(new Unreachable(`no connection to ${url.host}: ${why}`))
      socket.once(secure ? 'secureConnect' : 'connect', () => resolve())
      socket.on('error', ({ message }) => no(message))
      socket.once('close', () => no('it was closed at once'))
      signal.addEventListener('abort', () => no(asked.aborted ? 'it was too late to send' : 'it did not answer in time'), {
        once: true,
      })
    })
    if (secure) pinned(socket as TLSSocket, thumbprint, url.host)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** Before a password is on its way: is it the vCenter that the site file means? */
function pinned(socket: TLSSocket, thumbprint: string | undefined, host: string): void {
  const met = socket.getPeerX509Certificate()?.fingerprint256
  if (met === undefined) throw new Unreachable(`${host} shows no certificate`)
  if (thumbprint === undefined)
    throw new Unreachable(`${host} has the certificate ${met}: compare it on the machine itself, and give it as its thumbprint`)
  if (bare(met) !== bare(thumbprint))
    throw new Unreachable(`${host} has the certificate ${met}, and not the one that its thumbprint names: nothing was sent`)
}

const bare = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase()

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** The session, as it is to be sent back: quotes and all. */
const cookieIn = (set: readonly string[] | undefined): string | undefined =>
  set?.map(one => /^vmware_soap_session=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e"]{1,400}(?=;|$)/.exec(one)?.[0]).find(Boolean)
