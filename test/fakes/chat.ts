import type { Card, Place, Post, Said } from '../../src/domain/chat.ts'
import type { Handle } from '../../src/domain/ids.ts'
import type { Chat } from '../../src/ports/chat.ts'

/** A chat in memory: what was posted stays there, whoever asks for it and however often this process has died since. */
export interface FakeChat extends Chat {
  readonly messages: { readonly post: Post; readonly key: string; card: Card; edits: number }[]
  readonly whispers: { readonly to: Said; readonly card: Card }[]
  /** Called before anything reaches the chat; throwing here is a chat that is away. */
  before: (what: 'post' | 'edit' | 'find' | 'whisper', key: string) => void | Promise<void>
  card(key: string): Card | undefined
  /** Everything of ours that anybody could read in it. */
  text(): string
}

export function fakeChat(name = 'console'): FakeChat {
  const messages: FakeChat['messages'] = []
  const whispers: FakeChat['whispers'] = []
  const chat: FakeChat = {
    name,
    messages,
    whispers,
    before: () => {},
    card: key => messages.find(message => message.key === key)?.card,
    text: () => JSON.stringify([messages, whispers.map(({ card }) => card)]),
    start: () => Promise.resolve(),
    async post(at: Place, card: Card, key: string) {
      await chat.before('post', key)
      const post = { ...at, message: `m${messages.length + 1}` }
      messages.push({ post, key, card, edits: 0 })
      return post
    },
    async find(_, key) {
      await chat.before('find', key)
      return messages.find(message => message.key === key)?.post
    },
    async edit(post, card) {
      const message = messages.find(one => one.post.message === post.message)
      if (!message) throw new Error(`there is no message ${post.message}`)
      await chat.before('edit', message.key)
      message.card = card
      message.edits++
    },
    async whisper(to, card) {
      await chat.before('whisper', to.id)
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
