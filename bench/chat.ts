import { slackChat } from '../src/chat/slack/slack.ts'
import type { Card, Lane, Said } from '../src/domain/chat.ts'
import { draw } from '../src/domain/draw.ts'
import { type Handle, type Instant, type Millis, minutes, type RunId, seconds } from '../src/domain/ids.ts'
import { interval } from '../src/domain/pace.ts'
import type { Run } from '../src/domain/run.ts'
import { showBoards } from '../src/engine/boards.ts'
import { newCrowd } from '../src/engine/crowd.ts'
import { oneAtATime, type Reporter, report } from '../src/engine/report.ts'
import { sweep } from '../src/engine/sweep.ts'
import { openLanes } from '../src/outbox/open-lanes.ts'
import type { Chat } from '../src/ports/chat.ts'
import { memoryStore } from '../test/fakes/memory-store.ts'
import { type FakeSlack, startFakeSlack } from '../test/fakes/slack/start.ts'
import { type Happened, trace } from './chat-trace.ts'
import { chance, simulated } from './simulated.ts'

/**
 * What it costs to show 200 live runs in Slack for half an hour, and how fresh that is. Both sides in one run, on one trace of
 * events and one clock, each in front of a fake Slack of its own that enforces Slack's tiers: ours is the real report, outbox and
 * Slack chat; the other sends each event as one update of its card, at once, and drops what is refused. The time is simulated, so
 * that the figures are the same on a slow machine. `npx tsx bench/chat.ts [runs] [minutes] [seed] [hours]`: a copy takes
 * half an hour to that many hours, 3 by default; the shorter, the more begins and ends at any time.
 */
const [RUNS = 200, MINUTES = 30, SEED = 1, COPY = 3] = process.argv.slice(2).map(Number)
const WARM_UP = Math.max(5, RUNS / 10) // minutes: ten runs begin in each
const LATENCY: Millis = 150 // of each call, either side
const CHANNELS = ['C0BENCHA', 'C0BENCHB', 'C0BENCHC', 'C0BENCHD', 'C0BENCHE']
const START: Instant = Date.UTC(2025, 10, 20, 12)

const time = simulated(START)
const random = chance(SEED)
const store = memoryStore(START)
Object.defineProperty(store, 'time', { get: time.now })
const slack = (): Promise<FakeSlack> =>
  startFakeSlack({ time: time.away, channels: CHANNELS.map(id => ({ id, name: id.toLowerCase(), private: true })) })
const [ours, theirs] = [await slack(), await slack()]
for (const fake of [ours, theirs]) fake.misbehave({ how: 'slow', by: LATENCY })
const measured = { from: START + minutes(WARM_UP), to: START + minutes(WARM_UP + MINUTES) }
const counts = (at: Instant): boolean => at >= measured.from && at < measured.to

const troubles = new Map<string, number>()
const complain = (what: string, error: unknown): void => {
  const key = `${what.replace(/[A-Z]?\d+/g, 'N')}: ${error instanceof Error ? error.message.replace(/\d+/g, 'N') : String(error)}`
  troubles.set(key, (troubles.get(key) ?? 0) + 1)
}

// Ours.
const fresh: Record<Lane | 'whisper', Millis[]> = { whisper: [], answer: [], end: [], transition: [], percent: [] }
const lanes = openLanes({ now: time.now, timer: (ms, fire) => ({ cancel: time.after(ms, fire) }) })
const chat = slackChat(
  {
    token: 'xoxb-fake-bot-token',
    appToken: 'xapp-fake-app-token',
    team: 'T0HOME',
    app: 'A0SIGNALBOX',
    channels: CHANNELS,
    publicChannels: false,
    api: ours.api,
  },
  {
    lanes: { ...lanes, call: call => lanes.call({ ...call, send: signal => time.moving(() => call.send(signal)) }) },
    clock: time,
    count: () => {},
    log: line => complain('slack says', line),
  },
)

