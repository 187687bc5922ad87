import { createInterface } from 'node:readline'
import type { Instant, Person } from '../domain/ids.ts'
import type { StepUpParts } from '../engine/step-up.ts'
import { systemClock } from '../engine/system-clock.ts'
import type { Clock } from '../ports/clock.ts'
import { loadAdapters } from '../registry.ts'
import { KEY_VARIABLE, sealKey } from '../seal/key-file.ts'
import { openSeal } from '../seal/seal.ts'
import { totp } from '../seal/totp.ts'
import { dataFolder, type Environment } from '../site/environment.ts'
import { BadUse } from './bad-use.ts'
import { openDatabase } from './database.ts'
import { siteFor } from './sites.ts'

/** What commands about second factors work on. */
export interface StepUpHouse {
  readonly site: string
  readonly people: readonly Person[]
  readonly parts: StepUpParts
  now(): Promise<Instant> // by the database
  close(): Promise<void>
}

/** What stands around the commands: where they find the house, whom they ask, and who tells the page that it is too late. */
export interface Surroundings {
  open(environment: Environment): Promise<StepUpHouse>
  /** Absent where nobody sits: a pipe, a log. */
  ask?(question: string): Promise<string>
  readonly clock: Clock
}

export const surroundings = (): Surroundings => ({
  open,
  clock: systemClock,
  ...(process.stdin.isTTY && process.stdout.isTTY ? { ask } : {}),
})

async function open(environment: Environment): Promise<StepUpHouse> {
  const folder = dataFolder(environment)
  const { site, close: closeSite } = await siteFor(environment, await loadAdapters())
  await closeSite()
  const seal = openSeal(sealKey(folder, site.seal ?? environment.variables[KEY_VARIABLE]))
  // Signed as the bot signs: it believes nothing in the ledger that is not.
  const { store, close } = await openDatabase(environment, folder, 'look', undefined, { sign: seal.sign })
  // A machine's vote never counts, so it has nothing to show a second factor for.
  const people = Object.entries(site.rulebook.people).flatMap(([name, { machine }]) => (machine ? [] : [name as Person]))
  return { site: site.name, people, parts: { store, seal, totp }, now: store.now, close }
}

const ask = (question: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const terminal = createInterface({ input: process.stdin, output: process.stdout })
    // Ctrl-C and Ctrl-D; after an answer it changes nothing.
    terminal.once('close', () => reject(new BadUse('No code was given, and nothing was changed.')))
    terminal.question(question, answer => {
      resolve(answer)
      terminal.close()
    })
  })
