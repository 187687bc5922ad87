import { Misread, Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'

/** EC2 said no, with its code: an id that is not found right after it was made is no no yet. */
export class Denied extends Refused {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Why an answer is worth nothing. What that means depends on whether something was changed. */
export class Spoilt extends Error {
  override name = 'Spoilt'
  readonly raw: string
  constructor(message: string, raw = '') {
    super(message)
    this.raw = raw
  }
}

const THROTTLED = [
  'RequestLimitExceeded',
  'RequestThrottled',
  'Throttling',
  'ThrottlingException',
  'EC2ThrottledException',
  'SlowDown',
]
const EXPIRED = ['ExpiredToken', 'ExpiredTokenException', 'RequestExpired']
/** They come with a status of 500 and say plainly that nothing was made (EC2 API Reference, "Server error codes"). */
const NO_ROOM = /^Insufficient[A-Za-z]*Capacity$/

/** What an error of EC2 means. `code` and `message` are of its own XML; without a code it is not known to be EC2's. */
export function meantBy(status: number, code: string, message: string): Error {
  const said = `EC2 said ${code}: ${message.replace(/\s+/g, ' ').slice(0, 300)}`
  // In all of these EC2 judges the request before it begins with it, so nothing was done and another try may do.
  if (THROTTLED.includes(code)) return new Unreachable(`EC2 takes no more requests for now, and this one was not run (${code})`)
  if (EXPIRED.includes(code)) return new Unreachable(`the credentials have expired and nothing was done: give new ones (${code})`)
  if (code === 'DryRunOperation') return new Uncertain(said)
  if (NO_ROOM.test(code)) return new Denied(code, `${said} Nothing was made: take another type or zone, or wait`)
  // After an InternalError or an Unavailable the effect may be there all the same.
  return status >= 500 ? new Uncertain(said) : new Denied(code, said)
}

const NEVER_CONNECTED =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|CERT_.*|ERR_TLS_.*|.*SELF_SIGNED.*|UNABLE_TO_.*)$/

/** What a failed send means, when EC2 itself said nothing. `sent`: our bytes were handed to the socket's code. */
export function troubleOf(error: unknown, action: string, sent: boolean, change: boolean): Error {
  if ([Refused, Unreachable, Uncertain, Misread].some(kind => error instanceof kind)) return error as Error
  const words = error instanceof Error ? error.message : String(error)
  if (error instanceof Spoilt)
    return change
      ? new Uncertain(`${action} was sent, and ${words}`, { cause: error })
      : new Misread(`${action}: ${words}`, error.raw)
  if (!sent) return new Unreachable(unsent(action, error, words), { cause: error })
  const { code = '', syscall = '' } = Object(error) as { readonly code?: string; readonly syscall?: string }
  if (NEVER_CONNECTED.test(code) || syscall === 'connect' || words.includes('did not establish a connection'))
    return new Unreachable(`no connection to EC2: ${code || words.slice(0, 200)}`, { cause: error })
  return new Uncertain(`${action} was sent, and the connection ended before its answer (${code || words.slice(0, 100)})`, {
    cause: error,
  })
}

/** The SDK's own words about credentials name files and profiles, and no secrets. */
const unsent = (action: string, error: unknown, words: string): string =>
  error instanceof Error && /credential|profile|token/i.test(`${error.name} ${words}`)
    ? `there are no credentials for ${action}: ${words.replace(/\s+/g, ' ').slice(0, 200)}`
    : `${action} was not sent: ${words.replace(/\s+/g, ' ').slice(0, 200)}`
