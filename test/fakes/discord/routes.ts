import type { ZodType } from 'zod'
import type { Interactions } from './interactions.ts'
import type { Channel, Stored, World } from './world.ts'

/** One request of the bot, read and matched to a route of the vendor's description. */
export interface Call {
  readonly verb: string
  readonly template: string
  readonly path: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: unknown
  readonly files: ReadonlyMap<string, Stored>
}

export interface Answer {
  readonly status: number
  readonly body?: unknown
}

/** What the handlers of the routes share. */
export interface House {
  readonly world: World
  readonly interactions: Interactions
  readonly origin: () => string
  readonly ping: (
    message: import('./world.ts').Message,
    allowed: { users?: string[] | undefined; roles?: string[] | undefined },
  ) => void
}

export interface Route {
  readonly verb: string
  readonly template: string
  readonly door?: ZodType
  readonly open?: true // without the bot's token: the path has one of its own
  handle(house: House, call: Call): Answer
}

/** A no of Discord's, in its shape. */
export class No extends Error {
  override name = 'No'
  readonly status: number
  readonly code: number
  constructor(status: number, code: number, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** A route whose body has been through its door. */
export const route = <T>(
  verb: string,
  template: string,
  door: ZodType<T>,
  handle: (house: House, call: Call, body: T) => Answer,
): Route => ({
  verb,
  template,
  door,
  handle: (house, call) => handle(house, call, door.parse(call.body)),
})

export const plain = (verb: string, template: string, handle: Route['handle']): Route => ({ verb, template, handle })
export const ok = (body: unknown): Answer => ({ status: 200, body })
export const EMPTY: Answer = { status: 204 }

/** Words before places: `/users/@me` is never taken for a user's id. */
export function match(
  routes: readonly Route[],
  verb: string,
  path: string,
): { readonly route: Route; readonly values: Record<string, string> } | undefined {
  const given = path.split('/')
  const fitting = routes.flatMap(route => {
    const parts = route.template.split('/')
    if (route.verb !== verb || parts.length !== given.length) return []
    const values: Record<string, string> = {}
    for (const [n, part] of parts.entries()) {
      const is = decodeURIComponent(given[n] ?? '')
      if (part.startsWith('{')) values[part.slice(1, -1)] = is
      else if (part !== is) return []
    }
    return [{ route, values }]
  })
  return fitting.sort((a, b) => Object.keys(a.values).length - Object.keys(b.values).length)[0]
}

/** The channel that a path names, where the bot sees it. */
export function channelIn(house: House, call: Call): Channel {
  const channel = house.world.channels.get(call.path['channel_id'] ?? '')
  if (!channel || channel.gone || goneParent(house.world, channel)) throw new No(404, 10003, 'Unknown Channel')
  return channel
}

const goneParent = (world: World, channel: Channel): boolean =>
  channel.parent !== undefined && world.channels.get(channel.parent)?.gone === true
