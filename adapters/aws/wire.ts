import type { EC2Client } from '@aws-sdk/client-ec2'
import type { Device } from '../../src/kit/device.ts'
import { Misread, Uncertain, Unreachable } from '../../src/kit/errors.ts'
import type { Millis } from '../../src/kit/units.ts'
import { answerOf, wholeOf } from './body.ts'
import { troubleOf } from './trouble.ts'

type Ec2 = typeof import('@aws-sdk/client-ec2')
export type Action = { [K in keyof Ec2]: K extends `${infer A}Command` ? A : never }[keyof Ec2]
type Input<A extends Action> = NonNullable<ConstructorParameters<Ec2[`${A}Command`]>[0]>

/** A request of EC2: what the preview of a plan shows, and what is sent. */
export interface Request {
  readonly action: Action
  readonly input: object
}
/** Names the types of the input once. */
export const request = <A extends Action>(action: A, input: Input<A>): Request => ({ action, input })
/** The same for the preview of a plan, where a parameter may be a reference that is not resolved yet. */
export const shown = ({ action, input }: Request): string =>
  Object.keys(input).length === 0 ? action : `${action} ${JSON.stringify(input)}`

/** The part of a call that the wire needs. */
export interface Sending {
  readonly signal: AbortSignal
  go(): void
}

export interface Place {
  readonly subnet: string
  readonly securityGroups: readonly string[]
}

export interface Access {
  readonly region: string
  readonly endpoint?: string | undefined
  readonly profile?: string | undefined
  readonly credentials?:
    | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string | undefined }
    | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly isolated?: Place | undefined
  readonly production?: Place | undefined
}

/** EC2 and EBS of one account in one region. Reads throw Misread rather than half an answer; changes are sent and not judged here. */
export interface Region extends Device {
  readonly settings: Access
  ask<T>(request: Request, reading: (value: unknown) => T, signal: AbortSignal): Promise<T>
  change<T>(request: Request, reading: (value: unknown) => T, call: Sending): Promise<T>
}

const ANSWER: Millis = 30_000
const CONNECT: Millis = 10_000

/** The region that the settings name. The SDK is large: it is loaded when something is first asked. */
export function regionAt(settings: Access): Region {
  let opened: Promise<{ readonly ec2: Ec2; readonly client: EC2Client }> | undefined
  const open = async () => {
    const ec2 = await import('@aws-sdk/client-ec2')
    return { ec2, client: new ec2.EC2Client(clientSettings(settings)) }
  }
  const send = async <T>(
    { action, input }: Request,
    read: (value: unknown) => T,
    asked: AbortSignal,
    go?: () => void,
  ): Promise<T> => {
    const signal = AbortSignal.any([asked, AbortSignal.timeout(ANSWER)])
    if (signal.aborted) throw new Unreachable('it was too late to send')
    opened ??= open()
    const { ec2, client } = await opened
    // Their constructors differ in nothing but the input, which `request` has checked.
    const Command = ec2[`${action}Command`] as unknown as new (input: object) => InstanceType<Ec2['DescribeVolumesCommand']>
    const command = new Command(input)
    let sent = false
    let tooLate: { readonly error: unknown } | undefined
    command.middlewareStack.add(
      next => async args => {
        // The last thing before the socket: credentials were fetched and the request was signed by now, which may have taken long.
        if (signal.aborted) throw new Unreachable('it was too late to send')
        try {
          go?.()
        } catch (error) {
          tooLate = { error }
          throw error
        }
        sent = true
        const answered = await next(args)
        const response = answered.response as { statusCode: number; body: AsyncIterable<Uint8Array> | Uint8Array }
        const text = await wholeOf(response.body as AsyncIterable<Uint8Array>, signal)
        response.body = Buffer.from(answerOf(action, response.statusCode, text))
        return answered
      },
      { step: 'deserialize', priority: 'low', name: 'signalbox' },
    )
    try {
      return read(await client.send(command, { abortSignal: signal }))
    } catch (error) {
      if (tooLate) throw tooLate.error
      if (sent && signal.aborted && !(error instanceof Unreachable))
        throw new Uncertain(`${action} was sent, and nothing answered in time`)
      const trouble = troubleOf(error, action, sent, go !== undefined)
      // It was answered with a yes, and what it says cannot be read: after a change that is a doubt.
      if (trouble instanceof Misread && go !== undefined) throw new Uncertain(`${action} was sent, and ${trouble.message}`)
      throw trouble
    }
  }
  return {
    settings,
    ask: (request, reading, signal) => send(request, reading, signal),
    change: (request, reading, call) => send(request, reading, call.signal, () => call.go()),
    close: async () => {
      const client = await opened?.then(one => one.client).catch(() => undefined)
      client?.destroy()
    },
  }
}

const clientSettings = ({ region, endpoint, profile, credentials }: Access) => ({
  region,
  maxAttempts: 1, // a second try is the engine's business: the SDK would send a write again after a lost answer
  ...(endpoint === undefined ? {} : { endpoint }),
  ...(profile === undefined ? {} : { profile }),
  ...(credentials === undefined
    ? {}
    : {
        credentials: {
          accessKeyId: credentials.accessKeyId,
          secretAccessKey: credentials.secretAccessKey,
          ...(credentials.sessionToken === undefined ? {} : { sessionToken: credentials.sessionToken }),
        },
      }),
  // No connection is used twice: one that the far side has closed meanwhile would turn a write that was never sent into a doubt.
  requestHandler: { connectionTimeout: CONNECT, httpAgent: { keepAlive: false }, httpsAgent: { keepAlive: false } },
})
