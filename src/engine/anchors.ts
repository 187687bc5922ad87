import {
  type Adrift,
  type Anchored,
  adrift,
  anchoredOf,
  anchorLine,
  anchorsIn,
  anchorsOf,
  dayOf,
  moored,
} from '../domain/anchor.ts'
import { HOUSE } from '../domain/chain.ts'
import type { Card, Place } from '../domain/chat.ts'
import type { BoardId, Millis } from '../domain/ids.ts'
import { type Chat, NotShown } from '../ports/chat.ts'
import { Forged, type Store } from '../ports/store.ts'
import { showMessage } from './show.ts'

export interface Anchoring {
  readonly store: Store
  readonly chats: ReadonlyMap<string, Chat>
  readonly place?: Place // where anchors are posted; absent: nowhere
  readonly file?: AnchorFile
  /** For whoever runs the bot: an anchor that cannot be kept, or a log that is not what was anchored. */
  complain(what: string, error: unknown): void
}

/** Anchors outside the database: one line each, never changed. */
export interface AnchorFile {
  /** Oldest first; none where there is no file yet. */
  lines(): Promise<readonly string[]>
  /** Durable when it resolves. A line that a crash cut short before stays a line of its own. */
  append(lines: readonly string[]): Promise<void>
}

/** What the messages about anchors belong to: no run, and no board that is taken down again. */
const ANCHORS = 'anchors' as BoardId
/** How long whoever anchors may be silent before somebody else does. */
const TELLING: Millis = 15_000

/**
 * Anchors the log once a day, by the database's clock in UTC: the anchor is written into the ledger first, then into the file and to
 * the chat, which the next call makes up for if this process dies between. May be called at any time by any number of processes.
 * Answers with the latest anchor there is; undefined while another process is at it.
 */
export async function anchor(parts: Anchoring): Promise<Anchored | undefined> {
  return parts.store.telling(ANCHORS, TELLING, async still => {
    const { store } = parts
    const trouble = [...(await dropped(parts)), ...(await filed(parts))]
    for (const what of trouble) parts.complain('the anchors of the log', new Error(what))
    const latest = (await anchors(store)).at(-1)
    if (!latest) return undefined
    await posted(`anchor-${latest.day}`, anchorCard(latest), still, parts)
    const today = dayOf(await store.now())
    if (trouble.length > 0) await posted(`anchor-alarm-${today}`, alarmCard(today, trouble), still, parts)
    return latest
  })
}

/** Writes today's anchor, if there is none yet. What was anchored and is gone is said each time, and never anchored anew. */
async function dropped({ store }: Anchoring): Promise<readonly string[]> {
  try {
    return await droppedIn(store)
  } catch (error) {
    // The ledger is not ours any more. Nothing is anchored then, and people have to know.
    if (error instanceof Forged) return [error.message]
    throw error
  }
}

async function droppedIn(store: Store): Promise<readonly string[]> {
  const { anchorage, bad } = moored(await anchors(store))
  // Nothing can hang from an anchor that was tampered with: the next one would make it look whole.
  if (bad) return [`An anchor in the ledger was tampered with: ${bad.why}. Say: signalbox audit verify.`]
  const heads = await store.heads()
  await store.keep((ledger, now) => {
    const last = ledger.anchors.at(-1)
    const today = dayOf(now)
    // Another process may have anchored since this one read.
    return last?.digest === anchorage.digest && (last?.day ?? '') < today ? anchorsOf(heads, today, anchorage) : []
  })
  return adrift(heads, anchorage).map(lostWords)
}

const lostWords = ({ run, anchored, now }: Adrift): string => {
  const what = run === HOUSE ? 'The ledger' : run
  if (now === anchored) return `${what} was written anew: its entry ${now} is another one than was anchored.`
  return `${what} was anchored with ${anchored} entries and ${now === 0 ? 'is gone' : `has ${now} now`}.`
}

/** Makes the file have every anchor of the ledger; unless it has one that the ledger does not have, which is why it is there. */
async function filed({ store, file, complain }: Anchoring): Promise<readonly string[]> {
  if (!file) return []
  try {
    const ledger = await anchors(store)
    const kept = anchorsIn(await file.lines())
    const unknown = kept.find(one => !ledger.some(({ digest }) => digest === one.digest))
    if (unknown)
      return [
        `The file of anchors has one of ${unknown.day} that the database does not have: the database was written anew, or is another one. If that is as it should be, move the file away.`,
      ]
    const missing = ledger.filter(one => !kept.some(({ digest }) => digest === one.digest))
    if (missing.length > 0) await file.append(missing.map(anchorLine))
    return []
  } catch (error) {
    complain('keeping the anchors in their file', error)
    return []
  }
}

async function anchors(store: Store): Promise<readonly Anchored[]> {
  const found: Anchored[] = []
  for await (const { run, type, data } of store.entries(HOUSE)) {
    const anchored = run === HOUSE && type === 'anchored' ? anchoredOf(data) : undefined
    if (anchored) found.push(anchored)
  }
  return found
}

async function posted(key: string, card: Card, still: () => boolean, parts: Anchoring): Promise<void> {
  const { store, chats, place, complain } = parts
  const chat = place && chats.get(place.chat)
  // The chat is not connected here: another role of the house posts it.
  if (!place || !chat) return
  const known = (await store.posts(ANCHORS)).get(key)
  if (known?.post) return
  try {
    const now = await store.now()
    await showMessage({ about: ANCHORS, key, card, lane: 'end', at: place, chat, now, still, every: 0 }, known, store)
  } catch (error) {
    // Nothing waits for it: the next call posts it, or finds that it was posted.
    if (!(error instanceof NotShown)) throw error
    complain(`posting ${key}`, error)
  }
}

const anchorCard = ({ day, runs, entries, digest }: Anchored): Card => ({
  title: `Anchor of the log, ${day}`,
  tone: 'calm',
  lines: [
    `${runs} ${runs === 1 ? 'run' : 'runs'}, ${entries} entries`,
    `Digest ${digest}`,
    'Whoever changes what was written before this cannot change this message: `signalbox audit verify` says the digest that the log has.',
  ],
  buttons: [],
})

const MOST = 10
const alarmCard = (day: string, trouble: readonly string[]): Card => ({
  title: `The log is not what was anchored (${day})`,
  tone: 'bad',
  lines: [
    ...trouble.slice(0, MOST),
    ...(trouble.length > MOST ? [`And ${trouble.length - MOST} more.`] : []),
    'Keep the database and the file of anchors as they are, and say: signalbox audit verify --anchors FILE',
  ],
  buttons: [],
})
