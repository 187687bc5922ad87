/** Characters that move the cursor, turn the direction of reading or cannot be seen. */
const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e0fff}]/gu

/** A word joiner: it cannot be seen, ends what Slack would read as markup, and our language drops it when somebody pastes it. */
const JOINER = '\u2060'

/** Text where Slack reads no markup, such as a header or a button: what cannot be seen is made visible. */
export const plain = (text: string): string => seen(text).replace(/<(?=[!@#])/g, `<${JOINER}`)

/**
 * Untrusted text where Slack reads markup. Nothing in it mentions anybody, links anywhere or formats anything; what stands between
 * two single backticks stays code, because that is how sentences to be typed are written.
 */
export function harmless(text: string): string {
  const parts = seen(text).split(/(?<!`)`([^`]+)`(?!`)/)
  return parts.map((part, n) => (n % 2 === 1 ? `\`${escaped(part)}\`` : unformatted(escaped(part)))).join('')
}

const seen = (text: string): string =>
  text.replace(UNSEEN, char => (char === '\n' || char === '\t' || char === '\r' ? ' ' : '\ufffd'))

/** Slack's own rule: these three, and no others. Without a bracket there is no mention and no link. */
const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')

/**
 * Marks format at the edge of a word only, so those between two letters or digits are left alone: `ora_data_01` stays as it is. A
 * quote begins a line and nowhere else. A name between two colons would become a picture; pairs of hex digits are addresses.
 */
const unformatted = (text: string): string =>
  text
    .replace(/(?<![\p{L}\p{N}])[*_~]|[*_~](?![\p{L}\p{N}])/gu, mark => `${JOINER}${mark}${JOINER}`)
    .replace(/`/g, '\u02cb')
    .replace(/^&gt;/, `${JOINER}&gt;`)
    .replace(/:(?=([a-z0-9_+'-]+):)/g, (colon, name: string) => (/^[0-9a-f]{1,4}$/.test(name) ? colon : `${colon}${JOINER}`))
