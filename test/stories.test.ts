import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plainConsole } from '../src/chat/console/plain.ts'
import { openBot } from '../src/commands/bot.ts'
import type { Person } from '../src/domain/ids.ts'
import { enrol } from '../src/engine/step-up.ts'
import type { House } from '../src/house.ts'
import type { Misbehave } from '../src/kit/misbehave.ts'
import { standIn, startApplication } from '../src/lab/devices.ts'
import { startSimulators } from '../src/lab/simulators.ts'
import { type LabChat, labSite, PEOPLE } from '../src/lab/site.ts'
import { DEMO } from '../src/lab/stories.ts'
import { play, type Say } from '../src/lab/transcript.ts'
import type { Chat } from '../src/ports/chat.ts'
import { loadAdapters } from '../src/registry.ts'
import { sealKey } from '../src/seal/key-file.ts'
import { openSeal } from '../src/seal/seal.ts'
import { codeAt, newSecret, totp } from '../src/seal/totp.ts'
import { environment } from '../src/site/environment.ts'
import { parseSite } from '../src/site/site.ts'
import { openStore } from '../src/store/postgres.ts'
import { discordLab, slackLab } from './fakes/lab-chat.ts'
import { realTime } from './fakes/workspace.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

/**
 * A story is a transcript that is played against the whole house: real SSH to simulated devices, a real Postgres, BullMQ.
 * Lines beginning with `=` are what a person must have been shown since the last sentence; `~ sql01 {...}` makes a device
 * misbehave, or sets its paths. `==` is what must stand at the very end. `+ 90min` lets the database's clock run ahead, `! lead`
 * gives somebody a second factor, and `lead ######: sentence` is said with a code of it; `lead 000000: ` with a wrong one. The lab's
 * change window opens two hours after the story begins, for an hour.
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

/** Where a story is told: at the terminal, or through the wire of a chat that somebody else wrote the client for. */
interface Stage {
  readonly chats: readonly Chat[]
  readonly chat?: LabChat
  readonly shown: readonly string[]
  say?(house: House): Say
  /** The chat's own clock runs ahead too. */
  readonly now?: () => number
  later?(by: number): void
  /** What the chat has against our requests. */
  complaints(): readonly string[]
  stop(): Promise<void>
}

const STAGES: Readonly<Record<string, () => Promise<Stage>>> = {
  'the terminal': async () => {
    const shown: string[] = []
    return { chats: [plainConsole(line => void shown.push(line))], shown, complaints: () => [], stop: async () => {} }
  },
  Slack: () => fakeStage(slackLab),
  Discord: () => fakeStage(discordLab),
}

async function fakeStage(open: typeof slackLab | typeof discordLab): Promise<Stage> {
  let ahead = 0
  const time = { now: () => realTime.now() + ahead, after: realTime.after }
  const { fake, chat, say } = await open({ limits: 'none', time })
  return {
    now: time.now,
    later: by => {
      ahead += by
    },
    chats: [],
    chat,
    say,
    shown: fake.shown,
    // Whoever a ring is for is mentioned, and nobody else ever is.
    complaints: () => [
      ...fake.invalid,
      ...fake.pings.filter(({ whom }) => !Object.values(chat.users).includes(whom)).map(ping => `pings ${ping.whom}`),
    ],
    stop: () => fake.stop(),
  }
}

