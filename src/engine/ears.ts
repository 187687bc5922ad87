import type { Card, Place, Said } from '../domain/chat.ts'
import type { Command } from '../domain/command.ts'
import type { Digest, Handle, Person } from '../domain/ids.ts'
import type { limiter } from '../domain/limits.ts'
import type { Action, Plan } from '../domain/plan.ts'
import type { Policy } from '../domain/policy.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Run } from '../domain/run.ts'
import type { Chat } from '../ports/chat.ts'
import type { HeardAs } from './door.ts'
import type { Engine } from './engine.ts'

/** What hearing needs beyond the engine. */
export interface Ears extends Engine {
  readonly chats: ReadonlyMap<string, Chat>
  /** Where gates go when a run's own channel is closed. */
  readonly fallback?: Place
  parse(text: string): { readonly command: Command } | { readonly refusal: Refusal }
  /** A runbook or a single change as a plan, not yet guarded. */
  plan(command: Extract<Command, { kind: 'run' | 'act' }>): Planned
  /** A code of the second factor, taken and used up; or why it is not taken. */
  stepUp(said: Said, by: Person): Promise<'totp' | Refusal>
  /** Who is who: codes that are asked for, brought and brought back. */
  links(command: AboutLinks, said: Said, by: Person | undefined): Promise<Card>
  /** Why an account that was somebody's is nobody's now. */
  lapsed(handle: Handle): Promise<Refusal | undefined>
  /** The change record of a run, for whoever may see the run. */
  record(run: Run): Promise<Card>
  /** The rules of the site file where they are not the ones that hold: their digest, and what is different. */
  policyChange(): Promise<{ readonly digest: Digest; readonly lines: readonly string[] } | undefined>
  help(topic: string | undefined): readonly string[]
  canDo(target: string | undefined, by: Person, policy: Policy): readonly string[]
  targets(): readonly string[]
  targetNames(): readonly string[]
  /** The channels of a chat that the site file names. */
  listed(chat: string): readonly string[]
  /** Who speaks too much. */
  readonly limit: ReturnType<typeof limiter>
  /** Counts what became of a sentence. */
  count(chat: string, outcome: HeardAs): void
  /** For whoever runs the bot: what went wrong where the speaker can do nothing about it. */
  complain(what: string, error: unknown): void
}

export type Planned =
  | { readonly plan: Plan; readonly reads: readonly Action[] }
  | { readonly read: Action }
  | { readonly refusal: Refusal }

export type AboutLinks = Extract<Command, { kind: 'link me' | 'link' | 'unlink' | 'show links' }>
