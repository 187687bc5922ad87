import type { Bytes, BytesPerSecond, Millis, RunId, StepId } from './ids.ts'
import type { Params } from './plan.ts'

/** An action as a sentence names it, before the inventory has said of which kind its target is. */
export interface Wish {
  readonly capability: string // "powerpath.sync"
  readonly target: string
  readonly params: Params
}

/** "mon" 08:00, by a clock on the wall. */
export interface WallClock {
  readonly day?: string
  readonly hour: number
  readonly minute: number
}

/** How a schedule is to be kept, as far as somebody said. */
export interface SaidManner {
  readonly zone?: string // IANA
  readonly spread?: Millis
  readonly late?: 'run' | 'skip' | 'ring'
  readonly busy?: 'skip' | 'queue' | 'ring'
}

/** A time that comes next, or how long from now. */
export type Until =
  | WallClock // by the site's clock on the wall
  | { readonly for: Millis }

/** Why somebody asks for a change; in an emergency the glass is broken with it. */
export interface Why {
  readonly because?: string
  readonly emergency?: true
}

/** Everything a person can say to the bot. The grammar yields these and nothing else. */
export type Command =
  | ({ readonly kind: 'act'; readonly wish: Wish } & Why)
  | ({ readonly kind: 'run'; readonly runbook: string; readonly params: Params } & Why)
  | {
      readonly kind: 'vote'
      readonly verdict: 'approve' | 'deny'
      readonly run: RunId
      readonly step?: StepId
      readonly shown?: string
      readonly because?: string
    }
  | { readonly kind: 'tell'; readonly run: RunId; readonly step: StepId; readonly happened: boolean; readonly because: string }
  | { readonly kind: 'retry'; readonly run: RunId; readonly step?: StepId }
  | { readonly kind: 'skip'; readonly run: RunId; readonly step: StepId; readonly because: string }
  | { readonly kind: 'roll back' | 'give up' | 'cancel' | 'pause' | 'resume'; readonly run: RunId; readonly because?: string }
  | { readonly kind: 'break glass'; readonly run: RunId; readonly because: string }
  | { readonly kind: 'close review'; readonly run: RunId; readonly because: string }
  | { readonly kind: 'refresh'; readonly run: RunId } // read the facts of its open gates again
  | { readonly kind: 'freeze'; readonly scope: string; readonly until: Until; readonly because: string }
  | { readonly kind: 'thaw'; readonly scope: string; readonly because: string }
  | {
      readonly kind: 'schedule'
      readonly when: { readonly every: Millis } | (WallClock & { readonly each: 'day' | 'week' | 'once' })
      readonly manner: SaidManner
      readonly command: Extract<Command, { kind: 'act' | 'run' }>
    }
  | { readonly kind: 'pause schedule' | 'resume schedule' | 'end schedule'; readonly schedule: string; readonly because?: string }
  | { readonly kind: 'show schedules' }
  | { readonly kind: 'accept policy' }
  | { readonly kind: 'link me' }
  | { readonly kind: 'link'; readonly code: string }
  | { readonly kind: 'unlink'; readonly handle?: string; readonly because?: string } // absent: the one that speaks
  | { readonly kind: 'show links' }
  | { readonly kind: 'show windows' }
  | { readonly kind: 'show reviews' }
  | { readonly kind: 'show policy change' }
  | { readonly kind: 'policy test'; readonly sentence: string; readonly by?: string }
  | { readonly kind: 'who could approve'; readonly sentence: string }
  | { readonly kind: 'report'; readonly run: RunId }
  | { readonly kind: 'show run'; readonly run: RunId }
  | { readonly kind: 'show runs'; readonly which: 'live' | 'all' }
  | { readonly kind: 'show targets' }
  | { readonly kind: 'show chats' }
  | { readonly kind: 'show subscriptions' }
  | { readonly kind: 'chart'; readonly run: RunId }
  | { readonly kind: 'watch' | 'unwatch'; readonly run: RunId }
  | { readonly kind: 'subscribe'; readonly channel?: string; readonly to: string; readonly on?: string } // to: a runbook, or `*`
  | { readonly kind: 'unsubscribe'; readonly channel?: string; readonly from?: string } // from: a runbook; absent: from all
  | {
      readonly kind: 'quiet'
      readonly channel?: string // "#C0OPS"; absent, as everywhere: where it was said
      readonly from: number // minutes of the day
      readonly to: number
      readonly zone: string // IANA
    }
  | { readonly kind: 'no quiet'; readonly channel?: string }
  | { readonly kind: 'home' }
  | { readonly kind: 'who may approve'; readonly run: RunId }
  | { readonly kind: 'what can I do'; readonly target?: string }
  | {
      readonly kind: 'estimate'
      readonly size: Bytes
      readonly rate: BytesPerSecond
      readonly utilisation?: number
      readonly changed?: number
    }
  | { readonly kind: 'help'; readonly topic?: string }
