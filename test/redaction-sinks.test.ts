import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { exported } from '../src/audit/verify.ts'
import { type Devices, openDevices } from '../src/devices.ts'
import type { RunId, Target } from '../src/domain/ids.ts'
import type { Action } from '../src/domain/plan.ts'
import type { Run } from '../src/domain/run.ts'
import { read } from '../src/engine/answers.ts'
import { systemClock } from '../src/engine/system-clock.ts'
import { type House, openHouse } from '../src/house.ts'
import type { Capability } from '../src/kit/device.ts'
import { Misread, Refused, Uncertain, Unreachable } from '../src/kit/errors.ts'
import { newCounters } from '../src/observe/counters.ts'
import { planner } from '../src/planning.ts'
import type { Queue } from '../src/ports/queue.ts'
import type { Store } from '../src/ports/store.ts'
import { loadAdapters } from '../src/registry.ts'
import { RUNBOOKS } from '../src/runbooks/all.ts'
import { parseSite } from '../src/site/site.ts'
import { languageOf } from '../src/spoken.ts'
import { openStore } from '../src/store/postgres.ts'
import { type FakeChat, fakeChat, said } from './fakes/chat.ts'
import { stateOf } from './fakes/given.ts'
import { trusting } from './fakes/trust.ts'
import { type TestPostgres, testPostgres } from './postgres.ts'

/** Planted in the settings, and said by the device in its answers. It has in it what JSON, a URL and a shell write differently. */
const CANARY = 'canary"8f0b\\7c %x'
const BASE64 = Buffer.from(CANARY).toString('base64')
const LEAKED = new RegExp(`canary|${BASE64.slice(0, 16)}|hunter2|abcdefabcdef`)
/** The secret in every spelling, and what no settings know and looks like a secret all the same. */
const SAID = `${CANARY} ${encodeURIComponent(CANARY)} ${JSON.stringify(CANARY)} ${BASE64} password=hunter2 https://u:hunter2@h/ Authorization: Bearer abcdefabcdef`
const HELPFUL = { identity: SAID, [SAID]: 'under a key', nested: [{ token: 'hunter2', text: SAID }] }

/** What the device does next for each capability; the tests put it here. */
const script = new Map<string, () => unknown>()
const asked: string[] = []
const does = (verb: string, what: () => unknown): void => void script.set(`powerpath.${verb}`, what)
const fails = (error: Error) => () => {
  throw error
}

/** The devices of the site, with answers of our own. Redaction is the site's. */
function scripted(devices: Devices): Devices {
  const answer = (capability: string) => async (): Promise<unknown> => {
    asked.push(capability)
    return script.get(capability)?.() ?? {}
  }
  return {
    ...devices,
    find(action) {
      const { capability } = devices.find(action)
      const { effect } = capability
      const doubt = {
        ask: 'device',
        look: answer(action.capability.replace(/$/, '?')),
        judge: (before: unknown, now: unknown) => ({
          done: 'unknown' as const,
          why: `was ${JSON.stringify(before)}, is ${JSON.stringify(now)}`,
        }),
      } as const
      const changed: Capability = {
        ...capability,
        perform: answer(action.capability),
        effect: effect === 'read' ? 'read' : { ...effect, inDoubt: doubt },
      }
      return { device: {}, capability: changed }
    },
  }
}

let postgres: TestPostgres
let schema: string
let store: Store
let chat: FakeChat
let house: House
let devices: Devices
const complaints: string[] = []
const RUN = 'R1' as RunId

/** A queue in memory: what is nudged is done at once. */
function promptQueue(): Queue {
  let on: Parameters<Queue['work']>[0] | undefined
  return {
    nudge: async (call, run) => void setImmediate(() => on?.[call]?.(run).catch(() => {})),
    work: async handlers => {
      on = handlers
    },
    stop: async () => {
      on = undefined
    },
  }
}

