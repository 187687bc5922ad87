import type { Chart, Expected } from './chart.ts'
import { distance } from './distance.ts'
import { kinds } from './grammar.generated.ts'

/**
 * What would have been understood at a word, as a person would say it: keywords as they are, the rest as `<duration>`.
 * The likeliest first, because a refusal shows only a few.
 */
export function expectedWords(chart: Chart, at: number): readonly string[] {
  const word = chart.words[at]?.text
  const expected = chart.expected(at)
  const keywords = [...new Set(expected.flatMap(it => ('keyword' in it ? spelt(it.keyword) : [])))].sort()
  const likely =
    word === undefined
      ? keywords
      : keywords
          .map(it => ({ it, far: distance(it, word) }))
          .sort((a, b) => a.far - b.far)
          .map(({ it }) => it)
  // Somebody who wrote a number meant an amount: say the units, as that is what is wrong with it.
  return [...likely, ...freeWords(expected, /^\d/.test(word ?? ''))]
}

function freeWords(expected: readonly Expected[], amount: boolean): readonly string[] {
  const said = new Map<string, readonly string[]>()
  for (const it of expected) {
    if ('keyword' in it) continue
    const outermost = it.roles.at(-1)
    const names = outermost === undefined ? it.shape.says : [`<${roleName(outermost)}>`]
    for (const name of names) said.set(name, [...(said.get(name) ?? []), ...((outermost !== undefined && it.shape.units) || [])])
  }
  return [...said].map(([name, units]) => (amount && units.length > 0 ? `${name} in ${[...new Set(units)].join(', ')}` : name))
}

/** `powerpath_level` is a level to the people who say it. */
const roleName = (rule: string): string => {
  const kind = kinds.find(it => rule.startsWith(`${it.replaceAll('-', '_')}_`))
  return (kind === undefined ? rule : rule.slice(kind.length + 1)).replaceAll('_', ' ')
}

export const spelt = (keyword: string): string => (keyword === 'i' ? 'I' : keyword)
