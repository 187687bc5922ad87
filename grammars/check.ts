/**
 * What nearley does not check and every fragment must keep. Each check answers with sentences, none when all is well.
 * nearley itself only warns about an undefined rule, merges rules of the same name without a word, and takes all memory on
 * a rule that can become itself.
 */

/** One .ne file. A fragment with a kind is an adapter's. */
export interface Fragment {
  readonly file: string
  readonly source: string
  readonly kind?: string
}

/** A parsed .ne file, as nearley's own grammar yields it. */
export type Production =
  | { readonly name: string; readonly rules: readonly unknown[] }
  | { readonly macro: string }
  | { readonly body: string }
  | { readonly config: string }
  | { readonly include: string }

/** A compiled rule: a symbol is another rule's name, a keyword, a shape (`%size`) or a character class. */
export interface Rule {
  readonly name: string
  readonly symbols: readonly Symbol[]
}
export type Symbol = string | { readonly literal: string } | { readonly token: string } | RegExp

export const prefixOf = (kind: string): string => kind.replaceAll('-', '_')
export const belongsTo = (kind: string, name: string): boolean => name === prefixOf(kind) || name.startsWith(`${prefixOf(kind)}_`)

/** `%size` as the compiler leaves it: `(lexer.has("size") ? {type: "size"} : size)`. */
export const shapeName = (token: string): string => /has\("(\w+)"\)/.exec(token)?.[1] ?? token

export function sourceFaults(
  fragments: readonly { readonly fragment: Fragment; readonly productions: readonly Production[] }[],
): readonly string[] {
  const kinds = fragments.flatMap(({ fragment }) => fragment.kind ?? [])
  const seen = new Map<string, string>()
  return fragments.flatMap(({ fragment: { file, kind }, productions }) => {
    const faults = productions.flatMap(production => {
      if ('include' in production || 'config' in production)
        return [`${file}: no @include, @builtin, @lexer or @preprocessor here; compile.ts joins the fragments itself.`]
      const names =
        'body' in production ? declaredIn(production.body) : ['macro' in production ? production.macro : production.name]
      return names.flatMap(name => [...misnamed(file, kind, kinds, name), ...doubled(file, name, seen)])
    })
    const root = kind === undefined || productions.some(it => 'name' in it && it.name === prefixOf(kind))
    return root ? faults : [...faults, `${file}: it has no rule "${prefixOf(kind ?? '')}", where its sentences start.`]
  })
}

/** Undefined and unused rules, rules that can become themselves, words that no sentence can contain, twins. */
export function ruleFaults(rules: readonly Rule[], start: string, shapes: ReadonlySet<string>): readonly string[] {
  return [
    ...undefinedRules(rules),
    ...unused(rules, start),
    ...cycles(rules),
    ...hopeless(rules, shapes),
    ...twins(rules),
    ...wordless(rules, start),
  ]
}

function misnamed(file: string, kind: string | undefined, kinds: readonly string[], name: string): readonly string[] {
  if (kind !== undefined)
    return belongsTo(kind, name) ? [] : [`${file}: "${name}" must be called "${prefixOf(kind)}" or "${prefixOf(kind)}_...".`]
  const taken = kinds.find(it => belongsTo(it, name))
  return taken === undefined ? [] : [`${file}: "${name}" is a name of the adapter ${taken}.`]
}

function doubled(file: string, name: string, seen: Map<string, string>): readonly string[] {
  const first = seen.get(name)
  seen.set(name, file)
  return first === undefined ? [] : [`${file}: "${name}" is defined already, in ${first}; nearley would merge the two.`]
}

/** Names at the top level of a fragment's JavaScript: all fragments share one module. */
const declaredIn = (body: string): readonly string[] =>
  [...body.matchAll(/^(?:const|let|var|function|class)\s+(\w+)/gm)].flatMap(([, name]) => name ?? [])

function undefinedRules(rules: readonly Rule[]): readonly string[] {
  const defined = new Set(rules.map(rule => rule.name))
  return distinct(
    rules.flatMap(({ name, symbols }) =>
      namesIn(symbols)
        .filter(it => !defined.has(it))
        .map(it => `Rule "${sourceName(name)}" uses "${it}", which is not defined.`),
    ),
  )
}

