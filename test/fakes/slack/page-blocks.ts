import { blocksOf } from './looks.ts'
import { type Span, spansOf, withEmoji } from './mrkdwn.ts'
import { isJson, listOf, textOf } from './wire.ts'
import type { Json, Message, World } from './world.ts'

/** Every text that people, devices or the bot have a hand in goes through here on its way into the page. */
export const escaped = (text: string): string =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;').replace(/'/g, '&#39;')

/** What a button belongs to: its presses name it. */
export type Where = { readonly is: 'message' | 'view'; readonly id: string }

export function messageHtml(message: Message, world: World): string {
  const { blocks, attachments, text, files } = message
  const where: Where = { is: 'message', id: message.ts }
  const main = blocks && blocks.length > 0 ? blocksHtml(blocks, world, where) : `<p>${marked(text, world)}</p>`
  const bars = listOf(attachments).map(one => barHtml(one, world, where))
  const shown = new Set(blocksOf(message).flatMap(({ slack_file: file }) => (isJson(file) ? [textOf(file['id'])] : [])))
  return [main, ...bars, ...files.filter(id => !shown.has(id)).map(id => pictureHtml(id, world))].join('')
}

export const blocksHtml = (blocks: readonly Json[], world: World, where: Where): string =>
  blocks.map(block => blockHtml(block, world, where)).join('')

/** An attachment: what it holds, with a bar of its colour at the side. */
function barHtml(attachment: Json, world: World, where: Where): string {
  const colour = textOf(attachment['color']) ?? ''
  const named = { good: '#2eb67d', warning: '#ecb22e', danger: '#e01e5a' }[colour]
  const bar = named ?? (/^#?[0-9a-f]{6}$/i.test(colour) ? `#${colour.replace('#', '')}` : '#ddd')
  const text = textOf(attachment['text'])
  const inner = `${text === undefined ? '' : `<p>${marked(text, world)}</p>`}${blocksHtml(listOf(attachment['blocks']), world, where)}`
  return `<div class="bar" style="border-color:${bar}">${inner}</div>`
}

function blockHtml(block: Json, world: World, where: Where): string {
  const { type, text, fields, accessory, elements, alt_text, slack_file, image_url } = block
  switch (type) {
    case 'header':
      return `<h3>${wordsHtml(text, world)}</h3>`
    case 'divider':
      return '<hr>'
    case 'context':
      return `<div class="context">${listOf(elements)
        .map(one => elementHtml(one, block, world, where))
        .join('')}</div>`
    case 'actions':
      return `<div class="actions">${listOf(elements)
        .map(one => elementHtml(one, block, world, where))
        .join('')}</div>`
    case 'section': {
      const cells = listOf(fields).map(one => `<div>${wordsHtml(one, world)}</div>`)
      const side = accessory === undefined ? '' : `<div class="side">${elementHtml(accessory, block, world, where)}</div>`
      const words = text === undefined ? '' : `<p>${wordsHtml(text, world)}</p>`
      return `<div class="section"><div>${words}${cells.length > 0 ? `<div class="fields">${cells.join('')}</div>` : ''}</div>${side}</div>`
    }
    case 'image':
      return isJson(slack_file)
        ? pictureHtml(String(slack_file['id']), world)
        : `<p class="context">${escaped(String(alt_text ?? image_url))}</p>`
    case 'rich_text':
      return `<p>${richHtml(elements, world)}</p>`
    case 'markdown':
      return `<p>${lines(escaped(textOf(text) ?? ''))}</p>`
    default:
      return ''
  }
}

function elementHtml(element: unknown, block: Json, world: World, where: Where): string {
  if (!isJson(element)) return ''
  const { type, text, style, confirm, url } = element
  if (type === 'mrkdwn' || type === 'plain_text') return `<span>${wordsHtml(element, world)}</span>`
  if (type !== 'button') return ''
  const label = wordsHtml(text, world)
  if (url !== undefined) return `<a class="button" href="${link(String(url))}" rel="noreferrer">${label}</a>`
  const sure = isJson(confirm) ? ` data-sure="${wordsHtml(confirm['title'], world)} ${wordsHtml(confirm['text'], world)}"` : ''
  const name = escaped(withEmoji(isJson(text) ? (textOf(text['text']) ?? '') : ''))
  const tone = style === 'primary' || style === 'danger' ? ` ${style}` : ''
  return `<button class="button${tone}" data-on="${escaped(where.id)}" data-block="${escaped(String(block['block_id'] ?? ''))}" data-label="${name}"${sure}>${label}</button>`
}

/** A text object, as markup or as it is. */
export function wordsHtml(value: unknown, world: World): string {
  if (!isJson(value)) return ''
  const text = textOf(value['text']) ?? ''
  return value['type'] === 'mrkdwn' ? marked(text, world) : lines(escaped(withEmoji(text)))
}

const marked = (text: string, world: World): string =>
  spansOf(text, world)
    .map(span => span.marks.reduce((inner, mark) => `<${mark}>${inner}</${mark}>`, spanHtml(span)))
    .join('')

function spanHtml({ is, text, url }: Span): string {
  const shown = lines(escaped(text))
  switch (is) {
    case 'text':
      return shown
    case 'mention':
      return `<span class="mention">${shown}</span>`
    case 'code':
      return `<code>${shown}</code>`
    case 'block':
      return `<pre>${escaped(text)}</pre>`
    case 'link':
      return `<a href="${link(url ?? '')}" rel="noreferrer">${shown}</a>`
  }
}

/** Only what leads to a page may be followed: a link that runs something is none. */
const link = (url: string): string => (/^(https?:|mailto:)/i.test(url) ? escaped(url) : '#')

const lines = (html: string): string => html.replace(/\n/g, '<br>')

function richHtml(value: unknown, world: World): string {
  return listOf(value)
    .map(one => {
      if (one['type'] === 'user') return marked(`<@${textOf(one['user_id'])}>`, world)
      const text = textOf(one['text'])
      return text === undefined ? richHtml(one['elements'], world) : marked(text, world)
    })
    .join('')
}

function pictureHtml(id: string, world: World): string {
  const file = world.files.get(id)
  const name = escaped(file?.title ?? id)
  if (file?.type !== 'image/png') return `<p class="context">${name}</p>`
  return `<figure><figcaption>${name}</figcaption><img src="/files/${escaped(id)}" alt="${escaped(file.alt ?? file.title)}"></figure>`
}
