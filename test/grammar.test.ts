import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { Fragment } from '../grammars/check.ts'
import { compile, fragments } from '../grammars/compile.ts'

const WORDS: Fragment = {
  file: 'words.ne',
  source: 'target -> %name {% id %}\nnumber -> %number {% id %}\nwhy -> "because" %quoted',
}
const COMMANDS: Fragment = { file: 'commands.ne', source: 'commands -> "help"' }
const RUNBOOKS: Fragment = { file: 'runbooks.ne', source: 'runbooks -> "migrate" target' }
const with_ = (...adapters: readonly { kind: string; source: string }[]): (() => string) => {
  const parts = adapters.map(it => ({ ...it, file: `adapters/${it.kind}/grammar.ne` }))
  return () => compile([WORDS, COMMANDS, RUNBOOKS, ...parts])
}
const pdu = (source: string) => with_({ kind: 'pdu', source })

describe('the joined grammar', () => {
  test('the grammar of this tree is sound, and the generated file is up to date with it', () => {
    const written = readFileSync(new URL('../src/language/grammar.generated.ts', import.meta.url), 'utf8')
    expect(written).toContain(compile(fragments()))
    expect(written).toMatch(/^\/\/ DO NOT EDIT/)
  })

  test('the script says nothing when all is well, wherever it is called from', () => {
    const script = fileURLToPath(new URL('../grammars/compile.ts', import.meta.url))
    const loader = import.meta.resolve('tsx')
    expect(execFileSync(process.execPath, ['--import', loader, script], { cwd: tmpdir(), encoding: 'utf8', stdio: 'pipe' })).toBe(
      '',
    )
  })

  test('an adapter is found by its folder, and a kind with a hyphen has rules with an underscore', () => {
    const joined = with_({
      kind: 's3-dr',
      source: 's3_dr -> "show" "buckets" "on" target {% ([, , , target]) => ({ target }) %}',
    })()
    expect(joined).toContain('export const kinds: readonly string[] = ["s3-dr"]')
    expect(joined).toContain('"name": "s3_dr"')
  })

  test('a fragment may bring shapes of its own', () => {
    const joined = pdu(
      '@{%\nconst pdu_outlet = { says: ["<outlet>"], test: it => /^[A-H]\\d$/.test(it.value) }\n%}\npdu -> "cycle" %pdu_outlet "on" target',
    )()
    expect(joined).toContain('{"literal":"cycle"}, pdu_outlet, {"literal":"on"}')
  })

  test('two adapters may have the same sentence: the kind of the target tells them apart', () => {
    expect(
      with_(
        { kind: 'pdu', source: 'pdu -> "show" "load" "on" target' },
        { kind: 'ups', source: 'ups -> "show" "load" "on" target' },
      ),
    ).not.toThrow()
  })
})

describe('a fragment that would do harm is refused, by name', () => {
  test.each([
    ['a rule that becomes itself', 'pdu -> "a" pdu_x\npdu_x -> pdu_x | "b"', 'Rule "pdu_x" can become itself'],
    [
      'two rules that become each other',
      'pdu -> "a" pdu_x\npdu_x -> pdu_y | "b"\npdu_y -> pdu_x',
      'Rule "pdu_y" can become itself',
    ],
    ['a repetition of a repetition', 'pdu -> "a" ("b":*):*', 'Rule "pdu" can become itself'],
    ['a repetition of what may be empty', 'pdu -> "a" pdu_x:+\npdu_x -> null | "b"', 'can become itself'],
    [
      'a cycle through rules that may be empty',
      'pdu -> "a" pdu_x\npdu_x -> pdu_e pdu_x pdu_e | "b"\npdu_e -> null | "c"',
      'Rule "pdu_x" can become itself',
    ],
    ['an undefined rule', 'pdu -> "a" nowhere', 'Rule "pdu" uses "nowhere", which is not defined'],
    ['an undefined shape', 'pdu -> "a" %nothing', 'Rule "pdu" uses %nothing, which is no shape'],
    ['a rule without the prefix', 'pdu -> "a" outlet\noutlet -> "b"', '"outlet" must be called "pdu" or "pdu_..."'],
    ['a prefix that only looks like it', 'pdu -> "a" pdux\npdux -> "b"', '"pdux" must be called'],
    ['a constant without the prefix', '@{%\nconst outlets = 4\n%}\npdu -> "a"', '"outlets" must be called'],
    ['no root', 'pdu_x -> "a"', 'it has no rule "pdu"'],
    ['a rule defined twice', 'pdu -> "a"\npdu -> "b"', '"pdu" is defined already'],
    ['a shared word defined again', 'pdu -> "a"\ntarget -> "b"', '"target" must be called'],
    ['a rule that is used nowhere', 'pdu -> "a"\npdu_x -> "b"', 'Rule "pdu_x" is used nowhere'],
    ['an include', '@include "other.ne"\npdu -> "a"', 'no @include'],
    ['a directive', '@lexer other\npdu -> "a"', 'no @include, @builtin, @lexer or @preprocessor'],
    ['a keyword of two words', 'pdu -> "clean up"', 'the keyword "clean up", which no sentence can contain'],
    ['a keyword in capitals', 'pdu -> "Show"', 'the keyword "Show", which no sentence can contain'],
    ['a character class', 'pdu -> "a" [0-9]', 'the character class'],
    ['the same alternative twice', 'pdu -> "a" | "a"', 'the same alternative twice'],
    ['a sentence that begins with a free word', 'pdu -> target "off"', 'begin with a keyword'],
    ['a sentence that may begin with a free word', 'pdu -> pdu_x:? target\npdu_x -> "a"', 'begin with a keyword'],
    ['an empty sentence', 'pdu -> null', 'There is a sentence without words'],
    ['something that is no grammar', 'pdu -> -> "a"', 'adapters/pdu/grammar.ne is not a nearley grammar'],
    ['half a rule', 'pdu -> "a" (', 'adapters/pdu/grammar.ne stops in the middle'],
  ])('%s', (_, source, message) => expect(pdu(source)).toThrow(message))

  test('a shared word may not take a name that is an adapter’s', () => {
    expect(with_({ kind: 'target', source: 'target_x -> "a"' })).toThrow('words.ne: "target" is a name of the adapter target')
  })

  test('all faults are told at once', () => {
    const all = pdu('pdu -> "A" nowhere %nothing')
    for (const one of ['"A"', '"nowhere"', '%nothing']) expect(all).toThrow(one)
  })
})
