import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { openQueue } from '../queue/bullmq.ts'
import { loadAdapters } from '../registry.ts'
import { KEY_FILE, KEY_VARIABLE, sealKey } from '../seal/key-file.ts'
import { openSeal } from '../seal/seal.ts'
import { dataFolder, type Environment } from '../site/environment.ts'
import { readSite } from '../site/site.ts'
import { dealRights, dealtTo } from '../store/rights.ts'
import type { Sign } from '../store/seals.ts'
import { BadUse } from './bad-use.ts'
import { openDatabase } from './database.ts'

const SCHEMA = 'signalbox'
const QUEUE = 'signalbox_queue'

/**
 * For the owner of the database, where the bot and the worker log in as roles with the least rights: what they may not do
 * themselves is done here, before they start. Where the key of the site is at hand, the log is sealed as well.
 */
export function migrateCommand(program: Command, settings: () => Environment, _done: (status: number) => void): void {
  program
    .command('migrate')
    .description('bring the database forward, as its owner; with two roles, give each the rights that it needs and no more')
    .option('--bot <role>', 'the role that the bot logs in as; without it, the one that was named before')
    .option('--worker <role>', 'the role that the worker logs in as; likewise')
    .action(async ({ bot, worker }: { bot?: string; worker?: string }) => {
      if ((bot === undefined) !== (worker === undefined))
        throw new BadUse('Name both roles or none: signalbox migrate --bot ROLE --worker ROLE.')
      const environment = settings()
      const sign = await signOf(environment)
      const { url, close } = await openDatabase(environment, dataFolder(environment), 'look', SCHEMA, {
        migrate: true,
        told: line => console.log(line),
        ...(sign ? { sign } : {}),
      })
      try {
        const queue = environment.redisUrl === undefined ? QUEUE : undefined
        if (queue !== undefined) await makeQueue(url, queue)
        const roles = bot !== undefined && worker !== undefined ? { bot, worker } : await dealtTo(url, SCHEMA)
        if (roles) await dealRights(url, SCHEMA, queue, roles)
        console.log('The database is up to date.')
        if (!sign)
          console.log(
            `There is no seal key here, so the log was not sealed. Give the key that the bot and the worker have in ${KEY_VARIABLE}, and migrate again.`,
          )
        if (roles)
          console.log(`${roles.bot} may hear people and not send; ${roles.worker} may send and not vote. Neither edits the log.`)
      } finally {
        await close()
      }
    })
}

/** With the key that is there. None is made here: the bot, on another machine, would have another one. */
async function signOf(environment: Environment): Promise<Sign | undefined> {
  const folder = dataFolder(environment)
  const { siteFile, variables } = environment
  const site = siteFile === undefined ? undefined : readSite(siteFile, await loadAdapters(), variables)
  const given = site?.seal ?? variables[KEY_VARIABLE]
  return given === undefined && !existsSync(join(folder, KEY_FILE)) ? undefined : openSeal(sealKey(folder, given)).sign
}

/** The queue makes its tables when it is opened. */
async function makeQueue(postgresUrl: string, name: string): Promise<void> {
  const queue = await openQueue({ postgresUrl, name })
  await queue.stop()
}
