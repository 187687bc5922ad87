import { MessageFlags, type RawFile, Routes } from 'discord.js'
import { type Attached, type Card, filesOf, type Said } from '../../domain/chat.ts'
import { type Instant, type Millis, minutes } from '../../domain/ids.ts'
import { NotShown } from '../../ports/chat.ts'
import { type Calls, inChannel, inInteraction } from './calls.ts'
import { type Body, NOBODY, pagesOf, sentence } from './embed.ts'
import { few } from './few.ts'
import type { Reply } from './interactions.ts'
import { DISCORD, type DiscordSettings } from './settings.ts'
import { linkOf, nonceOf, pictureOf } from './showing.ts'
import { Named, Posted } from './wire.ts'

/** How a first answer was given, which decides where the second goes. */
type First = 'message' | 'press'

interface Open {
  readonly token: string
  readonly until: Instant
  readonly first: First
  readonly acknowledged: Promise<boolean> // false when Discord did not take our first answer
  answered: boolean
}

export interface Whispers {
  /** From now on what is whispered to that interaction goes through it, once `acknowledged` is true. */
  open(reply: Reply, first: First, acknowledged: Promise<boolean>): void
  whisper(to: Said, card: Card): Promise<void>
  forget(): void
}

/** Discord's tokens live for fifteen minutes; the last one is left to the clocks. */
const LIVES: Millis = minutes(14)
/** Unknown webhook, unknown interaction, invalid webhook token: the interaction is over. */
const OVER = [10_015, 10_062, 50_027] as const
const UNKNOWN_MESSAGE = 10_008
const INVALID_FORM = 50_035

/** What one person alone sees. Interaction tokens are kept here, in memory, and go nowhere else. */
export function whispering(settings: DiscordSettings, calls: Calls, now: () => Instant): Whispers {
  const tokens = few<Open>(5_000)

  /** Files that are not taken are no reason to leave out the words. */
  async function whisper(to: Said, card: Card): Promise<void> {
    const { files, missing } = filesOf(card)
    const told = { ...card, lines: [...card.lines, ...missing] }
    try {
      await send(to, told, files)
    } catch (error) {
      if (files.length === 0) throw error
      notTaken(error)
      const names = files.map(({ name }) => name).join(' and ')
      await send(to, { ...told, lines: [...told.lines, `Discord did not take ${names}.`] }, [])
    }
  }

  async function send(to: Said, card: Card, attached: readonly Attached[]): Promise<void> {
    const files = [...(pictureOf(card).files ?? []), ...attached.map(rawOf)]
    const pages = pagesOf(card, linkOf(card, settings)).map((page, n) =>
      n === 0 && attached.length > 0 ? listing(page, files) : page,
    )
    const open = tokens.get(to.id)
    if (open && now() < open.until && (await open.acknowledged) && (await through(open, to, pages, files))) return
    tokens.drop(to.id)
    const mentioned = open === undefined && to.on === undefined
    if (mentioned && (await replied(to, card, pages, files, attached.length === 0))) return
    await direct(to, pages, files)
  }

  /** False when the interaction is over. */
  async function through(open: Open, to: Said, pages: readonly Body[], files: readonly RawFile[]): Promise<boolean> {
    const base = { lane: 'answer', budgets: inInteraction(to.id), withoutToken: true } as const
    const [hook, original] = [
      Routes.webhook(settings.application, open.token),
      Routes.webhookMessage(settings.application, open.token),
    ]
    for (const [n, page] of pages.entries()) {
      const body = { ...page, ...(n === 0 ? { content: '' } : {}) }
      const first = n === 0 && files.length > 0 ? { files } : {}
      // The first answer to a command said that it was heard: what came of it takes its place.
      if (open.first === 'message' && !open.answered) {
        const code = await calls.tell({ ...base, verb: 'PATCH', route: original, body, ...first }, [...OVER, UNKNOWN_MESSAGE])
        open.answered = true
        if (code === undefined) continue
        if (code !== UNKNOWN_MESSAGE) return false
      }
      const flags = MessageFlags.Ephemeral
      const code = await calls.tell({ ...base, verb: 'POST', route: hook, body: { ...page, flags }, ...first }, OVER)
      if (code !== undefined) return false
    }
    return true
  }

  /**
   * A message has no answer that only its writer sees. What is harmless is answered in its channel; of anything else only the head is,
   * and the whole goes to the writer alone, as every file does. False when there is no such message.
   */
  async function replied(
    to: Said,
    card: Card,
    pages: readonly Body[],
    files: readonly RawFile[],
    harmless: boolean,
  ): Promise<boolean> {
    const calm = card.tone === 'calm' && harmless
    const elsewhere = calm ? true : await direct(to, pages, files).then(() => true, notTaken)
    const channel = to.at.thread ?? to.at.channel
    const original = to.edits ?? to.id
    const [first] = pages
    const rest = elsewhere
      ? 'The rest is in your direct messages.'
      : 'Say it with /signalbox: then you alone see the whole answer.'
    const what = calm ? { ...first } : { content: `${sentence(card.title)}\n${rest}` }
    const code = await calls.tell(
      {
        verb: 'POST',
        route: Routes.channelMessages(channel),
        lane: 'answer',
        budgets: inChannel('post', channel),
        body: {
          ...what,
          allowed_mentions: NOBODY,
          message_reference: { message_id: original, fail_if_not_exists: to.edits === undefined },
          nonce: nonceOf(`whisper ${to.id}`),
          enforce_nonce: true,
        },
        ...(calm && files.length > 0 ? { files } : {}),
      },
      to.edits === undefined ? [INVALID_FORM] : [],
    )
    return code === undefined || !calm
  }

  async function direct(to: Said, pages: readonly Body[], files: readonly RawFile[]): Promise<void> {
    const budgets = inChannel('post', `@${to.by}`)
    const opened = await calls.ask(
      {
        verb: 'POST',
        route: Routes.userChannels(),
        lane: 'answer',
        budgets,
        body: { recipient_id: to.by.slice(DISCORD.length + 1) },
      },
      Named,
    )
    if (opened.is === 'no') return
    const { id } = opened.value
    for (const [n, page] of pages.entries()) {
      const unique = { nonce: nonceOf(`direct ${to.id} ${n}`), enforce_nonce: true }
      const wanted = { verb: 'POST', route: Routes.channelMessages(id), lane: 'answer', budgets: inChannel('post', id) } as const
      await calls.ask({ ...wanted, body: { ...page, ...unique }, ...(n === 0 && files.length > 0 ? { files } : {}) }, Posted)
    }
  }

  return {
    open(reply, first, acknowledged) {
      tokens.put(reply.id, { token: reply.token, until: now() + LIVES, first, acknowledged, answered: false })
    },
    whisper,
    forget: () => tokens.clear(),
  }
}

const TYPES: readonly (readonly [string, string])[] = [
  ['.json', 'application/json'],
  ['.md', 'text/markdown'],
]

function rawOf({ name, text }: Attached): RawFile {
  const type = TYPES.find(([end]) => name.endsWith(end))?.[1] ?? 'text/plain'
  return { name, data: Buffer.from(text, 'utf8'), contentType: `${type}; charset=utf-8` }
}

const listing = (page: Body, files: readonly RawFile[]): Body => ({
  ...page,
  attachments: files.map(({ name }, n) => ({ id: String(n), filename: name })),
})

/** Whoever takes no direct messages is told so in the channel. */
function notTaken(error: unknown): false {
  if (error instanceof NotShown && (error.how === 'closed' || error.how === 'refused')) return false
  throw error
}
