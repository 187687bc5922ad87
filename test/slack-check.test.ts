import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { checkSlack } from '../src/chat/slack/check.ts'
import { leastScopes } from '../src/chat/slack/scopes.ts'
import type { SlackSettings } from '../src/chat/slack/slack.ts'
import { CARD, settingsFor, slackRig, WORK } from './fakes/given-slack.ts'
import type { FakeSlackOptions } from './fakes/slack/options.ts'
import { type FakeSlack, startFakeSlack } from './fakes/slack/start.ts'

let slack: FakeSlack | undefined
afterEach(async () => {
  await slack?.stop()
  slack = undefined
})
const SCOPES = [...leastScopes({ publicChannels: false }).keys()]

/** What is wrong, and the fix, as whoever runs the check reads it. */
async function troubles(settings: Partial<SlackSettings> = {}, fake: FakeSlackOptions = {}): Promise<readonly string[]> {
  slack = await startFakeSlack({ scopes: SCOPES, ...fake })
  const findings = await checkSlack(settingsFor(slack, { channels: ['C0MIGRATIONS'], ...settings }))
  expect(findings.length).toBeGreaterThan(1)
  for (const { ok, fix } of findings) expect(ok === false).toBe(fix !== undefined)
  expect(JSON.stringify(findings)).not.toMatch(/xoxb-(?!\.)(?!fake-x)\w|xapp-(?!\.)\w|wss?:|ticket/)
  return findings.flatMap(({ ok, what, fix }) => (ok ? [] : [`${what} ${fix}`]))
}

