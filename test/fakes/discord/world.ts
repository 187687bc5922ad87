import type { FakeTime } from '../workspace.ts'
import type { Button, Embed, Row } from './bodies.ts'
import { DEFAULTS, type FakeDiscordOptions, type PersonGiven } from './options.ts'
import { CREW_MAY, EVERYONE_MAY, GUIDE_MAY, type Overwrite, VIEW } from './permissions.ts'

export interface User {
  readonly id: string
  readonly name: string
  readonly kind: NonNullable<PersonGiven['kind']>
  roles: readonly string[]
  member: boolean
}

export interface Role {
  readonly id: string
  readonly name: string
  readonly permissions: bigint
  readonly managed: boolean
}

export interface Channel {
  readonly id: string
  name: string
  readonly kind: 'text' | 'announcement' | 'thread' | 'direct'
  readonly parent?: string // of a thread
  readonly person?: string // whose direct messages
  overwrites: Overwrite[]
  gone: boolean
  locked: boolean
}

export interface Stored {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly bytes: Buffer
}

export interface Message {
  readonly id: string
  readonly channel: string
  readonly author: User
  readonly at: number
  readonly type: number // 0 ordinary, 20 and 23 an answer to a command, 21 the start of a thread
  content: string
  embeds: readonly Embed[]
  rows: readonly Row[]
  files: readonly Stored[]
  edited?: number
  edits: number
  deleted: boolean
  loading: boolean // "is thinking"
  readonly nonce?: string
  readonly to?: string // who alone sees it
  readonly reference?: string
  readonly application?: true // made by way of an interaction
}

/** What becomes known to whoever looks on: the gateway, the page, the list of what was shown. */
export type Happening =
  | { readonly t: 'MESSAGE_CREATE' | 'MESSAGE_UPDATE' | 'MESSAGE_DELETE'; readonly message: Message }
  | { readonly t: 'THREAD_CREATE' | 'THREAD_UPDATE' | 'CHANNEL_UPDATE' | 'CHANNEL_DELETE'; readonly channel: Channel }
  | { readonly t: 'GUILD_MEMBER_REMOVE'; readonly user: User }
  | { readonly t: 'GUILD_DELETE' | 'GUILD_CREATE' }

export interface World {
  readonly time: FakeTime
  readonly application: string
  readonly guild: string
  readonly bot: User
  readonly users: Map<string, User>
  readonly roles: readonly Role[]
  readonly channels: Map<string, Channel>
  readonly messages: Map<string, Message>
  token: string
  snowflake(): string
  person(nameOrId: string): User
  /** The channel with that id or name; the first one for undefined. */
  channelOf(nameOrId?: string): Channel
  direct(user: User): Channel
  thread(name: string, parent: Channel, id?: string): Channel
  post(given: Omit<Partial<Message>, 'id' | 'at'> & Pick<Message, 'channel' | 'author'>): Message
  change(message: Message, to: Partial<Pick<Message, 'content' | 'embeds' | 'rows' | 'files' | 'loading'>>): void
  remove(message: Message): void
  happened(what: Happening): void
  watch(see: (what: Happening) => void): void
}

const EPOCH = 1_420_070_400_000

