import { boardCard, clearedBoard, ON_A_BOARD } from '../domain/board.ts'
import type { Card, Place } from '../domain/chat.ts'
import type { BoardId, Instant, Millis } from '../domain/ids.ts'
import { interval } from '../domain/pace.ts'
import type { Run } from '../domain/run.ts'
import { type Chat, NotShown } from '../ports/chat.ts'
import type { Reporter } from './report.ts'
import { showMessage } from './show.ts'

/** How long whoever shows the boards may be silent before somebody else does. */
const TELLING: Millis = 5_000
const KEY = 'board'

interface Board {
  readonly id: BoardId
  readonly at: Place
  readonly card: Card
}

/** Makes the boards show what runs. Called now and then; does next to nothing while each run has room for a card of its own. */
export async function showBoards(reporter: Reporter): Promise<void> {
  const { store, chats, crowd } = reporter
  const there = await store.boards()
  const crowded = [...chats.values()].filter(chat => crowd.crowded(chat))
  if (there.length === 0 && crowded.length === 0) return
  const now = await store.now()
  const runs = crowded.length > 0 ? await store.list('live', 1000) : []
  for (const chat of chats.values()) {
    if (chat.perMinute === undefined) continue
    const wanted = crowd.crowded(chat) ? boardsOf(chat, runs, now, reporter) : []
    const every = interval(wanted.length, chat.perMinute)
    for (const board of wanted) await shown(board, chat, every, now, reporter)
    for (const id of there)
      if (id.startsWith(`board:${chat.name}/`) && !wanted.some(board => board.id === id)) await cleared(id, chat, reporter)
  }
}

/** The boards of a chat: one for each channel with runs that show progress, and more where one has no room for all. */
function boardsOf(chat: Chat, runs: readonly Run[], now: Instant, { crowd }: Reporter): readonly Board[] {
  return [...crowd.channels(chat)].flatMap(([channel, ids]) => {
    const here = runs.filter(run => ids.has(run.id)).reverse()
    const pages = Math.ceil(here.length / ON_A_BOARD)
    return Array.from({ length: pages }, (_, n) => ({
      id: `board:${chat.name}/${channel}/${n + 1}` as BoardId,
      at: { chat: chat.name, channel },
      card: boardCard(here.slice(n * ON_A_BOARD, (n + 1) * ON_A_BOARD), n + 1, pages, now),
    }))
  })
}

async function shown({ id, at, card }: Board, chat: Chat, every: Millis, now: Instant, reporter: Reporter): Promise<void> {
  const { store } = reporter
  await guarded(id, reporter, () =>
    store.telling(id, TELLING, async still => {
      const posted = (await store.posts(id)).get(KEY)
      if (posted?.shown && now - posted.shown.at < every) return
      await showMessage({ about: id, key: KEY, card, lane: 'percent', at, chat, now, still, every: 0 }, posted, store)
    }),
  )
}

async function cleared(id: BoardId, chat: Chat, reporter: Reporter): Promise<void> {
  const { store } = reporter
  await guarded(id, reporter, () =>
    store.telling(id, TELLING, async () => {
      const post = (await store.posts(id)).get(KEY)?.post
      if (!post) return
      await chat.edit(post, clearedBoard, 'percent')
      await store.losePost(id, KEY, post)
    }),
  )
}

/** A board that cannot be shown now is shown the next time, or not at all: nothing depends on it. */
async function guarded(id: BoardId, { complain, store }: Reporter, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof NotShown)) throw error
    const post = (await store.posts(id)).get(KEY)?.post
    if (post && (error.how === 'gone' || error.how === 'closed' || error.how === 'revoked')) await store.losePost(id, KEY, post)
    complain(`showing ${id}`, error)
  }
}
