import { Secret, TOTP } from 'otpauth'
import type { Instant } from '../domain/ids.ts'
import type { Totp } from '../ports/seal.ts'

/** RFC 6238 with what every authenticator app takes when nothing else is said. */
const HOW = { algorithm: 'SHA1', digits: 6, period: 30 } as const
/** A step before and a step after: a phone's clock is seldom wrong by more, and typing takes a while. */
const WINDOW = 1
/** RFC 4226, section 4: 128 bits at least, 160 advised. */
const [FEWEST_BYTES, BYTES] = [16, 20]

export const totp: Totp = {
  counterOf(secret, code, at) {
    const token = code.replace(/[\s-]/g, '')
    if (!/^[0-9]{6}$/.test(token)) return undefined
    const delta = TOTP.validate({ ...HOW, token, secret: Secret.fromBase32(secret), timestamp: at, window: WINDOW })
    return delta === null ? undefined : TOTP.counter({ period: HOW.period, timestamp: at }) + delta
  },
}

/** In base32, as authenticator apps take it. */
export const newSecret = (): string => new Secret({ size: BYTES }).base32

/** A secret that was made elsewhere, as it may be written: undefined when it is none, or too short. */
export function readSecret(written: string): string | undefined {
  const secret = written.toUpperCase().replace(/[\s-]/g, '').replace(/=+$/, '')
  return /^[A-Z2-7]+$/.test(secret) && Math.floor((secret.length * 5) / 8) >= FEWEST_BYTES ? secret : undefined
}

/** In groups of four, for whoever types it. */
export const spaced = (secret: string): string => (secret.match(/.{1,4}/g) ?? []).join(' ')

/**
 * What the QR code says: github.com/google/google-authenticator/wiki/Key-Uri-Format. It leaves out what is the same without it, so
 * that the picture fits a terminal. No colon in a name: it parts the issuer from the person.
 */
export function uri(secret: string, person: string, site: string): string {
  const [issuer, label] = [`Signalbox ${site}`, person].map(name => encodeURIComponent(name.replaceAll(':', ' ')))
  return `otpauth://totp/${issuer}:${label}?secret=${secret}&issuer=${issuer}`
}

/** The code of that time: for whoever plays the phone. */
export const codeAt = (secret: string, at: Instant): string =>
  TOTP.generate({ ...HOW, secret: Secret.fromBase32(secret), timestamp: at })
