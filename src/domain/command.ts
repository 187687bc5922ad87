import type { Bytes, BytesPerSecond, RunId, StepId } from './ids.ts'
import type { Params } from './plan.ts'

/** An action as a sentence names it, before the inventory has said of which kind its target is. */
export interface Wish {
  readonly capability: string // "powerpath.sync"
  readonly target: string
  readonly params: Params
}

/** Everything a person can say to the bot. The grammar yields these and nothing else. */
export type Command =
  | { readonly kind: 'act'; readonly wish: Wish }
  | { readonly kind: 'run'; readonly runbook: string; readonly params: Params }
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
  | { readonly kind: 'show run'; readonly run: RunId }
  | { readonly kind: 'show runs'; readonly which: 'live' | 'all' }
  | { readonly kind: 'show targets' }
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
