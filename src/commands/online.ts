import { type Command, Option } from 'commander'
import { liveConsole } from '../chat/console/live.ts'
import { plainConsole } from '../chat/console/plain.ts'
import { duration } from '../domain/words.ts'
import type { Role } from '../house.ts'
import type { Adapter } from '../kit/device.ts'
import { lab } from '../lab/lab.ts'
import type { Chat } from '../ports/chat.ts'
import { loadAdapters } from '../registry.ts'
import { dataFolder, type Environment } from '../site/environment.ts'
import { readSite, type Site } from '../site/site.ts'
import { languageOf } from '../spoken.ts'
import { BadUse } from './bad-use.ts'
import { openBot } from './bot.ts'
import { openDatabase } from './database.ts'
import { writeReference } from './reference.ts'

/** Commands that need the database, and the bot itself. */
export function online(program: Command, settings: () => Environment, done: (status: number) => void): void {
  program
    .command('start')
    .description('run the bot for a site file')
    .addOption(
      new Option('--role <role>', 'only hear and show, or only work on devices; both by default').choices(['bot', 'worker']),
    )
    .action(async ({ role }: { role?: Role }) => {
      const environment = settings()
      if (environment.siteFile === undefined)
        throw new BadUse('Say which site: signalbox --site site.yaml start. To try it without one: signalbox lab.')
      const adapters = await loadAdapters()
      const site = readSite(environment.siteFile, adapters, environment.variables)
      const people = [...site.policy.people].flatMap(([, member]) =>
        member.handles.filter(handle => handle.startsWith('console:')).map(handle => handle.slice('console:'.length)),
      )
      const asked = interrupted()
      const chat = consoleFor(site, adapters, environment, people.slice(0, 1), () => asked.abort())
      const parts = { environment, adapters, site, folder: environment.folder }
      const house = await openBot(
        role === 'worker' ? { ...parts, chats: [], role } : { ...parts, chats: [chat], ...(role ? { role } : {}) },
      )
      await house.start()
      await ended(asked.signal)
      await house.stop()
    })

  program
    .command('lab')
    .description('simulated devices, several people at one terminal, and nothing to set up; reads a story from a pipe')
    .option('--demo', 'play the first story')
    .option('--fresh', 'with new simulated devices')
    .action(async ({ demo, fresh }: { demo?: true; fresh?: true }) => {
      const environment = settings()
      const adapters = await loadAdapters()
      const asked = interrupted()
      const open = (site: Site, chats: readonly Chat[], folder: string) =>
        openBot({ environment, adapters, site, chats, folder, changed: 'hold' })
      done(
        await lab({
          environment,
          adapters,
          demo: demo ?? false,
          fresh: fresh ?? false,
          input: process.stdin,
          output: process.stdout,
          open,
          asked: asked.signal,
        }),
      )
    })

  program
    .command('runs')
    .description('what runs, or with --all what ever ran')
    .option('--all')
    .action(async ({ all }: { all?: true }) => {
      const environment = settings()
      const { store, close } = await openDatabase(environment, dataFolder(environment), 'look')
      const runs = await store.list(all ? 'all' : 'live', 200)
      const now = await store.now()
      await close()
      console.log(
        runs
          .map(
            run =>
              `${run.id}  ${run.plan.title}  ${run.outcome ?? 'going'}  by ${run.by}, ${duration((run.endedAt ?? now) - run.startedAt)}`,
          )
          .join('\n') || 'No runs.',
      )
    })

  program
    .command('language')
    .description('write the language reference from the grammar and the capabilities, or check that it is what they say')
    .option('--check', 'write nothing; status 1 when something is out of date')
    .action(async ({ check }: { check?: true }) => {
      const stale = writeReference(await loadAdapters(), check ?? false)
      if (stale.length === 0) return
      console.log(
        check ? `Out of date: ${stale.join(', ')}. Run: npm run -s signalbox -- language` : `Written: ${stale.join(', ')}`,
      )
      if (check) done(1)
    })
}

function consoleFor(
  site: Site,
  adapters: ReadonlyMap<string, Adapter>,
  environment: Environment,
  speakers: readonly string[],
  leave: () => void,
): Chat {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return plainConsole(line => console.log(line))
  return liveConsole({
    input: process.stdin,
    output: process.stdout,
    colours: !environment.plain,
    speakers,
    complete: languageOf(site, adapters).complete,
    leave,
  })
}

const STOPPED_WITHIN = 15_000

/** Aborted at the first Ctrl-C or SIGTERM; the second one ends the process at once. */
function interrupted(): AbortController {
  const asked = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (asked.signal.aborted) process.exit(130)
      asked.abort()
      // A database that is gone must not keep a person waiting: what was not written down is found out at the next start.
      setTimeout(() => {
        console.error(
          'signalbox: stopping took too long, so it ended where it was. Nothing is lost: it goes on with the next start.',
        )
        process.exit(130)
      }, STOPPED_WITHIN).unref()
    })
  return asked
}

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise(resolve => (signal.aborted ? resolve() : signal.addEventListener('abort', () => resolve(), { once: true })))
