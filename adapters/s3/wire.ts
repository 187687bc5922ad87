import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { S3Client, type ServiceInputTypes, type ServiceOutputTypes } from '@aws-sdk/client-s3'
import { z } from 'zod'
import type { Device } from '../../src/kit/device.ts'
import { Misread, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import type { Bytes, Millis } from '../../src/kit/units.ts'
import { broken, codeOf, type Trouble, troubled, wantsPatience } from './trouble.ts'
import { errorIn } from './xml.ts'

export interface Place {
  readonly bucket: string
  readonly region: string
  readonly endpoint?: string | undefined // AWS where none is said
  readonly pathStyle?: boolean | undefined
  readonly accessKeyId?: string | undefined
  readonly secretAccessKey?: string | undefined
  readonly sessionToken?: string | undefined
  readonly folder?: string | undefined // the only files of this machine that may be sent or made
}

type Headers = Readonly<Record<string, string>>
export interface Answer {
  readonly headers: Headers
  readonly text: string
}

/** The part of a call that the wire needs. */
export interface Sending {
  readonly signal: AbortSignal
  go(): void
}
const SEND = S3Client.prototype.send
type Command<I extends ServiceInputTypes, O extends ServiceOutputTypes> = Parameters<typeof SEND<I, O>>[0]

/**
 * One bucket. The SDK signs and sends; what comes back is judged here: it must be whole, and a lost answer is never taken for a no.
 * Nothing is repeated but what S3 did not take ("slow down").
 */
export interface Bucket extends Device, Place {
  ask<I extends ServiceInputTypes, O extends ServiceOutputTypes, T>(
    command: () => Command<I, O>,
    reading: (answer: Answer) => T,
    signal: AbortSignal,
  ): Promise<T>
  change<I extends ServiceInputTypes, O extends ServiceOutputTypes, T>(
    command: () => Command<I, O>,
    reading: (answer: Answer) => T,
    call: Sending,
  ): Promise<T>
  /** The bytes of an object, as they come: whoever reads them counts them. */
  open<I extends ServiceInputTypes, O extends ServiceOutputTypes>(
    command: () => Command<I, O>,
    call: { readonly signal: AbortSignal; go?(): void },
  ): Promise<Readable>
  /** Our clock minus theirs, by the Date of the last answer: it counts in seconds, and the way there is in it. */
  skew(): Millis | undefined
}

const MOST: Bytes = 8 << 20 // of an answer that is kept: a thousand keys of the longest kind are half of it
const QUIET: Millis = 30_000 // how long a connection may say nothing
const CONNECTS: Millis = 5_000
const PACE: readonly Millis[] = [250, 500, 1_000, 2_000, 4_000] // where S3 does not say its own

const Response = z.object({
  statusCode: z.number(),
  headers: z.record(z.string(), z.string()),
  body: z.instanceof(Readable),
})
type Response = z.infer<typeof Response>

/** `clockOffset` is for tests of a machine whose clock is wrong. */
export function bucketAt(place: Place, { clockOffset = 0 }: { readonly clockOffset?: Millis } = {}): Bucket {
  const { region, endpoint, pathStyle = endpoint !== undefined, accessKeyId, secretAccessKey, sessionToken } = place
  const client = new S3Client({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    forcePathStyle: pathStyle,
    maxAttempts: 1, // what a lost answer means is decided by us
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(accessKeyId !== undefined && secretAccessKey !== undefined
      ? { credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) } }
      : {}),
    // A connection of its own for each request: a kept one may be dead already, and then nobody knows whether a write left.
    requestHandler: {
      httpAgent: new HttpAgent({ keepAlive: false }),
      httpsAgent: new HttpsAgent({ keepAlive: false }),
      connectionTimeout: CONNECTS,
      socketTimeout: QUIET,
    },
  })
  const where = region
  let skew: Millis | undefined

  const once = async <I extends ServiceInputTypes, O extends ServiceOutputTypes, T>(
    command: Command<I, O>,
    take: (response: Response) => Promise<T>,
    { signal, go }: { readonly signal: AbortSignal; go?(): void },
  ): Promise<T> => {
    if (signal.aborted) throw new Unreachable('it was too late to send')
    const seen: { sent: boolean; own?: { readonly error: unknown }; taken?: { readonly value: T } } = { sent: false }
    command.middlewareStack.add(
      next => async args => {
        try {
          go?.()
        } catch (error) {
          seen.own = { error }
          throw error
        }
        seen.sent = true
        const result = await next(args)
        try {
          const response = Response.parse(result.response)
          skew = skewIn(response.headers) ?? skew
          seen.taken = { value: await take(response) }
        } catch (error) {
          seen.own = { error }
          throw error
        }
        // It has been read: the SDK gets nothing to make half an answer of.
        return { ...result, response: { ...Object(result.response), body: Readable.from([]) } }
      },
      { step: 'deserialize', priority: 'low', name: 'signalbox' },
    )
    // The SDK corrects its clock by what S3 says: then a wrong clock would be refused once, and never again.
    client.config.systemClockOffset = clockOffset
    try {
      await client.send(command, { abortSignal: signal })
    } catch (error) {
      if (seen.own) throw seen.own.error
      if (!seen.taken) throw outOfTime(signal, seen.sent) ?? notHttp(error, go !== undefined) ?? broken(error, seen.sent)
    }
    if (seen.taken) return seen.taken.value
    throw new Uncertain('the SDK gave no answer')
  }

  /** Again and again as long as S3 takes nothing and there is time: at its own pace, or slower each time. */
  const patiently = async <T>(attempt: () => Promise<T | Patience>, signal: AbortSignal): Promise<T> => {
    for (let turn = 0; ; turn++) {
      const result = await attempt()
      if (!(result instanceof Patience)) return result
      const wait = result.after ?? PACE[turn]
      if (wait === undefined || turn > PACE.length) throw result.error
      await pause(wait, undefined, { signal }).catch(() => {
        throw result.error
      })
    }
  }

  const exchange = <I extends ServiceInputTypes, O extends ServiceOutputTypes, T>(
    command: () => Command<I, O>,
    take: (response: Response) => Promise<T>,
    call: { readonly signal: AbortSignal; go?(): void },
    wrote: boolean,
  ): Promise<T> =>
    patiently<T>(
      () =>
        once<I, O, T | Patience>(
          command(),
          async response => {
            if (response.statusCode < 300) return take(response)
            const trouble = await troubleIn(response, skew, call.signal)
            const error = troubled(trouble, wrote, where)
            if (wantsPatience(trouble, wrote)) return new Patience(error, retryAfter(response.headers))
            throw error
          },
          call,
        ),
      call.signal,
    )

  const reading =
    <T>(read: (answer: Answer) => T, signal: AbortSignal, wrote: boolean) =>
    async (response: Response): Promise<T> => {
      try {
        const text = await textOf(response.body, signal)
        // AWS says 200 to a completion before it begins, and the fault comes as the answer's body.
        const said = errorIn(text)
        if (said) throw troubled({ status: response.statusCode, ...said }, wrote, where)
        return read({ headers: response.headers, text })
      } catch (error) {
        throw error instanceof Misread && wrote ? new Uncertain(`it was sent, and ${error.message}`) : error
      }
    }
  return {
    ...place,
    ask: (command, read, signal) => exchange(command, reading(read, signal, false), { signal }, false),
    change: (command, read, call) =>
      exchange(command, reading(read, call.signal, true), { signal: call.signal, go: () => call.go() }, true),
    open: (command, call) => exchange(command, async ({ body }) => body, call, call.go !== undefined),
    skew: () => skew,
    close: async () => client.destroy(),
  }
}

