import { nextOnce, type WallTime, wallClock } from '../domain/calendar.ts'
import type { Place } from '../domain/chat.ts'
import type { Command } from '../domain/command.ts'
import { guard } from '../domain/guard.ts'
import { hours, type Person } from '../domain/ids.ts'
import { stepsOf } from '../domain/plan.ts'
import { closedFor } from '../domain/policy.ts'
import type { Refusal } from '../domain/refusal.ts'
import { dueAfter, type Schedule, SHORTEST, saysWhen, type When } from '../domain/schedule.ts'
import { duration } from '../domain/words.ts'
import type { Asked } from './changes.ts'
import type { Ears } from './ears.ts'
import { own } from './own.ts'

type Wanted = Extract<Command, { kind: 'schedule' }>

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const LONGEST = hours(24 * 366)

/** A schedule is a change of what the house will do: it is planned, and whoever asks must be allowed now what they want done later. */
export async function scheduleOf(
  wanted: Wanted,
  by: Person,
  { chat, channel }: Place,
  ears: Ears,
): Promise<Asked | { readonly refusal: Refusal }> {
  const { command, manner } = wanted
  if (command.emergency)
    return unplanned('An emergency is now and not by a schedule', 'Leave `in an emergency` out of it, or say the change alone.')
  const planned = ears.plan(command)
  if ('refusal' in planned) return planned
  if ('read' in planned)
    return unplanned('A schedule asks for changes, and that only looks', 'Say it when you want to know, or schedule a change.')
  const policy = await ears.policy()
  const guarded = guard(planned.plan, policy, by, planned.reads, command.because)
  if ('refusal' in guarded) return guarded
  const closed = closedFor(guarded.plan, policy, by)
  if (closed) return { refusal: closed }
  const now = await ears.store.now()
  const when = whenOf(wanted, manner.zone ?? policy.zone ?? 'UTC', now)
  const wrong = unfit(when, manner.spread)
  if (wrong) return { refusal: wrong }
  const repeats = 'every' in when
  const made: Omit<Schedule, 'id' | 'since'> = {
    by,
    title: planned.plan.title,
    command,
    when,
    place: { chat, channel },
    late: manner.late ?? (repeats ? 'run' : 'ring'),
    busy: manner.busy ?? (repeats ? 'skip' : 'queue'),
    ...(manner.spread === undefined ? {} : { spread: manner.spread }),
  }
  const first = dueAfter({ ...made, since: now }, now - 1)
  const zone = 'zone' in when ? when.zone : (policy.zone ?? 'UTC')
  return {
    ...own('schedule', { ...made }),
    notes: {
      notes: [
        `${saysWhen(made, now)}${first === undefined || 'once' in when ? '' : `, first ${wallClock(first, zone, now)}`}, and each time:`,
        ...stepsOf(guarded.plan).map(step => `  ${step.says}`),
      ],
    },
  }
}

function whenOf({ when }: Wanted, zone: string, now: number): When {
  if ('every' in when) return when
  const { day, hour, minute, each } = when
  const at: WallTime = { ...(day === undefined ? {} : { day: DAYS.indexOf(day) }), minute: 60 * hour + minute }
  return each === 'once' ? { once: nextOnce(at, zone, now), zone } : { at, zone }
}

function unfit(when: When, spread: number | undefined): Refusal | undefined {
  if ('every' in when && (when.every < SHORTEST || when.every > LONGEST))
    return bad('The time between two turns', `the shortest is ${duration(SHORTEST)} and the longest a year`)
  if (spread === undefined) return undefined
  if ('once' in when) return bad('The spread', 'what is done once has its one moment; say `every` for what is spread')
  const most = 'every' in when ? when.every : hours(24)
  return spread > most ? bad('The spread', `it is longer than the time between two turns, which is ${duration(most)}`) : undefined
}

const bad = (what: string, why: string): Refusal => ({ no: 'bad value', what, why })
const unplanned = (why: string, instead: string): { readonly refusal: Refusal } => ({
  refusal: { no: 'not planned', why, instead },
})
