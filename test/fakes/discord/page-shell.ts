/** The frame of the page: everything in it is ours, and what people and devices wrote comes in by `/view`, escaped there. */
export const shell = (nonce: string, still: boolean, log: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Fake Discord</title>
<style>${STYLE}</style></head>
<body${still ? ' class="still"' : ''}>
<nav><h1>Data centre operations</h1><div id="channels"></div></nav>
<main><header id="title"></header><div id="log">${log}</div>
<p id="failed" role="alert" hidden>This interaction failed</p>
<form id="say"><ul id="choices"></ul><div class="bar">
<label>speak as <select id="as"></select></label>
<select id="via" aria-label="how"><option value="command">/signalbox</option><option value="mention">@signalbox</option><option value="direct">direct</option></select>
<input id="text" autocomplete="off" aria-label="what to say" placeholder="help"></div></form></main>
<dialog id="modal"><form method="dialog"><h2></h2><div class="inputs"></div><footer><button type="button" class="cancel">Cancel</button><button class="submit">Submit</button></footer></form></dialog>
${still ? '' : `<script nonce="${nonce}">${SCRIPT}</script>`}
</body></html>`

const STYLE = `
:root{--back:#313338;--side:#2b2d31;--deep:#1e1f22;--text:#dbdee1;--soft:#949ba4;--blue:#5865f2;--link:#00a8fc}
*{box-sizing:border-box}body{margin:0;display:flex;height:100vh;background:var(--back);color:var(--text);font:16px/1.375 "gg sans","Noto Sans","DejaVu Sans",Helvetica,Arial,sans-serif}
nav{width:220px;flex:none;background:var(--side);overflow:auto}nav h1{font-size:15px;margin:0;padding:14px 16px;border-bottom:1px solid var(--deep)}
nav a{display:block;margin:2px 8px;padding:5px 8px;border-radius:4px;color:var(--soft);text-decoration:none}nav a.now,nav a:hover{background:#404249;color:#fff}nav a.thread{margin-left:26px;font-size:14px}
main{flex:1;min-width:0;display:flex;flex-direction:column}header#title{padding:12px 16px;font-weight:600;border-bottom:1px solid var(--deep)}
#log{flex:1;overflow:auto;padding:8px 0 16px}article{display:flex;gap:16px;padding:8px 16px}article.private{background:#5865f21a;border-left:2px solid var(--blue)}
.face{width:40px;height:40px;border-radius:50%;flex:none;display:grid;place-items:center;font-weight:600;color:#fff;background:#80848e}.face.app{background:var(--blue)}
.said{min-width:0;max-width:760px;flex:1;overflow-wrap:anywhere}.who{font-weight:600;color:#f2f3f5}.badge{background:var(--blue);color:#fff;font-size:10px;padding:1px 5px;border-radius:3px;margin-left:5px;vertical-align:2px}.soft,.small,time{color:var(--soft);font-size:12px}
.embed{background:var(--side);border-left:4px solid var(--deep);border-radius:4px;padding:10px 16px 12px 12px;margin-top:6px;max-width:520px;font-size:14px}.embed .title{font-weight:600;font-size:16px;color:#f2f3f5;margin-bottom:6px}
.fields{display:grid;grid-template-columns:repeat(3,1fr);gap:8px;margin-top:8px}.field{grid-column:1/-1}.field.inline{grid-column:auto}.field b.name{display:block;color:#f2f3f5}.embed .footer{color:var(--soft);font-size:12px;margin-top:8px}
.line{min-height:1em;white-space:pre-wrap}.quote{border-left:4px solid #4e5058;padding-left:10px}.heading{font-weight:700;font-size:1.15em;color:#f2f3f5}.item::before{content:"\\2022\\00a0"}.line.code,code{font-family:"DejaVu Sans Mono",Consolas,monospace;font-size:.875em;background:var(--deep)}.line.code{padding:0 8px}code{padding:1px 4px;border-radius:3px}
.mention{background:#5865f24d;color:#c9cdfb;border-radius:3px;padding:0 2px}a{color:var(--link);text-decoration:none}img{max-width:100%;border-radius:4px;margin-top:8px;display:block}
.row{display:flex;flex-wrap:wrap;gap:8px;margin-top:8px}button,.button{border:0;border-radius:4px;padding:7px 16px;font:500 14px inherit;font-family:inherit;color:#fff;background:#4e5058;cursor:pointer}.s1,.submit{background:var(--blue)}.s3{background:#248046}.s4{background:#da373c}button:disabled{opacity:.5;cursor:default}
.thread-of{margin:0 0 8px 72px;border-left:2px solid #4e5058}.thread-of>p{margin:0 0 0 12px;font-size:13px;color:var(--soft)}.private-note{font-size:12px;color:var(--soft);margin-top:4px}
#say{padding:0 16px 20px;position:relative}.bar{display:flex;gap:8px;align-items:center;background:#383a40;border-radius:8px;padding:10px 14px}select,input,textarea{font:inherit;color:var(--text);background:var(--deep);border:0;border-radius:4px;padding:6px 8px}#text{flex:1;background:transparent;outline:0}
#choices{list-style:none;margin:0;padding:0;background:var(--side);border-radius:8px 8px 0 0;max-height:260px;overflow:auto}#choices li{padding:6px 14px;cursor:pointer}#choices li:hover{background:#404249}#failed{color:#fa777c;margin:0 16px 6px;font-size:14px}
dialog{background:var(--back);color:var(--text);border:0;border-radius:8px;width:440px;padding:20px}dialog::backdrop{background:#000b}dialog h2{margin:0 0 12px;font-size:20px}.inputs label{display:block;font-size:12px;font-weight:700;margin-bottom:14px}.inputs textarea,.inputs input{display:block;width:100%;margin-top:6px;font-size:16px}dialog footer{display:flex;justify-content:flex-end;gap:8px}
.still nav,.still #say,.still #title{display:none}.still{height:auto}.still #log{overflow:visible}`

const SCRIPT = `
const at = new URLSearchParams(location.search)
const $ = id => document.getElementById(id)
let channel = at.get('channel') ?? '', as = at.get('as') ?? '', seen = ''
const ask = async (what, body) => {
  const answer = await fetch(what, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ ...body, as, channel }) })
  return answer.json()
}
async function look() {
  const answer = await fetch('/view?' + new URLSearchParams({ channel, as }))
  const text = await answer.text()
  if (text === seen) return
  seen = text
  const now = JSON.parse(text)
  channel = now.channel; as = now.as
  const log = $('log'), low = log.scrollHeight - log.scrollTop - log.clientHeight < 60
  $('channels').innerHTML = now.channels; $('title').textContent = now.title; log.innerHTML = now.log; $('as').innerHTML = now.people; $('as').value = as
  if (low) log.scrollTop = log.scrollHeight
}
const failed = is => { $('failed').hidden = !is; if (is) setTimeout(() => { $('failed').hidden = true }, 5000) }
const done = answer => { failed(answer.acknowledged === false); if (answer.modal) open(answer.modal); void look() }
function open({ ticket, title, inputs }) {
  const modal = $('modal'), box = modal.querySelector('.inputs')
  modal.querySelector('h2').textContent = title
  box.replaceChildren(...inputs.map(input => {
    const label = document.createElement('label'), field = document.createElement(input.style === 2 ? 'textarea' : 'input')
    label.textContent = input.label ?? ''
    field.name = input.custom_id; field.required = input.required !== false; field.placeholder = input.placeholder ?? ''
    field.value = input.value ?? ''; field.maxLength = input.max_length ?? 4000
    label.append(field)
    return label
  }))
  modal.dataset.ticket = ticket
  modal.showModal()
}
$('modal').querySelector('.cancel').onclick = () => $('modal').close()
$('modal').querySelector('form').onsubmit = async event => {
  const words = Object.fromEntries(new FormData(event.target))
  done(await ask('/submit', { ticket: $('modal').dataset.ticket, words }))
}
document.addEventListener('click', async event => {
  const button = event.target.closest('[data-press]'), place = event.target.closest('[data-channel]')
  if (place) { event.preventDefault(); channel = place.dataset.channel; history.replaceState(null, '', '?channel=' + channel); void look() }
  if (button) { button.disabled = true; done(await ask('/press', { message: button.dataset.message, id: button.dataset.press })); button.disabled = false }
})
let typing
$('text').oninput = () => {
  clearTimeout(typing)
  if ($('via').value !== 'command') return
  typing = setTimeout(async () => {
    const { choices = [] } = await ask('/suggest', { text: $('text').value })
    $('choices').replaceChildren(...choices.map(choice => {
      const line = document.createElement('li')
      line.textContent = choice.name
      line.onclick = () => { $('text').value = choice.value; $('choices').replaceChildren(); $('text').focus() }
      return line
    }))
  }, 250)
}
$('as').onchange = () => { as = $('as').value; void look() }
$('say').onsubmit = async event => {
  event.preventDefault()
  const text = $('text').value.trim()
  if (text === '') return
  clearTimeout(typing)
  $('text').value = ''; $('choices').replaceChildren()
  done(await ask('/say', { text, via: $('via').value }))
}
void look()
setInterval(look, 1000)`
