/** Characters of a pattern: more is no pattern that anybody reads. */
const MOST = 100
/** In how many ways a pattern may be tried at one place of a text. What repeats without an end can go on for as long as a reason. */
const MOST_WAYS = 200_000
const ENDLESS = 300

/**
 * Why a regular expression of the site file is not used, if it is not. It looks through words that anybody may type, and one that
 * tries too many ways would stop the bot: only what is known to be quick passes.
 */
export function objection(pattern: string): string | undefined {
  if (pattern.length > MOST) return `a pattern has ${MOST} characters at most, and this one has ${pattern.length}`
  const compiled = compiledOf(pattern)
  if (compiled === undefined) return 'it is no regular expression'
  const parts = pattern.match(PART) ?? []
  if (parts.some(part => /^\(\?<?[=!]/.test(part))) return 'it looks ahead or behind'
  if (parts.some(part => /^\\[1-9k]/.test(part))) return 'it refers back to a group'
  const slow = slowness(parts)
  if (slow !== undefined) return slow
  return compiled.test('') ? 'no words at all satisfy it, and so it wants nothing' : undefined
}

/** What reads differently with and without the u, as escapes of letters do, would want something else than it says. */
function compiledOf(pattern: string): RegExp | undefined {
  try {
    new RegExp(pattern, 'iu')
    return /\\[pPu]/.test(pattern) ? undefined : new RegExp(pattern, 'i')
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return undefined
  }
}

/** A class, an escape, the beginning of a group, a quantifier, or one character. */
const PART = /\[(?:\\.|[^\]\\])*\]|\\.|\((?:\?(?:<?[=!]|:|<[^>]*>))?|\{\d+(?:,\d*)?\}\??|[*+?]\??|[\s\S]/g

function slowness(parts: readonly string[]): string | undefined {
  const loose = [false] // of the pattern, and of each group that is open: has it a repetition or a choice in it?
  let ended = false // the part before this one ended a group that has
  let ways = 1
  for (const part of parts) {
    const times = /^[*+?{]/.test(part) ? timesOf(part) : undefined
    if (times && ended && times.most > 1)
      return 'a group that is repeated has a repetition or a choice in it, and that can take for ever'
    ways *= times ? times.most - times.least + 1 : part === '|' ? 2 : 1
    if (times || part === '|') loose[loose.length - 1] = true
    if (part.startsWith('(')) loose.push(false)
    ended = part === ')' && (loose.pop() ?? false)
    if (ended) loose[loose.length - 1] = true
  }
  return ways > MOST_WAYS ? 'it has so many repetitions and choices that it can take for ever' : undefined
}

function timesOf(quantifier: string): { readonly least: number; readonly most: number } {
  if (quantifier.startsWith('?')) return { least: 0, most: 1 }
  const [, least, upTo, most] = /^\{(\d+)(,(\d*))?\}/.exec(quantifier) ?? []
  if (least === undefined || most === '') return { least: 0, most: ENDLESS - 1 }
  return { least: Number(least), most: Number(upTo === undefined ? least : most) }
}
