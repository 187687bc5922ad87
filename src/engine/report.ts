import type { Card, Place, Post } from '../domain/chat.ts'
import { draw } from '../domain/draw.ts'
import type { RunId } from '../domain/ids.ts'
import { rings } from '../domain/rings.ts'
import type { Chat } from '../ports/chat.ts'
import type { Store } from '../ports/store.ts'

export interface Reporter {
  readonly store: Store
  readonly chats: ReadonlyMap<string, Chat>
}

/** Makes the chat show a run as it is now. Ten calls or one make the same card; a run that moved meanwhile is drawn again. */
export async function report(id: RunId, { store, chats }: Reporter): Promise<void> {
  for (;;) {
    const run = await store.load(id)
    if (!run) return
    const chat = chats.get(run.place.chat)
    // The chat is not connected here: another role of the house shows it.
    if (!chat) return
    const now = await store.now()
    const card = await place(id, 'card', draw(run, now), run.place, chat, store)
    for (const ring of rings(run, now)) {
      const posts = await store.posts(id)
      if (!posts.get(ring.key))
        await place(id, ring.key, ring.card, { ...run.place, thread: run.place.thread ?? card.message }, chat, store)
    }
    await store.reported(id, run.seq)
    const after = await store.load(id)
    if (!after || after.seq === run.seq) return
  }
}

/** Edits the message that has this key, or posts it. A post that was begun and never noted is looked for before it is repeated. */
async function place(id: RunId, key: string, card: Card, at: Place, chat: Chat, store: Store): Promise<Post> {
  const known = (await store.posts(id)).get(key)
  if (known) {
    await chat.edit(known, card)
    return known
  }
  const mine = await store.beginPost(id, key)
  const found = mine ? undefined : await chat.find(at, `${id}/${key}`)
  const post = found ?? (await chat.post(at, card, `${id}/${key}`))
  await store.endPost(id, key, post)
  return post
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
