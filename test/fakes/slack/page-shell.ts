import { escaped } from './page-blocks.ts'
import { conversationHtml, formsHtml, type Look, sidebarHtml, titleOf } from './page-look.ts'
import type { World } from './world.ts'

/** The whole page. It asks for nothing but itself: no font, no script and no picture from anywhere else. */
export function pageHtml(world: World, look: Look): string {
  const channel = world.channels.get(look.channel)
  const title = look.channel === 'home' ? '<i>\u2302</i> Home of signalbox' : channel ? titleOf(channel) : ''
  const people = [...world.people.values()].filter(({ kind }) => kind !== 'bot' && kind !== 'gone')
  const options = people.map(
    ({ id, name }) => `<option value="${escaped(id)}"${id === look.as ? ' selected' : ''}>${escaped(name)}</option>`,
  )
  const says = `<form id="says"><label>Speak as <select id="as">${options.join('')}</select></label>
<input id="text" type="text" autocomplete="off" placeholder="to @signalbox, or /signalbox ..." ${look.channel === 'home' ? 'disabled' : 'autofocus'}>
<button class="button primary" type="submit">Send</button></form>`
  return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>signalbox in a chat</title>
<style>${CSS}</style></head><body class="${look.still ? 'still' : ''}">
${look.still ? '' : `<nav><h1>The home workspace</h1>${sidebarHtml(world, look)}</nav>`}
<main><header>${title}</header><section id="conversation">${conversationHtml(world, look)}</section>
<p id="notice" role="status"></p>${look.still ? '' : says}</main>
<div id="forms">${look.still ? '' : formsHtml(world, look)}</div>
${look.still ? '' : `<script>${SCRIPT}</script>`}</body></html>`
}

const CSS = `
*{box-sizing:border-box}body{margin:0;height:100vh;display:flex;font:15px/1.46 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;color:#1d1c1d;background:#fff}
nav{width:250px;flex:none;padding:0 8px;background:#f3f1ee;border-right:1px solid #e2dfda;overflow:auto}
nav h1{font-size:17px;margin:14px 10px}nav h2{font-size:12px;font-weight:600;color:#77706a;margin:18px 10px 4px}
.entry{display:block;padding:4px 10px;border-radius:6px;color:#4a4540;text-decoration:none}.entry:hover{background:#e8e5e0}
.entry.here{background:#1d5f8a;color:#fff}.entry i,header i{font-style:normal;opacity:.65;display:inline-block;min-width:18px}
small{color:#77706a;font-size:12px}.entry.here small{color:#cfe3f0}
main{flex:1;min-width:0;display:flex;flex-direction:column}
header{padding:12px 20px;font-weight:700;font-size:17px;border-bottom:1px solid #e2dfda}
#conversation{flex:1;overflow:auto;padding:12px 0 18px}.empty{color:#77706a;padding:20px}
.row{display:flex;gap:10px;padding:7px 20px}.row:hover{background:#faf9f7}.still .row:hover{background:none}
.reply{margin-left:46px;padding-left:14px;border-left:2px solid #e2dfda}
.whispered{background:#fdf8e6}.whisper{margin:0;color:#77706a;font-size:12px}
.face{width:36px;height:36px;border-radius:6px;flex:none;color:#fff;font-weight:700;display:flex;align-items:center;justify-content:center}
.reply .face{width:24px;height:24px;font-size:12px}
.said{min-width:0;max-width:760px;flex:1}.said p{margin:2px 0;overflow-wrap:anywhere}.who time,.edited{color:#77706a;font-size:12px;margin-left:8px}
.app{font-size:10px;font-weight:700;color:#5f5953;background:#e8e5e0;border-radius:3px;padding:1px 4px;margin-left:6px;vertical-align:1px}
h3{font-size:18px;line-height:1.3;margin:4px 0 6px}hr{border:0;border-top:1px solid #e2dfda;margin:10px 0}
.section{display:flex;gap:16px;margin:6px 0}.section>div:first-child{flex:1;min-width:0}.fields{display:grid;grid-template-columns:1fr 1fr;gap:6px 20px;margin:4px 0}
.context{display:flex;flex-wrap:wrap;gap:4px 10px;color:#6b655f;font-size:13px;margin:5px 0}
.actions{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0}.actions.end{justify-content:flex-end;margin-top:16px}
.button{font:600 13px/1 inherit;font-family:inherit;padding:8px 12px;border:1px solid #c5c0ba;border-radius:5px;background:#fff;color:#1d1c1d;cursor:pointer;text-decoration:none}
.button:hover{background:#f6f4f1}.button.primary{background:#0f7a52;border-color:#0f7a52;color:#fff}.button.danger{background:#fff;border-color:#d01f55;color:#b4154a}
.bar{border-left:4px solid #ddd;padding:2px 0 2px 12px;margin:6px 0}
code{font:12.5px/1.5 ui-monospace,"DejaVu Sans Mono",Menlo,monospace;background:#f3f1ee;border:1px solid #e2dfda;border-radius:3px;padding:1px 4px;color:#b4154a}
pre{font:12.5px/1.5 ui-monospace,"DejaVu Sans Mono",Menlo,monospace;background:#f8f7f5;border:1px solid #e2dfda;border-radius:5px;padding:8px 10px;margin:5px 0;white-space:pre-wrap}
.mention{background:#e3eff7;color:#1d5f8a;border-radius:3px;padding:0 2px}a{color:#1d5f8a}
figure{margin:8px 0}figcaption{color:#6b655f;font-size:13px;margin-bottom:4px}img{max-width:100%;border:1px solid #e2dfda;border-radius:6px;display:block}
.home{max-width:820px;padding:10px 24px}
#notice{margin:0 20px;color:#b4154a;min-height:0}#notice:empty{display:none}
#says{display:flex;gap:10px;align-items:center;margin:6px 20px 18px;padding:10px;border:1px solid #c5c0ba;border-radius:8px}
#says label{color:#6b655f;white-space:nowrap}#text{flex:1;border:0;outline:0;font:inherit}select{font:inherit;border:1px solid #c5c0ba;border-radius:5px;padding:4px;background:#fff}
.shade{position:fixed;inset:0;background:#0006;display:flex;align-items:center;justify-content:center}
.form{background:#fff;width:min(520px,94vw);border-radius:10px;padding:18px 24px;box-shadow:0 18px 60px #0005}
.form label{display:block;font-weight:600;margin:12px 0}.form label small{font-weight:400}
.form input,.form textarea{display:block;width:100%;margin-top:6px;padding:8px;font:inherit;border:1px solid #a9a39c;border-radius:5px}
.form em{display:block;color:#b4154a;font-style:normal;font-weight:400;margin-top:4px}
.still{display:block;height:auto}.still #conversation{overflow:visible}`

const SCRIPT = `
const here = new URLSearchParams(location.search)
const as = () => document.getElementById('as').value
const conversation = document.getElementById('conversation')
const forms = document.getElementById('forms')
const known = { conversation: conversation.innerHTML, forms: forms.innerHTML }
const bottom = () => { conversation.scrollTop = conversation.scrollHeight }
async function look() {
  const channel = here.get('channel') ?? ''
  const page = await (await fetch('/page.json?' + new URLSearchParams({ channel, as: as() }))).json()
  const atEnd = conversation.scrollHeight - conversation.scrollTop - conversation.clientHeight < 60
  if (page.conversation !== known.conversation) conversation.innerHTML = known.conversation = page.conversation
  if (page.forms !== known.forms) {
    forms.innerHTML = known.forms = page.forms
    forms.querySelector('input,textarea')?.focus()
  }
  if (atEnd) bottom()
}
async function act(what) {
  const notice = document.getElementById('notice')
  notice.textContent = ''
  const answer = await fetch('/do', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...what, as: as() }) })
  const { acked, why } = await answer.json()
  if (!acked) notice.textContent = why ?? 'The bot has not acknowledged it.'
  await look()
}
document.addEventListener('click', event => {
  const button = event.target.closest('button')
  if (!button) return
  if (button.dataset.close) return void act({ do: 'close', view: button.dataset.close })
  if (button.dataset.on === undefined) return
  if (button.dataset.sure && !confirm(button.dataset.sure)) return
  void act({ do: 'press', on: button.dataset.on, label: button.dataset.label })
})
document.addEventListener('submit', event => {
  event.preventDefault()
  const form = event.target
  if (form.dataset.view) return void act({ do: 'submit', view: form.dataset.view, words: Object.fromEntries(new FormData(form)) })
  const field = document.getElementById('text')
  if (field.value.trim() === '') return
  void act({ do: 'say', channel: here.get('channel') ?? '', text: field.value })
  field.value = ''
})
document.getElementById('as').addEventListener('change', () => {
  here.set('as', as())
  location.search = here.toString()
})
if (here.get('channel') === 'home') void act({ do: 'home' })
bottom()
setInterval(() => look().catch(() => {}), 1000)
`
