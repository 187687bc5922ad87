import type { Card, Place } from '../domain/chat.ts'
import { type Follow, follows, isQuiet, type Quiet } from '../domain/follow.ts'
import type { Instant } from '../domain/ids.ts'
import type { Ring } from '../domain/rings.ts'
import type { Run } from '../domain/run.ts'

/** One place where a run is shown. */
export interface Seat {
  readonly place: Place
  readonly key: string // what the keys of its messages end with: '' for the run's own place
  readonly answers: boolean // its card has buttons: the run is decided here
  readonly quiet: boolean // only trouble rings
}

/** The run's own place first, then whoever follows it. A place is one seat, however often it follows. */
export function audience(run: Run, following: readonly Follow[], quiets: readonly Quiet[], now: Instant): readonly Seat[] {
  const seats = new Map<string, Seat>([[nameOf(run.place), { place: run.place, key: '', answers: true, quiet: false }]])
  for (const { at, what } of following) {
    if (seats.has(nameOf(at)) || !follows(what, run)) continue
    const quiet = quiets.some(one => nameOf(one.at) === nameOf(at) && isQuiet(one, now))
    seats.set(nameOf(at), { place: { chat: at.chat, channel: at.channel }, key: `@${nameOf(at)}`, answers: false, quiet })
  }
  return [...seats.values()]
}

/** Where a run is decided while nothing can be posted in its own channel. */
export const standIn = (fallback: Place): Seat => ({
  place: fallback,
  key: `@${nameOf(fallback)}`,
  answers: true,
  quiet: false,
})

export const nameOf = ({ chat, channel }: Place): string => `${chat}/${channel}`

/** A card where the run is not decided: it has no buttons, and says where it has. */
export const mirrored = (card: Card, place: Place): Card => ({
  ...card,
  lines: [
    ...card.lines,
    ...(card.buttons.length > 0 ? [`It is answered where it was asked for, in ${place.chat} #${place.channel}.`] : []),
  ],
  buttons: [],
})

/** Trouble rings at any hour; that something waits or has ended well can be read in the morning. */
export const rousing = ({ card }: Ring): boolean => card.tone === 'bad'
