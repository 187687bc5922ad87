import { createHash } from 'node:crypto'
import { qrSvg } from './qr.ts'
import { spaced, uri } from './totp.ts'

const STYLE = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:2rem auto;padding:0 1rem}
svg{display:block;width:16rem;height:16rem;background:#fff;padding:.5rem}code{font-size:1.1em;word-break:break-all}
input,button{font:inherit;padding:.4rem .6rem}input{width:8rem;letter-spacing:.15em}.bad{border-left:.3rem solid #b3261e;padding-left:.7rem}`

/** No script, nothing from elsewhere, in no frame, and kept nowhere. */
export const HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  // Not no-referrer: with that a browser sends the page's own form with `Origin: null`.
  'referrer-policy': 'same-origin',
  connection: 'close',
}

export interface Enrolling {
  readonly person: string
  readonly site: string
  readonly secret: string
}

export const askPage = ({ person, site, secret }: Enrolling, complaint?: string): string =>
  page(
    `Second factor of ${person}`,
    `<p>For Signalbox, site ${text(site)}. It opens the gates that the site's rules keep for a second factor.</p>
<ol>
<li><p>Take this picture with your authenticator app.</p>${qrSvg(uri(secret, person, site)).replace('<svg ', '<svg role="img" aria-label="QR code" ')}
<p>Without a camera, type this key: <code>${spaced(secret)}</code></p></li>
<li><p>Give the code that the app shows now.</p>${complaint === undefined ? '' : `<p class="bad" role="alert">${text(complaint)}</p>`}
<form method="post"><label>Code <input name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="7" required autofocus></label>
<button>Enrol</button></form></li>
</ol>
<p>The page can be used once, for ten minutes. Show it to nobody.</p>`,
  )

export const sayPage = (says: string): string => page('Signalbox', `<p>${text(says)}</p>`)

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(title)}</title>` +
  `<style>${STYLE}</style></head><body><h1>${text(title)}</h1>${body}</body></html>\n`

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const text = (plain: string): string => plain.replace(/[&<>"']/g, letter => ENTITIES[letter] ?? '')
