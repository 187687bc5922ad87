import { createPostgresBackend, runMigrations, withBackend } from 'bullmq'
import pg from 'pg'
import { type Backend, type Nudge, PATIENCE } from './backend.ts'

/** BullMQ's Postgres backend, in a schema of its own beside the store's. */
export async function onPostgres(
  url: string,
  schema: string,
  heard: (problem: unknown) => void,
  migrate: boolean,
): Promise<Backend> {
  if (migrate) await forward(url, schema, heard)
  const { Queue, Worker } = withBackend(createPostgresBackend)
  const connection = {
    connectionString: url,
    schema,
    max: 3, // for each queue and each worker, beside the one that each worker listens on
    application_name: 'signalbox-queue',
    connectionTimeoutMillis: 5_000,
    statement_timeout: 10_000,
    query_timeout: 15_000,
    lock_timeout: 3_000,
    idle_in_transaction_session_timeout: 15_000,
    keepAlive: true,
  }

  return {
    reachable: () => true,
    line: call => new Queue<Nudge>(call, { connection }),
    worker: (call, turn, sideBySide) => new Worker<Nudge>(call, turn, { ...PATIENCE, connection, concurrency: sideBySide }),
    stop: async () => {}, // each queue and worker closes its own connections
  }
}

/** BullMQ's own tables. A role that may only use the database finds them there: `signalbox migrate` has made them. */
async function forward(url: string, schema: string, heard: (problem: unknown) => void): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, lock_timeout: 60_000 })
  client.on('error', heard)
  await client.connect()
  try {
    await runMigrations(client, schema)
  } finally {
    await client.end().catch(heard)
  }
}
