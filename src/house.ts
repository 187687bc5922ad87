import type { Devices } from './devices.ts'
import type { Place, Said } from './domain/chat.ts'
import type { Command } from './domain/command.ts'
import type { RunId, StepId } from './domain/ids.ts'
import { limiter } from './domain/limits.ts'
import { standsStill } from './domain/program.ts'
import type { Refusal } from './domain/refusal.ts'
import type { Run } from './domain/run.ts'
import { advance } from './engine/advance.ts'
import { showBoards } from './engine/boards.ts'
import { newCrowd } from './engine/crowd.ts'
import type { Ears, Planned } from './engine/ears.ts'
import { answer, receive } from './engine/hear.ts'
import { oneAtATime, type Reporter, report } from './engine/report.ts'
import { sweep } from './engine/sweep.ts'
import { systemClock } from './engine/system-clock.ts'
import { takeTurns, tellOfTurns, turnsDue } from './engine/turns.ts'
import { atMost, counted, once, seldom } from './hands.ts'
import type { Counters } from './observe/counters.ts'
import type { Chat } from './ports/chat.ts'
import type { Queue } from './ports/queue.ts'
import type { Store } from './ports/store.ts'
import type { Site } from './site/site.ts'

/** What a process does: hear and show, or work on devices. Both where nothing is said. */
export type Role = 'bot' | 'worker'

export interface Parts {
  readonly role?: Role
  readonly site: Site
  readonly devices: Devices
  readonly store: Store
  readonly queue: Queue
  readonly chats: readonly Chat[]
  readonly parse: (text: string) => { readonly command: Command } | { readonly refusal: Refusal }
  readonly plan: (command: Extract<Command, { kind: 'run' | 'act' }>) => Planned
  readonly help: (topic: string | undefined) => readonly string[]
  readonly canDo: Ears['canDo']
  readonly trust: Pick<Ears, 'policy' | 'active' | 'stepUp' | 'links' | 'lapsed' | 'policyChange'>
  readonly record: Ears['record']
  /** What is to be done once a day. */
  readonly daily?: () => Promise<void>
  readonly counters: Counters
  /** What went wrong where no person is told otherwise. */
  readonly complain: (what: string, error: unknown) => void
}

/** Everything joined: sentences in, runs onward, cards out. */
export interface House {
  start(): Promise<void>
  /** Resolves when the sentence has been answered; `receive` alone would be durable enough for a chat to acknowledge. */
  say(said: Said): Promise<void>
  /** Resolves when nothing moves: every run is over or waits for people, and every card shows it; or when a run is at a step. */
  quiet(orAt?: { readonly run: RunId; readonly step: StepId }): Promise<void>
  /** Resolves when every sentence that was received has been answered. */
  answered(): Promise<void>
  runs(): Promise<readonly Run[]>
  /** Can it do its work, and which part cannot? */
  ready(): Promise<{ readonly ok: boolean; readonly lines: readonly string[] }>
  stop(): Promise<void>
}

const LEASE = 15_000
const SWEEP = 1_000
const BOARDS = 5_000
const TURNS = 1_000
const CONNECT_AGAIN = 30_000
const PURGE = 3_600_000
/** What is done once a day is asked after this often: it knows itself whether it was done. */
const DAILY_LOOK = 600_000
/** Answered sentences are kept for so long, as evidence of what was heard. */
const KEPT = 30 * 86_400_000
/** Sentences that are answered at once: the rest waits its turn, so that a flood that was let in does not starve the devices. */
const AT_ONCE = 32

