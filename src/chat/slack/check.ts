import { type WebAPICallResult, WebClient } from '@slack/web-api'
import { z } from 'zod'
import type { NotShown } from '../../ports/chat.ts'
import { groupFindings, LISTING } from './check-groups.ts'
import { quietLogger } from './logger.ts'
import { obstructed } from './obstruction.ts'
import { leastScopes, SOMETIMES } from './scopes.ts'
import type { SlackSettings } from './settings.ts'
import { isShared } from './standing.ts'

/** One thing that was looked at: how it is, and how to put it right. */
export interface Finding {
  readonly ok: boolean
  readonly what: string
  readonly fix?: string
}

const fine = (what: string): Finding => ({ ok: true, what })
const wrong = (what: string, fix: string): Finding => ({ ok: false, what, fix })

const TIMEOUT = 10_000
const PAGE = 'https://api.slack.com/apps'

/** For `signalbox slack check`: everything that Slack and the site file must agree on, before anybody waits for an answer. */
export async function checkSlack(settings: SlackSettings): Promise<readonly Finding[]> {
  const ask = asker(settings.token, settings.api)
  const token = await checkToken(settings, ask)
  // With a token that is no good, everything else would fail for the same reason.
  if (!token.some(({ ok }) => ok)) return [...token, ...(await checkWayIn(settings))]
  const channels: Finding[] = []
  for (const channel of settings.channels) channels.push(...(await checkChannel(channel, settings, ask)))
  const none = settings.channels.length === 0
  const listed = none
    ? [
        wrong(
          'The site file names no channel.',
          'List the id of at least one under `channels`: its details show it at their end.',
        ),
      ]
    : channels
  return [...token, ...(await checkWayIn(settings)), ...listed, ...(await checkGroups(settings, ask))]
}

/** A site without groups has not the scope to ask for them. */
const checkGroups = async ({ groups = [] }: SlackSettings, ask: Ask): Promise<readonly Finding[]> =>
  groups.length === 0 ? [] : groupFindings(groups, await ask('usergroups.list', LISTING))

type Ask = (
  method: string,
  args?: Readonly<Record<string, unknown>>,
) => Promise<{ readonly answer: WebAPICallResult } | { readonly trouble: NotShown }>

function asker(token: string, api: string): Ask {
  const client = new WebClient(token, {
    slackApiUrl: api,
    logger: quietLogger(() => {}), // what is wrong is said below, once
    timeout: TIMEOUT,
    retryConfig: { retries: 2, minTimeout: 200 },
    rejectRateLimitedCalls: true,
  })
  return async (method, args = {}) => {
    try {
      return { answer: await client.apiCall(method, { ...args }) }
    } catch (error) {
      return { trouble: obstructed(error, method, 'question') }
    }
  }
}

const Self = z.object({
  team_id: z.string(),
  team: z.string().optional(),
  user: z.string().optional(),
  bot_id: z.string().optional(),
})
const Bot = z.object({ bot: z.object({ app_id: z.string().optional() }) })

/** Whose token it is, and what it may do. */
async function checkToken(settings: SlackSettings, ask: Ask): Promise<readonly Finding[]> {
  const { team, app } = settings
  const asked = await ask('auth.test')
  if ('trouble' in asked) return [wrong(`The token of the bot is not taken: ${asked.trouble.message}.`, tokenFix(asked.trouble))]
  const self = Self.safeParse(asked.answer).data
  if (!self) return [wrong('Slack does not say whose the token is.', 'Is `api` really the address of Slack?')]
  const home =
    self.team_id === team
      ? fine(`The bot is ${self.user ?? 'a bot'} in the workspace ${self.team ?? team} (${team}).`)
      : wrong(
          `The token is for the workspace ${self.team_id}, and the site file names ${team}.`,
          `Write \`team: ${self.team_id}\`, or take the token of the other workspace.`,
        )
  return [home, await checkApp(app, self.bot_id, ask), ...checkScopes(settings, asked.answer.response_metadata?.scopes)]
}

const tokenFix = ({ how }: NotShown): string =>
  how === 'later'
    ? 'See that this machine reaches Slack: name service, proxy, firewall.'
    : `Take the Bot User OAuth Token (xoxb-...) of the app from ${PAGE}, "OAuth & Permissions". If there is none, press "Install to Workspace".`

async function checkApp(app: string, bot: string | undefined, ask: Ask): Promise<Finding> {
  if (bot === undefined)
    return wrong('The token belongs to a person and not to a bot.', 'Take the Bot User OAuth Token, which begins with xoxb-.')
  const asked = await ask('bots.info', { bot })
  if ('trouble' in asked)
    return wrong(
      `Slack does not say which app the bot belongs to: ${asked.trouble.message}.`,
      'Add the scope users:read and install the app again.',
    )
  const found = Bot.safeParse(asked.answer).data?.bot.app_id
  return found === app
    ? fine(`The bot belongs to the app ${app}.`)
    : wrong(
        `The bot belongs to the app ${found ?? 'that Slack does not name'}, and the site file names ${app}.`,
        `Write \`app: ${found ?? 'A...'}\`: it is the App ID under "Basic Information" on ${PAGE}.`,
      )
}

