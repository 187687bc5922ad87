import { createServer } from 'node:net'
import { App, HTTPReceiver, LogLevel } from '@slack/bolt'
import { afterEach, describe, expect, test } from 'vitest'
import type { Delivered, DeliverHow } from './fakes/slack/delivery.ts'
import { BOT, DEFAULTS, type FakeSlackOptions } from './fakes/slack/options.ts'
import * as payloads from './fakes/slack/payloads.ts'
import { type FakeSlack, startFakeSlack } from './fakes/slack/start.ts'

/** Slack's signed requests, against Bolt's own receiver: what it lets through is what we have to stop ourselves. */
const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

const SECRET = 'the signing secret of the tests'
const ROOM = 'C0MIGRATIONS'

/** A Bolt app as its manual shows it, which writes down whatever its listeners get. */
async function boltApp(
  options: FakeSlackOptions = {},
): Promise<{ readonly fake: FakeSlack; readonly heard: string[]; readonly respond: string[] }> {
  const fake = await startFakeSlack(options)
  endings.push(() => fake.stop())
  const receiver = new HTTPReceiver({ signingSecret: SECRET, logLevel: LogLevel.ERROR, logger: silent })
  const app = new App({ token: DEFAULTS.token, receiver, clientOptions: { slackApiUrl: fake.api }, logger: silent })
  const heard: string[] = []
  const respond: string[] = []
  app.event('message', async () => void heard.push('message'))
  app.event('app_mention', async () => void heard.push('mention'))
  app.command('/signalbox', async ({ ack, command }) => {
    heard.push(`command ${command.text}`)
    respond.push(command.response_url)
    await ack('heard it')
  })
  app.action(/.*/, async ({ ack }) => {
    heard.push('press')
    await ack()
  })
  app.shortcut('show_run', async ({ ack }) => {
    heard.push('shortcut')
    await ack()
  })
  const port = await freePort()
  await app.start(port)
  endings.push(() => app.stop())
  fake.serve({ url: `http://127.0.0.1:${port}/slack/events`, signingSecret: SECRET })
  return { fake, heard, respond }
}

const silent = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => LogLevel.ERROR,
  setName() {},
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(ready => server.listen(0, '127.0.0.1', ready))
  const address = server.address()
  await new Promise<unknown>(done => server.close(done))
  return typeof address === 'object' && address ? address.port : 0
}

/** A card of the bot's with one button, and a press of it by that person. */
async function press(fake: FakeSlack, user: string): Promise<Parameters<FakeSlack['deliver']>[0]> {
  const button = { type: 'button', action_id: 'a', text: { type: 'plain_text', text: 'Approve' }, value: 'approve R7' }
  const message = fake.writes('olga', 'a card')
  return payloads.pressOf(fake.world, { message: { ...message, user: BOT.user } }, 'b', button, {
    user,
    trigger: fake.world.trigger(user),
    respond: 'http://127.0.0.1/none',
  })
}

const now = (): number => Math.floor(Date.now() / 1000)

/** The eleven rows that were found by running Bolt: what arrives, what it answers, how often its listener is called. */
const ROWS: readonly (readonly [string, number, number, (fake: FakeSlack) => Promise<Delivered | Delivered['acked']>])[] = [
  ['a fresh message', 200, 1, fake => mention(fake)],
  [
    'a byte-identical replay',
    200,
    2,
    async fake => {
      const first = await mention(fake)
      return { ...first, ...(await first.again()) }
    },
  ],
  ['a timestamp of an hour from now', 200, 1, fake => mention(fake, { timestamp: now() + 3600 })],
  ['a timestamp of six minutes ago', 401, 0, fake => mention(fake, { timestamp: now() - 360 })],
  [
    'the same event_id, said to be a retry',
    200,
    2,
    async fake => {
      const delivery = payloads.saidEvent(fake.world, fake.writes('olga', 'help'), 'app_mention')
      await fake.deliver(delivery)
      return fake.deliver(delivery, { retry: 1, reason: 'http_timeout' })
    },
  ],
  ['a message of another bot', 200, 1, fake => fake.deliver(payloads.botMessageEvent(fake.world, ROOM, 'approve R7'))],
  [
    "an app's message with a person's token",
    200,
    1,
    fake => fake.deliver(payloads.appMessageEvent(fake.world, ROOM, 'U0LEE', 'approve R7')),
  ],
  ['an edit', 200, 1, fake => fake.deliver(payloads.editedEvent(fake.world, fake.writes('olga', 'delete everything'), 'help'))],
  [
    'somebody of another workspace',
    200,
    1,
    fake => fake.deliver(payloads.saidEvent(fake.world, fake.writes('sam', 'help', { channel: 'C0SHARED' }), 'app_mention')),
  ],
  ['a press of somebody of another workspace', 200, 1, async fake => fake.deliver(await press(fake, 'U0SAM'))],
  [
    'a press, replayed',
    200,
    2,
    async fake => {
      const first = await fake.deliver(await press(fake, 'U0LEE'))
      return { ...first, ...(await first.again()) }
    },
  ],
]

const mention = (fake: FakeSlack, how: DeliverHow = {}): Promise<Delivered> =>
  fake.deliver(payloads.saidEvent(fake.world, fake.writes('olga', 'help'), 'app_mention'), { retries: false, ...how })

describe('what Bolt lets through', () => {
  test.each(ROWS)('%s: answered with %i, heard %i times', async (_, status, times, send) => {
    const { fake, heard } = await boltApp()
    expect(await send(fake)).toMatchObject({ status })
    expect(heard.length).toBe(times)
  })
})

