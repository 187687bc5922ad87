import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { startSimulators } from '../src/lab/simulators.ts'
import { labSite } from '../src/lab/site.ts'
import { loadAdapters } from '../src/registry.ts'
import { discordLab, slackLab } from './fakes/lab-chat.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

/**
 * A real bot process with a real client of a chat is killed again and again while it shows a run: after so many more of its calls
 * have arrived at the chat. The chat itself says what people were shown.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const WITHIN = { timeout: 100_000, interval: 20 }
/** Calls that each process makes before it dies: the card has arrived, and then what rings. The next one waits for their leases. */
const DEATHS = [5, 6]

let postgres: TestPostgres
beforeAll(async () => {
  postgres = await testPostgres()
})
afterAll(() => postgres.stop())

test.each([
  ['Slack', slackLab],
  ['Discord', discordLab],
] as const)(
  'what a killed bot shows in %s is there once, and nothing that was said is lost',
  async (_, open) => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-kill-chat-'))
    const lab = await startSimulators(await loadAdapters(), folder)
    const { fake, chat } = await open({ limits: 'none' })
    const site = join(folder, 'site.yaml')
    writeFileSync(site, labSite(lab.targets, chat))
    // A database of its own, because the schema's name is the bot's.
    const name = `kill_${chat.name}`
    await postgres.sql(`create database ${name}`)
    const url = postgres.url.replace(/\/[^/]*$/, `/${name}`)

    let bot: ChildProcess | undefined
    let deaths = 0
    let ended = false
    const errors: string[] = []
    const start = (): void => {
      const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], SIGNALBOX_DATABASE_URL: url }
      const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts', '--site', site, '--folder', folder, 'start'], {
        cwd: ROOT,
        env,
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      child.stderr.setEncoding('utf8').on('data', (text: string) => void errors.push(text))
      bot = child
      const [limit, from] = [DEATHS[deaths], fake.ledger.length]
      const watching = setInterval(() => {
        if (limit !== undefined && fake.ledger.length >= from + limit) child.kill('SIGKILL')
      }, 1)
      child.once('close', () => {
        clearInterval(watching)
        deaths++
        if (!ended) start()
      })
    }
    onTestFinished(async () => {
      ended = true
      bot?.kill('SIGKILL')
      await fake.stop()
      await lab.stop()
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
    })
    start()

    const cards = () => fake.messages().filter(({ thread, deleted, ephemeralTo }) => !thread && !deleted && !ephemeralTo)
    const seen = (text: string | RegExp) =>
      fake
        .messages()
        .some(
          ({ lines, ephemeralTo }) =>
            !ephemeralTo && lines.some(line => (typeof text === 'string' ? line.includes(text) : text.test(line))),
        )
    /** Until it is acknowledged: a person whom nothing answers says it again, and what was heard already is one and the same run. */
    const until = (what: () => Promise<boolean>, interval = 300) =>
      vi.waitFor(async () => expect(await what()).toBe(true), { ...WITHIN, interval })

    await until(() =>
      fake.says(chat.users.operator, 'migrate harddisk5 to harddisk8 on sql01', { via: 'command' }).catch(() => false),
    )
    await vi.waitFor(() => expect(seen('Are these the right two disks')).toBe(true), WITHIN)
    // Said too early, before the facts of the gate have been read, it is refused: a person says it again.
    await until(async () => {
      if (seen('confirmed by operator')) return true
      await fake.says(chat.users.operator, 'confirm R1 ready', { via: 'command' }).catch(() => false)
      return false
    }, 2_000)
    await vi.waitFor(() => expect(seen(/set up migration from harddisk5 to harddisk8 on sql01 .*done at/)).toBe(true), WITHIN)
    await until(() =>
      fake.says(chat.users.operator, 'roll back R1 because "we were killed"', { via: 'command' }).catch(() => false),
    )
    await vi.waitFor(() => expect(seen('rolled back')).toBe(true), WITHIN)
    await vi.waitFor(() => expect(deaths).toBeGreaterThanOrEqual(DEATHS.length), WITHIN)

    const open_ = fake.messages().filter(({ lines }) => lines.some(line => line.includes('R1 asks: Are these')))
    expect(open_).toHaveLength(1)
    // Whoever was not answered said it again, which is another run; but each has one card.
    expect(cards().filter(({ lines }) => lines[0]?.startsWith('R1 '))).toHaveLength(1)
    const ends = () =>
      fake.messages().filter(({ lines, thread }) => thread && lines.some(line => line.includes('R1 rolled back')))
    await vi.waitFor(() => expect(ends()).toHaveLength(1), WITHIN)
    expect(fake.invalid).toEqual([])
    expect(errors.join('').match(/xoxb|fake bot/)).toBeNull()
  },
  300_000,
)
