import { randomBytes } from 'node:crypto'
import type { Callback, MessageBody } from './bodies.ts'
import { permissionsIn } from './permissions.ts'
import { channelOf, messageOf, speakerOf } from './wire.ts'
import type { Channel, Message, Stored, User, World } from './world.ts'

export type InteractionKind = 'command' | 'menu' | 'press' | 'suggest' | 'submit'

export interface Interaction {
  readonly id: string
  readonly token: string
  readonly kind: InteractionKind
  readonly user: User
  readonly channel: Channel
  readonly made: number
  readonly source?: Message // whose button was pressed
  callback?: Callback
  original?: Message
  late: boolean
}

export interface Opening {
  readonly kind: InteractionKind
  readonly user: User
  readonly channel: Channel
  readonly data: object
  readonly source?: Message
}

export const ANSWER_WITHIN = 3_000
export const TOKEN_LIVES = 15 * 60_000

export interface Interactions {
  /** Sends it to the bot; resolves with what the bot answers first, or undefined when it does not within three seconds. */
  open(opening: Opening): Promise<Interaction | undefined>
  find(token: string, id?: string): Interaction | undefined
  answered(interaction: Interaction, callback: Callback): void
}

const TYPES: Readonly<Record<InteractionKind, number>> = { command: 2, menu: 2, press: 3, suggest: 4, submit: 5 }

export function createInteractions(world: World, origin: () => string, send: (payload: object) => void): Interactions {
  const all = new Map<string, Interaction>()
  const waiting = new Map<string, (answer: Interaction | undefined) => void>()
  return {
    open(opening) {
      const interaction: Interaction = {
        ...opening,
        id: world.snowflake(),
        token: `aW50ZXJhY3Rpb246${randomBytes(24).toString('base64url')}`,
        made: world.time.now(),
        late: false,
      }
      all.set(interaction.token, interaction)
      return new Promise(resolve => {
        const callOff = world.time.after(ANSWER_WITHIN, () => {
          interaction.late = true
          waiting.delete(interaction.id)
          resolve(undefined)
        })
        waiting.set(interaction.id, answer => {
          callOff()
          waiting.delete(interaction.id)
          resolve(answer)
        })
        send(payloadOf(world, interaction, opening, origin()))
      })
    },
    find(token, id) {
      const found = all.get(token)
      return id === undefined || found?.id === id ? found : undefined
    },
    answered(interaction, callback) {
      interaction.callback = callback
      waiting.get(interaction.id)?.(interaction)
    },
  }
}

function payloadOf(world: World, one: Interaction, { data, source }: Opening, origin: string): object {
  const { user, channel } = one
  const direct = channel.kind === 'direct'
  return {
    id: one.id,
    application_id: world.application,
    type: TYPES[one.kind],
    token: one.token,
    version: 1,
    data,
    channel_id: channel.id,
    channel: channelOf(world, channel),
    ...(direct
      ? {}
      : { guild_id: world.guild, guild: { id: world.guild, locale: 'en-US', features: [] }, guild_locale: 'en-US' }),
    ...(direct ? speakerOf(world, { ...user, member: false }, 0n) : speakerOf(world, user, permissionsIn(world, user, channel))),
    ...(source ? { message: messageOf(world, source, origin, 'all') } : {}),
    app_permissions: `${permissionsIn(world, world.bot, channel)}`,
    locale: 'en-US',
    entitlements: [],
    authorizing_integration_owners: { 0: direct ? '0' : world.guild },
    context: direct ? 1 : 0,
    attachment_size_limit: 10 * 1024 * 1024,
  }
}

/** What a body says of a message, where it says anything; files that it does not keep are gone. */
export function changesFrom(
  body: MessageBody,
  files: ReadonlyMap<string, Stored>,
  before?: Message,
): Pick<Message, 'content' | 'embeds' | 'rows' | 'files'> {
  const listed = body.attachments?.map(one => `${one.id}`)
  const kept = (before?.files ?? []).filter(file => listed === undefined || listed.includes(file.id))
  return {
    content: body.content === undefined ? (before?.content ?? '') : (body.content ?? ''),
    embeds: body.embeds === undefined ? (before?.embeds ?? []) : (body.embeds ?? []),
    rows: body.components === undefined ? (before?.rows ?? []) : (body.components ?? []),
    files: [...kept, ...files.values()],
  }
}
