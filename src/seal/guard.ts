import { same } from './seal.ts'

/** What a request to the page says of itself. */
export interface Knock {
  readonly method: string
  readonly path: string
  readonly host?: string | undefined
  readonly origin?: string | undefined
  readonly from?: string | undefined // Sec-Fetch-Site
  readonly type?: string | undefined
  readonly pass?: string | undefined // of the cookie
}

/** The one page there is: where it lies, and the pass of the browser that opened it first. */
export interface Door {
  readonly host: string // "127.0.0.1:49152"
  readonly path: string // "/" and the token
  readonly pass?: string
}

export interface TurnedAway {
  readonly status: 400 | 403 | 404 | 405
  readonly says: string
}

/**
 * Why a request gets nothing. The host first: a name that somebody makes lead here (DNS rebinding) must not even learn whether the
 * path is right. A browser says where a form comes from; what says nothing, or `null`, is no form of ours.
 */
export function turnedAway(knock: Knock, door: Door): TurnedAway | undefined {
  if (knock.host !== door.host) return { status: 403, says: `This page is at http://${door.host} and under no other name.` }
  if (!same(knock.path, door.path)) return { status: 404, says: 'There is nothing here.' }
  if (knock.method !== 'GET' && knock.method !== 'POST')
    return { status: 405, says: 'This page is read and answered, and nothing else.' }
  return knock.method === 'GET' ? reading(knock, door) : answering(knock, door)
}

function reading({ from, origin, pass }: Knock, door: Door): TurnedAway | undefined {
  if (origin !== undefined || (from !== undefined && from !== 'none' && from !== 'same-origin'))
    return { status: 403, says: 'Open this page yourself: copy its address out of the terminal.' }
  if (door.pass !== undefined && !has(pass, door.pass))
    return {
      status: 403,
      says: 'This page was opened already, and only that browser sees it again. If that was not you, stop the command in the terminal and start it anew.',
    }
  return undefined
}

function answering({ from, origin, type, pass }: Knock, door: Door): TurnedAway | undefined {
  if (origin !== `http://${door.host}` || (from !== undefined && from !== 'same-origin'))
    return { status: 403, says: 'The code is taken from the page itself, and from nowhere else.' }
  if (door.pass === undefined || !has(pass, door.pass))
    return { status: 403, says: 'The code is taken from the browser that opened the page.' }
  return type?.split(';')[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded'
    ? undefined
    : { status: 400, says: 'That is not the form of this page.' }
}

const has = (pass: string | undefined, wanted: string): boolean => pass !== undefined && same(pass, wanted)
