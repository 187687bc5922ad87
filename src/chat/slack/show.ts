import { z } from 'zod'
import { type Card, discreet, filesOf, type Lane, type Place, type Post, type Said } from '../../domain/chat.ts'
import type { Handle, Instant } from '../../domain/ids.ts'
import { type Chat, NotShown } from '../../ports/chat.ts'
import { drawn, pages } from './blocks.ts'
import { withChannelNames } from './channel-names.ts'
import { uploaded } from './files.ts'
import type { Finder } from './find.ts'
import { latest, showPicture } from './picture.ts'
import { ringing } from './ringing.ts'
import { SLACK } from './settings.ts'
import type { Standings } from './standing.ts'
import type { Wire } from './wire.ts'

/** Nothing in a message of ours is expanded, linked or announced by Slack: what it says is what was written. */
const PLAIN = { parse: 'none', link_names: false } as const
const UNUNFURLED = { unfurl_links: false, unfurl_media: false } as const

export interface ShowParts {
  readonly wire: Wire
  readonly standings: Standings
  readonly finder: Finder
  readonly channels: readonly string[] // those that the site names
  log(line: string): void
}

/** What the bot shows in Slack. Each of these throws NotShown, and nothing else. */
export function shows({ wire, standings, finder, channels, log }: ShowParts): Pick<Chat, 'post' | 'find' | 'edit' | 'whisper'> {
  const links = permalinks(wire)
  /** Keys of messages found after a crash, whose pictures may be missing; and since when. */
  const found = new Map<string, { readonly key: string; readonly since: Instant }>()

  async function post(at: Place, card: Card, key: string, lane: Lane): Promise<Post> {
    const seen = await seenIn(at.channel, card)
    const { blocks, text } = await drawnFor(seen)
    const metadata = { event_type: 'signalbox', event_payload: { key } }
    const args = { channel: at.channel, text, blocks: [...blocks, ...ringing(seen)], metadata, ...PLAIN, ...UNUNFURLED }
    const ts = await send(args, at.thread, lane)
    const message = { ...at, message: ts }
    if (card.chart) await pictured(message, card.chart, key, lane)
    return message
  }

  /** A thread whose beginning was removed takes no more answers; what rings is then said in the channel itself. */
  async function send(args: Readonly<Record<string, unknown>>, thread: string | undefined, lane: Lane): Promise<string> {
    const how = { lane, purpose: 'post' } as const
    if (thread === undefined) return tsOf(await wire.call('chat.postMessage', args, how))
    try {
      return tsOf(await wire.call('chat.postMessage', { ...args, thread_ts: thread, reply_broadcast: false }, how))
    } catch (error) {
      if (!(error instanceof NotShown) || error.how !== 'gone') throw error
      return tsOf(await wire.call('chat.postMessage', args, how))
    }
  }

  /** The words are there; a picture that does not come is a pity, and no reason to say them again. */
  async function pictured(post: Post, chart: NonNullable<Card['chart']>, key: string, lane: Lane): Promise<void> {
    if ((await standings.place(post.channel)) === 'shared') return
    try {
      await showPicture({ ...post, thread: post.thread ?? post.message }, chart, key, lane, wire)
    } catch (error) {
      if (!(error instanceof NotShown)) throw error
      log(`the picture of ${key} is missing: ${error.message}`)
    }
  }

  async function find(at: Place, key: string, since: Instant): Promise<Post | undefined> {
    const { thread: _, ...channel } = at
    // Where its thread was gone, it was said in the channel.
    const post =
      (await finder.message(at, key, since)) ?? (at.thread === undefined ? undefined : await finder.message(channel, key, since))
    if (post) found.set(nameOf(post), { key, since })
    return post
  }

  async function edit(post: Post, card: Card, lane: Lane): Promise<void> {
    const { blocks, text } = await drawnFor(await seenIn(post.channel, card))
    await wire.call('chat.update', { channel: post.channel, ts: post.message, text, blocks, ...PLAIN }, { lane, purpose: 'edit' })
    const before = found.get(nameOf(post))
    found.delete(nameOf(post))
    if (!before || !card.chart) return
    const thread = { ...post, thread: post.thread ?? post.message }
    if (!(await finder.picture(thread, before.key, before.since))) await pictured(post, card.chart, before.key, lane)
  }

  const seenIn = async (channel: string, card: Card): Promise<Card> =>
    (await standings.place(channel)) === 'shared' ? discreet(card) : card
  const drawnFor = async (seen: Card) => withChannelNames(drawn(seen, await links.to(seen.where)), channels)

  const paged = (card: Card, link: string | undefined) => pages(card, link).map(page => withChannelNames(page, channels))

  async function whisper(to: Said, card: Card): Promise<void> {
    await whispered(to, card.attached ? { ...card, lines: [...card.lines, ...(await handed(to, card))] } : card)
  }

  /** A file is seen by all of its channel, so whoever asked finds it in their own conversation with the bot; what to tell them of it. */
  async function handed({ at, by }: Said, card: Card): Promise<readonly string[]> {
    const { files, missing } = filesOf(card)
    if (files.length === 0) return missing
    if (at.channel.startsWith('D')) return [...missing, ...(await uploaded(at, files, wire))]
    const how = { lane: 'answer', purpose: 'whisper' } as const
    const { blocks, text } = drawn({ title: card.title, tone: card.tone, lines: [], buttons: [] })
    const args = { channel: userOf(by), text, blocks, ...PLAIN, ...UNUNFURLED }
    const channel = channelOf(await wire.call('chat.postMessage', args, how))
    const lost = await uploaded({ chat: SLACK, channel }, files, wire)
    return [...missing, ...lost, ...(lost.length < files.length ? ['Its files are in your direct messages with me.'] : [])]
  }

  async function whispered(to: Said, card: Card): Promise<void> {
    const { channel, thread } = to.at
    const user = userOf(to.by)
    const link = await links.to(card.where)
    const how = { lane: 'answer', purpose: 'whisper' } as const
    if (channel.startsWith('home:')) {
      const blocks = paged(card, link).flatMap(page => page.blocks)
      await wire.call('views.publish', { user_id: user, view: { type: 'home', blocks: blocks.slice(0, 100) } }, how)
      return
    }
    const place = card.chart ? await standings.place(channel) : undefined
    if (card.chart && (place === 'work' || place === 'direct')) return await showPicture(to.at, card.chart, to.id, 'answer', wire)
    // A picture cannot be shown to one person alone; its figures can.
    const said = card.chart
      ? { ...card, lines: [...card.lines, ...latest(card.chart), 'Ask in a channel for work to see the picture.'] }
      : card
    const where = thread === undefined ? {} : { thread_ts: thread }
    for (const { blocks, text } of paged(said, link)) {
      const args = { text, blocks, ...PLAIN }
      if (channel.startsWith('D')) await wire.call('chat.postMessage', { channel, ...where, ...args, ...UNUNFURLED }, how)
      else await aside(channel, user, where, args)
    }
  }

  /** Only the speaker sees it. Where the bot is not, as after a slash command in a foreign channel, it is told in private. */
  async function aside(channel: string, user: string, where: object, args: object): Promise<void> {
    const how = { lane: 'answer', purpose: 'whisper' } as const
    try {
      await wire.call('chat.postEphemeral', { channel, user, ...where, ...args }, how)
    } catch (error) {
      if (!(error instanceof NotShown) || error.how !== 'closed') throw error
      await wire.call('chat.postMessage', { channel: user, ...args, ...UNUNFURLED }, how)
    }
  }

  return { post, find, edit, whisper }
}

