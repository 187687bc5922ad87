/**
 * Text as Slack sends it, turned back into what was typed: mentions, links and the three escaped characters. A channel becomes
 * `#C1`, as the grammar takes it. Typographic quotes are left as they are: the language knows them.
 * Source: docs.slack.dev/messaging/formatting-message-text, "Retrieving and parsing text".
 */
export const undone = (text: string): string =>
  text
    .replace(/<([^<>]*)>/g, (_, inside: string) => entity(inside))
    // In this order, or what somebody typed as `&amp;lt;` would become a bracket.
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&')

/** The same without the first mention of the bot: the rest is the sentence. */
export function sentence(text: string, bot: string | undefined): string {
  const mention = bot === undefined ? /<@[A-Z0-9]+(?:\|[^<>]*)?>[,:]?/ : new RegExp(`<@${bot}(?:\\|[^<>]*)?>[,:]?`)
  return undone(text.replace(mention, ' ')).trim()
}

function entity(inside: string): string {
  const bar = inside.indexOf('|')
  const [what, label] = bar < 0 ? [inside, undefined] : [inside.slice(0, bar), inside.slice(bar + 1)]
  if (what.startsWith('#') || what.startsWith('@')) return what
  if (what.startsWith('!')) return `@${what.slice(1).split('^')[0]}`
  return label ?? what.replace(/^mailto:/, '')
}
