import type { Card, Place, Post, Said } from '../../domain/chat.ts'
import type { Chat } from '../../ports/chat.ts'
import { callLines, chartLines, fileLines, harmless, render } from './render.ts'

const STYLE = { colours: false, width: 100 }
/** A transcript keeps every look at a progress bar; one line for each tenth is enough for whoever reads it. */
const TENTHS = 10

/** The console when nobody watches it: what a chat would show, as plain lines. An edited card prints what is new on it. */
export function plainConsole(print: (line: string) => void): Chat {
  const shown = new Map<string, { readonly lines: ReadonlySet<string>; readonly tenth: number }>()
  const show = (message: string, card: Card): void => {
    const before = shown.get(message)
    const { meter, ...still } = card
    const lines = render(still, STYLE)
    const fresh = before ? lines.filter(line => !before.lines.has(line)) : lines
    for (const line of fresh) print(line)
    const tenth = meter?.done === undefined ? -1 : Math.floor(meter.done * TENTHS)
    if (meter && tenth > (before?.tenth ?? -1))
      for (const line of render({ ...card, title: '', steps: [], lines: [], buttons: [], state: '' }, STYLE).filter(
        line => line.trim() !== '',
      ))
        print(line)
    shown.set(message, { lines: new Set(lines), tenth: Math.max(tenth, before?.tenth ?? -1) })
  }
  return {
    name: 'console',
    standing: () => Promise.resolve({ speaker: 'member', place: 'work' }),
    health: () => ({ ok: true, says: 'this terminal' }),
    start: () => Promise.resolve(),
    post(at: Place, card: Card, key: string): Promise<Post> {
      if (!key.includes('/ring-')) show(key, card)
      else
        for (const line of [
          `* ${harmless(card.title)}`,
          ...callLines(card),
          ...(card.chart ? chartLines(card.chart, STYLE) : []),
        ])
          print(line)
      return Promise.resolve({ ...at, message: key })
    },
    // What an earlier process printed is on paper: it has been posted.
    find: (at: Place, key: string) => Promise.resolve(shown.has(key) ? { ...at, message: key } : undefined),
    edit(post: Post, { calls: _, ...card }: Card): Promise<void> {
      show(post.message, card)
      return Promise.resolve()
    },
    whisper(_: Said, card: Card): Promise<void> {
      for (const line of [...render(card, STYLE), ...fileLines(card)]) print(line)
      return Promise.resolve()
    },
    stop: () => Promise.resolve(),
  }
}