/** Shared words may lie idle; anything else that no sentence reaches is a sentence somebody believes in. */
function unused(rules: readonly Rule[], start: string): readonly string[] {
  const used = new Set([start, ...rules.flatMap(({ name, symbols }) => namesIn(symbols).filter(it => it !== name))])
  return distinct(
    rules
      .filter(({ name }) => name.includes('_') && !name.includes('$') && !used.has(name))
      .map(({ name }) => `Rule "${name}" is used nowhere.`),
  )
}

/**
 * Derivation cycles: A -> x B y with x and y nullable is an edge from A to B, and a way from A back to A makes infinitely
 * many readings of one sentence. Covers `a -> a` and `(" ":*):*` alike.
 */
function cycles(rules: readonly Rule[]): readonly string[] {
  const nullable = nullables(rules)
  const empty = (symbols: readonly Symbol[]): boolean => symbols.every(it => typeof it === 'string' && nullable.has(it))
  const edges = new Map<string, Set<string>>()
  for (const { name, symbols } of rules)
    for (const [i, symbol] of symbols.entries())
      if (typeof symbol === 'string' && empty(symbols.toSpliced(i, 1)))
        edges.set(name, (edges.get(name) ?? new Set()).add(symbol))
  return [...edges.keys()]
    .filter(name => reachable(edges, name).has(name))
    .map(name => `Rule "${sourceName(name)}" can become itself.`)
}

function nullables(rules: readonly Rule[]): ReadonlySet<string> {
  const found = new Set<string>()
  for (let before = -1; before < found.size; ) {
    before = found.size
    for (const { name, symbols } of rules) if (symbols.every(it => typeof it === 'string' && found.has(it))) found.add(name)
  }
  return found
}

function reachable(edges: ReadonlyMap<string, ReadonlySet<string>>, from: string): ReadonlySet<string> {
  const found = new Set<string>()
  const open = [from]
  for (let name = open.pop(); name !== undefined; name = open.pop())
    for (const next of edges.get(name) ?? [])
      if (!found.has(next)) {
        found.add(next)
        open.push(next)
      }
  return found
}

function hopeless(rules: readonly Rule[], shapes: ReadonlySet<string>): readonly string[] {
  return distinct(
    rules.flatMap(({ name, symbols }) =>
      symbols.flatMap(symbol => {
        const where = `Rule "${sourceName(name)}"`
        if (typeof symbol === 'string') return []
        if (symbol instanceof RegExp) return [`${where} has the character class ${symbol}; write a shape instead.`]
        if ('token' in symbol)
          return shapes.has(shapeName(symbol.token)) ? [] : [`${where} uses %${shapeName(symbol.token)}, which is no shape.`]
        return /^[^\sA-Z"]+$/.test(symbol.literal)
          ? []
          : [`${where} has the keyword "${symbol.literal}", which no sentence can contain: one word, lower case.`]
      }),
    ),
  )
}

/** The same alternative twice reads one sentence twice. */
function twins(rules: readonly Rule[]): readonly string[] {
  const keys = rules.map(({ name, symbols }) => `${name} ${JSON.stringify(symbols)}`)
  return distinct(
    rules
      .filter((_, i) => keys.indexOf(keys[i] ?? '') !== i)
      .map(({ name }) => `Rule "${sourceName(name)}" has the same alternative twice.`),
  )
}

/** Every sentence begins with a keyword, and none is empty: else a target's name would decide what a sentence is. */
function wordless(rules: readonly Rule[], start: string): readonly string[] {
  const nullable = nullables(rules)
  if (nullable.has(start)) return ['There is a sentence without words.']
  const firsts = new Map<string, Set<string>>()
  for (const { name, symbols } of rules)
    for (const symbol of symbols) {
      if (typeof symbol === 'string') firsts.set(name, (firsts.get(name) ?? new Set()).add(symbol))
      if (typeof symbol !== 'string' || !nullable.has(symbol)) break
    }
  const early = new Set([start, ...reachable(firsts, start)])
  return distinct(
    rules
      .filter(
        ({ name, symbols }) =>
          early.has(name) &&
          symbols.some(
            (it, i) =>
              typeof it === 'object' &&
              'token' in it &&
              symbols.slice(0, i).every(before => typeof before === 'string' && nullable.has(before)),
          ),
      )
      .map(({ name }) => `Rule "${sourceName(name)}" lets a sentence begin with a free word; begin with a keyword.`),
  )
}

const namesIn = (symbols: readonly Symbol[]): readonly string[] => symbols.filter(it => typeof it === 'string')
const sourceName = (name: string): string => name.replace(/\$.*/, '')
const distinct = (faults: readonly string[]): readonly string[] => [...new Set(faults)]
