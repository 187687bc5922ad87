import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Digest } from '../domain/ids.ts'
import { NotOurs, type Seal } from '../ports/seal.ts'
import { CannotSeal } from './cannot-seal.ts'
import { faultOf, KNOWN } from './known-answers.ts'

/**
 * The seal for this key, once it has answered as it must: an encryptor that does nothing would otherwise be found out by whoever
 * steals the database. `make` is what makes one of a key. Throws CannotSeal.
 */
export function openSeal(key: Uint8Array, make: (key: Uint8Array) => Seal = sealWith): Seal {
  const seal = make(key)
  const fault = faultOf(make(KNOWN.key), seal)
  if (fault === undefined) return seal
  throw new CannotSeal(
    `Signalbox does not start, because its encryption does not do what it must: ${fault}. Install Node.js and Signalbox anew.`,
  )
}

/** Each purpose has a key of its own, so that what was made for one is worth nothing for another. */
export function sealWith(key: Uint8Array): Seal {
  if (key.length < 32) throw new CannotSeal(`A seal key has 32 bytes at least, and this one has ${key.length}. Use a longer one.`)
  const forSigning = derived(key, 'sign')
  const forClosing = derived(key, 'close')
  const forHashing = derived(key, 'hash')
  const sign = (text: string): string => createHmac('sha256', forSigning).update(text).digest('base64url')
  return {
    sign,
    matches: (text, mac) => same(sign(text), mac),
    close: secret => close(forClosing, secret),
    open: sealed => open(forClosing, sealed),
    code,
    hash: code => createHmac('sha256', forHashing).update(asTyped(code)).digest('hex') as Digest,
  }
}

const derived = (key: Uint8Array, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, 'signalbox', `signalbox ${purpose} 1`, 32))

/** In constant time: how long it takes tells nothing of where they differ. */
export function same(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}

const CIPHER = 'aes-256-gcm'
const VERSION = 'v1.'
const [NONCE, TAG] = [12, 16]

function close(key: Buffer, secret: string): string {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG })
  const closed = Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${VERSION}${closed.toString('base64url')}`
}

function open(key: Buffer, sealed: string): string {
  const closed = Buffer.from(sealed.slice(VERSION.length), 'base64url')
  if (!sealed.startsWith(VERSION) || closed.length < NONCE + TAG) throw new NotOurs('that is nothing that was sealed here')
  const cipher = createDecipheriv(CIPHER, key, closed.subarray(0, NONCE), { authTagLength: TAG })
  cipher.setAuthTag(closed.subarray(-TAG))
  try {
    return Buffer.concat([cipher.update(closed.subarray(NONCE, -TAG)), cipher.final()]).toString('utf8')
  } catch (cause) {
    throw new NotOurs('it was sealed with another key, or was changed since', { cause })
  }
}

/** Crockford's 32: no I, L, O and U. Five bits each, and a byte picks one without favour. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

function code(): string {
  const letters = [...randomBytes(8)].map(byte => LETTERS[byte & 31]).join('')
  return `${letters.slice(0, 4)}-${letters.slice(4)}`
}

/** The code that was meant: as large letters, with the digits that people read as letters. */
const asTyped = (code: string): string =>
  code
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1')
