import type { Via } from '../domain/approval.ts'
import { ballots } from '../domain/ballot.ts'
import { digestOf } from '../domain/chain.ts'
import type { Card, Said, Standing } from '../domain/chat.ts'
import type { Command } from '../domain/command.ts'
import { mayNotBreak } from '../domain/glass.ts'
import { guard } from '../domain/guard.ts'
import type { Person } from '../domain/ids.ts'
import { closedFor } from '../domain/policy.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Run } from '../domain/run.ts'
import { decide } from '../domain/say.ts'
import type { AboutRun, Speech, Verdict } from '../domain/verdict.ts'
import { NotShown } from '../ports/chat.ts'
import { answerTo, type Question } from './answers.ts'
import { messageOf } from './call.ts'
import { type Asked, changeOf, shutOut } from './changes.ts'
import { admit, type HeardAs, misplaced, moves, unwitnessed } from './door.ts'
import type { AboutLinks, Ears } from './ears.ts'
import { type Following, followers } from './followers.ts'
import { no, unknownRun } from './replies.ts'

/** Makes a sentence durable; the same delivery twice is one sentence. Only after this may a chat acknowledge it. */
export const receive = (said: Said, { store, redact }: Pick<Ears, 'store' | 'redact'>): Promise<boolean> =>
  store.receive({ ...said, text: redact(said.text.slice(0, KEPT)) })

/** Characters of a sentence that the inbox keeps: far more than may be said, and far less than a flood. */
const KEPT = 20_000

type Misplaced = Awaited<ReturnType<typeof misplaced>>

interface Reply {
  readonly as: HeardAs
  readonly card?: Card
}

/** Answers a sentence: a read at once, a change as a run, a no as a whisper. Safe to call again after a crash. */
export async function answer(said: Said, ears: Ears): Promise<void> {
  const chat = ears.chats.get(said.at.chat)
  const reply = await replyTo(said, ears).catch((error: unknown): Reply => {
    // A sentence that breaks something must not be answered again and again; what it began goes on by itself.
    ears.complain('answering', error)
    return { as: 'broken', card: no({ no: 'went wrong', why: messageOf(error) }) }
  })
  if (reply.card && chat) await whispered(said, ears.redact(reply.card), chat, ears)
  await ears.store.answered(said, reply.as)
  ears.count(said.at.chat, reply.as)
}

/** An answer that the chat cannot take now is tried again by the sweep; one that it cannot take at all is not. */
async function whispered(
  said: Said,
  card: Card,
  chat: { whisper(to: Said, card: Card): Promise<void> },
  ears: Ears,
): Promise<void> {
  try {
    await chat.whisper(said, card)
  } catch (error) {
    if (!(error instanceof NotShown) || error.how === 'later') throw error
    ears.complain(`answering in ${said.at.chat}`, error)
  }
}

async function replyTo(said: Said, ears: Ears): Promise<Reply> {
  if (said.edits !== undefined) return edited(said, said.edits, ears)
  const admitted = await admit(said, ears)
  if ('dropped' in admitted) return { as: admitted.dropped, ...(admitted.refusal ? { card: no(admitted.refusal) } : {}) }
  const { by, standing } = admitted
  const heard = ears.parse(said.text)
  const linking = 'command' in heard ? aboutLinks(heard.command) : undefined
  if (linking) return accepted(await ears.links(linking, said, by))
  if (by === undefined) return stranger(said, heard, ears)
  if ('refusal' in heard) return refused(heard.refusal)
  const { command } = heard
  const asked = await changeOf(command, by, said, ears)
  if (asked && 'refusal' in asked) return refused(asked.refusal)
  if (asked) return begin(said, asked, by, standing, ears)
  const wrong = moves(command) ? await misplaced(said, standing, ears) : undefined
  switch (command.kind) {
    case 'vote':
    case 'tell':
    case 'retry':
    case 'skip':
    case 'roll back':
    case 'give up':
    case 'cancel':
    case 'pause':
    case 'resume':
    case 'break glass':
    case 'close review':
    case 'refresh':
      return about(said, command, by, wrong, standing, ears)
    case 'watch':
    case 'unwatch':
    case 'subscribe':
    case 'unsubscribe':
    case 'quiet':
    case 'no quiet':
      // Somebody may well follow a run alone, in a direct message.
      if (wrong && standing.place !== 'direct') return refused(wrong.refusal, wrong.as)
      return accepted(await followers(command satisfies Following, said, by, ears))
    default:
      return accepted(await answerTo(command as Question, said, by, ears))
  }
}

const LINKS: ReadonlySet<Command['kind']> = new Set<Command['kind']>(['link me', 'link', 'unlink', 'show links'])
const aboutLinks = (command: Command): AboutLinks | undefined => (LINKS.has(command.kind) ? (command as AboutLinks) : undefined)

const accepted = (card: Card | undefined): Reply => ({ as: 'accepted', ...(card ? { card } : {}) })
const refused = (refusal: Refusal, as: HeardAs = 'refused'): Reply => ({ as, card: no(refusal) })

/** Whom the site does not know gets help, and how to be linked, and nothing else. */
async function stranger(said: Said, heard: ReturnType<Ears['parse']>, ears: Ears): Promise<Reply> {
  if ('command' in heard && heard.command.kind === 'help') {
    const lines = ears.help(heard.command.topic)
    return { as: 'unlinked', card: { title: 'What can be said', tone: 'calm', lines, buttons: [] } }
  }
  return refused((await ears.lapsed(said.by)) ?? { no: 'unknown person', handle: said.by }, 'unlinked')
}

