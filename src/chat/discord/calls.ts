import {
  DefaultRestOptions,
  DiscordAPIError,
  RateLimitError,
  type RawFile,
  REST,
  type RESTOptions,
  RequestMethod,
} from 'discord.js'
import type { z } from 'zod'
import type { Lane } from '../../domain/chat.ts'
import { type Millis, seconds } from '../../domain/ids.ts'
import type { Budget, Lanes } from '../../outbox/lanes.ts'
import type { Breaker } from './breaker.ts'
import { type DiscordSettings, VERSION } from './settings.ts'
import { obstructed, unreadable } from './troubles.ts'

/** One call of Discord's API. */
export interface Wanted {
  readonly verb: 'GET' | 'POST' | 'PATCH' | 'PUT'
  readonly route: `/${string}`
  readonly lane: Lane
  readonly budgets: Readonly<Record<string, Budget>>
  readonly body?: unknown
  readonly files?: readonly RawFile[]
  readonly query?: Readonly<Record<string, string>>
  readonly withoutToken?: true // the route has one of its own
}

/** What Discord answered; `no` where the caller said that it expects that code. */
export type Answer<T> = { readonly is: 'ok'; readonly value: T } | { readonly is: 'no'; readonly code: number }

export interface Calls {
  /** Throws NotShown. What comes back is read by `schema`; codes in `expected` are answers. */
  ask<T>(wanted: Wanted, schema: z.ZodType<T>, expected?: readonly number[]): Promise<Answer<T>>
  /** The same, where no answer is read and no code is expected. */
  tell(wanted: Wanted, expected?: readonly number[]): Promise<number | undefined>
  /** The options of every client of ours, the library's own included: no call gets past the breaker. */
  readonly options: Partial<RESTOptions>
  /** Discord took the token of the last call for no good one. */
  readonly revoked: boolean
  stop(): void
}

const PATIENCE: Millis = seconds(10)

/** What a channel takes: five messages in five seconds, and as many edits. Discord's headers have the last word. */
export const inChannel = (what: 'post' | 'edit' | 'read' | 'thread', channel: string): Readonly<Record<string, Budget>> => ({
  global: { perMinute: 2_700, burst: 45 },
  [`${what}:${channel}`]: { perMinute: 60, burst: 5 },
})
export const inGuild: Readonly<Record<string, Budget>> = {
  global: { perMinute: 2_700, burst: 45 },
  guild: { perMinute: 300, burst: 20 },
}
/** What one interaction takes after its first answer, which is not limited. */
export const inInteraction = (id: string): Readonly<Record<string, Budget>> => ({
  [`interaction:${id}`]: { perMinute: 120, burst: 5 },
})

/** All calls to Discord. The library's own queue, retries and waiting are off: the lanes say when, and each call is sent once. */
export function openCalls(settings: DiscordSettings, lanes: Lanes, breaker: Breaker): Calls {
  const options: Partial<RESTOptions> = {
    api: settings.api.replace(/\/+$/, ''),
    version: VERSION,
    retries: 0,
    timeout: PATIENCE,
    rejectOnRateLimit: () => true,
    globalRequestsPerSecond: Number.POSITIVE_INFINITY, // the lanes count that, over all our clients
    async makeRequest(url, init) {
      breaker.check()
      const answer = await DefaultRestOptions.makeRequest(url, init)
      breaker.note(answer.status, answer.headers.get('x-ratelimit-scope'))
      return answer
    },
  }
  // The library sends calls of one route one after the other: an edit that hangs must not hold up an answer.
  const pressing = new REST(options)
  const watched = new REST(options)

  function send({ verb, route, lane, body, files, query, withoutToken }: Wanted, signal: AbortSignal): Promise<unknown> {
    const rest = lane === 'answer' || lane === 'end' ? pressing : watched
    // The library forgets the token at the first 401; whether it is good again is for Discord to say.
    rest.setToken(settings.token)
    return rest.request({
      method: METHODS[verb],
      fullRoute: route,
      ...(body === undefined ? {} : { body }),
      ...(files ? { files: [...files] } : {}),
      ...(query ? { query: new URLSearchParams(query) } : {}),
      ...(withoutToken ? { auth: false } : {}),
      // The library's own timeout ends with the headers: an answer that stops in the middle would never end.
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
    })
  }

  let revoked = false

  async function attempt(wanted: Wanted, expected: readonly number[]): Promise<Answer<unknown>> {
    const { lane, budgets, verb } = wanted
    try {
      const value = await lanes.call({ lane, budgets, send: signal => send(wanted, signal) })
      if (!wanted.withoutToken) revoked = false
      return { is: 'ok', value }
    } catch (error) {
      if (error instanceof DiscordAPIError && expected.includes(Number(error.code))) return { is: 'no', code: Number(error.code) }
      if (error instanceof RateLimitError) {
        const names = error.global ? ['global'] : Object.keys(budgets).filter(name => name !== 'global')
        for (const name of names) lanes.limited(name, Math.max(0, error.retryAfter))
      }
      const trouble = obstructed(error, verb !== 'GET')
      if (trouble.how === 'revoked') revoked = true
      throw trouble
    }
  }

  return {
    options,
    get revoked() {
      return revoked
    },
    async ask(wanted, schema, expected = []) {
      const answer = await attempt(wanted, expected)
      if (answer.is === 'no') return answer
      const { success, data } = schema.safeParse(answer.value)
      if (!success) throw unreadable(wanted.verb !== 'GET')
      return { is: 'ok', value: data }
    },
    async tell(wanted, expected = []) {
      const answer = await attempt(wanted, expected)
      return answer.is === 'no' ? answer.code : undefined
    },
    stop() {
      for (const rest of [pressing, watched]) {
        rest.clearHashSweeper()
        rest.clearHandlerSweeper()
      }
    },
  }
}

const METHODS = { GET: RequestMethod.Get, POST: RequestMethod.Post, PATCH: RequestMethod.Patch, PUT: RequestMethod.Put } as const
