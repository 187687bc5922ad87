import type { PressesHow, SaysHow } from '../workspace.ts'
import type { Modal } from './bodies.ts'
import type { Interaction, Interactions } from './interactions.ts'
import type { Registered } from './routes-guild.ts'
import { messageOf, userOf } from './wire.ts'
import { type Channel, type Message, titleOf, type User, type World } from './world.ts'

export interface Choice {
  readonly name: string
  readonly value: string
}

/** What people do in the client, and what the client sends for it. */
export interface People {
  says(user: string, text: string, how?: SaysHow): Promise<boolean>
  presses(user: string, message: string, label: string, how?: PressesHow): Promise<boolean>
  /** One press of the button with that custom_id, as the page does it: the modal that opens, if one does. */
  press(user: User, message: Message, id: string): Promise<Interaction | undefined>
  submit(
    user: User,
    channel: Channel,
    modal: Modal,
    words: ReadonlyMap<string, string>,
    source?: Message,
  ): Promise<Interaction | undefined>
  /** The choices that are offered for what has been typed; undefined when none came in time. */
  types(user: string, partial: string, how?: { readonly channel?: string }): Promise<readonly Choice[] | undefined>
  /** The entry in a message's own menu ("Apps"). */
  menu(user: string, message: string, name: string): Promise<boolean>
  edits(message: string, text: string): void
  deletes(message: string): void
  leaves(user: string): void
  /** An administrator gives them these roles, and takes every other one away. Nobody is told: it needs an intent that we have not. */
  has(user: string, roles: readonly string[]): void
  /** Takes the channel's overwrites away: from now on everybody in the guild may read it. */
  opens(channel: string): void
}

export function createPeople(
  world: World,
  interactions: Interactions,
  registered: readonly Registered[],
  origin: () => string,
): People {
  const command = (type: number, name?: string): Registered => {
    const found = registered.find(one => (one.type ?? 1) === type && (name === undefined || one.name === name))
    if (!found) throw new Error(`the guild has no command ${name ?? 'at all'}: the bot has registered none`)
    return found
  }
  const data = (one: Registered, more: object) => ({
    id: one.id,
    name: one.name,
    type: one.type ?? 1,
    guild_id: world.guild,
    ...more,
  })
  const typed = (one: Registered, text: string, focused: boolean) => {
    const option = one.options?.find(({ type }) => type === 3)
    if (!option) return data(one, {})
    return data(one, { options: [{ name: option.name, type: 3, value: text, ...(focused ? { focused: true } : {}) }] })
  }
  const messageIn = (id: string): Message => {
    const found = world.messages.get(id)
    if (!found || found.deleted) throw new Error(`nobody sees a message ${id}`)
    return found
  }
  const placeOf = (user: User, { channel, thread, via }: SaysHow): Channel => {
    if (thread !== undefined) return world.channelOf(thread)
    return via === 'direct' ? world.direct(user) : world.channelOf(channel)
  }

  const people: People = {
    async says(name, text, how = {}) {
      const user = world.person(name)
      const channel = placeOf(user, how)
      if (how.via === 'command') {
        // A client keeps line breaks out of an option, and no more than 6,000 characters in it.
        const option = typed(command(1), text.replace(/\s*\n\s*/g, ' ').slice(0, 6000), false)
        return (await interactions.open({ kind: 'command', user, channel, data: option })) !== undefined
      }
      world.post({ channel: channel.id, author: user, content: channel.kind === 'direct' ? text : `<@${world.bot.id}> ${text}` })
      return true
    },
    async presses(name, id, label, { words, times = 1 } = {}) {
      const user = world.person(name)
      const message = messageIn(id)
      const button = message.rows.flatMap(row => row.components).find(one => titleOf(one) === label)
      if (button?.custom_id === undefined || button.disabled) {
        throw new Error(`message ${id} has no button ${label} that can be pressed: ${shownButtons(message)}`)
      }
      const customId = button.custom_id
      const presses = await Promise.all(Array.from({ length: times }, () => people.press(user, message, customId)))
      const done = presses.map(async answer => {
        const modal = answer?.callback?.type === 9 ? answer.callback.data : undefined
        if (!answer || !modal || words === undefined) return answer !== undefined
        const inputs = inputsOf(modal)
        const values = new Map(inputs.map((input, n) => [input.custom_id, n === 0 ? words : '']))
        return (await people.submit(user, answer.channel, modal, values, message)) !== undefined
      })
      return (await Promise.all(done)).every(Boolean)
    },
    press(user, message, id) {
      const channel = world.channelOf(message.channel)
      return interactions.open({
        kind: 'press',
        user,
        channel,
        source: message,
        data: { custom_id: id, component_type: 2, id: 1 },
      })
    },
    submit(user, channel, modal, words, source) {
      const components = modal.components.flatMap((part, n): object[] => {
        if (part.type === 10) return [{ type: 10, id: n + 1 }]
        const input = part.type === 18 ? part.component : part.components[0]
        const value = words.get(input?.custom_id ?? '') ?? ''
        if (value === '' && input?.required !== false)
          throw new Error(`the client does not send ${modal.title} without its words`)
        if (value !== '' && value.length < (input?.min_length ?? 0))
          throw new Error(`the client does not send ${modal.title} with less than ${input?.min_length} characters`)
        const filled = { type: 4, id: n + 100, custom_id: input?.custom_id, value: value.slice(0, input?.max_length ?? 4000) }
        return [part.type === 18 ? { type: 18, id: n + 1, component: filled } : { type: 1, id: n + 1, components: [filled] }]
      })
      return interactions.open({
        kind: 'submit',
        user,
        channel,
        data: { custom_id: modal.custom_id, components },
        ...(source ? { source } : {}),
      })
    },
    async types(name, partial, how = {}) {
      const user = world.person(name)
      const channel = world.channelOf(how.channel)
      const answer = await interactions.open({ kind: 'suggest', user, channel, data: typed(command(1), partial, true) })
      return answer?.callback?.type === 8 ? answer.callback.data.choices : undefined
    },
    async menu(name, id, entry) {
      const user = world.person(name)
      const message = messageIn(id)
      const channel = world.channelOf(message.channel)
      const resolved = { messages: { [id]: messageOf(world, message, origin(), 'all') }, users: { [user.id]: userOf(user) } }
      const chosen = data(command(3, entry), { target_id: id, resolved })
      return (await interactions.open({ kind: 'menu', user, channel, data: chosen })) !== undefined
    },
    edits: (id, text) => world.change(messageIn(id), { content: text }),
    deletes: id => world.remove(messageIn(id)),
    leaves(name) {
      const user = world.person(name)
      user.member = false
      world.happened({ t: 'GUILD_MEMBER_REMOVE', user })
    },
    has(name, roles) {
      world.person(name).roles = roles.map(role => roleOf(world, role))
    },
    opens(name) {
      const channel = world.channelOf(name)
      channel.overwrites = []
      world.happened({ t: 'CHANNEL_UPDATE', channel })
    },
  }
  return people
}

export function roleOf(world: World, name: string): string {
  const found = world.roles.find(role => role.name === name)
  if (!found) throw new Error(`the fake Discord has no role ${name}`)
  return found.id
}

export const inputsOf = (modal: Modal) =>
  modal.components.flatMap(part =>
    part.type === 18 ? [{ ...part.component, label: part.label }] : part.type === 1 ? part.components : [],
  )

const shownButtons = (message: Message): string =>
  message.rows.map(row => row.components.map(titleOf).join(', ')).join('; ') || 'it has none'
