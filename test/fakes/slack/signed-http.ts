import { createHmac } from 'node:crypto'
import { type OutgoingHttpHeaders, request } from 'node:http'
import type { FakeTime } from '../workspace.ts'
import type { Attempt, Delivery, Sending, Way } from './delivery.ts'
import type { HttpTarget } from './options.ts'
import { parsed } from './wire.ts'

/** Signed requests to the app's own address, as docs.slack.dev/authentication/verifying-requests-from-slack describes them. */
export function createSignedHttp(
  target: () => HttpTarget | undefined,
  time: FakeTime,
  patience: number,
  losesAck: () => boolean,
): Way {
  return {
    send(delivery, retry, reason, how): Sending {
      const to = target()
      const body = how.body ?? formOf(delivery)
      const timestamp = String(how.timestamp ?? Math.floor(time.now() / 1000))
      const right = to ? signatureOf(how.secret ?? to.signingSecret, timestamp, body) : ''
      const headers = {
        'content-type': delivery.kind === 'events_api' ? 'application/json' : 'application/x-www-form-urlencoded',
        'content-length': String(Buffer.byteLength(body)),
        'user-agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
        'x-slack-request-timestamp': timestamp,
        'x-slack-signature': how.signature ?? right,
        ...(retry === undefined || retry === 0
          ? {}
          : { 'x-slack-retry-num': String(retry), 'x-slack-retry-reason': reason ?? 'http_timeout' }),
        ...how.headers,
      }
      return { once: () => (to ? posted(to.url, headers, body) : Promise.resolve({ acked: false, why: 'connection_failed' })) }
    },
  }

  function posted(
    url: string,
    headers: Readonly<Record<string, string | readonly string[] | undefined>>,
    body: string,
  ): Promise<Attempt> {
    return new Promise(resolve => {
      const settle = (attempt: Attempt) => {
        callOff()
        sent.destroy()
        resolve(attempt)
      }
      const sent = request(url, { method: 'POST', headers: several(headers), agent: false }, response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => void chunks.push(chunk))
        response.on('error', () => settle({ acked: false, why: 'connection_failed' }))
        response.on('end', () => {
          const status = response.statusCode ?? 0
          if (losesAck()) return settle({ acked: false, why: 'connection_failed' })
          if (status < 200 || status > 299)
            return settle({ acked: false, status, why: 'http_error', noRetry: response.headers['x-slack-no-retry'] === '1' })
          settle({ acked: true, status, answer: parsed(Buffer.concat(chunks).toString('utf8')) })
        })
      })
      const callOff = time.after(patience, () => settle({ acked: false, why: 'http_timeout' }))
      sent.on('error', () => settle({ acked: false, why: 'connection_failed' }))
      sent.end(body)
    })
  }
}

/** A header that is a list is sent that often. */
const several = (headers: Readonly<Record<string, string | readonly string[] | undefined>>): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, typeof value === 'object' ? [...value] : value]))

export const signatureOf = (secret: string, timestamp: string, body: string): string =>
  `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`

/** Events come as JSON, commands as a form, interactions as JSON in a form. */
export function formOf({ kind, payload }: Delivery): string {
  if (kind === 'events_api') return JSON.stringify(payload)
  if (kind === 'interactive') return new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
  return new URLSearchParams(Object.entries(payload).map(([name, value]): [string, string] => [name, String(value)])).toString()
}
