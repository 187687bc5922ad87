import type { Said } from '../domain/chat.ts'
import type { Command } from '../domain/command.ts'
import type { Instant, Person } from '../domain/ids.ts'
import { kept } from '../domain/kept.ts'
import type { Plan, Step } from '../domain/plan.ts'
import type { Policy } from '../domain/policy.ts'
import { list, type Refusal } from '../domain/refusal.ts'
import { untilOf } from '../domain/windows.ts'
import type { Ears } from './ears.ts'
import { own } from './own.ts'
import { scheduleOf } from './scheduling.ts'

/** A sentence that asks for a plan, and what whoever approves that has to know beside its steps. */
export type Asked = Extract<Command, { kind: 'run' | 'act' }> & { readonly notes?: { readonly notes: readonly string[] } }

/** Everything that changes something becomes a plan: what the house does with itself is an action on itself. */
export async function changeOf(
  command: Command,
  by: Person,
  said: Said,
  ears: Ears,
): Promise<Asked | { readonly refusal: Refusal } | undefined> {
  switch (command.kind) {
    case 'act':
    case 'run':
      return command
    case 'freeze': {
      const { scope, because } = command
      const { zone = 'UTC' } = await ears.policy()
      const until = untilOf(command.until, zone, await ears.store.now())
      return own('freeze', { scope, until, because, by }, because)
    }
    case 'thaw':
      return own('thaw', { scope: command.scope, because: command.because, by }, command.because)
    case 'accept policy': {
      const change = await ears.policyChange()
      if (!change)
        return {
          refusal: {
            no: 'not planned',
            why: 'The policy that holds is the one of the site file, so there is nothing to accept',
            instead: 'Change the site file and start Signalbox again; `show policy change` then says what is different.',
          },
        }
      return { ...own('accept-policy', { digest: change.digest, by }), notes: { notes: change.lines } }
    }
    case 'schedule':
      return scheduleOf(command, by, said.at, ears)
    case 'pause schedule':
    case 'resume schedule':
    case 'end schedule': {
      const { kind, because } = command
      const id = command.schedule.toUpperCase()
      const { schedules } = await ears.store.ledger()
      const schedule = schedules.get(id)
      if (!schedule) return { refusal: noSchedule(id, [...schedules.keys()]) }
      return own(
        kind.replace(' ', '-'),
        { id, title: schedule.title, by, ...(because === undefined ? {} : { because }) },
        because,
      )
    }
    default:
      return undefined
  }
}

const noSchedule = (id: string, known: readonly string[]): Refusal => ({
  no: 'bad value',
  what: 'The schedule',
  why:
    known.length === 0
      ? `there is no schedule ${id}, nor any other`
      : `there is no schedule ${id}; there ${known.length === 1 ? 'is' : 'are'} ${list(known, 'and')}`,
})

/** Whoever asks for a change now gets it now, or hears when they could: its first steps are not begun while the calendar is shut. */
export function shutOut(plan: Plan, policy: Policy, now: Instant): Refusal | undefined {
  const shut = kept({ course: 'forward' }, firstChanges(plan), policy, now)
  return (
    shut && {
      no: 'not planned',
      why: `It is not the time for that: ${shut.says}`,
      instead: `Nothing was begun. \`show windows\` says when what may be changed${policy.glass ? '; in an emergency say the same with `in an emergency because "..."` behind it' : ''}.`,
    }
  )
}

/** What would be sent before anything long, or a person's own work, comes between. */
function firstChanges(plan: Plan): readonly Step[] {
  const changing = (stage: readonly Step[]) => stage.some(step => step.kind === 'act' && step.action.risk !== 'none')
  const between = (stage: readonly Step[]) => stage.some(step => step.kind === 'watch' || step.kind === 'wait')
  const first = plan.stages.findIndex(stage => changing(stage) || between(stage))
  const stage = first < 0 ? undefined : plan.stages[first]
  return stage && changing(stage) ? stage : []
}
