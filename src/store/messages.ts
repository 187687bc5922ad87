import { canonical } from '../domain/chain.ts'
import type { Post, Said } from '../domain/chat.ts'
import type { Store } from '../ports/store.ts'
import type { Database } from './database.ts'

/** What came in from the chats. */
export function inbox({ query }: Database): Pick<Store, 'receive' | 'unanswered' | 'answered'> {
  return {
    async receive(said) {
      const { rowCount } = await query('insert into inbox (chat, delivery, body) values ($1, $2, $3) on conflict do nothing', [
        said.at.chat,
        said.id,
        canonical(said),
      ])
      return rowCount === 1
    },
    async unanswered(olderThan) {
      const { rows } = await query<{ readonly body: Said }>(
        `select body from inbox where answered_at is null and received_at <= (select signalbox_millis()) - $1::bigint
         order by received_at, delivery limit 1000`,
        [Math.ceil(olderThan)],
      )
      return rows.map(row => row.body)
    },
    async answered(said) {
      await query('update inbox set answered_at = signalbox_millis() where chat = $1 and delivery = $2', [said.at.chat, said.id])
    },
  }
}

/** What went out to the chats. */
export function posts({ query }: Database): Pick<Store, 'posts' | 'beginPost' | 'endPost' | 'reported'> {
  return {
    async posts(run) {
      const { rows } = await query<{ readonly key: string; readonly ref: Post | null }>(
        'select key, ref from posts where run = $1',
        [run],
      )
      return new Map(rows.map(({ key, ref }) => [key, ref ?? undefined]))
    },
    async beginPost(run, key) {
      const { rowCount } = await query('insert into posts (run, key) values ($1, $2) on conflict do nothing', [run, key])
      return rowCount === 1
    },
    async endPost(run, key, post) {
      await query(
        'insert into posts (run, key, ref) values ($1, $2, $3) on conflict (run, key) do update set ref = excluded.ref',
        [run, key, canonical(post)],
      )
    },
    async reported(run, seq) {
      await query('update runs set reported = greatest(reported, $2) where id = $1', [run, seq])
    },
  }
}
