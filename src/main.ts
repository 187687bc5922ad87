#!/usr/bin/env node
import { inspect } from 'node:util'
import { Command, CommanderError } from 'commander'
import { redactor } from './kit/redact.ts'
import { type Environment, environment } from './site/environment.ts'

/** The command line. What a command does lives in commands/; here is what there is. */
async function main(): Promise<number> {
  const program = new Command('signalbox')
  program
    .description('Chat-ops for the people who run storage, virtualization and data centres.')
    .option('--site <file>', 'the site file (or SIGNALBOX_SITE)')
    .option('--folder <folder>', 'where Signalbox keeps its things (or SIGNALBOX_FOLDER; .signalbox by default)')
    .showHelpAfterError('Say --help to see what there is.')
    .exitOverride()
  let status = 0
  const done = (code: number): void => {
    status = code
  }
  const settings = () => {
    const { site, folder } = program.opts<{ site?: string; folder?: string }>()
    return environment({
      ...process.env,
      ...(site === undefined ? {} : { SIGNALBOX_SITE: site }),
      ...(folder === undefined ? {} : { SIGNALBOX_FOLDER: folder }),
    })
  }
  await commands(program, settings, done)
  try {
    await program.parseAsync()
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode
    throw error
  }
  return status
}

/**
 * A mover is asked how far it is every few seconds, by a process of its own each time: that one does not wait until everything that
 * speaks to chats, databases and devices is loaded.
 */
async function commands(program: Command, settings: () => Environment, done: (status: number) => void): Promise<void> {
  if (process.argv.slice(2).find(word => !word.startsWith('-')) === 'blocksync') {
    const { blocksyncCommands } = await import('./commands/blocksync.ts')
    return blocksyncCommands(program, settings, done)
  }
  const { allCommands } = await import('./commands/all.ts')
  allCommands(program, settings, done)
}

/** Errors that are for the person at the terminal: their text says what is wrong and what to do. */
const FOR_PEOPLE = new Set(['CannotStart', 'CannotSeal', 'Forged', 'BadSite', 'BadUse'])

/** What went wrong, for the person at the terminal, and the status to end with. */
function last(error: unknown): number {
  const plain = error instanceof Error && FOR_PEOPLE.has(error.name)
  if (plain) console.error(error.message)
  else if (error instanceof Error && 'code' in error && error.code === 'ENOSPC')
    console.error('signalbox: the disk is full. Make room and start again: what was written down goes on from there.')
  // A bug is shown whole, but for what looks like a secret: nobody knows what an error carries.
  else console.error(redactor([])(inspect(error)))
  return plain ? 1 : 70
}

// A process that has met what nobody foresaw ends here and now; the next one finds out what became of it.
process.on('uncaughtException', error => process.exit(last(error)))

main().then(
  status => {
    process.exitCode = status
  },
  (error: unknown) => {
    process.exitCode = last(error)
  },
)
