import type { Said, Standing } from '../domain/chat.ts'
import type { Command } from '../domain/command.ts'
import { type Millis, minutes, type Person } from '../domain/ids.ts'
import { personOf } from '../domain/policy.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Run } from '../domain/run.ts'
import { NotShown } from '../ports/chat.ts'
import type { Ears } from './ears.ts'

/** What became of a sentence: kept in the inbox beside it, and counted. */
export type HeardAs =
  | 'accepted'
  | 'refused'
  | 'machine'
  | 'edit'
  | 'foreign'
  | 'guest'
  | 'gone'
  | 'shared'
  | 'flood'
  | 'unlinked'
  | 'late'
  | 'misplaced'
  | 'broken'

/** Who speaks, from where; or why they are not listened to. Without a refusal nobody is told: a stranger learns nothing. */
export type Admitted =
  | { readonly by: Person | undefined; readonly standing: Standing }
  | { readonly dropped: HeardAs; readonly refusal?: Refusal }

/** Whom the chat knows, whom the site knows, and who speaks too much: in that order, before anybody tries to understand. */
export async function admit(said: Said, ears: Ears): Promise<Admitted> {
  if (said.machine) return { dropped: 'machine' }
  const chat = ears.chats.get(said.at.chat)
  let standing: Standing = AT_WORK
  try {
    if (chat) standing = await chat.standing(said)
  } catch (error) {
    if (!(error instanceof NotShown)) throw error
    return { dropped: 'refused', refusal: { no: 'who is that', why: error.message } }
  }
  if (standing.place === 'shared') return { dropped: 'shared' }
  if (standing.speaker !== 'member') return { dropped: standing.speaker }
  const by = personOf(await ears.policy(), said.by)
  switch (ears.limit({ person: by ?? said.by, channel: `${said.at.chat}/${said.at.channel}` }, ears.clock.now())) {
    case 'ok':
      return { by, standing }
    case 'too fast':
      return { dropped: 'flood', refusal: { no: 'too fast' } }
    case 'too fast, told already':
      return { dropped: 'flood' }
  }
}

/** A process without chats, as in a test of the engine alone, trusts whoever calls it. */
const AT_WORK: Standing = { speaker: 'member', place: 'work' }

/** A sentence that would change something is not acted upon so long after it was said: its speaker has moved on. */
const LATE: Millis = minutes(10)

/** Why a sentence that moves something is not taken now and here. */
export async function misplaced(
  said: Said,
  { place }: Standing,
  ears: Ears,
): Promise<{ readonly as: HeardAs; readonly refusal: Refusal } | undefined> {
  const late = said.when === undefined ? 0 : (await ears.store.now()) - said.when
  if (late > LATE) return { as: 'late', refusal: { no: 'too late', by: late } }
  if (place === 'work') return undefined
  return { as: 'misplaced', refusal: { no: 'wrong place', here: place, instead: ears.listed(said.at.chat).map(named) } }
}

/** Only where its card is, in sight of everybody there, is a run decided; and only by the card itself, never by a copy of it. */
export async function unwitnessed(said: Said, run: Run, ears: Ears): Promise<Refusal | undefined> {
  const { chat, channel } = said.at
  if (said.on !== undefined) return (await isCard(said.on, said, run, ears)) ? undefined : { no: 'a copy', run: run.id }
  const here = (place: { readonly chat: string; readonly channel: string } | undefined): boolean =>
    place?.chat === chat && place.channel === channel
  // A run that was asked for in another chat is decided in any channel of this one that the site names.
  if (run.place.chat !== chat || here(run.place) || here(ears.fallback)) return undefined
  return { no: 'another channel', run: run.id, where: named(run.place.channel) }
}

async function isCard(message: string, said: Said, run: Run, ears: Ears): Promise<boolean> {
  const chat = ears.chats.get(said.at.chat)
  const same = (post: { readonly chat: string; readonly channel: string; readonly message: string } | undefined): boolean =>
    post?.message === message && post.chat === said.at.chat && post.channel === said.at.channel
  for (const [key, posted] of await ears.store.posts(run.id)) {
    if (same(posted.post)) return true
    // Pressed before we had written down where the card is: the chat knows whether it is ours.
    if (!posted.post && key.startsWith('card') && same(await chat?.find(said.at, `${run.id}/${key}`, posted.begun))) return true
  }
  return false
}

/** Does a command move something? Those that only look are answered anywhere, and late too. */
export const moves = ({ kind }: Command): boolean => !LOOKS.has(kind)

const LOOKS: ReadonlySet<Command['kind']> = new Set<Command['kind']>([
  'show run',
  'show runs',
  'show targets',
  'show chats',
  'show subscriptions',
  'show windows',
  'show schedules',
  'show reviews',
  'show policy change',
  'policy test',
  'who could approve',
  'report',
  'who may approve',
  'what can I do',
  'estimate',
  'help',
  'home',
  'chart',
])

/** A channel as it is written in a sentence. */
export const named = (channel: string): string => `#${channel}`
