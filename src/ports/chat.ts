import type { Card, Place, Post, Said } from '../domain/chat.ts'

export interface Chat {
  readonly name: string // "slack"
  /** `hear` resolves once the sentence is durable: only then may the chat acknowledge it. */
  start(hear: (said: Said) => Promise<void>): Promise<void>
  post(at: Place, card: Card, key: string): Promise<Post>
  find(at: Place, key: string): Promise<Post | undefined> // did we post it, before we crashed?
  edit(post: Post, card: Card): Promise<void>
  whisper(to: Said, card: Card): Promise<void> // only the speaker sees it
  stop(): Promise<void>
}
