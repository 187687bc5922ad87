import { digestOf } from '../domain/chain.ts'
import type { Card, Said } from '../domain/chat.ts'
import type { Command } from '../domain/command.ts'
import type { Person } from '../domain/ids.ts'
import { closedFor, guard, personOf } from '../domain/policy.ts'
import type { Run } from '../domain/run.ts'
import { type AboutRun, decide, type Verdict } from '../domain/say.ts'
import { answerTo } from './answers.ts'
import { messageOf } from './call.ts'
import type { Ears } from './ears.ts'
import { no, unknownRun } from './replies.ts'

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
      return about(said, command, by, ears)
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
  const closed = closedFor(plan, ears.policy(), by)
  if (closed) return no(closed)
  const run = await ears.store.create(originOf(said), said.at, {
    type: 'run.started',
    by,
    plan,
    digest: digestOf(plan),
    said: ears.redact(said.text),
  })
  await nudge(run, ears)
  return undefined
}

async function about(said: Said, command: AboutRun, by: Person, ears: Ears): Promise<Card | undefined> {
  const known = await ears.store.load(command.run)
  if (!known) return unknownRun(command.run, ears.store)
  const origin = originOf(said)
  let verdict: Verdict = { refusal: { no: 'empty' } }
  const run = await ears.store.record(command.run, (run, now) => {
    // Said before its answerer died: an old "retry" or "it did not happen" must not meet what the run has become since.
    if (run.heard.has(origin)) verdict = { events: [], heard: 'that has been heard' }
    else verdict = decide(run, ears.redact(command), by, ears.policy(), now)
    return 'events' in verdict && verdict.events.length > 0 ? [{ type: 'run.heard', said: origin }, ...verdict.events] : []
  })
  const decided = verdict as Verdict
  if ('refusal' in decided) return no(decided.refusal)
  await nudge(run, ears)
  return { title: decided.heard, tone: 'calm', lines: [], buttons: [] }
}

/** The chat's id of the message that asked: the same origin is the same request. */
const originOf = (said: Said): string => `${said.at.chat}:${said.id}`

async function nudge(run: Run, ears: Ears): Promise<void> {
  await ears.nudge('report', run.id, run.seq)
  await ears.nudge('advance', run.id, run.seq)
}
