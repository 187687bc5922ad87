import { AsyncLocalStorage } from 'node:async_hooks'
import { type FetchFunction, type Logger, WebClient } from '@slack/web-api'
import { LANES, type Lane } from '../../domain/chat.ts'
import type { Millis } from '../../domain/ids.ts'
import type { Budget, Lanes } from '../../outbox/lanes.ts'
import { NotShown } from '../../ports/chat.ts'
import { obstructed, type Purpose, TooMany } from './obstruction.ts'
import type { SlackSettings } from './settings.ts'

/** The way out to Slack. Throws NotShown, and nothing else. */
export interface Wire {
  call(method: string, args: Readonly<Record<string, unknown>>, how: How): Promise<unknown>
  /** Sends a file to where Slack has said that it goes. */
  upload(url: string, bytes: Uint8Array, lane: Lane): Promise<void>
}

export interface How {
  readonly lane: Lane
  readonly purpose: Purpose
}

export interface WireParts {
  readonly lanes: Lanes
  readonly logger: Logger
  /** Every call tells whether Slack still lets us do something. */
  learned(trouble: NotShown | undefined): void
}

const TIMEOUT: Millis = 10_000

/**
 * One client for each lane, without a queue and without retries: waiting its turn and trying again is the outbox's, which knows what
 * is urgent. Each call takes from the budget of its method, which keeps below Slack's tiers (docs.slack.dev/apis/web-api/rate-limits).
 */
export function openWire({ token, api }: Pick<SlackSettings, 'token' | 'api'>, { lanes, logger, learned }: WireParts): Wire {
  const turn = new AsyncLocalStorage<AbortSignal>()
  const fetching: FetchFunction = async (url, init) => {
    const signals = [init?.signal, turn.getStore()].filter(signal => signal !== undefined)
    const response = await fetch(url, { ...init, signal: AbortSignal.any(signals) })
    if (response.status === 429 && !/^\d+$/.test(response.headers.get('retry-after') ?? '')) throw new TooMany('too many calls')
    return response
  }
  const clients = new Map(
    LANES.map(lane => [
      lane,
      new WebClient(token, {
        slackApiUrl: api,
        logger,
        fetch: fetching,
        timeout: TIMEOUT,
        retryConfig: { retries: 0 },
        rejectRateLimitedCalls: true,
        maxRequestConcurrency: Number.POSITIVE_INFINITY, // or a call would run in the turn of another one
        allowAbsoluteUrls: false,
      }),
    ]),
  )

  async function taking<T>(
    method: string,
    budget: Named,
    { lane, purpose }: How,
    send: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { name, ...rate } = budget
    return await lanes.call({
      lane,
      budgets: { [name]: rate },
      send: async signal => {
        try {
          return await send(signal)
        } catch (error) {
          const trouble = obstructed(error, method, purpose)
          if (trouble.after > 0) lanes.limited(name, trouble.after)
          learned(trouble)
          throw trouble
        }
      },
    })
  }

  return {
    call: (method, args, how) =>
      taking(method, budgetOf(method, args['channel']), how, async signal => {
        const client = clients.get(how.lane)
        const answer = await turn.run(signal, () => client?.apiCall(method, { ...args }))
        learned(undefined)
        return answer
      }),
    upload: (url, bytes, lane) =>
      taking('an upload', FILES, { lane, purpose: 'edit' }, async signal => {
        const within = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)])
        const body = new Blob([new Uint8Array(bytes)])
        const response = await fetch(url, { method: 'POST', body, redirect: 'error', signal: within })
        await response.arrayBuffer()
        if (response.status === 429) throw new TooMany('too many uploads')
        if (!response.ok) throw new NotShown('unclear', `Slack answered an upload with status ${response.status}`)
      }),
  }
}

type Named = Budget & { readonly name: string }

const FILES: Named = { name: 'files', perMinute: 20, burst: 4 }

/** Posts are counted by channel, everything else by method; what belongs together is counted together. */
function budgetOf(method: string, channel: unknown): Named {
  if (method === 'chat.postMessage') return { name: `${method} ${String(channel)}`, perMinute: 60, burst: 3 }
  if (method.startsWith('files.')) return FILES
  // Tier 2, and few groups: all that a site names are asked at once.
  if (method.startsWith('usergroups.')) return { name: method, perMinute: 10, burst: 10 }
  if (method === 'chat.postEphemeral' || method === 'users.info' || method.startsWith('views.'))
    return { name: method, perMinute: 90, burst: 10 }
  return { name: method, perMinute: 45, burst: 5 }
}
