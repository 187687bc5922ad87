import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Refused } from '../src/kit/errors.ts'
import { DIALECTS, type Dialect, lineOf, word } from '../src/kit/quote.ts'
import { wordsOf } from '../src/kit/unquote.ts'

const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 24 }),
  fc.string({ unit: fc.constantFrom(...` '"\\$\`;&|<>()*?[]{}~#!%^=,-@\n\t\u0000\u2019aZ0é`), maxLength: 24 }),
  fc.constantFrom(
    '-oProxyCommand=id',
    '--delete',
    '; id -u',
    '$(id)',
    '`id`',
    '%PATH%',
    '!x!',
    '@file',
    '| id',
    'a\nb',
    '',
    '\\',
    'a b\\',
    "'",
    "''",
    '&&',
    '\ud800',
  ),
)
/** The line, or undefined when the word was refused: nothing else may happen. */
const sayable = (value: string, dialect: Dialect): string | undefined => {
  try {
    return lineOf([word.fixed('echo'), word.text(value), word.fixed('end')], dialect)
  } catch (error) {
    expect(error).toBeInstanceOf(Refused)
    return undefined
  }
}

describe('a value stays one word in its place', () => {
  test('a real sh gives every word back as it went in', () => {
    const words: string[] = []
    fc.assert(
      fc.property(anything, value => {
        if (sayable(value, 'posix') !== undefined) words.push(value)
      }),
      { numRuns: 20_000, seed: 7 },
    )
    expect(words.length).toBeGreaterThan(5_000)
    // Many words to one shell: what matters is that it takes the line apart as we put it together.
    for (let at = 0; at < words.length; at += 1_000) {
      const batch = words.slice(at, at + 1_000)
      const line = lineOf([word.fixed('printf'), word.text(String.raw`%s\0`), ...batch.map(value => word.text(value))], 'posix')
      const said = execFileSync('sh', ['-c', line], { maxBuffer: 64 * 1024 * 1024 }).toString('utf8')
      expect(said.split('\0').slice(0, -1)).toEqual(batch)
    }
  })

  test.each(DIALECTS)('100,000 hostile values are each one word or refused: %s', dialect => {
    fc.assert(
      fc.property(anything, value => {
        const line = sayable(value, dialect)
        if (line !== undefined) expect(wordsOf(line, dialect)).toEqual(['echo', value, 'end'])
      }),
      { numRuns: 100_000, seed: 11 },
    )
  })

  test.each(DIALECTS)('an option, a line end and a NUL never pass for a value: %s', dialect => {
    for (const value of ['-rf', '--delete', 'a\nb', 'a\u0000b', 'a\rb', '\u001b[2J']) {
      for (const kind of [word.text, word.name, word.path])
        expect(() => lineOf([word.fixed('rm'), kind(value)], dialect)).toThrow(Refused)
    }
  })

  test('what a shell cannot be kept from reading is refused', () => {
    expect(() => lineOf([word.fixed('echo'), word.text('%PATH%')], 'cmd')).toThrow(/cmd\.exe/)
    expect(() => lineOf([word.fixed('echo'), word.text('say "hi"')], 'powershell')).toThrow(/PowerShell/)
    expect(() => lineOf([word.fixed('echo'), word.text('two words')], 'appliance')).toThrow(/no quotes/)
  })

  test('a value behind an equals sign stays in its word', () => {
    expect(lineOf([word.fixed('powermt'), word.fixed('display'), word.name('emcpowera', 'dev=')], 'posix')).toBe(
      'powermt display dev=emcpowera',
    )
    expect(() => lineOf([word.fixed('powermt'), word.name('a;id', 'dev=')], 'posix')).toThrow(Refused)
    expect(lineOf([word.path('C:\\Program Files\\EMC\\powermt.exe'), word.fixed('version')], 'cmd')).toBe(
      '"C:\\Program Files\\EMC\\powermt.exe" version',
    )
  })

  test('a refusal repeats no control character', () => {
    try {
      lineOf([word.fixed('echo'), word.text('a\u001b[2J\u0007\nb')], 'posix')
    } catch (error) {
      expect(String(error)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
    }
  })
})
