import type { Millis } from '../domain/ids.ts'
import type { About, Store } from '../ports/store.ts'
import type { Database } from './database.ts'
import { keep } from './lease.ts'

/** Leases on what the chats are shown. A chat knows no epochs, so that what a late one did cannot be refused: it is made up for. */
export function tellers(database: Database): Store['telling'] {
  return async (about, lease, body) => {
    const asked = performance.now()
    const epoch = await take(database, about, lease)
    if (epoch === undefined) return undefined
    const kept = keep(lease, asked, () => renew(database, about, epoch, lease))
    const still = (): boolean => {
      try {
        kept.check()
        return true
      } catch {
        return false
      }
    }
    try {
      return await body(still)
    } finally {
      const whole = still()
      kept.end()
      // Not given back, it runs out by itself, and whoever comes next begins with what is there.
      await end(database, about, epoch, whole).catch(() => {})
    }
  }
}

/** Whoever died telling may have shown what nobody noted: of what is there then, it is not known what it shows. */
async function take(database: Database, about: About, lease: Millis): Promise<number | undefined> {
  const { rows } = await database.query<{ readonly epoch: number }>(
    `with before as (select until from tellers where about = $1),
     taken as (
       insert into tellers (about, epoch, until) values ($1, 1, signalbox_millis() + $2::bigint)
       on conflict (about) do update set epoch = tellers.epoch + 1, until = signalbox_millis() + $2::bigint, trespassed = false
       where tellers.until is null or tellers.until < signalbox_millis()
       returning epoch),
     forgotten as (update posts set shown = null from before, taken where about = $1 and before.until is not null)
     select epoch from taken`,
    [about, Math.ceil(lease)],
  )
  return rows[0]?.epoch
}

/** Never brings back a lease that was given back while this was on its way. */
async function renew(database: Database, about: About, epoch: number, lease: Millis): Promise<boolean> {
  const { rowCount } = await database.query(
    'update tellers set until = signalbox_millis() + $3::bigint where about = $1 and epoch = $2 and until is not null',
    [about, epoch, Math.ceil(lease)],
  )
  return rowCount === 1
}

/**
 * Gives it back, or finds that it is another's by now. Then what was shown counts as old, and so it does again when that other
 * ends: it may be just about to say that everything shows the newest, not knowing that an older edit came after its own.
 */
async function end(database: Database, about: About, epoch: number, whole: boolean): Promise<void> {
  await database.query(
    `with before as (select epoch <> $2 as late, trespassed from tellers where about = $1 for update),
     ended as (
       update tellers set until = case when late then until end, trespassed = late from before where about = $1),
     forgotten as (
       update posts set shown = null from before where about = $1 and (late or before.trespassed or not $3))
     update runs set reported = least(reported, seq - 1) from before where id = $1 and (late or before.trespassed or not $3)`,
    [about, epoch, whole],
  )
}
