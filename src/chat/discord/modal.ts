import { MOST_WORDS, saysWith, saysWithCode } from '../../domain/chat.ts'
import { hashOf, type Pressed } from './custom-id.ts'
import { cut, plain } from './harmless.ts'

const WORDS = 'words'

/** The form that asks for a button's words. Its title and label hold 45 characters, its description 100. */
export function modalOf(id: string, { says, words }: Pressed): Readonly<Record<string, unknown>> {
  const coded = words?.code === true
  const short = words?.must !== undefined || words?.mustBe !== undefined || coded
  return {
    custom_id: id,
    title: 'Signalbox',
    components: [
      {
        type: 18,
        label: cut(plain(words?.asks ?? 'Say why'), 45),
        description: cut(`This says: ${plain(spokenOf(says))}`, 100),
        component: {
          type: 4,
          custom_id: WORDS,
          style: short ? 1 : 2,
          required: words?.optional !== true,
          max_length: MOST_WORDS,
          ...(coded ? { min_length: 6, placeholder: '6 to 8 digits' } : {}),
        },
      },
    ],
  }
}

/** What a form that was sent says, and the code beside it; or what has to be typed into it. What was typed is not repeated. */
export function filledIn(
  pressed: Pressed,
  typed: string,
): { readonly says: string; readonly code?: string } | { readonly wrong: string } {
  const { words, says } = pressed
  if (words?.code) return saysWithCode({ says, words }, typed) ?? { wrong: wrongCode(says) }
  if (words?.mustBe !== undefined) {
    const fits = hashOf(typed.normalize('NFC').trim()) === words.mustBe
    return fits ? { says } : { wrong: 'Nothing was said. Type the name that stands on the card, to the letter.' }
  }
  const said = saysWith({ says, ...(words ? { words } : {}) }, typed)
  if (said !== undefined) return { says: said }
  return {
    wrong:
      words?.must === undefined
        ? 'Nothing was said: it needs a few words.'
        : `Nothing was said. Type \`${words.must}\` to the letter.`,
  }
}

const wrongCode = (says: string): string =>
  says.includes('"..."')
    ? 'Nothing was said. Type the 6 to 8 digits of your code, then a few words.'
    : 'Nothing was said. Type the 6 to 8 digits of your code.'

/** A button's sentence without the digest that ties it to what it showed: nobody types that. */
const spokenOf = (says: string): string => says.replace(/ as [0-9a-f]{10}(?= |$)/, '')
