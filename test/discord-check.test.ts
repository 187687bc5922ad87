import { PermissionFlagsBits as May } from 'discord.js'
import { afterEach, describe, expect, test } from 'vitest'
import { checkDiscord } from '../src/chat/discord/check.ts'
import { registerDiscord } from '../src/chat/discord/commands.ts'
import { inviteUrl, LEAST } from '../src/chat/discord/permissions.ts'
import type { DiscordSettings } from '../src/chat/discord/settings.ts'
import type { FakeDiscordOptions } from './fakes/discord/options.ts'
import { type FakeDiscord, startFakeDiscord } from './fakes/discord/start.ts'

const endings: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of endings.splice(0)) await end()
})

async function discord(options: FakeDiscordOptions = {}): Promise<{ fake: FakeDiscord; settings: DiscordSettings }> {
  const fake = await startFakeDiscord({ limits: 'none', ...options })
  endings.push(() => fake.stop())
  const { token, application, guild, api, channels } = fake
  return { fake, settings: { token, application, guild, api, channels: channels.slice(0, 1), publicChannels: false } }
}

const wrong = async (settings: DiscordSettings): Promise<readonly string[]> =>
  (await checkDiscord(settings)).filter(({ ok }) => !ok).map(({ what, fix }) => `${what}: ${fix}`)

describe('setting up Discord', () => {
  test('registers the two commands for the guild, and what is registered is what people can use', async () => {
    const { fake, settings } = await discord({ registered: false })
    expect(await wrong(settings)).toEqual([expect.stringMatching(/not registered: Run `signalbox discord register`/)])
    expect(await registerDiscord(settings)).toContain('/signalbox')
    expect(fake.commands).toEqual(['signalbox', 'Show run'])
    expect(await wrong(settings)).toEqual([])
    expect(fake.invalid).toEqual([])
  })

  test('says so when the commands are those of another version', async () => {
    const { settings } = await discord()
    expect(await wrong(settings)).toEqual([expect.stringContaining('another version')])
  })

  test('invites with the least that works, into one guild', async () => {
    const { settings } = await discord()
    const url = new URL(inviteUrl(settings))
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: settings.application,
      scope: 'bot applications.commands',
      permissions: String(LEAST),
      guild_id: settings.guild,
      disable_guild_select: 'true',
    })
    for (const bit of [May.Administrator, May.ManageMessages, May.MentionEveryone, May.ManageThreads])
      expect(LEAST & bit).toBe(0n)
  })

  test.each([
    ['View Channel', May.ViewChannel],
    ['Send Messages', May.SendMessages],
    ['Send Messages in Threads', May.SendMessagesInThreads],
    ['Create Public Threads', May.CreatePublicThreads],
    ['Embed Links', May.EmbedLinks],
    ['Attach Files', May.AttachFiles],
    ['Read Message History', May.ReadMessageHistory],
  ])('names the permission that is missing: %s', async (name, bit) => {
    const everyone = await startFakeDiscord({ limits: 'none', permissions: LEAST & ~bit })
    endings.push(() => everyone.stop())
    const { token, application, guild, api, channels } = everyone
    const settings = { token, application, guild, api, channels: channels.slice(0, 1), publicChannels: false }
    await registerDiscord(settings)
    // What everybody may do, the bot may do too: its role need not say so again.
    const everyonesToo = [May.ViewChannel, May.SendMessages, May.SendMessagesInThreads, May.ReadMessageHistory].some(
      one => one === bit,
    )
    expect(await wrong(settings)).toEqual(everyonesToo ? [] : [expect.stringContaining(`lacks ${name}`)])
  })

  test('finds a channel that everybody sees, one that does not exist, and one that the bot does not see', async () => {
    const { fake, settings } = await discord()
    await registerDiscord(settings)
    const [work = '', lounge = ''] = fake.channels
    expect(await wrong({ ...settings, channels: [lounge] })).toEqual([
      expect.stringContaining('everybody in the server sees #storage-lounge'),
    ])
    expect(await wrong({ ...settings, channels: [lounge], publicChannels: true })).toEqual([])
    expect(await wrong({ ...settings, channels: ['1100000000000009999'] })).toEqual([
      expect.stringContaining('there is no channel'),
    ])
    expect(await wrong({ ...settings, channels: [] })).toEqual([expect.stringContaining('names no channel')])
    fake.misbehave({ how: 'removed', channel: work })
    expect(await wrong(settings)).toEqual([expect.stringContaining('does not see the channel')])
  })

  test('finds more than it should have', async () => {
    const { settings } = await discord({ permissions: LEAST | May.Administrator | May.MentionEveryone })
    await registerDiscord(settings)
    expect(await wrong(settings)).toEqual([expect.stringContaining('Administrator, Mention Everyone')])
  })

  test('finds a token that is none, one of another application, and a guild that the bot is not in', async () => {
    const { fake, settings } = await discord()
    await registerDiscord(settings)
    expect(await wrong({ ...settings, token: 'not this one' })).toEqual([expect.stringContaining('does not take the token')])
    expect(await wrong({ ...settings, application: '1100000000000009998' })).toEqual([
      expect.stringContaining('is that of the application'),
      expect.stringContaining('not registered'),
    ])
    fake.misbehave({ how: 'kicked' })
    expect((await wrong(settings)).join()).toContain(inviteUrl(settings))
  })

  test('says so when Discord cannot be asked, and never shows the token', async () => {
    const { fake, settings } = await discord()
    const all = JSON.stringify(await checkDiscord(settings))
    expect(all).not.toContain(settings.token)
    await fake.stop()
    expect(await wrong(settings)).toEqual([expect.stringContaining('could not be asked')])
  })
})
