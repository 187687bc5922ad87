import type pg from 'pg'
import type { Instant } from '../domain/ids.ts'
import { CannotStart } from './cannot-start.ts'
import { patiently, transaction } from './migrate.ts'
import { type Sign, same, sealOf } from './seals.ts'

export interface Sealing {
  readonly sign: Sign | undefined
  /** May the log be sealed now, where it is not? Only its owner may change what lies there. */
  readonly migrate: boolean
  /** Told once in the life of a database. Said again, somebody has wiped the seal. */
  readonly told: (line: string) => void
}

/**
 * What to sign entries with. With a key, the whole log is sealed as it lies there, once: from then on an entry without a MAC is
 * none of ours, however old it says it is. Without one, a log that is sealed can be read and not written.
 *
 * Whoever may write anything into the database could wipe the seal and every MAC, and have what they made up sealed at the next
 * start. That start says so; and the anchors that were posted elsewhere still say what the log was. Throws CannotStart.
 */
export async function sealed(url: string, schema: string, { sign, migrate, told }: Sealing): Promise<Sign | undefined> {
  return patiently(url, schema, async client => {
    const seal = await readSeal(client)
    if (!sign) return seal ? closed : undefined
    if (seal) return checked(seal, sign)
    if (!migrate)
      throw new CannotStart(
        'The log in this database is not sealed yet, and may not be from here. Run `signalbox migrate` as its owner, with the same key, and start again.',
      )
    const entries = await transaction(client, schema, () => sealUp(client, sign))
    if (entries > 0) told(`The log had no seal: its ${entries} entries were sealed as they were found. This happens once.`)
    return sign
  })
}

interface Seal {
  readonly since: Instant
  readonly mac: string
}

const readSeal = async (client: pg.Client): Promise<Seal | undefined> =>
  (await client.query<Seal>('select since, mac from seals')).rows[0]

function checked({ since, mac }: Seal, sign: Sign): Sign {
  if (same(sign(sealOf(since)), mac)) return sign
  throw new CannotStart(
    'The log in this database was sealed with another key. Start Signalbox with the key that it was sealed with: bring back the file or the setting. Without it nobody can tell what was really approved.',
  )
}

const closed: Sign = () => {
  throw new CannotStart('The log in this database is sealed, and there is no key to go on with. Start Signalbox with its key.')
}

/** Seals everything that is there, and says how many entries that were. Nobody adds to the log meanwhile. */
async function sealUp(client: pg.Client, sign: Sign): Promise<number> {
  await client.query('lock table events, ledger in share row exclusive mode')
  const seal = await readSeal(client)
  if (seal) {
    checked(seal, sign) // another process was faster
    return 0
  }
  const { rows } = await client.query<{ readonly some: boolean }>(
    'select exists (select from events where mac is not null) or exists (select from ledger where mac is not null) as some',
  )
  if (rows[0]?.some)
    throw new CannotStart(
      'The log in this database has sealed entries, and its seal is gone: somebody has changed it by hand. Bring back a backup of the database, and find out who that was.',
    )
  const count = (await sealEvents(client, sign)) + (await sealLedger(client, sign))
  const { rows: times } = await client.query<{ readonly now: Instant }>('select signalbox_millis() as now')
  const since = times[0]!.now
  await client.query('insert into seals (since, mac) values ($1, $2)', [since, sign(sealOf(since))])
  return count
}

const PAGE = 2_000

interface Line {
  readonly run: string
  readonly seq: number
  readonly hash: string
}

async function sealEvents(client: pg.Client, sign: Sign): Promise<number> {
  let [run, seq, count] = ['', 0, 0]
  for (;;) {
    const { rows } = await client.query<Line>(
      `select run, seq, hash from events where (run, seq) > ($1, $2) order by run, seq limit ${PAGE}`,
      [run, seq],
    )
    await client.query(
      `update events set mac = made.mac from unnest($1::text[], $2::integer[], $3::text[]) as made (run, seq, mac)
       where events.run = made.run and events.seq = made.seq`,
      [rows.map(row => row.run), rows.map(row => row.seq), rows.map(row => sign(row.hash))],
    )
    count += rows.length
    const last = rows.at(-1)
    if (!last || rows.length < PAGE) return count
    ;[run, seq] = [last.run, last.seq]
  }
}

/** Small, and empty but where it was opened without a key before. */
async function sealLedger(client: pg.Client, sign: Sign): Promise<number> {
  const { rows } = await client.query<Omit<Line, 'run'>>('select seq, hash from ledger')
  await client.query(
    `update ledger set mac = made.mac from unnest($1::integer[], $2::text[]) as made (seq, mac) where ledger.seq = made.seq`,
    [rows.map(row => row.seq), rows.map(row => sign(row.hash))],
  )
  return rows.length
}
