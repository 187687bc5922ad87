import { Command } from 'commander'
import { blocksyncCommands } from '../../src/commands/blocksync.ts'
import { environment } from '../../src/site/environment.ts'

/** `signalbox blocksync ...` as a process of its own, to be killed. */
const program = new Command('signalbox')
blocksyncCommands(
  program,
  () => environment({}),
  status => {
    process.exitCode = status
  },
)
await program.parseAsync()
