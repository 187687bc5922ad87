import type { Millis } from '../../../src/domain/ids.ts'
import type { FakeTime } from '../workspace.ts'

/** How a fake Slack is furnished. Everything has a default, so that `startFakeSlack()` is one that a bot can live in. */
export interface FakeSlackOptions {
  readonly token?: string
  readonly appToken?: string
  readonly team?: string
  readonly app?: string
  readonly scopes?: readonly string[] // of the bot's token
  readonly appScopes?: readonly string[] // of the app-level token
  readonly channels?: readonly ChannelGiven[]
  readonly people?: readonly PersonGiven[]
  readonly groups?: Readonly<Record<string, GroupGiven>> // user groups, by id
  /** Where events go by HTTP. Without it they go over Socket Mode. Can be set later, once the bot listens. */
  readonly http?: HttpTarget
  readonly time?: FakeTime
  /** 1 by default: Slack's own tiers. 10 lets ten times as much through in the same time; 'none' counts nothing. */
  readonly tiers?: number | 'none'
  readonly patience?: Millis // how long the bot has for its acknowledgement, 3 s by default
  readonly retries?: readonly Millis[] // after a failed delivery of an event: at once, after 1 minute, after 5 by default
  /** Are messages that mention the bot sent as messages of the channel too, as with a subscription to them? Not by default. */
  readonly follows?: boolean
  readonly port?: number
}

/** The people of a user group; a list alone is one that is in use. */
export type GroupGiven =
  | readonly string[]
  | { readonly users: readonly string[]; readonly handle?: string; readonly disabled?: true }

export interface HttpTarget {
  readonly url: string
  readonly signingSecret: string
}

export interface ChannelGiven {
  readonly id: string
  readonly name: string
  readonly private?: boolean
  readonly shared?: boolean // with another organisation, through Slack Connect
  readonly archived?: boolean
  readonly withoutBot?: boolean
}

export interface PersonGiven {
  readonly id: string
  readonly name: string
  readonly kind?: PersonKind
  readonly team?: string // the home workspace's by default
}

/** guest: invited to a few channels. stranger: of another organisation, met in a shared channel. gone: the account is deactivated. */
export type PersonKind = 'member' | 'guest' | 'single guest' | 'stranger' | 'gone' | 'bot'

export const BOT = { user: 'U0SIGNALBOX', bot: 'B0SIGNALBOX', name: 'signalbox' }

/** What docs.slack.dev lists for the methods and events below, and nothing more. */
export const BOT_SCOPES: readonly string[] = [
  'app_mentions:read',
  'channels:history',
  'channels:read',
  'chat:write',
  'commands',
  'files:write',
  'groups:history',
  'groups:read',
  'im:history',
  'im:read',
  'im:write',
  'team:read',
  'usergroups:read',
  'users:read',
]

export const DEFAULTS = {
  token: 'xoxb-fake-bot-token',
  appToken: 'xapp-fake-app-token',
  team: 'T0HOME',
  app: 'A0SIGNALBOX',
  patience: 3_000,
  retries: [0, 60_000, 300_000],
  channels: [
    { id: 'C0MIGRATIONS', name: 'migrations', private: true },
    { id: 'C0SECOND', name: 'second', private: true },
    { id: 'C0OPEN', name: 'storage-lounge' },
    { id: 'C0SHARED', name: 'with-the-vendor', private: true, shared: true },
    { id: 'C0OLD', name: 'last-year', private: true, archived: true },
    { id: 'C0ELSEWHERE', name: 'without-us', private: true, withoutBot: true },
  ] satisfies readonly ChannelGiven[],
  people: [
    { id: 'U0OLGA', name: 'olga' },
    { id: 'U0LEE', name: 'lee' },
    { id: 'U0ANN', name: 'ann' },
    { id: 'U0GUS', name: 'gus', kind: 'guest' },
    { id: 'U0SAM', name: 'sam', kind: 'stranger', team: 'T0VENDOR' },
    { id: 'U0GONE', name: 'gone', kind: 'gone' },
    { id: 'U0OTHERBOT', name: 'otherbot', kind: 'bot' },
  ] satisfies readonly PersonGiven[],
  groups: {
    S0LEADS: { users: ['U0LEE', 'U0ANN'], handle: 'leads' },
    S0OLD: { users: ['U0LEE'], handle: 'old-leads', disabled: true },
    S0EMPTY: [],
  } satisfies Readonly<Record<string, GroupGiven>>,
}