export function createWorld(options: FakeDiscordOptions, time: FakeTime): World {
  const guild = options.guild ?? DEFAULTS.guild
  const application = options.application ?? DEFAULTS.application
  const watchers: ((what: Happening) => void)[] = []
  const roles: Role[] = [
    { id: guild, name: '@everyone', permissions: EVERYONE_MAY, managed: false },
    { id: `${BigInt(guild) + 1000n}`, name: 'crew', permissions: CREW_MAY, managed: false },
    { id: `${BigInt(guild) + 1001n}`, name: 'signalbox', permissions: options.permissions ?? GUIDE_MAY, managed: true },
  ]
  const role = (name: string) => {
    const known = roles.find(one => one.name === name)
    if (known) return known.id
    const made = { id: `${BigInt(guild) + 1000n + BigInt(roles.length)}`, name, permissions: CREW_MAY, managed: false }
    roles.push(made)
    return made.id
  }
  const bot: User = { id: application, name: 'signalbox', kind: 'bot', roles: [role('signalbox')], member: true }
  const users = new Map<string, User>([[bot.id, bot]])
  for (const { id, name, kind = 'person', roles: named } of options.people ?? DEFAULTS.people) {
    const member = kind === 'person' || kind === 'guest' || kind === 'bot'
    const names = named ?? (kind === 'person' ? ['crew'] : [])
    users.set(id, { id, name, kind, roles: member ? names.map(role) : [], member })
  }
  const channels = new Map<string, Channel>()
  for (const { id, name, private: closed, announcement } of options.channels ?? DEFAULTS.channels) {
    const overwrites: Overwrite[] = closed
      ? [
          { id: guild, type: 0, allow: 0n, deny: VIEW },
          { id: role('crew'), type: 0, allow: VIEW, deny: 0n },
          { id: bot.id, type: 1, allow: VIEW, deny: 0n },
        ]
      : []
    channels.set(id, { id, name, kind: announcement ? 'announcement' : 'text', overwrites, gone: false, locked: false })
  }
  const messages = new Map<string, Message>()
  let last = 0n

  const world: World = {
    time,
    application,
    guild,
    bot,
    users,
    roles,
    channels,
    messages,
    token: options.token ?? DEFAULTS.token,
    snowflake() {
      const next = BigInt(Math.max(0, Math.floor(time.now()) - EPOCH)) << 22n
      last = next > last ? next : last + 1n
      return `${last}`
    },
    person(nameOrId) {
      const found = users.get(nameOrId) ?? [...users.values()].find(user => user.name === nameOrId)
      if (!found) throw new Error(`the fake Discord knows nobody called ${nameOrId}`)
      return found
    },
    channelOf(nameOrId) {
      const all = [...channels.values()]
      const found = nameOrId === undefined ? all[0] : (channels.get(nameOrId) ?? all.find(one => one.name === nameOrId))
      if (!found) throw new Error(`the fake Discord has no channel ${nameOrId ?? 'at all'}`)
      return found
    },
    direct(user) {
      const known = [...channels.values()].find(one => one.person === user.id)
      if (known) return known
      const made: Channel = { ...bare(world.snowflake(), user.name, 'direct'), person: user.id }
      channels.set(made.id, made)
      return made
    },
    thread(name, parent, id = world.snowflake()) {
      const made: Channel = { ...bare(id, name, 'thread'), parent: parent.id }
      channels.set(id, made)
      world.happened({ t: 'THREAD_CREATE', channel: made })
      return made
    },
    post(given) {
      const message: Message = { ...blank, ...given, id: world.snowflake(), at: time.now() }
      messages.set(message.id, message)
      world.happened({ t: 'MESSAGE_CREATE', message })
      return message
    },
    change(message, to) {
      const waited = message.loading
      Object.assign(message, to, { loading: false })
      if (!waited) {
        message.edits++
        message.edited = time.now()
      }
      world.happened({ t: 'MESSAGE_UPDATE', message })
    },
    remove(message) {
      message.deleted = true
      world.happened({ t: 'MESSAGE_DELETE', message })
    },
    happened: what => {
      for (const see of watchers) see(what)
    },
    watch: see => void watchers.push(see),
  }
  return world
}

const blank = { type: 0, content: '', embeds: [], rows: [], files: [], edits: 0, deleted: false, loading: false }
const bare = (id: string, name: string, kind: Channel['kind']): Channel => ({
  id,
  name,
  kind,
  overwrites: [],
  gone: false,
  locked: false,
})

export const buttonsOf = (message: Message): readonly Button[] => message.rows.flatMap(row => row.components)
export const titleOf = (button: Button): string => button.label ?? button.emoji?.name ?? ''
