import { z } from 'zod'
import type { Said } from '../../domain/chat.ts'
import type { Instant, Millis } from '../../domain/ids.ts'
import type { Lanes } from '../../outbox/lanes.ts'
import { type Chat, NotShown } from '../../ports/chat.ts'
import type { Us } from './arrival.ts'
import type { Asking } from './button-value.ts'
import { newCondition } from './condition.ts'
import type { Drop } from './drops.ts'
import { finder } from './find.ts'
import { formOf } from './form.ts'
import { gate } from './gate.ts'
import { quietLogger } from './logger.ts'
import { overHttp } from './over-http.ts'
import { overSocket } from './over-socket.ts'
import type { Receiving, ReceivingParts } from './receiving.ts'
import { SLACK, type SlackSettings } from './settings.ts'
import { shows } from './show.ts'
import { standings as openStandings } from './standing.ts'
import { openWire } from './wire.ts'

export type { SlackSettings } from './settings.ts'

export interface SlackParts {
  readonly lanes: Lanes
  count(outcome: Drop): void // what was not heard, and why
  readonly clock: { now(): Instant }
  log(line: string): void
}

/** Edits of progress: two thirds of what chat.update takes in a minute. The rest is kept for gates and ends. */
const PER_MINUTE = 30

/**
 * Slack behind the port. Deliveries come over a socket of our own, or over HTTP where the site says so; what is shown goes out through
 * the outbox. Throws when the settings name no way in.
 */
export function slackChat(settings: SlackSettings, { lanes, count, clock, log }: SlackParts): Chat {
  const { team, app } = settings
  const now = (): Instant => clock.now()
  const logger = quietLogger(log)
  const condition = newCondition(team, now)
  const wire = openWire(settings, { lanes, logger, learned: condition.learned })
  const standings = openStandings(settings, wire, now)
  let us: Us = { app, team }
  let hears: (said: Said) => Promise<void> = () => Promise.reject(new Error('Nobody listens to Slack yet.'))
  const shown = shows({ wire, standings, finder: finder(() => us, wire, log), channels: settings.channels, log })
  const process = gate({
    us: () => us,
    hear: said => hears(said),
    ask,
    forget: standings.forget,
    shut: condition.shut,
    count,
    log,
  })
  let name = 'signalbox'
  let stopped = false
  let retry: NodeJS.Timeout | undefined
  const receiving = receivingOf(settings, {
    logger,
    process,
    count,
    up: how => condition.connected(`${how} as ${name}`),
    down: condition.disconnected,
    now,
  })

  /** The form opens for whoever pressed, and for nobody else. Where it does not, they are told to press again. */
  async function ask(trigger: string, asking: Asking, said: Said): Promise<void> {
    const how = { lane: 'answer', purpose: 'whisper' } as const
    try {
      await wire.call('views.open', { trigger_id: trigger, view: formOf(asking) }, how)
    } catch (error) {
      if (!(error instanceof NotShown)) throw error
      log(`a form did not open: ${error.message}`)
      const title = 'The form did not open, and nothing was done. Press the button again.'
      await shown.whisper(said, { title, tone: 'bad', lines: [], buttons: [] }).catch(() => log('and nobody could be told'))
    }
  }

  /** Who are we? The mention of the bot is taken out of sentences by that, and what it wrote itself is told from what others did. */
  async function introduce(): Promise<void> {
    const answer = await wire.call('auth.test', {}, { lane: 'answer', purpose: 'question' })
    const found = Self.safeParse(answer).data
    if (!found) throw new NotShown('later', 'Slack does not say who we are')
    if (found.team_id !== team)
      throw new NotShown('revoked', `the token is for the workspace ${found.team_id}, and the site file names ${team}`)
    us = { app, team, user: found.user_id, ...(found.bot_id === undefined ? {} : { bot: found.bot_id }) }
    name = found.user ?? name
  }

  /** The house does not wait for Slack: what runs goes on, and whoever asks is told how the chat does. */
  async function connect(failures: number): Promise<void> {
    try {
      await introduce()
    } catch (error) {
      if (!(error instanceof NotShown)) throw error
      condition.disconnected(error.message)
      if (!stopped) retry = setTimeout(() => void again(failures + 1), Math.min(LATEST, SOONEST * 2 ** failures))
      return
    }
    if (!stopped) await receiving.start()
  }

  async function again(failures: number): Promise<void> {
    try {
      await connect(failures)
    } catch (error) {
      log(`${error instanceof Error ? error.message : 'it cannot be started'}`)
    }
  }

  return {
    name: SLACK,
    perMinute: PER_MINUTE,
    async start(hear) {
      hears = hear
      await connect(0)
    },
    standing: standings.of,
    membership: standings.membership,
    ...shown,
    health: condition.health,
    async stop() {
      stopped = true
      clearTimeout(retry)
      await receiving.stop()
      lanes.stop()
      condition.stopped()
    },
  }
}

const SOONEST: Millis = 1_000
const LATEST: Millis = 30_000

const Self = z.object({ user_id: z.string(), user: z.string().optional(), bot_id: z.string().optional(), team_id: z.string() })

function receivingOf(settings: SlackSettings, parts: ReceivingParts & { now(): Instant }): Receiving {
  const { http, appToken, api } = settings
  if (http) return overHttp(http, parts)
  if (appToken === undefined || appToken === '')
    throw new Error(
      'Slack has no way to reach the bot: set the token of the app (xapp-...), or the port and signing secret for HTTP.',
    )
  return overSocket({ appToken, api }, parts)
}
