import { existsSync } from 'node:fs'
import {
  type ButtonInteraction,
  type ChatInputCommandInteraction,
  Client,
  Events,
  GatewayIntentBits,
  type Interaction,
  type Message,
  Partials,
  REST,
  Routes,
} from 'discord.js'
import { afterEach, describe, expect, test } from 'vitest'
import type { FakeDiscordOptions } from './fakes/discord/options.ts'
import { type FakeDiscord, startFakeDiscord } from './fakes/discord/start.ts'
import { type PushedTime, pushedTime } from './fakes/workspace.ts'

/** The fake is right when the vendor's own library, unchanged, takes it for Discord. */
const NOBODY = { allowed_mentions: { parse: [] as string[] } }
const SPECS = existsSync(new URL('../../shared/specs/discord-openapi-v10.json', import.meta.url))
const endings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

async function discord(
  options: FakeDiscordOptions = {},
): Promise<{ fake: FakeDiscord; time: PushedTime; rest: REST; work: string }> {
  const time = pushedTime()
  const fake = await startFakeDiscord({ time, limits: 'none', ...options })
  endings.push(() => fake.stop())
  const rest = new REST({ api: fake.api, version: '10', retries: 0 }).setToken(fake.token)
  return { fake, time, rest, work: fake.channels[0]! }
}

async function bot(fake: FakeDiscord): Promise<Client<true>> {
  const client = new Client({
    intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.DirectMessages],
    partials: [Partials.Channel],
    rest: { api: fake.api, version: '10', retries: 0 },
    allowedMentions: { parse: [] },
  })
  endings.push(() => client.destroy())
  const ready = next<Client<true>>(client, Events.ClientReady)
  await client.login(fake.token)
  return ready
}

const next = <T>(client: Client, event: string, fits: (it: T) => boolean = () => true): Promise<T> =>
  new Promise(resolve => {
    const hear = (it: T) => {
      if (!fits(it)) return
      client.off(event, hear)
      resolve(it)
    }
    client.on(event, hear)
  })
const command = (client: Client) => next<ChatInputCommandInteraction>(client, Events.InteractionCreate)
const row = (...labels: string[]) => ({
  type: 1,
  components: labels.map(label => ({ type: 2, style: 1, label, custom_id: label })),
})
const code = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'done',
    (problem: { code?: unknown }) => problem.code,
  )

