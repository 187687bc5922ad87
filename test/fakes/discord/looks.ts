import type { Ping, Shown } from '../workspace.ts'
import { lines, type Pen } from './markdown.ts'
import { buttonsOf, type Message, titleOf, type World } from './world.ts'

/** A message as a person reads it: everything rendered, nothing of the markup left. */
export function linesOf(world: World, message: Message): readonly string[] {
  if (message.loading) return []
  const pen = penOf(world)
  const out: string[] = []
  const write = (text: string | null | undefined) => {
    for (const line of lines(text ?? '', pen))
      if (line.is.replace(/[\s\u200b]/g, '') !== '') out.push(line.mark === 'item' ? `• ${line.is}` : line.is)
  }
  write(message.content)
  for (const embed of message.embeds) {
    out.push(...plain(embed.author?.name))
    write(embed.title)
    write(embed.description)
    for (const { name, value } of embed.fields ?? []) {
      write(name)
      write(value)
    }
    // An author and a footer are plain text to Discord: what looks like markup in them is shown as it is.
    out.push(...plain(embed.footer?.text))
  }
  for (const row of message.rows) out.push(row.components.map(button => `[${titleOf(button)}]`).join(' '))
  return out
}

const plain = (text: string | undefined): readonly string[] => (text === undefined || text === '' ? [] : text.split('\n'))

const penOf = (world: World): Pen => ({
  plain: text => text,
  styled: (_, inner) => inner,
  mention: (kind, id) => nameOf(world, kind, id),
  when: seconds => `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
  link: text => text,
})

export function nameOf(world: World, kind: 'user' | 'role' | 'channel', id: string): string {
  if (kind === 'user') return `@${world.users.get(id)?.name ?? 'unknown-user'}`
  if (kind === 'role') return `@${world.roles.find(role => role.id === id)?.name ?? 'deleted-role'}`
  return `#${world.channels.get(id)?.name ?? 'unknown'}`
}

export function shownOf(world: World, message: Message): Shown {
  const place = world.channels.get(message.channel)
  const parent = place?.kind === 'thread' ? place.parent : undefined
  const key = keyOf(message)
  return {
    channel: parent ?? message.channel,
    message: message.id,
    ...(parent === undefined ? {} : { thread: message.channel }),
    lines: linesOf(world, message),
    buttons: buttonsOf(message)
      .filter(one => one.disabled !== true)
      .map(titleOf),
    edits: message.edits,
    deleted: message.deleted,
    ...(message.to === undefined ? {} : { ephemeralTo: message.to }),
    files: message.files.map(file => file.name),
    ...(key === undefined ? {} : { key }),
  }
}

/** What names a message for ever: its nonce, else the last embed's footer. */
export const keyOf = (message: Pick<Message, 'nonce' | 'embeds'>): string | undefined =>
  message.nonce ?? message.embeds.at(-1)?.footer?.text

/** Threads stand after the message that they belong to, however much later they were written. */
export function inOrder(world: World, channel?: string): readonly Message[] {
  const all = [...world.messages.values()].filter(one => one.type !== 21)
  const places = new Map<string, Message[]>()
  for (const one of all) places.get(one.channel)?.push(one) ?? places.set(one.channel, [one])
  const written = (place: string): readonly Message[] => places.get(place) ?? []
  const roots = [...world.channels.values()].filter(one => one.kind !== 'thread' && (channel === undefined || one.id === channel))
  if (channel !== undefined && roots.length === 0) return written(channel)
  return roots.flatMap(root => {
    const own = written(root.id).flatMap(message => [message, ...written(message.id)])
    const loose = [...world.channels.values()].filter(one => one.parent === root.id && !world.messages.has(one.id))
    return [...own, ...loose.flatMap(thread => written(thread.id))]
  })
}

/**
 * Whom the content of a message rings: embeds ring nobody, and neither do escapes or code keep from it, as the names are read
 * from the raw text. What `allowed` does not name does not ring.
 */
export function pingsOf(
  world: World,
  message: Message,
  allowed: { users?: string[] | undefined; roles?: string[] | undefined; parse?: string[] | undefined },
): readonly Ping[] {
  if (message.to !== undefined) return []
  const at = { channel: message.channel, message: message.id }
  const may = (kind: string, id: string, named?: string[]) =>
    allowed.parse?.includes(kind) === true || named?.includes(id) === true
  const found: Ping[] = []
  for (const [whole, kind, id = ''] of message.content.matchAll(/@everyone|@here|<@([!&]?)(\d+)>/g)) {
    if (kind === undefined && may('everyone', '')) found.push({ whom: whole, ...at })
    if (kind === '&' && may('roles', id, allowed.roles)) found.push({ whom: nameOf(world, 'role', id), ...at })
    if ((kind === '' || kind === '!') && may('users', id, allowed.users)) found.push({ whom: id, ...at })
  }
  return found
}
