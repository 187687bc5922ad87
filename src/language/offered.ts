import type { Chart, Expected } from './chart.ts'
import { spelt } from './expected.ts'
import { type Inventory, targetsOf } from './inventory.ts'

/** The words that may stand at a place of a sentence: keywords, and of the free words those that the inventory knows. */
export function wordsAt(chart: Chart, at: number, inventory: Inventory): readonly string[] {
  const run = chart.words
    .slice(0, at)
    .find(it => /^r\d+$/.test(it.text))
    ?.text.toUpperCase()
  return [...new Set(chart.expected(at).flatMap(it => known(it, inventory, run)))]
}

function known(expected: Expected, inventory: Inventory, run: string | undefined): readonly string[] {
  if ('keyword' in expected) return [spelt(expected.keyword)]
  const runs = inventory.runs ?? new Map<string, readonly string[]>()
  if (expected.roles.includes('target')) return targetsOf(inventory, expected.kind === undefined ? [] : [expected.kind])
  if (expected.roles.includes('run')) return [...runs.keys()]
  if (expected.roles.includes('step')) return run === undefined ? [...new Set([...runs.values()].flat())] : (runs.get(run) ?? [])
  return expected.shape.says.filter(it => /^[A-Za-z]/.test(it)) // units and days, which are words; `<device>` is a description
}
