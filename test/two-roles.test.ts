import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { expect, test, vi } from 'vitest'
import { plainConsole } from '../src/chat/console/plain.ts'
import { openBot } from '../src/commands/bot.ts'
import { migrateCommand } from '../src/commands/migrate.ts'
import { startSimulators } from '../src/lab/simulators.ts'
import { labSite, PEOPLE } from '../src/lab/site.ts'
import { play } from '../src/lab/transcript.ts'
import { loadAdapters } from '../src/registry.ts'
import { environment } from '../src/site/environment.ts'
import { parseSite } from '../src/site/site.ts'
import { testPostgres } from './postgres.ts'

const KEY = 'cd'.repeat(32)
const STORY = `operator: set up migration from harddisk5 to harddisk8 on sql01
...
operator: abort session 1 on sql01
...
lead: approve R2
...
deputy: freeze sql01 for 2 h because "quarter end"
...
`

test('a bot that may not send and a worker that may not vote do together what one process does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-two-'))
  const postgres = await testPostgres()
  const adapters = await loadAdapters()
  const lab = await startSimulators(adapters, folder)
  const said = vi.spyOn(console, 'log').mockImplementation(() => {})
  const complaints = vi.spyOn(console, 'error').mockImplementation(() => {})
  try {
    for (const role of ['the_bot', 'the_worker']) await postgres.sql(`create role ${role} login password '${role}'`)
    const owner = environment({ SIGNALBOX_DATABASE_URL: postgres.url, SIGNALBOX_SEAL_KEY: KEY }, folder)
    const program = new Command().exitOverride()
    migrateCommand(
      program,
      () => owner,
      () => {},
    )
    await program.parseAsync(['migrate', '--bot', 'the_bot', '--worker', 'the_worker'], { from: 'user' })
    const site = parseSite(labSite(lab.targets), 'the lab', adapters, {})
    const shown: string[] = []
    const open = (role: 'bot' | 'worker') => {
      const url = new URL(postgres.url)
      url.username = url.password = `the_${role}`
      const variables = { SIGNALBOX_DATABASE_URL: url.href, SIGNALBOX_DATABASE_MIGRATE: 'no', SIGNALBOX_SEAL_KEY: KEY }
      const chats = role === 'bot' ? [plainConsole(line => void shown.push(line))] : []
      return openBot({ environment: environment(variables, folder), adapters, site, chats, folder, role })
    }
    const [bot, worker] = [await open('bot'), await open('worker')]
    try {
      await Promise.all([bot.start(), worker.start()])
      async function* lines(): AsyncIterable<string> {
        yield* STORY.split('\n')
      }
      expect(await play(lines(), bot, PEOPLE, () => {})).toBe(true)
      expect(shown.join('\n')).toContain('approved by lead')
      expect(await bot.runs()).toHaveLength(3)
      expect(complaints.mock.calls.flat()).toEqual([])
    } finally {
      await Promise.all([bot.stop(), worker.stop()])
    }
  } finally {
    said.mockRestore()
    complaints.mockRestore()
    await lab.stop()
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}, 120_000)