describe('the event socket', () => {
  const overheard = (client: Client): string[] => {
    const said: string[] = []
    client.on(Events.MessageCreate, (message: Message) => void said.push(message.content.replace(/^<@\d+> /, '')))
    return said
  }

  test('a resumed session replays what was missed, in order', async () => {
    const { fake } = await discord()
    const client = await bot(fake)
    const said = overheard(client)
    const resumed = next(client, Events.ShardResume)
    fake.misbehave({ how: 'disconnect' })
    for (const text of ['one', 'two', 'three']) await fake.says('olga', text)
    expect(said).toEqual([])
    await resumed
    expect(said).toEqual(['one', 'two', 'three'])
    expect([fake.identifies, fake.resumes]).toEqual([1, 1])
  })

  test('a resumed session brings everything twice where it is told to', async () => {
    const { fake, time } = await discord()
    const client = await bot(fake)
    const heard: string[] = []
    // The library itself drops a second copy of a message, but not of an interaction.
    client.on(Events.InteractionCreate, (interaction: Interaction) => void heard.push(interaction.id))
    const resumed = next(client, Events.ShardResume)
    fake.misbehave({ how: 'replay twice' })
    fake.misbehave({ how: 'disconnect' })
    const answered = fake.says('olga', 'help', { via: 'command' })
    await resumed
    expect(heard).toHaveLength(2)
    expect(new Set(heard).size).toBe(1)
    time.push(3_000)
    expect(await answered).toBe(false)
  })

  test('a bot that is asked to reconnect loses nothing', async () => {
    const { fake } = await discord()
    const client = await bot(fake)
    const said = overheard(client)
    const resumed = next(client, Events.ShardResume)
    fake.misbehave({ how: 'disconnect', warn: true })
    await fake.says('olga', 'one')
    await resumed
    const last = next(client, Events.MessageCreate)
    await fake.says('olga', 'two')
    await last
    expect(said).toEqual(['one', 'two'])
    expect([fake.identifies, fake.resumes]).toEqual([1, 1])
  })

  test('a session that cannot be resumed begins anew, and what was missed stays missed', async () => {
    const { fake } = await discord()
    const client = await bot(fake)
    const said = overheard(client)
    const ready = next(client, Events.ShardReady)
    fake.misbehave({ how: 'disconnect', resumable: false })
    await fake.says('olga', 'one')
    await ready
    expect(said).toEqual([])
    expect([fake.identifies, fake.resumes]).toEqual([2, 0])
  })

  test('a connection that has died without a word is found by its missing ACK, and resumed', async () => {
    const { fake } = await discord({ heartbeat: 60 })
    const client = await bot(fake)
    const said = overheard(client)
    const resumed = next(client, Events.ShardResume)
    fake.misbehave({ how: 'zombie' })
    expect(fake.listeners).toBe(0)
    await fake.says('olga', 'one')
    await resumed
    expect(said).toEqual(['one'])
    expect(fake.listeners).toBe(1)
  })

  test('without the message-content intent a text is there only for a mention and in direct messages', async () => {
    const { fake, rest, work } = await discord()
    const client = await bot(fake)
    const heard: string[] = []
    client.on(Events.MessageCreate, (message: Message) => void heard.push(message.content))
    await fake.says('olga', 'to the bot')
    const last = next(client, Events.MessageCreate, (message: Message) => message.guildId === null)
    await fake.says('lee', 'secretly', { via: 'direct' })
    await last
    const mine = await rest.post(Routes.channelMessages(work), { body: { content: 'mine', ...NOBODY } })
    fake.edits(fake.messages(work)[0]!.message, 'without a mention')
    const listed = await rest.get(Routes.channelMessages(work))
    expect(heard.slice(0, 2)).toEqual([`<@${fake.application}> to the bot`, 'secretly'])
    expect(listed).toMatchObject([{ id: (mine as { id: string }).id, content: 'mine' }, { content: '' }])
  })

  test('a privileged intent, a wrong token and one IDENTIFY too many close it for good', async () => {
    const { fake } = await discord({ sessionStarts: 1 })
    const closed = async (intents: number[], token: string) => {
      const client = new Client({ intents, rest: { api: fake.api, version: '10' } })
      endings.push(() => client.destroy())
      return client.login(token).then(
        () => 'open',
        (problem: Error) => problem.message,
      )
    }
    expect(await closed([GatewayIntentBits.MessageContent], fake.token)).toBe('Used disallowed intents')
    expect(await closed([], 'another')).toBe('An invalid token was provided.')
    expect(await closed([], fake.token)).toBe('open')
    expect(await closed([], fake.token)).toMatch(/Not enough sessions remaining/)
    expect(fake.identifies).toBe(1)
  })

  test('a channel that is opened to everybody, and a member who leaves, show when they are asked for', async () => {
    const { fake, rest, work } = await discord()
    const client = await bot(fake)
    const overwrites = async () =>
      ((await rest.get(Routes.channel(work))) as { permission_overwrites: object[] }).permission_overwrites
    expect(await overwrites()).toHaveLength(3)
    const updated = next(client, Events.ChannelUpdate)
    fake.opens(work)
    await updated
    expect(await overwrites()).toEqual([])
    const member = (name: string) => rest.get(Routes.guildMember(fake.guild, fake.person(name)))
    expect([await member('gus'), await member('lee')]).toMatchObject([{ flags: 16 }, { flags: 0 }])
    fake.leaves('lee')
    expect([await code(member('lee')), await code(member('sam'))]).toEqual([10007, 10007])
    await fake.says('otherbot', 'approve R1')
    await fake.says('hook', 'approve R1')
    const authors = (await rest.get(Routes.channelMessages(work))) as { author: { bot?: true }; webhook_id?: string }[]
    expect(authors.map(one => [one.author.bot, one.webhook_id])).toEqual([
      [true, fake.person('hook')],
      [true, undefined],
    ])
  })

  test('a bot that is kicked is told so, and sees nothing more until it is let in again', async () => {
    const { fake, rest, work } = await discord()
    const client = await bot(fake)
    const gone = next(client, Events.GuildDelete)
    fake.misbehave({ how: 'kicked' })
    await gone
    expect(await code(rest.get(Routes.channel(work)))).toBe(50001)
    const back = next(client, Events.GuildCreate)
    fake.heal()
    await back
    expect(await code(rest.get(Routes.channel(work)))).toBe('done')
  })
})

