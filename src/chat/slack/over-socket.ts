import { type App, SocketModeReceiver } from '@slack/bolt'
import type { Millis } from '../../domain/ids.ts'
import { obstructed } from './obstruction.ts'
import { type Receiving, type ReceivingParts, Unwelcome } from './receiving.ts'
import type { SlackSettings } from './settings.ts'

const TIMEOUT: Millis = 10_000
/** A connection that was closed is made anew at once; one that cannot be made, less and less often. */
const SOONEST: Millis = 250
const LATEST: Millis = 30_000

/**
 * Deliveries over Socket Mode: a connection of our own to Slack, so that nothing has to reach us. Reconnecting is ours, because the
 * library waits for seconds before it begins, and throws into the void when Slack says no to it.
 */
export function overSocket(
  settings: Pick<SlackSettings, 'api'> & { readonly appToken: string },
  parts: ReceivingParts,
): Receiving {
  const { logger, process, up, down } = parts
  const receiver = new SocketModeReceiver({
    appToken: settings.appToken,
    logger,
    autoReconnectEnabled: false,
    installerOptions: {
      clientOptions: { slackApiUrl: settings.api, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, timeout: TIMEOUT },
    },
    // What was not written down is not acknowledged, and Slack sends it again; what is none of ours must not come again.
    processEventErrorHandler: ({ error }) => Promise.resolve(error instanceof Unwelcome),
  })
  // The rest of an App would acknowledge before anybody has heard: receivers want no more of it than this.
  receiver.init({ processEvent: process } as Partial<App> as App)
  const { client } = receiver
  let stopped = false
  let connected = false
  let failures = 0
  let timer: NodeJS.Timeout | undefined

  async function connect(): Promise<void> {
    // A socket on which nobody says hello would be waited for for ever.
    const patience = setTimeout(() => void client.disconnect(), TIMEOUT)
    try {
      await receiver.start()
      connected = true
      failures = 0
      if (stopped) await client.disconnect()
      else up('connected')
    } catch (error) {
      if (!stopped) again(whyOf(error))
    } finally {
      clearTimeout(patience)
    }
  }

  function again(why: string): void {
    down(why)
    failures += 1
    timer = setTimeout(() => void connect(), Math.min(LATEST, SOONEST * 2 ** (failures - 1)))
  }

  client.on('disconnected', () => {
    if (!connected) return
    connected = false
    if (!stopped) again('Slack has closed the connection')
  })

  return {
    start: connect,
    async stop() {
      stopped = true
      clearTimeout(timer)
      if (!connected) return
      // A peer that does not answer the goodbye is not waited for.
      const patience = new Promise<void>(resolve => setTimeout(resolve, 1_000).unref())
      await Promise.race([client.disconnect(), patience])
    },
  }
}

/** The library rejects with nothing at all when the socket closes before it was ready. */
function whyOf(error: unknown): string {
  if (error === undefined) return 'Slack has closed the connection before it was ready'
  const trouble = obstructed(error, 'apps.connections.open', 'question')
  return trouble.how === 'revoked' ? `${trouble.message}; the token of the app (xapp-...) is not good` : trouble.message
}