/** Events that are not shown yet, by run. */
const unseen = new Map<RunId, { readonly seq: number; readonly at: Instant; readonly lane: Lane }[]>()
/** When people last saw something new of a run: its card, or what rings. */
const visible = new Map<RunId, Instant>()
/** When the percentage that people see of a run was drawn. */
const drawn = new Map<RunId, Instant>()
const watching = (): Chat => {
  const shows = (card: Card, at: Instant): void => {
    for (const line of card.meter ? [card.title] : card.lines) {
      const run = /^R\d+(?= )/.exec(line)?.[0]
      if (run && (card.meter || /runs show progress/.test(card.title))) drawn.set(run as RunId, at)
    }
  }
  return {
    ...chat,
    async edit(post, card, lane) {
      const at = time.now()
      await chat.edit(post, card, lane)
      shows(card, at)
      visible.set(card.title.split(' ')[0] as RunId, time.now())
    },
    async post(at, card, key, lane) {
      const began = time.now()
      const post = await chat.post(at, card, key, lane)
      shows(card, began)
      // A picture comes after the words; those have been there since the call with the key.
      const said = ours.ledger.findLast(call => call.method === 'chat.postMessage' && call.key === key)
      visible.set(key.split('/')[0] as RunId, said?.at ?? time.now())
      return post
    },
  }
}
const reporter: Reporter = {
  store: {
    ...store,
    // Postgres keeps this lease alive while somebody tells; the memory store has no timers to do so.
    telling: (about, _, body) => store.telling(about, minutes(60), body),
    async reported(run, seq) {
      await store.reported(run, seq)
      const all = unseen.get(run) ?? []
      const seen = visible.get(run) ?? 0
      // What changes nothing on the card needs no call: it counts as shown once that was found.
      for (const { seq: wanted, at, lane } of all)
        if (wanted <= seq && counts(at)) fresh[lane].push((seen >= at ? seen : time.now()) - at)
      unseen.set(
        run,
        all.filter(one => one.seq > seq),
      )
    },
  },
  chats: new Map([['slack', watching()]]),
  crowd: newCrowd(),
  complain,
}
const tell = oneAtATime(run => report(run, reporter))
const told = (run: RunId): void => void tell(run).catch(error => complain(`reporting ${run}`, error))

// Theirs.
const cards = new Map<RunId, Promise<string | undefined>>()
async function calls(method: string, args: object): Promise<{ readonly ts?: string; readonly after?: Millis }> {
  return time.moving(async () => {
    const response = await fetch(`${theirs.api}${method}`, {
      method: 'POST',
      headers: { authorization: 'Bearer xoxb-fake-bot-token', 'content-type': 'application/json; charset=utf-8' },
      body: JSON.stringify(args),
    })
    const body = (await response.json()) as { readonly ts?: string }
    return response.status === 429 ? { after: seconds(Number(response.headers.get('retry-after'))) } : body
  })
}
async function posted(channel: string, text: string): Promise<string | undefined> {
  for (;;) {
    const { ts, after } = await calls('chat.postMessage', { channel, text })
    if (after === undefined) return ts
    await new Promise<void>(resolve => void time.after(after, resolve))
  }
}
async function update(run: Run): Promise<void> {
  const { title, state, meter } = draw(run, time.now())
  const text = [title, state, meter?.text].join('\n')
  const { channel } = run.place
  const known = cards.get(run.id)
  if (!known) cards.set(run.id, posted(channel, text))
  const ts = await known
  if (ts !== undefined) await calls('chat.update', { channel, ts, text })
}

// One trace for both.
let events = 0
function happened({ run, what }: Happened): void {
  if (counts(time.now())) events++
  if (what === 'written') {
    const { tone } = draw(run, time.now())
    const lane = run.outcome ? 'end' : tone === 'calm' ? 'transition' : 'answer'
    unseen.set(run.id, [...(unseen.get(run.id) ?? []), { seq: run.seq, at: time.now(), lane }])
  }
  update(run).catch(error => complain('the other side', error))
}
const going = trace({ time, store, random, channels: CHANNELS, longest: COPY, happened, report: told, complain })

/** As the house does: a sweep each second, the boards every 5 s, and somebody who asks something every 10 s. */
time.every(seconds(1), () => {
  sweep({
    store,
    advance: async run => going.advance(run),
    report: async run => told(run),
    answer: async () => {},
  }).catch(error => complain('the sweep', error))
})
let boarding = false
time.every(seconds(5), () => {
  if (boarding) return
  boarding = true
  showBoards(reporter)
    .catch(error => complain('boards', error))
    .finally(() => {
      boarding = false
    })
})
let questions = 0
time.every(seconds(10), () => {
  const at = { chat: 'slack', channel: CHANNELS[Math.floor(random() * CHANNELS.length)]! }
  const said: Said = { id: `q${++questions}`, text: 'show runs', by: 'slack:U0OLGA' as Handle, at }
  const asked = time.now()
  const answer = async (): Promise<void> => {
    await chat.standing(said)
    await chat.whisper(said, { title: 'What runs', tone: 'calm', lines: [`${RUNS} runs`], buttons: [] })
    if (counts(asked)) fresh.whisper.push(time.now() - asked)
  }
  answer().catch(error => complain('answering', error))
})
/** How old is what people see? Asked of every copy that has been going on for a minute. */
const live: number[] = []
time.every(seconds(5), () => {
  if (!counts(time.now())) return
  const look = async (): Promise<void> => {
    const all = await store.list('live', 1_000)
    live.push(all.length)
    for (const run of all) {
      const track = draw(run, time.now()).meter ? run.tracks.get('copy' as never) : undefined
      if (!track || time.now() - track.since < minutes(1)) continue
      fresh.percent.push(time.now() - (drawn.get(run.id) ?? track.since))
    }
  }
  look().catch(error => complain('looking', error))
})

