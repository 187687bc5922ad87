import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageComplaints } from './limits.ts'
import { written } from './methods-chat.ts'
import type { Respond } from './people.ts'
import { answerJson, bodyOf, isJson, isTrue, listOf, parsed, textOf } from './wire.ts'
import type { Json, World } from './world.ts'

/** "Up to 5 times within 30 minutes", says docs.slack.dev/interactivity/handling-user-interaction. */
const USES = { times: 5, within: 30 * 60_000 }

/** Addresses to which an answer to one interaction can be posted without any token. */
export interface Responses {
  open(place: Respond): string
  answer(id: string, request: IncomingMessage, response: ServerResponse): Promise<void>
}

export function createResponses(world: World, origin: () => string, invalid: string[]): Responses {
  const places = new Map<string, { readonly place: Respond; readonly until: number; left: number }>()
  return {
    open(place) {
      const id = world.id('respond')
      places.set(id, { place, until: world.now() + USES.within, left: USES.times })
      return `${origin()}/respond/${id}`
    },
    async answer(id, request, response) {
      const body = parsed((await bodyOf(request)).toString('utf8'))
      const known = places.get(id)
      if (!known || known.left-- <= 0 || world.now() > known.until)
        return answerJson(response, 404, { ok: false, error: 'expired_url' })
      const wrong = isJson(body)
        ? messageComplaints(body, isTrue(body['replace_original']))
        : [{ error: 'invalid_payload', says: 'no JSON' }]
      invalid.push(
        ...wrong.filter(() => !isTrue(isJson(body) && body['delete_original'])).map(({ says }) => `response_url: ${says}`),
      )
      if (!isJson(body) || (wrong[0] && !isTrue(body['delete_original'])))
        return answerJson(response, 400, { ok: false, error: wrong[0]?.error })
      responded(world, known.place, body)
      answerJson(response, 200, { ok: true })
    },
  }
}

function responded(world: World, { user, channel, message, thread }: Respond, body: Json): void {
  const original = world.messages.find(one => one.channel === channel && one.ts === message)
  if (original && isTrue(body['delete_original'])) {
    original.deleted = true
    world.tell({ is: 'deletion', message: original })
  } else if (original && isTrue(body['replace_original'])) {
    original.past.push(original.blocks ?? [])
    original.text = textOf(body['text']) ?? ''
    original.blocks = listOf(body['blocks'])
    original.edits++
    world.tell({ is: 'edit', message: original })
  } else {
    const to = body['response_type'] === 'in_channel' ? {} : { to: user }
    const made = written(body, world, { channel, thread: textOf(body['thread_ts']) ?? thread, ...to })
    world.messages.push(made)
    world.tell({ is: 'message', message: made })
  }
}
