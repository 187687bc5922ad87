import type { Standpoint } from './chat.ts'
import type { Millis } from './ids.ts'
import { duration } from './words.ts'

/** Every way to say no to a person. Values, not exceptions; `explain` is the only place that words them. */
export type Refusal =
  | { readonly no: 'too long'; readonly length: number; readonly most: number }
  | { readonly no: 'empty' }
  | {
      readonly no: 'not understood'
      readonly text: string
      readonly at: number // offset of the word in `text`; text.length when the sentence stops too early
      readonly word: string // '' when the sentence stops too early
      readonly expected: readonly string[] // in the user's words: 'throttle', '<target>', '<duration>'
      readonly nearest?: string // the sentence that was probably meant
    }
  | { readonly no: 'ambiguous'; readonly readings: readonly string[] }
  | { readonly no: 'bad value'; readonly what: string; readonly why: string }
  | { readonly no: 'unknown target'; readonly target: string; readonly known: readonly string[]; readonly nearest?: string }
  | { readonly no: 'wrong kind'; readonly target: string; readonly kind: string; readonly wants: readonly string[] }
  | { readonly no: 'unknown person'; readonly handle: string }
  | { readonly no: 'too late'; readonly by: Millis }
  | { readonly no: 'too fast' }
  | { readonly no: 'wrong place'; readonly here: Exclude<Standpoint, 'work'>; readonly instead: readonly string[] }
  | { readonly no: 'another channel'; readonly run: string; readonly where: string }
  | { readonly no: 'a copy'; readonly run: string }
  | { readonly no: 'who is that'; readonly why: string }
  | { readonly no: 'unknown channel'; readonly channel: string; readonly known: readonly string[] }
  | { readonly no: 'not permitted'; readonly person: string; readonly what: string; readonly because: string }
  | { readonly no: 'unknown run'; readonly run: string; readonly live: readonly string[] }
  | { readonly no: 'not now'; readonly run: string; readonly why: string; readonly instead: readonly string[] }
  | { readonly no: 'no answer'; readonly target: string; readonly why: string }
  | { readonly no: 'not planned'; readonly why: string; readonly instead: string }
  | { readonly no: 'needs a code'; readonly why: string; readonly instead: string }
  | { readonly no: 'went wrong'; readonly why: string }

