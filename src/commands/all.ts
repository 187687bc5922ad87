import type { Command } from 'commander'
import type { Environment } from '../site/environment.ts'
import { blocksyncCommands } from './blocksync.ts'
import { chats } from './chats.ts'
import { evidenceCommands } from './evidence.ts'
import { linkCommands } from './link.ts'
import { migrateCommand } from './migrate.ts'
import { offline } from './offline.ts'
import { online } from './online.ts'
import { policyCommands } from './policy.ts'
import { stepUpCommands } from './step-up.ts'

/** Everything that can be said on the command line. */
export function allCommands(program: Command, settings: () => Environment, done: (status: number) => void): void {
  for (const add of [
    offline,
    online,
    chats,
    linkCommands,
    stepUpCommands,
    policyCommands,
    evidenceCommands,
    migrateCommand,
    blocksyncCommands,
  ])
    add(program, settings, done)
}
