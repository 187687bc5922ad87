import type { Ping } from '../workspace.ts'
import { BOT, type ChannelGiven, DEFAULTS, type FakeSlackOptions, type GroupGiven, type PersonGiven } from './options.ts'

/** A JSON object as it came over the wire: nothing is known of it yet. */
export type Json = Readonly<Record<string, unknown>>

export interface Channel extends ChannelGiven {
  readonly members: Set<string>
  readonly im?: string // the person of a direct conversation
  archived: boolean
}

/** A user group; who is in it changes. */
export interface Group {
  readonly id: string
  readonly handle: string
  readonly users: Set<string>
  disabled: boolean
}

export interface Metadata {
  readonly event_type: string
  readonly event_payload: Json
}

export interface Message {
  readonly ts: string
  readonly channel: string
  readonly user: string
  readonly bot?: true // ours
  readonly thread?: string
  readonly to?: string // only that person sees it
  readonly files: readonly string[]
  readonly past: (readonly Json[])[] // its blocks before each edit: somebody may still have them on the screen
  text: string
  blocks?: readonly Json[]
  attachments?: readonly Json[]
  metadata?: Metadata
  edits: number
  edited?: string
  deleted: boolean
}

export interface View {
  readonly id: string
  readonly type: 'modal' | 'home'
  readonly user: string
  readonly trigger?: string
  readonly root: string
  shape: Json
  hash: string
  open: boolean
  errors: Readonly<Record<string, string>>
}

export interface FileKept {
  readonly id: string
  readonly name: string
  readonly length: number
  readonly alt?: string
  bytes?: Buffer
  type: string
  title: string
  shared: boolean
}

/** Everything that the workspace remembers. One place, so that what the API answers and what people see are the same. */
export interface World {
  readonly team: string
  readonly app: string
  readonly people: Map<string, PersonGiven>
  readonly channels: Map<string, Channel>
  readonly messages: Message[]
  readonly views: Map<string, View>
  readonly triggers: Map<string, { readonly user: string; readonly at: number; used: boolean }>
  readonly files: Map<string, FileKept>
  readonly groups: Map<string, Group>
  readonly pings: Ping[]
  revoked: boolean
  now(): number
  /** A new id that nobody had before, such as Ev0000000001. */
  id(prefix: string): string
  /** The time as Slack's message ids have it: unique, and never going back. */
  ts(): string
  trigger(user: string): string
  person(idOrName: string): PersonGiven
  channel(idOrName: string): Channel
  /** The direct conversation of that person with the bot, made when it is first needed. */
  direct(user: string): Channel
  find(channel: string, ts: string): Message | undefined
  /** Whoever looks on is told, after the fact. */
  watch(then: (change: Change) => void): void
  tell(change: Change): void
}

export type Change =
  | { readonly is: 'message'; readonly message: Message }
  | { readonly is: 'edit'; readonly message: Message }
  | { readonly is: 'deletion'; readonly message: Message }
  | { readonly is: 'view'; readonly view: View }

export function createWorld(options: FakeSlackOptions, now: () => number): World {
  const people = new Map((options.people ?? DEFAULTS.people).map(one => [one.id, one]))
  people.set(BOT.user, { id: BOT.user, name: BOT.name, kind: 'bot' })
  const channels = new Map((options.channels ?? DEFAULTS.channels).map(one => [one.id, channelOf(one, [...people.values()])]))
  const watchers: ((change: Change) => void)[] = []
  let counted = 0
  let micros = 0
  const world: World = {
    team: options.team ?? DEFAULTS.team,
    app: options.app ?? DEFAULTS.app,
    people,
    channels,
    messages: [],
    views: new Map(),
    triggers: new Map(),
    files: new Map(),
    groups: new Map(Object.entries(options.groups ?? DEFAULTS.groups).map(([id, given]) => [id, groupOf(id, given)])),
    pings: [],
    revoked: false,
    now,
    id: prefix => `${prefix}${String(++counted).padStart(10, '0')}`,
    ts() {
      micros = Math.max(micros + 1, now() * 1000)
      return `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}`
    },
    trigger(user) {
      const trigger = `${now()}.${world.id('')}.fake`
      world.triggers.set(trigger, { user, at: now(), used: false })
      return trigger
    },
    person: wanted => named(people, wanted, 'person'),
    channel: wanted => named(channels, wanted, 'channel'),
    direct(user) {
      const { id, name } = world.person(user)
      const channel = [...channels.values()].find(one => one.im === id)
      if (channel) return channel
      const made = { id: `D${id.slice(1)}`, name, im: id, private: true, archived: false, members: new Set([id, BOT.user]) }
      channels.set(made.id, made)
      return made
    },
    find: (channel, ts) =>
      world.messages.find(one => one.channel === channel && one.ts === ts && !one.deleted && one.to === undefined),
    watch: then => void watchers.push(then),
    tell: change => {
      for (const then of watchers) then(change)
    },
  }
  return world
}

function groupOf(id: string, given: GroupGiven): Group {
  const { users, handle, disabled } = 'users' in given ? given : { users: given, handle: undefined, disabled: undefined }
  return { id, handle: handle ?? id.toLowerCase(), users: new Set(users), disabled: disabled === true }
}

/** Everybody is in every channel, but strangers only where the channel is shared. */
function channelOf(given: ChannelGiven, people: readonly PersonGiven[]): Channel {
  const members = people
    .filter(({ kind }) => kind !== 'gone' && (kind !== 'stranger' || given.shared === true))
    .map(({ id }) => id)
  return {
    ...given,
    archived: given.archived ?? false,
    members: new Set(members.filter(id => id !== BOT.user || given.withoutBot !== true)),
  }
}

function named<T extends { readonly id: string; readonly name: string }>(all: Map<string, T>, wanted: string, what: string): T {
  const found = all.get(wanted) ?? [...all.values()].find(({ name }) => name === wanted)
  if (!found) throw new Error(`the fake Slack has no ${what} ${wanted}`)
  return found
}
