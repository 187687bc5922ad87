import type { Via } from './approval.ts'
import type { Command } from './command.ts'
import type { Refusal } from './refusal.ts'
import type { Event } from './run.ts'

/** What a sentence about a run comes to: events, and a word for the speaker; or a no. */
export type Verdict = { readonly events: readonly Event[]; readonly heard: string } | { readonly refusal: Refusal }

export type AboutRun = Extract<
  Command,
  {
    kind:
      | 'vote'
      | 'tell'
      | 'retry'
      | 'skip'
      | 'roll back'
      | 'give up'
      | 'cancel'
      | 'pause'
      | 'resume'
      | 'break glass'
      | 'close review'
      | 'refresh'
  }
>

/** How a sentence was spoken: through which account, and what was shown beside the chat. */
export interface Speech {
  readonly via?: Via
  readonly proof?: 'totp'
}
