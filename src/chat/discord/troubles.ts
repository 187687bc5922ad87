import { DiscordAPIError, HTTPError, RateLimitError } from 'discord.js'
import { seconds } from '../../domain/ids.ts'
import { NotShown, type Obstruction } from '../../ports/chat.ts'
import { BreakerOpen } from './breaker.ts'

/** Discord's codes, each with what happens next. */
const CODES: Readonly<Record<number, Obstruction>> = {
  10008: 'gone', // unknown message
  10003: 'closed', // unknown channel
  10004: 'closed', // unknown guild
  50001: 'closed', // missing access
  50007: 'closed', // takes no direct messages
  50013: 'closed', // missing permissions
  50024: 'closed', // not in a channel of that kind
  50083: 'closed', // the thread is archived
  160005: 'closed', // the thread is locked
  160006: 'closed', // too many threads
  30046: 'later', // too many edits of old messages in an hour
  40001: 'revoked',
  50014: 'revoked', // invalid token
}

/** Nothing left this machine: nobody was reached, or the token was taken away and none is sent. */
const UNSENT = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|Expected token to be set/

/**
 * Why a call came to nothing. `changes` is whether it may have done something: then no answer means that nobody knows. The text has no
 * address in it, as those carry the tokens of interactions.
 */
export function obstructed(error: unknown, changes: boolean): NotShown {
  if (error instanceof NotShown) return error
  if (error instanceof BreakerOpen) return new NotShown('later', error.message, { after: error.after })
  if (error instanceof RateLimitError)
    return new NotShown('later', 'Discord takes no more calls just now', { after: Math.max(0, error.retryAfter) })
  if (error instanceof DiscordAPIError) return refused(error)
  if (error instanceof HTTPError) return unanswered(`Discord answered ${error.status}`, changes)
  const text = error instanceof Error ? `${error.name} ${error.message} ${causeOf(error)}` : String(error)
  if (UNSENT.test(text)) return new NotShown('later', 'Discord could not be reached')
  return unanswered('Discord did not answer', changes)
}

/** The answer was no answer of Discord's: a page of something in between. */
export const unreadable = (changes: boolean): NotShown => unanswered('Discord answered something that is not its own', changes)

function refused(error: DiscordAPIError): NotShown {
  const code = Number(error.code)
  const why = `Discord says no: ${error.message.slice(0, 300)} (${error.code})`
  const known = CODES[code]
  if (known !== undefined) return new NotShown(known, why, known === 'later' ? { after: seconds(60) } : {})
  if (error.status === 401) return new NotShown('revoked', why)
  if (error.status === 403) return new NotShown('closed', why)
  return new NotShown('refused', why)
}

const unanswered = (why: string, changes: boolean): NotShown => new NotShown(changes ? 'unclear' : 'later', why)

function causeOf({ cause }: Error): string {
  if (!(cause instanceof Error)) return ''
  const code = Reflect.get(cause, 'code')
  return `${typeof code === 'string' ? code : ''} ${cause.message}`
}
