import moo from 'moo'

/** One word of a sentence. What it can mean is decided by the shapes, not here: `0720` is a number and a device alike. */
export interface Word {
  readonly type: 'word' | 'quoted' | 'open'
  readonly text: string // lower case: what keywords are compared with
  readonly value: string // as it was typed; without its quotes if it had some
  readonly at: number // offset in the sentence
  readonly end: number
}

// A quote that never closes takes the rest of the line, so that the caret stands under the quote and not behind it.
const lexer = moo.compile({
  space: / +/,
  quoted: { match: /"[^"\n]*"|'[^\n]*?'(?= |$)/, value: it => it.slice(1, -1) },
  open: /["'][^\n]*/,
  word: /[^ "\n]+/,
  other: moo.error,
})

/** The words of a normalised sentence. Never throws: what fits nothing becomes an `open` word. */
export function words(sentence: string): readonly Word[] {
  lexer.reset(sentence)
  return [...lexer]
    .filter(token => token.type !== 'space')
    .map(({ type, text, value, offset }) => ({
      type: type === 'word' || type === 'quoted' ? type : 'open',
      text: text.toLowerCase(),
      value,
      at: offset,
      end: offset + text.length,
    }))
}
