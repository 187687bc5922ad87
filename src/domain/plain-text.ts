/** What people and devices have said, as text that does nothing wherever it is shown. */

/**
 * One line without anything that a screen would act upon: control characters, marks that turn the direction of writing, invisible
 * ones, and halves of characters. Spaces that break lines become spaces.
 */
export const plain = (text: string): string =>
  text
    .replace(/[\t\n\v\f\r\u0085\u2028\u2029]+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\u{e0000}-\u{e007f}]/gu, '')
    .replace(/\p{Cs}/gu, '\ufffd')

/** The same for every text in a value, keys included. */
export function plainValue<T>(value: T): T {
  return deep(value) as T
}

function deep(value: unknown): unknown {
  if (typeof value === 'string') return plain(value)
  if (Array.isArray(value)) return value.map(deep)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [plain(key), deep(item)]))
}

/** A text inside a line of Markdown or a cell of a table: no markup, no HTML, no link, no mention. */
export const inMarkdown = (text: string): string =>
  plain(text)
    .replace(/[\\`*_[\](){}#|~!$^=]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/\/\//g, '\\/\\/')
    .replace(/www\./gi, match => `${match.slice(0, -1)}\\.`)
    // A space of no width: whoever copies the text has the words, and nobody is called.
    .replace(/@/g, '@&#8203;')

/** A text as it was sent, in backticks: more of them than it has in a row. */
export function inBackticks(text: string): string {
  const line = plain(text)
  if (line.trim() === '') return '(empty)'
  const longest = Math.max(0, ...[...line.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  const pad = /^[` ]|[` ]$/.test(line) ? ' ' : ''
  return `${fence}${pad}${line}${pad}${fence}`
}