describe.each(Object.keys(STAGES))('told through %s, a story ends as it is told', where => {
  // Side by side: most of a story is waiting for a copy.
  test.concurrent.each(stories)('%s', async (title, story) => {
    const home = mkdtempSync(join(tmpdir(), 'signalbox-story-'))
    const adapters = await loadAdapters()
    const lab = await startSimulators(adapters, home)
    const stage = await STAGES[where]!()
    const { shown } = stage
    const notes: string[] = []
    const name = `story_${Object.keys(STAGES).indexOf(where)}_${stories.findIndex(([other]) => other === title)}`
    const settings = { ...environment({}, home), databaseUrl: postgres.url }
    const office = { on: { env: 'office' }, from: 'disruptive', open: [`${inHours(2)} to ${inHours(3)}`] }
    const site = parseSite(labSite(lab.targets, stage.chat, { office }), 'the lab', adapters, {})
    const house = await openBot({
      environment: settings,
      adapters,
      site,
      chats: stage.chats,
      ...(stage.now ? { now: stage.now } : {}),
      folder: home,
      schema: name,
      queue: `${name}_queue`,
    })
    await house.start()
    // Somebody writes to the disk that the demo moves, and must not be able to tell.
    const application = story.startsWith(DEMO) ? await startApplication(standIn(lab.devices['vm01'])) : undefined
    let seen = 0
    const missing: string[] = []
    const atTheEnd: string[] = []
    async function* lines(): AsyncIterable<string> {
      for (const line of story.split('\n')) {
        if (line.startsWith('==')) {
          atTheEnd.push(line.slice(2).trim())
        } else if (line.startsWith('=')) {
          await expectShown(line.slice(1).trim())
        } else if (line.startsWith('+')) {
          const by = duration(line.slice(1).trim())
          stage.later?.(by)
          await postgres.pushClock(name, by)
        } else if (line.startsWith('!')) {
          await enrolled(line.slice(1).trim())
        } else if (line.startsWith('~')) {
          const [, target = '', knob = '{}'] = /^~\s*(\S+)\s+(.*)$/.exec(line) ?? []
          trouble(lab.devices[target], JSON.parse(knob) as Knob)
        } else {
          if (/^[a-z]+( [#0-9]{6})?:/.test(line)) seen = shown.length
          yield line.replace('######', () => nextCode())
        }
      }
    }
    const secret = newSecret()
    let last = 0
    /** Each code is good once, so that the next one is of a later half minute. */
    const nextCode = (): string => {
      last = Math.max(last + 30_000, Date.now())
      return codeAt(secret, last)
    }
    async function enrolled(person: string): Promise<void> {
      const seal = openSeal(sealKey(home, undefined))
      const store = await openStore(postgres.url, { schema: name, sign: seal.sign })
      const code = nextCode()
      expect(
        await enrol({ person: person as Person, secret, code, by: 'the story', replace: false }, { store, seal, totp }),
      ).toBe('enrolled')
      await store.stop()
    }
    // What is shown follows what happened by a moment: it is waited for, with a limit.
    async function expectShown(wanted: string): Promise<void> {
      for (let tries = 0; tries < 100; tries++) {
        if (shown.slice(seen).some(line => unmarked(line).includes(unmarked(wanted)))) return
        await new Promise(resolve => setTimeout(resolve, 50))
      }
      missing.push(`${wanted}\n--- was not among ---\n${shown.slice(seen).join('\n')}`)
    }
    try {
      await play(lines(), house, PEOPLE, line => void notes.push(line), stage.say?.(house))
      for (const wanted of atTheEnd)
        if (!notes.slice(-1).some(line => line.includes(wanted)))
          missing.push(`${wanted}\n--- was not at the end of ---\n${[...shown, ...notes].join('\n')}`)
      expect(missing).toEqual([])
      expect(stage.complaints()).toEqual([])
      expect((await application?.end())?.well).not.toBe(false)
    } finally {
      await application?.writer.stop()
      await house.stop()
      await stage.stop()
      await lab.stop()
      rmSync(home, { recursive: true, force: true })
    }
  })
})

/** A time of day in so many hours, in UTC. */
const inHours = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString().slice(11, 16)

const duration = (text: string): number => {
  const [, amount = '', unit = ''] = /^(\d+)(h|min)$/.exec(text) ?? []
  if (unit === '') throw new Error(`"${text}" is no time to wait; write 2h or 90min`)
  return Number(amount) * (unit === 'h' ? 3_600_000 : 60_000)
}

/** A chat shows what is to be typed in letters of its own, and not between marks. */
const unmarked = (line: string): string => line.replace(/[`']/g, '')

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
