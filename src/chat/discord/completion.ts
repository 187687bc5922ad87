export interface Choice {
  readonly name: string
  readonly value: string
}

/** Discord shows 25 choices, and a choice has 100 characters: a longer sentence is typed to its end without help. */
const MOST = 25
const LONGEST = 100

/** The whole sentence with each word that may follow; the one typed so far is offered too, when nothing can follow it. */
export function choicesFor(text: string, words: readonly string[]): readonly Choice[] {
  const begun = text.replace(/\S*$/, '')
  const sentences = words.length > 0 ? words.map(word => `${begun}${word}`) : [text.trim()]
  return [...new Set(sentences)]
    .filter(sentence => sentence !== '' && sentence.length <= LONGEST)
    .slice(0, MOST)
    .map(sentence => ({ name: sentence, value: sentence }))
}