beforeAll(async () => {
  postgres = await testPostgres()
  schema = postgres.schema()
  store = await openStore(postgres.url, { schema })
  const adapters = await loadAdapters()
  const site = parseSite(
    JSON.stringify({
      name: 'redaction',
      people: {
        olga: { roles: ['operator'], handles: ['console:olga'] },
        lee: { roles: ['lead'], handles: ['console:lee'] },
        dee: { roles: ['lead'] },
      },
      rules: [
        {
          name: 'operators may',
          may: 'operator',
          capability: '*',
          target: '*',
          'up to': 'destructive',
          start: 'none',
          before: 'none',
        },
      ],
      runbooks: { migrate: { look: 100, soak: '1s' } },
      targets: {
        sql01: {
          kind: 'powerpath',
          settings: { host: '127.0.0.1', port: 1, username: 'u', os: 'windows', password: { env: 'PASSWORD' } },
        },
      },
    }),
    'site.yaml',
    adapters,
    { PASSWORD: CANARY },
  )
  chat = fakeChat()
  const language = languageOf(site, adapters)
  devices = scripted(openDevices(site, adapters))
  house = openHouse({
    counters: newCounters(),
    site,
    devices,
    store,
    queue: promptQueue(),
    chats: [chat],
    parse: language.parse,
    plan: planner(adapters, RUNBOOKS, site.runbooks),
    help: language.help,
    canDo: language.canDo,
    trust: trusting(site.policy),
    record: trusting(site.policy).record,
    complain: (what, error) => complaints.push(`${what}: ${String(error)}`),
  })
  await house.start()
})
afterAll(async () => {
  await house?.stop()
  await store?.stop()
  await postgres?.stop()
})

let n = 0
const say = (text: string, by = 'console:olga') => house.say(said(text, by, `sentence ${n++}`))
const whispered = (): string => JSON.stringify(chat.whispers.at(-1)?.card)
const until = (check: (run: Run) => boolean) =>
  vi.waitFor(
    async () => {
      const run = await store.load(RUN)
      expect(run && check(run), [...(run?.steps ?? [])].map(([id, state]) => `${id} ${state.is}`).join(', ')).toBe(true)
    },
    { timeout: 10_000, interval: 30 },
  )

/** Every row of every table, and everything that anybody could read. */
async function everything(): Promise<string> {
  const parts: string[] = [chat.text(), ...complaints]
  for (const table of ['runs', 'events', 'posts', 'claims', 'inbox'])
    for (const row of await postgres.sql(`select to_json(t)::text as row from ${schema}.${table} t`))
      parts.push(String(row['row']))
  for await (const line of exported(store.entries())) parts.push(line)
  return parts.join('\n')
}

const leak = (text: string): string | undefined => {
  const found = LEAKED.exec(text)
  return found ? text.slice(Math.max(0, found.index - 150), found.index + 60) : undefined
}
const PREFLIGHT = {
  differentDisks: true,
  targetBigEnough: true,
  targetEmpty: true,
  sourcePathsDead: 0,
  targetPathsDead: 0,
  sessionsOnDisks: 0,
  sourceBytes: 1e9,
  sourcePathsAlive: 4,
  targetPathsAlive: 4,
  sourceIdentity: SAID,
  targetIdentity: SAID,
  ...HELPFUL,
}

