import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Description } from './description.ts'
import type { FakeDiscordOptions } from './options.ts'
import { sees } from './permissions.ts'
import { channelOf, KINDS, memberOf, mentionsIn, messageOf, userOf, wholeGuild } from './wire.ts'
import type { Happening, World } from './world.ts'

const INTENTS = { guilds: 1, members: 2, presences: 256, messages: 512, direct: 4096, content: 32768 } as const
const PRIVILEGED = INTENTS.members | INTENTS.presences | INTENTS.content
const SENDS = { count: 120, per: 60_000 }

interface Session {
  readonly id: string
  readonly intents: number
  seq: number
  readonly events: { readonly s: number; readonly t: string; readonly d: object }[]
  socket?: WebSocket
  lost?: number // since when nobody listens
}

export interface Gateway {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  dispatch(t: string, d: object, intent?: number): void
  readonly identifies: number
  readonly resumes: number
  readonly sessions: number // with somebody at the other end
  starts(): object
  reconnect(): void
  invalidate(resumable: boolean): void
  close(code: number): void
  forget(): void // no session can be resumed any more
  zombie(): void
  replayTwice(twice: boolean): void
  stop(): void
}

/** The event sockets: who identified, what each has been sent, and what it is sent again when it resumes. */
export function createGateway(
  world: World,
  options: FakeDiscordOptions,
  origin: () => string,
  description: Description,
  invalid: (complaint: string) => void,
): Gateway {
  const server = new WebSocketServer({ noServer: true })
  const sessions = new Map<string, Session>()
  const mute = new WeakSet<WebSocket>()
  const total = options.sessionStarts ?? 1_000
  const resumable = options.resumable ?? 180_000
  let identifies = 0
  let resumes = 0
  let identified = Number.NEGATIVE_INFINITY
  let twice = false
  const url = () => origin().replace('http', 'ws')

  const say = (socket: WebSocket, op: number, d: unknown, more: object = {}) => {
    if (socket.readyState === socket.OPEN && !mute.has(socket)) socket.send(JSON.stringify({ op, d, s: null, t: null, ...more }))
  }
  const deliver = (session: Session, t: string, d: object) => {
    const event = { s: ++session.seq, t, d }
    session.events.push(event)
    if (session.socket) say(session.socket, 0, d, event)
  }
  const dispatch = (t: string, d: object, intent = 0) => {
    for (const session of sessions.values()) if (intent === 0 || (session.intents & intent) !== 0) deliver(session, t, d)
  }

  function identify(socket: WebSocket, d: { token?: unknown; intents?: unknown }): Session | undefined {
    if (d.token !== world.token) return void socket.close(4004, 'Authentication failed.')
    const intents = Number(d.intents)
    if (!Number.isInteger(intents) || intents < 0) return void socket.close(4013, 'Invalid intent(s).')
    if ((intents & PRIVILEGED) !== 0) return void socket.close(4014, 'Disallowed intent(s).')
    identifies++
    if (identifies > total) {
      // Discord does not only refuse: it takes the token away.
      world.token = randomBytes(24).toString('base64url')
      return void socket.close(4004, 'Authentication failed.')
    }
    const early = world.time.now() - identified < (options.identifyEvery ?? 0)
    identified = world.time.now()
    if (early) return void say(socket, 9, false)
    const session: Session = { id: randomBytes(16).toString('hex'), intents, seq: 0, events: [], socket }
    sessions.set(session.id, session)
    deliver(session, 'READY', {
      v: 10,
      user: { ...userOf(world.bot), mfa_enabled: true, verified: true, locale: 'en-US' },
      guilds: world.bot.member ? [{ id: world.guild, unavailable: true }] : [],
      session_id: session.id,
      resume_gateway_url: `${url()}/resume`,
      shard: [0, 1],
      application: { id: world.application, flags: 0 },
      private_channels: [],
      relationships: [],
    })
    if (world.bot.member && (intents & INTENTS.guilds) !== 0) deliver(session, 'GUILD_CREATE', wholeGuild(world))
    return session
  }

  function resume(socket: WebSocket, d: { token?: unknown; session_id?: unknown; seq?: unknown }): Session | undefined {
    if (d.token !== world.token) return void socket.close(4004, 'Authentication failed.')
    const session = sessions.get(`${d.session_id}`)
    const late = session?.lost !== undefined && world.time.now() - session.lost > resumable
    if (!session || late) return void say(socket, 9, false)
    if (Number(d.seq) > session.seq) return void socket.close(4007, 'Invalid seq.')
    resumes++
    if (session.socket && session.socket !== socket) session.socket.terminate()
    session.socket = socket
    delete session.lost
    for (const event of session.events.filter(({ s }) => s > Number(d.seq))) {
      say(socket, 0, event.d, event)
      if (twice) say(socket, 0, event.d, event)
    }
    deliver(session, 'RESUMED', {})
    return session
  }

  function serve(socket: WebSocket): void {
    let session: Session | undefined
    let sent: number[] = []
    say(socket, 10, { heartbeat_interval: options.heartbeat ?? 41_250 })
    socket.on('error', () => {}) // the close that follows says all there is to say
    socket.on('message', text => {
      if (mute.has(socket)) return
      sent = [...sent.filter(at => at > world.time.now() - SENDS.per), world.time.now()]
      if (sent.length > SENDS.count) return socket.close(4008, 'You are being rate limited.')
      const read = reading(String(text))
      if (!read) return socket.close(4002, 'Error while decoding payload.')
      const { op, d } = read
      if (op === 1) return say(socket, 11, null)
      if (op === 2) {
        if (session) return socket.close(4005, 'Already authenticated.')
        session = identify(socket, d ?? {})
      } else if (op === 6) session = resume(socket, d ?? {})
      else if (!session) socket.close(4003, 'Not authenticated.')
      else if (op === 8) deliver(session, 'GUILD_MEMBERS_CHUNK', chunk(world, d ?? {}))
      else if (op !== 3 && op !== 4) socket.close(4001, 'Unknown opcode.')
    })
    socket.on('close', code => {
      if (session?.socket !== socket) return
      delete session.socket
      session.lost = world.time.now()
      // A bot that says good-bye has no session any more.
      if (code === 1000 || code === 1001) sessions.delete(session.id)
    })
  }

  world.watch(what => tell(what))
  function tell(what: Happening): void {
    const event = eventOf(world, what, origin())
    if (!event) return
    const complaints = event.schema === undefined ? [] : description.schema(event.schema, event.d)
    for (const complaint of complaints) invalid(`the fake's own ${what.t}: ${complaint}`)
    dispatch(what.t, event.d, event.intent)
  }

  const open = () => [...server.clients]
  return {
    upgrade: (request, socket, head) => server.handleUpgrade(request, socket, head, serve),
    dispatch,
    get identifies() {
      return identifies
    },
    get resumes() {
      return resumes
    },
    get sessions() {
      return [...sessions.values()].filter(one => one.socket && !mute.has(one.socket)).length
    },
    starts: () => ({
      url: `${url()}/gateway`,
      shards: 1,
      session_start_limit: {
        total: 1_000,
        remaining: Math.max(0, total - identifies),
        reset_after: 86_400_000,
        max_concurrency: 1,
      },
    }),
    reconnect: () => open().forEach(socket => say(socket, 7, null)),
    invalidate(resumable) {
      if (!resumable) sessions.clear()
      for (const socket of open()) say(socket, 9, resumable)
    },
    close: code => open().forEach(socket => socket.close(code)),
    forget: () => sessions.clear(),
    zombie: () => open().forEach(socket => void mute.add(socket)),
    replayTwice: on => {
      twice = on
    },
    stop() {
      for (const socket of open()) socket.terminate()
      server.close()
    },
  }
}

