import { chatsFor } from '../connect.ts'
import { openDevices } from '../devices.ts'
import type { Instant, Target } from '../domain/ids.ts'
import { reportCard } from '../domain/record-card.ts'
import type { Run } from '../domain/run.ts'
import { anchor } from '../engine/anchors.ts'
import { type House, openHouse, type Role } from '../house.ts'
import type { Adapter } from '../kit/device.ts'
import { redactor } from '../kit/redact.ts'
import { newCounters } from '../observe/counters.ts'
import { serve } from '../observe/serve.ts'
import { OWN } from '../own/adapter.ts'
import { planner } from '../planning.ts'
import type { Chat } from '../ports/chat.ts'
import { openQueue } from '../queue/bullmq.ts'
import { recordOf } from '../recording.ts'
import { RUNBOOKS } from '../runbooks/all.ts'
import { KEY_VARIABLE, sealKey } from '../seal/key-file.ts'
import { openSeal } from '../seal/seal.ts'
import type { Environment } from '../site/environment.ts'
import type { Site } from '../site/site.ts'
import { languageOf } from '../spoken.ts'
import { openTrust } from '../trust.ts'
import { anchorFile, anchorsOfFolder } from './anchor-file.ts'
import { openDatabase } from './database.ts'

export interface Bot {
  readonly environment: Environment
  readonly adapters: ReadonlyMap<string, Adapter>
  readonly site: Site
  readonly chats: readonly Chat[] // beside those that the site names
  readonly folder: string // of the database, where the environment names none
  readonly schema?: string // of the store and of the queue: several houses may share one database
  readonly queue?: string
  readonly role?: Role // both where nothing is said
  readonly now?: () => Instant // by which the chats' own times are judged; the machine's clock
  readonly changed?: 'wait' | 'hold' // what becomes of rules that have changed since the last start
}

/** Database, queue, devices and language, joined to a house for one site. Stopping it stops them all. */
export async function openBot(bot: Bot): Promise<House> {
  const { environment, site, folder, schema, role } = bot
  let stopped = false
  const once = seldom()
  const redact = redactor(site.secrets)
  const complain = (what: string, error?: unknown): void => {
    const why = error === undefined ? '' : `: ${error instanceof Error ? error.message : String(error)}`
    const line = redact(`signalbox: ${what}${why}`)
    if (!stopped && once(line)) console.error(line)
  }
  const seal = openSeal(sealKey(folder, site.seal ?? environment.variables[KEY_VARIABLE]))
  const { sign } = seal
  const migrate = environment.variables['SIGNALBOX_DATABASE_MIGRATE'] !== 'no'
  const database = await openDatabase(environment, folder, 'own', schema, { sign, migrate, told: line => complain(line) })
  const { store } = database
  database.lost.then(
    () => {
      console.error('signalbox: Postgres ended by itself; its log is in the data folder. Nothing is lost: start Signalbox again.')
      process.exit(1)
    },
    () => {},
  )
  const queue = await openQueue({
    postgresUrl: database.url,
    migrate,
    ...(bot.queue === undefined ? {} : { name: bot.queue }),
    ...(environment.redisUrl === undefined ? {} : { redisUrl: environment.redisUrl }),
    heard: error => complain('the queue', error),
  }).catch(async (error: unknown) => {
    await database.close()
    throw error
  })
  let live: readonly Run[] = []
  const language = languageOf(site, bot.adapters, () => live)
  const counters = newCounters()
  const named = chatsFor(site, {
    counters,
    log: line => complain(line),
    complete: language.complete,
    now: bot.now ?? (() => Date.now()),
  })
  const chats = [...bot.chats, ...named]
  const trust = await openTrust({ store, rulebook: site.rulebook, chats, seal, changed: bot.changed ?? 'wait' })
  const change = await trust.policyChange()
  if (change)
    complain(
      `the policy of the site file has changed and does not hold yet; say \`accept policy\` in a chat:\n  ${change.lines.join('\n  ')}`,
    )
  // The house is one of its own devices.
  const adapters = new Map<string, Adapter>([...bot.adapters, [OWN, trust.own]])
  const targets = new Map(site.targets).set(OWN as Target, { kind: OWN, settings: {}, root: OWN })
  const devices = openDevices({ ...site, targets }, adapters)
  const daily = async (): Promise<void> => {
    const { anchor: place } = site
    const file = anchorFile(anchorsOfFolder(folder))
    await anchor({ store, chats: new Map(chats.map(chat => [chat.name, chat])), file, complain, ...(place ? { place } : {}) })
  }
  // What completion offers of runs may be a few seconds old: nobody waits for a database while typing.
  const refresh = (): void =>
    void store.list('live', 100).then(
      runs => {
        live = runs
      },
      () => {},
    )
  const look = named.length > 0 ? setInterval(refresh, 3_000) : undefined
  const house = openHouse({
    site,
    devices,
    store,
    queue,
    chats,
    trust,
    daily,
    record: async run => reportCard(await recordOf(run, { store, site, adapters, sign })),
    ...(role ? { role } : {}),
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
