import { digestOf } from '../domain/chain.ts'
import type { Card, Said } from '../domain/chat.ts'
import type { Command } from '../domain/command.ts'
import type { Person } from '../domain/ids.ts'
import type { Action, Plan } from '../domain/plan.ts'
import { guard, personOf } from '../domain/policy.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Run } from '../domain/run.ts'
import { type AboutRun, decide, type Verdict } from '../domain/say.ts'
import type { Chat } from '../ports/chat.ts'
import { answerTo } from './answers.ts'
import { messageOf } from './call.ts'
import type { Engine } from './engine.ts'
import { no, unknownRun } from './replies.ts'

/** What hearing needs beyond the engine. */
export interface Ears extends Engine {
  readonly chats: ReadonlyMap<string, Chat>
  parse(text: string): { readonly command: Command } | { readonly refusal: Refusal }
  /** A runbook or a single change as a plan, not yet guarded. */
  plan(command: Extract<Command, { kind: 'run' | 'act' }>): Planned
  help(topic: string | undefined, by: Person): readonly string[]
  canDo(target: string | undefined, by: Person): readonly string[]
  targets(): readonly string[]
  /** For whoever runs the bot: what went wrong where the speaker can do nothing about it. */
  complain(what: string, error: unknown): void
}

export type Planned =
  | { readonly plan: Plan; readonly reads: readonly Action[] }
  | { readonly read: Action }
  | { readonly refusal: Refusal }

/** Makes a sentence durable; the same delivery twice is one sentence. Only after this may a chat acknowledge it. */
export const receive = (said: Said, { store, redact }: Pick<Ears, 'store' | 'redact'>): Promise<boolean> =>
  store.receive({ ...said, text: redact(said.text.slice(0, KEPT)) })

/** Characters of a sentence that the inbox keeps: far more than may be said, and far less than a flood. */
const KEPT = 20_000

/** Answers a sentence: a read at once, a change as a run, a no as a whisper. Safe to call again after a crash. */
export async function answer(said: Said, ears: Ears): Promise<void> {
  const chat = ears.chats.get(said.at.chat)
  const reply = await replyTo(said, ears).catch((error: unknown) => {
    // A sentence that breaks something must not be answered again and again; what it began goes on by itself.
    ears.complain('answering', error)
    return no({ no: 'went wrong', why: messageOf(error) })
  })
  if (reply && chat) await chat.whisper(said, ears.redact(reply))
  await ears.store.answered(said)
}

async function replyTo(said: Said, ears: Ears): Promise<Card | undefined> {
  const by = personOf(ears.policy(), said.by)
  if (!by) return no({ no: 'unknown person', handle: said.by })
  const heard = ears.parse(said.text)
  if ('refusal' in heard) return no(heard.refusal)
  const { command } = heard
  switch (command.kind) {
    case 'act':
    case 'run':
      return begin(said, command, by, ears)
    case 'vote':
    case 'tell':
    case 'retry':
    case 'skip':
    case 'roll back':
    case 'give up':
    case 'cancel':
    case 'pause':
    case 'resume':
      return about(command, by, ears)
    default:
      return answerTo(command, by, ears)
  }
}

/** A read is performed here and now; a change becomes a run, and its card is the answer. */
async function begin(
  said: Said,
  command: Extract<Command, { kind: 'run' | 'act' }>,
  by: Person,
  ears: Ears,
): Promise<Card | undefined> {
  const planned = ears.plan(command)
  if ('refusal' in planned) return no(planned.refusal)
  if ('read' in planned) return answerTo({ kind: 'read', action: planned.read }, by, ears)
  const guarded = guard(planned.plan, ears.policy(), by, planned.reads)
  if ('refusal' in guarded) return no(guarded.refusal)
  const { plan } = guarded
  const run = await ears.store.create(`${said.at.chat}:${said.id}`, said.at, {
    type: 'run.started',
    by,
    plan,
    digest: digestOf(plan),
    said: ears.redact(said.text),
  })
  await nudge(run, ears)
  return undefined
}

async function about(command: AboutRun, by: Person, ears: Ears): Promise<Card | undefined> {
  const known = await ears.store.load(command.run)
  if (!known) return unknownRun(command.run, ears.store)
  let verdict: Verdict = { refusal: { no: 'empty' } }
  const run = await ears.store.record(command.run, (run, now) => {
    verdict = decide(run, ears.redact(command), by, ears.policy(), now)
    return 'events' in verdict ? verdict.events : []
  })
  const said = verdict as Verdict
  if ('refusal' in said) return no(said.refusal)
  await nudge(run, ears)
  return { title: said.heard, tone: 'calm', lines: [], buttons: [] }
}

async function nudge(run: Run, ears: Ears): Promise<void> {
  await ears.nudge('report', run.id, run.seq)
  await ears.nudge('advance', run.id, run.seq)
}
