import { digestOf } from '../domain/chain.ts'
import type { Card, Lane, Place, Post } from '../domain/chat.ts'
import type { Instant, Millis } from '../domain/ids.ts'
import { worthShowing } from '../domain/pace.ts'
import { clockTime } from '../domain/words.ts'
import { type Chat, NotShown } from '../ports/chat.ts'
import type { About, Posted, Shown, Store } from '../ports/store.ts'

/** One message that shows something, and may be edited for as long as that goes on. */
export interface Message {
  readonly about: About
  readonly key: string
  readonly card: Card
  readonly lane: Lane // of its news; a percentage alone goes in the last lane
  readonly at: Place
  readonly chat: Chat
  readonly now: Instant
  readonly still: () => boolean // is it still ours to show?
  readonly every: Millis // how often a mere percentage may be shown
}

/**
 * Makes a message show its card: posts it, edits it, or leaves it as it is. The same text is never sent twice, and a percentage
 * only when it is worth a call. A post that was begun and never noted is looked for before it is repeated. Throws NotShown.
 */
export async function showMessage(message: Message, posted: Posted | undefined, store: Store): Promise<Post> {
  const { about, key, chat, now } = message
  const card = dated(message)
  const shown = {
    still: digestOf(withoutMeter(card)),
    whole: digestOf(card),
    ...(card.meter?.done === undefined ? {} : { share: card.meter.done }),
  }
  if (!posted?.post) return first(message, card, shown, store)
  const lane = laneOf(message, posted.shown, shown)
  if (lane === undefined) return posted.post
  mine(message)
  try {
    await chat.edit(posted.post, card, lane)
  } catch (error) {
    if (!(error instanceof NotShown)) throw error
    // Nobody knows what it shows now: the next time it is edited whatever it is said to show.
    if (error.how === 'unclear') await store.endPost(about, key, posted.post)
    if (error.how !== 'gone') throw error
    // Somebody removed it. What shows a run is not anybody's to remove while it goes on.
    await store.losePost(about, key, posted.post)
    return first(message, card, shown, store)
  }
  await store.endPost(about, key, posted.post, shown)
  return posted.post

  function laneOf({ lane, every }: Message, before: Shown | undefined, after: Omit<Shown, 'at'>): Lane | undefined {
    if (before?.whole === after.whole) return undefined
    if (before?.still !== after.still) return lane
    return every === 0 || worthShowing(before, after.share, now, every) ? 'percent' : undefined
  }
}

async function first(message: Message, card: Card, shown: Omit<Shown, 'at'>, store: Store): Promise<Post> {
  const { about, key, chat, at, lane } = message
  const begins = await store.beginPost(about, key)
  const begun = begins ? undefined : (await store.posts(about)).get(key)?.begun
  const name = `${about}/${key}`
  const found = begun === undefined ? undefined : await chat.find(at, name, begun)
  // What was found may have been drawn long ago: it shows what it says only once it was edited.
  mine(message)
  const post = found ?? (await posting(chat, at, card, name, lane))
  await store.endPost(about, key, post, found ? undefined : shown)
  if (found) await chat.edit(found, card, lane)
  if (found) await store.endPost(about, key, post, shown)
  return post
}

/** Asked on the line above whatever leaves: after a freeze somebody else has shown it by now, and once is enough. */
function mine({ still }: Message): void {
  if (!still()) throw new NotShown('later', 'it is shown by somebody else now')
}

/** A card that the chat will not take is shown as little as can be: that there is something, and how it stands. */
async function posting(chat: Chat, at: Place, card: Card, name: string, lane: Lane): Promise<Post> {
  try {
    return await chat.post(at, card, name, lane)
  } catch (error) {
    if (!(error instanceof NotShown) || error.how !== 'refused') throw error
    return await chat.post(at, bare(card), name, lane)
  }
}

const bare = ({ title, tone, state, buttons }: Card): Card => ({
  title: title.slice(0, 100),
  tone,
  ...(state === undefined ? {} : { state: state.slice(0, 200) }),
  lines: ['The chat did not take the whole card. Say `show` and its name to see it.'],
  buttons: buttons.slice(0, 5),
})

const withoutMeter = ({ meter: _, ...still }: Card): Card => still

/** Where percentages are shown now and then, each says of when it is. */
const dated = ({ card, chat, now }: Message): Card =>
  card.meter && chat.perMinute !== undefined
    ? { ...card, meter: { ...card.meter, text: `${card.meter.text} (at ${clockTime(now)})` } }
    : card
