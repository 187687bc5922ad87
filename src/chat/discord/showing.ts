import { createHash } from 'node:crypto'
import { MessageFlags, type RawFile, Routes } from 'discord.js'
import type { Card, Lane, Place, Post } from '../../domain/chat.ts'
import { type Instant, minutes, seconds } from '../../domain/ids.ts'
import { pngOf } from '../../picture/png.ts'
import type { Chat } from '../../ports/chat.ts'
import { NotShown } from '../../ports/chat.ts'
import { type Calls, inChannel } from './calls.ts'
import { bodyOf, CHART, footerOf } from './embed.ts'
import { few } from './few.ts'
import { ringing } from './ringing.ts'
import { DISCORD, type DiscordSettings } from './settings.ts'
import { later, snowflakeAt, timeOf } from './snowflake.ts'
import { bringBack, makeThread } from './thread.ts'
import { Message, Messages, Posted } from './wire.ts'

const UNKNOWN_CHANNEL = 10_003
const UNKNOWN_MESSAGE = 10_008
const ARCHIVED = 50_083
/** Pages of a hundred messages that are looked through for one of ours. */
const PAGES = 10
const PAGE = 100

/** Everything that is shown to all of a channel: with the bot's own token, as a run outlives every interaction. */
export function showing(
  settings: DiscordSettings,
  calls: Calls,
  self: () => Promise<string>,
  now: () => Instant,
): Pick<Chat, 'post' | 'find' | 'edit'> {
  /** The footers of messages that are edited: an edit replaces the whole embed. */
  const footers = few<string>(5_000)

  async function post(at: Place, card: Card, key: string, lane: Lane): Promise<Post> {
    if (at.thread === undefined) return send(at, card, key, lane)
    const there = await sendTo(at.thread, card, key, lane, [UNKNOWN_CHANNEL])
    if (there !== undefined) return { ...at, message: there }
    if (!(await makeThread(calls, at.channel, at.thread, lane)))
      return send({ chat: at.chat, channel: at.channel }, card, key, lane)
    return send(at, card, key, lane)
  }

  async function send(at: Place, card: Card, key: string, lane: Lane): Promise<Post> {
    const message = await sendTo(at.thread ?? at.channel, card, key, lane, [])
    if (message === undefined) throw new NotShown('closed', 'there is no such channel any more')
    return { ...at, message }
  }

  /** Undefined where the channel does not exist, if that is expected. */
  async function sendTo(
    channel: string,
    card: Card,
    key: string,
    lane: Lane,
    expected: readonly number[],
    nonce = nonceOf(key),
  ): Promise<string | undefined> {
    const begun = now()
    const footer = footerOf(key)
    const answer = await calls.ask(
      {
        verb: 'POST',
        route: Routes.channelMessages(channel),
        lane,
        budgets: inChannel('post', channel),
        body: {
          ...bodyOf(card, footer, linkOf(card, settings)),
          ...ringing(card),
          nonce,
          enforce_nonce: true,
          ...(rings(key) ? {} : { flags: MessageFlags.SuppressNotifications }),
        },
        ...pictureOf(card),
      },
      Posted,
      expected,
    )
    if (answer.is === 'no') return undefined
    const { id } = answer.value
    // Discord gives back the message that had this nonce before, within some minutes, even if somebody has removed it since.
    if ((timeOf(id) ?? begun) < begun - seconds(5) && !(await exists(channel, id, lane)))
      return sendTo(channel, card, key, lane, expected, nonceOf(`${key} ${id}`))
    footers.put(id, footer)
    return id
  }

  async function exists(channel: string, message: string, lane: Lane): Promise<boolean> {
    return (await read(channel, message, lane)) !== undefined
  }

  async function read(channel: string, message: string, lane: Lane): Promise<Message | undefined> {
    const wanted = {
      verb: 'GET',
      route: Routes.channelMessage(channel, message),
      lane,
      budgets: inChannel('read', channel),
    } as const
    const answer = await calls.ask(wanted, Message, [UNKNOWN_MESSAGE])
    return answer.is === 'ok' ? answer.value : undefined
  }

  async function find(at: Place, key: string, since: Instant): Promise<Post | undefined> {
    const inThread = at.thread === undefined ? undefined : await findIn(at.thread, key, since)
    if (inThread !== undefined) return { ...at, message: inThread }
    // What had no thread was said in the channel.
    const place = { chat: at.chat, channel: at.channel }
    const message = await findIn(at.channel, key, since)
    return message === undefined ? undefined : { ...place, message }
  }

  async function findIn(channel: string, key: string, since: Instant): Promise<string | undefined> {
    const [us, footer] = [await self(), footerOf(key)]
    let after = snowflakeAt(since - minutes(1))
    for (let page = 0; page < PAGES; page += 1) {
      const query = { after, limit: String(PAGE) }
      const wanted = {
        verb: 'GET',
        route: Routes.channelMessages(channel),
        lane: 'answer',
        budgets: inChannel('read', channel),
        query,
      } as const
      const answer = await calls.ask(wanted, Messages, [UNKNOWN_CHANNEL])
      if (answer.is === 'no') return undefined
      const found = answer.value.find(({ author, embeds }) => author?.id === us && embeds?.[0]?.footer?.text === footer)
      if (found) footers.put(found.id, footer)
      if (found || answer.value.length < PAGE) return found?.id
      after = answer.value.reduce((last, { id }) => later(last, id), after)
    }
    return undefined
  }

  async function edit(post: Post, card: Card, lane: Lane): Promise<void> {
    const channel = post.thread ?? post.channel
    const footer = footers.get(post.message) ?? (await read(channel, post.message, lane))?.embeds?.[0]?.footer?.text
    if (footer === undefined) throw new NotShown('gone', 'that message is not there any more')
    footers.put(post.message, footer)
    const wanted = {
      verb: 'PATCH',
      route: Routes.channelMessage(channel, post.message),
      lane,
      budgets: inChannel('edit', channel),
      body: bodyOf(card, footer, linkOf(card, settings)),
      ...pictureOf(card),
    } as const
    const archived = await calls.ask(wanted, Posted, [ARCHIVED])
    if (archived.is === 'ok') return
    await bringBack(calls, channel, lane)
    await calls.ask(wanted, Posted)
  }

  return { post, find, edit }
}

/** Makes a message unique for some minutes: 25 characters, the same for the same key. */
export const nonceOf = (key: string): string => createHash('sha256').update(key).digest('base64url').slice(0, 25)

/** What is edited in place lies there silently; only what calls for somebody makes a phone ring. */
const rings = (key: string): boolean => key.includes('/ring-')

export const pictureOf = ({ chart }: Card): { readonly files?: readonly RawFile[] } =>
  chart ? { files: [{ name: CHART, data: Buffer.from(pngOf(chart)), contentType: 'image/png' }] } : {}

/** The address of the message that a card speaks of: Discord opens it in place. */
export function linkOf({ where }: Card, { guild }: DiscordSettings): string | undefined {
  if (where?.chat !== DISCORD) return undefined
  return `https://discord.com/channels/${guild}/${where.thread ?? where.channel}/${where.message}`
}
