import { digestOf } from '../domain/chain.ts'
import { guard } from '../domain/guard.ts'
import type { Instant, Millis, ScheduleId } from '../domain/ids.ts'
import type { Plan } from '../domain/plan.ts'
import { closedFor } from '../domain/policy.ts'
import { explain } from '../domain/refusal.ts'
import type { Run } from '../domain/run.ts'
import { lookAt, originOf, type Schedule, type Turns } from '../domain/schedule.ts'
import { NotShown } from '../ports/chat.ts'
import { messageOf } from './call.ts'
import type { Ears } from './ears.ts'
import type { Reporter } from './report.ts'
import { showMessage } from './show.ts'

/**
 * Takes the turns that are due. Any number of processes may do it at once, and each may freeze or die anywhere in it: that a turn is
 * taken is noted before its run is begun, from where the schedule was and from nowhere else; and a turn's origin is its schedule and
 * its time, so that the store makes one run of it however often it is begun.
 */
export async function takeTurns(ears: Ears): Promise<void> {
  const { schedules } = await ears.store.ledger()
  if (schedules.size === 0) return
  const turns = await ears.store.turns()
  for (const schedule of schedules.values()) {
    try {
      await takeTurn(schedule, turns.get(schedule.id), ears)
    } catch (error) {
      ears.complain(`taking the turn of ${schedule.id}`, error)
    }
  }
}

/** Is there something that `takeTurns` would begin now? */
export async function turnsDue({ store }: Pick<Ears, 'store'>): Promise<boolean> {
  const { schedules } = await store.ledger()
  const turns = schedules.size === 0 ? new Map<string, Turns>() : await store.turns()
  const looks = [...schedules.values()].map(async schedule => {
    const known = turns.get(schedule.id)
    return known?.taking ?? (await look(schedule, known, store))?.taking
  })
  return (await Promise.all(looks)).some(taking => taking !== undefined)
}

async function look(schedule: Schedule, turns: Turns | undefined, store: Ears['store']): Promise<Turns | undefined> {
  if (schedule.paused) return undefined
  const last = turns?.last && (await store.load(turns.last.run))
  return lookAt(schedule, turns, await store.now(), last && last.outcome === undefined ? last.id : undefined)
}

async function takeTurn(schedule: Schedule, known: Turns | undefined, ears: Ears): Promise<void> {
  const { store } = ears
  let turns = known
  if (turns?.taking === undefined) {
    const next = await look(schedule, turns, store)
    if (!next || !(await store.turn(schedule.id, turns?.due, next))) return
    turns = next
  }
  if (turns.taking !== undefined) await store.turn(schedule.id, turns.due, await taken(schedule, turns, turns.taking, ears))
}

async function taken(schedule: Schedule, turns: Turns, due: Instant, ears: Ears): Promise<Turns> {
  const { taking: _, ...rest } = turns
  const run = (await ears.store.byOrigin(originOf(schedule, due))) ?? (await begin(schedule, due, ears))
  if (typeof run === 'string') {
    const says = `The turn of ${new Date(due).toISOString().slice(0, 16).replace('T', ' ')} UTC could not begin. ${run}`
    return { ...rest, trouble: { at: due, says } }
  }
  await ears.nudge('report', run.id, run.seq)
  await ears.nudge('advance', run.id, run.seq)
  const { trouble, ...well } = rest
  // What was noted of this turn itself is not over yet.
  return { ...well, last: { due, run: run.id }, ...(trouble?.at === due ? { trouble } : {}) }
}

/** By the rules of now: whoever made the schedule must still be allowed what it asks for. The answer is why not, where it is a text. */
async function begin(schedule: Schedule, due: Instant, ears: Ears): Promise<Run | string> {
  const { command, by, place, id } = schedule
  const planned = ears.plan(command)
  if ('refusal' in planned) return explain(planned.refusal).join(' ')
  if ('read' in planned) return 'It only looks now, and a schedule asks for changes.'
  const policy = await ears.policy()
  const guarded = guard(attended(planned.plan, schedule), policy, by, planned.reads, command.because)
  if ('refusal' in guarded) return explain(guarded.refusal).join(' ')
  const { plan } = guarded
  const closed = closedFor(plan, policy, by)
  if (closed) return explain(closed).join(' ')
  return ears.store.create(originOf(schedule, due), place, {
    type: 'run.started',
    by,
    plan,
    digest: digestOf(plan),
    said: ears.redact(`${id}: ${plan.title}`),
    schedule: id,
    ...(command.because === undefined ? {} : { because: command.because }),
  })
}

/** What comes again by itself does not stand and wait for people in the middle: it ends, tidies up, and its next turn is another try. */
const attended = (plan: Plan, { when }: Schedule): Plan =>
  'every' in when && plan.onFailure === 'hold' ? { ...plan, onFailure: 'stop' } : plan

/** How long whoever tells of schedules may be silent before somebody else does. */
const TELLING: Millis = 5_000

/** What people have to hear of schedules, said once where each was made. */
export async function tellOfTurns(reporter: Reporter): Promise<void> {
  const { store, chats, complain } = reporter
  const { schedules } = await store.ledger()
  if (schedules.size === 0) return
  for (const [id, { trouble }] of await store.turns()) {
    const schedule = schedules.get(id)
    const chat = schedule && chats.get(schedule.place.chat)
    if (!schedule || !chat || !trouble) continue
    const about = `schedule:${id}` as ScheduleId
    const key = `trouble-${trouble.at}`
    if ((await store.posts(about)).get(key)?.post) continue
    try {
      await store.telling(about, TELLING, async still => {
        const now = await store.now()
        const card = {
          title: `${id} ${schedule.title}`,
          tone: 'bad',
          lines: [trouble.says, 'Say `show schedules` to see all.'],
          buttons: [],
        } as const
        const posted = (await store.posts(about)).get(key)
        await showMessage({ about, key, card, lane: 'answer', at: schedule.place, chat, now, still, every: 0 }, posted, store)
      })
    } catch (error) {
      if (!(error instanceof NotShown)) throw error
      complain(`telling of ${id}: ${messageOf(error)}`, error)
    }
  }
}
