import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { ZodError } from 'zod'
import type { LedgerEntry } from '../workspace.ts'
import type { Buckets } from './buckets.ts'
import type { Description } from './description.ts'
import type { Faults, Misfortune } from './faults.ts'
import { keyOf } from './looks.ts'
import { type Answer, type Call, type House, match, No, type Route } from './routes.ts'
import type { Stored } from './world.ts'

const API = '/api/v10'

export interface Desk {
  readonly routes: readonly Route[]
  readonly house: House
  readonly buckets: Buckets
  readonly faults: Faults
  readonly description: Description
  readonly ledger: LedgerEntry[]
  readonly invalid: (complaint: string) => void
  readonly away: () => boolean
}

/** The HTTP side of Discord; whatever is not its API goes to `others`. */
export function createDesk(desk: Desk, others: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Server {
  return createServer((request, response) => {
    if (desk.away()) return void request.socket.destroy()
    const task = request.url?.startsWith(API) ? serve(desk, request, response) : others(request, response)
    task.catch((problem: unknown) => {
      // A bug of the fake is no answer of Discord's: it must be seen, and end the call.
      desk.invalid(
        `the fake failed at ${request.method} ${request.url}: ${problem instanceof Error ? problem.stack : String(problem)}`,
      )
      request.socket.destroy()
    })
  })
}

interface Noted {
  method: string
  status: number
  body: unknown
  channel?: string
  key?: string
  error?: string
}

async function serve(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '', 'http://discord')
  const verb = request.method ?? 'GET'
  const found = match(desk.routes, verb, url.pathname.slice(API.length))
  const { time } = desk.house.world
  const noted: Noted = { method: `${verb} ${found?.route.template ?? url.pathname}`, status: 0, body: undefined }
  const at = time.now()
  try {
    const read = await bodyOf(request, desk)
    noted.body = read.body
    if (!found) return reply(noted, response, { status: 404, body: { message: '404: Not Found', code: 0 } })
    const call: Call = { verb, template: found.route.template, path: found.values, query: url.searchParams, ...read }
    note(desk, call, noted)
    await handle(desk, request, response, found.route, call, noted)
  } finally {
    desk.ledger.push({ at, ...noted })
  }
}

async function handle(
  desk: Desk,
  request: IncomingMessage,
  response: ServerResponse,
  route: Route,
  call: Call,
  noted: Noted,
): Promise<void> {
  const isCallback = call.template.endsWith('/callback')
  if (desk.buckets.banned) return html(noted, response, 429, 'You are being rate limited: error 1015')
  if (isCallback && desk.faults.meetAck()) return void request.socket.destroy()
  const fault = desk.faults.meet(noted.method)
  if (fault && (await before(desk, fault, request, response, noted))) return
  if (route.open !== true && request.headers.authorization !== `Bot ${desk.house.world.token}`) {
    desk.buckets.invalid()
    return reply(noted, response, { status: 401, body: { message: '401: Unauthorized', code: 0 } })
  }
  const taken = desk.buckets.take(call.verb, call.template, majorOf(call), isCallback || call.template.startsWith('/webhooks'))
  if (taken.after !== undefined)
    return limited(desk, noted, response, taken.after, taken.global ? 'global' : 'user', taken.headers)
  const answer = answered(desk, route, call, noted)
  if (answer.status === 401 || answer.status === 403) desk.buckets.invalid()
  if (fault?.how === 'lose answer') return void request.socket.destroy()
  if (fault?.how === 'fail after') return reply(noted, response, broken(fault.status))
  reply(noted, response, answer, taken.headers)
}

/** What the bucket is apart for, beside the route: the channel, the guild, or the webhook with its token. */
const majorOf = ({ path }: Call): string =>
  path['channel_id'] ?? path['webhook_token'] ?? path['interaction_token'] ?? path['guild_id'] ?? ''

/** Says whether the call has met its end. */
async function before(
  desk: Desk,
  fault: Misfortune,
  request: IncomingMessage,
  response: ServerResponse,
  noted: Noted,
): Promise<boolean> {
  switch (fault.how) {
    case 'slow':
      await new Promise<void>(resolve => void desk.house.world.time.after(fault.by, resolve))
      return false
    case 'lose answer':
    case 'fail after':
      return false
    case 'lose request':
      request.socket.destroy()
      return true
    case 'hang':
      // The bot's own timeout ends it, or the end of the fake.
      await new Promise<void>(resolve => request.socket.once('close', () => resolve()))
      return true
    case 'garble':
      html(noted, response, 200, 'upstream says hello')
      return true
    case 'fail':
      reply(noted, response, broken(fault.status))
      return true
    case 'limit':
      limited(desk, noted, response, fault.after, fault.everywhere ? 'global' : 'user')
      return true
    case 'shared':
      limited(desk, noted, response, fault.after, 'shared')
      return true
    case 'storm':
      desk.buckets.invalid()
      reply(noted, response, {
        status: fault.status,
        body: { message: fault.status === 401 ? '401: Unauthorized' : 'Missing Access', code: fault.status === 401 ? 0 : 50001 },
      })
      return true
    case 'refuse': {
      const no = REFUSALS[fault.error] ?? { status: 400, message: `error ${fault.error}` }
      const status = fault.status ?? no.status
      if (status === 401 || status === 403) desk.buckets.invalid()
      noted.error = fault.error
      reply(noted, response, { status, body: { message: no.message, code: Number(fault.error) } })
      return true
    }
  }
}

