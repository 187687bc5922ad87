import { z } from 'zod'
import type { Button } from '../../domain/chat.ts'

/** What a button of ours carries, and what comes back when it is pressed. It is a sentence and gives nobody any right to say it. */
export type Pressed = Pick<Button, 'says' | 'words'>

const Carried = z.object({
  says: z.string().min(1).max(500),
  words: z
    .object({
      asks: z.string().max(150),
      optional: z.literal(true).exactOptional(),
      must: z.string().max(300).exactOptional(),
      code: z.literal(true).exactOptional(),
    })
    .exactOptional(),
})

/** At most 2,000 characters, Slack's limit for the value of a button: a sentence has 100, its question 45. */
export const carriedBy = ({ says, words }: Pressed): string => JSON.stringify(words ? { says, words } : { says })

/** Undefined when it is no value of ours. */
export const pressedOf = (value: unknown): Pressed | undefined => Carried.safeParse(jsonOf(value)).data

/** What a form remembers of the press that opened it, until it is sent. Who sends it is not in here: Slack says that. */
export interface Asking extends Pressed {
  readonly on: string
  readonly channel: string
  readonly thread?: string
}

const Remembered = Carried.extend({ on: z.string(), channel: z.string(), thread: z.string().exactOptional() })

export const askingOf = (metadata: unknown): Asking | undefined => Remembered.safeParse(jsonOf(metadata)).data

function jsonOf(value: unknown): unknown {
  if (typeof value !== 'string') return undefined
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}
