import { Refused, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import { clean } from '../../src/kit/text.ts'
import type { Millis } from '../../src/kit/units.ts'

/** What an S3 said in place of an answer: status, code and message of its error document (S3 API reference, Error Responses). */
export interface Trouble {
  readonly status: number
  readonly code: string // of the document; where there is none, as for HEAD, the status
  readonly message: string
  readonly region?: string // where the bucket is, when it is asked in another region
  readonly skew?: Millis // our clock minus theirs
}

/** S3 said no, with a code. */
export class Answered extends Refused {
  readonly code: string
  readonly status: number
  constructor(message: string, { code, status }: Trouble) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** S3 answered with a fault of its own: what it was asked for may have happened. */
export class Faulted extends Uncertain {}

/**
 * It takes nothing now, and says so before it begins. Of a change only what says that in so many words: Swift answers "service unavailable"
 * when too few of its disks took an object, and some may have.
 */
export const wantsPatience = ({ code, status }: Trouble, wrote: boolean): boolean =>
  ['SlowDown', 'TooManyRequests', 'RequestLimitExceeded'].includes(code) || status === 429 || (status === 503 && !wrote)

const EXPIRED = 'the credentials have expired: give new ones'
const UNKNOWN = 'S3 does not know the credentials: give the right ones'
const SENTENCES: Readonly<Record<string, string>> = {
  NoSuchBucket: 'there is no such bucket: create it, or let the site file say another one',
  NoSuchKey: 'there is no such object',
  NoSuchUpload: 'there is no such upload: it was completed, aborted, or cleaned up by a rule of the bucket',
  InvalidPart: 'S3 lost a part of what was sent: nothing of it counts',
  InvalidPartOrder: 'S3 does not take the parts in that order: nothing of it counts',
  EntityTooSmall: 'S3 wants larger parts: nothing of it counts',
  BadDigest: 'what arrived was not what was sent, and S3 refused it: nothing of it counts',
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  InvalidToken: EXPIRED,
  InvalidAccessKeyId: UNKNOWN,
  SignatureDoesNotMatch: 'S3 does not accept the signature: the secret is another one',
  AccessDenied: 'S3 does not let us do that: give these credentials the right to',
  PreconditionFailed: 'it is not what it was when it was looked at',
  NotImplemented: 'this S3 does not know that request',
  BucketAlreadyOwnedByYou: 'the bucket is there already, and is yours',
  BucketAlreadyExists: 'the name of the bucket is taken by somebody else',
  MethodNotAllowed: 'this S3 does not allow that request',
  '301': 'the bucket is in another region',
  '403': 'S3 does not let us do that, and does not say why: the credentials, the clock, or a missing right',
  '404': 'there is no such bucket or object',
}

/** The error as the house knows it. `wrote`: the request was a change, so a fault of S3 may have come after its success. */
export function troubled(trouble: Trouble, wrote: boolean, where: string): Error {
  const { code, status, message, region, skew } = trouble
  if (code === 'RequestTimeTooSkewed')
    return new Answered(
      `S3 refused the request because the clocks disagree: ${told(skew)}. Set the clock of this machine`,
      trouble,
    )
  if (['PermanentRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException', '301'].includes(code) && region)
    return new Answered(`the bucket is in ${region}, and ${where} is asked: let the site file say region ${region}`, trouble)
  if (wantsPatience(trouble, wrote))
    return new Unreachable(`S3 asked us to slow down (${code}) until there was no time left: nothing was taken. Try again later`)
  // AWS may say 500 after it did what it was asked.
  if ((status >= 500 && status !== 501) || code === 'InternalError' || code === 'OperationAborted' || code === 'RequestTimeout') {
    const said = `S3 answered with a fault of its own, ${code}${message === '' ? '' : `: ${message}`}`
    return wrote ? new Faulted(`${said}. It may have done it all the same`) : new Unreachable(said)
  }
  return new Answered(SENTENCES[code] ?? `S3 said no: ${code}${message === '' ? '' : `: ${message}`}`, trouble)
}

/** By how much, and which way: people must know which clock to turn. */
export function told(skew: Millis | undefined): string {
  if (skew === undefined) return 'S3 did not say what time it has'
  const seconds = Math.round(Math.abs(skew) / 1_000)
  if (seconds === 0) return 'the clocks agree'
  const amount = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
  return `ours is ${amount} ${skew > 0 ? 'ahead of' : 'behind'} that of S3`
}

/** Nothing left this machine: the name could not be found, nobody listened, or the certificate is not to be trusted. */
const UNSENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|CERT_.*|ERR_TLS_.*|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_.*|EPROTO|ERR_SSL_.*)$/

/** Why no answer came, in the words of the operating system or the SDK. */
export function broken(error: unknown, sent: boolean): Error {
  const code = codeOf(error)
  const said = error instanceof Error ? clean(error.message).replaceAll(/\s+/g, ' ').slice(0, 200) : 'unknown'
  if (error instanceof Error && /Credentials|TokenProvider/.test(error.name))
    return new Refused(
      'there are no credentials for S3: say accessKeyId and secretAccessKey in the site file, or give this machine a role',
    )
  const connecting = error instanceof Error && error.name === 'TimeoutError' && /connection/.test(error.message)
  if (!sent || UNSENT.test(code) || connecting) return new Unreachable(`S3 cannot be reached: ${code || said}`, { cause: error })
  if (error instanceof Error && error.name === 'AbortError')
    return new Uncertain('it was sent, and nothing answered in time', { cause: error })
  return new Uncertain(`it was sent, and the connection ended before its answer: ${code || said}`, { cause: error })
}

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
