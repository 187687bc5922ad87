import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { discordChat } from '../src/chat/discord/discord.ts'
import { slackChat } from '../src/chat/slack/slack.ts'
import { draw } from '../src/domain/draw.ts'
import { rings } from '../src/domain/rings.ts'
import { chartOf } from '../src/domain/run-chart.ts'
import { openLanes } from '../src/outbox/open-lanes.ts'
import type { Chat } from '../src/ports/chat.ts'
import { startFakeDiscord } from '../test/fakes/discord/start.ts'
import { DEFAULTS as SLACK } from '../test/fakes/slack/options.ts'
import { startFakeSlack } from '../test/fakes/slack/start.ts'
import { type FakeWorkspace, pushedTime } from '../test/fakes/workspace.ts'
import { type Browser, openBrowser } from './browser.ts'
import { smaller } from './smaller.ts'
import { type State, states } from './states.ts'

/**
 * Writes docs/pictures/slack-<state>.png and discord-<state>.png: each card posted by the real chat to a fake of its vendor, and what
 * the fake's page shows of it. `npx tsx docs/make-screenshots.ts`; needs Chromium (CHROMIUM, or where Debian puts it).
 */
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const PICTURES = fileURLToPath(new URL('./pictures/', import.meta.url))
/** As wide as people have the window: a card in Discord is narrower. */
const WIDTHS = { slack: 860, discord: 760 }
const SCALE = 1.5
const MOST_BYTES = 120_000

interface Scene {
  readonly fake: FakeWorkspace
  readonly chat: Chat
  readonly channel: string
  stop(): Promise<void>
}

const parts = (now: () => number) => ({
  lanes: openLanes({
    now: () => performance.now(),
    timer(ms, fire) {
      const timer = setTimeout(fire, ms)
      return { cancel: () => clearTimeout(timer) }
    },
  }),
  clock: { now },
  count: () => {},
  log: (line: string) => console.error(line),
})

const scene = (fake: FakeWorkspace, chat: Chat, channel: string): Scene => ({
  fake,
  chat,
  channel,
  async stop() {
    await chat.stop()
    await fake.stop()
  },
})

async function inSlack(at: number): Promise<Scene> {
  const time = pushedTime(at)
  const channel = 'C0MIGRATIONS'
  const fake = await startFakeSlack({ time, tiers: 'none' })
  const { token, appToken, team, app } = SLACK
  const settings = { token, appToken, team, app, channels: [channel], publicChannels: false, api: fake.api }
  return scene(fake, slackChat(settings, parts(time.now)), channel)
}

async function inDiscord(at: number): Promise<Scene> {
  const time = pushedTime(at)
  const fake = await startFakeDiscord({ time, limits: 'none' })
  const { token, application, guild, channels, api } = fake
  const settings = { token, application, guild, channels: channels.slice(0, 1), publicChannels: false, api }
  return scene(fake, discordChat(settings, { ...parts(time.now), complete: () => [] }), channels[0] ?? '')
}

/** The card, and what rings in its thread, as `report` shows them. */
async function shown({ chat, channel, fake }: Scene, { name, run, now }: State): Promise<void> {
  await chat.start(() => Promise.resolve())
  const at = { chat: chat.name, channel }
  const card = await chat.post(at, draw(run, now), `${run.id}/card`, 'answer')
  const chart = name === 'done' ? chartOf(run) : undefined
  for (const ring of rings(run, now)) {
    const drawn = chart ? { ...ring.card, chart } : ring.card
    await chat.post({ ...at, thread: card.message }, drawn, `${run.id}/${ring.key}`, 'answer')
  }
  if (fake.invalid.length > 0) throw new Error(`${chat.name} would not have taken this: ${fake.invalid.join('; ')}`)
}

async function main(): Promise<void> {
  if (!existsSync(CHROMIUM)) throw new Error(`There is no Chromium at ${CHROMIUM}: install it, or say where it is in CHROMIUM.`)
  mkdirSync(PICTURES, { recursive: true })
  const browser = openBrowser(CHROMIUM)
  try {
    for (const state of states()) {
      await pictured('slack', await inSlack(state.now), state, browser)
      await pictured('discord', await inDiscord(state.now), state, browser)
    }
  } finally {
    await browser.close()
  }
}

async function pictured(chat: keyof typeof WIDTHS, scene: Scene, state: State, browser: Browser): Promise<void> {
  const file = `${chat}-${state.name}.png`
  try {
    await shown(scene, state)
    const png = smaller(await browser.photograph(pageOf(scene), WIDTHS[chat], SCALE))
    if (png.length > MOST_BYTES)
      throw new Error(`${file} has ${png.length} bytes: more than a page of documentation should carry`)
    writeFileSync(join(PICTURES, file), png)
    console.log(`${file}: ${png.length} bytes`)
  } finally {
    await scene.stop()
  }
}

const pageOf = ({ fake, channel }: Pick<Scene, 'fake' | 'channel'>): string => {
  const url = new URL(fake.page)
  url.searchParams.set('channel', channel)
  url.searchParams.set('still', '')
  return url.href
}

await main()
