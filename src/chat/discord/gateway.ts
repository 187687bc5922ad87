import {
  Client,
  Events,
  GatewayDispatchEvents,
  GatewayIntentBits,
  type IIdentifyThrottler,
  Options,
  type RESTOptions,
  SimpleShardingStrategy,
} from 'discord.js'
import { type Instant, type Millis, seconds } from '../../domain/ids.ts'
import { type IdentifyBudget, newIdentifyBudget } from './identify.ts'
import type { DiscordSettings } from './settings.ts'
import { type Minded, mind } from './shards.ts'

/** None of the three that Discord calls privileged: a message that mentions us comes with its text all the same. */
export const INTENTS = [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages] as const

/** What the gateway tells. `payload` is as it came from the wire. */
export interface Listener {
  interaction(payload: unknown): void
  message(how: 'new' | 'edited' | 'removed', payload: unknown): void
  /** A session that is not the one before: what was said in between was not sent to us. */
  session(payload: unknown): void
  /** We were put out of a guild, or let into one. */
  guild(how: 'in' | 'out', payload: unknown): void
  /** For whoever runs the bot. */
  trouble(what: string): void
}

export interface Gateway {
  /** Resolves when it is connected, or when it is known that this takes longer: it is tried for ever. */
  start(): Promise<void>
  /** The channel of a thread, as far as the gateway has told of it. */
  parentOf(channel: string): string | undefined
  state(): 'connected' | 'connecting' | 'waiting' | { readonly wrong: string }
  stop(): Promise<void>
}

interface GatewayOptions {
  readonly settings: DiscordSettings
  readonly rest: Partial<RESTOptions>
  readonly now: () => Instant
  readonly listener: Listener
}

/** Whoever starts the bot does not wait longer than this for Discord. */
const PATIENCE: Millis = seconds(15)
const SLOWEST: Millis = seconds(300)

export function openGateway({ settings, rest, now, listener }: GatewayOptions): Gateway {
  const budget = newIdentifyBudget()
  let client: Client | undefined
  let minded: Minded | undefined
  let wrong: string | undefined
  let ready = false
  let stopped = false
  let wake: (() => void) | undefined

  const pause = (ms: Millis): Promise<void> =>
    new Promise(resolve => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  /** Resolves when this connection is lost for good: the library brings back every other by itself. */
  async function connect(connected: () => void): Promise<void> {
    const one = new Client({
      intents: [...INTENTS],
      rest,
      allowedMentions: { parse: [] },
      makeCache: Options.cacheWithLimits({
        ...Options.DefaultMakeCacheSettings,
        MessageManager: 0,
        ReactionManager: 0,
        PresenceManager: 0,
        GuildMemberManager: 50,
        UserManager: 50,
      }),
      ws: {
        buildIdentifyThrottler: () => throttler(budget, now),
        buildStrategy: manager => {
          const strategy = new SimpleShardingStrategy(manager)
          minded = mind(strategy)
          return minded.strategy
        },
      },
    })
    client = one
    const lost = new Promise<string>(resolve => {
      one.on(Events.ShardDisconnect, ({ code }) => resolve(CODES[code] ?? `Discord closed the connection (${code})`))
    })
    const live = (hand: () => void): void => {
      if (!stopped) hand()
    }
    one.on(Events.Error, error => listener.trouble(error.message))
    one.on(Events.ShardError, error => listener.trouble(error.message))
    one.on(Events.Warn, line => listener.trouble(line))
    one.on(Events.ShardReconnecting, () => {
      ready = false
    })
    one.on(Events.ShardResume, () => {
      ready = true
    })
    one.ws.on(GatewayDispatchEvents.Ready, payload =>
      live(() => {
        ready = true
        wrong = undefined
        minded?.settled()
        listener.session(payload)
      }),
    )
    one.ws.on(GatewayDispatchEvents.Resumed, () => {
      ready = true
      minded?.settled()
    })
    one.ws.on(GatewayDispatchEvents.InteractionCreate, payload => live(() => listener.interaction(payload)))
    one.ws.on(GatewayDispatchEvents.MessageCreate, payload => live(() => listener.message('new', payload)))
    one.ws.on(GatewayDispatchEvents.MessageUpdate, payload => live(() => listener.message('edited', payload)))
    one.ws.on(GatewayDispatchEvents.MessageDelete, payload => live(() => listener.message('removed', payload)))
    one.ws.on(GatewayDispatchEvents.GuildCreate, payload => live(() => listener.guild('in', payload)))
    one.ws.on(GatewayDispatchEvents.GuildDelete, payload => live(() => listener.guild('out', payload)))
    const login = one.login(settings.token)
    const failed = login.then(
      () => new Promise<never>(() => {}),
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
    login.then(connected, () => {})
    const why = await Promise.race([lost, failed])
    ready = false
    wrong = why
    listener.trouble(why)
    await one.destroy()
  }

  /** Connects again and again, ever more slowly: a token may be good again, and Discord comes back. */
  async function keep(connected: () => void): Promise<void> {
    for (let tries = 0; !stopped; tries += 1) {
      const begun = now()
      await connect(() => connected())
      connected()
      if (now() - begun > SLOWEST) tries = 0
      if (!stopped) await pause(Math.min(SLOWEST, seconds(1) * 2 ** tries))
    }
  }

  return {
    start: () =>
      new Promise(resolve => {
        const timer = setTimeout(resolve, PATIENCE)
        keep(() => {
          clearTimeout(timer)
          resolve()
        }).catch((error: unknown) => listener.trouble(error instanceof Error ? error.message : String(error)))
      }),
    parentOf(channel) {
      const known = client?.channels.cache.get(channel)
      return known?.isThread() ? (known.parentId ?? undefined) : undefined
    },
    state() {
      if (ready) return 'connected'
      if (wrong !== undefined) return { wrong }
      return budget.spent(now()) ? 'waiting' : 'connecting'
    },
    async stop() {
      stopped = true
      ready = false
      minded?.stop()
      wake?.()
      await client?.destroy()
    },
  }
}

/** The library asks before each IDENTIFY. It takes no for a reason to connect anew, so this one only ever lets it wait. */
const throttler = (budget: IdentifyBudget, now: () => Instant): IIdentifyThrottler => ({
  async waitForIdentify(_shard, signal) {
    for (;;) {
      signal.throwIfAborted()
      const wait = budget.take(now())
      if (wait === 0) return
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => {
          signal.removeEventListener('abort', off)
          resolve()
        }, wait)
        const off = (): void => {
          clearTimeout(timer)
          reject(signal.reason)
        }
        signal.addEventListener('abort', off, { once: true })
      })
    }
  },
})

/** Discord's reasons to end a connection for good. */
const CODES: Readonly<Record<number, string>> = {
  4004: 'Discord does not take the token: it was reset, or is of another bot',
  4010: 'Discord does not take the number of this connection',
  4011: 'Discord wants more than one connection for so many guilds',
  4012: 'Discord does not speak this version of its gateway any more',
  4013: 'Discord does not know what we ask to be told',
  4014: 'Discord does not allow what we ask to be told',
}
