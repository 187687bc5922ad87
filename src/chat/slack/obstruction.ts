import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from '@slack/web-api'
import type { Millis } from '../../domain/ids.ts'
import { NotShown, type Obstruction } from '../../ports/chat.ts'

/** What a call was to do: after an unclear answer a post must be looked for, while a question or a whisper is simply repeated. */
export type Purpose = 'post' | 'edit' | 'whisper' | 'question'

/** "Too many", without the header that says for how long. */
export class TooMany extends Error {
  override name = 'TooMany'
}

/** As long as nobody says how long. */
const A_WHILE: Millis = 30_000

/**
 * Why Slack did not do it, sorted by what happens next. The reason names the method and Slack's own word for it, and nothing that was
 * sent: no token, no address and no text. A word that is no word is a page of something else, and proves nothing.
 */
export function obstructed(error: unknown, method: string, purpose: Purpose): NotShown {
  if (error instanceof NotShown) return error
  if (error instanceof WebAPIRateLimitedError) return limited(error.retryAfter * 1000)
  if (error instanceof WebAPIPlatformError) return refusedWith(error.data.error, neededIn(error.data), method, purpose)
  if (error instanceof WebAPIHTTPError) return uncertain(purpose, `Slack answered ${method} with status ${error.statusCode}`)
  const cause = error instanceof WebAPIRequestError ? error.original : error
  if (cause instanceof TooMany) return limited(A_WHILE)
  const code = codeOf(cause)
  if (code !== undefined && UNSENT.has(code)) return new NotShown('later', `Slack cannot be reached (${code})`)
  const late = cause instanceof Error && (cause.name === 'TimeoutError' || cause.name === 'AbortError')
  return uncertain(
    purpose,
    late ? `Slack did not answer ${method} in time` : `the connection broke while Slack answered ${method}`,
  )
}

const limited = (after: Millis): NotShown =>
  new NotShown('later', `Slack takes no more calls for ${Math.ceil(after / 1000)} s`, { after })

/** Whispered twice is better than not at all, and a question has no effect. */
const uncertain = (purpose: Purpose, why: string): NotShown =>
  new NotShown(purpose === 'question' || purpose === 'whisper' ? 'later' : 'unclear', why)

function refusedWith(word: string, needed: string | undefined, method: string, purpose: Purpose): NotShown {
  if (!/^[a-z0-9_:.]{1,80}$/.test(word)) return uncertain(purpose, `Slack answered ${method} with something that is no answer`)
  if (word === 'ratelimited' || word === 'rate_limited') return limited(A_WHILE)
  if (BROKEN.has(word)) return uncertain(purpose, `Slack answered ${method} with ${word}`)
  const how: Obstruction = WORDS.get(word) ?? 'refused'
  return new NotShown(how, `Slack does not do ${method}: ${word}${needed === undefined ? '' : ` (${needed})`}`)
}

/** With `missing_scope` Slack says which one. */
function neededIn(answer: object): string | undefined {
  const needed = 'needed' in answer ? answer.needed : undefined
  return typeof needed === 'string' && /^[a-z_.:,]{1,200}$/.test(needed) ? needed : undefined
}

/** Something of it may have happened all the same. */
const BROKEN: ReadonlySet<string> = new Set(['internal_error', 'fatal_error', 'service_unavailable', 'request_timeout'])

/** Slack's words, from the error lists of docs.slack.dev/reference/methods. What is not here is about the message itself. */
const WORDS: ReadonlyMap<string, Obstruction> = new Map([
  ...named('gone', 'message_not_found cant_update_message edit_window_closed thread_not_found'),
  ...named('closed', 'channel_not_found is_archived is_inactive not_in_channel user_not_in_channel restricted_action'),
  ...named(
    'closed',
    'restricted_action_non_threadable_channel restricted_action_read_only_channel restricted_action_thread_locked',
  ),
  ...named('closed', 'restricted_action_thread_only_channel messages_tab_disabled channel_type_not_supported'),
  ...named('closed', 'method_not_supported_for_channel_type team_access_not_granted'),
  ...named('revoked', 'invalid_auth not_authed token_revoked token_expired account_inactive missing_scope no_permission'),
  ...named('revoked', 'not_allowed_token_type access_denied org_login_required app_uninstalled'),
])

function named(how: Obstruction, words: string): readonly (readonly [string, Obstruction])[] {
  return words.split(' ').map(word => [word, how])
}

/** The connection never came to be, so nothing was sent. */
const UNSENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
])

function codeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++)
    if ('code' in at && typeof at.code === 'string') return at.code
  return undefined
}
