import type { Button } from '../../domain/chat.ts'

/** What a line typed at the terminal comes to. */
export type Typed =
  | { readonly is: 'nothing' }
  | { readonly is: 'speaker'; readonly who: string }
  | { readonly is: 'no'; readonly why: string }
  | { readonly is: 'sentence'; readonly who: string; readonly says: string }

/** `as lead`, `lead: sentence`, the number of a button, or a sentence of whoever speaks now. */
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
  if (!/^\d{1,2}$/.test(said)) return { is: 'sentence', who, says: said }
  const button = buttons[Number(said) - 1]
  return button ? { is: 'sentence', who, says: button.says } : { is: 'no', why: `There is no choice ${said} now.` }
}

/** "lead: " at the beginning of a line, if a lead may speak here. */
export const prefixOf = (line: string, speakers: readonly string[]): string => {
  const found = /^([A-Za-z0-9_.-]+):\s+/.exec(line)
  return found?.[1] !== undefined && speakers.includes(found[1]) ? found[0] : ''
}

/** What a button says, without the digest that ties it to what it showed: nobody types that. */
export const sentenceOf = (says: string): string => says.replace(/ as [0-9a-f]{10}$/, '')
