import type { SlackSettings } from './settings.ts'

/** What the app may do, and what for: the least that it needs. `deploy/slack-manifest.yaml` asks for these. */
const LEAST: ReadonlyMap<string, string> = new Map([
  ['app_mentions:read', 'to be told when somebody mentions it'],
  ['channels:read', 'to tell a public channel, and a shared one, from a private one'],
  ['chat:write', 'to post and edit cards, and to whisper'],
  ['commands', 'for the slash command and the shortcut'],
  ['files:write', 'to show the picture of a chart'],
  ['groups:history', 'to find what it posted before a crash, and to be told of edited sentences'],
  ['groups:read', 'to see that a channel is private and not shared'],
  ['im:history', 'to be told what somebody writes to it directly'],
  ['users:read', 'to tell members from guests, strangers, bots and accounts that are gone'],
])

/** Where work may be done in public channels, their history is needed as well. */
const IN_PUBLIC: ReadonlyMap<string, string> = new Map([
  ['channels:history', 'to find what it posted in public channels before a crash, and to be told of edited sentences'],
])

/** Where the site names user groups, the bot must see who is in them. */
const OF_GROUPS: ReadonlyMap<string, string> = new Map([['usergroups:read', 'to see who is in the user groups that give roles']])

/** Scopes that some sites need and others do not: having one for nothing is worth no remark. */
export const SOMETIMES: ReadonlySet<string> = new Set([...IN_PUBLIC.keys(), ...OF_GROUPS.keys()])

/** The scopes of the bot's token, each with what it is for. */
export const leastScopes = ({
  publicChannels,
  groups = [],
}: Pick<SlackSettings, 'publicChannels' | 'groups'>): ReadonlyMap<string, string> =>
  new Map([...LEAST, ...(publicChannels ? IN_PUBLIC : []), ...(groups.length > 0 ? OF_GROUPS : [])])
