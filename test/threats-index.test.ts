import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const read = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8')

/** The rows that issue 4 names. */
const ROWS = [[2], [6, 10], [13, 17], [32, 36], [39, 43], [49, 53]].flatMap(([from = 0, to = from]) =>
  Array.from({ length: to - from + 1 }, (_, n) => `T${String(from + n).padStart(2, '0')}`),
)

const lines = read('threats.md')
  .split('\n')
  .filter(line => line.startsWith('- '))
const rows = lines.map(line => {
  const [, row = '', promise = '', rest = ''] = /^- \*\*(T\d\d)\*\* ([^`]+\.) (`.+)$/.exec(line) ?? []
  const kept = [...rest.matchAll(/`([^`]+)` › `([^`]+)`/g)].map(([, file = '', name = '']) => ({ file, name }))
  const left = rest.replace(/`[^`]+` › `[^`]+`(; )?/g, '')
  return { row, promise, kept, left }
})

/** Does a test, or a case of one, have this name there? It stands in quotes of some kind, with those inside it escaped. */
const names = (text: string, name: string): boolean =>
  [`'${name}'`, `"${name}"`, `\`${name}\``, `'${name.replaceAll("'", "\\'")}'`].some(quoted =>
    new RegExp(`(?:test(?:\\.each\\([\\s\\S]*?\\))?\\(|\\[)\\s*${quoted.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\s*,`).test(text),
  )

describe('the index of threats', () => {
  test('has every row of the issue once, in order, each with a promise', () => {
    expect(rows.map(({ row }) => row)).toEqual(ROWS)
    for (const { row, promise } of rows) expect(promise.length, row).toBeGreaterThan(20)
  })

  test.each(rows)('names tests for $row that are there', ({ kept, left }) => {
    expect([kept.length > 0, left]).toEqual([true, ''])
    for (const { file, name } of kept) expect(names(read(file), name), `${file}: ${name}`).toBe(true)
  })

  test('does not find a test that is not there', () => {
    expect(names(read('door.test.ts'), 'by a button of the card counts twice')).toBe(false)
    expect(names("// 'a comment', and no test", 'a comment')).toBe(false)
  })
})
