import type { IncomingMessage, ServerResponse } from 'node:http'
import { conversationHtml, formsHtml, type Look } from './page-look.ts'
import { pageHtml } from './page-shell.ts'
import type { People } from './people.ts'
import { answerJson, bodyOf, isJson, parsed, textOf } from './wire.ts'
import type { Json, World } from './world.ts'

/** A page that shows the workspace as a person would see it, and on which one can take part. */
export function createPage(world: World, people: People) {
  return async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const { pathname } = url
    if (pathname === '/do' && request.method === 'POST') return act(request, response)
    if (pathname.startsWith('/files/')) return file(pathname.slice('/files/'.length), response)
    if (pathname.startsWith('/archives/')) return redirect(response, pathname.split('/')[2] ?? '')
    if (pathname !== '/' && pathname !== '/page.json') return answerJson(response, 404, { ok: false, error: 'not_found' })
    const look = lookOf(url.searchParams)
    if (pathname === '/page.json')
      return answerJson(response, 200, { conversation: conversationHtml(world, look), forms: formsHtml(world, look) })
    const self = "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'none'"
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': self })
    response.end(pageHtml(world, look))
  }

  function lookOf(query: URLSearchParams): Look {
    const person = [...world.people.values()].find(
      ({ id, name, kind }) => kind !== 'bot' && [id, name].includes(query.get('as') ?? id),
    )
    const as = person?.id ?? 'nobody'
    const wanted = query.get('channel') ?? ''
    const found =
      world.channels.get(wanted) ?? [...world.channels.values()].find(({ name, im }) => im === undefined && name === wanted)
    const first = [...world.channels.keys()][0] ?? ''
    return { as, channel: wanted === 'home' ? 'home' : (found?.id ?? first), still: query.has('still') }
  }

  function file(id: string, response: ServerResponse): void {
    const found = world.files.get(id)
    if (found?.bytes)
      response.writeHead(200, { 'content-type': found.type, 'x-content-type-options': 'nosniff' }).end(found.bytes)
    else answerJson(response, 404, { ok: false, error: 'file_not_found' })
  }

  /** Only with a body of JSON, which no other page's form can send. */
  async function act(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = parsed((await bodyOf(request)).toString('utf8'))
    if (request.headers['content-type'] !== 'application/json' || !isJson(body))
      return answerJson(response, 415, { acked: false })
    try {
      answerJson(response, 200, { acked: await done(body) })
    } catch (error) {
      answerJson(response, 200, { acked: false, why: error instanceof Error ? error.message : String(error) })
    }
  }

  async function done(what: Json): Promise<boolean> {
    const as = textOf(what['as']) ?? ''
    switch (what['do']) {
      case 'say':
        return say(as, textOf(what['text']) ?? '', textOf(what['channel']) ?? '')
      case 'press':
        return people.presses(as, textOf(what['on']) ?? '', textOf(what['label']) ?? '')
      case 'submit':
        return people.submits(textOf(what['view']) ?? '', wordsOf(what['words']))
      case 'close': {
        const view = world.views.get(textOf(what['view']) ?? '')
        if (view) view.open = false
        return true
      }
      case 'home':
        return people.opensHome(as)
      default:
        return false
    }
  }

  /** Whoever writes in a channel of the page speaks to the bot; a slash command is one. */
  function say(as: string, text: string, wanted: string): Promise<boolean> {
    const { channel } = lookOf(new URLSearchParams({ channel: wanted, as }))
    const command = /^\/signalbox\b\s*/.exec(text)
    if (command) return people.says(as, text.slice(command[0].length), { channel, via: 'command' })
    if (world.channel(channel).im !== undefined) return people.says(as, text, { via: 'direct' })
    return people.says(as, text.replace(/^@signalbox\s+/, ''), { channel })
  }
}

const wordsOf = (value: unknown): Readonly<Record<string, string>> =>
  isJson(value) ? Object.fromEntries(Object.entries(value).map(([block, words]) => [block, String(words)])) : {}

function redirect(response: ServerResponse, channel: string): void {
  response.writeHead(302, { location: `/?${new URLSearchParams({ channel }).toString()}` })
  response.end()
}
