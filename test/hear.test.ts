import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import powerpath from '../adapters/powerpath/index.ts'
import { digestOf } from '../src/domain/chain.ts'
import type { Said } from '../src/domain/chat.ts'
import { hours, type Person, type RunId, type StepId, type Target } from '../src/domain/ids.ts'
import type { Act } from '../src/domain/plan.ts'
import { advance } from '../src/engine/advance.ts'
import type { Ears } from '../src/engine/ears.ts'
import type { Found } from '../src/engine/engine.ts'
import { answer, receive } from '../src/engine/hear.ts'
import { sweep } from '../src/engine/sweep.ts'
import { systemClock } from '../src/engine/system-clock.ts'
import { openHouse } from '../src/house.ts'
import type { Adapter, Capability } from '../src/kit/device.ts'
import { redactedValue, redactor } from '../src/kit/redact.ts'
import { newCounters } from '../src/observe/counters.ts'
import { planner } from '../src/planning.ts'
import type { Queue } from '../src/ports/queue.ts'
import { RUNBOOKS } from '../src/runbooks/all.ts'
import type { Site } from '../src/site/site.ts'
import { languageOf } from '../src/spoken.ts'
import { type FakeChat, fakeChat, said } from './fakes/chat.ts'
import { act, gate, POLICY, plan } from './fakes/given.ts'
import { type MemoryStore, memoryStore } from './fakes/memory-store.ts'
import { trusting } from './fakes/trust.ts'

const adapters: ReadonlyMap<string, Adapter> = new Map([['powerpath', powerpath as Adapter]])
const targets = new Map(['sql01', 'web01'].map(name => [name as Target, { kind: 'powerpath', settings: {}, root: name }]))
const RULEBOOK = { zone: 'UTC', roles: {}, people: {}, rules: [], labels: {}, windows: [], links: { expire: 1, coolDown: 0 } }
const SITE: Site = {
  name: 'here',
  policy: POLICY,
  targets,
  runbooks: {},
  secrets: ['canary-in-the-settings'],
  chats: {},
  rulebook: RULEBOOK,
  notes: [],
}

let store: MemoryStore
let chat: FakeChat
let nudges: string[]
let asked: string[]
let counted: string[]
/** What the device does when it is asked; the tests put their own here. */
let device: (capability: string) => Promise<unknown>
let ears: Ears
const language = languageOf(SITE, adapters)
beforeAll(() => {
  language.parse('show runs') // the grammar is made once
})
const find = ({ capability, target }: { readonly capability: string; readonly target: string }): Found => {
  const real = powerpath.capabilities[capability.split('.')[1] as 'paths'] as Capability
  if (!SITE.targets.has(target as Target)) throw new Error(`the site has no target ${target} any more`)
  return {
    device: {},
    capability: {
      ...real,
      perform: () => {
        asked.push(capability)
        return device(capability)
      },
    },
  }
}
beforeEach(() => {
  store = memoryStore()
  chat = fakeChat()
  nudges = []
  asked = []
  counted = []
  device = () => Promise.resolve({ devices: [], total: 0 })
  const redact = redactor(SITE.secrets)
  ears = {
    store,
    chats: new Map([['console', chat]]),
    clock: systemClock,
    lease: 1000,
    stopping: new AbortController().signal,
    ...trusting(SITE.policy),
    find,
    root: target => target,
    redact: value => redactedValue(value, redact),
    nudge: async (call, run) => void nudges.push(`${call} ${run}`),
    parse: language.parse,
    plan: planner(adapters, RUNBOOKS, {}),
    help: language.help,
    canDo: language.canDo,
    targets: () => [...SITE.targets.keys()],
    listed: () => ['C1'],
    limit: () => 'ok',
    count: (chat, outcome) => void counted.push(`${chat} ${outcome}`),
    complain: () => {},
  }
})

/** As a chat does it: durable first, then answered. */
const hear = async (one: Said): Promise<void> => {
  if (await receive(one, ears)) await answer(one, ears)
}
const whispered = (): string => chat.whispers.map(({ card }) => [card.title, ...card.lines].join('\n')).join('\n---\n')
const MIGRATE = 'migrate harddisk5 to harddisk8 on sql01'

