/** What a markdown text looks like, written by a pen: as plain words for tests, as HTML for the page. */
export interface Pen {
  plain(text: string): string
  styled(how: 'b' | 'i' | 'u' | 's' | 'code', inner: string): string
  mention(kind: 'user' | 'role' | 'channel', id: string): string
  when(seconds: number, style: string): string
  link(text: string, url: string): string
}

/** Discord's own order: escapes and code first, then what nests. Line marks (quotes, headings, small print) belong to `line`. */
export function inline(text: string, pen: Pen): string {
  let rest = text
  let out = ''
  while (rest !== '') {
    const found = first(rest, pen)
    if (found === undefined) {
      // Up to the next character that could begin something.
      const plain = /^[\s\S][^\\`*_~<[]*/.exec(rest)?.[0] ?? rest
      out += pen.plain(plain)
      rest = rest.slice(plain.length)
    } else {
      out += found.is
      rest = rest.slice(found.length)
    }
  }
  return out
}

type Rule = readonly [RegExp, (found: RegExpExecArray, pen: Pen) => string]
const part = (found: RegExpExecArray, n = 1): string => found[n] ?? ''

const RULES: readonly Rule[] = [
  [/^\\([!-/:-@[-`{-~])/, (found, pen) => pen.plain(part(found))],
  [/^(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)/, (found, pen) => pen.styled('code', pen.plain(part(found, 2).trim()))],
  [/^\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/, (found, pen) => pen.styled('b', inline(part(found), pen))],
  [/^__((?:\\[\s\S]|[^\\])+?)__(?!_)/, (found, pen) => pen.styled('u', inline(part(found), pen))],
  [/^~~((?:\\[\s\S]|[^\\])+?)~~/, (found, pen) => pen.styled('s', inline(part(found), pen))],
  [/^\*(?=\S)((?:\\[\s\S]|[^\\*])+?)\*/, (found, pen) => pen.styled('i', inline(part(found), pen))],
  [/^_((?:\\[\s\S]|[^\\_])+?)_(?![A-Za-z0-9])/, (found, pen) => pen.styled('i', inline(part(found), pen))],
  [/^<@!?(\d+)>/, (found, pen) => pen.mention('user', part(found))],
  [/^<@&(\d+)>/, (found, pen) => pen.mention('role', part(found))],
  [/^<#(\d+)>/, (found, pen) => pen.mention('channel', part(found))],
  [/^<t:(\d+)(?::([tTdDfFR]))?>/, (found, pen) => pen.when(Number(part(found)), found[2] ?? 'f')],
  [/^<(https?:\/\/[^\s>]+)>/, (found, pen) => pen.link(part(found), part(found))],
  [
    /^\[((?:\\[\s\S]|[^\\\]])+)\]\(<?(https?:\/\/[^\s)>]+)>?\)/,
    (found, pen) => pen.link(inline(part(found), pen), part(found, 2)),
  ],
]

function first(text: string, pen: Pen): { readonly is: string; readonly length: number } | undefined {
  for (const [pattern, write] of RULES) {
    const found = pattern.exec(text)
    if (found) return { is: write(found, pen), length: found[0].length }
  }
  return undefined
}

export interface Line {
  readonly mark: 'text' | 'quote' | 'small' | 'heading' | 'item' | 'code'
  readonly is: string
}

/** The lines of a text; a fenced block's lines stand as they are. */
export function lines(text: string, pen: Pen): readonly Line[] {
  const all: Line[] = []
  for (const [n, piece] of text.split(/```(?:[a-z]+\n|\n)?/).entries()) {
    const fenced = n % 2 === 1
    const body = fenced ? piece.replace(/\n$/, '') : n > 0 ? piece.replace(/^\n/, '') : piece
    if (body === '') continue
    for (const line of (fenced ? body : body.replace(/\n$/, '')).split('\n'))
      all.push(fenced ? { mark: 'code', is: pen.plain(line) } : lineOf(line, pen))
  }
  return all
}

const MARKS: readonly (readonly [RegExp, Line['mark']])[] = [
  [/^> /, 'quote'],
  [/^-# /, 'small'],
  [/^#{1,3} /, 'heading'],
  [/^ {0,3}[-*] /, 'item'],
]

function lineOf(line: string, pen: Pen): Line {
  for (const [pattern, mark] of MARKS) {
    if (pattern.test(line)) return { mark, is: inline(line.replace(pattern, ''), pen) }
  }
  return { mark: 'text', is: inline(line, pen) }
}
