import { z } from 'zod'
import type { DiscordSettings } from '../chat/discord/settings.ts'
import type { SlackSettings } from '../chat/slack/settings.ts'
import type { Place } from '../domain/chat.ts'
import { type Complaint, complaintsOf } from './complaints.ts'
import type { SiteFile } from './file.ts'
import { fill, type Vault } from './secrets.ts'

/** The chats of a site, with their secrets filled in. */
export interface SiteChats {
  readonly slack?: SlackSettings
  readonly discord?: DiscordSettings
  readonly fallback?: Place // where gates go when a run's own channel is closed
  readonly anchor?: Place // where the end of the logs is told each day
}

const Secret = z.string().min(1)
const SlackId = (letters: string, what: string) =>
  z.string().regex(new RegExp(`^[${letters}][A-Z0-9]{2,}$`), `${what}; the id, not the name`)
const Snowflake = z.string().regex(/^\d{17,20}$/, 'an id of Discord is a number of 17 to 20 digits, written in quotes')
const Url = z.url({ protocol: /^https?$/ })

const Slack = z
  .strictObject({
    token: Secret.regex(/^xoxb-/, 'the bot token begins with xoxb-'),
    'app token': Secret.regex(/^xapp-/, 'the app token begins with xapp-').optional(),
    http: z
      .strictObject({ port: z.number().int().min(1).max(65_535), 'signing secret': Secret, host: z.string().optional() })
      .optional(),
    team: SlackId('T', 'a workspace is written like T0ABC123'),
    app: SlackId('A', 'an app is written like A0ABC123'),
    channels: z.array(SlackId('CG', 'a channel is written like C0ABC123')).min(1, 'name at least one channel to work in'),
    'public channels': z.boolean().default(false),
    api: Url.default('https://slack.com/api/'),
  })
  .refine(slack => (slack['app token'] === undefined) !== (slack.http === undefined), {
    message: 'say `app token` (Socket Mode, no inbound address needed) or `http`, one of the two',
  })

const Discord = z.strictObject({
  token: Secret,
  application: Snowflake,
  guild: Snowflake,
  channels: z.array(Snowflake).min(1, 'name at least one channel to work in'),
  'public channels': z.boolean().default(false),
  api: Url.default('https://discord.com/api'),
})

/** What the site file says of its chats: `channels`, the groups of its roles, and the channel of the anchor. */
export interface Written {
  readonly channels: SiteFile['channels']
  readonly roles: SiteFile['roles']
  readonly anchor?: string | undefined
}

/** What is known of each chat once its secrets are there. Complains into the vault. */
export function chatsOf({ channels, roles, anchor }: Written, vault: Vault): SiteChats {
  const slack = section('slack', channels, Slack, vault)
  const discord = section('discord', channels, Discord, vault)
  const known = { slack: slack?.channels, discord: discord?.channels }
  const fallbackPlace = placeOf(channels.fallback, ['channels', 'fallback'], known, vault)
  const anchorPlace = placeOf(anchor, ['anchor'], known, vault)
  vault.complaints.push(...groupComplaints(roles, channels))
  return {
    ...(slack ? { slack: { ...slackOf(slack), ...groupsIn('slack', roles) } } : {}),
    ...(discord ? { discord: { ...discordOf(discord), ...groupsIn('discord', roles) } } : {}),
    ...(fallbackPlace ? { fallback: fallbackPlace } : {}),
    ...(anchorPlace ? { anchor: anchorPlace } : {}),
  }
}

/** A group of a chat that Signalbox is not in could never be asked. */
const groupComplaints = (roles: SiteFile['roles'], channels: SiteFile['channels']): readonly Complaint[] =>
  Object.entries(roles).flatMap(([role, { groups }]) =>
    groups
      .filter(group => channels[chatOf(group)] === undefined)
      .map(group => ({
        path: ['roles', role, 'groups'],
        message: `${group} is a group of ${chatOf(group)}, and ${chatOf(group)} is not among the channels; add it there`,
      })),
  )

const chatOf = (group: string): 'slack' | 'discord' => (group.startsWith('slack:') ? 'slack' : 'discord')

/** The ids of the groups of a chat that roles name, each once. */
function groupsIn(chat: 'slack' | 'discord', roles: SiteFile['roles']): { readonly groups?: readonly string[] } {
  const found = Object.values(roles).flatMap(({ groups }) => groups.filter(group => chatOf(group) === chat))
  const ids = [...new Set(found.map(group => group.slice(chat.length + 1)))]
  return ids.length > 0 ? { groups: ids } : {}
}

function section<T extends z.ZodType>(
  name: string,
  written: Readonly<Record<string, unknown>>,
  schema: T,
  vault: Vault,
): z.infer<T> | undefined {
  if (written[name] === undefined) return undefined
  const parsed = schema.safeParse(fill(written[name], ['channels', name], vault))
  if (parsed.success) return parsed.data
  vault.complaints.push(...complaintsOf(parsed.error, ['channels', name]))
  return undefined
}

const slackOf = ({
  'app token': appToken,
  http,
  'public channels': publicChannels,
  ...rest
}: z.infer<typeof Slack>): SlackSettings => ({
  ...rest,
  publicChannels,
  ...(appToken === undefined ? {} : { appToken }),
  ...(http === undefined
    ? {}
    : {
        http: { port: http.port, signingSecret: http['signing secret'], ...(http.host === undefined ? {} : { host: http.host }) },
      }),
})

const discordOf = ({ 'public channels': publicChannels, ...rest }: z.infer<typeof Discord>): DiscordSettings => ({
  ...rest,
  publicChannels,
})

/** `slack:C0OPS`: one of the channels that the site names, or approvals would lead to where nobody is meant to see them. */
function placeOf(
  written: string | undefined,
  path: Complaint['path'],
  known: Readonly<Record<string, readonly string[] | undefined>>,
  { complaints }: Vault,
): Place | undefined {
  if (written === undefined) return undefined
  const complain = (message: string): undefined => void complaints.push({ path, message })
  const [, chat = '', channel = ''] = /^([a-z]+):(.+)$/.exec(written) ?? []
  if (channel === '') return complain('write it like slack:C0ABC123')
  if (!known[chat]?.includes(channel)) return complain(`${chat} has no channel ${channel} among its channels; add it there`)
  return { chat, channel }
}
