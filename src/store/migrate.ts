import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import pg from 'pg'
import { CannotStart } from './cannot-start.ts'
import { clientOptions, textOf } from './database.ts'

export interface Migration {
  readonly number: number
  readonly sql: string
}

/**
 * Brings a database forward, each migration in a transaction of its own; never back. Several may start at once: one migrates
 * and the others wait. Throws CannotStart for a database that a newer Signalbox made, or whose migrations are not ours.
 */
export async function migrate(url: string, schema: string, migrations?: readonly Migration[]): Promise<void> {
  const ours = migrations ?? (await shipped())
  await patiently(url, schema, async client => {
    await transaction(client, schema, () => prepare(client, schema))
    for (const migration of ours) await transaction(client, schema, () => step(client, migration, ours))
  })
}

/** Makes sure that nothing is left to bring forward, for whoever may not do it. Throws CannotStart. */
export async function isForward(url: string, schema: string): Promise<void> {
  const ours = await shipped()
  await patiently(url, schema, async client => {
    const ledger = await client.query(`select to_regclass('migrations') is not null as made`)
    const done = ledger.rows[0]?.made ? await made(client) : []
    refuse(done, ours)
    const [has, needs] = [done.length, ours.length]
    if (has < needs)
      throw new CannotStart(
        `The database is behind: it has ${has} of ${needs} migrations that this role can see, and may not be brought forward from here. Run \`signalbox migrate\` as its owner, and start again.`,
      )
  })
}

/** A connection that may take its time, for the rare things that are done to a whole database. */
export async function patiently<T>(url: string, schema: string, body: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ ...clientOptions(url, schema), statement_timeout: 0, query_timeout: 0, lock_timeout: 60_000 })
  client.on('error', () => {}) // whatever is being asked rejects
  try {
    await client.connect()
  } catch (cause) {
    throw new CannotStart(`The database does not let us in: ${textOf(cause)}. Check that it runs, and the URL.`, { cause })
  }
  try {
    return await body(client)
  } finally {
    await client.end().catch(() => {})
  }
}

/** One process at a time brings a schema forward, seals it or deals out its rights. */
export async function transaction<T>(client: pg.Client, schema: string, body: () => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${schema}/migrations`])
    const result = await body()
    await client.query('commit')
    return result
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

async function prepare(client: pg.Client, schema: string): Promise<void> {
  // Asked first: `if not exists` wants the right to create even where nothing is to be created.
  const there = await client.query('select 1 from pg_namespace where nspname = $1', [schema])
  if (there.rowCount === 0) await client.query(`create schema ${schema}`)
  const ledger = await client.query(`select to_regclass('migrations') is not null as made`)
  if (ledger.rows[0]?.made) return
  await client.query(
    'create table migrations (number integer primary key, hash text not null, at timestamptz not null default now())',
  )
}

async function step(client: pg.Client, migration: Migration, ours: readonly Migration[]): Promise<void> {
  const done = await made(client)
  refuse(done, ours)
  if (done.some(row => row.number === migration.number)) return
  await client.query(migration.sql)
  await client.query('insert into migrations (number, hash) values ($1, $2)', [migration.number, hashOf(migration.sql)])
}

interface Made {
  readonly number: number
  readonly hash: string
}

const made = async (client: pg.Client): Promise<readonly Made[]> =>
  (await client.query<Made>('select number, hash from migrations order by number')).rows

function refuse(done: readonly Made[], ours: readonly Migration[]): void {
  const newest = ours.at(-1)?.number ?? 0
  const theirs = done.at(-1)?.number ?? 0
  if (theirs > newest)
    throw new CannotStart(
      `This database was made by a newer Signalbox: it has migration ${theirs}, and this one knows ${newest} at most. Start the newer one.`,
    )
  for (const { number, hash } of done) {
    const known = ours.find(migration => migration.number === number)
    if (known && hashOf(known.sql) === hash) continue
    const what = known ? 'is not the one that this database was made with' : 'is missing here'
    throw new CannotStart(`Migration ${number} ${what}. Migrations are never edited: start an unchanged Signalbox.`)
  }
}

/** A checkout on Windows may have other line ends. */
const hashOf = (sql: string): string => createHash('sha256').update(sql.replaceAll('\r\n', '\n')).digest('hex')

async function shipped(): Promise<readonly Migration[]> {
  const folder = new URL('./migrations/', import.meta.url)
  const names = (await readdir(folder)).filter(name => /^\d{4}\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async name => ({ number: Number.parseInt(name, 10), sql: await readFile(new URL(name, folder), 'utf8') })),
  )
}