describe('the check', () => {
  test('finds nothing wrong where everything is right, and says what it has looked at', async () => {
    slack = await startFakeSlack({ scopes: SCOPES })
    const findings = await checkSlack(settingsFor(slack, { channels: ['C0MIGRATIONS', 'C0SECOND'] }))
    expect(findings).toEqual([
      { ok: true, what: 'The bot is signalbox in the workspace home (T0HOME).' },
      { ok: true, what: 'The bot belongs to the app A0SIGNALBOX.' },
      { ok: true, what: 'The token has all 9 scopes that are needed.' },
      { ok: true, what: 'The token of the app opens a connection for Socket Mode.' },
      { ok: true, what: '#migrations (C0MIGRATIONS) is private, and the bot is in it.' },
      { ok: true, what: '#second (C0SECOND) is private, and the bot is in it.' },
    ])
    expect(slack.invalid).toEqual([])
  })

  test.each<readonly [string, Partial<SlackSettings>, FakeSlackOptions, RegExp]>([
    ['a token that is no good', { token: 'xoxb-wrong' }, {}, /not taken: .*invalid_auth.*Bot User OAuth Token/],
    [
      'a token for another workspace',
      { team: 'T0OTHER' },
      {},
      /for the workspace T0HOME, and the site file names T0OTHER.*team: T0HOME/,
    ],
    ['another app', { app: 'A0OTHER' }, {}, /belongs to the app A0SIGNALBOX, and the site file names A0OTHER.*app: A0SIGNALBOX/],
    [
      'a missing scope',
      {},
      { scopes: SCOPES.filter(scope => scope !== 'files:write') },
      /files:write is missing: it is needed to show the picture.*Reinstall/,
    ],
    ['a missing scope of public channels', { publicChannels: true }, {}, /channels:history is missing/],
    ['an app token that is no good', { appToken: 'xapp-wrong' }, {}, /opens no connection: .*Socket Mode/],
    ['an app token without its scope', {}, { appScopes: [] }, /opens no connection: .*missing_scope.*connections:write/],
    [
      'a channel that is not there, or that nobody let the bot into',
      { channels: ['C0ELSEWHERE'] },
      {},
      /C0ELSEWHERE cannot be seen: .*invite @signalbox/,
    ],
    ['a public channel', { channels: ['C0OPEN'] }, {}, /Anybody may join #storage-lounge.*public channels/],
    ['a shared channel', { channels: ['C0SHARED'] }, {}, /#with-the-vendor .* shared with another organisation/],
    ['an archived channel', { channels: ['C0OLD'] }, {}, /#last-year .* is archived/],
    ['no channel at all', { channels: [] }, {}, /names no channel/],
    ['no signing secret', { http: { port: 1, signingSecret: ' ' } }, {}, /signing secret is empty/],
  ])('finds %s, and says how to put it right', async (_, settings, fake, says) => {
    const found = await troubles(settings, fake)
    expect(
      found.filter(line => says.test(line)),
      found.join('\n'),
    ).toHaveLength(1)
  })

  test('finds that nobody is there, and that it is not the token', async () => {
    const gone = await startFakeSlack()
    await gone.stop()
    const found = await troubles({ api: gone.api })
    expect(found.filter(line => /cannot be reached .*firewall/.test(line))).toHaveLength(2)
  })

  test('names scopes that are more than is needed', async () => {
    slack = await startFakeSlack({ scopes: [...SCOPES, 'admin'] })
    const findings = await checkSlack(settingsFor(slack, { channels: ['C0MIGRATIONS'] }))
    expect(findings).toContainEqual({ ok: true, what: 'More scopes than are needed: admin. They can be removed.' })
  })
})

describe('the least scopes', () => {
  test('are enough for everything the bot does', async () => {
    const rig = await slackRig({ fake: { scopes: SCOPES }, settings: { channels: ['C0MIGRATIONS'] } })
    slack = rig.slack
    const chart = {
      title: 'R1',
      lines: [
        {
          label: 'copy',
          unit: 'share' as const,
          points: [
            [0, 0.1],
            [1, 0.2],
          ] as const,
        },
      ],
    }
    const card = await rig.chat.post(WORK, { ...CARD, chart }, 'R1/card', 'answer')
    await rig.chat.edit(card, CARD, 'answer')
    expect(await rig.chat.find(WORK, 'R1/card', 0)).toEqual(card)
    await rig.slack.says('olga', 'help', { via: 'command', channel: 'without-us' })
    await rig.slack.says('olga', 'help', { channel: 'storage-lounge' })
    await rig.slack.says('olga', 'help', { via: 'direct' })
    await rig.slack.opensHome('olga')
    for (const said of rig.heard) {
      await rig.chat.standing(said)
      await rig.chat.whisper(said, { ...CARD, where: card })
    }
    expect(rig.heard).toHaveLength(4)
    expect(rig.slack.ledger.filter(({ error }) => error === 'missing_scope')).toEqual([])
    await rig.chat.stop()
  })
})

describe('the manifest', () => {
  const Manifest = z.object({
    display_information: z.object({
      name: z.string().max(35),
      description: z.string().max(140),
      long_description: z.string().min(174).max(4_000),
    }),
    features: z.object({
      app_home: z.object({
        home_tab_enabled: z.literal(true),
        messages_tab_enabled: z.literal(true),
        messages_tab_read_only_enabled: z.literal(false),
      }),
      bot_user: z.object({ display_name: z.string(), always_online: z.boolean() }),
      shortcuts: z.array(
        z.object({
          name: z.string().max(24),
          type: z.literal('message'),
          callback_id: z.string(),
          description: z.string().max(150),
        }),
      ),
      slash_commands: z.array(
        z.object({
          command: z.string().startsWith('/'),
          description: z.string().max(2_000),
          usage_hint: z.string(),
          should_escape: z.literal(true),
        }),
      ),
    }),
    oauth_config: z.object({ scopes: z.object({ bot: z.array(z.string()) }) }),
    settings: z.object({
      event_subscriptions: z.object({ bot_events: z.array(z.string()) }),
      interactivity: z.object({ is_enabled: z.literal(true) }),
      org_deploy_enabled: z.literal(false),
      socket_mode_enabled: z.literal(true),
      token_rotation_enabled: z.literal(false),
    }),
  })
  const manifest = Manifest.parse(parse(readFileSync(new URL('../deploy/slack-manifest.yaml', import.meta.url), 'utf8')))

  test('asks for the least scopes and no other', () => {
    const scopes = [...leastScopes({ publicChannels: false, groups: ['S0LEADS'] }).keys()]
    expect([...manifest.oauth_config.scopes.bot].sort()).toEqual(scopes.sort())
  })

  test('subscribes to what the bot understands, and to nothing whose scope it has not', () => {
    // Each event with the scope it needs, from docs.slack.dev/reference/events.
    const NEEDS: Readonly<Record<string, string | undefined>> = {
      app_home_opened: undefined,
      app_mention: 'app_mentions:read',
      app_uninstalled: undefined,
      channel_archive: 'channels:read',
      channel_left: 'channels:read',
      channel_shared: 'groups:read',
      channel_unshared: 'groups:read',
      group_archive: 'groups:read',
      group_left: 'groups:read',
      'message.groups': 'groups:history',
      'message.im': 'im:history',
      tokens_revoked: undefined,
      user_change: 'users:read',
    }
    const events = manifest.settings.event_subscriptions.bot_events
    for (const event of events) {
      expect(Object.keys(NEEDS)).toContain(event)
      const scope = NEEDS[event]
      if (scope !== undefined) expect(SCOPES, event).toContain(scope)
    }
    for (const event of [
      'app_mention',
      'message.im',
      'message.groups',
      'app_home_opened',
      'channel_shared',
      'user_change',
      'tokens_revoked',
    ])
      expect(events).toContain(event)
    expect(events.filter(event => event.includes('reaction'))).toEqual([])
  })

  test('has the command and the shortcut that the bot answers to', () => {
    expect(manifest.features.slash_commands.map(({ command }) => command)).toEqual(['/signalbox'])
    expect(manifest.features.shortcuts.map(({ callback_id }) => callback_id)).toEqual(['show_run'])
  })
})
