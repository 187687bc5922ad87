import { type Button, saysWith, saysWithCode, type Words } from '../../domain/chat.ts'

/** What a line typed at the terminal comes to. */
export type Typed =
  | { readonly is: 'nothing' }
  | { readonly is: 'speaker'; readonly who: string }
  | { readonly is: 'no'; readonly why: string }
  | { readonly is: 'sentence'; readonly who: string; readonly says: string; readonly code?: string }
  | { readonly is: 'words'; readonly who: string; readonly button: Worded } // it asks for words before it says anything

/** A button that needs words. */
export type Worded = Button & { readonly words: Words }

/** `as lead`, `lead: sentence`, the number of a button with the words it asks for behind it, or a sentence of whoever speaks now. */
export function typed(text: string, speaker: string, speakers: readonly string[], buttons: readonly Button[]): Typed {
  const line = text.trim()
  if (line === '') return { is: 'nothing' }
  const as = /^as\s+([A-Za-z0-9_.-]+)$/i.exec(line)?.[1]
  if (as !== undefined)
    return speakers.includes(as)
      ? { is: 'speaker', who: as }
      : { is: 'no', why: `Here are ${speakers.join(', ')}, and nobody called ${as}.` }
  const name = prefixOf(line, speakers)
  const who = name === '' ? speaker : name.slice(0, name.indexOf(':'))
  const said = line.slice(name.length)
  const [, number, words = ''] = /^(\d{1,2})(?:\s+(.*))?$/.exec(said) ?? []
  if (number === undefined) return { is: 'sentence', who, says: said }
  const button = buttons[Number(number) - 1]
  if (!button) return { is: 'no', why: `There is no choice ${number} now.` }
  if (!needsWords(button)) return { is: 'sentence', who, says: button.says }
  const answer = answerOf(button, words)
  if (answer) return { is: 'sentence', who, ...answer }
  return words === '' ? { is: 'words', who, button } : { is: 'no', why: notThat(button) }
}

const needsWords = (button: Button): button is Worded => button.words !== undefined

/** What a button says with these words, and the code beside it; undefined when they are not what was asked for. */
export function answerOf(button: Worded, words: string): { readonly says: string; readonly code?: string } | undefined {
  if (button.words.code) return saysWithCode(button, words)
  const says = saysWith(button, words)
  return says === undefined ? undefined : { says }
}

/** Why what was typed lets a button say nothing. What it was is not repeated. */
export const notThat = ({ words, says }: Worded): string => `That is not ${wanted(words, says)}: nothing was said.`
const wanted = ({ must, code }: Words, says: string): string =>
  code ? `a code of 6 to 8 digits${says.includes('"..."') ? ' and a few words' : ''}` : (must ?? 'what was asked for')

/** "lead: " at the beginning of a line, if a lead may speak here. */
export const prefixOf = (line: string, speakers: readonly string[]): string => {
  const found = /^([A-Za-z0-9_.-]+):\s+/.exec(line)
  return found?.[1] !== undefined && speakers.includes(found[1]) ? found[0] : ''
}

/** What a button says, without the digest that ties it to what it showed: nobody types that. */
export const sentenceOf = (says: string): string => says.replace(/ as [0-9a-f]{10}(?= because |$)/, '')

/** A button's sentence as far as the words that it asks for. */
export const upToWords = ({ says }: Worded): string => says.slice(0, says.indexOf('"..."') + 1 || says.length + 1)

/** What was written behind a line that a button began; undefined when it is another line by now. The mark that closes it is optional. */
export const writtenBehind = (begun: string, line: string): string | undefined =>
  line.startsWith(begun) ? line.slice(begun.length).trim().replace(/"$/, '') : undefined