/** One too many is worth knowing of: a token that is stolen can do what it may do. */
function checkScopes(settings: SlackSettings, given: readonly string[] | undefined): readonly Finding[] {
  if (given === undefined) return [wrong('Slack does not say what the token may do.', 'Is `api` really the address of Slack?')]
  const least = leastScopes(settings)
  const missing = [...least].filter(([scope]) => !given.includes(scope))
  const surplus = given.filter(scope => scope !== '' && !least.has(scope) && !SOMETIMES.has(scope))
  const add = `Add it under "OAuth & Permissions" on ${PAGE} and press "Reinstall to Workspace".`
  return [
    ...(missing.length === 0 ? [fine(`The token has all ${least.size} scopes that are needed.`)] : []),
    ...missing.map(([scope, what]) => wrong(`The scope ${scope} is missing: it is needed ${what}.`, add)),
    ...(surplus.length === 0 ? [] : [fine(`More scopes than are needed: ${surplus.join(', ')}. They can be removed.`)]),
  ]
}

/** How deliveries reach the bot. */
async function checkWayIn({ http, appToken, api }: SlackSettings): Promise<readonly Finding[]> {
  if (http) {
    return [
      http.signingSecret.trim() === ''
        ? wrong('The signing secret is empty.', `Take it from "Basic Information" on ${PAGE}.`)
        : fine(
            `Deliveries are expected over HTTP on port ${http.port}, at /slack/events. Whether Slack reaches it, only Slack can tell.`,
          ),
    ]
  }
  if (appToken === undefined || appToken === '')
    return [
      wrong(
        'There is no token of the app, and no HTTP.',
        `Make an App-Level Token (xapp-...) with the scope connections:write under "Basic Information" on ${PAGE}.`,
      ),
    ]
  // The answer has the address of a socket in it, which is a secret: it goes nowhere.
  const asked = await asker(appToken, api)('apps.connections.open')
  if ('answer' in asked) return [fine('The token of the app opens a connection for Socket Mode.')]
  return [
    wrong(
      `The token of the app opens no connection: ${asked.trouble.message}.`,
      asked.trouble.how === 'later'
        ? 'See that this machine reaches Slack: name service, proxy, firewall.'
        : `Switch Socket Mode on, and make an App-Level Token (xapp-...) with the scope connections:write under "Basic Information" on ${PAGE}.`,
    ),
  ]
}

const Channel = z.object({
  channel: z.object({
    name: z.string().optional(),
    is_member: z.boolean().optional(),
    is_archived: z.boolean().optional(),
    is_private: z.boolean().optional(),
    is_shared: z.boolean().optional(),
    is_ext_shared: z.boolean().optional(),
    is_org_shared: z.boolean().optional(),
    is_pending_ext_shared: z.boolean().optional(),
    pending_shared: z.array(z.unknown()).optional(),
  }),
})

async function checkChannel(id: string, { publicChannels }: SlackSettings, ask: Ask): Promise<readonly Finding[]> {
  const asked = await ask('conversations.info', { channel: id })
  if ('trouble' in asked)
    return [
      wrong(
        `The channel ${id} cannot be seen: ${asked.trouble.message}.`,
        'If it is private, open it in Slack and say `/invite @signalbox`. See that the id is right: the details of the channel show it at their end.',
      ),
    ]
  const found = Channel.safeParse(asked.answer).data?.channel
  if (!found) return [wrong(`Slack does not say what the channel ${id} is.`, 'Is `api` really the address of Slack?')]
  const name = `#${found.name ?? id} (${id})`
  const trouble = [
    ...(found.is_archived ? [wrong(`${name} is archived.`, 'Unarchive it, or name another channel.')] : []),
    ...(found.is_member === false ? [wrong(`The bot is not in ${name}.`, 'Open it in Slack and say `/invite @signalbox`.')] : []),
    ...(isShared(found)
      ? [
          wrong(
            `${name} is shared with another organisation, so nothing is taken there.`,
            'Stop sharing it, or name another channel.',
          ),
        ]
      : []),
    ...(found.is_private === true || publicChannels
      ? []
      : [
          wrong(
            `Anybody may join ${name}, so changes are not taken there.`,
            'Make it private, or write `public channels: true` if that is what you want.',
          ),
        ]),
  ]
  return trouble.length > 0
    ? trouble
    : [fine(`${name} is ${found.is_private === true ? 'private' : 'public, as the site file allows'}, and the bot is in it.`)]
}
