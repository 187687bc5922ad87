import type { Chart } from './chart.ts'
import { distance, slips } from './distance.ts'
import { spelt } from './expected.ts'
import { type Inventory, targetsOf } from './inventory.ts'
import type { Word } from './lexer.ts'
import { wordsAt } from './offered.ts'
import type { Read } from './read.ts'
import { amounts } from './units.ts'

type Reader = (text: string) => Read

/**
 * The sentence that was probably meant: the cheapest mending of one or two words that the grammar and the inventory
 * understand; failing that, one that is understood further. Only what has been read is offered.
 */
export function nearest(failed: Read, inventory: Inventory, read: Reader): string | undefined {
  if (failed.unknown) return mendedTarget(failed, inventory, read)?.text
  if (failed.chart === undefined || failed.chart.readings.length > 0) return undefined
  const first = attempts(failed, inventory, read, TRIES)
  const once = likeliest(first.understood)
  if (once) return once.text
  const twice = first.further.slice(0, WIDTH).flatMap(one => {
    const next = one.read.unknown
      ? mendedTarget(one.read, inventory, read)
      : likeliest(attempts(one.read, inventory, read, TRIES / WIDTH).understood)
    return next === undefined ? [] : [{ text: next.text, cost: one.cost + next.cost }]
  })
  return (likeliest(twice) ?? likeliest(added(failed, read)) ?? likeliest(first.further))?.text
}

// A reading costs some tens of microseconds; these bounds keep a hostile sentence well below 50 ms.
const TRIES = 48
const WIDTH = 6
const WORDS = 64

/** One way to mend a sentence, and how unlikely it is that nothing else was meant. */
interface Mending {
  readonly text: string
  readonly cost: number
}
interface Tried extends Mending {
  readonly read: Read
}

function attempts(
  failed: Read,
  inventory: Inventory,
  read: Reader,
  tries: number,
): { readonly understood: readonly Tried[]; readonly further: readonly Tried[] } {
  const { chart, text } = failed
  if (chart === undefined) return { understood: [], further: [] }
  const short = chart.words.length <= WORDS ? [...chart.words.keys()].slice(0, chart.stopped + 1) : []
  const ways = short.flatMap(at => mendings(text, chart, at, inventory))
  const tried = [...distinct([...ways, ...quotings(text, chart), ...dropped(text, chart)])]
    .sort((a, b) => a.cost - b.cost)
    .slice(0, tries)
    .map(way => ({ ...way, read: read(way.text) }))
  return {
    understood: tried.filter(it => 'command' in it.read),
    // A word left out is no step forward, it only shortens the way.
    further: tried.filter(it => 'refusal' in it.read && it.cost !== DROPPED && remaining(it.read) < remaining(failed)),
  }
}

/** How much of the sentence has not been understood: words are added and removed, so it is counted from the end. */
const remaining = ({ chart }: Read): number =>
  chart === undefined ? Number.POSITIVE_INFINITY : chart.words.length - chart.stopped

/** Other words for one word; one word made of two, two of one; and the sentence without it. */
function mendings(text: string, chart: Chart, at: number, inventory: Inventory): readonly Mending[] {
  const word = chart.words[at]
  if (word === undefined || word.type !== 'word') return []
  const next = chart.words[at + 1]
  const candidates = wordsAt(chart, at, inventory)
  const similar = candidates.flatMap(it => alike(it, word.value).map(cost => ({ text: replaced(text, word, word, it), cost })))
  const split = candidates
    .filter(it => word.text.startsWith(it.toLowerCase()) && word.text.length > it.length)
    .map(it => ({ text: replaced(text, word, word, `${it} ${word.value.slice(it.length)}`), cost: 1 }))
  const joined =
    next?.type === 'word'
      ? candidates
          .filter(it => it.toLowerCase() === word.text + next.text)
          .map(it => ({ text: replaced(text, word, next, it), cost: 1 }))
      : []
  const units = unitsAt(chart, at).flatMap(unit =>
    respelt(word, unit).map(it => ({ text: replaced(text, word, word, it.text), cost: it.cost })),
  )
  return [...similar, ...split, ...joined, ...units]
}