const REFUSALS: Readonly<Record<string, { readonly status: number; readonly message: string }>> = {
  10003: { status: 404, message: 'Unknown Channel' },
  10004: { status: 404, message: 'Unknown Guild' },
  10008: { status: 404, message: 'Unknown Message' },
  10062: { status: 404, message: 'Unknown interaction' },
  40060: { status: 400, message: 'Interaction has already been acknowledged.' },
  50001: { status: 403, message: 'Missing Access' },
  50013: { status: 403, message: 'Missing Permissions' },
  50035: { status: 400, message: 'Invalid Form Body' },
  160004: { status: 400, message: 'A thread has already been created for this message' },
}

const broken = (status = 500): Answer => ({ status, body: { message: `${status}: Internal Server Error`, code: 0 } })

function answered(desk: Desk, route: Route, call: Call, noted: Noted): Answer {
  const complaints = complaintsOf(desk, route, call)
  if (complaints.length > 0) {
    for (const complaint of complaints) desk.invalid(`${noted.method}: ${complaint}`)
    noted.error = '50035'
    const errors = { _errors: complaints.map(message => ({ code: 'INVALID', message })) }
    return { status: 400, body: { code: 50035, message: 'Invalid Form Body', errors } }
  }
  try {
    const answer = route.handle(desk.house, call)
    for (const complaint of desk.description.answer(call.verb, call.template, answer.status, asWritten(answer.body))) {
      desk.invalid(`the fake's own answer to ${noted.method}: ${complaint}`)
    }
    return answer
  } catch (problem) {
    if (!(problem instanceof No)) throw problem
    noted.error = `${problem.code}`
    return { status: problem.status, body: { message: problem.message, code: problem.code } }
  }
}

const asWritten = (body: unknown): unknown => (body === undefined ? undefined : JSON.parse(JSON.stringify(body)))

function complaintsOf(desk: Desk, route: Route, call: Call): readonly string[] {
  if (!route.door) return []
  const read = route.door.safeParse(call.body)
  const ours = read.success ? [] : issuesOf(read.error)
  const theirs = desk.description.request(call.verb, call.template, call.body)
  return [...ours, ...theirs]
}

const issuesOf = (error: ZodError): readonly string[] =>
  error.issues.map(issue => `${issue.path.join('.') || 'body'}: ${issue.message}`)

function limited(
  desk: Desk,
  noted: Noted,
  response: ServerResponse,
  after: number,
  scope: 'user' | 'global' | 'shared',
  headers: Readonly<Record<string, string>> = {},
): void {
  // What others used up is nobody's fault, and is not counted.
  if (scope !== 'shared') desk.buckets.invalid()
  const seconds = Math.max(0.001, after / 1000)
  const global = scope === 'global'
  const body = { message: 'You are being rate limited.', retry_after: seconds, global }
  reply(
    noted,
    response,
    { status: 429, body },
    {
      ...headers,
      'retry-after': `${Math.ceil(seconds)}`,
      'x-ratelimit-scope': scope,
      ...(global ? { 'x-ratelimit-global': 'true' } : {}),
    },
  )
}

function reply(
  noted: Noted,
  response: ServerResponse,
  { status, body }: Answer,
  headers: Readonly<Record<string, string>> = {},
): void {
  noted.status = status
  const more = body === undefined ? {} : { 'content-type': 'application/json' }
  response.writeHead(status, { via: '1.1 google', ...headers, ...more })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

function html(noted: Noted, response: ServerResponse, status: number, text: string): void {
  noted.status = status
  response.writeHead(status, { 'content-type': 'text/html', ...(status === 429 ? { 'retry-after': '600' } : {}) })
  response.end(`<html><body>${text}</body></html>`)
}

/** What the ledger keeps of a call: where it went, and the key of the message that it makes or changes. */
function note(desk: Desk, { template, path, body }: Call, noted: Noted): void {
  const channel =
    path['channel_id'] ?? desk.house.interactions.find(path['interaction_token'] ?? path['webhook_token'] ?? '')?.channel.id
  if (channel !== undefined) noted.channel = channel
  const given = keyIn(body)
  const edited = template.endsWith('{message_id}') ? desk.house.world.messages.get(path['message_id'] ?? '') : undefined
  const key = (edited && keyOf(edited)) ?? given
  if (key !== undefined) noted.key = key
}

function keyIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return undefined
  if ('nonce' in body && body.nonce != null) return `${body.nonce}`
  const footer = 'embeds' in body && Array.isArray(body.embeds) ? body.embeds.at(-1)?.footer?.text : undefined
  return typeof footer === 'string' ? footer : undefined
}

async function bodyOf(request: IncomingMessage, desk: Desk): Promise<Pick<Call, 'body' | 'files'>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  const bytes = Buffer.concat(chunks)
  const type = request.headers['content-type'] ?? ''
  if (!type.startsWith('multipart/form-data')) return { body: parsed(bytes.toString('utf8')), files: new Map() }
  const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData()
  const files = new Map<string, Stored>()
  for (const [name, value] of form) {
    if (typeof value === 'string') continue
    const file = Buffer.from(await value.arrayBuffer())
    files.set(name, {
      id: desk.house.world.snowflake(),
      name: value.name,
      type: value.type || 'application/octet-stream',
      bytes: file,
    })
  }
  return { body: parsed(String(form.get('payload_json') ?? '')), files }
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