describe('an interaction', () => {
  test('an interaction that is not answered within 3 s fails for the person', async () => {
    const { fake, time } = await discord()
    const client = await bot(fake)
    const heard = command(client)
    const answered = fake.says('olga', 'show R1', { via: 'command' })
    const interaction = await heard
    expect(interaction.options.getString('say')).toBe('show R1')
    time.push(3_000)
    expect(await answered).toBe(false)
    expect(await code(interaction.reply('too late'))).toBe(10062)
    expect(fake.messages()).toEqual([])
  })

  test('an interaction whose acknowledgement is lost fails for the person, and can still be answered in time', async () => {
    const { fake, time } = await discord()
    const client = await bot(fake)
    const heard = command(client)
    const answered = fake.says('olga', 'show R1', { via: 'command' })
    const interaction = await heard
    fake.misbehave({ how: 'drop acks', times: 1 })
    expect(await code(interaction.reply('lost'))).not.toBe('done')
    expect(await code(interaction.reply('found'))).toBe('done')
    expect(await answered).toBe(true)
    expect(fake.shown).toEqual(['found'])
    time.push(3_000)
    expect(fake.ledger.filter(one => one.method.endsWith('/callback')).map(one => one.status)).toEqual([0, 204])
  })

  test('an interaction is acknowledged once', async () => {
    const { fake, rest } = await discord()
    const client = await bot(fake)
    const heard = command(client)
    const answered = fake.says('olga', 'help', { via: 'command' })
    const { id, token } = await heard
    const reply = () =>
      rest.post(Routes.interactionCallback(id, token), { auth: false, body: { type: 4, data: { content: 'yes', ...NOBODY } } })
    expect([await code(reply()), await code(reply())]).toEqual(['done', 40060])
    expect(await answered).toBe(true)
  })

  test('an interaction token dies after 15 minutes', async () => {
    const { fake, time, rest, work } = await discord()
    const client = await bot(fake)
    const heard = command(client)
    const answered = fake.says('olga', 'show R1', { via: 'command' })
    const interaction = await heard
    await interaction.deferReply()
    expect(await answered).toBe(true)
    time.push(15 * 60_000 - 1)
    await interaction.editReply('syncing')
    time.push(1)
    expect(await code(interaction.editReply('done'))).toBe(50027)
    expect(await code(interaction.followUp('done'))).toBe(50027)
    const { message } = fake.messages(work)[0]!
    await rest.patch(Routes.channelMessage(work, message), { body: { content: 'done', ...NOBODY } })
    expect(fake.shown).toEqual(['syncing', 'done'])
  })

  test('a form that wants six characters is not sent with five', async () => {
    const { fake, rest, work } = await discord()
    const client = await bot(fake)
    const { id } = (await rest.post(Routes.channelMessages(work), {
      body: { content: 'R1', components: [row('Approve')], ...NOBODY },
    })) as { id: string }
    const field = { type: 4, custom_id: 'code', style: 1, min_length: 6 } as const
    client.on(Events.InteractionCreate, (interaction: Interaction) => {
      if (interaction.isButton())
        void interaction.showModal({ title: 'R1', custom_id: 'm', components: [{ type: 18, label: 'Code', component: field }] })
    })
    await expect(fake.presses('lee', id, 'Approve', { words: '12345' })).rejects.toThrow('less than 6 characters')
  })

  test('a button opens a modal, its words come back, and the answer is for one person only', async () => {
    const { fake, rest, work } = await discord()
    const client = await bot(fake)
    const sent = (await rest.post(Routes.channelMessages(work), {
      body: { content: 'R1', components: [row('Deny')], ...NOBODY },
    })) as { id: string }
    client.on(Events.InteractionCreate, (interaction: Interaction) => void respond(interaction))
    const respond = async (interaction: Interaction) => {
      if (interaction.isButton()) await interaction.showModal(modalFor(interaction))
      if (interaction.isModalSubmit()) {
        await interaction.reply({ content: `because ${interaction.fields.getTextInputValue('why')}`, flags: 64 })
      }
    }
    const modalFor = (_: ButtonInteraction) => ({
      title: 'Deny R1',
      custom_id: 'deny',
      components: [{ type: 18, label: 'Why', component: { type: 4, custom_id: 'why', style: 1, required: true } } as const],
    })
    expect(await fake.presses('lee', sent.id, 'Deny', { words: 'not tonight' })).toBe(true)
    expect(fake.messages(work).at(-1)).toMatchObject({ lines: ['because not tonight'], ephemeralTo: fake.person('lee') })
    expect(await rest.get(Routes.channelMessages(work))).toHaveLength(1)
    await expect(fake.presses('lee', sent.id, 'Approve')).rejects.toThrow('has no button Approve')
    expect(fake.invalid).toEqual([])
  })

  test('what is being typed is completed, and a message has its own menu', async () => {
    const { fake, rest, work } = await discord()
    const client = await bot(fake)
    client.on(Events.InteractionCreate, (interaction: Interaction) => void respond(interaction))
    const respond = async (interaction: Interaction) => {
      const offered = (typed: string) => [{ name: `${typed}rove R1`, value: 'approve R1' }]
      if (interaction.isAutocomplete()) await interaction.respond(offered(interaction.options.getFocused()))
      if (interaction.isMessageContextMenuCommand())
        await interaction.reply({ content: `on ${interaction.targetMessage.content}`, flags: 64 })
    }
    expect(await fake.types('olga', 'app')).toEqual([{ name: 'approve R1', value: 'approve R1' }])
    const sent = (await rest.post(Routes.channelMessages(work), { body: { content: 'R1', ...NOBODY } })) as { id: string }
    expect(await fake.menu('olga', sent.id, 'Show run')).toBe(true)
    expect(fake.shown).toEqual(['R1', 'on R1'])
  })
})

