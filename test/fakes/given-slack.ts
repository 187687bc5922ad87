import type { Drop } from '../../src/chat/slack/drops.ts'
import { type SlackSettings, slackChat } from '../../src/chat/slack/slack.ts'
import type { Card, Place, Said } from '../../src/domain/chat.ts'
import { openLanes } from '../../src/outbox/open-lanes.ts'
import type { Chat } from '../../src/ports/chat.ts'
import { DEFAULTS, type FakeSlackOptions } from './slack/options.ts'
import { type FakeSlack, startFakeSlack } from './slack/start.ts'

/** A bot in a fake Slack. What it hears is kept as an inbox would: each delivery once, by its id. */
export interface SlackRig {
  readonly slack: FakeSlack
  readonly chat: Chat
  readonly heard: Said[] // every call of `hear`
  readonly inbox: ReadonlyMap<string, Said>
  readonly counts: Map<Drop, number>
  readonly log: string[]
  readonly clock: { ahead: number } // how far the bot's clock has been pushed
  /** What the next calls of `hear` do, one each; afterwards it hears at once. */
  readonly hearing: ((said: Said) => Promise<void>)[]
  stop(): Promise<void>
}

export interface RigOptions {
  readonly fake?: FakeSlackOptions
  readonly settings?: Partial<SlackSettings>
  readonly idle?: true // not connected, as in a process that hears nobody
}

export const WORK: Place = { chat: 'slack', channel: 'C0MIGRATIONS' }

export const CARD: Card = {
  title: 'R1 migrate harddisk5 to harddisk8 on sql01',
  tone: 'calm',
  state: 'copy',
  steps: [{ mark: 'now', text: 'copy', note: 'since 14:00:00 UTC' }],
  lines: [],
  buttons: [],
}

export const settingsFor = (slack: { readonly api: string }, over: Partial<SlackSettings> = {}): SlackSettings => ({
  token: DEFAULTS.token,
  appToken: DEFAULTS.appToken,
  team: DEFAULTS.team,
  app: DEFAULTS.app,
  channels: ['C0MIGRATIONS', 'C0SECOND', 'C0OPEN', 'C0SHARED', 'C0OLD', 'C0ELSEWHERE'],
  publicChannels: false,
  api: slack.api,
  ...over,
})

export async function slackRig({ fake = {}, settings = {}, idle }: RigOptions = {}): Promise<SlackRig> {
  const slack = await startFakeSlack({ tiers: 'none', ...fake })
  const heard: Said[] = []
  const inbox = new Map<string, Said>()
  const counts = new Map<Drop, number>()
  const log: string[] = []
  const clock = { ahead: 0 }
  const hearing: ((said: Said) => Promise<void>)[] = []
  const lanes = openLanes({
    now: () => performance.now(),
    timer(ms, fire) {
      const timer = setTimeout(fire, ms)
      return { cancel: () => clearTimeout(timer) }
    },
  })
  const chat = slackChat(settingsFor(slack, settings), {
    lanes,
    count: outcome => void counts.set(outcome, (counts.get(outcome) ?? 0) + 1),
    clock: { now: () => Date.now() + clock.ahead },
    log: line => void log.push(line),
  })
  const stop = async (): Promise<void> => {
    await chat.stop()
    await slack.stop()
  }
  const hear = async (said: Said): Promise<void> => {
    heard.push(said)
    await hearing.shift()?.(said)
    if (!inbox.has(said.id)) inbox.set(said.id, said)
  }
  try {
    if (!idle) await chat.start(hear)
  } catch (error) {
    await stop()
    throw error
  }
  return { slack, chat, heard, inbox, counts, log, clock, hearing, stop }
}

/** Waits until something is so, with a limit; says what was not. */
export async function until(what: string, so: () => boolean, limit = 8_000): Promise<void> {
  const end = performance.now() + limit
  while (!so()) {
    if (performance.now() > end) throw new Error(`It never came to this: ${what}.`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
