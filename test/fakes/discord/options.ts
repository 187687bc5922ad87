import type { Millis } from '../../../src/domain/ids.ts'
import type { FakeTime } from '../workspace.ts'

/** How a fake Discord is furnished. Everything has a default, so that `startFakeDiscord()` is one that a bot can live in. */
export interface FakeDiscordOptions {
  readonly token?: string
  readonly application?: string // the bot's user has the same snowflake, as with every application since 2017
  readonly guild?: string
  readonly channels?: readonly ChannelGiven[]
  readonly people?: readonly PersonGiven[]
  readonly permissions?: bigint // of the bot's role; what a bot with the guide's invitation has by default
  readonly time?: FakeTime
  readonly limits?: Partial<Limits> | 'none'
  readonly heartbeat?: Millis // 41,250 by default, Discord's
  readonly sessionStarts?: number // IDENTIFYs that are left for today, 1,000 by default
  readonly identifyEvery?: Millis // Discord's is 5,000 per bot; 0, not enforced, by default
  readonly resumable?: Millis // how long a session without a socket can be resumed, 3 minutes by default
  readonly registered?: boolean // whether our commands stand in the guild already; they do by default
  readonly port?: number
}

export interface ChannelGiven {
  readonly id: string
  readonly name: string
  readonly private?: boolean // everyone is denied the view; those in the role "crew" and the bot have it
  readonly announcement?: boolean
}

export interface PersonGiven {
  readonly id: string
  readonly name: string
  readonly roles?: readonly string[] // names of roles; "crew" by default
  readonly kind?: 'person' | 'guest' | 'stranger' | 'bot' | 'webhook' // guest: by a guest invitation; stranger: no member at all
}

/** Count and window of each kind of limit, Discord's own as far as they are known. */
export interface Limits {
  readonly messages: Limit // creating, and apart from it editing, in one channel
  readonly interactions: Limit // per interaction token
  readonly others: Limit // per route and guild or channel
  readonly global: Limit // interactions are exempt
  readonly invalid: Limit // 401, 403 and 429 before the address is banned
}

export interface Limit {
  readonly count: number
  readonly per: Millis
}

export const REAL: Limits = {
  messages: { count: 5, per: 5_000 },
  interactions: { count: 5, per: 2_000 },
  others: { count: 10, per: 10_000 },
  global: { count: 50, per: 1_000 },
  invalid: { count: 10_000, per: 600_000 },
}

const MANY: Limit = { count: 1_000_000, per: 1_000 }
export const NONE: Limits = { ...REAL, messages: MANY, interactions: MANY, others: MANY, global: MANY }

interface Defaults {
  readonly token: string
  readonly application: string
  readonly guild: string
  readonly channels: readonly ChannelGiven[]
  readonly people: readonly PersonGiven[]
}

export const DEFAULTS: Defaults = {
  token: 'the token of the fake bot',
  application: '1100000000000000001',
  guild: '1100000000000000002',
  channels: [
    { id: '1100000000000000010', name: 'migrations', private: true },
    { id: '1100000000000000011', name: 'storage-lounge' },
  ],
  people: [
    { id: '1100000000000000101', name: 'olga' },
    { id: '1100000000000000102', name: 'lee' },
    { id: '1100000000000000103', name: 'ann' },
    { id: '1100000000000000104', name: 'gus', kind: 'guest' },
    { id: '1100000000000000105', name: 'sam', kind: 'stranger' },
    { id: '1100000000000000106', name: 'otherbot', kind: 'bot' },
    { id: '1100000000000000107', name: 'hook', kind: 'webhook' },
  ],
}