export function openHouse(parts: Parts): House {
  const { site, devices, store, queue, trust, complain } = parts
  const stopping = new AbortController()
  const chats = new Map(parts.chats.map(chat => [chat.name, chat]))
  const fallback: { readonly fallback?: Place } = site.chats.fallback ? { fallback: site.chats.fallback } : {}
  const ears: Ears = {
    store,
    clock: systemClock,
    lease: LEASE,
    stopping: stopping.signal,
    ...trust,
    record: parts.record,
    find: devices.find,
    root: devices.root,
    redact: devices.redact,
    nudge: (call, run, seq) => queue.nudge(call, run, seq),
    chats,
    parse: parts.parse,
    plan: parts.plan,
    help: parts.help,
    canDo: parts.canDo,
    complain,
    targetNames: () => [...site.targets.keys()],
    targets: () => [...site.targets].map(([name, { kind }]) => `${name}  ${kind}`),
    listed: chat => channelsOf(site, chat),
    limit: limiter(),
    count: (platform, outcome) => parts.counters.add('signalbox_inbox_events_total', { platform, outcome }),
    ...fallback,
  }
  const reporter: Reporter = { store, chats, complain, crowd: newCrowd(), policy: trust.policy, ...fallback }
  const hands = counted()
  const forward = (run: RunId) => hands.during(() => advance(run, ears))
  const tell = oneAtATime(run => hands.during(() => report(run, reporter)))
  const speak = once(atMost(AT_ONCE, said => hands.during(() => answer(said, ears))))
  const guarded = (what: string, work: Promise<void>) => work.catch(error => complain(what, error))

  const hear = async (said: Said): Promise<void> => {
    if (await receive(said, ears)) guarded('answering', speak(said)).catch(() => {})
  }
  // The sweep begins what it finds and does not wait for it: one slow device must not keep it from everything else.
  const begin = (what: string, work: Promise<void>): Promise<void> => {
    guarded(what, work).catch(() => {})
    return Promise.resolve()
  }
  const leave = (): Promise<void> => Promise.resolve()
  const { hears, works } = { hears: parts.role !== 'worker', works: parts.role !== 'bot' }
  const begun = {
    advance: works ? (run: RunId) => begin(`advancing ${run}`, forward(run)) : leave,
    report: hears ? (run: RunId) => begin(`reporting ${run}`, tell(run)) : leave,
    answer: hears ? (said: Said) => begin('answering', speak(said)) : leave,
  }
  /** A chat that cannot be reached keeps nothing waiting: what runs goes on, and it is tried again. */
  const connect = async (chat: Chat): Promise<void> => {
    try {
      await chat.start(hear)
    } catch (error) {
      complain(`connecting ${chat.name}`, error)
      if (!stopping.signal.aborted) setTimeout(() => void connect(chat), CONNECT_AGAIN).unref()
    }
  }
  let sweeping = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  const boards = seldom(BOARDS, () =>
    guarded(
      'showing boards',
      hands.during(() => showBoards(reporter)),
    ),
  )
  const purge = seldom(PURGE, () =>
    guarded(
      'purging the inbox',
      hands.during(() => store.purge(KEPT)).then(() => {}),
    ),
  )
  const turns = seldom(TURNS, () =>
    guarded(
      'taking turns',
      hands.during(async () => {
        await takeTurns(ears)
        await tellOfTurns(reporter)
      }),
    ),
  )
  const daily = seldom(DAILY_LOOK, () => guarded('anchoring the log', hands.during(parts.daily ?? (() => Promise.resolve()))))
  const round = (): void => {
    if (hears) {
      boards()
      purge()
      daily()
      turns()
    }
    sweeping = guarded(
      'the sweep',
      sweep({ store: hears ? store : { ...store, unanswered: () => Promise.resolve([]) }, ...begun }),
    ).then(() => {
      if (!stopping.signal.aborted) timer = setTimeout(round, SWEEP)
    })
  }

  return {
    async start() {
      await queue.work({
        ...(works ? { advance: run => guarded(`advancing ${run}`, forward(run)) } : {}),
        ...(hears ? { report: run => guarded(`reporting ${run}`, tell(run)) } : {}),
      })
      if (hears) await Promise.all([...chats.values()].map(connect))
      // What was going on when the last process ended goes on in sight.
      for (const run of await store.list('live', 1000)) await queue.nudge('report', run.id, run.seq)
      round()
    },
    async say(said) {
      if (await receive(said, ears)) await speak(said)
    },
    async quiet(orAt) {
      for (;;) {
        const state = orAt && (await store.load(orAt.run))?.steps.get(orAt.step)
        if (state && state.is !== 'pending' && state.is !== 'sent') return
        const { advance, report } = await store.overdue()
        const live = await store.list('live', 1000)
        if (
          hands.idle() &&
          advance.length === 0 &&
          report.length === 0 &&
          live.every(standsStill) &&
          !(hears && (await turnsDue(ears)))
        )
          return
        await hands.next(100)
      }
    },
    async answered() {
      while ((await store.waiting()).inbox.waiting > 0) await hands.next(50)
    },
    runs: () => store.list('all', 1000),
    async ready() {
      const { inbox, unreported } = await store.waiting()
      const slow = inbox.oldest > SLOW
      const change = await trust.policyChange()
      const states = (hears ? [...chats.values()] : []).map(chat => ({ name: chat.name, ...chat.health() }))
      const lines = [
        `database: ok`,
        `inbox: ${inbox.waiting} waiting${slow ? `, the oldest for ${Math.round(inbox.oldest / 1000)} s` : ''}`,
        `cards to be drawn: ${unreported}`,
        ...(change ? ['policy: the site file says otherwise than the one that holds; say `accept policy`'] : []),
        ...states.map(({ name, ok, says }) => `${name}: ${ok ? 'ok' : 'NOT OK'}, ${says}`),
      ]
      return { ok: !slow && states.every(({ ok }) => ok), lines }
    },
    async stop() {
      stopping.abort()
      if (timer) clearTimeout(timer)
      await sweeping
      await queue.stop()
      await hands.done()
      if (hears) for (const chat of chats.values()) await chat.stop()
      await devices.close()
    },
  }
}

/** A sentence that nobody has answered for so long: something is wrong with whoever should. */
const SLOW = 60_000

/** The channels that the site names for a chat. */
function channelsOf({ chats }: Site, chat: string): readonly string[] {
  if (chat === 'slack') return chats.slack?.channels ?? []
  return chat === 'discord' ? (chats.discord?.channels ?? []) : []
}
