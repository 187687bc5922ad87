/**
 * How many slips of a finger lie between two words: a letter too many, too few, wrong, or two that changed places
 * (Damerau-Levenshtein, optimal string alignment). Letter case costs nothing. Infinity when it is more than `most`, found out
 * early, so that a word of 2,000 letters costs no more than a short one.
 */
export function distance(a: string, b: string, most = Math.max(a.length, b.length, 1)): number {
  if (Math.abs(a.length - b.length) > most || Math.min(a.length, b.length) > LONGEST) return Number.POSITIVE_INFINITY
  const [from, to] = [a.toLowerCase(), b.toLowerCase()]
  let before: readonly number[] = []
  let above: readonly number[] = Array.from({ length: to.length + 1 }, (_, j) => j)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1]
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      row.push(
        Math.min(
          (above[j] ?? 0) + 1,
          (row[j - 1] ?? 0) + 1,
          (above[j - 1] ?? 0) + (same ? 0 : 1),
          swapped ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    if (Math.min(...row) > most) return Number.POSITIVE_INFINITY
    before = above
    above = row
  }
  const found = above[to.length] ?? 0
  return found <= most ? found : Number.POSITIVE_INFINITY
}

const LONGEST = 64

/** How many slips still make the same word: one in a short word, three in a long one. */
export const slips = (word: string): number => (word.length <= 4 ? 1 : word.length <= 8 ? 2 : 3)
