/** Characters that move the cursor, turn the direction of reading or cannot be seen. */
const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|[\ufe00-\ufe0f]|[\u{e0000}-\u{e0fff}]/gu

/** A word joiner: it cannot be seen, ends what Discord would read as a name or a link, and our language drops it when pasted. */
const JOINER = '\u2060'

/** Text where Discord reads no markup, such as a button, a footer or the name of a thread: what cannot be seen is made visible. */
export const plain = (text: string): string => nowhere(nobody(seen(text)))

/**
 * Untrusted text where Discord reads markup, as one line. Nothing in it mentions anybody, links or invites anywhere or formats
 * anything; what stands between two single backticks stays code, because that is how sentences to be typed are written.
 */
export function harmless(text: string): string {
  const parts = seen(text).split(/(?<!`)`([^`]+)`(?!`)/)
  return parts.map((part, n) => (n % 2 === 1 ? `\`${nowhere(nobody(part))}\`` : escaped(nowhere(nobody(part)), n === 0))).join('')
}

/** The same, within so many characters of what is sent: the cut never leaves half of an escape or of a character. */
export function trimmed(text: string, most: number): string {
  let room = most
  for (;;) {
    const made = harmless(cut(text, room))
    if (made.length <= most) return made
    room -= Math.max(1, Math.ceil((made.length - most) / 2))
  }
}

/** The beginning of a text, whole characters only, with a mark where something is missing. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text
  if (most < 1) return ''
  let end = most - 1
  if (/[\ud800-\udbff]/.test(text[end - 1] ?? '')) end -= 1
  return `${text.slice(0, end)}\u2026`
}

const seen = (text: string): string =>
  text.replace(UNSEEN, char => (char === '\n' || char === '\t' || char === '\r' ? ' ' : '\ufffd'))

/** The two words that ring everybody are read from the raw text, escaped or not. */
const nobody = (text: string): string => text.replace(/@(?=everyone|here)/gi, `@${JOINER}`)

/** No address can be clicked, and no invitation unfolds. */
const nowhere = (text: string): string =>
  text
    .replace(/:(?=\/\/)/g, `:${JOINER}`)
    .replace(/\b(discord(?:app)?|dsc)\.(?=gg|com|me|io|new|gift)/gi, `$1.${JOINER}`)
    .replace(/\b(mailto|tel|sms):/gi, `$1${JOINER}:`)

/** A backslash before each character that can begin markup; what has a meaning at the beginning of a line only, only there. */
function escaped(text: string, first: boolean): string {
  const inner = text
    .replace(/[\\*_~|`<>[\]]/g, '\\$&')
    // A name between two colons would become a picture; pairs of hex digits are addresses.
    .replace(/:(?=([a-z0-9_+-]+):)/gi, (colon, name: string) => (/^[0-9a-f]{1,4}$/i.test(name) ? colon : `${colon}${JOINER}`))
  return first ? inner.replace(/^(\s*)([#+-])/, '$1\\$2').replace(/^(\s*\d+)\.(?=\s)/, '$1\\.') : inner
}
