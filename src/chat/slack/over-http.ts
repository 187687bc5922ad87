import { createHash } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type App, HTTPModuleFunctions, HTTPReceiver } from '@slack/bolt'
import { type Instant, type Millis, minutes } from '../../domain/ids.ts'
import type { Drop } from './drops.ts'
import { type Receiving, type ReceivingParts, Unwelcome } from './receiving.ts'
import type { SlackHttp } from './settings.ts'

/** The largest thing Slack sends is a press on a full card: 50 blocks of 3,000 characters, escaped. */
const BODY = 1_000_000
/** A request is of now, by its own timestamp: neither from the past nor, as Bolt would allow, from the future. */
const WINDOW: Millis = 300_000
const REMEMBERED: Millis = minutes(15)

/**
 * Deliveries over HTTP, each with a signature by the app's secret. Whoever has none is turned away with 401 before anything of the
 * body is believed. What was not written down is answered with 503, and Slack sends it again.
 */
export function overHttp(http: SlackHttp, parts: ReceivingParts & { now(): Instant }): Receiving {
  const { logger, process, count, up, down, now } = parts
  const { signingSecret, port, host = '127.0.0.1' } = http
  // With an empty secret everybody could sign.
  if (signingSecret.trim() === '')
    throw new Error('The signing secret of the Slack app is empty: nothing that arrives could be told from a forgery.')
  const seen = onceOnly(now)
  const receiver = new HTTPReceiver({
    signingSecret,
    logger,
    bodyLimit: BODY,
    endpoints: ['/slack/events'],
    processEventErrorHandler: ({ error, response }) => {
      if (!response.headersSent) answer(response, error instanceof Unwelcome ? 401 : 503)
      return Promise.resolve(true)
    },
    // Not written down within Slack's three seconds: what comes of it later is the same delivery again.
    unhandledRequestHandler: ({ response }) => {
      if (!response.headersSent) answer(response, 503)
    },
  })
  // The rest of an App would acknowledge before anybody has heard: receivers want no more of it than this.
  receiver.init({ processEvent: process } as Partial<App> as App)
  const bolt = receiver.requestListener
  const refuse = (response: ServerResponse, status: number, why: Drop): void => {
    count(why)
    answer(response, status)
  }

  async function admit(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const wrong = unfit(request, now())
    if (wrong) return refuse(response, ...wrong)
    try {
      // What it has read it leaves in the request, where Bolt finds it.
      await HTTPModuleFunctions.parseAndVerifyHTTPRequest({ enabled: true, signingSecret, bodyLimit: BODY }, request)
    } catch (error) {
      return HTTPModuleFunctions.isRawBodyError(error) && error.statusCode === 413
        ? refuse(response, 413, 'too-large')
        : refuse(response, 401, 'bad-signature')
    }
    const signature = request.headers['x-slack-signature']
    if (typeof signature === 'string') {
      if (!seen.first(signature)) return refuse(response, 200, 'replay')
      // A proxy may try again what we could not write down: that is no replay.
      response.once('close', () => {
        if (response.statusCode >= 500) seen.forget(signature)
      })
    }
    bolt(request, response)
  }

  receiver.requestListener = (request, response) => {
    if (request.method !== 'POST') return bolt(request, response)
    admit(request, response).catch((error: unknown) => {
      logger.error(`a delivery over HTTP broke: ${error instanceof Error ? error.message : 'unknown'}`)
      if (!response.headersSent) answer(response, 503)
    })
  }

  let server: Server | undefined
  return {
    async start() {
      try {
        server = await receiver.start({ port, host }, { requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 16_384 })
        const address = server.address()
        up(`listens on ${host}:${typeof address === 'object' && address ? address.port : port} and is connected`)
      } catch (error) {
        down(`cannot listen on ${host}:${port}`)
        throw new Error(`Slack's deliveries cannot be listened for on ${host}:${port}.`, { cause: error })
      }
    },
    async stop() {
      if (!server) return
      const closed = receiver.stop()
      server.closeAllConnections()
      server = undefined
      await closed
    },
  }
}

function answer(response: ServerResponse, status: number): void {
  response.writeHead(status, status === 200 ? {} : { connection: 'close' })
  response.end()
}

/** What is wrong with a request before its body is read. Slack says how long a body is. A header that comes twice arrives as a list. */
function unfit({ headers }: IncomingMessage, now: Instant): readonly [status: number, why: Drop] | undefined {
  const length = Number(headers['content-length'] ?? Number.NaN)
  if (headers['transfer-encoding'] !== undefined || !Number.isInteger(length)) return [411, 'bad-signature']
  if (length > BODY) return [413, 'too-large']
  const { 'x-slack-request-timestamp': time, 'x-slack-signature': signature } = headers
  // Slack's probe of the certificate has neither; Bolt answers it and hands nothing on.
  if (time === undefined && signature === undefined) return undefined
  // Bolt would take `v0=<hex>=anything` as well, and the same request could come again under another name.
  if (!/^\d{1,12}$/.test(String(time)) || !/^v0=[0-9a-f]{64}$/.test(String(signature))) return [401, 'bad-signature']
  return Math.abs(now - Number(time) * 1000) > WINDOW ? [401, 'stale'] : undefined
}

/** Signatures of the last quarter of an hour, as digests: a request is taken once, even within its window. */
function onceOnly(now: () => Instant) {
  const digests = new Map<string, Instant>()
  const digestOf = (signature: string): string => createHash('sha256').update(signature).digest('base64')
  return {
    first(signature: string): boolean {
      for (const [digest, at] of digests) {
        if (now() - at < REMEMBERED) break
        digests.delete(digest)
      }
      const digest = digestOf(signature)
      if (digests.has(digest)) return false
      digests.set(digest, now())
      return true
    },
    forget: (signature: string): boolean => digests.delete(digestOf(signature)),
  }
}
