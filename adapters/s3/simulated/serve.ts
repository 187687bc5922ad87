import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { cutInTheMiddle, type Misbehave } from '../../../src/kit/misbehave.ts'
import { answer, type Fault, type World } from './bucket.ts'
import { no, ok, type Reply, type Request, requestOf, shown, tooSkewed, wrongDigest } from './requests.ts'
import type { Shelf } from './shelf.ts'

/** What goes wrong before a bucket is asked. */
export type Trouble = Fault | 'slow down' | 'expired token' | 'wrong clock' | 'another region' | 'access denied'

export type Watched = 'do it' | 'do it, and say nothing' | 'say nothing'

export interface Serving {
  readonly shelf: Shelf
  /** Is it now the turn of this one? Asking uses it up. */
  faulty(how: Trouble): boolean
  now?(): number // by the clock of S3
  accessKeyId?: string // the only one that it knows; any, where none is said
  heard?(request: string): void
  accept?(request: string): void
  /** Does reading an object count as a change, because a file is made of it? */
  readsCount?: boolean
  meets?(request: string, changes: boolean): Misbehave | undefined
  /** Sees each request that would change something, before it does: the answer is whether it may. */
  watches?(request: string): Watched
}

export interface Served {
  readonly endpoint: string
  /** Nobody listens any more, on a port that stays ours. */
  vanish(): void
  appear(): void
  close(): Promise<void>
}

/** S3 on loopback, by path style. It checks what a client says about what it sends, and keeps what it is given. */
export async function serve(serving: Serving): Promise<Served> {
  const server = createServer((request, response) => {
    meet(request, response, serving).catch((error: unknown) => {
      response.writeHead(500).end(String(error))
    })
  })
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  await listen(0)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The server has no port.')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    vanish() {
      server.close()
      server.closeAllConnections()
    },
    appear() {
      if (!server.listening) server.listen(address.port, '127.0.0.1')
    },
    close: () =>
      new Promise(done => {
        server.closeAllConnections()
        server.close(() => done())
      }),
  }
}

async function meet(incoming: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const request = requestOf(incoming.method ?? '', incoming.url ?? '/', incoming.headers, Buffer.concat(chunks))
  const said = shown(request)
  serving.heard?.(said)
  const reads = request.method === 'HEAD' || request.method === 'GET'
  const object = request.method === 'GET' && request.key !== '' && request.query.get('uploadId') === null
  const changes = !reads || (object && serving.readsCount === true)
  const knob = serving.meets?.(said, changes)
  if (knob?.how === 'hang') return
  const watched = reads ? 'do it' : (serving.watches?.(`${request.method} ${request.key}`) ?? 'do it')
  if (watched === 'say nothing') return
  if (knob?.how === 'lose request') return void response.destroy()
  const reply = knob?.how === 'refuse' ? no(403, 'AccessDenied') : replyTo(request, serving, said)
  if (object && serving.readsCount === true && reply.status === 200) serving.accept?.(said)
  if (watched === 'do it, and say nothing') return
  if (knob?.how === 'lose answer') return void response.destroy()
  if (knob?.how === 'talk forever') return talk(response, request.method === 'HEAD')
  send(response, request, knob?.how === 'garble' ? spoilt(reply, knob) : reply, serving)
}

function replyTo(request: Request, serving: Serving, said: string): Reply {
  const { shelf, faulty, accessKeyId } = serving
  const now = serving.now ?? Date.now
  const world: World = { shelf, now, faulty, accept: () => serving.accept?.(said) }
  if (faulty('expired token')) return no(400, 'ExpiredToken')
  if (faulty('wrong clock') || tooSkewed(request, now())) return no(403, 'RequestTimeTooSkewed')
  if (faulty('access denied')) return no(403, 'AccessDenied')
  if (faulty('another region'))
    return no(301, 'PermanentRedirect', '<Region>eu-central-1</Region>', { 'x-amz-bucket-region': 'eu-central-1' })
  const known = /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1]
  if (accessKeyId !== undefined && known !== accessKeyId) return no(403, 'InvalidAccessKeyId')
  if (request.bucket !== shelf.bucket) return no(404, 'NoSuchBucket')
  if (!shelf.exists) return create(request, world)
  if (faulty('slow down')) return no(503, 'SlowDown', '', serving.now ? { 'retry-after': '0' } : {})
  if (wrongDigest(request)) return no(400, 'BadDigest')
  return answer(request, world)
}

function create({ method, key, query }: Request, { shelf, accept }: World): Reply {
  if (method !== 'PUT' || key !== '' || query.size > 0) return no(404, 'NoSuchBucket')
  accept()
  shelf.exists = true
  shelf.keep()
  return ok('', { location: `/${shelf.bucket}` })
}

function send(response: ServerResponse, { method }: Request, { status, headers = {}, body = '' }: Reply, { now }: Serving): void {
  response.sendDate = false
  const length = method === 'HEAD' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  response.writeHead(status, { ...headers, ...length, date: new Date(now?.() ?? Date.now()).toUTCString() })
  response.end(method === 'HEAD' ? undefined : body)
}

function spoilt(reply: Reply, knob: Misbehave): Reply {
  const spoil = knob.spoil ?? cutInTheMiddle
  const { body = '' } = reply
  return { ...reply, body: Buffer.from(spoil(Buffer.from(body).toString('latin1')), 'latin1') }
}

/** A body without end; where there may be none, a header without end. */
function talk(response: ServerResponse, headers: boolean): void {
  const { socket } = response
  if (!socket) return
  socket.on('error', () => {})
  const noise = 'x'.repeat(65_536)
  socket.write(headers ? 'HTTP/1.1 200 OK\r\nx-noise: ' : 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n')
  const more = (): void => {
    if (socket.destroyed) return
    if (socket.write(noise)) setImmediate(more)
    else socket.once('drain', more)
  }
  more()
}
