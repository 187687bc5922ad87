import type { Inventory } from './inventory.ts'
import { nearest } from './nearest.ts'
import { type Parsed, read } from './read.ts'

/**
 * A sentence as a command, or a refusal that points at the word, says what was expected there and offers the sentence that
 * was probably meant. Never guesses: an offer is text that a person has to say again.
 */
export function parse(text: string, inventory: Inventory): Parsed {
  const result = read(text, inventory)
  if ('command' in result) return { command: result.command }
  const { refusal } = result
  if (refusal.no !== 'not understood' && refusal.no !== 'unknown target') return { refusal }
  const offer = nearest(result, inventory, mended => read(mended, inventory))
  return { refusal: offer === undefined ? refusal : { ...refusal, nearest: offer } }
}