const userOf = (handle: Handle): string => handle.slice(SLACK.length + 1)
const nameOf = ({ channel, message }: Post): string => `${channel}/${message}`

function channelOf(answer: unknown): string {
  const channel = z.object({ channel: z.string() }).safeParse(answer).data?.channel
  if (channel === undefined) throw new NotShown('later', 'Slack did not say where it put a direct message')
  return channel
}

function tsOf(answer: unknown): string {
  const ts = z.object({ ts: z.string() }).safeParse(answer).data?.ts
  if (ts === undefined) throw new NotShown('unclear', 'Slack did not say what it calls the message')
  return ts
}

/** Links to messages, which never change; asked for once each. Without one, the channel is better than nothing. */
function permalinks(wire: Wire) {
  const known = new Map<string, string>()
  return {
    async to(post: Post | undefined): Promise<string | undefined> {
      if (!post) return undefined
      if (post.chat !== SLACK) return `Its card is in ${post.chat === 'discord' ? 'Discord' : 'the other chat'}.`
      const inChannel = /^[CG][A-Z0-9]+$/.test(post.channel) ? ` in <#${post.channel}>` : ''
      const link = known.get(nameOf(post)) ?? (await ask(post))
      return link === undefined ? `Its card is${inChannel}.` : `<${link}|Its card>${inChannel}`
    },
  }

  async function ask(post: Post): Promise<string | undefined> {
    try {
      const answer = await wire.call(
        'chat.getPermalink',
        { channel: post.channel, message_ts: post.message },
        { lane: 'answer', purpose: 'question' },
      )
      const link = z.object({ permalink: z.url({ protocol: /^https?$/ }) }).safeParse(answer).data?.permalink
      if (link === undefined || /[|<>\s]/.test(link)) return undefined
      if (known.size > 1_000) known.clear()
      known.set(nameOf(post), link)
      return link
    } catch (error) {
      if (error instanceof NotShown) return undefined
      throw error
    }
  }
}