interface Event {
  readonly d: object
  readonly intent: number
  readonly schema?: string
}

/** The event that a bot is sent for it, if it may know: only of places that it sees, and of what only one person sees, nothing. */
function eventOf(world: World, what: Happening, origin: string): Event | undefined {
  if ('message' in what) {
    const { message } = what
    const channel = world.channels.get(message.channel)
    if (!channel || message.to !== undefined || !sees(world, world.bot, channel)) return undefined
    const intent = channel.kind === 'direct' ? INTENTS.direct : INTENTS.messages
    const guild = channel.kind === 'direct' ? {} : { guild_id: world.guild }
    const place = { ...guild, channel_type: KINDS[channel.kind] }
    if (what.t === 'MESSAGE_DELETE') return { d: { id: message.id, channel_id: message.channel, ...guild }, intent }
    const member = channel.kind === 'direct' || !message.author.member ? {} : { member: withoutUser(message.author) }
    const mentions = mentionsIn(world, message.content).map(user => ({
      ...userOf(user),
      ...(user.member ? { member: withoutUser(user) } : {}),
    }))
    return {
      d: { ...messageOf(world, message, origin, 'bot'), ...place, ...member, mentions },
      intent,
      schema: 'MessageResponse',
    }
  }
  if ('channel' in what) {
    const schema = what.channel.kind === 'thread' ? 'ThreadResponse' : 'GuildChannelResponse'
    const fresh = what.t === 'THREAD_CREATE' ? { newly_created: true } : {}
    return { d: { ...channelOf(world, what.channel), ...fresh }, intent: INTENTS.guilds, schema }
  }
  if ('user' in what) return { d: { guild_id: world.guild, user: userOf(what.user) }, intent: INTENTS.members }
  if (what.t === 'GUILD_CREATE') return { d: wholeGuild(world), intent: INTENTS.guilds }
  return { d: { id: world.guild }, intent: INTENTS.guilds }
}

function withoutUser(user: Parameters<typeof memberOf>[0]): object {
  const { user: _, ...fields } = { user: undefined, ...memberOf(user) }
  return fields
}

function chunk(world: World, d: { user_ids?: unknown; nonce?: unknown }): object {
  const asked = [d.user_ids].flat().map(String)
  const found = asked.flatMap(id => world.users.get(id) ?? []).filter(user => user.member)
  return {
    guild_id: world.guild,
    members: found.map(memberOf),
    chunk_index: 0,
    chunk_count: 1,
    not_found: asked.filter(id => !found.some(user => user.id === id)),
    nonce: d.nonce,
  }
}

function reading(text: string): { readonly op: number; readonly d: Record<string, unknown> | null } | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