describe('a sentence', () => {
  test('that is delivered twice is one run and one answer', async () => {
    await hear(said(MIGRATE))
    await hear(said(MIGRATE))
    expect(await store.list('all', 9)).toHaveLength(1)
    await hear(said('show runs', 'console:vic', 'another'))
    await hear(said('show runs', 'console:vic', 'another'))
    expect(chat.whispers).toHaveLength(1)
  })

  test('that is said twice is two runs: the chat knows the difference', async () => {
    await hear(said(MIGRATE, 'console:olga', 'first'))
    await hear(said(MIGRATE, 'console:olga', 'second'))
    expect(await store.list('all', 9)).toHaveLength(2)
  })

  test('whose process died before it was answered is answered by the sweep, once', async () => {
    const one = said(MIGRATE)
    await receive(one, ears)
    const swept = () => sweep({ store, advance: async () => {}, report: async () => {}, answer: it => answer(it, ears) })
    await swept()
    expect(await store.list('all', 9)).toEqual([])
    store.time += 10_000
    await swept()
    expect(await store.list('all', 9)).toHaveLength(1)
    store.time += 10_000
    await swept()
    expect(await store.list('all', 9)).toHaveLength(1)
  })

  test('whose process died after the run was made and before that was noted makes no second run', async () => {
    const one = said(MIGRATE)
    await receive(one, ears)
    const dying: Ears = {
      ...ears,
      nudge: () => Promise.reject(new Error('the process died here')),
      store: { ...store, answered: () => Promise.reject(new Error('and wrote nothing more')) },
    }
    await expect(answer(one, dying)).rejects.toThrow('wrote nothing more')
    expect(await store.list('all', 9)).toHaveLength(1)
    store.time += 10_000
    await sweep({ store, advance: async () => {}, report: async () => {}, answer: it => answer(it, ears) })
    expect(await store.list('all', 9)).toHaveLength(1)
    expect(nudges).toEqual(['report R1', 'advance R1'])
  })

  test('of a person nobody knows is refused, and the refusal says which handle and what to do', async () => {
    await hear(said(MIGRATE, 'slack:U0MALLORY'))
    expect(whispered()).toContain('I do not know who slack:U0MALLORY is,')
    expect(whispered()).toContain('site file')
    expect(await store.list('all', 9)).toEqual([])
    expect(asked).toEqual([])
  })

  test('that asks for something starts a run whose card is the answer, and whispers nothing', async () => {
    await hear(said(MIGRATE))
    const [run] = await store.list('all', 9)
    expect(run).toMatchObject({ id: 'R1', by: 'olga', said: MIGRATE, place: { chat: 'console', channel: 'here' } })
    expect(chat.whispers).toEqual([])
    expect(nudges).toEqual(['report R1', 'advance R1'])
  })

  test('that one may not say starts nothing', async () => {
    await hear(said(MIGRATE, 'console:vic'))
    expect(whispered()).toContain('vic may not')
    await hear(said('show paths on sql01', 'console:vic'))
    expect(whispered()).toContain('the rule "operators may" wants the role operator')
    expect(asked).toEqual([])
    expect(await store.list('all', 9)).toEqual([])
  })

  test("of two handles of one person is that person's", async () => {
    await hear(said(MIGRATE, 'slack:U-olga'))
    expect((await store.list('all', 9))[0]?.by).toBe('olga')
  })

  test('about a run that is not there names those that are', async () => {
    await hear(said('approve R9'))
    expect(whispered()).toContain('There is no run R9.')
    await hear(said(MIGRATE))
    await hear(said('pause R8'))
    expect(whispered()).toContain('Running now: R1.')
  })

  test("about a run moves it and says what was heard, under the run's lock", async () => {
    await hear(said(MIGRATE))
    await hear(said('cancel R1'))
    expect(whispered()).toBe('R1 is cancelled')
    expect((await store.load('R1' as RunId))?.outcome).toBe('cancelled')
    await hear(said('cancel R1', 'console:otto', 'again'))
    expect(whispered()).toContain('it is over (cancelled)')
  })

  test('that breaks something is answered, and not again and again', async () => {
    const complaints: string[] = []
    const one = said('show targets')
    await receive(one, ears)
    await answer(one, {
      ...ears,
      targets: () => {
        throw new Error('a bug, with canary-in-the-settings in it')
      },
      complain: (_, error) => complaints.push(String(error)),
    })
    expect(complaints).toHaveLength(1)
    expect(chat.whispers).toHaveLength(1)
    expect(chat.text()).not.toContain('canary')
    expect(await store.unanswered(0)).toEqual([])
  })
})

