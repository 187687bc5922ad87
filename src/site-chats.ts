import { z } from 'zod'
import type { DiscordSettings } from './chat/discord/settings.ts'
import type { SlackSettings } from './chat/slack/settings.ts'
import type { Place } from './domain/chat.ts'
import { type Complaint, complaintsOf } from './site-complaints.ts'
import { fill, type Vault } from './site-secrets.ts'

/** The chats of a site, with their secrets filled in. */
export interface SiteChats {
  readonly slack?: SlackSettings
  readonly discord?: DiscordSettings
  readonly fallback?: Place // where gates go when a run's own channel is closed
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

/** `channels` of the site file: what is known of each chat once its secrets are there. Complains into the vault. */
export function chatsOf(written: Readonly<Record<string, unknown>>, vault: Vault): SiteChats {
  const slack = section('slack', written, Slack, vault)
  const discord = section('discord', written, Discord, vault)
  const fallback = fallbackOf(written['fallback'], { slack: slack?.channels, discord: discord?.channels }, vault)
  return {
    ...(slack ? { slack: slackOf(slack) } : {}),
    ...(discord ? { discord: discordOf(discord) } : {}),
    ...(fallback ? { fallback } : {}),
  }
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
function fallbackOf(
  written: unknown,
  known: Readonly<Record<string, readonly string[] | undefined>>,
  { complaints }: Vault,
): Place | undefined {
  if (written === undefined) return undefined
  const complain = (message: string): undefined =>
    void complaints.push({ path: ['channels', 'fallback'], message } satisfies Complaint)
  const [, chat = '', channel = ''] = (typeof written === 'string' && /^([a-z]+):(.+)$/.exec(written)) || []
  if (channel === '') return complain('write it like slack:C0ABC123')
  if (!known[chat]?.includes(channel)) return complain(`${chat} has no channel ${channel} among its channels; add it there`)
  return { chat, channel }
}
