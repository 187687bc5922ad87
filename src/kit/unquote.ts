import type { Dialect } from './quote.ts'

/**
 * Takes a line apart the way the shell of that dialect does, as far as `lineOf` uses it.
 * Returns undefined where that shell would have done something else than run one program: a simulator then refuses the line,
 * so that a hole in the quoting shows in a test.
 */
export function wordsOf(line: string, dialect: Dialect): readonly string[] | undefined {
  const words: string[] = []
  let rest = line.trimStart()
  if (dialect === 'powershell' && rest.startsWith('& ')) rest = rest.slice(2)
  while (rest !== '') {
    const taken = TAKE[dialect](rest)
    if (!taken) return undefined
    words.push(taken.word)
    if (taken.rest !== '' && !/^[ \t]/.test(taken.rest)) return undefined
    rest = taken.rest.trimStart()
  }
  return words
}

interface Taken {
  readonly word: string
  readonly rest: string
}

const TAKE: Record<Dialect, (rest: string) => Taken | undefined> = {
  posix(rest) {
    let word = ''
    let at = 0
    while (at < rest.length && !/[ \t]/.test(rest[at]!)) {
      const here = rest.slice(at)
      const part = /^'([^']*)'/.exec(here) ?? /^\\([^\n])/.exec(here) ?? /^([^\s'"\\$`;&|<>()*?[\]{}~#!\n]+)/.exec(here)
      if (!part) return undefined
      word += part[1]
      at += part[0].length
    }
    return { word, rest: rest.slice(at) }
  },
  cmd(rest) {
    const quoted = /^"([^"%!]*)"/.exec(rest)
    if (quoted)
      return {
        word: quoted[1]!.replace(/\\+$/, slashes => slashes.slice(slashes.length / 2)),
        rest: rest.slice(quoted[0].length),
      }
    return plain(rest, /^[^\s"&|<>^%!()]+/)
  },
  powershell(rest) {
    const quoted = /^'((?:[^'\u2018-\u201b]|(['\u2018-\u201b])\2)*)'/.exec(rest)
    if (quoted) return { word: quoted[1]!.replace(/(['\u2018-\u201b])\1/g, '$1'), rest: rest.slice(quoted[0].length) }
    return plain(rest, /^[A-Za-z0-9_][A-Za-z0-9_.:/\\]*/)
  },
  appliance: rest => plain(rest, /^[^\s'"`$;&|<>\\]+/),
}

function plain(rest: string, shape: RegExp): Taken | undefined {
  const found = shape.exec(rest)
  return found ? { word: found[0], rest: rest.slice(found[0].length) } : undefined
}
