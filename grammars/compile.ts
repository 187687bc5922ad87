import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { shapes } from '../src/language/shapes.ts'
import { type Fragment, type Production, prefixOf, type Rule, ruleFaults, shapeName, sourceFaults } from './check.ts'

/**
 * Joins words, commands, runbooks and the adapters' fragments into src/language/grammar.generated.ts.
 * The texts are joined here and not with @include, which merges rules of the same name and says nothing.
 */
const root = new URL('../', import.meta.url)
const generated = new URL('src/language/grammar.generated.ts', root)

/** All fragments of this tree, shared words first. */
export function fragments(tree: URL = root): readonly Fragment[] {
  const core = ['words', 'commands', 'runbooks'].map(name => ({ file: `grammars/${name}.ne` }))
  const adapters = readdirSync(new URL('adapters/', tree))
    .sort()
    .map(kind => ({ file: `adapters/${kind}/grammar.ne`, kind }))
  return [...core, ...adapters.filter(({ file }) => existsSync(new URL(file, tree)))].map(it => ({
    ...it,
    source: readFileSync(new URL(it.file, tree), 'utf8'),
  }))
}

/** The joined grammar as TypeScript. Throws with every fault there is, one to a line. */
export function compile(parts: readonly Fragment[]): string {
  const nearley = loaded()
  const read = parts.map(fragment => ({ fragment, productions: nearley.read(fragment) }))
  const kinds = parts.flatMap(({ kind }) => kind ?? [])
  stopOn(sourceFaults(read))
  const compiled = nearley.compile([
    ...nearley.read({ file: 'the head', source: head(kinds) }),
    ...read.flatMap(it => it.productions),
  ])
  const local = compiled.body.join('\n').matchAll(/^const\s+(\w+)/gm)
  const known = new Set([...Object.keys(shapes), ...[...local].flatMap(([, name]) => name ?? [])])
  stopOn([...ruleFaults(compiled.rules, 'command', known), ...nearley.lint(compiled)])
  return typescript(nearley.generate({ ...compiled, rules: compiled.rules.map(withShapes) }), kinds)
}

/** Writes the generated file if what it is made of has changed. */
export function update(): void {
  const parts = fragments()
  const seal = `// made of ${sealOf(parts)}`
  if (existsSync(generated) && readFileSync(generated, 'utf8').includes(seal)) return
  writeFileSync(
    generated,
    `// DO NOT EDIT: grammars/compile.ts writes this file, and \`npm run grammar\` runs that.\n${seal}\n${compile(parts)}`,
  )
}

function sealOf(parts: readonly Fragment[]): string {
  const own = ['grammars/compile.ts', 'grammars/check.ts', 'src/language/shapes.ts'].map(file =>
    readFileSync(new URL(file, root), 'utf8'),
  )
  return createHash('sha256')
    .update(JSON.stringify([parts, own]))
    .digest('hex')
}

function stopOn(faults: readonly string[]): void {
  if (faults.length > 0) throw new Error(`The grammar is not sound.\n${faults.join('\n')}`)
}

const head = (kinds: readonly string[]): string =>
  [
    '@preprocessor module',
    '@lexer lexer',
    'command -> commands {% id %} | change {% id %}',
    // Whoever asks for a change may say why: the number of its ticket, for one.
    'change -> runbooks why:? {% ([command, why]) => ({ ...command, ...why }) %}',
    ...kinds.map(kind => `  | ${prefixOf(kind)} why:? {% ([wish, why]) => ({ kind: 'act', wish, ...why }) %}`),
    '',
  ].join('\n')

/** A shape of shapes.ts, or one that the fragment declares itself. */
const withShapes = (rule: Rule): Rule => {
  const symbols = rule.symbols.map(symbol => {
    if (typeof symbol !== 'object' || !('token' in symbol)) return symbol
    const name = shapeName(symbol.token)
    return { token: name in shapes ? `shapes.${name}` : name }
  })
  return Object.assign(rule, { symbols })
}

function typescript(source: string, kinds: readonly string[]): string {
  const end = /let Lexer = .*;\nlet ParserRules = ([\s\S]*);\nlet ParserStart = .*;\nexport default .*;\n$/
  if (!end.test(source)) throw new Error('nearley generates something else than it used to; see grammars/compile.ts.')
  return [
    '// @ts-nocheck: the postprocessors are JavaScript',
    "import type { CompiledRules } from 'nearley'",
    "import { shapes } from './shapes.ts'",
    "import * as v from './values.ts'",
    '',
    `export const kinds: readonly string[] = ${JSON.stringify(kinds)}`,
    '',
    source.replace(
      end,
      (_, rules: string) =>
        `export const grammar: CompiledRules = {\n  Lexer: undefined,\n  ParserStart: 'command',\n  ParserRules: ${rules},\n}\n`,
    ),
  ].join('\n')
}

interface Compiled {
  readonly rules: readonly Rule[]
  readonly body: readonly string[]
}

interface Nearley {
  read(fragment: Fragment): readonly Production[]
  compile(productions: readonly Production[]): Compiled
  lint(compiled: Compiled): readonly string[]
  generate(compiled: Compiled): string
}

/** nearley's compiler is CommonJS without types; loading it costs 20 ms, which an unchanged grammar need not pay. */
function loaded(): Nearley {
  const require = createRequire(import.meta.url)
  const nearley: typeof import('nearley') = require('nearley')
  const own: import('nearley').CompiledRules = require('nearley/lib/nearley-language-bootstrapped')
  const compiler: (productions: readonly Production[], options: object) => Compiled = require('nearley/lib/compile')
  const linter: (compiled: Compiled, options: { out: { write(line: string): void } }) => void = require('nearley/lib/lint')
  const generator: (compiled: Compiled, name: string) => string = require('nearley/lib/generate')
  return {
    read({ file, source }) {
      const parser = new nearley.Parser(nearley.Grammar.fromCompiled(own))
      try {
        parser.feed(source.endsWith('\n') ? source : `${source}\n`)
      } catch (cause) {
        throw new Error(
          `${file} is not a nearley grammar: ${cause instanceof Error ? cause.message.split('\n').slice(0, 4).join(' ') : ''}`,
          { cause },
        )
      }
      if (parser.results.length === 0) throw new Error(`${file} stops in the middle of a rule.`)
      return parser.results[0]
    },
    compile: productions => compiler(productions, { version: '' }),
    lint(compiled) {
      const warnings: string[] = []
      linter(compiled, { out: { write: line => void warnings.push(line.trim()) } })
      return warnings
    },
    generate: compiled => generator(compiled, 'grammar'),
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) update()
