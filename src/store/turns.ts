import { canonical } from '../domain/chain.ts'
import type { Turns } from '../domain/schedule.ts'
import type { Store } from '../ports/store.ts'
import type { Database } from './database.ts'

/** How far each schedule has come: one row each. */
export function turns({ query }: Database): Pick<Store, 'turns' | 'turn'> {
  return {
    async turns() {
      const { rows } = await query<{ readonly schedule: string; readonly turns: Turns }>('select schedule, turns from turns')
      return new Map(rows.map(({ schedule, turns }) => [schedule, turns]))
    },
    async turn(schedule, was, next) {
      const { rowCount } = await query(
        `insert into turns (schedule, due, turns) values ($1, $3, $4)
         on conflict (schedule) do update set due = excluded.due, turns = excluded.turns
         where turns.due is not distinct from $2::bigint`,
        [schedule, was ?? null, next.due ?? null, canonical(next)],
      )
      return rowCount === 1
    },
  }
}