describe('a question', () => {
  test('to a device is answered at once, without a run', async () => {
    device = () =>
      Promise.resolve({
        devices: [{ pseudo: 'harddisk5', alive: 3, total: 4, paths: [], device: 'x', state: 'alive' }],
        total: 4,
      })
    await hear(said('show paths on sql01'))
    expect(whispered()).toContain('harddisk5')
    expect(whispered()).toContain('3 of 4 paths alive')
    expect(await store.list('all', 9)).toEqual([])
  })

  test('that a device does not answer is answered with why, and that nothing was changed', async () => {
    device = () => Promise.reject(new Error('nobody there; tried canary-in-the-settings'))
    await hear(said('show paths on sql01'))
    expect(whispered()).toContain('sql01 gave no usable answer: nobody there; tried [redacted].')
    expect(whispered()).toContain('Nothing was changed.')
  })

  test('about who could approve leaves out the one who asked, and says so', async () => {
    const of = plan(gate('start'), act('sync', 'routine'))
    await store.create(
      'a run of lee',
      { chat: 'console', channel: 'here' },
      { type: 'run.started', by: 'lee' as Person, plan: of, digest: digestOf(of), said: 'x' },
    )
    await hear(said('who could approve R1', 'console:otto'))
    expect(whispered()).toContain(
      'start: needs one with the role lead, not the one who asked, has 0.\n  could: dee; could not: lee asked for it',
    )
  })

  test.each([
    ['show runs', 'Nothing is running.'],
    ['show all runs', 'There has been no run yet.'],
    ['show targets', 'sql01'],
    ['estimate 4TB over 50Mb/s', '7.4 days'],
    ['help', 'What can be said'],
    ['what can I do on sql01', 'What you can do on sql01'],
    ['show R1', 'There is no run R1.'],
  ])('`%s` is answered', async (text, part) => {
    await hear(said(text))
    expect(whispered()).toContain(part)
  })
})

describe('whatever anybody types', () => {
  const SLOTS: readonly ((text: string) => string)[] = [
    x => x,
    x => `migrate ${x} to harddisk8 on sql01`,
    x => `migrate harddisk5 to ${x} on sql01`,
    x => `migrate harddisk5 to harddisk8 on ${x}`,
    x => `migrate harddisk5 to harddisk8 on sql01 with throttle ${x}`,
    x => `migrate harddisk5 to harddisk8 on sql01 soak ${x}`,
    x => `show paths of ${x} on sql01`,
    x => `show session ${x} on sql01`,
    x => `throttle session 1 on sql01 to ${x}`,
    x => `approve ${x}`,
    x => `approve R1 ${x}`,
    x => `approve R1 start as ${x}`,
    x => `skip R1 ${x} because "x"`,
    x => `what can I do on ${x}`,
    x => `estimate ${x} over 50Mb/s`,
    x => `estimate 4TB over ${x}`,
    x => `help ${x}`,
  ]
  const NASTY = [
    '; reboot',
    '$(reboot)',
    '`reboot`',
    '| sh',
    '&& reboot',
    '> /etc/passwd',
    '%COMSPEC%',
    '!x!',
    '^&',
    "' or 1=1 --",
    '../../etc/passwd',
    '\\\\evil\\share',
    '\u0000',
    '\u001b[2J',
    '\u202eecho',
    '\r\nreboot',
    '{{7*7}}',
    '<script>',
    '<!channel>',
    '@everyone',
    '-rf',
    '--help',
    '\ud800',
    'x'.repeat(500),
  ]

  test('in any slot is refused with a word about it, reaches no device, and starts nothing', async () => {
    let n = 0
    for (const slot of SLOTS)
      for (const text of NASTY) {
        const before = chat.whispers.length
        await hear(said(slot(text), 'console:olga', `nasty ${n++}`))
        expect(chat.whispers.length, slot(text)).toBe(before + 1)
        expect(chat.whispers.at(-1)?.card.title.length, slot(text)).toBeGreaterThan(0)
      }
    expect(asked).toEqual([])
    expect(await store.list('all', 9)).toEqual([])
    expect(await store.unanswered(0)).toEqual([])
  })

  test('that no disk is called is refused before anybody is asked to approve it', async () => {
    await hear(said('migrate ../../etc/passwd to harddisk8 on sql01'))
    expect(whispered()).toContain('source: a disk name has letters, digits and _.:@+- only.')
    expect(await store.list('all', 9)).toEqual([])
  })

  test('be it a megabyte, is refused at once with how long it may be', async () => {
    const long = 'migrate '.repeat(131_072)
    const from = performance.now()
    await hear(said(long, 'console:olga', 'long'))
    expect(performance.now() - from).toBeLessThan(500)
    expect(whispered()).toContain('That is 1048576 characters long, and a sentence may have 2000.')
    expect(whispered().length).toBeLessThan(500)
  })

  test('in a reason is kept as it was said, and is only text', async () => {
    await hear(said(MIGRATE))
    const reason = '$(reboot); <!channel> @everyone'
    await hear(said(`cancel R1 because "${reason}"`))
    expect((await store.load('R1' as RunId))?.turned?.because).toBe(reason)
    expect(asked).toEqual([])
  })

  test('a secret of the site in a sentence is not kept', async () => {
    await hear(said(MIGRATE))
    await hear(said('cancel R1 because "canary-in-the-settings is the password"'))
    expect((await store.load('R1' as RunId))?.turned?.because).toBe('[redacted] is the password')
    const lost = said('cancel R1 because "canary-in-the-settings"', 'console:olga', 'lost')
    await receive(lost, ears)
    expect(JSON.stringify(await store.unanswered(0))).not.toContain('canary')
  })
})

