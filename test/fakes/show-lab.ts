import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { harmless } from '../../src/chat/console/render.ts'
import { openBot } from '../../src/commands/bot.ts'
import { startApplication, startLab } from '../../src/lab/devices.ts'
import { labSite, PEOPLE } from '../../src/lab/site.ts'
import { DEMO } from '../../src/lab/stories.ts'
import { play } from '../../src/lab/transcript.ts'
import { loadAdapters } from '../../src/registry.ts'
import { environment } from '../../src/site/environment.ts'
import { parseSite } from '../../src/site/site.ts'
import { forget } from '../../src/store/attach.ts'
import { discordLab, slackLab } from './lab-chat.ts'

/**
 * The lab through a chat: `npm run lab:slack`, `npm run lab:discord`. The bot speaks with a fake of the chat over its own wire; the
 * page shows the conversation, with buttons that work, and the terminal what appears in it. `--demo` plays the first story; a
 * story from a pipe is played like that too.
 */
async function main(): Promise<number> {
  const [which = '', ...options] = process.argv.slice(2)
  if (which !== 'slack' && which !== 'discord') {
    console.error('Say which chat: npm run lab:slack, or npm run lab:discord.')
    return 1
  }
  const given = environment(process.env)
  const folder = join(given.folder, `lab-${which}`)
  const demo = options.includes('--demo')
  if (demo || options.includes('--fresh')) forget(folder)
  const adapters = await loadAdapters()
  const simulators = await startLab(adapters, folder)
  const application = await startApplication(simulators.disk)
  const lab = await (which === 'slack' ? slackLab : discordLab)({ limits: 'real', port: 0 })
  const file = join(folder, 'site.yaml')
  const written = labSite(simulators.targets, lab.chat)
  writeFileSync(file, written, { mode: 0o600 })
  const site = parseSite(written, file, adapters, given.variables)
  const house = await openBot({ environment: given, adapters, site, chats: [], folder })
  const stop = async (): Promise<void> => {
    clearInterval(looking)
    await house.stop()
    console.log((await application.end()).says)
    await lab.fake.stop()
    await simulators.stop()
  }
  let seen = 0
  const looking = setInterval(() => {
    for (const line of lab.fake.shown.slice(seen)) console.log(harmless(line))
    seen = lab.fake.shown.length
  }, 100)
  await house.start()
  console.log(`The conversation, as people see it, with buttons that work: ${lab.fake.page}`)
  console.log(`Type like \`operator: migrate disk0 to new0.img on vm01\`; here are ${PEOPLE.join(', ')}. Ctrl-D leaves.`)
  const lines = demo ? fromText(DEMO) : fromInput()
  const asked = new Promise<number>(resolve => process.once('SIGINT', () => resolve(130)))
  const interactive = process.stdin.isTTY && !demo
  const told = interactive
    ? typed(lines, lab.say(house)).then(() => 0)
    : play(lines, house, PEOPLE, line => console.log(line), lab.say(house)).then(well => (well ? 0 : 1))
  const status = await Promise.race([told, asked])
  if (demo && process.stdin.isTTY) {
    console.log('The page stays until Ctrl-C.')
    await asked
  }
  await new Promise(resolve => setTimeout(resolve, 200))
  await stop()
  process.stdin.destroy()
  return status
}

/** What is typed at a terminal is said at once, one sentence after the other. */
async function typed(lines: AsyncIterable<string>, say: (who: string, sentence: string) => Promise<void>): Promise<void> {
  for await (const line of lines) {
    const [, who = '', sentence = ''] = /^\s*([a-z]+):\s*(.+)$/.exec(line) ?? []
    if (PEOPLE.some(name => name === who)) await say(who, sentence).catch((error: Error) => console.error(error.message))
    else if (line.trim() !== '') console.error(`Say who speaks: \`operator: ${line.trim()}\`. Here are ${PEOPLE.join(', ')}.`)
  }
}

/** Opened when the first line is asked for: what comes in before somebody listens is lost. */
async function* fromInput(): AsyncIterable<string> {
  yield* createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })
}

async function* fromText(text: string): AsyncIterable<string> {
  for (const line of text.split('\n')) yield line
}

main().then(
  status => {
    process.exitCode = status
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  },
)
