import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import type { Modal } from './bodies.ts'
import type { Interaction } from './interactions.ts'
import { shell } from './page-shell.ts'
import { channelsOf, logOf, peopleOf } from './page-view.ts'
import { inputsOf, type People } from './people.ts'
import type { Channel, Message, User, World } from './world.ts'

const Asked = z.looseObject({
  as: z.string(),
  channel: z.string(),
  text: z.string().default(''),
  via: z.enum(['mention', 'command', 'direct']).default('command'),
  message: z.string().default(''),
  id: z.string().default(''),
  ticket: z.string().default(''),
  words: z.record(z.string(), z.string()).default({}),
})
type Asked = z.infer<typeof Asked>

interface Opened {
  readonly modal: Modal
  readonly channel: Channel
  readonly user: User
  readonly source?: Message
}

/** The page at `/`: the conversation as one of its people sees it, and what that person can do. */
export function createPage(world: World, people: People): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const modals = new Map<string, Opened>()
  const somebody = () => [...world.users.values()].find(user => user.kind === 'person') ?? world.bot
  const userOf = (id: string | null) => world.users.get(id ?? '') ?? somebody()
  const placeOf = (id: string | null): Channel => (id === null || id === '' ? world.channelOf() : world.channelOf(id))

  const outcome = (answer: Interaction | undefined, source?: Message): object => {
    const modal = answer?.callback?.type === 9 ? answer.callback.data : undefined
    if (!answer || !modal) return { acknowledged: answer !== undefined }
    const ticket = randomBytes(9).toString('hex')
    modals.set(ticket, { modal, channel: answer.channel, user: answer.user, ...(source ? { source } : {}) })
    return { acknowledged: true, modal: { ticket, title: modal.title, inputs: inputsOf(modal) } }
  }
  const say = async (asked: Asked): Promise<object> => {
    const channel = placeOf(asked.channel)
    const via = channel.kind === 'direct' ? 'direct' : asked.via
    return { acknowledged: await people.says(userOf(asked.as).id, asked.text, { channel: channel.id, via }) }
  }
  const press = async (asked: Asked): Promise<object> => {
    const message = world.messages.get(asked.message)
    if (!message || message.deleted) return { acknowledged: false }
    return outcome(await people.press(userOf(asked.as), message, asked.id), message)
  }
  const submit = async (asked: Asked): Promise<object> => {
    const opened = modals.get(asked.ticket)
    if (!opened) return { acknowledged: false }
    modals.delete(asked.ticket)
    const words = new Map(Object.entries(asked.words))
    return outcome(await people.submit(opened.user, opened.channel, opened.modal, words, opened.source), opened.source)
  }
  const suggest = async (asked: Asked): Promise<object> => ({
    choices: (await people.types(userOf(asked.as).id, asked.text, { channel: placeOf(asked.channel).id })) ?? [],
  })
  const acts = new Map([
    ['/say', say],
    ['/press', press],
    ['/submit', submit],
    ['/suggest', suggest],
  ])

  const view = (url: URL): object => {
    const user = userOf(url.searchParams.get('as'))
    const channel = placeOf(url.searchParams.get('channel'))
    const title = channel.kind === 'direct' ? '@ signalbox' : `# ${channel.name}`
    const log = logOf(world, channel, user)
    return {
      channel: channel.id,
      as: user.id,
      title,
      log,
      channels: channelsOf(world, user, channel.id),
      people: peopleOf(world),
    }
  }

  return async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://page')
    const act = acts.get(url.pathname)
    if (request.method === 'POST' && act) return json(response, await act(Asked.parse(JSON.parse(await textOf(request)))))
    if (url.pathname === '/view') return json(response, view(url))
    if (url.pathname.startsWith('/attachments/')) return file(world, url, response)
    if (url.pathname !== '/') return void response.writeHead(404).end()
    const still = url.searchParams.has('still')
    const log = still ? logOf(world, placeOf(url.searchParams.get('channel')), userOf(url.searchParams.get('as'))) : ''
    const nonce = randomBytes(12).toString('base64url')
    const policy = `default-src 'none'; img-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'nonce-${nonce}'`
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy })
    response.end(shell(nonce, still, log))
  }
}

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function file(world: World, url: URL, response: ServerResponse): void {
  const [, , channel, id] = url.pathname.split('/')
  const found = [...world.messages.values()]
    .filter(one => one.channel === channel)
    .flatMap(one => one.files)
    .find(one => one.id === id)
  if (!found) return void response.writeHead(404).end()
  const type = found.name.endsWith('.png') ? 'image/png' : found.type
  response.writeHead(200, { 'content-type': type, 'x-content-type-options': 'nosniff' })
  response.end(found.bytes)
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}
