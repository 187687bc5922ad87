import type { Millis } from '../../../src/domain/ids.ts'
import type { Knob } from '../workspace.ts'

interface Meets {
  readonly to?: string | RegExp
  readonly times?: number
}

/**
 * What only Discord does. shared: a limit that others used up, and that counts as nobody's fault. fail after: an error though it was
 * done. storm: every call is answered with that status. zombie: the open sockets stay open and say nothing more, not even ACK.
 * invalid session: op 9. close: the gateway's close code. replay twice: what a resumed session missed comes twice. kicked: the bot
 * is put out of the guild.
 */
export type DiscordKnob =
  | Knob
  | (Meets & { readonly how: 'shared'; readonly after: Millis })
  | (Meets & { readonly how: 'fail after'; readonly status?: number })
  | (Meets & { readonly how: 'storm'; readonly status: 401 | 403 })
  | { readonly how: 'zombie' | 'replay twice' | 'kicked' }
  | { readonly how: 'invalid session'; readonly resumable: boolean }
  | { readonly how: 'close'; readonly code: number }

type CallHow =
  | 'limit'
  | 'shared'
  | 'fail'
  | 'fail after'
  | 'garble'
  | 'lose request'
  | 'lose answer'
  | 'hang'
  | 'refuse'
  | 'slow'
  | 'storm'
export type Misfortune = Extract<DiscordKnob, { readonly how: CallHow }>

const CALLS: ReadonlySet<string> = new Set<CallHow>([
  'limit',
  'shared',
  'fail',
  'fail after',
  'garble',
  'lose request',
  'lose answer',
  'hang',
  'refuse',
  'slow',
  'storm',
])
export const meetsCalls = (knob: DiscordKnob): knob is Misfortune => CALLS.has(knob.how)

/** The misfortunes that calls meet: each until healed, or as often as it says. */
export interface Faults {
  add(knob: Misfortune): void
  dropAcks(times?: number): void
  /** What this call meets, used up by it. */
  meet(route: string): Misfortune | undefined
  meetAck(): boolean
  heal(): void
}

export function createFaults(): Faults {
  let armed: { readonly knob: Misfortune; left: number }[] = []
  let drops = 0
  return {
    add: knob => void armed.push({ knob, left: knob.times ?? Number.POSITIVE_INFINITY }),
    dropAcks(times = Number.POSITIVE_INFINITY) {
      drops += times
    },
    meet(route) {
      const found = armed.find(({ knob, left }) => left > 0 && fits(knob.to, route))
      if (found) found.left--
      return found?.knob
    },
    meetAck() {
      if (drops <= 0) return false
      drops--
      return true
    },
    heal() {
      armed = []
      drops = 0
    },
  }
}

const fits = (to: string | RegExp | undefined, route: string): boolean =>
  to === undefined || (typeof to === 'string' ? route.includes(to) : to.test(route))
