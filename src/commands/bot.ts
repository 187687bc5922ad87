import { chatsFor } from '../connect.ts'
import { openDevices } from '../devices.ts'
import type { Run } from '../domain/run.ts'
import { type House, openHouse } from '../house.ts'
import type { Adapter } from '../kit/device.ts'
import { newCounters } from '../observe/counters.ts'
import { serve } from '../observe/serve.ts'
import { planner } from '../planning.ts'
import type { Chat } from '../ports/chat.ts'
import { openQueue } from '../queue/bullmq.ts'
import { RUNBOOKS } from '../runbooks/all.ts'
import type { Environment, Site } from '../site.ts'
import { languageOf } from '../spoken.ts'
import { openDatabase } from './database.ts'

export interface Bot {
  readonly environment: Environment
  readonly adapters: ReadonlyMap<string, Adapter>
  readonly site: Site
  readonly chats: readonly Chat[] // beside those that the site names
  readonly folder: string // of the database, where the environment names none
  readonly schema?: string // of the store and of the queue: several houses may share one database
  readonly queue?: string
}

/** Database, queue, devices and language, joined to a house for one site. Stopping it stops them all. */
export async function openBot({ environment, adapters, site, chats, folder, schema, queue: queueName }: Bot): Promise<House> {
  let stopped = false
  const once = seldom()
  const devices = openDevices(site, adapters)
  const complain = (what: string, error?: unknown): void => {
    const why = error === undefined ? '' : `: ${error instanceof Error ? error.message : String(error)}`
    const line = devices.redact(`signalbox: ${what}${why}`)
    if (!stopped && once(line)) console.error(line)
  }
  const database = await openDatabase(environment, folder, 'own', schema)
  database.lost.then(
    () => {
      console.error('signalbox: Postgres ended by itself; its log is in the data folder. Nothing is lost: start Signalbox again.')
      process.exit(1)
    },
    () => {},
  )
  const queue = await openQueue({
    postgresUrl: database.url,
    ...(queueName === undefined ? {} : { name: queueName }),
    ...(environment.redisUrl === undefined ? {} : { redisUrl: environment.redisUrl }),
    heard: error => complain('the queue', error),
  }).catch(async (error: unknown) => {
    await database.close()
    throw error
  })
  let live: readonly Run[] = []
  const language = languageOf(site, adapters, () => live)
  const counters = newCounters()
  const named = chatsFor(site, { counters, log: line => complain(line), complete: language.complete })
  // What completion offers of runs may be a few seconds old: nobody waits for a database while typing.
  const refresh = (): void =>
    void database.store.list('live', 100).then(
      runs => {
        live = runs
      },
      () => {},
    )
  const look = named.length > 0 ? setInterval(refresh, 3_000) : undefined
  const house = openHouse({
    site,
    devices,
    store: database.store,
    queue,
    chats: [...chats, ...named],
    counters,
    parse: language.parse,
    plan: planner(adapters, RUNBOOKS, site.runbooks),
    help: language.help,
    canDo: language.canDo,
    complain,
  })
  const observed =
    site.health && (await serve(site.health, { ready: house.ready, metrics: () => Promise.resolve(counters.lines()) }))
  return {
    ...house,
    async stop() {
      stopped = true
      clearInterval(look)
      await observed?.stop()
      await house.stop()
      await database.close()
    },
  }
}

/** An outage says the same many times a second; people need it once a minute. */
function seldom(): (line: string) => boolean {
  const said = new Map<string, number>()
  return line => {
    const now = performance.now()
    const due = now - (said.get(line) ?? Number.NEGATIVE_INFINITY) > 60_000
    if (due) said.set(line, now)
    if (said.size > 1000) said.clear()
    return due
  }
}