/** An edit is not a sentence: whoever changes what began a run is told that nothing has changed. */
async function edited(said: Said, original: string, ears: Ears): Promise<Reply> {
  if (said.machine) return { as: 'machine' }
  const run = await ears.store.byOrigin(`${said.at.chat}:${original}`)
  if (!run) return { as: 'edit' }
  const title = `${run.id} goes by what was said first: changing or removing the message changes nothing.`
  return { as: 'edit', card: { title, tone: 'calm', lines: [`It was: ${run.said}`], buttons: [] } }
}

/** A read is performed here and now; a change becomes a run, and its card is the answer. */
async function begin(said: Said, { notes, ...command }: Asked, by: Person, standing: Standing, ears: Ears): Promise<Reply> {
  const planned = ears.plan(command)
  if ('refusal' in planned) return refused(planned.refusal)
  if ('read' in planned) return accepted(await answerTo({ kind: 'read', action: planned.read }, said, by, ears))
  const origin = originOf(said)
  // Begun before its answerer died: what is late now was not late then.
  const known = await ears.store.byOrigin(origin)
  const wrong = known ? undefined : await misplaced(said, standing, ears)
  if (wrong) return refused(wrong.refusal, wrong.as)
  const policy = await ears.policy()
  const forbidden = command.emergency ? mayNotBreak(policy, by) : undefined
  if (forbidden) return refused(forbidden)
  const guarded = guard({ ...planned.plan, ...notes }, policy, by, planned.reads, command.because)
  if ('refusal' in guarded) return refused(guarded.refusal)
  const { plan } = guarded
  const closed = closedFor(plan, policy, by) ?? (command.emergency ? undefined : shutOut(plan, policy, await ears.store.now()))
  if (closed) return refused(closed)
  const run = await ears.store.create(origin, said.at, {
    type: 'run.started',
    by,
    plan,
    digest: digestOf(plan),
    said: ears.redact(said.text),
    ...(command.because === undefined ? {} : { because: ears.redact(command.because) }),
    via: viaOf(said, standing),
  })
  if (command.emergency)
    return about(said, { kind: 'break glass', run: run.id, because: command.because ?? '' }, by, undefined, standing, ears)
  await nudge(run, ears)
  return { as: 'accepted' }
}

async function about(
  said: Said,
  command: AboutRun,
  by: Person,
  wrong: Misplaced,
  standing: Standing,
  ears: Ears,
): Promise<Reply> {
  const known = await ears.store.load(command.run)
  const origin = originOf(said)
  // Heard before its answerer died: what is late now was not late then, and it counts.
  if (wrong && !known?.heard.has(origin)) return refused(wrong.refusal, wrong.as)
  if (!known) return { as: 'refused', card: await unknownRun(command.run, ears.store) }
  const elsewhere = await unwitnessed(said, known, ears)
  if (elsewhere) return refused(elsewhere, 'misplaced')
  const policy = await ears.policy()
  const proof = await proved(said, command, by, known, ears)
  if (typeof proof === 'object') return refused(proof)
  const speech: Speech = { via: viaOf(said, standing), ...(proof ? { proof } : {}) }
  let verdict: Verdict = { refusal: { no: 'empty' } }
  const run = await ears.store.record(command.run, (run, now) => {
    // Said before its answerer died: an old "retry" or "it did not happen" must not meet what the run has become since.
    if (run.heard.has(origin)) verdict = { events: [], heard: 'that has been heard' }
    else verdict = decide(run, ears.redact(command), by, policy, now, speech)
    return 'events' in verdict && verdict.events.length > 0
      ? [{ type: 'run.heard', said: origin, ...(speech.via ? { via: speech.via } : {}) }, ...verdict.events]
      : []
  })
  const decided = verdict as Verdict
  if ('refusal' in decided) return refused(decided.refusal)
  await nudge(run, ears)
  return accepted({ title: decided.heard, tone: 'calm', lines: [], buttons: [] })
}

/** A code is used up only for a vote that wants one, and where that vote would count. */
async function proved(said: Said, command: AboutRun, by: Person, run: Run, ears: Ears): Promise<'totp' | Refusal | undefined> {
  if (said.code === undefined || command.kind !== 'vote' || command.verdict !== 'approve') return undefined
  const wanted = ballots(run).some(
    ({ step, ballot }) => ballot.rule.stepUp && (command.step === undefined || command.step === step.id),
  )
  if (!wanted) return undefined
  // Tried as if it were right: a vote that would not count anyway uses up no code, and tells nobody whether it was.
  const would = decide(run, command, by, await ears.policy(), await ears.store.now(), { proof: 'totp' })
  return 'refusal' in would ? would.refusal : ears.stepUp(said, by)
}

const viaOf = ({ by, at }: Said, { workspace }: Standing): Via => ({
  handle: by,
  channel: at.channel,
  ...(workspace === undefined ? {} : { workspace }),
})

/** The chat's id of the message that asked: the same origin is the same request. */
const originOf = (said: Said): string => `${said.at.chat}:${said.id}`

async function nudge(run: Run, ears: Ears): Promise<void> {
  await ears.nudge('report', run.id, run.seq)
  await ears.nudge('advance', run.id, run.seq)
}
