import { canonical } from '../domain/chain.ts'
import type { Said } from '../domain/chat.ts'
import type { Millis } from '../domain/ids.ts'
import type { Store } from '../ports/store.ts'
import type { Database } from './database.ts'
import { type Sign, same } from './seals.ts'

/** Sentences that a sweep is given at once, and rows that a purge removes: the rest waits for the next one. */
export const UNANSWERED = 1_000
export const PURGED = 5_000

interface Letter {
  readonly chat: string
  readonly delivery: string
  readonly body: Said
  readonly mac: string | null
}

/** What the MAC of a sentence covers: whoever may write to this table could otherwise speak as anybody. */
const sealed = (chat: string, delivery: string, body: string): string => canonical({ chat, delivery, body })

const isOurs = ({ chat, delivery, body, mac }: Letter, sign: Sign): boolean =>
  mac !== null && same(sign(sealed(chat, delivery, canonical(body))), mac)

/** What came in from the chats. */
export function inbox({ query }: Database, sign?: Sign): Pick<Store, 'receive' | 'unanswered' | 'answered'> {
  return {
    async receive(said) {
      const body = canonical(kept(said))
      const { rowCount } = await query(
        'insert into inbox (chat, delivery, body, mac) values ($1, $2, $3, $4) on conflict do nothing',
        [said.at.chat, said.id, body, sign?.(sealed(said.at.chat, said.id, body)) ?? null],
      )
      return rowCount === 1
    },
    async unanswered(olderThan) {
      const { rows } = await query<Letter>(
        `select chat, delivery, body, mac from inbox where answered_at is null and received_at <= (select signalbox_millis()) - $1::bigint
         order by received_at, delivery limit ${UNANSWERED}`,
        [Math.ceil(olderThan)],
      )
      const ours = rows.filter(({ chat, delivery, body, mac }) => !sign || isOurs({ chat, delivery, body, mac }, sign))
      const others = rows.filter(row => !ours.includes(row))
      // Nobody said it to us: it is put away, so that it neither counts nor fills the next sweep.
      if (others.length > 0)
        await query(
          `update inbox set answered_at = signalbox_millis(), outcome = 'forged'
           from unnest($1::text[], $2::text[]) as other (chat, delivery)
           where inbox.chat = other.chat and inbox.delivery = other.delivery and answered_at is null`,
          [others.map(({ chat }) => chat), others.map(({ delivery }) => delivery)],
        )
      return ours.map(row => row.body)
    },
    async answered(said, outcome) {
      await query(
        `update inbox set answered_at = signalbox_millis(), outcome = $3
         where chat = $1 and delivery = $2 and answered_at is null`,
        [said.at.chat, said.id, outcome],
      )
    },
  }
}

/**
 * A sentence and nothing else: what a chat delivers carries tokens and headers, and an object may have more on it than its type
 * says. A field that Said gains is red here until it is named. The code of a second factor is left out on purpose: whoever could
 * read it here could use it.
 */
export function kept({ id, text, by, at, when, on, edits, machine }: Said): { readonly [K in Kept]: unknown } {
  const { chat, channel, thread } = at
  return { id, text, by, at: { chat, channel, thread }, when, on, edits, machine }
}

type Kept = Exclude<keyof Said, 'code'>

export const OLD_ANSWERS = `select chat, delivery from inbox
  where answered_at is not null and answered_at <= (select signalbox_millis()) - $1::bigint order by answered_at limit $2`

/** Removes answered sentences; how many. Asked for what came lately as well, it would let their redeliveries in again. */
export async function purgeInbox({ query }: Database, olderThan: Millis, most: number): Promise<number> {
  const { rowCount } = await query(`delete from inbox where (chat, delivery) in (${OLD_ANSWERS})`, [Math.ceil(olderThan), most])
  return rowCount ?? 0
}

// Answered from the partial indexes, so that history costs nothing.
export const WAITING_INBOX = `select count(*) as waiting, coalesce((select signalbox_millis()) - min(received_at), 0) as oldest
  from inbox where answered_at is null`
export const WAITING_REPORTS = 'select count(*) as unreported from runs where reported < seq'

export async function waiting({ query }: Database): ReturnType<Store['waiting']> {
  const inbox = await query<{ readonly waiting: number; readonly oldest: Millis }>(WAITING_INBOX)
  const reports = await query<{ readonly unreported: number }>(WAITING_REPORTS)
  return { inbox: inbox.rows[0]!, unreported: reports.rows[0]!.unreported }
}
