import pg from 'pg'

/** A connection in a transaction, and nothing else of it. */
export type Query = Pick<pg.ClientBase, 'query'>

export interface Database {
  readonly query: pg.Pool['query']
  /** Commits when `body` resolves. An error of the commit itself does not mean that it was not committed. */
  transaction<T>(body: (client: Query) => Promise<T>): Promise<T>
  stop(): Promise<void>
}

/** Every wait has an end: the defaults of pg wait for ever. The schema's name is ours, never a user's. */
export function clientOptions(url: string, schema: string): pg.ClientConfig {
  if (!/^[a-z_][a-z0-9_]*$/.test(schema)) throw new Error(`"${schema}" cannot be the name of a schema`)
  return {
    connectionString: url,
    options: `-c search_path=${schema}`,
    application_name: 'signalbox',
    connectionTimeoutMillis: 5_000,
    statement_timeout: 10_000,
    query_timeout: 15_000,
    lock_timeout: 3_000,
    idle_in_transaction_session_timeout: 15_000,
    keepAlive: true,
    types: exactNumbers(),
  }
}

export function openDatabase(url: string, schema: string, most = 10): Database {
  const pool = new pg.Pool({ ...clientOptions(url, schema), max: most, idleTimeoutMillis: 30_000 })
  // An idle connection that breaks is dropped by the pool, and the next caller gets a new one. Unheard, it would end us.
  pool.on('error', () => {})

  return {
    query: pool.query.bind(pool) as pg.Pool['query'],
    async transaction<T>(body: (client: Query) => Promise<T>): Promise<T> {
      const client = await pool.connect()
      const ignore = () => {} // the query under way rejects as well, and between queries the next one does
      client.on('error', ignore)
      try {
        await client.query('begin')
        const result = await body(client)
        await client.query('commit')
        client.removeListener('error', ignore)
        client.release()
        return result
      } catch (error) {
        // Thrown away, not rolled back: it may be half dead, and its end rolls back on the far side.
        client.release(true)
        throw error
      }
    },
    stop: () => pool.end(),
  }
}

const INT8 = 20

/** Milliseconds are bigint in the database and exact in a number until the year 287396. */
function exactNumbers(): pg.CustomTypesConfig {
  const types = new pg.TypeOverrides()
  types.setTypeParser(INT8, Number)
  return types
}

export const textOf = (error: unknown): string => (error instanceof Error ? error.message || error.name : String(error))