describe('a secret that the settings have, or that a device says', () => {
  test.each([
    ['an answer', () => ({ devices: [{ pseudo: SAID, alive: 1, total: 1, paths: [] }] })],
    ['a no', fails(new Refused(`the device said no: ${SAID}`))],
    ['a failure to connect', fails(new Unreachable(`tried ${SAID}`))],
    ['half an answer', fails(new Misread(`"${SAID}" is no table`, SAID))],
    ['silence', fails(new Uncertain(`sent ${SAID}`))],
    ['a bug', fails(new TypeError(`cannot read ${SAID}`))],
  ])('does not come back in %s to a question', async (_, what) => {
    does('paths', what)
    await say('show paths on sql01')
    expect(whispered()).toContain('[redacted]')
    expect(leak(whispered())).toBeUndefined()
  })

  test('is not in what the command line shows of a read, which goes through no chat', async () => {
    for (const what of [fails(new Unreachable(`tried ${SAID}`)), () => ({ devices: [], ...HELPFUL })]) {
      does('hbas', what)
      const action: Action = { capability: 'powerpath.hbas', target: 'sql01' as Target, params: {}, risk: 'none' }
      const card = await read(action, { ...devices, clock: systemClock })
      expect(leak(JSON.stringify(card))).toBeUndefined()
    }
    expect(asked).toContain('powerpath.hbas')
  })

  test('is not in the log, the card or the ring of a step that failed because of it', async () => {
    does('preflight', fails(new Refused(`the device said no: ${SAID}`)))
    await say('migrate harddisk5 to harddisk8 on sql01')
    await until(run => stateOf(run, 'preflight')?.is === 'failed')
    await vi.waitFor(() => expect(chat.text()).toContain('ring-held-preflight'), { timeout: 5_000 })
    expect(chat.text()).toContain('the device said no: [redacted]')
    expect(leak(chat.text())).toBeUndefined()
  })

  test('is not in the facts of a gate, nor in the result that they are from', async () => {
    does('preflight', () => PREFLIGHT)
    await say('retry R1')
    await until(run => {
      const state = stateOf(run, 'ready')
      return state?.is === 'open' && state.facts !== undefined
    })
    await vi.waitFor(() => expect(chat.text()).toContain('holds: harddisk5 is: [redacted]'), { timeout: 5_000 })
    expect(leak(await everything())).toBeUndefined()
  })

  test('is not in what a change answers, in what the device showed before it, or in the doubt about it', async () => {
    does('setup', () => ({ session: 1, ...HELPFUL }))
    does('sync?', () => ({ state: SAID, ...HELPFUL }))
    does('sync', fails(new Uncertain(`sent, and then ${SAID}`)))
    await say('confirm R1 ready')
    await until(run => stateOf(run, 'sync')?.is === 'sent')
    await postgres.pushClock(schema, 120_000)
    await until(run => stateOf(run, 'sync')?.is === 'doubtful')
    await vi.waitFor(() => expect(chat.text()).toContain('the device cannot tell: was'), { timeout: 5_000 })
    expect(leak(await everything())).toBeUndefined()
  })

  test('is not in what is known of a copy, and not in the facts that ask for the cutover', async () => {
    does('session', fails(new Unreachable(`tried ${SAID}`)))
    await say(`tell R1 sync happened because 'the password ${CANARY} was right'`)
    await until(run => (run.tracks.get('copy' as never)?.note ?? '').includes('no answer: tried [redacted]'))
    does('session', () => ({ session: 1, state: 'sourceSelected', percent: 100, ...HELPFUL }))
    does('cutoverReady', fails(new Misread(`"${SAID}" is no state`, SAID)))
    await until(run => {
      const state = stateOf(run, 'cutover')
      return state?.is === 'open' && state.facts !== undefined
    })
    await vi.waitFor(() => expect(chat.text()).toContain('DOES NOT HOLD'), { timeout: 5_000 })
    expect(leak(await everything())).toBeUndefined()
  })

  test('is not kept when a person says it', async () => {
    await say(`deny R1 cutover because 'I was told ${CANARY}'`, 'console:lee')
    await until(run => stateOf(run, 'cutover')?.is === 'failed')
    await say(`roll back R1 because "password=hunter2"`)
    expect(((await store.load(RUN)) as Run).turned?.because).toBe('password=[redacted]')
  })

  test('is nowhere: in no row of any table, on no card, in no answer, in no export, in no complaint', async () => {
    const all = await everything()
    expect(leak(all)).toBeUndefined()
    expect(all.match(/\[redacted\]/g)?.length).toBeGreaterThan(50)
    for (const capability of ['preflight', 'setup', 'sync', 'sync?', 'session', 'cutoverReady'])
      expect(asked).toContain(`powerpath.${capability}`)
  })
})
