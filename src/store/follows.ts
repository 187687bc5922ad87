import { canonical } from '../domain/chain.ts'
import type { Place } from '../domain/chat.ts'
import type { Follow, Quiet, What } from '../domain/follow.ts'
import { hours, type Instant, type Millis, type Person, type RunId } from '../domain/ids.ts'
import type { Store } from '../ports/store.ts'
import type { Database } from './database.ts'

interface Row {
  readonly id: number
  readonly place: string
  readonly kind: 'run' | 'runs'
  readonly name: string
  readonly pattern: string | null
  readonly by: Person
  readonly since: Instant
}

const ROW = 'id, place, kind, name, pattern, by, since'

/** Who wants to see which runs where, and when it has to be quiet there. Few, and asked for anew each time. */
export function follows({
  query,
}: Database): Pick<Store, 'follow' | 'unfollow' | 'follows' | 'setQuiet' | 'clearQuiet' | 'quiets'> {
  return {
    async follow({ at, what, by }) {
      const { rows } = await query<Row>(
        `insert into follows (place, kind, name, pattern, by) values ($1, $2, $3, $4, $5)
         on conflict (place, kind, name) do update set pattern = excluded.pattern, by = excluded.by, since = excluded.since
         returning ${ROW}`,
        [textOf(at), ...namesOf(what), 'on' in what ? what.on : null, by],
      )
      return followOf(rows[0]!)
    },
    async unfollow(place, what) {
      const [kind, name] = what ? namesOf(what) : [null, null]
      const { rowCount } = await query('delete from follows where place = $1 and ($2::text is null or kind = $2 and name = $3)', [
        textOf(place),
        kind,
        name,
      ])
      return rowCount ?? 0
    },
    async follows() {
      return (await query<Row>(`select ${ROW} from follows order by id`)).rows.map(followOf)
    },
    async setQuiet({ at, from, to, zone, by }) {
      await query(
        `insert into quiets (place, from_minute, to_minute, zone, by) values ($1, $2, $3, $4, $5)
         on conflict (place) do update
         set from_minute = excluded.from_minute, to_minute = excluded.to_minute, zone = excluded.zone, by = excluded.by`,
        [textOf(at), from, to, zone, by],
      )
    },
    async clearQuiet(place) {
      return (await query('delete from quiets where place = $1', [textOf(place)])).rowCount === 1
    },
    async quiets() {
      const { rows } = await query<Omit<Quiet, 'at'> & { readonly place: string }>(
        'select place, from_minute as "from", to_minute as "to", zone, by from quiets order by place collate "C"',
      )
      return rows.map(({ place, ...quiet }) => ({ ...quiet, at: placeOf(place) }))
    },
  }
}

/** Who watches a run may look at how it ended for so long. */
export const WATCHED: Millis = 30 * hours(24)

/** Those who watched one run that ended long ago. Its last event is its end. */
export async function purgeFollows({ query }: Database, most: number): Promise<number> {
  const { rowCount } = await query(
    `delete from follows where id in (
       select follows.id from follows join runs on kind = 'run' and name = runs.id join events on run = runs.id and events.seq = runs.seq
       where outcome is not null and at <= (select signalbox_millis()) - $1::bigint limit $2)`,
    [WATCHED, most],
  )
  return rowCount ?? 0
}

/** What makes two follows of a place the same one: the pattern is not part of it. */
export const namesOf = (what: What): readonly ['run' | 'runs', string] =>
  'run' in what ? ['run', what.run] : ['runs', what.runs]

/** A place may be given as a post or with whatever else: that is no other place. */
export const textOf = ({ chat, channel, thread }: Place): string => canonical({ chat, channel, thread })

/** Only `textOf` writes the column. */
const placeOf = (text: string): Place => JSON.parse(text)

const followOf = ({ id, place, kind, name, pattern, by, since }: Row): Follow => ({
  id: String(id),
  at: placeOf(place),
  what: kind === 'run' ? { run: name as RunId } : { runs: name, ...(pattern === null ? {} : { on: pattern }) },
  by,
  since,
})
