import nearley from 'nearley'
import { grammar, kinds } from './grammar.generated.ts'
import type { Word } from './lexer.ts'
import type { Shape } from './shapes.ts'

/** What the Earley parser made of a sentence: its readings, how far it came, and what it would have taken at each place. */
export interface Chart {
  readonly words: readonly Word[]
  readonly readings: readonly unknown[]
  /** The word where understanding stopped; words.length when the sentence was understood or stops too early. */
  readonly stopped: number
  expected(at: number): readonly Expected[]
}

/** One thing that may stand at a place: a keyword, or a free word with the roles it would play, innermost first. */
export type Expected =
  | { readonly keyword: string }
  | { readonly shape: Shape; readonly roles: readonly string[]; readonly kind: string | undefined }

const compiled = nearley.Grammar.fromCompiled(grammar)

export function chartOf(words: readonly Word[], start = grammar.ParserStart): Chart {
  const rules = start === grammar.ParserStart ? compiled : nearley.Grammar.fromCompiled({ ...grammar, ParserStart: start })
  const parser = new nearley.Parser(rules, { keepHistory: true, lexer: feeding(words) })
  // Wording its own error costs nearley more than parsing did, and nobody reads it.
  Object.assign(parser, { reportError: () => 'stopped' })
  try {
    parser.feed('')
  } catch (error) {
    if (!(error instanceof Error && error.message === 'stopped')) throw error
  }
  // The chart is nearley's own business and so has no types there; version 2.20.1 is pinned, and the tests walk all of it.
  const { table, current } = parser as unknown as { readonly table: readonly Column[]; readonly current: number }
  const understood = current === words.length
  return {
    words,
    readings: understood ? (parser.results ?? []) : [],
    stopped: current,
    expected: at => table[at]?.scannable.flatMap(state => expectedBy(state)) ?? [],
  }
}

interface Column {
  readonly scannable: readonly State[]
}
interface State {
  readonly rule: { readonly name: string; readonly symbols: readonly (string | { readonly literal: string } | Shape)[] }
  readonly dot: number
  readonly wantedBy: readonly State[]
}

/** Words that are read already, in the form of the lexer that nearley wants to have. */
function feeding(words: readonly Word[]): nearley.Lexer {
  let next = 0
  return { reset: () => {}, save: () => ({}), formatError: () => 'stopped', next: () => words[next++] }
}

function expectedBy(state: State): readonly Expected[] {
  const symbol = state.rule.symbols[state.dot]
  if (typeof symbol !== 'object') return []
  if ('literal' in symbol) return [{ keyword: symbol.literal }]
  return rolesOf(state, []).map(({ roles, kind }) => ({ shape: symbol, roles, kind }))
}

/**
 * From a place to the rules that want something to begin there: `%name` is wanted by `target`, and that by a sentence of an
 * adapter. Ends where a rule has begun earlier, because what stands there is a part and not the beginning of it.
 */
function rolesOf(
  state: State,
  below: readonly State[],
): readonly { readonly roles: readonly string[]; readonly kind: string | undefined }[] {
  const path = [...below, state]
  const here = {
    roles: path.filter((it, i) => (it.dot === 0 || i > 0) && ROLES.has(it.rule.name)).map(it => it.rule.name),
    kind: kindOf(path),
  }
  if (state.dot > 0 || state.wantedBy.length === 0) return [here]
  const above = state.wantedBy.filter(it => !path.includes(it))
  return above.length === 0 ? [here] : above.flatMap(it => rolesOf(it, path))
}

function kindOf(path: readonly State[]): string | undefined {
  return kinds.find(kind => path.some(({ rule: { name } }) => name.startsWith(`${kind.replaceAll('-', '_')}_`)))
}

/** The rules that can only begin with a free word: the things a sentence speaks of. The others are its turns of phrase. */
const ROLES: ReadonlySet<string> = rolesIn()
function rolesIn(): ReadonlySet<string> {
  const others = new Set(
    grammar.ParserRules.filter(rule => rule.symbols.length === 0 || 'literal' in Object(rule.symbols[0])).map(rule => rule.name),
  )
  for (let before = -1; before < others.size; ) {
    before = others.size
    for (const { name, symbols } of grammar.ParserRules) if (others.has(symbols[0])) others.add(name)
  }
  return new Set(grammar.ParserRules.map(rule => rule.name).filter(name => !others.has(name) && !name.includes('$')))
}