describe('messages', () => {
  test('the same nonce is one message', async () => {
    const { fake, time, work, rest } = await discord()
    const post = async (content: string) =>
      (
        (await rest.post(Routes.channelMessages(work), {
          body: { content, nonce: 'R1/card', enforce_nonce: true, ...NOBODY },
        })) as { id: string }
      ).id
    const first = await post('R1')
    expect(await post('R1 again')).toBe(first)
    expect(fake.messages().map(one => [one.lines, one.key])).toEqual([[['R1'], 'R1/card']])
    time.push(5 * 60_000)
    expect(await post('R1 much later')).not.toBe(first)
    expect(fake.ledger.map(one => one.key)).toEqual(['R1/card', 'R1/card', 'R1/card'])
  })

  test('a thread is made from a message once, has its snowflake, and stands after it', async () => {
    const { fake, rest, work } = await discord()
    const post = async (at: string, content: string) =>
      ((await rest.post(Routes.channelMessages(at), { body: { content, ...NOBODY } })) as { id: string }).id
    const card = await post(work, 'card')
    const begin = () => rest.post(Routes.threads(work, card), { body: { name: 'R1' } })
    expect(await begin()).toMatchObject({ id: card, parent_id: work })
    expect(await code(begin())).toBe(160004)
    await post(work, 'later')
    await post(card, 'in the thread')
    expect(fake.messages(work).map(one => [one.lines[0], one.thread])).toEqual([
      ['card', undefined],
      ['in the thread', card],
      ['later', undefined],
    ])
    fake.misbehave({ how: 'archived', channel: card })
    expect(await code(post(card, 'no more'))).toBe(50083)
  })

  test('history is read in pages: the newest, those before, and those that follow closest', async () => {
    const { rest, work } = await discord()
    for (let n = 1; n <= 5; n++) await rest.post(Routes.channelMessages(work), { body: { content: `${n}`, ...NOBODY } })
    const page = async (query: Record<string, string>) =>
      (await rest.get(Routes.channelMessages(work), { query: new URLSearchParams(query) })) as { id: string; content: string }[]
    const all = await page({})
    const contents = async (query: Record<string, string>) => (await page(query)).map(one => one.content).join('')
    expect(all.map(one => one.content).join('')).toBe('54321')
    expect(await contents({ limit: '2' })).toBe('54')
    expect(await contents({ after: all[4]!.id, limit: '2' })).toBe('32')
    expect(await contents({ before: all[1]!.id, limit: '2' })).toBe('32')
  })

  test('a person sees what the markup makes of it, and what was escaped as it stood', async () => {
    const { fake, rest, work } = await discord()
    const description = '**R1** \\*\\*vmax\\*\\* `a*b` [docs](https://example.com/) \\<@1\\>'
    await rest.post(Routes.channelMessages(work), {
      body: { embeds: [{ title: '# t', description, footer: { text: '*as is*' } }], ...NOBODY },
    })
    expect(fake.shown).toEqual(['t', 'R1 **vmax** a*b docs <@1>', '*as is*'])
  })

  test('attachments are kept, shown and served', async () => {
    const { fake, work } = await discord()
    const client = await bot(fake)
    const channel = await client.channels.fetch(work)
    if (!channel?.isSendable()) throw new Error('the work channel takes no messages')
    const bytes = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 255])
    const sent = await channel.send({
      embeds: [{ title: 'chart', image: { url: 'attachment://chart.png' } }],
      files: [{ attachment: bytes, name: 'chart.png' }],
    })
    expect(fake.messages(work)[0]?.files).toEqual(['chart.png'])
    expect(fake.file(sent.id, 'chart.png')).toEqual(bytes)
    const served = await fetch(sent.embeds[0]!.image!.url)
    expect(Buffer.from(await served.arrayBuffer())).toEqual(bytes)
    expect(fake.invalid).toEqual([])
  })

  test('a message rings those whom it may name, and nobody else', async () => {
    const { fake, rest, work } = await discord()
    const [olga, lee] = [fake.person('olga'), fake.person('lee')]
    const content = `<@${olga}> <@${lee}> @everyone`
    await rest.post(Routes.channelMessages(work), { body: { content, ...NOBODY } })
    expect(fake.pings).toEqual([])
    await rest.post(Routes.channelMessages(work), { body: { content, allowed_mentions: { parse: [], users: [lee] } } })
    expect(fake.pings.map(ping => ping.whom)).toEqual([lee])
  })
})

