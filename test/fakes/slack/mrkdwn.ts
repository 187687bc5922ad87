import type { World } from './world.ts'

/** A stretch of text as a person sees it. */
export interface Span {
  readonly text: string
  readonly is: 'text' | 'mention' | 'link' | 'code' | 'block'
  readonly url?: string
  readonly marks: readonly ('b' | 'i' | 's')[]
  readonly pings?: string // whom it rings
}

const MARKS = { '*': 'b', _: 'i', '~': 's' } as const

/** Code, controls in angle brackets, and formatting marks: at the edge of a word, on one line, round something that is no space. */
const MARKUP =
  /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|(?<![\p{L}\p{N}])([*_~])(?=[^\s\u2060])(.+?)(?<=[^\s\u2060])\4(?![\p{L}\p{N}])/gu

/** Slack's mrkdwn, as docs.slack.dev/messaging/formatting-message-text describes it. */
export function spansOf(text: string, world: World, marks: Span['marks'] = []): readonly Span[] {
  const spans: Span[] = []
  let from = 0
  const plain = (piece: string) => {
    if (piece !== '') spans.push({ text: withEmoji(seen(piece)), is: 'text', marks })
  }
  for (const match of text.matchAll(MARKUP)) {
    plain(text.slice(from, match.index))
    from = match.index + match[0].length
    const [, block, code, control, mark, inner] = match
    if (block !== undefined) spans.push({ text: seen(block.replace(/^\n/, '')), is: 'block', marks })
    else if (code !== undefined) spans.push({ text: seen(code), is: 'code', marks })
    else if (control !== undefined) spans.push({ ...controlOf(control, world), marks })
    else if (mark !== undefined && inner !== undefined)
      spans.push(...spansOf(inner, world, [...marks, MARKS[mark as keyof typeof MARKS]]))
  }
  plain(text.slice(from))
  return spans
}

export const readable = (text: string, world: World): string =>
  spansOf(text, world)
    .map(span => span.text)
    .join('')

/** What stands in angle brackets: a mention, a date, a link. */
function controlOf(control: string, world: World): Omit<Span, 'marks'> {
  const [what = '', label] = control.split('|')
  const shownAs = label === undefined ? undefined : seen(label)
  if (/^@[UW]/.test(what)) {
    const id = what.slice(1)
    const name = world.people.get(id)?.name
    return { text: `@${name ?? shownAs ?? id}`, is: 'mention', ...(name === undefined ? {} : { pings: id }) }
  }
  if (what.startsWith('#'))
    return { text: `#${world.channels.get(what.slice(1))?.name ?? shownAs ?? what.slice(1)}`, is: 'mention' }
  if (what.startsWith('!subteam^')) return { text: shownAs ?? `@${what.slice(9)}`, is: 'mention', pings: what.slice(9) }
  if (what.startsWith('!date^')) return { text: shownAs ?? what, is: 'text' }
  if (/^!(channel|here|everyone)$/.test(what)) return { text: `@${what.slice(1)}`, is: 'mention', pings: `@${what.slice(1)}` }
  if (what.startsWith('!')) return { text: shownAs ?? `<${what}>`, is: 'text' }
  return { text: shownAs ?? seen(what), is: 'link', url: unescaped(what) }
}

export const unescaped = (text: string): string => text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&')

/** A word joiner takes no room: nobody sees it. Everything else that is odd stays, so that a test can see it. */
const seen = (text: string): string => unescaped(text).replace(/\u2060/g, '')

export function withEmoji(text: string): string {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name: string) => EMOJI[name] ?? whole)
}

const EMOJI: Readonly<Record<string, string>> = {
  white_check_mark: '\u2705',
  heavy_check_mark: '\u2714',
  x: '\u274c',
  warning: '\u26a0',
  hourglass: '\u231b',
  hourglass_flowing_sand: '\u23f3',
  no_entry: '\u26d4',
  question: '\u2753',
  arrow_forward: '\u25b6',
  black_circle: '\u26ab',
  white_circle: '\u26aa',
  red_circle: '\u{1f534}',
  large_green_circle: '\u{1f7e2}',
  large_yellow_circle: '\u{1f7e1}',
  large_blue_circle: '\u{1f535}',
  rotating_light: '\u{1f6a8}',
  lock: '\u{1f512}',
  bell: '\u{1f514}',
}
