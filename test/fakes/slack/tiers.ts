import type { Millis } from '../../../src/domain/ids.ts'

/**
 * How many calls of a method a workspace takes in a minute, and of messages a channel. Numbers: the methods' pages on docs.slack.dev
 * and /apis/web-api/rate-limits; how Slack counts is not published, so a window of one minute that moves along is our choice. What
 * a method without a number here takes ("special") is some hundreds.
 */
const PER_MINUTE: Readonly<Record<string, number>> = {
  'apps.connections.open': 10, // Tier 1 is "1+, with bursts"
  'usergroups.users.list': 20,
  'usergroups.list': 20,
  'chat.update': 50,
  'chat.delete': 50,
  'conversations.info': 50,
  'conversations.history': 50,
  'conversations.replies': 50,
  'conversations.open': 50,
  'bots.info': 50,
  'team.info': 50,
  'conversations.members': 100,
  'chat.postEphemeral': 100,
  'views.open': 100,
  'views.update': 100,
  'views.publish': 100,
  'users.info': 100,
  'files.getUploadURLExternal': 100,
  'files.completeUploadExternal': 100,
}

/** "No more than one message per second per channel, short bursts are allowed": five at once is what we take a short burst to be. */
const POSTS = { perSecond: 1, burst: 5 }

export interface Tiers {
  /** Undefined when the call may go through, else how long to wait. What is refused is not counted. */
  refuses(method: string, channel: string | undefined): Millis | undefined
}

export function createTiers(scale: number | 'none', now: () => number): Tiers {
  const calls = new Map<string, number[]>()
  const buckets = new Map<string, { left: number; at: number }>()
  return {
    refuses(method, channel) {
      if (scale === 'none') return undefined
      if (method === 'chat.postMessage') return posting(channel ?? '', scale)
      const most = PER_MINUTE[method]
      if (most === undefined) return undefined
      const recent = (calls.get(method) ?? []).filter(at => at > now() - 60_000)
      calls.set(method, recent)
      const oldest = recent[recent.length - Math.floor(most * scale)]
      if (oldest !== undefined) return oldest + 60_000 - now()
      recent.push(now())
      return undefined
    },
  }

  function posting(channel: string, factor: number): Millis | undefined {
    const perSecond = POSTS.perSecond * factor
    const bucket = buckets.get(channel) ?? { left: POSTS.burst * factor, at: now() }
    bucket.left = Math.min(POSTS.burst * factor, bucket.left + ((now() - bucket.at) / 1000) * perSecond)
    bucket.at = now()
    buckets.set(channel, bucket)
    if (bucket.left < 1) return ((1 - bucket.left) / perSecond) * 1000
    bucket.left--
    return undefined
  }
}
