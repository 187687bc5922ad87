import type { FakeTime, PressesHow, SaysHow } from '../workspace.ts'
import type { Deliver } from './deliver.ts'
import type { Attempt, DeliverHow, Delivery } from './delivery.ts'
import { createForms, type Forms } from './forms.ts'
import { blocksOf, buttonsIn } from './looks.ts'
import { written } from './methods-chat.ts'
import { BOT } from './options.ts'
import { commandOf, deletedEvent, editedEvent, homeOpenedEvent, type Origin, pressOf, saidEvent, shortcutOf } from './payloads.ts'
import { isJson, listOf } from './wire.ts'
import type { Json, Message, View, World } from './world.ts'

/** What people do in the workspace. Each resolves when the bot has acknowledged the first delivery, or has not. */
export interface People extends Pick<Forms, 'submits'> {
  says(user: string, text: string, how?: SaysHow & { readonly deliver?: DeliverHow }): Promise<boolean>
  /** Writes, and nobody is told: for a delivery that a test makes by itself. */
  writes(user: string, text: string, how?: SaysHow): Message
  /** The message, a home or a dialog. `stale`: a button that an edit has taken away since, on a screen that is behind. */
  presses(
    user: string,
    on: string,
    label: string,
    how?: PressesHow & { readonly stale?: true; readonly deliver?: DeliverHow },
  ): Promise<boolean>
  edits(user: string, message: string, text: string): Promise<boolean>
  deletes(user: string, message: string): Promise<boolean>
  opensHome(user: string, tab?: 'home' | 'messages'): Promise<boolean>
  shortcut(user: string, callback: string, message: string): Promise<boolean>
  /** An administrator deactivates the account. Nobody is told of it: events get lost, and a process may not listen. */
  deactivated(user: string): void
}

export interface PeopleParts {
  readonly world: World
  readonly time: FakeTime
  readonly patience: number
  readonly follows: boolean
  readonly deliver: Deliver
  readonly responds: (place: Respond) => string // a new address for answers
}

/** To what an address for answers belongs. */
export interface Respond {
  readonly user: string
  readonly channel: string
  readonly message?: string
  readonly thread?: string
}

