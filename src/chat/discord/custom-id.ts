import { createHash } from 'node:crypto'
import type { Button } from '../../domain/chat.ts'

/** What a button of ours carries, and what comes back when it is pressed. It is a sentence and gives nobody any right to say it. */
export interface Pressed {
  readonly says: string
  readonly words?: {
    readonly asks: string
    readonly optional?: true
    readonly must?: string
    readonly code?: true
    readonly mustBe?: string // the beginning of the hash of what has to be typed, where that itself had no room
  }
}

/** Discord's limit for a custom_id. */
const MOST = 100
/** Stands between the sentence and what it needs; no sentence has it. */
const MARK = '\u00a6'
const ASKS = 'Say why'

/**
 * The custom_id of a button: its sentence, and whether words are asked for. Discord gives it back with every press, so a press is
 * understood after a restart too. What there is no room for is left out, the question first. Undefined when it cannot be a button.
 */
export function customIdOf({ says, words }: Pick<Button, 'says' | 'words'>): string | undefined {
  if (says === '' || says.length > MOST || says.includes(MARK)) return undefined
  if (!words) return says
  const { asks, must, optional } = words
  if (words.code) return codedId(says, asks)
  const whole = [says, must === undefined ? (optional ? 'o' : 'w') : 'm', ...(must === undefined ? [] : [must]), asks]
  const forms = [whole, whole.slice(0, -1), ...(must === undefined ? [] : [[says, 'h', hashOf(must)]])]
  const clear = must?.includes(MARK) || asks.includes(MARK) ? forms.slice(-1) : forms
  return (
    clear.map(parts => parts.join(MARK)).find(id => id.length <= MOST) ?? (must === undefined && !optional ? says : undefined)
  )
}

/** Without its mark the button would say its sentence without a code: then it is none. */
function codedId(says: string, asks: string): string | undefined {
  const forms = [...(asks.includes(MARK) ? [] : [[says, 'c', asks]]), [says, 'c']]
  return forms.map(parts => parts.join(MARK)).find(id => id.length <= MOST)
}

export function pressedOf(id: string): Pressed {
  const [says = '', kind, first, second] = id.split(MARK)
  switch (kind) {
    case 'o':
      return { says, words: { asks: first ?? ASKS, optional: true } }
    case 'w':
      return { says, words: { asks: first ?? ASKS } }
    case 'c':
      return { says, words: { asks: first ?? 'Code of your second factor', code: true } }
    case 'm':
      return { says, words: { asks: second ?? 'Type its name', must: first ?? '' } }
    case 'h':
      return { says, words: { asks: 'Type the name on the card', mustBe: first ?? '' } }
    default:
      return says.includes('"..."') ? { says, words: { asks: ASKS } } : { says }
  }
}

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8)
