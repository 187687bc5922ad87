import { inOrder } from './looks.ts'
import { BOT } from './options.ts'
import { blocksHtml, escaped, messageHtml, wordsHtml } from './page-blocks.ts'
import { isJson, listOf, textOf } from './wire.ts'
import type { Channel, Json, Message, View, World } from './world.ts'

/** Who looks at what. */
export interface Look {
  readonly as: string // a user
  readonly channel: string // a channel, or `home`
  readonly still: boolean // for a picture: nothing to press, and what only one person sees is shown with the name
}

export function sidebarHtml(world: World, look: Look): string {
  const channels = [...world.channels.values()].filter(({ im, members }) => im === undefined && members.has(look.as))
  const direct = world.direct(look.as)
  const entry = (id: string, label: string) => {
    const to = `?${new URLSearchParams({ channel: id, as: look.as }).toString()}`
    return `<a class="entry${id === look.channel ? ' here' : ''}" href="${escaped(to)}">${label}</a>`
  }
  return `<h2>Channels</h2>${channels.map(one => entry(one.id, titleOf(one))).join('')}
<h2>Apps</h2>${entry('home', '<i>\u2302</i> Home of signalbox')}${entry(direct.id, '<i>\u25cf</i> signalbox')}`
}

export const titleOf = ({ name, private: closed, shared, archived, im }: Channel): string => {
  const mark = im === undefined ? (closed === true ? '\u{1f512}' : '#') : '\u25cf'
  const notes = [shared === true ? 'shared' : '', archived ? 'archived' : ''].filter(note => note !== '')
  return `<i>${mark}</i> ${escaped(im === undefined ? name : 'signalbox')}${notes.map(note => ` <small>${note}</small>`).join('')}`
}

/** The messages of a channel, or somebody's home. */
export function conversationHtml(world: World, look: Look): string {
  if (look.channel === 'home') return homeHtml(world, look)
  const seen = inOrder(world, look.channel).filter(
    ({ deleted, to }) => !deleted && (look.still || to === undefined || to === look.as),
  )
  if (seen.length === 0) return '<p class="empty">Nothing has been said here yet.</p>'
  return seen.map(message => rowHtml(message, world, look)).join('')
}

function homeHtml(world: World, { as }: Look): string {
  const home = [...world.views.values()].find(one => one.type === 'home' && one.user === as)
  if (!home) return '<p class="empty">The bot has not made this home yet.</p>'
  return `<article class="home">${blocksHtml(listOf(home.shape['blocks']), world, { is: 'view', id: home.id })}</article>`
}

function rowHtml(message: Message, world: World, look: Look): string {
  const { user, ts, thread, to, edits, bot } = message
  const name = bot ? BOT.name : (world.people.get(user)?.name ?? user)
  const whisper =
    to === undefined
      ? ''
      : `<p class="whisper">\u{1f441} Only visible to ${to === look.as && !look.still ? 'you' : escaped(world.people.get(to)?.name ?? to)}</p>`
  const classes = ['row', ...(thread === undefined ? [] : ['reply']), ...(to === undefined ? [] : ['whispered'])].join(' ')
  const app = bot || world.people.get(user)?.kind === 'bot' ? '<span class="app">APP</span>' : ''
  const edited = edits > 0 ? ' <span class="edited">(edited)</span>' : ''
  return `<article class="${classes}">${avatar(name, bot === true)}<div class="said">${whisper}
<p class="who"><b>${escaped(name)}</b>${app}<time>${timeOf(ts)}</time>${edited}</p>${messageHtml(message, world)}</div></article>`
}

const timeOf = (ts: string): string => new Date(Number(ts) * 1000).toISOString().slice(11, 16)

/** A signal at clear for the bot; for people their letter on a colour of their own. */
function avatar(name: string, bot: boolean): string {
  if (bot)
    return '<svg class="face" viewBox="0 0 36 36" aria-hidden="true"><rect width="36" height="36" rx="6" fill="#1d2b36"/><rect x="13" y="6" width="10" height="20" rx="5" fill="#0d151b"/><circle cx="18" cy="11.5" r="3.4" fill="#5b2330"/><circle cx="18" cy="20.5" r="3.4" fill="#35d07f"/><path d="M17 26h2v6h-2z" fill="#6d8496"/></svg>'
  const hue = [...name].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 360, 7)
  return `<span class="face" style="background:hsl(${hue} 45% 52%)">${escaped(name.slice(0, 1).toUpperCase())}</span>`
}

/** The dialogs that stand open for somebody. */
export function formsHtml(world: World, { as }: Look): string {
  const open = [...world.views.values()].filter(one => one.open && one.type === 'modal' && one.user === as)
  return open.map(view => formHtml(view, world)).join('')
}

function formHtml(view: View, world: World): string {
  const { title, submit, close, blocks } = view.shape
  const inner = listOf(blocks).map((block, n) =>
    block['type'] === 'input' ? inputHtml(block, n, view, world) : blocksHtml([block], world, { is: 'view', id: view.id }),
  )
  const send = isJson(submit) ? `<button class="button primary" type="submit">${wordsHtml(submit, world)}</button>` : ''
  const away = isJson(close) ? wordsHtml(close, world) : 'Cancel'
  return `<div class="shade"><form class="form" data-view="${escaped(view.id)}"><h3>${wordsHtml(title, world)}</h3>${inner.join('')}
<div class="actions end"><button class="button" type="button" data-close="${escaped(view.id)}">${away}</button>${send}</div></form></div>`
}

function inputHtml(block: Json, n: number, view: View, world: World): string {
  const id = textOf(block['block_id']) ?? `block${n}`
  const { multiline, placeholder, initial_value, max_length } = isJson(block['element']) ? block['element'] : {}
  const more = `name="${escaped(id)}" maxlength="${Number(max_length ?? 3000)}" placeholder="${isJson(placeholder) ? wordsHtml(placeholder, world) : ''}"`
  const value = escaped(textOf(initial_value) ?? '')
  const field =
    multiline === true ? `<textarea ${more} rows="3">${value}</textarea>` : `<input type="text" ${more} value="${value}">`
  const hint = block['hint'] === undefined ? '' : `<small>${wordsHtml(block['hint'], world)}</small>`
  const wrong = view.errors[id] === undefined ? '' : `<em>${escaped(view.errors[id])}</em>`
  const optional = block['optional'] === true ? ' <small>(optional)</small>' : ''
  return `<label>${wordsHtml(block['label'], world)}${optional}${field}${hint}${wrong}</label>`
}