describe('signatures', () => {
  test.each<readonly [string, DeliverHow]>([
    ['of another secret', { secret: 'another' }],
    ['cut short', { signature: 'v0=1234' }],
    ['of another version', { signature: `v1=${'0'.repeat(64)}` }],
    ['sent twice', { signature: [`v0=${'0'.repeat(64)}`, `v0=${'1'.repeat(64)}`] }],
  ])('one %s is turned away', async (_, how) => {
    const { fake, heard } = await boltApp()
    expect(await mention(fake, how)).toMatchObject({ acked: false, status: 401 })
    expect(heard).toEqual([])
  })

  test('two headers really are two headers', async () => {
    const lines: string[] = []
    const server = createServer(socket =>
      socket.on('data', bytes => {
        lines.push(...bytes.toString('latin1').split('\r\n'))
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
      }),
    )
    await new Promise<void>(ready => server.listen(0, '127.0.0.1', ready))
    endings.push(() => new Promise(done => server.close(done)))
    const { port } = server.address() as { port: number }
    const fake = await startFakeSlack({ http: { url: `http://127.0.0.1:${port}/`, signingSecret: SECRET } })
    endings.push(() => fake.stop())
    expect(await mention(fake, { signature: ['v0=a', 'v0=b'] })).toMatchObject({ acked: true })
    expect(lines.filter(line => line.toLowerCase().startsWith('x-slack-signature'))).toHaveLength(2)
  })
})

describe('HTTP', () => {
  test('a command, a press and a shortcut are acknowledged, and the answer to a command is whispered', async () => {
    const { fake, heard } = await boltApp()
    expect(await fake.says('olga', 'show "R7" & all', { via: 'command' })).toBe(true)
    expect(fake.messages(ROOM).at(-1)).toMatchObject({ ephemeralTo: 'U0OLGA', lines: ['heard it'] })
    const { ts } = fake.writes('olga', 'R7')
    expect(await fake.shortcut('olga', 'show_run', ts)).toBe(true)
    expect((await fake.deliver(await press(fake, 'U0LEE'))).acked).toBe(true)
    expect(heard).toEqual(['command show "R7" & all', 'shortcut', 'press'])
  })

  test('an event is delivered again until it is acknowledged, with the number of the retry', async () => {
    const { fake, heard } = await boltApp({ retries: [0, 10, 20] })
    fake.misbehave({ how: 'drop acks', times: 2 })
    const delivered = await mention(fake, { retries: true })
    expect(delivered).toMatchObject({ acked: true, attempts: 3 })
    expect(heard).toEqual(['mention', 'mention', 'mention'])
  })

  test('where nobody listens nothing is acknowledged, however often it is tried', async () => {
    const fake = await startFakeSlack({
      http: { url: `http://127.0.0.1:${await freePort()}/`, signingSecret: SECRET },
      retries: [0, 1, 1],
    })
    endings.push(() => fake.stop())
    expect(await mention(fake, { retries: true })).toMatchObject({ acked: false, attempts: 4, why: 'connection_failed' })
  })

  test('an address for answers is good for five of them', async () => {
    const { fake, respond } = await boltApp()
    await fake.says('olga', 'help', { via: 'command' })
    const answer = async (body: object) => (await fetch(respond[0] ?? '', { method: 'POST', body: JSON.stringify(body) })).status
    for (let n = 1; n <= 4; n++) expect(await answer({ text: `answer ${n}` })).toBe(200)
    expect(await answer({ text: 'for all', response_type: 'in_channel' })).toBe(200)
    expect(await answer({ text: 'one too many' })).toBe(404)
    expect(fake.messages(ROOM).map(({ lines, ephemeralTo }) => [lines[0], ephemeralTo])).toEqual([
      ['heard it', 'U0OLGA'],
      ...[1, 2, 3, 4].map(n => [`answer ${n}`, 'U0OLGA']),
      ['for all', undefined],
    ])
  })
})

describe('the page', () => {
  test('shows what was posted, with everything untrusted as text', async () => {
    const fake = await startFakeSlack()
    endings.push(() => fake.stop())
    fake.writes('olga', '<script>alert(1)</script> "quoted"')
    const page = await (await fetch(`${fake.page}?channel=${ROOM}&still`)).text()
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &quot;quoted&quot;')
    expect(page).not.toContain('<script')
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\/(?!127)/)
    expect(await (await fetch(`${fake.page}?channel=${ROOM}`)).text()).toContain('Speak as')
  })

  test('a whisper is on the page of its own reader and on nobody else’s', async () => {
    const { fake } = await boltApp()
    await fake.says('olga', 'help', { via: 'command' })
    const page = async (as: string) => (await fetch(`${fake.page}?channel=${ROOM}&as=${as}`)).text()
    expect(await page('olga')).toContain('Only visible to you')
    expect(await page('lee')).not.toContain('heard it')
  })

  test('what is typed and pressed on it reaches the bot', async () => {
    const { fake, heard } = await boltApp()
    const act = async (what: object, type = 'application/json') =>
      (
        await fetch(`${fake.page}do`, {
          method: 'POST',
          headers: { 'content-type': type },
          body: JSON.stringify({ as: 'U0OLGA', ...what }),
        })
      ).json()
    expect(await act({ do: 'say', channel: ROOM, text: 'help' })).toEqual({ acked: true })
    expect(await act({ do: 'say', channel: ROOM, text: '/signalbox show runs' })).toEqual({ acked: true })
    expect(await act({ do: 'press', on: '1.000001', label: 'Approve' })).toMatchObject({ acked: false })
    expect(await act({ do: 'say', channel: ROOM, text: 'help' }, 'text/plain')).toEqual({ acked: false })
    expect(heard).toEqual(['mention', 'command show runs'])
  })
})
