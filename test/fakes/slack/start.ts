import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type FakeTime, type FakeWorkspace, realTime } from '../workspace.ts'
import { type Api, createApi } from './api.ts'
import { createDeliver, type Deliver } from './deliver.ts'
import { createFaults } from './faults.ts'
import { createKnobs } from './knobs.ts'
import { inOrder, linesOf, pingsOf, shownOf, viewLines } from './looks.ts'
import { BOT_SCOPES, DEFAULTS, type FakeSlackOptions, type HttpTarget } from './options.ts'
import { createPage } from './page.ts'
import { createPeople, type People } from './people.ts'
import { createResponses } from './respond.ts'
import { createSignedHttp } from './signed-http.ts'
import { createSockets, type Sockets } from './sockets.ts'
import { createTiers } from './tiers.ts'
import { answerJson, bodyOf, multipart } from './wire.ts'
import { createWorld, type View, type World } from './world.ts'

/** A Slack on loopback: its Web API, Socket Mode, signed requests, and people who use it. */
export interface FakeSlack extends Omit<FakeWorkspace, 'says' | 'presses'>, People {
  readonly world: World
  readonly sockets: Pick<Sockets, 'count' | 'connected' | 'disconnect' | 'cut'>
  /** Sends anything to the app, in any way. */
  readonly deliver: Deliver
  /** From now on events go there by HTTP. */
  serve(target: HttpTarget): void
  /** Dialogs that stand open, oldest first. */
  forms(): readonly View[]
  /** A person's home as they see it; undefined while there is none. */
  home(user: string): readonly string[] | undefined
  /** Answers of the fake's own that do not look as Slack's description says. */
  readonly unlike: readonly string[]
}

/** `shown` leaves out what people typed themselves: a test that looks for an answer must not find the question. */
export async function startFakeSlack(options: FakeSlackOptions = {}): Promise<FakeSlack> {
  const time = stoppable(options.time ?? realTime)
  const patience = options.patience ?? DEFAULTS.patience
  const world = createWorld(options, time.now)
  const faults = createFaults()
  const shown: string[] = []
  listing(world, shown)
  let target = options.http
  let origin = ''
  const sockets = createSockets(world, time, patience, faults.losesAck)
  const http = createSignedHttp(() => target, time, patience, faults.losesAck)
  const deliver = createDeliver(
    { socket: sockets, http },
    () => (target ? 'http' : 'socket'),
    time,
    options.retries ?? DEFAULTS.retries,
  )
  const api = createApi({
    world,
    time,
    faults,
    tiers: createTiers(options.tiers ?? 1, time.now),
    token: options.token ?? DEFAULTS.token,
    appToken: options.appToken ?? DEFAULTS.appToken,
    scopes: options.scopes ?? BOT_SCOPES,
    appScopes: options.appScopes ?? ['connections:write'],
    origin: () => origin,
    connection: () => sockets.address(origin),
  })
  const responses = createResponses(world, () => origin, api.invalid)
  const people = createPeople({ world, time, patience, follows: options.follows ?? false, deliver, responds: responses.open })
  const page = createPage(world, people)
  const server = createServer((request, response) => {
    if (faults.gone()) return void request.socket.destroy()
    route(request, response).catch((error: unknown) => {
      api.invalid.push(`the fake Slack broke on ${request.url}: ${String(error)}`)
      if (!response.headersSent) answerJson(response, 500, { ok: false, error: 'internal_error' })
    })
  })
  server.on('upgrade', (request, socket, head) => (faults.gone() ? socket.destroy() : sockets.upgrade(request, socket, head)))
  server.keepAliveTimeout = 60_000
  await new Promise<void>(ready => server.listen(options.port ?? 0, '127.0.0.1', ready))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', origin)
    const [, room, ...rest] = url.pathname.split('/')
    if (room === 'api') return api.call(rest.join('/'), request, response, url)
    if (room === 'upload') return upload(rest.at(-1) ?? '', request, response, world, api)
    if (room === 'respond') return responses.answer(rest.at(-1) ?? '', request, response)
    return page(request, response, url)
  }

  const knobs = createKnobs(world, faults, sockets, deliver)
  return {
    ...people,
    world,
    sockets,
    deliver,
    api: `${origin}/api/`,
    page: `${origin}/`,
    shown,
    ledger: api.ledger,
    invalid: api.invalid,
    unlike: api.unlike,
    pings: world.pings,
    serve(to) {
      target = to
    },
    forms: () => [...world.views.values()].filter(one => one.open && one.type === 'modal'),
    home(user) {
      const view = [...world.views.values()].find(one => one.type === 'home' && one.user === world.person(user).id)
      return view && viewLines(view, world)
    },
    messages: channel =>
      inOrder(world, channel === undefined ? undefined : world.channel(channel).id).map(one => shownOf(one, world)),
    misbehave: knobs.turn,
    heal: knobs.heal,
    async stop() {
      time.stop()
      sockets.stop()
      const closed = new Promise<void>(done => server.close(() => done()))
      server.closeAllConnections()
      await closed
    },
  }
}

async function upload(id: string, request: IncomingMessage, response: ServerResponse, world: World, api: Api): Promise<void> {
  const file = world.files.get(id)
  const body = await bodyOf(request)
  const type = request.headers['content-type'] ?? 'application/octet-stream'
  const form = type.startsWith('multipart/form-data') ? Object.values(await multipart(body, type)) : []
  const part = form.find(
    (one): one is { readonly type: string; readonly bytes: Buffer } => typeof one === 'object' && one !== null && 'bytes' in one,
  )
  const bytes = part?.bytes ?? body
  const right = file !== undefined && bytes.length === file.length
  api.ledger.push({ at: world.now(), method: 'upload', status: right ? 200 : 400, body: { file: id, bytes: bytes.length } })
  if (!file || !right) {
    api.invalid.push(`upload of ${bytes.length} bytes where ${file?.length ?? 'nothing'} was announced`)
    return answerJson(response, 400, { ok: false })
  }
  file.bytes = bytes
  file.type = bytes.subarray(1, 4).toString('latin1') === 'PNG' ? 'image/png' : (part?.type ?? type)
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.end(`OK - ${bytes.length}`)
}

/** Lines in the order in which they appeared; of an edit only those that are new. */
function listing(world: World, shown: string[]): void {
  const before = new Map<string, readonly string[]>()
  const add = (what: string, now: readonly string[]) => {
    const known = before.get(what) ?? []
    shown.push(...now.filter(line => !known.includes(line)))
    before.set(what, now)
  }
  world.watch(change => {
    if (change.is === 'view') {
      if (change.view.open) add(change.view.id, viewLines(change.view, world))
      return
    }
    const { message } = change
    if (change.is === 'deletion' || !message.bot) return
    add(`${message.channel}:${message.ts}`, linesOf(message, world))
    if (change.is === 'message') world.pings.push(...pingsOf(message, world))
  })
}

/** A time whose alarms can all be called off, so that nothing rings after the fake has stopped. */
function stoppable(time: FakeTime): FakeTime & { stop(): void } {
  const set = new Set<() => void>()
  return {
    now: time.now,
    after(ms, then) {
      const callOff = time.after(ms, () => {
        set.delete(callOff)
        then()
      })
      set.add(callOff)
      return () => {
        set.delete(callOff)
        callOff()
      }
    },
    stop() {
      for (const callOff of set) callOff()
      set.clear()
    },
  }
}