for (let n = 0; n < RUNS; n++) time.after((minutes(WARM_UP) / RUNS) * n * 0.8, () => void going.begin())
const began = performance.now()
await time.run(minutes(WARM_UP + MINUTES))
const boards = (await store.boards()).length
// What happened in the last moments is shown in the next ones, and counted by when it happened.
await time.run(minutes(2))

const rank = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN
const inWindow = (fake: FakeSlack) => fake.ledger.filter(({ at }) => counts(at))
const limited = (fake: FakeSlack): number => inWindow(fake).filter(({ status }) => status === 429).length
const mean = live.reduce((sum, n) => sum + n, 0) / live.length
const perRunMinute = (fake: FakeSlack): number => inWindow(fake).length / (mean * MINUTES)
const T = interval(boards, chat.perMinute ?? 30)
const goal = (met: boolean, what: string): string => (met ? `goal ${what}: met` : `goal ${what}: NOT MET`)
const s = (ms: Millis): string => `${(ms / 1000).toFixed(1)} s`
const ratio = perRunMinute(ours) / perRunMinute(theirs)

console.log(
  `${mean.toFixed(0)} live runs on average in ${CHANNELS.length} channels, ${MINUTES} simulated minutes, copies of up to ${COPY} h, seed ${SEED}: ${events} events`,
)
console.log(
  `calls per run-minute: ours ${perRunMinute(ours).toFixed(3)} (${inWindow(ours).length}), one update per event ${perRunMinute(theirs).toFixed(3)} (${inWindow(theirs).length}), ratio ${ratio.toFixed(3)}; ${goal(ratio <= 0.1, '<= 0.10')}`,
)
console.log(`429s: ours ${limited(ours)}, one update per event ${limited(theirs)}; ${goal(limited(ours) === 0, '0')}`)
console.log(`boards: ${boards}, so T = ${s(T)}`)
const lanesJudged = [
  ['whisper', 'answers to sentences', 5_000],
  ['answer', 'gates, doubts, failures', 5_000],
  ['end', 'ends', 5_000],
  ['transition', 'what became of a step', undefined],
  // On a card of its own, what moves less than 2 % is shown after 30 s; on a board always.
  ['percent', 'the age of a percentage', boards > 0 ? 2 * T : 2 * T + seconds(30)],
] as const
for (const [lane, name, most] of lanesJudged) {
  const [p50, p95, worst] = [rank(fresh[lane], 0.5), rank(fresh[lane], 0.95), rank(fresh[lane], 1)]
  const judged = most === undefined ? '' : `; ${goal(p95 <= most, `p95 <= ${s(most)}`)}`
  const said = `p50 ${s(p50)}, p95 ${s(p95)}, longest ${s(worst)} of ${fresh[lane].length}${judged}`
  console.log(`${name}: ${fresh[lane].length === 0 ? 'none' : said}`)
}
const methods = new Map<string, number>()
for (const { method, key } of inWindow(ours)) {
  const what = `${method}${key?.startsWith('board:') ? ' (board)' : key?.includes('/ring-') ? ' (ring)' : ''}`
  methods.set(what, (methods.get(what) ?? 0) + 1)
}
console.log(`ours by method: ${[...methods].map(([what, n]) => `${what} ${n}`).join(', ')}`)
const left = [...unseen.values()].flat().filter(one => counts(one.at)).length
console.log(
  `never shown: ${left}; requests that broke Slack's description: ${ours.invalid.length}; took ${s(performance.now() - began)}`,
)
for (const [what, n] of troubles) console.log(`trouble, ${n} times: ${what}`)
await ours.stop()
await theirs.stop()