/** The sentence without the word that was not understood, unless that word turns it round: of `approve R7 not` nothing is offered. */
function dropped(text: string, chart: Chart): readonly Mending[] {
  const word = chart.words[chart.stopped]
  if (word?.type !== 'word' || /^(no|not|never|without|.*n't)$/.test(word.text)) return []
  return [{ text: replaced(text, word, word, '').replace(/ {2,}/g, ' ').trim(), cost: DROPPED }]
}

// Less likely than a slip or two in a word, likelier than three.
const DROPPED = 2.5

function alike(candidate: string, word: string): readonly number[] {
  const far = distance(candidate, word, slips(candidate))
  if (!Number.isFinite(far) || candidate === word) return []
  // Of two words as near as each other the one that begins like what was typed is meant more often.
  return [far + 0.1 * (1 - sharedStart(candidate.toLowerCase(), word.toLowerCase()) / candidate.length)]
}

function sharedStart(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return length
}

const unitsAt = (chart: Chart, at: number): readonly string[] => [
  ...new Set(chart.expected(at).flatMap(it => ('keyword' in it ? [] : (it.shape.units ?? [])))),
]

/** `10tb` or `50mbps` in a spelling that has one meaning; only what differs by letter case or one slip. */
function respelt(word: Word, unit: string): readonly { readonly text: string; readonly cost: number }[] {
  const [amount, typed] = amounts(word.value)[0] ?? ['', word.value]
  const far = distance(unit, typed, unit.length > 2 ? 1 : 0)
  return Number.isFinite(far) && typed !== unit ? [{ text: `${amount}${unit}`, cost: 0.5 + far }] : []
}

/** A reason that was given without its quotes, or without the last of them. */
function quotings(text: string, chart: Chart): readonly Mending[] {
  const word = chart.words[chart.stopped]
  const wanted = chart.expected(chart.stopped).some(it => 'shape' in it && it.roles.includes('reason'))
  if (word === undefined || !wanted) return []
  const rest = text.slice(word.at).replace(/"/g, '').trim()
  return rest === '' ? [] : [{ text: `${text.slice(0, word.at)}"${rest}"`, cost: 0.5 }]
}

/**
 * A keyword that was left out, and only if one alone makes sense there: of `session 1 on sql01` nobody may be offered
 * `abort`, merely because it is the first in the alphabet. `help` takes any words and would always make sense.
 */
function added({ chart, text }: Read, read: Reader): readonly Mending[] {
  if (chart === undefined) return []
  const at = chart.words[chart.stopped]?.at ?? text.length
  const keywords = [
    ...new Set(chart.expected(chart.stopped).flatMap(it => ('keyword' in it && it.keyword !== 'help' ? spelt(it.keyword) : []))),
  ]
  if (keywords.length > TRIES || chart.words.length > WORDS) return []
  const ways = keywords.map(it => ({ text: `${text.slice(0, at).trimEnd()} ${it} ${text.slice(at)}`.trim(), cost: DROPPED }))
  const understood = ways.filter(it => 'command' in read(it.text))
  return understood.length === 1 ? understood : []
}

/** A target that is not there, by the one of the right kind that is spelt most like it. */
function mendedTarget({ text, unknown }: Read, inventory: Inventory, read: Reader): Mending | undefined {
  if (unknown === undefined) return undefined
  const known = targetsOf(inventory, unknown.kind === undefined ? [] : [unknown.kind])
  const ways = known.flatMap(name =>
    alike(name, unknown.name).map(cost => ({ text: replaced(text, unknown, unknown, name), cost })),
  )
  return ways
    .sort((a, b) => a.cost - b.cost)
    .slice(0, WIDTH)
    .find(it => 'command' in read(it.text))
}

const replaced = (text: string, from: { readonly at: number }, to: { readonly end: number }, by: string): string =>
  text.slice(0, from.at) + by + text.slice(to.end)

const distinct = (ways: readonly Mending[]): Iterable<Mending> =>
  new Map([...ways].sort((a, b) => b.cost - a.cost).map(it => [it.text, it])).values()

/** The cheapest; none when the next best differs from it in letter case only, for Mb/s and MB/s are eight times apart. */
function likeliest(ways: readonly Mending[]): Mending | undefined {
  const [first, second] = [...ways].sort((a, b) => a.cost - b.cost || a.text.length - b.text.length)
  return second !== undefined && first?.cost === second.cost && first.text.toLowerCase() === second.text.toLowerCase()
    ? undefined
    : first
}
