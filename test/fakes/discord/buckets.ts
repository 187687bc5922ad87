import { createHash } from 'node:crypto'
import type { Millis } from '../../../src/domain/ids.ts'
import type { FakeTime } from '../workspace.ts'
import { type FakeDiscordOptions, type Limit, type Limits, NONE, REAL } from './options.ts'

/** Discord's rate limits: a bucket per route and major parameter, one over everything, and the count of what was invalid. */
export interface Buckets {
  /** Takes one call from the route's bucket. `after` is there when it was one too many. */
  take(verb: string, template: string, major: string, exempt: boolean): Taken
  invalid(): void
  readonly invalidRequests: number
  readonly banned: boolean
}

export interface Taken {
  readonly headers: Readonly<Record<string, string>>
  readonly after?: Millis
  readonly global?: true
}

export function createBuckets(options: FakeDiscordOptions, time: FakeTime): Buckets {
  const limits: Limits = options.limits === 'none' ? NONE : { ...REAL, ...options.limits }
  const windows = new Map<string, { count: number; until: number }>()
  let bad: number[] = []

  const window = (key: string, limit: Limit) => {
    const now = time.now()
    const known = windows.get(key)
    if (known && known.until > now) return known
    const fresh = { count: 0, until: now + limit.per }
    windows.set(key, fresh)
    return fresh
  }
  const recent = () => {
    bad = bad.filter(at => at > time.now() - limits.invalid.per)
    return bad.length
  }

  return {
    take(verb, template, major, exempt) {
      const limit = limitFor(limits, template, verb)
      const bucket = createHash('md5').update(`${verb} ${template}`).digest('hex')
      const own = window(`${bucket}:${major}`, limit)
      const headers = () => ({
        'x-ratelimit-limit': `${limit.count}`,
        'x-ratelimit-remaining': `${Math.max(0, limit.count - own.count)}`,
        'x-ratelimit-reset': (own.until / 1000).toFixed(3),
        'x-ratelimit-reset-after': (Math.max(0, own.until - time.now()) / 1000).toFixed(3),
        'x-ratelimit-bucket': bucket,
      })
      if (!exempt) {
        const all = window('global', limits.global)
        if (all.count >= limits.global.count) return { headers: {}, after: all.until - time.now(), global: true }
        all.count++
      }
      if (own.count >= limit.count) return { headers: headers(), after: own.until - time.now() }
      own.count++
      return { headers: headers() }
    },
    invalid: () => void bad.push(time.now()),
    get invalidRequests() {
      return recent()
    },
    get banned() {
      return recent() >= limits.invalid.count
    },
  }
}

function limitFor(limits: Limits, template: string, verb: string): Limit {
  if (template.startsWith('/interactions') || template.startsWith('/webhooks')) return limits.interactions
  if (template.startsWith('/channels/{channel_id}/messages') && (verb === 'POST' || verb === 'PATCH')) return limits.messages
  return limits.others
}
