/**
 * What chat clients do to a sentence on its way, undone, and nothing else: the meaning of a word never changes here.
 *
 * - typographic quotes become plain ones, no-break and other wide spaces become spaces, U+2010 and U+2011 become a hyphen
 * - invisible marks (zero-width space, word joiner, soft hyphen, direction marks, byte order mark) go away
 * - backticks around the whole sentence go away: help prints its sentences in them, and people paste what they see
 * - `.`, `!`, `?` at the very end go away, as in "who may approve R7?"
 */
export const normalise = (text: string): string => ungarnished(plain(text))

/** The same for a sentence that is still being typed: its end is left alone. */
export const plain = (text: string): string =>
  text
    .replace(/[\u00ad\u200b\u200e\u200f\u2060\ufeff]/g, '')
    .replace(/[\u201c-\u201f\u00ab\u00bb\uff02]/g, '"')
    .replace(/[\u2018-\u201b\uff07]/g, "'")
    .replace(/[\u2010\u2011]/g, '-')
    .replace(/[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g, ' ')

function ungarnished(text: string): string {
  const trimmed = text.trim()
  const fence = /^`+/.exec(trimmed)?.[0] ?? ''
  const bare =
    fence !== '' && trimmed.length > 2 * fence.length && trimmed.endsWith(fence)
      ? trimmed.slice(fence.length, -fence.length).trim()
      : trimmed
  // Counted from the end by hand: /[.!?]+$/ would try every run of dots in the middle, which is quadratic.
  let end = bare.length
  while (end > 0 && '.!?'.includes(bare.charAt(end - 1))) end--
  return end === 0 ? bare : bare.slice(0, end).trimEnd()
}

/** What no sentence may contain, as the reason for a refusal; the text is normalised. */
export function unfit(text: string): string | undefined {
  if (/[\r\n\u2028\u2029]/.test(text)) return 'it has more than one line, and a sentence is one line'
  const found = /[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u.exec(text)
  if (found === null) return undefined
  const code = (found[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return `it contains the control character U+${code} at position ${found.index + 1}; type it again without it`
}