describe('limits', () => {
  const embed = (more: object) => ({ embeds: [{ title: 't', ...more }], ...NOBODY })
  const long = (n: number) => 'x'.repeat(n)
  const broken: readonly (readonly [string, object])[] = [
    ['a content of 2001 characters', { content: long(2001), ...NOBODY }],
    ['an embed title of 257', embed({ title: long(257) })],
    ['a description of 4097', embed({ description: long(4097) })],
    ['26 fields', embed({ fields: Array.from({ length: 26 }, () => ({ name: 'n', value: 'v' })) })],
    ['a field name of 257', embed({ fields: [{ name: long(257), value: 'v' }] })],
    ['a field value of 1025', embed({ fields: [{ name: 'n', value: long(1025) }] })],
    ['a footer of 2049', embed({ footer: { text: long(2049) } })],
    ['6001 characters in all embeds', { embeds: [{ description: long(4000) }, { description: long(2001) }], ...NOBODY }],
    ['11 embeds', { embeds: Array.from({ length: 11 }, () => ({ title: 't' })), ...NOBODY }],
    ['6 rows', { components: ['1', '2', '3', '4', '5', '6'].map(label => row(label)), ...NOBODY }],
    ['6 buttons in a row', { components: [row('1', '2', '3', '4', '5', '6')], ...NOBODY }],
    [
      'a label of 81',
      { components: [{ type: 1, components: [{ type: 2, style: 1, label: long(81), custom_id: 'a' }] }], ...NOBODY },
    ],
    [
      'a custom_id of 101',
      { components: [{ type: 1, components: [{ type: 2, style: 1, label: 'a', custom_id: long(101) }] }], ...NOBODY },
    ],
    ['two buttons with one custom_id', { components: [row('1', '1')], ...NOBODY }],
    ['a nonce of 26', { content: 'x', nonce: long(26), enforce_nonce: true, ...NOBODY }],
    ['mentions that nobody forbade', { content: 'x' }],
    [
      'leave to ring somebody whom the content does not name',
      { content: 'x', allowed_mentions: { parse: [], users: ['1100000000000000102'] } },
    ],
    ['mentions that were allowed', { content: 'x', allowed_mentions: { parse: ['users'] } }],
  ]

  test.each(broken)('a request that breaks a limit is refused and kept: %s', async (_, body) => {
    const { fake, rest, work } = await discord()
    expect(await code(rest.post(Routes.channelMessages(work), { body }))).toBe(50035)
    expect(fake.messages()).toEqual([])
    expect(fake.invalid.length).toBeGreaterThan(0)
  })

  const modal = (title: string, label: string) => ({
    type: 9,
    data: { title, custom_id: 'm', components: [{ type: 18, label, component: { type: 4, custom_id: 'w', style: 1 } }] },
  })
  test.each([
    ['a modal title of 46', 'command', modal(long(46), 'l')],
    ['a label of 46', 'command', modal('t', long(46))],
    [
      '26 choices',
      'suggest',
      { type: 8, data: { choices: Array.from({ length: 26 }, (_, n) => ({ name: `${n}`, value: `${n}` })) } },
    ],
    ['a choice of 101', 'suggest', { type: 8, data: { choices: [{ name: long(101), value: 'v' }] } }],
    ['an answer with mentions that nobody forbade', 'command', { type: 4, data: { content: 'x' } }],
  ])('an answer that breaks a limit is refused and kept: %s', async (_, kind, body) => {
    const { fake, time, rest } = await discord()
    const client = await bot(fake)
    const heard = next<Interaction>(client, Events.InteractionCreate)
    const answered = kind === 'suggest' ? fake.types('olga', 'x') : fake.says('olga', 'x', { via: 'command' })
    const interaction = await heard
    expect(await code(rest.post(Routes.interactionCallback(interaction.id, interaction.token), { body, auth: false }))).toBe(
      50035,
    )
    time.push(3_000)
    expect(await answered).toBe(kind === 'suggest' ? undefined : false)
    expect(fake.invalid.length).toBeGreaterThan(0)
  })

  test.runIf(SPECS)("what only the vendor's description knows is refused and kept too", async () => {
    const { fake, rest, work } = await discord()
    expect(await code(rest.post(Routes.channelMessages(work), { body: { content: 'x', tts: 'loud', ...NOBODY } }))).toBe(50035)
    expect(fake.invalid).toEqual(['POST /channels/{channel_id}/messages: /tts must be boolean,null'])
  })

  test('the sixth message within five seconds is one too many in its channel, by the clock of the fake', async () => {
    const { fake, time } = await discord({ limits: {} })
    const post = (channel: string) =>
      fetch(`${fake.api}/v10/channels/${channel}/messages`, {
        method: 'POST',
        headers: { authorization: `Bot ${fake.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ content: 'x', ...NOBODY }),
      })
    const [work, lounge] = fake.channels
    for (let n = 4; n >= 0; n--) expect((await post(work!)).headers.get('x-ratelimit-remaining')).toBe(`${n}`)
    time.push(4_000)
    const sixth = await post(work!)
    expect([sixth.status, await sixth.json()]).toEqual([
      429,
      { message: 'You are being rate limited.', retry_after: 1, global: false },
    ])
    expect(sixth.headers.get('x-ratelimit-scope')).toBe('user')
    expect((await post(lounge!)).status).toBe(200)
    time.push(1_000)
    expect((await post(work!)).status).toBe(200)
    expect(fake.invalidRequests).toBe(1)
    time.push(10 * 60_000)
    expect(fake.invalidRequests).toBe(0)
  })

  test('a 401, a 403 and a 429 of our own count as invalid, a shared 429 does not, and too many are answered by nobody', async () => {
    const { fake, rest, work } = await discord({ limits: { invalid: { count: 3, per: 600_000 } } })
    const get = async () =>
      (await fetch(`${fake.api}/v10/channels/${work}`, { headers: { authorization: `Bot ${fake.token}` } })).status
    fake.misbehave({ how: 'shared', after: 1_000, times: 1 })
    expect([await get(), fake.invalidRequests]).toEqual([429, 0])
    fake.misbehave({ how: 'storm', status: 401, times: 1 })
    expect([await get(), fake.invalidRequests]).toEqual([401, 1])
    fake.misbehave({ how: 'limit', after: 1_000, everywhere: true, times: 1 })
    expect([await get(), fake.invalidRequests]).toEqual([429, 2])
    fake.misbehave({ how: 'removed', channel: work })
    expect([await code(rest.get(Routes.channel(work))), fake.invalidRequests]).toEqual([50001, 3])
    fake.heal()
    expect(await get()).toBe(429)
  })
})

describe('misfortune', () => {
  test('what failed before it happened did not happen, and what failed after did', async () => {
    const { fake, work } = await discord()
    const post = (content: string) =>
      fetch(`${fake.api}/v10/channels/${work}/messages`, {
        method: 'POST',
        headers: { authorization: `Bot ${fake.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ content, ...NOBODY }),
      }).then(
        answer => answer.status,
        () => 0,
      )
    const met = async (how: 'fail' | 'fail after' | 'lose request' | 'lose answer' | 'garble') => {
      fake.misbehave({ how, times: 1, to: 'POST /channels' })
      return [await post(how), fake.shown.includes(how)]
    }
    expect(await met('fail')).toEqual([500, false])
    expect(await met('fail after')).toEqual([500, true])
    expect(await met('lose request')).toEqual([0, false])
    expect(await met('lose answer')).toEqual([0, true])
    expect(await met('garble')).toEqual([200, false])
    fake.misbehave({ how: 'vanish' })
    expect(await post('into the dark')).toBe(0)
    fake.heal()
    expect(await post('again')).toBe(200)
    expect(fake.ledger.map(one => one.status)).toEqual([500, 500, 0, 0, 200, 200])
  })

  test('a deleted message, a deleted channel, a channel out of sight and a revoked token each say so in their own code', async () => {
    const { fake, rest, work } = await discord()
    const client = await bot(fake)
    const { id } = (await rest.post(Routes.channelMessages(work), { body: { content: 'x', ...NOBODY } })) as { id: string }
    const patch = () => code(rest.patch(Routes.channelMessage(work, id), { body: { content: 'y', ...NOBODY } }))
    expect(await patch()).toBe('done')
    fake.misbehave({ how: 'deleted', message: id })
    expect(await patch()).toBe(10008)
    fake.misbehave({ how: 'removed', channel: work })
    expect(await patch()).toBe(50001)
    fake.heal()
    const gone = next(client, Events.ChannelDelete)
    fake.misbehave({ how: 'archived', channel: work })
    await gone
    expect(await patch()).toBe(10003)
    const closed = next(client, Events.ShardDisconnect)
    fake.misbehave({ how: 'revoked' })
    await closed
    expect(await rest.get(Routes.user()).catch((problem: { status?: number }) => problem.status)).toBe(401)
  })
})

