import { SocketModeClient } from '@slack/socket-mode'
import { LogLevel, WebClient } from '@slack/web-api'
import { afterEach } from 'vitest'
import { DEFAULTS, type FakeSlackOptions } from './options.ts'
import { type FakeSlack, startFakeSlack } from './start.ts'

/** Slack's own libraries, unchanged, against the fake. Importing this tidies up after each test. */
export const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

export const ROOM = 'C0MIGRATIONS'

export async function slack(options: FakeSlackOptions = {}): Promise<FakeSlack> {
  const fake = await startFakeSlack(options)
  endings.push(() => fake.stop())
  return fake
}

export const clientOf = (fake: FakeSlack, token = DEFAULTS.token): WebClient =>
  new WebClient(token, {
    slackApiUrl: fake.api,
    logLevel: LogLevel.ERROR,
    logger: silent,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: 5_000,
  })

export const silent = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => LogLevel.ERROR,
  setName() {},
}

export interface Arrived {
  readonly ack: (answer?: object) => Promise<void>
  readonly body: Readonly<Record<string, unknown>>
  readonly type: string
  readonly envelope_id: string
  readonly retry_num?: number
}

/** A bot that does with each delivery what the test says. */
export async function listens(fake: FakeSlack, hear: (arrived: Arrived) => unknown): Promise<SocketModeClient> {
  const client = new SocketModeClient({
    appToken: DEFAULTS.appToken,
    logger: silent,
    autoReconnectEnabled: false,
    clientOptions: { slackApiUrl: fake.api, retryConfig: { retries: 0 } },
  })
  client.on('slack_event', hear)
  await client.start()
  endings.push(() => client.disconnect().catch(() => {}))
  return client
}

export const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text } })
export const button = (label: string, value = label) => ({
  type: 'button',
  action_id: `press ${label}`,
  text: { type: 'plain_text', text: label },
  value,
})