/** What is wrong, then what to do. */
export function explain(refusal: Refusal): readonly string[] {
  switch (refusal.no) {
    case 'too long':
      return [`That is ${refusal.length} characters long, and a sentence may have ${refusal.most}.`, 'Say one thing at a time.']
    case 'empty':
      return ['That says nothing.', 'Say `help` to see what can be said.']
    case 'not understood':
      return [
        ...pointAt(refusal.text, refusal.at, refusal.word),
        ...(refusal.expected.length > 0 ? [`There I expected ${list(refusal.expected)}.`] : []),
        refusal.nearest === undefined ? 'Say `help` to see what can be said.' : `Did you mean \`${refusal.nearest}\`?`,
      ]
    case 'ambiguous':
      return [
        'That can be read in more than one way:',
        ...refusal.readings.map(reading => `  ${reading}`),
        'Say it as one of these.',
      ]
    case 'bad value':
      return [`${refusal.what}: ${refusal.why}.`]
    case 'unknown target':
      return [
        `I know no target called ${refusal.target}.`,
        refusal.nearest === undefined ? `I know ${list(refusal.known)}.` : `Did you mean \`${refusal.nearest}\`?`,
      ]
    case 'wrong kind':
      return [
        `${refusal.target} is a ${refusal.kind} target, and that sentence is for ${list(refusal.wants)}.`,
        `Say \`what can I do on ${refusal.target}\`.`,
      ]
    case 'unknown person':
      return [
        `I do not know who ${refusal.handle} is, so all I can give you is help: say \`help\`.`,
        'If you are in the site file, say `link me` here, and take the code that you get to another account of yours.',
        `If you are not, ask whoever keeps the site file to add you under \`people\`, with the handle ${refusal.handle}.`,
      ]
    case 'too late':
      return [
        `That arrived ${duration(refusal.by)} after it was said, and nothing was done about it.`,
        'If you still mean it, look at how things stand and say it again.',
      ]
    case 'too fast':
      return ['That is too much at once, and some of it was not heard.', 'Wait a minute, then say it again.']
    case 'wrong place':
      return [
        PLACES[refusal.here],
        refusal.instead.length > 0 ? `Say it in ${list(refusal.instead)}.` : 'The site file names no channel for it yet.',
      ]
    case 'another channel':
      return [
        `${refusal.run} is decided where its card is, in ${refusal.where}, so that everybody there sees it.`,
        'Say it there.',
      ]
    case 'a copy':
      return [
        `That is a copy of a card of ${refusal.run}, and its buttons do nothing.`,
        `Press them on the card itself: \`show ${refusal.run}\` leads there.`,
      ]
    case 'who is that':
      return [`I cannot make sure who you are: ${refusal.why}.`, 'Nothing was done. Say it again in a minute.']
    case 'unknown channel':
      return [
        `I am not at work in ${refusal.channel}.`,
        refusal.known.length > 0 ? `I am in ${list(refusal.known)}.` : 'The site file names no channel.',
      ]
    case 'not permitted':
      return [`${refusal.person} may not ${refusal.what}: ${refusal.because}.`, 'The rules are in the site file, under `rules`.']
    case 'unknown run':
      return [
        `There is no run ${refusal.run}.`,
        refusal.live.length > 0 ? `Running now: ${refusal.live.join(', ')}.` : 'Say `show all runs` to see what there was.',
      ]
    case 'not now':
      return [
        `${refusal.run}: ${refusal.why}.`,
        ...(refusal.instead.length > 0 ? [`You can say ${list(refusal.instead.map(it => `\`${it}\``))}.`] : []),
      ]
    case 'no answer':
      return [`${refusal.target} gave no usable answer: ${refusal.why}.`, 'Nothing was changed.']
    case 'not planned':
      return [`${refusal.why}.`, refusal.instead]
    case 'needs a code':
      return [`${refusal.why[0]?.toUpperCase() ?? ''}${refusal.why.slice(1)}.`, refusal.instead]
    case 'went wrong':
      return [
        `Something went wrong here, and it is not your doing: ${refusal.why}.`,
        'Say `show runs` to see how things stand before you say it again.',
      ]
  }
}

/** Why a change is not taken where it was said. */
const PLACES: Readonly<Record<Exclude<Standpoint, 'work'>, string>> = {
  direct: 'Changes and approvals are not taken in a direct message, where nobody else reads along.',
  elsewhere: 'Changes and approvals are taken only in the channels that the site file names.',
  open: 'This is a channel that anybody may join, and changes are not asked for in such a one.',
  shared: 'This channel is shared with another organisation, and nothing is asked for in such a one.',
}

/** The sentence with a caret under the word where understanding stopped; long sentences show only the neighbourhood. */
function pointAt(text: string, at: number, word: string): readonly string[] {
  const from = Math.max(0, at - 40)
  const shown = `${from > 0 ? '...' : ''}${text.slice(from, at + 40)}${text.length > at + 40 ? '...' : ''}`.replace(
    /[\r\n\t]/g,
    ' ',
  )
  const caret = ' '.repeat(at - from + (from > 0 ? 3 : 0)) + '^'.repeat(Math.max(1, Math.min(word.length, 40)))
  return [
    word === '' ? 'The sentence stops too early:' : `I stopped understanding at \`${word.slice(0, 40)}\`:`,
    `  ${shown}`,
    `  ${caret}`,
  ]
}

const MOST = 8
export function list(words: readonly string[], joint = 'or'): string {
  const shown = words.length > MOST ? [...words.slice(0, MOST), `${words.length - MOST} more`] : words
  return shown.length < 2 ? (shown[0] ?? 'nothing') : `${shown.slice(0, -1).join(', ')} ${joint} ${shown.at(-1)}`
}
