import type { Lanes } from '../../outbox/lanes.ts'
import { newBreaker } from './breaker.ts'
import { type Calls, openCalls } from './calls.ts'
import type { DiscordSettings } from './settings.ts'

/** For a command that asks Discord a few things and ends: every call at once, and nothing left behind. */
export async function callsOnce<T>(settings: DiscordSettings, work: (calls: Calls) => Promise<T>): Promise<T> {
  const aborting = new AbortController()
  const none = { waiting: 0, oldest: 0 }
  const lanes: Lanes = {
    call: ({ send }) => send(aborting.signal),
    limited: () => {},
    depth: () => ({ answer: none, end: none, transition: none, percent: none }),
    stop: () => aborting.abort(),
  }
  const calls = openCalls(
    settings,
    lanes,
    newBreaker(() => Date.now()),
  )
  try {
    return await work(calls)
  } finally {
    calls.stop()
  }
}
