import { mkdirSync } from 'node:fs'
import type { Store } from '../ports/store.ts'
import type { Environment } from '../site/environment.ts'
import { runningPostgres } from '../store/attach.ts'
import { startPostgres } from '../store/embedded.ts'
import { openStore, type StoreOptions } from '../store/postgres.ts'
import { BadUse } from './bad-use.ts'

export interface OpenDatabase {
  readonly url: string
  readonly store: Store
  /** Resolves when a Postgres of our own ends without having been asked. */
  readonly lost: Promise<void>
  close(): Promise<void>
}

/** How a store is opened, beside which one: the key, and whether this role may change what the database is made of. */
export type Opening = Pick<StoreOptions, 'sign' | 'migrate' | 'told'>

/**
 * The site's database, else a Postgres of our own in `folder`. For commands that look, one that is running is used as it is. A
 * Postgres of our own is ours: it is brought forward whatever `migrate` says.
 */
export async function openDatabase(
  environment: Environment,
  folder: string,
  use: 'own' | 'look',
  schema?: string,
  opening: Opening = {},
): Promise<OpenDatabase> {
  const never = new Promise<void>(() => {})
  const options: StoreOptions = { ...opening, ...(schema === undefined ? {} : { schema }) }
  const running = use === 'look' ? runningPostgres(folder) : undefined
  const given = environment.databaseUrl ?? running
  // Said without the URL, which may have a password in it.
  if (given !== undefined && !URL.canParse(given))
    throw new BadUse('SIGNALBOX_DATABASE_URL is no URL. Write it like postgres://user:password@host:5432/database.')
  if (given !== undefined) {
    const store = await openStore(given, environment.databaseUrl === undefined ? { ...options, migrate: true } : options)
    return { url: given, store, lost: never, close: () => store.stop() }
  }
  mkdirSync(folder, { recursive: true })
  const embedded = await startPostgres(folder)
  let asked = false
  try {
    const store = await openStore(embedded.url, { ...options, migrate: true })
    return {
      url: embedded.url,
      store,
      lost: embedded.ended.then(() => (asked ? never : undefined)),
      async close() {
        asked = true
        await store.stop()
        await embedded.stop()
      },
    }
  } catch (error) {
    await embedded.stop()
    throw error
  }
}
