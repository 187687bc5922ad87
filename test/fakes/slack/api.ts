import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FakeTime, LedgerEntry } from '../workspace.ts'
import type { CallFault, Faults } from './faults.ts'
import { type Complaint, messageComplaints, viewComplaints } from './limits.ts'
import { Malformed, type Method, No } from './method.ts'
import { CHAT } from './methods-chat.ts'
import { REST } from './methods-rest.ts'
import { VIEWS } from './methods-views.ts'
import { slackSpec } from './spec.ts'
import type { Tiers } from './tiers.ts'
import { answerJson, argumentsOf, isJson, textOf } from './wire.ts'
import type { Json, World } from './world.ts'

export interface ApiParts {
  readonly world: World
  readonly time: FakeTime
  readonly faults: Faults
  readonly tiers: Tiers
  readonly token: string
  readonly appToken: string
  readonly scopes: readonly string[]
  readonly appScopes: readonly string[]
  readonly origin: () => string
  readonly connection: () => string // a new address for a socket
}

export interface Api {
  readonly ledger: LedgerEntry[]
  readonly invalid: string[]
  /** Answers of the fake's own that do not look as Slack describes them. */
  readonly unlike: string[]
  call(method: string, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void>
}

interface Outcome {
  readonly status: number
  readonly body: Json
  readonly headers?: Readonly<Record<string, string>>
}

/** The methods of the Web API, with what stands in front of them: tokens, scopes, tiers, limits, and trouble. */
export function createApi(parts: ApiParts): Api {
  const { world, time, faults, tiers } = parts
  const methods: Readonly<Record<string, Method>> = {
    ...CHAT,
    ...REST,
    ...VIEWS,
    'apps.connections.open': { token: 'app', needs: () => 'connections:write', run: () => ({ url: parts.connection() }) },
  }
  const spec = slackSpec()
  const api: Api = { ledger: [], invalid: [], unlike: [], call }
  return api

  async function call(method: string, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const args = await argumentsOf(request, url)
    const fault = faults.next(method)
    if (fault?.how === 'lose request' || fault?.how === 'hang') {
      note(method, args, { status: 0, body: {} })
      if (fault.how === 'lose request') request.socket.destroy()
      return
    }
    if (fault?.how === 'slow') await new Promise<void>(resolve => void time.after(fault.by, resolve))
    const outcome = meeting(fault) ?? answered(method, args, request.headers.authorization)
    const lost = fault?.how === 'lose answer'
    note(method, args, lost ? { ...outcome, status: 0 } : outcome)
    if (lost) request.socket.destroy()
    else if (fault?.how === 'garble') garbage(response, 200)
    else if (fault?.how === 'fail') garbage(response, outcome.status)
    else answerJson(response, outcome.status, outcome.body, { ...outcome.headers, 'x-slack-req-id': world.id('req') })
  }

  function answered(method: string, args: Json, authorization: string | undefined): Outcome {
    const known = methods[method]
    if (!known) return no('unknown_method')
    const given = (authorization ?? `Bearer ${textOf(args['token']) ?? ''}`).replace(/^Bearer /, '')
    if (given === '') return no('not_authed')
    const right = known.token === 'app' ? parts.appToken : parts.token
    if (given !== right) return no(given === parts.token || given === parts.appToken ? 'not_allowed_token_type' : 'invalid_auth')
    if (known.token === 'bot' && world.revoked) return no('token_revoked')
    const scopes = known.token === 'app' ? parts.appScopes : parts.scopes
    const headers = { 'x-oauth-scopes': scopes.join(','), 'x-accepted-oauth-scopes': known.needs(args, world) ?? '' }
    const channel = textOf(args['channel'])
    const wait = tiers.refuses(method, channel)
    if (wait !== undefined) return limited(wait)
    const needed = known.needs(args, world)
    if (needed !== undefined && !scopes.includes(needed))
      return no('missing_scope', { needed, provided: scopes.join(',') }, headers)
    const wrong = complaints(method, args)
    api.invalid.push(...wrong.map(({ says }) => `${method}: ${says}`))
    if (wrong[0])
      return no(wrong[0].error, { response_metadata: { messages: wrong.map(({ says }) => `[ERROR] ${says}`) } }, headers)
    return ran(known, method, args, headers)
  }

  function ran(known: Method, method: string, args: Json, headers: Readonly<Record<string, string>>): Outcome {
    try {
      const body = { ok: true, ...known.run(args, world, parts.origin()) }
      api.unlike.push(...spec.answer(method, JSON.parse(JSON.stringify(body))))
      return { status: 200, body, headers }
    } catch (error) {
      if (error instanceof Malformed) api.invalid.push(`${method}: ${JSON.stringify(error.more)}`)
      if (error instanceof No) return no(error.message, error.more, headers)
      throw error
    }
  }

  function complaints(method: string, args: Json): readonly Complaint[] {
    const described = spec.request(method, args).map(says => ({ error: 'invalid_arguments', says }))
    if (method.startsWith('chat.post') || method === 'chat.update')
      return [...described, ...messageComplaints(args, method === 'chat.update')]
    return method.startsWith('views.') ? [...described, ...viewComplaints(args['view'])] : described
  }

  function note(method: string, args: Json, { status, body }: Outcome): void {
    const channel = textOf(args['channel'] ?? args['channel_id'])
    const key = keyOf(args, world)
    api.ledger.push({
      at: time.now(),
      method,
      ...(channel === undefined ? {} : { channel }),
      ...(key === undefined ? {} : { key }),
      status,
      body: args,
      ...(typeof body['error'] === 'string' ? { error: body['error'] } : {}),
    })
  }
}

/** What names a message for ever: the key in its metadata, or in that of the message that is edited. */
function keyOf(args: Json, world: World): string | undefined {
  const { metadata, channel, ts } = args
  const payload = isJson(metadata) && isJson(metadata['event_payload']) ? metadata['event_payload'] : undefined
  return textOf(payload?.['key'] ?? world.find(textOf(channel) ?? '', textOf(ts) ?? '')?.metadata?.event_payload['key'])
}

const no = (error: string, more: Json = {}, headers: Readonly<Record<string, string>> = {}): Outcome => ({
  status: 200,
  body: { ok: false, error, ...more },
  headers,
})

const limited = (wait: number): Outcome => ({
  status: 429,
  body: { ok: false, error: 'ratelimited' },
  headers: { 'retry-after': String(Math.max(1, Math.ceil(wait / 1000))) },
})

/** What a call meets instead of its method. */
function meeting(fault: CallFault | undefined): Outcome | undefined {
  switch (fault?.how) {
    case 'limit':
      return limited(fault.after)
    case 'fail':
      return { status: fault.status ?? 500, body: {} }
    case 'refuse':
      return no(fault.error)
    default:
      return undefined
  }
}

function garbage(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/html' })
  response.end('<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>')
}