test('the page shows what a person sees, with everything escaped, and its buttons work', async () => {
  const { fake, rest, work } = await discord()
  const client = await bot(fake)
  const hostile = '<img src=x onerror=alert(1)> "><script>alert(2)</script>'
  const body = {
    embeds: [{ title: hostile, description: hostile, footer: { text: hostile }, color: 0xff8800 }],
    components: [row('Go "on"', '<b>')],
    ...NOBODY,
  }
  const { id } = (await rest.post(Routes.channelMessages(work), { body })) as { id: string }
  const still = await (await fetch(`${fake.page}?channel=${work}&still`)).text()
  expect(still).toContain('border-color:#ff8800')
  expect(still).toContain('&lt;img src=x')
  expect(still).not.toMatch(/<img|<script|onerror=alert\(1\)>/)
  client.on(Events.InteractionCreate, (interaction: Interaction) => {
    if (interaction.isButton()) void interaction.reply({ content: 'pressed by *you*', flags: 64 })
  })
  const press = { as: fake.person('lee'), channel: work, message: id, id: 'Go "on"' }
  const pressed = await fetch(`${fake.page}press`, { method: 'POST', body: JSON.stringify(press) })
  expect(await pressed.json()).toEqual({ acknowledged: true })
  const seenBy = async (name: string) =>
    (await (await fetch(`${fake.page}view?as=${fake.person(name)}&channel=${work}`)).json()) as { log: string }
  expect((await seenBy('lee')).log).toContain('pressed by <i>you</i>')
  expect((await seenBy('lee')).log).toContain('Only you can see this')
  expect((await seenBy('ann')).log).not.toContain('pressed by')
  expect(fake.invalid).toEqual([])
})