export function createPeople(parts: PeopleParts): People {
  const { world, deliver, follows } = parts
  const first = (delivery: Delivery, how: DeliverHow = {}): Promise<Attempt> =>
    new Promise(told => void deliver(delivery, { ...how, told }))
  const forms = createForms(parts, first)

  const origin = (user: string, channel: string, on?: Message): Origin => ({
    user,
    trigger: world.trigger(user),
    respond: parts.responds({
      user,
      channel,
      ...(on ? { message: on.ts } : {}),
      ...(on?.thread === undefined ? {} : { thread: on.thread }),
    }),
  })

  function placeFor(user: string, how: SaysHow): string {
    if (how.via === 'direct') return world.direct(user).id
    return how.channel === undefined ? ([...world.channels.keys()][0] ?? '') : world.channel(how.channel).id
  }

  function writes(name: string, text: string, how: SaysHow = {}): Message {
    const user = world.person(name).id
    const channel = placeFor(user, how)
    const mention = how.via === 'direct' ? '' : `<@${BOT.user}> `
    const message: Message = {
      ts: world.ts(),
      channel,
      user,
      ...(how.thread === undefined ? {} : { thread: how.thread }),
      files: [],
      text: `${mention}${typed(text, world)}`,
      past: [],
      edits: 0,
      deleted: false,
    }
    world.messages.push(message)
    world.tell({ is: 'message', message })
    return message
  }

  async function commands(user: string, text: string, how: SaysHow & { readonly deliver?: DeliverHow }): Promise<boolean> {
    const channel = placeFor(user, how)
    const { acked, answer } = await first(commandOf(world, channel, text, origin(user, channel)), how.deliver)
    // By HTTP a mere text will do as well.
    const said = typeof answer === 'string' ? { text: answer } : isJson(answer) ? answer : {}
    if (acked && (said['text'] || said['blocks'] !== undefined)) answers(said, { user, channel })
    return acked
  }

  /** An acknowledgement that says something is shown to whoever gave the command. */
  function answers(answer: Json, { user, channel }: Respond): void {
    const message = written(answer, world, { channel, ...(answer['response_type'] === 'in_channel' ? {} : { to: user }) })
    world.messages.push(message)
    world.tell({ is: 'message', message })
  }

  const byTs = (ts: string, channel?: string): Message => {
    const found = world.messages.find(
      one => one.ts === ts && (channel === undefined || one.channel === world.channel(channel).id),
    )
    if (!found) throw new Error(`the fake Slack has no message ${ts}`)
    return found
  }

  async function press(
    user: string,
    on: string,
    label: string,
    how: PressesHow & { readonly stale?: true; readonly deliver?: DeliverHow },
  ): Promise<boolean> {
    const view = world.views.get(on)
    const place = view ? { view } : { message: byTs(on, how.channel) }
    const found = buttonOn(world, place, label, how.stale === true)
    const where = view ? origin(user, '') : origin(user, byTs(on, how.channel).channel, byTs(on, how.channel))
    const opens = how.words === undefined ? undefined : forms.openedBy(where.trigger)
    const { acked } = await first(pressOf(world, place, found.block, found.button, where), how.deliver)
    if (!acked || opens === undefined) return acked
    const form = await opens
    return form !== undefined && forms.submits(form.id, how.words ?? '')
  }

  return {
    submits: forms.submits,
    writes,
    async says(name, text, how = {}) {
      const user = world.person(name).id
      if (how.via === 'command') return commands(user, text, how)
      const message = writes(user, text, how)
      // Where the bot is not, it is told of nothing.
      if (!world.channels.get(message.channel)?.members.has(BOT.user)) return false
      if (how.via === 'direct') return (await first(saidEvent(world, message, 'message'), how.deliver)).acked
      const all = [first(saidEvent(world, message, 'app_mention'), how.deliver)]
      if (follows) all.push(first(saidEvent(world, message, 'message'), how.deliver))
      return (await Promise.all(all)).every(({ acked }) => acked)
    },
    async presses(name, on, label, how = {}) {
      const user = world.person(name).id
      const all = Array.from({ length: how.times ?? 1 }, () => press(user, on, label, how))
      return (await Promise.all(all)).every(acked => acked)
    },
    async edits(_, ts, text) {
      const message = byTs(ts)
      const before = message.text
      message.text = `${before.startsWith(`<@${BOT.user}> `) ? `<@${BOT.user}> ` : ''}${typed(text, world)}`
      message.edits++
      message.edited = world.ts()
      world.tell({ is: 'edit', message })
      return (await first(editedEvent(world, message, before))).acked
    },
    async deletes(_, ts) {
      const message = byTs(ts)
      message.deleted = true
      world.tell({ is: 'deletion', message })
      return (await first(deletedEvent(world, message))).acked
    },
    opensHome: async (name, tab) => (await first(homeOpenedEvent(world, world.person(name).id, tab))).acked,
    deactivated(name) {
      const person = world.person(name)
      world.people.set(person.id, { ...person, kind: 'gone' })
    },
    async shortcut(name, callback, ts) {
      const message = byTs(ts)
      const user = world.person(name).id
      return (await first(shortcutOf(world, callback, message, origin(user, message.channel, message)))).acked
    },
  }
}

function buttonOn(world: World, place: { readonly message: Message } | { readonly view: View }, label: string, stale: boolean) {
  const now = 'view' in place ? listOf(place.view.shape['blocks']) : blocksOf(place.message)
  const shown = buttonsIn(now, world)
  const past = stale && 'message' in place ? place.message.past.toReversed().flatMap(blocks => buttonsIn(blocks, world)) : []
  const found = [...shown, ...past].find(one => one.label === label)
  if (!found)
    throw new Error(`there is no button ${label} to be pressed, but ${shown.map(one => one.label).join(', ') || 'none'}`)
  return found
}

/** What a person types, as Slack stores it: three characters escaped, and names of people and channels made into mentions. */
export function typed(text: string, world: World): string {
  const escaped = text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
  return escaped.replace(/(?<=^|\s)([@#])([a-z0-9_-]+)/g, (whole, mark: string, name: string) => {
    const all = mark === '@' ? world.people : world.channels
    const found = [...all.values()].find(one => one.name === name)
    if (!found) return whole
    return mark === '@' ? `<@${found.id}>` : `<#${found.id}|${name}>`
  })
}
