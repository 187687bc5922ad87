import type { AddressInfo, Socket } from 'node:net'
import type { FakeWorkspace, LedgerEntry, Ping } from '../workspace.ts'
import { realTime } from '../workspace.ts'
import { createBuckets } from './buckets.ts'
import { readDescription } from './description.ts'
import { createFaults, type DiscordKnob } from './faults.ts'
import { createGateway } from './gateway.ts'
import { createInteractions } from './interactions.ts'
import { inOrder, linesOf, pingsOf, shownOf } from './looks.ts'
import type { FakeDiscordOptions } from './options.ts'
import { createPage } from './page.ts'
import { createPeople, type People, roleOf } from './people.ts'
import { createDesk } from './rest.ts'
import type { House } from './routes.ts'
import { guildRoutes, OURS } from './routes-guild.ts'
import { interactionRoutes } from './routes-interactions.ts'
import { messageRoutes } from './routes-messages.ts'
import { createTrouble } from './trouble.ts'
import { createWorld, type Message } from './world.ts'

export interface FakeDiscord
  extends FakeWorkspace,
    Pick<People, 'types' | 'menu' | 'edits' | 'deletes' | 'leaves' | 'has' | 'opens'> {
  readonly token: string
  readonly application: string
  readonly guild: string
  readonly channels: readonly string[] // ids, in the order of the options
  readonly commands: readonly string[] // names of what is registered in the guild
  readonly invalidRequests: number // 401, 403 and 429 of the last ten minutes
  readonly identifies: number
  readonly resumes: number
  readonly listeners: number // sessions with the bot at the other end of the socket
  /** The snowflake of the person with that name. */
  person(name: string): string
  /** The snowflake of the role with that name. */
  role(name: string): string
  file(message: string, name: string): Buffer
  misbehave(knob: DiscordKnob): void
}

/** A Discord on loopback. Its wire is v10's, and the real discord.js speaks with it: `rest: { api: fake.api, version: '10' }`. */
export async function startFakeDiscord(options: FakeDiscordOptions = {}): Promise<FakeDiscord> {
  const time = options.time ?? realTime
  const world = createWorld(options, time)
  const first = { token: world.token, channels: [...world.channels.keys()] }
  const description = readDescription()
  const buckets = createBuckets(options, time)
  const faults = createFaults()
  const ledger: LedgerEntry[] = []
  const invalid: string[] = []
  const pings: Ping[] = []
  const shown: string[] = []
  const registered = options.registered === false ? [] : [...OURS]
  let away = false
  let origin = ''

  const complain = (complaint: string) => void invalid.push(complaint)
  const interactions = createInteractions(
    world,
    () => origin,
    payload => gateway.dispatch('INTERACTION_CREATE', payload),
  )
  const gateway = createGateway(world, options, () => origin, description, complain)
  const people = createPeople(world, interactions, registered, () => origin)
  world.watch(listing(world, shown))
  const house: House = {
    world,
    interactions,
    origin: () => origin,
    ping: (message, allowed) => void pings.push(...pingsOf(world, message, allowed)),
  }
  const routes = [...guildRoutes(registered, () => gateway.starts()), ...messageRoutes, ...interactionRoutes]
  const server = createDesk(
    { routes, house, buckets, faults, description, ledger, invalid: complain, away: () => away },
    createPage(world, people),
  )
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('upgrade', (request, socket, head) => (away ? socket.destroy() : gateway.upgrade(request, socket, head)))
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  origin = `http://127.0.0.1:${port}`

  const { misbehave, heal } = createTrouble({
    world,
    gateway,
    faults,
    people,
    away(gone) {
      away = gone
      if (gone) for (const socket of sockets) socket.destroy()
    },
  })

  return {
    api: `${origin}/api`,
    page: `${origin}/`,
    token: first.token,
    application: world.application,
    guild: world.guild,
    channels: first.channels,
    get commands() {
      return registered.map(one => one.name)
    },
    says: people.says,
    presses: people.presses,
    types: people.types,
    menu: people.menu,
    edits: people.edits,
    deletes: people.deletes,
    leaves: people.leaves,
    has: people.has,
    opens: people.opens,
    messages: channel =>
      inOrder(world, channel === undefined ? undefined : world.channelOf(channel).id).map(one => shownOf(world, one)),
    shown,
    ledger,
    invalid,
    pings,
    get invalidRequests() {
      return buckets.invalidRequests
    },
    get identifies() {
      return gateway.identifies
    },
    get resumes() {
      return gateway.resumes
    },
    get listeners() {
      return gateway.sessions
    },
    person: name => world.person(name).id,
    role: name => roleOf(world, name),
    file(message, name) {
      const found = world.messages.get(message)?.files.find(file => file.name === name)
      if (!found) throw new Error(`message ${message} has no file ${name}`)
      return found.bytes
    },
    misbehave,
    heal,
    async stop() {
      gateway.stop()
      for (const socket of sockets) socket.destroy()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

/** Lists what appears: a new message's lines, and of an edited one those that it did not have before. */
function listing(world: ReturnType<typeof createWorld>, shown: string[]) {
  const before = new Map<string, readonly string[]>()
  return (what: { readonly t: string; readonly message?: Message }) => {
    if (!what.message || what.t === 'MESSAGE_DELETE') return
    const now = linesOf(world, what.message)
    const known = before.get(what.message.id) ?? []
    shown.push(...now.filter(line => !known.includes(line)))
    before.set(what.message.id, now)
  }
}
