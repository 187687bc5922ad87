import type { Button, Embed } from './bodies.ts'
import { inOrder, nameOf } from './looks.ts'
import { lines, type Pen } from './markdown.ts'
import { sees } from './permissions.ts'
import { fileUrl } from './wire.ts'
import { type Channel, type Message, titleOf, type User, type World } from './world.ts'

export const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, sign => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? '&#39;')

/** The channel as one person sees it: what is private to others is not in it. */
export function logOf(world: World, channel: Channel, as: User): string {
  const all = inOrder(world, channel.id).filter(one => !one.deleted && (one.to === undefined || one.to === as.id))
  const out: string[] = []
  let thread: string | undefined
  for (const message of all) {
    const within = message.channel === channel.id ? undefined : message.channel
    if (within !== thread && thread !== undefined) out.push('</section>')
    if (within !== thread && within !== undefined) {
      out.push(`<section class="thread-of"><p>Thread: ${escaped(world.channels.get(within)?.name ?? '')}</p>`)
    }
    thread = within
    out.push(articleOf(world, message))
  }
  if (thread !== undefined) out.push('</section>')
  return out.join('')
}

export function channelsOf(world: World, as: User, now: string): string {
  const places = [...world.channels.values()].filter(
    one => !one.gone && (one.kind === 'direct' ? one.person === as.id : sees(world, as, one)),
  )
  const link = (one: Channel) => {
    const sign = one.kind === 'direct' ? '@ signalbox' : one.kind === 'thread' ? `↳ ${one.name}` : `# ${one.name}`
    return `<a href="?channel=${one.id}" data-channel="${one.id}" class="${one.kind}${one.id === now ? ' now' : ''}">${escaped(sign)}</a>`
  }
  const threads = (of: Channel) => places.filter(one => one.parent === of.id).map(link)
  return places
    .filter(one => one.kind !== 'thread')
    .flatMap(one => [link(one), ...threads(one)])
    .join('')
}

export const peopleOf = (world: World): string =>
  [...world.users.values()]
    .filter(user => user.kind !== 'bot' && user.kind !== 'webhook')
    .map(user => `<option value="${user.id}">${escaped(user.name)}</option>`)
    .join('')

function articleOf(world: World, message: Message): string {
  const { author } = message
  const app = author.kind === 'bot' || author.kind === 'webhook'
  const face = `<div class="face${app ? ' app' : ''}">${escaped(author.name.slice(0, 1).toUpperCase())}</div>`
  const time = new Date(message.at).toISOString().slice(11, 16)
  const edited = message.edited === undefined ? '' : ' <span class="soft">(edited)</span>'
  const who = `<span class="who">${escaped(author.name)}</span>${app ? '<span class="badge">APP</span>' : ''} <time>${time} UTC</time>${edited}`
  const inside = message.loading
    ? '<div class="soft">signalbox is thinking…</div>'
    : [
        textOf(world, message.content),
        ...message.embeds.map(embed => embedOf(world, message, embed)),
        ...loose(message).map(file => fileOf(message, file)),
        ...message.rows.map(row => `<div class="row">${row.components.map(one => buttonOf(message, one)).join('')}</div>`),
      ].join('')
  const note = message.to === undefined ? '' : '<div class="private-note">Only you can see this</div>'
  return `<article id="m${message.id}"${note === '' ? '' : ' class="private"'}>${face}<div class="said"><div>${who}</div>${inside}${note}</div></article>`
}

/** Files that no embed shows. */
const loose = (message: Message) =>
  message.files.filter(file => !message.embeds.some(one => one.image?.url === `attachment://${file.name}`))

function embedOf(world: World, message: Message, embed: Embed): string {
  const colour = embed.color === undefined ? '' : ` style="border-color:#${embed.color.toString(16).padStart(6, '0')}"`
  const title = embed.title === undefined ? '' : `<div class="title">${linked(textOf(world, embed.title), embed.url)}</div>`
  const fields = (embed.fields ?? []).map(
    field =>
      `<div class="field${field.inline ? ' inline' : ''}"><b class="name">${textOf(world, field.name)}</b>${textOf(world, field.value)}</div>`,
  )
  const image = message.files.find(file => embed.image?.url === `attachment://${file.name}`)
  return [
    `<div class="embed"${colour}>`,
    embed.author ? `<div class="small">${escaped(embed.author.name)}</div>` : '',
    title,
    textOf(world, embed.description ?? ''),
    fields.length > 0 ? `<div class="fields">${fields.join('')}</div>` : '',
    image ? fileOf(message, image) : '',
    embed.footer ? `<div class="footer">${escaped(embed.footer.text)}</div>` : '',
    '</div>',
  ].join('')
}

const linked = (html: string, url: string | undefined): string =>
  url !== undefined && /^https?:\/\//.test(url) ? `<a href="${escaped(url)}" rel="noopener noreferrer">${html}</a>` : html

function fileOf(message: Message, file: Message['files'][number]): string {
  const url = escaped(fileUrl('', message.channel, file))
  return /^image\/(png|jpeg|gif|webp)$/.test(file.type) || file.name.endsWith('.png')
    ? `<img src="${url}" alt="${escaped(file.name)}">`
    : `<a href="${url}">${escaped(file.name)}</a>`
}

function buttonOf(message: Message, button: Button): string {
  const label = escaped(titleOf(button))
  if (button.url !== undefined)
    return `<a class="button" href="${escaped(/^https?:\/\//.test(button.url) ? button.url : '#')}">${label}</a>`
  const what = ` data-message="${message.id}" data-press="${escaped(button.custom_id ?? '')}"`
  return `<button class="s${button.style}"${what}${button.disabled ? ' disabled' : ''}>${label}</button>`
}

const textOf = (world: World, text: string): string =>
  lines(text, penOf(world))
    .map(line => `<div class="line ${line.mark}">${line.is}</div>`)
    .join('')

const penOf = (world: World): Pen => ({
  plain: escaped,
  styled: (how, inner) => `<${how}>${inner}</${how}>`,
  mention: (kind, id) => `<span class="mention">${escaped(nameOf(world, kind, id))}</span>`,
  when: seconds => `<time>${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC</time>`,
  // The text has been written by this pen already.
  link: (text, url) => `<a href="${escaped(url)}" rel="noopener noreferrer">${text}</a>`,
})
