import type { Card, Lane, Place, Post, Said, Standing } from '../../src/domain/chat.ts'
import type { Handle } from '../../src/domain/ids.ts'
import { type Chat, NotShown } from '../../src/ports/chat.ts'

/** A chat in memory: what was posted stays there, whoever asks for it and however often this process has died since. */
export interface FakeChat extends Chat {
  readonly messages: { readonly post: Post; readonly key: string; readonly lane: Lane; card: Card; edits: number; gone?: true }[]
  readonly whispers: { readonly to: Said; readonly card: Card }[]
  readonly lanes: Lane[] // of each edit, in order
  perMinute?: number
  standing: (said: Said) => Promise<Standing>
  /** Called before anything reaches the chat; throwing here is a chat that is away. */
  before: (what: 'post' | 'edit' | 'find' | 'whisper', key: string, at: Place) => void | Promise<void>
  card(key: string): Card | undefined
  /** Everything of ours that anybody could read in it. */
  text(): string
}

export function fakeChat(name = 'console', perMinute?: number): FakeChat {
  const messages: FakeChat['messages'] = []
  const whispers: FakeChat['whispers'] = []
  const lanes: Lane[] = []
  const chat: FakeChat = {
    name,
    messages,
    whispers,
    lanes,
    ...(perMinute === undefined ? {} : { perMinute }),
    standing: () => Promise.resolve({ speaker: 'member', place: 'work' }),
    health: () => ({ ok: true, says: 'in memory' }),
    before: () => {},
    card: key => messages.find(message => message.key === key)?.card,
    text: () => JSON.stringify([messages, whispers.map(({ card }) => card)]),
    start: () => Promise.resolve(),
    async post(at: Place, card: Card, key: string, lane: Lane) {
      await chat.before('post', key, at)
      const post = { ...at, message: `m${messages.length + 1}` }
      messages.push({ post, key, lane, card, edits: 0 })
      return post
    },
    async find(at, key) {
      await chat.before('find', key, at)
      return messages.find(message => message.key === key && !message.gone)?.post
    },
    async edit(post, card, lane) {
      const message = messages.find(one => one.post.message === post.message)
      if (!message || message.gone) throw new NotShown('gone', `there is no message ${post.message}`)
      await chat.before('edit', message.key, post)
      message.card = card
      message.edits++
      lanes.push(lane)
    },
    async whisper(to, card) {
      await chat.before('whisper', to.id, to.at)
      whispers.push({ to, card })
    },
    stop: () => Promise.resolve(),
  }
  return chat
}

export const said = (text: string, by = 'console:olga', id = `id of ${text}`): Said => ({
  id,
  text,
  by: by as Handle,
  at: { chat: 'console', channel: 'here' },
})
