import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { minutes } from '../domain/ids.ts'
import type { Clock } from '../ports/clock.ts'
import { type Door, type Knock, turnedAway } from './guard.ts'
import { askPage, type Enrolling, HEADERS, sayPage } from './page-text.ts'

export const OPEN_FOR = minutes(10)
const MOST_TRIES = 5
const LONGEST_FORM = 1_000
const COOKIE = 'signalbox-step-up'

/** How the page ended: with a code that was right, by itself, or with too many that were wrong. */
export type PageEnd = 'enrolled' | 'expired' | 'too many' | 'has one'

export interface Page {
  readonly url: string
  readonly ended: Promise<PageEnd>
  stop(): Promise<void>
}

/**
 * A page on this machine for one person, one browser and ten minutes: the first to open it is the only one to see it again. `take`
 * says what the code was worth. The secret is in no address and in no log.
 */
export async function openPage(
  enrolling: Enrolling,
  clock: Clock,
  take: (code: string) => Promise<'enrolled' | 'has one' | 'wrong code'>,
): Promise<Page> {
  const path = `/${randomBytes(16).toString('hex')}`
  let pass: string | undefined
  let tries = 0
  let taking = false
  let end: (how: PageEnd) => void = () => {}
  const ended = new Promise<PageEnd>(resolve => {
    end = resolve
  })

  const server = createServer((request, response) => {
    // What is asked while the page ends is answered by nobody: the connection is closed.
    answer(request, response).catch(() => response.destroy())
  })
  const expiry = clock.timeout(OPEN_FOR)
  await listening(server)
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const door = (): Door => ({ host, path, ...(pass === undefined ? {} : { pass }) })
  const stop = stopper(server)
  const finish = (how: PageEnd): void => {
    end(how)
    void stop()
  }
  expiry.addEventListener('abort', () => finish('expired'), { once: true })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const no = turnedAway(knockOf(request), door())
    if (no) return say(response, no.status, sayPage(no.says))
    if (request.method === 'GET') {
      const first = pass === undefined
      pass ??= randomBytes(16).toString('hex')
      const cookie = `${COOKIE}=${pass}; HttpOnly; SameSite=Strict; Path=${path}`
      return say(response, 200, askPage(enrolling), first ? { 'set-cookie': cookie } : {})
    }
    const form = await formOf(request)
    if (form === undefined) return void response.destroy()
    if (taking) return say(response, 409, sayPage('A code is being looked at. Go back and wait for what comes of it.'))
    taking = true
    try {
      return await judge(form.get('code') ?? '', response)
    } finally {
      taking = false
    }
  }

  async function judge(code: string, response: ServerResponse): Promise<void> {
    if (tries >= MOST_TRIES || expiry.aborted) return void response.destroy()
    const outcome = await take(code)
    switch (outcome) {
      case 'enrolled':
        response.once('close', () => finish('enrolled'))
        return say(response, 200, sayPage('You are enrolled. This page is of no use any more: close it.'))
      case 'has one':
        response.once('close', () => finish('has one'))
        return say(response, 409, sayPage('Somebody has enrolled you meanwhile. Nothing was changed.'))
      case 'wrong code':
        tries++
        if (tries < MOST_TRIES)
          return say(response, 200, askPage(enrolling, 'That code is not right. Give the one that the app shows now.'))
        response.once('close', () => finish('too many'))
        return say(response, 403, sayPage('Too many codes were not right. Start the command in the terminal anew.'))
    }
  }

  return { url: `http://${host}${path}`, ended, stop }
}

const knockOf = ({ method = '', url = '', headers }: IncomingMessage): Knock => ({
  method,
  path: url,
  host: headers.host,
  origin: headers.origin,
  from: [headers['sec-fetch-site']].flat()[0],
  type: headers['content-type'],
  pass: headers.cookie
    ?.split(';')
    .map(pair => pair.trim())
    .find(pair => pair.startsWith(`${COOKIE}=`))
    ?.slice(COOKIE.length + 1),
})

function say(response: ServerResponse, status: number, html: string, more: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { ...HEADERS, ...more })
  response.end(html)
}

/** Undefined where it is longer than a form of ours can be. */
async function formOf(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  let body = ''
  for await (const chunk of request) {
    body += String(chunk)
    if (body.length > LONGEST_FORM) return undefined
  }
  return new URLSearchParams(body)
}

async function listening(server: Server): Promise<void> {
  server.requestTimeout = 5_000
  server.headersTimeout = 5_000
  server.maxConnections = 20
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
}

/** Closes it once, however often it is asked for. */
function stopper(server: Server): () => Promise<void> {
  let stopped: Promise<void> | undefined
  return () => {
    stopped ??= new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
    return stopped
  }
}
