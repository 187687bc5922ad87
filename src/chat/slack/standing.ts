import { z } from 'zod'
import type { Said, Standing, Standpoint } from '../../domain/chat.ts'
import type { Handle, Instant, Millis } from '../../domain/ids.ts'
import { type Membership, NotShown } from '../../ports/chat.ts'
import { SLACK, type SlackSettings } from './settings.ts'
import type { Wire } from './wire.ts'

/** What Slack says of people, channels and user groups, asked at most once a minute each. */
export interface Standings {
  of(said: Said): Promise<Standing>
  place(channel: string): Promise<Standpoint>
  membership(handle: Handle): Promise<Membership>
  forget(what: { readonly channel?: string; readonly user?: string }): void
}

/** Slack's own answer may be so old: the longest that somebody who was removed still counts. */
const FRESH: Millis = 60_000
/** Strangers cannot make us remember more than this. */
const MOST = 5_000

export function standings(
  settings: Pick<SlackSettings, 'team' | 'channels' | 'groups' | 'publicChannels'>,
  wire: Wire,
  now: () => Instant,
): Standings {
  const { team, groups = [] } = settings
  const speakers = remembered(now, user => askSpeaker(user, team, wire))
  const members = remembered(now, group => askGroup(group, wire))
  const places = remembered(now, channel => askPlace(channel, settings, wire))
  const place = (channel: string): Promise<Standpoint> =>
    // A direct message and somebody's home are what they are; nobody can turn them into a channel.
    channel.startsWith('D') || channel.startsWith('home:') ? Promise.resolve('direct') : places.get(channel)
  return {
    of: async said => ({
      speaker: await speakers.get(userOf(said.by)),
      place: await place(said.at.channel),
      workspace: team,
    }),
    place,
    async membership(handle) {
      const user = userOf(handle)
      const active = (await speakers.get(user)) === 'member'
      if (!active) return { active, groups: new Set(), age: now() - speakers.askedAt(user) }
      const having = await Promise.all(groups.map(async group => ((await members.get(group)).has(user) ? [group] : [])))
      const asked = [speakers.askedAt(user), ...groups.map(group => members.askedAt(group))]
      return { active, groups: new Set(having.flat()), age: now() - Math.min(...asked) }
    },
    forget({ channel, user }) {
      if (channel !== undefined) places.forget(channel)
      if (user !== undefined) speakers.forget(user)
    },
  }
}

const userOf = (handle: Handle): string => handle.slice(SLACK.length + 1)

/** Fields of docs.slack.dev/reference/objects/user-object. */
const User = z.object({
  user: z.object({
    team_id: z.string().optional(),
    deleted: z.boolean().optional(),
    is_bot: z.boolean().optional(),
    is_restricted: z.boolean().optional(),
    is_ultra_restricted: z.boolean().optional(),
    is_stranger: z.boolean().optional(),
  }),
})

async function askSpeaker(user: string, team: string, wire: Wire): Promise<Standing['speaker']> {
  if (user === 'USLACKBOT') return 'machine'
  const answer = await wire.call('users.info', { user }, ASKING).catch((error: unknown) => {
    if (error instanceof NotShown && /user_not_(?:found|visible)/.test(error.message)) return undefined
    throw error
  })
  if (answer === undefined) return 'foreign'
  const found = parsed(User, answer, 'users.info').user
  if (found.is_bot) return 'machine'
  if (found.is_stranger || found.team_id !== team) return 'foreign'
  if (found.deleted) return 'gone'
  return found.is_restricted || found.is_ultra_restricted ? 'guest' : 'member'
}

const Members = z.object({ users: z.array(z.string()) })

/** Who is in a user group. In one that is not there, or is disabled, is nobody: the check says so. */
async function askGroup(usergroup: string, wire: Wire): Promise<ReadonlySet<string>> {
  const answer = await wire
    .call('usergroups.users.list', { usergroup, include_disabled: false }, ASKING)
    .catch((error: unknown) => {
      if (error instanceof NotShown && error.message.includes('no_such_subteam')) return { users: [] }
      throw error
    })
  return new Set(parsed(Members, answer, 'usergroups.users.list').users)
}

/** Fields of docs.slack.dev/reference/objects/conversation-object. */
const Channel = z.object({
  channel: z.object({
    is_im: z.boolean().optional(),
    is_mpim: z.boolean().optional(),
    is_private: z.boolean().optional(),
    is_shared: z.boolean().optional(),
    is_ext_shared: z.boolean().optional(),
    is_org_shared: z.boolean().optional(),
    is_pending_ext_shared: z.boolean().optional(),
    pending_shared: z.array(z.unknown()).optional(),
  }),
})

type Listed = Pick<SlackSettings, 'channels' | 'publicChannels'>

async function askPlace(channel: string, { channels, publicChannels }: Listed, wire: Wire): Promise<Standpoint> {
  const listed = channels.includes(channel)
  const answer = await wire.call('conversations.info', { channel }, ASKING).catch((error: unknown) => {
    // A channel that we are not in says nothing of itself, and one of a kind that we may not ask about neither. Work is not done there.
    if (!listed && error instanceof NotShown && (error.how === 'closed' || error.message.includes('missing_scope')))
      return undefined
    throw error
  })
  if (answer === undefined) return 'elsewhere'
  const found = parsed(Channel, answer, 'conversations.info').channel
  if (isShared(found)) return 'shared'
  if (found.is_im) return 'direct'
  if (!listed || found.is_mpim) return 'elsewhere'
  return found.is_private === true || publicChannels ? 'work' : 'open'
}

export const isShared = (channel: z.infer<typeof Channel>['channel']): boolean =>
  channel.is_shared === true ||
  channel.is_ext_shared === true ||
  channel.is_org_shared === true ||
  channel.is_pending_ext_shared === true ||
  (channel.pending_shared?.length ?? 0) > 0

const ASKING = { lane: 'answer', purpose: 'question' } as const

/** An answer without the fields that decide is no answer. */
function parsed<T>(shape: z.ZodType<T>, answer: unknown, method: string): T {
  const { success, data } = shape.safeParse(answer)
  if (!success) throw new NotShown('later', `Slack answered ${method} with something that is no answer`)
  return data
}

/** Answers by name, for as long as they are fresh. Who asks meanwhile waits for the same answer; a failure is not remembered. */
function remembered<T>(now: () => Instant, ask: (name: string) => Promise<T>) {
  const known = new Map<string, { readonly at: Instant; readonly answer: Promise<T> }>()
  return {
    get(name: string): Promise<T> {
      const found = known.get(name)
      if (found && now() - found.at < FRESH) return found.answer
      const entry = { at: now(), answer: ask(name) }
      known.delete(name)
      known.set(name, entry)
      for (const [oldest] of known) {
        if (known.size <= MOST) break
        known.delete(oldest)
      }
      return entry.answer.catch((error: unknown) => {
        if (known.get(name) === entry) known.delete(name)
        throw error
      })
    },
    askedAt: (name: string): Instant => known.get(name)?.at ?? now(),
    forget: (name: string): boolean => known.delete(name),
  }
}
