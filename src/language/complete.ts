import { chartOf } from './chart.ts'
import type { Inventory } from './inventory.ts'
import { words } from './lexer.ts'
import { plain, unfit } from './normalise.ts'
import { wordsAt } from './offered.ts'
import { MOST } from './read.ts'

/**
 * The words with which a half-typed sentence can go on: those that begin like its last word, or all that may follow when it
 * ends with a space. Empty where the beginning is not understood and where only the person can know, as within a reason.
 */
export function complete(text: string, inventory: Inventory): readonly string[] {
  if (text.length > MOST) return []
  const sentence = plain(text).trimStart()
  if (unfit(sentence) !== undefined) return []
  const typed = words(sentence)
  const last = sentence.endsWith(' ') ? undefined : typed.at(-1)
  if (last !== undefined && last.type !== 'word') return []
  const begun = last === undefined ? typed : typed.slice(0, -1)
  const chart = chartOf(begun)
  if (chart.stopped < begun.length) return []
  return wordsAt(chart, begun.length, inventory)
    .filter(it => it.toLowerCase().startsWith(last?.text ?? ''))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
}