class Patience {
  readonly error: Error
  readonly after: Millis | undefined
  constructor(error: Error, after: Millis | undefined) {
    this.error = error
    this.after = after
  }
}

const outOfTime = (signal: AbortSignal, sent: boolean): Error | undefined =>
  !signal.aborted
    ? undefined
    : sent
      ? new Uncertain('it was sent, and nothing answered in time')
      : new Unreachable('it was too late to send')

/** Headers without end, or something else than HTTP. */
function notHttp(error: unknown, wrote: boolean): Error | undefined {
  if (!codeOf(error).startsWith('HPE_')) return undefined
  return wrote ? new Uncertain('it was sent, and the answer is not HTTP') : new Misread('the answer is not HTTP', codeOf(error))
}

async function textOf(body: Readable, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: true })) {
      const bytes = Buffer.from(chunk as Uint8Array)
      length += bytes.length
      if (length > MOST) throw new Misread('the answer did not end', `more than ${MOST} bytes`)
      chunks.push(bytes)
      if (signal.aborted) throw outOfTime(signal, true)
    }
  } catch (error) {
    if (error instanceof Misread || error instanceof Uncertain) throw error
    throw outOfTime(signal, true) ?? broken(error, true)
  }
  return Buffer.concat(chunks).toString()
}

async function troubleIn(
  { statusCode, headers, body }: Response,
  skew: Millis | undefined,
  signal: AbortSignal,
): Promise<Trouble> {
  const said = errorIn(await textOf(body, signal))
  const region = said?.region ?? headers['x-amz-bucket-region']
  return {
    status: statusCode,
    code: said?.code ?? String(statusCode),
    message: said?.message ?? '',
    ...(region === undefined ? {} : { region }),
    ...(skew === undefined ? {} : { skew }),
  }
}

function skewIn(headers: Headers): Millis | undefined {
  const theirs = Date.parse(headers['date'] ?? '')
  return Number.isNaN(theirs) ? undefined : Date.now() - theirs
}

function retryAfter(headers: Headers): Millis | undefined {
  const seconds = Number(headers['retry-after'])
  return Number.isFinite(seconds) && seconds >= 0 && headers['retry-after'] !== undefined ? seconds * 1_000 : undefined
}
