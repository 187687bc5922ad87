import type { Command } from '../domain/command.ts'
import type { Refusal } from '../domain/refusal.ts'
import { type Chart, chartOf } from './chart.ts'
import { expectedWords } from './expected.ts'
import { type Inventory, spelling, targetsOf } from './inventory.ts'
import { words } from './lexer.ts'
import { normalise, unfit } from './normalise.ts'
import { badIn, type Named } from './values.ts'

export type Parsed = { readonly command: Command } | { readonly refusal: Refusal }

/** A reading of a sentence, with what a suggestion needs to know where it failed. */
export type Read = Parsed & { readonly text: string; readonly chart?: Chart; readonly unknown?: Named }

export const MOST = 2_000

/** One sentence against the grammar and the inventory: exactly one reading, or why not. Offers nothing; `parse` does. */
export function read(raw: string, inventory: Inventory): Read {
  if (raw.length > MOST) return { text: '', refusal: { no: 'too long', length: raw.length, most: MOST } }
  const text = normalise(raw)
  if (text === '') return { text, refusal: { no: 'empty' } }
  const why = unfit(text)
  if (why !== undefined) return { text, refusal: { no: 'bad value', what: 'The sentence', why } }
  const chart = chartOf(words(text))
  if (chart.readings.length === 0) return { text, chart, refusal: stoppedAt(text, chart) }
  return { text, chart, ...settle(chart.readings, inventory) }
}

function stoppedAt(text: string, chart: Chart): Refusal {
  const word = chart.words[chart.stopped]
  const shown = word === undefined ? '' : text.slice(word.at, word.end)
  return { no: 'not understood', text, at: word?.at ?? text.length, word: shown, expected: expectedWords(chart, chart.stopped) }
}

/**
 * Two adapters may have the same sentence; the kind of the target says whose it is. What is left must be one reading: two
 * are a refusal, however alike they look.
 */
export function settle(readings: readonly unknown[], inventory: Inventory): Parsed & { readonly unknown?: Named } {
  const resolved = readings.map(reading => resolve(reading, inventory))
  const fitting = resolved.filter(it => it.no === undefined)
  const [only] = fitting
  if (only !== undefined && fitting.length === 1) {
    const bad = badIn(only.reading)
    // The grammar yields commands and nothing else; its tests read every sentence of it.
    return bad === undefined
      ? { command: only.reading as Command }
      : { refusal: { no: 'bad value', what: bad.what, why: bad.why } }
  }
  if (fitting.length > 1) return { refusal: { no: 'ambiguous', readings: fitting.map(it => described(it.reading as Command)) } }
  const wanted = [...new Set(resolved.flatMap(it => it.named?.kind ?? []))]
  const named = resolved.find(it => it.no === 'unknown target')?.named
  if (named !== undefined) {
    const known = targetsOf(inventory, wanted)
    return {
      unknown: named,
      refusal: { no: 'unknown target', target: named.name, known: known.length > 0 ? known : targetsOf(inventory) },
    }
  }
  const wrong = resolved.flatMap(it => it.named ?? [])[0]
  const target = wrong === undefined ? '' : (spelling(inventory, wrong.name) ?? wrong.name)
  return { refusal: { no: 'wrong kind', target, kind: inventory.targets.get(target)?.kind ?? '', wants: wanted } }
}

interface Resolved {
  readonly reading: unknown
  readonly no?: 'unknown target' | 'wrong kind'
  readonly named?: Named
}

/** Puts the site's spelling where a target was named, and says which target is unknown or of another kind. */
function resolve(reading: unknown, inventory: Inventory, kind?: string): Resolved {
  if (Array.isArray(reading) || typeof reading !== 'object' || reading === null) return { reading }
  if (isNamed(reading)) {
    const named = kind === undefined || reading.kind !== undefined ? reading : { ...reading, kind }
    const name = spelling(inventory, named.name)
    const found = name === undefined ? undefined : inventory.targets.get(name)
    if (found === undefined) return { reading, named, no: 'unknown target' }
    return named.kind === undefined || named.kind === found.kind ? { reading: name } : { reading, named, no: 'wrong kind' }
  }
  const own = 'capability' in reading ? String(reading.capability).replace(/\..*/, '') : kind
  const parts = Object.entries(reading).map(([key, value]) => [key, resolve(value, inventory, own)] as const)
  const failed = parts.find(([, part]) => part.no !== undefined)?.[1]
  return failed === undefined
    ? { reading: Object.fromEntries(parts.map(([key, part]) => [key, part.reading])) }
    : { ...failed, reading }
}

const isNamed = (value: object): value is Named => 'mark' in value && value.mark === 'target'

const described = (command: Command): string =>
  command.kind === 'act'
    ? `${command.wish.capability} of ${command.wish.target}`
    : command.kind === 'run'
      ? `the runbook ${command.runbook}`
      : command.kind
