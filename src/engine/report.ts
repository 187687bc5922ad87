import type { Card, Lane, Place } from '../domain/chat.ts'
import { draw } from '../domain/draw.ts'
import type { Instant, Millis, RunId } from '../domain/ids.ts'
import type { Policy } from '../domain/policy.ts'
import { type Ring, rings } from '../domain/rings.ts'
import { type Run, reviewOpen, saysObstacle } from '../domain/run.ts'
import { chartOf } from '../domain/run-chart.ts'
import { type Chat, NotShown } from '../ports/chat.ts'
import type { Posted, Store } from '../ports/store.ts'
import { audience, mirrored, nameOf, rousing, type Seat, standIn } from './audience.ts'
import type { Crowd } from './crowd.ts'
import { showMessage } from './show.ts'
import { callsOf } from './wake.ts'

export interface Reporter {
  readonly store: Store
  readonly chats: ReadonlyMap<string, Chat>
  readonly fallback?: Place
  readonly crowd: Crowd
  /** Who may do what: those who could answer are mentioned. Nobody is where it is absent. */
  policy?(): Promise<Policy>
  /** For whoever runs the bot: where nothing can be shown any more. */
  complain(what: string, error: unknown): void
}

/** How long the one who tells may be silent before somebody else tells. */
const TELLING: Millis = 5_000

/** Makes the chats show a run as it is now. Ten calls or one make the same card; a run that moved meanwhile is drawn again. */
export async function report(id: RunId, reporter: Reporter): Promise<void> {
  await reporter.store.telling(id, TELLING, async still => {
    for (;;) {
      const run = await reporter.store.load(id)
      if (!run) return
      if (!(await tell(run, still, reporter)) || !still()) return
      await reporter.store.reported(id, run.seq)
      const after = await reporter.store.load(id)
      if (!after || (after.seq === run.seq && waitsOf(after) === waitsOf(run))) return
    }
  })
}

/** What a run waits for is no event: that it began to wait while its card was drawn does not show in its seq. */
const waitsOf = ({ waitsFor }: Run): string | undefined => waitsFor && saysObstacle(waitsFor)

/** False when it has to be told again: a chat takes nothing now, or nobody knows whether it took something. */
async function tell(run: Run, still: () => boolean, reporter: Reporter): Promise<boolean> {
  const { store, crowd, fallback } = reporter
  const now = await store.now()
  if (unattended(run, now) && (await store.posts(run.id)).size === 0 && !(await followed(run, now, store))) return true
  const card = draw(run, now)
  crowd.note(run, card.meter !== undefined)
  const [own, ...others] = audience(run, await store.follows(), await store.quiets(), now)
  const scene = { run, now, still, posts: await store.posts(run.id), reporter }
  const shown = own === undefined ? 'shown' : await seated(own, card, scene)
  const substitute = fallback && standIn(fallback)
  const stood = substitute && scene.posts.has(`card${substitute.key}`)
  const results = [shown]
  // What stood in for the run's own channel goes on showing it, or its buttons would speak of what is long over.
  if (substitute && (shown === 'closed' || stood)) results.push(await seated(substitute, card, scene))
  for (const seat of others) if (seat.key !== substitute?.key) results.push(await seated(seat, mirrored(card, run.place), scene))
  return !results.includes('again')
}

/** What came by itself and calls for nobody has no card of its own: `show schedules` lists it, and a channel that is told of it every quarter of an hour is read by nobody. */
const unattended = (run: Run, now: Instant): boolean =>
  run.schedule !== undefined && (run.outcome === 'succeeded' ? !reviewOpen(run) : rings(run, now).length === 0)

const followed = async (run: Run, now: Instant, store: Store): Promise<boolean> =>
  audience(run, await store.follows(), await store.quiets(), now).length > 1

interface Scene {
  readonly run: Run
  readonly now: Instant
  readonly still: () => boolean
  readonly posts: ReadonlyMap<string, Posted>
  readonly reporter: Reporter
}

/** The run goes on whether anybody can be shown it or not. */
async function seated(seat: Seat, card: Card, scene: Scene): Promise<'shown' | 'closed' | 'again'> {
  const { run, now, reporter } = scene
  const { crowd, chats } = reporter
  const { place } = seat
  const chat = chats.get(place.chat)
  // The chat is not connected here: another role of the house shows it.
  if (!chat) return seat.key === '' ? 'again' : 'shown'
  if (crowd.waits(place.chat, now) || crowd.waits(run.id, now)) return 'again'
  if (crowd.waits(nameOf(place), now)) return 'closed'
  try {
    await showAll(seat, card, chat, scene)
    return 'shown'
  } catch (error) {
    if (!(error instanceof NotShown)) throw error
    reporter.complain(`showing ${run.id} in ${nameOf(place)}`, error)
    switch (error.how) {
      case 'later':
        crowd.wait(place.chat, now + Math.max(error.after, SOON))
        return 'again'
      case 'unclear':
        crowd.wait(run.id, now + SOON)
        return 'again'
      case 'closed':
      case 'revoked':
        crowd.wait(nameOf(place), now + CLOSED)
        return 'closed'
      case 'gone':
      case 'refused':
        return 'shown'
    }
  }
}

/** A chat that answered nothing is not asked again at once. */
const SOON: Millis = 2_000
/** A channel that took nothing is asked again after so long: somebody may have let us in. */
const CLOSED: Millis = 60_000

async function showAll(
  seat: Seat,
  card: Card,
  chat: Chat,
  { run, now, still, posts, reporter: { store, crowd, policy } }: Scene,
): Promise<void> {
  const message = { about: run.id, at: seat.place, chat, now, still, every: crowd.every(chat) }
  const key = `card${seat.key}`
  const shown = await showMessage({ ...message, key, card, lane: laneOf(run, card) }, posts.get(key), store)
  const thread = { ...seat.place, thread: seat.place.thread ?? shown.message }
  for (const ring of rings(run, now)) {
    const key = `${ring.key}${seat.key}`
    if (posts.get(key)?.post || (seat.quiet && !rousing(ring))) continue
    const calls = policy ? callsOf(ring, run, await policy(), chat.name) : []
    const card = { ...pictured(ring, run), ...(calls.length > 0 ? { calls } : {}) }
    await showMessage({ ...message, at: thread, key, card, lane: run.outcome ? 'end' : 'answer' }, posts.get(key), store)
  }
}

/** What people wait for goes before what they merely watch. */
function laneOf(run: Run, { tone }: Card): Lane {
  if (run.outcome) return 'end'
  return tone === 'waiting' || tone === 'bad' ? 'answer' : 'transition'
}

/** Long enough that people want to look at how it went. */
const LONG: Millis = 10 * 60_000

/** The end of a long run comes with the picture of it. */
function pictured({ card }: Ring, run: Run): Card {
  const long = run.outcome !== undefined && (run.endedAt ?? run.startedAt) - run.startedAt >= LONG
  const chart = long ? chartOf(run) : undefined
  return chart ? { ...card, chart } : card
}

/** One report of a run at a time in this process; what asks meanwhile is served by one more round. */
export function oneAtATime(work: (id: RunId) => Promise<void>): (id: RunId) => Promise<void> {
  const running = new Map<RunId, { again: boolean; done: Promise<void> }>()
  return id => {
    const current = running.get(id)
    if (current) {
      current.again = true
      return current.done
    }
    const state = { again: false, done: Promise.resolve() }
    const round = async (): Promise<void> => {
      try {
        do {
          state.again = false
          await work(id)
        } while (state.again)
      } finally {
        running.delete(id)
      }
    }
    state.done = round()
    running.set(id, state)
    return state.done
  }
}
