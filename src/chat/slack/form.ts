import { MOST_WORDS } from '../../domain/chat.ts'
import type { Asking } from './button-value.ts'
import { harmless, plain } from './harmless.ts'

/** How the form is recognised when it comes back, and where in it the words are. */
export const FORM = 'words'
export const BLOCK = 'words'
export const FIELD = 'typed'

/** The form that asks for a button's words. A view's title and buttons hold 24 characters, a label 2,000. */
export function formOf(asking: Asking): Readonly<Record<string, unknown>> {
  const { words, says } = asking
  const placeholder = words?.code ? '6 to 8 digits' : words?.must === undefined ? undefined : plain(words.must).slice(0, 150)
  return {
    type: 'modal',
    callback_id: FORM,
    private_metadata: JSON.stringify(asking),
    title: { type: 'plain_text', text: 'Signalbox', emoji: false },
    submit: { type: 'plain_text', text: 'Say it', emoji: false },
    close: { type: 'plain_text', text: 'Leave it', emoji: false },
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: `This says: ${harmless(spokenOf(says))}`, verbatim: true } },
      {
        type: 'input',
        block_id: BLOCK,
        optional: words?.optional === true,
        label: { type: 'plain_text', text: plain(words?.asks ?? 'Say why').slice(0, 150), emoji: false },
        element: {
          type: 'plain_text_input',
          action_id: FIELD,
          max_length: MOST_WORDS,
          ...(placeholder === undefined ? {} : { placeholder: { type: 'plain_text', text: placeholder, emoji: false } }),
        },
      },
    ],
  }
}

/** What is wrong with the words that were typed, shown under their field; what they were is not repeated. */
export const wrongWords = (asking: Asking): Readonly<Record<string, string>> => ({ [BLOCK]: wrongIn(asking) })

function wrongIn({ words, says }: Asking): string {
  if (words?.code)
    return says.includes('"..."')
      ? 'Nothing was done. Type the 6 to 8 digits of your code, then a few words.'
      : 'Nothing was done. Type the 6 to 8 digits of your code.'
  return words?.must === undefined ? 'Say why, in a few words.' : `Nothing was done. Type ${plain(words.must)} to the letter.`
}

/** A button's sentence without the digest that ties it to what it showed: nobody types that. */
export const spokenOf = (says: string): string => says.replace(/ as [0-9a-f]{10}(?= |$)/, '')