describe('the house', () => {
  /** A queue that loses every nudge: the sweep alone has to be enough. */
  const deaf: Queue = { nudge: () => Promise.resolve(), work: () => Promise.resolve(), stop: () => Promise.resolve() }
  let stop: (() => Promise<void>) | undefined
  afterEach(async () => {
    await stop?.()
    stop = undefined
  })
  const open = () => {
    const complaints: string[] = []
    const house = openHouse({
      counters: newCounters(),
      site: SITE,
      devices: { find, root: target => target, redact: ears.redact, close: () => Promise.resolve() },
      store,
      queue: deaf,
      chats: [chat],
      parse: language.parse,
      plan: ears.plan,
      help: ears.help,
      canDo: ears.canDo,
      trust: ears,
      record: ears.record,
      complain: (what, error) => complaints.push(`${what}: ${String(error)}`),
    })
    stop = house.stop
    return { house, complaints }
  }
  const soon = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 5_000, interval: 20 })

  test('goes on with everything else while one device keeps it waiting', async () => {
    let release = (): void => {}
    const slow = new Promise<never>((_, reject) => {
      release = () => reject(new Error('at last'))
    })
    device = () => slow
    const { house } = open()
    await house.say(said('migrate harddisk5 to harddisk8 on sql01'))
    await house.start()
    await soon(() => expect(asked).toHaveLength(1))
    device = () => Promise.resolve({ state: 'sourceSelected' })
    await house.say(said('migrate harddisk5 to harddisk8 on web01'))
    await soon(() => expect(asked.length).toBeGreaterThan(1))
    release()
  })

  test('does not answer a sentence twice because its device is slow', async () => {
    let release = (): void => {}
    device = () =>
      new Promise(resolve => {
        release = () => resolve({ devices: [], total: 0 })
      })
    const { house } = open()
    const first = house.say(said('show paths on sql01'))
    await soon(() => expect(asked).toHaveLength(1))
    store.time += hours(1)
    await house.start()
    await soon(async () => expect(await store.unanswered(10_000)).toHaveLength(1))
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(asked).toHaveLength(1)
    release()
    await first
    expect(chat.whispers).toHaveLength(1)
  })
})

describe('a sentence about a run', () => {
  const start = async (): Promise<RunId> => {
    const target = 'sql01' as Target
    const action = { capability: 'powerpath.paths', target, params: {}, risk: 'none' as const }
    const read: Act = { kind: 'act', id: 'look' as StepId, says: 'look', action, timeout: 1000, tries: 1, every: 1000 }
    const given = plan([read])
    const at = { chat: 'console', channel: 'here' }
    const by = 'olga' as Person
    return (await store.create('one', at, { type: 'run.started', by, plan: given, digest: digestOf(given), said: '' })).id
  }

  test('that is heard again after its answerer died is not acted upon twice', async () => {
    const run = await start()
    const pause = said(`pause ${run}`, 'console:olga', 'first')
    await answer(pause, ears)
    await answer(said(`resume ${run}`, 'console:olga', 'second'), ears)
    await answer(pause, ears)
    expect((await store.load(run))?.paused).toBeUndefined()
    expect(chat.whispers.at(-1)?.card.title).toBe('that has been heard')
  })

  test('of a target that the site has lost holds the run, and the card says why', async () => {
    const run = await start()
    const lost: Ears = { ...ears, find: action => find({ ...action, target: 'gone01' }) }
    await advance(run, lost)
    const state = (await store.load(run))?.steps.get('look' as StepId)
    expect(state).toMatchObject({ is: 'failed', why: 'the site has no target gone01 any more' })
  })
})
