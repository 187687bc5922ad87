import type { Card } from '../domain/chat.ts'
import { stateLine } from '../domain/draw.ts'
import type { Run } from '../domain/run.ts'
import { scheduleLines } from '../domain/schedule.ts'
import type { Ears } from './ears.ts'
import { listing } from './replies.ts'

/** The schedules whose last run may be seen, or that have none yet. */
export async function showSchedules(seen: (runs: readonly Run[]) => readonly Run[], { store }: Ears): Promise<Card> {
  const { schedules } = await store.ledger()
  const turns = await store.turns()
  const now = await store.now()
  const lines: string[] = []
  for (const schedule of schedules.values()) {
    const turn = turns.get(schedule.id)
    const run = turn?.last && (await store.load(turn.last.run))
    if (run && seen([run]).length === 0) continue
    lines.push(...scheduleLines(schedule, turn, run && { id: run.id, how: stateLine(run) }, now))
  }
  return lines.length > 0
    ? listing('Schedules', lines)
    : listing('There are no schedules.', ['Say `every 15m` and a change to have one, or `at sat 02:00` and a change.'])
}
