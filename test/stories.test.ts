import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainConsole } from '../src/chat/console/plain.ts'
import { openBot } from '../src/commands/bot.ts'
import type { Misbehave } from '../src/kit/misbehave.ts'
import { startSimulators } from '../src/lab/simulators.ts'
import { labSite, PEOPLE } from '../src/lab/site.ts'
import { DEMO } from '../src/lab/stories.ts'
import { play } from '../src/lab/transcript.ts'
import { loadAdapters } from '../src/registry.ts'
import { environment, parseSite } from '../src/site.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

/**
 * A story is a transcript that is played against the whole house: real SSH to simulated devices, a real Postgres, BullMQ.
 * Lines beginning with `=` are what a person must have been shown since the last sentence; `~ sql01 {...}` makes a device
 * misbehave, or sets its paths. `==` is what must stand at the very end.
 */
const folder = new URL('./stories/', import.meta.url)
const stories: readonly (readonly [string, string])[] = [
  ['the demo of the README', `${DEMO}== R2, R1 succeeded.\n`],
  ...readdirSync(folder)
    .filter(name => name.endsWith('.story'))
    .map(name => [name.replace('.story', '').replaceAll('-', ' '), readFileSync(new URL(name, folder), 'utf8')] as const),
]

let postgres: TestPostgres
beforeAll(async () => {
  postgres = await testPostgres()
})
afterAll(() => postgres.stop())

describe('a story ends as it is told', () => {
  // Side by side: most of a story is waiting for a copy.
  test.concurrent.each(stories)('%s', async (title, story) => {
    const home = mkdtempSync(join(tmpdir(), 'signalbox-story-'))
    const adapters = await loadAdapters()
    const lab = await startSimulators(adapters, home)
    const shown: string[] = []
    const print = (line: string): void => void shown.push(line)
    const name = `story_${stories.findIndex(([other]) => other === title)}`
    const settings = { ...environment({}, home), databaseUrl: postgres.url }
    const site = parseSite(labSite(lab.targets), 'the lab', adapters, {})
    const house = await openBot({
      environment: settings,
      adapters,
      site,
      chats: [plainConsole(print)],
      folder: home,
      schema: name,
      queue: `${name}_queue`,
    })
    await house.start()
    let seen = 0
    const missing: string[] = []
    const atTheEnd: string[] = []
    async function* lines(): AsyncIterable<string> {
      for (const line of story.split('\n')) {
        if (line.startsWith('==')) {
          atTheEnd.push(line.slice(2).trim())
        } else if (line.startsWith('=')) {
          await expectShown(line.slice(1).trim())
        } else if (line.startsWith('~')) {
          const [, target = '', knob = '{}'] = /^~\s*(\S+)\s+(.*)$/.exec(line) ?? []
          trouble(lab.devices[target], JSON.parse(knob) as Knob)
        } else {
          if (/^[a-z]+:/.test(line)) seen = shown.length
          yield line
        }
      }
    }
    // What is shown follows what happened by a moment: it is waited for, with a limit.
    async function expectShown(wanted: string): Promise<void> {
      for (let tries = 0; tries < 100; tries++) {
        if (shown.slice(seen).some(line => line.includes(wanted))) return
        await new Promise(resolve => setTimeout(resolve, 50))
      }
      missing.push(`${wanted}\n--- was not among ---\n${shown.slice(seen).join('\n')}`)
    }
    try {
      await play(lines(), house, PEOPLE, print)
      for (const wanted of atTheEnd)
        if (!shown.slice(-20).some(line => line.includes(wanted)))
          missing.push(`${wanted}\n--- was not at the end of ---\n${shown.join('\n')}`)
      expect(missing).toEqual([])
    } finally {
      await house.stop()
      await lab.stop()
      rmSync(home, { recursive: true, force: true })
    }
  })
})

type Knob =
  | Misbehave
  | { readonly heal: true }
  | { readonly paths: string; readonly state: 'alive' | 'dead'; readonly count: number }

interface Troubled {
  misbehave(knob: Misbehave): void
  heal(): void
  setPaths(disk: string, state: 'alive' | 'dead', howMany: number): void
}

function trouble(device: unknown, knob: Knob): void {
  const simulator = device as Troubled
  if ('heal' in knob) simulator.heal()
  else if ('paths' in knob) simulator.setPaths(knob.paths, knob.state, knob.count)
  else
    simulator.misbehave(
      'to' in knob && typeof knob.to === 'string' && knob.to !== 'changes' && knob.to !== 'reads'
        ? { ...knob, to: new RegExp(knob.to) }
        : knob,
    )
}
