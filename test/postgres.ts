import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { canonical, type Entry, HOUSE } from '../src/domain/chain.ts'
import type { Millis, RunId } from '../src/domain/ids.ts'
import type { Store } from '../src/ports/store.ts'
import { startPostgres } from '../src/store/embedded.ts'

/** Whatever a test asked for. */
interface Row {
  readonly ahead?: string
  readonly [column: string]: unknown
}

export interface TestPostgres {
  readonly url: string
  /** A name for a schema that no other test has. Whoever opens it makes it. */
  schema(): string
  /** From now on the store in this schema believes that it is so much later. */
  pushClock(schema: string, by: Millis): Promise<void>
  /** Every other connection is cut, as when a database fails over. */
  cutConnections(): Promise<void>
  sql(text: string): Promise<readonly Row[]>
  stop(): Promise<void>
}

/** A Postgres of this test file's own, gone when it stops. */
export async function testPostgres(): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-test-'))
  const server = await startPostgres(folder)
  const pool = new pg.Pool({ connectionString: server.url, max: 2 })
  pool.on('error', () => {})
  const sql = async (text: string) => (await pool.query<Row>(text)).rows
  return {
    url: server.url,
    schema: () => `test_${randomBytes(6).toString('hex')}`,
    async pushClock(schema, by) {
      // An interval of our own arithmetic: each push adds to those before it.
      const [row] = await sql(`select extract(epoch from ${schema}.signalbox_now() - clock_timestamp()) * 1000 as ahead`)
      const ahead = Math.round(Number(row?.ahead ?? 0)) + by
      await sql(
        `create or replace function ${schema}.signalbox_now() returns timestamptz language sql volatile as 'select clock_timestamp() + interval ''${ahead} milliseconds'''`,
      )
    },
    async cutConnections() {
      await sql(
        'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and client_addr is not null',
      )
    },
    sql,
    async stop() {
      await pool.end()
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Other entries for a run or the ledger, and a head that fits them: what somebody does who may write anything into the database. */
export async function rewrite(
  { sql }: Pick<TestPostgres, 'sql'>,
  schema: string,
  store: Pick<Store, 'entries'>,
  run: RunId,
  how: (entries: readonly Entry[]) => readonly Entry[],
): Promise<void> {
  const before: Entry[] = []
  for await (const entry of store.entries(run)) before.push(entry)
  const after = how(before)
  // Each value by itself: what unpacks JSON in Postgres refuses \u0000, which a log may have.
  const rows = after.map(({ seq, at, type, data, hash, mac }) => {
    const texts = [type, canonical(data), hash].map(pg.escapeLiteral)
    return `${seq}, ${at}, ${texts.join()}, ${mac === undefined ? 'null' : pg.escapeLiteral(mac)})`
  })
  const [table, whose, first] = run === HOUSE ? ['ledger', 'true', '('] : ['events', `run = '${run}'`, `('${run}', `]
  const columns = `${run === HOUSE ? '' : 'run, '}seq, at, type, data, hash, mac`
  await sql(
    `begin; delete from ${schema}.${table} where ${whose};
     insert into ${schema}.${table} (${columns}) values ${rows.map(row => `${first}${row}`).join()};
     update ${schema}.runs set seq = ${after.length}, head_hash = '${after.at(-1)?.hash ?? ''}' where id = '${run}'; commit`,
  )
}
