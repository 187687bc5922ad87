import type { Ping, Shown } from '../workspace.ts'
import { readable, spansOf, withEmoji } from './mrkdwn.ts'
import { BOT } from './options.ts'
import { isJson, listOf, textOf } from './wire.ts'
import type { Json, Message, View, World } from './world.ts'

/** A message as a person reads it: everything rendered, nothing of the markup left. */
export function linesOf(message: Message, world: World): readonly string[] {
  const { blocks, attachments, text, files } = message
  const main = blocks && blocks.length > 0 ? blocks.flatMap(one => blockLines(one, world)) : lined(readable(text, world))
  const bars = listOf(attachments).flatMap(one => [
    ...lined(readable(textOf(one['text']) ?? '', world)),
    ...listOf(one['blocks']).flatMap(block => blockLines(block, world)),
  ])
  const pinned = files.filter(id => !pictured(message).includes(id)).map(id => `[file: ${world.files.get(id)?.title ?? id}]`)
  return [...main, ...bars, ...pinned]
}

/** A dialog or a home, as a person reads it. */
export function viewLines({ shape, errors }: View, world: World): readonly string[] {
  const title = shape['title'] === undefined ? [] : lined(worded(shape['title'], world))
  const buttons = [shape['close'], shape['submit']].flatMap(one =>
    one === undefined || one === null ? [] : [`[${worded(one, world)}]`],
  )
  const blocks = listOf(shape['blocks']).flatMap(one => blockLines(one, world))
  return [...title, ...blocks, ...Object.values(errors), ...(buttons.length > 0 ? [buttons.join(' ')] : [])]
}

function blockLines(block: Json, world: World): readonly string[] {
  const { type, text, fields, accessory, elements, label, hint } = block
  switch (type) {
    case 'section':
      return [
        ...lined(worded(text, world)),
        ...listOf(fields).flatMap(one => lined(worded(one, world))),
        ...(accessory === undefined ? [] : lined(elementText(accessory, world))),
      ]
    case 'context':
    case 'actions':
      return lined(
        listOf(elements)
          .map(one => elementText(one, world))
          .join(' '),
      )
    case 'input':
      return [...lined(worded(label, world)), ...lined(worded(hint, world))]
    case 'image':
      return [`[image: ${textOf(block['alt_text']) ?? ''}]`]
    case 'markdown':
      return lined(textOf(text) ?? '')
    case 'rich_text':
      return lined(richText(elements, world))
    default:
      return lined(worded(text, world))
  }
}

/** A text object: only mrkdwn is read as markup, plain text is shown as it is. */
export function worded(value: unknown, world: World): string {
  if (!isJson(value)) return ''
  const text = textOf(value['text']) ?? ''
  return value['type'] === 'mrkdwn' ? readable(text, world) : withEmoji(text.replace(/\u2060/g, ''))
}

function elementText(element: unknown, world: World): string {
  if (!isJson(element)) return ''
  if (element['type'] === 'image') return `[image: ${textOf(element['alt_text']) ?? ''}]`
  return element['type'] === 'mrkdwn' || element['type'] === 'plain_text'
    ? worded(element, world)
    : `[${worded(element['text'], world)}]`
}

/** What people type arrives as rich text. */
function richText(value: unknown, world: World): string {
  return listOf(value)
    .map(one => {
      if (one['type'] === 'user') return readable(`<@${textOf(one['user_id'])}>`, world)
      return textOf(one['text']) ?? richText(one['elements'], world)
    })
    .join('')
}

const lined = (text: string): readonly string[] => text.split('\n').filter(line => line.trim() !== '')

/** A button that can be pressed: on which block and which action it is. */
export interface ButtonShown {
  readonly label: string
  readonly block: string
  readonly button: Json
}

export function buttonsIn(blocks: readonly Json[], world: World): readonly ButtonShown[] {
  return blocks.flatMap((block, n) =>
    [...listOf(block['elements']), ...(isJson(block['accessory']) ? [block['accessory']] : [])]
      .filter(one => one['type'] === 'button' && one['url'] === undefined)
      .map(button => ({ label: worded(button['text'], world), block: textOf(block['block_id']) ?? `block${n}`, button })),
  )
}

export const blocksOf = (message: Message): readonly Json[] => [
  ...(message.blocks ?? []),
  ...listOf(message.attachments).flatMap(one => listOf(one['blocks'])),
]

const pictured = (message: Message): readonly string[] =>
  blocksOf(message).flatMap(({ slack_file: file }) => (isJson(file) ? [textOf(file['id']) ?? ''] : []))

export function shownOf(message: Message, world: World): Shown {
  const { channel, ts, thread, edits, deleted, to, metadata } = message
  const key = textOf(metadata?.event_payload['key'])
  return {
    channel,
    message: ts,
    ...(thread === undefined ? {} : { thread }),
    lines: linesOf(message, world),
    buttons: buttonsIn(blocksOf(message), world).map(({ label }) => label),
    edits,
    deleted,
    ...(to === undefined ? {} : { ephemeralTo: to }),
    files: message.files.map(id => world.files.get(id)?.name ?? id),
    ...(key === undefined ? {} : { key }),
  }
}

/** Threads stand after the message that they belong to, however much later they were written. */
export function inOrder(world: World, channel?: string): readonly Message[] {
  const all = world.messages.filter(one => channel === undefined || one.channel === channel)
  const replies = (to: Message) => all.filter(one => one.channel === to.channel && one.thread === to.ts)
  const roots = all.filter(
    one => one.thread === undefined || !all.some(other => other.channel === one.channel && other.ts === one.thread),
  )
  return roots.flatMap(root => (root.thread === undefined ? [root, ...replies(root)] : [root]))
}

/**
 * Whom a new message rings. Both the text, which is the notification, and the blocks are read, so that nothing is overlooked; an
 * edit rings nobody, and neither does what only one person sees. A person rings only where they are, and never a bot.
 */
export function pingsOf(message: Message, world: World): readonly Ping[] {
  if (message.to !== undefined) return []
  const texts = [message.text, ...marked(message.blocks), ...marked(message.attachments)]
  const rung = texts.flatMap(text => spansOf(text, world)).flatMap(span => span.pings ?? [])
  const members = world.channels.get(message.channel)?.members
  return [...new Set(rung)]
    .filter(whom => whom !== BOT.user && (!world.people.has(whom) || members?.has(whom)))
    .map(whom => ({ whom, channel: message.channel, message: message.ts }))
}

/** Every text in it that Slack reads as markup. */
function marked(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(marked)
  if (!isJson(value)) return []
  const own = value['type'] === 'mrkdwn' || value['type'] === undefined ? textOf(value['text']) : undefined
  return [
    ...(own === undefined ? [] : [own]),
    ...Object.values(value)
      .filter(one => typeof one === 'object')
      .flatMap(marked),
  ]
}
