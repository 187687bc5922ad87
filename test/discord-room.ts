import { discordChat } from '../src/chat/discord/discord.ts'
import type { Card, Place, Said } from '../src/domain/chat.ts'
import type { Lanes } from '../src/outbox/lanes.ts'
import { openLanes } from '../src/outbox/open-lanes.ts'
import type { Chat } from '../src/ports/chat.ts'
import type { FakeDiscordOptions } from './fakes/discord/options.ts'
import { type FakeDiscord, startFakeDiscord } from './fakes/discord/start.ts'
import { type PushedTime, pushedTime } from './fakes/workspace.ts'

/** Our Discord, connected to a fake one: real lanes, the real library, and a `hear` that notes what it was told. */
export interface Room {
  readonly fake: FakeDiscord
  readonly chat: Chat
  readonly time: PushedTime
  readonly heard: Said[]
  readonly counted: string[]
  readonly logged: string[]
  readonly work: string // the private channel that the site names
  readonly lounge: string // one that everybody sees and the site does not name
  readonly at: Place
  /** What becomes of the next sentences: it is durable at once by default. */
  hearing(how: (said: Said) => Promise<void>): void
}

export interface RoomOptions extends FakeDiscordOptions {
  readonly listed?: 'both'
  readonly publicChannels?: boolean
  readonly idle?: true // not connected
  readonly hasty?: true // every call is made at once
  readonly skew?: number // our clock against Discord's
  readonly groups?: readonly string[] // names of roles that the site names
}

const endings: (() => Promise<unknown>)[] = []

export async function closeRooms(): Promise<void> {
  for (const end of endings.splice(0).reverse()) await end()
}

export async function room(options: RoomOptions = {}): Promise<Room> {
  const time = pushedTime()
  const fake = await startFakeDiscord({ time, limits: 'none', ...options })
  endings.push(() => fake.stop())
  const [work = '', lounge = ''] = fake.channels
  const heard: Said[] = []
  const counted: string[] = []
  const logged: string[] = []
  let how = (_: Said): Promise<void> => Promise.resolve()
  const chat = discordChat(
    {
      token: fake.token,
      application: fake.application,
      guild: fake.guild,
      channels: options.listed === 'both' ? [work, lounge] : [work],
      ...(options.groups ? { groups: options.groups.map(name => (/^\d+$/.test(name) ? name : fake.role(name))) } : {}),
      publicChannels: options.publicChannels ?? false,
      api: fake.api,
    },
    {
      lanes: options.hasty ? hasty() : openLanes({ now: () => performance.now(), timer }),
      clock: { now: () => time.now() + (options.skew ?? 0) },
      count: why => void counted.push(why),
      log: line => void logged.push(line),
      complete: text => ['runs', 'targets'].filter(word => word.startsWith(/\S*$/.exec(text)?.[0] ?? '')),
    },
  )
  endings.push(() => chat.stop())
  if (!options.idle)
    await chat.start(async said => {
      await how(said)
      heard.push(said)
    })
  return {
    fake,
    chat,
    time,
    heard,
    counted,
    logged,
    work,
    lounge,
    at: { chat: 'discord', channel: work },
    hearing(next) {
      how = next
    },
  }
}

/** Lanes that hold nothing back: what else keeps the bot from calling too often is seen then. */
function hasty(): Lanes {
  const none = { waiting: 0, oldest: 0 }
  return {
    call: ({ send }) => send(new AbortController().signal),
    limited: () => {},
    depth: () => ({ answer: none, end: none, transition: none, percent: none }),
    stop: () => {},
  }
}

function timer(ms: number, fire: () => void): { cancel(): void } {
  const set = setTimeout(fire, ms)
  return { cancel: () => clearTimeout(set) }
}

/** What follows by a moment, over a wire, is waited for, with a limit. */
export async function until<T>(look: () => T | undefined | false, what = 'what was waited for'): Promise<T> {
  for (let n = 0; n < 1_000; n += 1) {
    const found = look()
    if (found !== undefined && found !== false) return found
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  throw new Error(`${what} did not come`)
}

export const card = (more: Partial<Card> = {}): Card => ({
  title: 'R7 Migrate ora_data_01 to vmax-275',
  tone: 'waiting',
  state: 'waits for open-cutover',
  lines: ['Open the cutover of ora_data_01?', '  holds: paths of sql01: 4 alive'],
  buttons: [{ label: 'Approve open-cutover', says: 'approve R7 open-cutover as 0123456789', style: 'primary' }],
  ...more,
})
