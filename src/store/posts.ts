import { canonical } from '../domain/chain.ts'
import type { Post } from '../domain/chat.ts'
import type { BoardId, Instant } from '../domain/ids.ts'
import type { Posted, Shown, Store } from '../ports/store.ts'
import type { Database } from './database.ts'

interface Row {
  readonly key: string
  readonly ref: Post | null
  readonly begun: Instant
  readonly shown: Omit<Shown, 'at'> | null
  readonly at: Instant | null
}

/** What went out to the chats. */
export function posts({ query }: Database): Pick<Store, 'posts' | 'beginPost' | 'endPost' | 'losePost' | 'boards' | 'reported'> {
  return {
    async posts(about) {
      const { rows } = await query<Row>(
        'select key, ref, begun_at as begun, shown, shown_at as at from posts where about = $1 order by begun_at, key',
        [about],
      )
      return new Map(rows.map(row => [row.key, postedOf(row)]))
    },
    async beginPost(about, key) {
      const { rowCount } = await query('insert into posts (about, key) values ($1, $2) on conflict do nothing', [about, key])
      return rowCount === 1
    },
    async endPost(about, key, post, shown) {
      await query(
        `insert into posts (about, key, ref, shown, shown_at) values ($1, $2, $3, $4, signalbox_millis())
         on conflict (about, key) do update set ref = excluded.ref, shown = excluded.shown, shown_at = excluded.shown_at`,
        [about, key, canonical(post), shown ? canonical(shown) : null],
      )
    },
    async losePost(about, key, was) {
      await query('delete from posts where about = $1 and key = $2 and ref::text = $3', [about, key, canonical(was)])
    },
    async boards() {
      return (await query<{ readonly about: BoardId }>(BOARDS)).rows.map(row => row.about)
    },
    async reported(run, seq) {
      await query('update runs set reported = greatest(reported, $2) where id = $1', [run, seq])
    },
  }
}

// Not asked for as a range: where the database sorts as people do, punctuation counts for little. The index is of boards alone.
export const BOARDS = `select about from posts where about like 'board:%' group by about order by about collate "C"`

const postedOf = ({ ref, begun, shown, at }: Row): Posted => ({
  begun,
  ...(ref ? { post: ref } : {}),
  ...(shown && at !== null ? { shown: { ...shown, at } } : {}),
})
