import type { Card, Place, Said } from '../domain/chat.ts'
import type { Command } from '../domain/command.ts'
import { follows, sayWhat, type What } from '../domain/follow.ts'
import type { Person } from '../domain/ids.ts'
import { named } from './door.ts'
import type { Ears } from './ears.ts'
import { listing, no, unknownRun } from './replies.ts'

export type Following = Extract<Command, { kind: 'watch' | 'unwatch' | 'subscribe' | 'unsubscribe' | 'quiet' | 'no quiet' }>

/** Who wants to see which runs where, and when it has to be quiet there. */
export async function followers(command: Following, said: Said, by: Person, ears: Ears): Promise<Card> {
  const at = placeOf(command, said, ears)
  if ('refusal' in at) return at.refusal
  const where = at.channel === said.at.channel ? 'here' : `in ${named(at.channel)}`
  switch (command.kind) {
    case 'watch': {
      const run = await ears.store.load(command.run)
      if (!run) return unknownRun(command.run, ears.store)
      if (run.place.chat === at.chat && run.place.channel === at.channel) return told(`${run.id} has its card here already`)
      return begin({ run: run.id }, at, where, by, ears)
    }
    case 'subscribe':
      return begin({ runs: command.to, ...(command.on === undefined ? {} : { on: command.on }) }, at, where, by, ears)
    case 'unwatch': {
      const ended = await ears.store.unfollow(at, { run: command.run })
      return told(ended > 0 ? `${command.run} is not shown ${where} any more` : `${command.run} was not watched ${where}`)
    }
    case 'unsubscribe': {
      const ended = await ears.store.unfollow(at, command.from === undefined ? undefined : { runs: command.from })
      return told(ended > 0 ? `No more of that is shown ${where}` : `There was no such subscription ${where}`)
    }
    case 'quiet': {
      await ears.store.setQuiet({ at, from: command.from, to: command.to, zone: command.zone, by })
      return told(
        `From ${hhmm(command.from)} to ${hhmm(command.to)} (${command.zone}) what is followed ${where} rings for trouble only`,
      )
    }
    case 'no quiet':
      return told(
        (await ears.store.clearQuiet(at)) ? `What is followed ${where} rings at any hour` : `There were no quiet hours ${where}`,
      )
  }
}

/** What runs already is shown at once: whoever asks for it has something going on in mind. */
async function begin(what: What, at: Place, where: string, by: Person, ears: Ears): Promise<Card> {
  await ears.store.follow({ at, what, by })
  for (const run of await ears.store.list('live', 1000)) if (follows(what, run)) await ears.nudge('report', run.id, run.seq)
  return told(`${cap(sayWhat(what))}: shown ${where} from now on, and answered where the run was asked for`)
}

/** `#C0OPS` must be a channel that the site file names; anything else would lead what a run shows to where it is not meant to be. */
function placeOf(command: Following, said: Said, ears: Ears): Place | { readonly refusal: Card } {
  const here = { chat: said.at.chat, channel: said.at.channel }
  if (!('channel' in command) || command.channel === undefined) return here
  const known = ears.listed(said.at.chat)
  const channel = known.find(one => one.toLowerCase() === command.channel?.replace(/^#/, '').toLowerCase())
  if (channel !== undefined) return { ...here, channel }
  return { refusal: no({ no: 'unknown channel', channel: command.channel, known: known.map(named) }) }
}

/** What is followed where, for people. */
export async function subscriptions(ears: Ears): Promise<Card> {
  const follows = await ears.store.follows()
  const quiets = await ears.store.quiets()
  const lines = [
    ...follows.map(({ at, what, by }) => `${at.chat} ${named(at.channel)}: ${sayWhat(what)}, asked for by ${by}`),
    ...quiets.map(
      ({ at, from, to, zone }) => `${at.chat} ${named(at.channel)}: quiet from ${hhmm(from)} to ${hhmm(to)} (${zone})`,
    ),
  ]
  return listing(
    lines.length > 0 ? 'Followed' : 'Nothing is followed. Say `subscribe here to everything`, or `watch R7 here`.',
    lines,
  )
}

const told = (title: string): Card => ({ title, tone: 'calm', lines: [], buttons: [] })
const cap = (text: string): string => `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`
const hhmm = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
